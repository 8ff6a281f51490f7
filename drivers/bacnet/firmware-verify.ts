// Device ─► verdict: the file read back and held against the image, octet by octet. It only reads.
// 1. A file that cannot be read back is held against the image by its size alone. 2. What is behind the image is none of it.

import { ImageReader, sameOctets } from '../../src/contract/image-reader.ts';
import { Patience } from '../../src/contract/patience.ts';
import { fail, ok, type Result } from '../../src/model/result.ts';
import type { FileAnswer } from './firmware-file.ts';
import type { TransferParts } from './firmware-transfer.ts';

/** A text: what is different, or why it could not be told. */
export async function verifyImage({
  file,
  image,
  place,
  watch,
  clock,
  timers,
}: TransferParts): Promise<Result<void, string>> {
  const patience = new Patience({ clock, timers }, watch.signal, place.stallMs);
  const reader = new ImageReader(image);
  let at = 0;
  const answered = async <T>(ask: () => Promise<FileAnswer<T>>): Promise<FileAnswer<T> | string> => {
    for (;;) {
      const answer = await patience.answer(ask());
      if (answer === undefined || patience.isAborted) return `stopped after ${at} of ${image.size} octets`;
      if (answer.kind !== 'lost' && answer.kind !== 'busy' && answer.kind !== 'gone') return answer;
      if (!(await patience.again())) return `${answer.words} after ${at} of ${image.size} octets`;
    }
  };
  watch.progress(0);
  while (at < image.size) {
    const back = await answered(() => file.read(at, image.size - at));
    if (typeof back === 'string') return fail(back);
    if (back.kind !== 'done') {
      if (at > 0) return fail(`${back.words} to octet ${at} and what follows`);
      return sizeAlone(await answered(() => file.size()), image.size, back.words);
    }
    if (back.value.length === 0) return fail(`the device holds ${at} octets, expected ${image.size}`);
    const same = sameOctets(back.value, await reader.octets(at, back.value.length));
    if (same < back.value.length) return fail(`the device holds another octet than the image at place ${at + same}`);
    at += same;
    patience.renew();
    watch.progress(at);
  }
  return ok(undefined);
}

function sizeAlone(size: FileAnswer<number> | string, expected: number, words: string): Result<void, string> {
  const unread = `its file cannot be read back (${words})`;
  if (typeof size === 'string') return fail(`${unread}, nor its size: ${size}`);
  if (size.kind !== 'done') return fail(`${unread}, nor its size: ${size.words}`);
  return size.value === expected
    ? ok(undefined)
    : fail(`${unread}, and it is of ${size.value} octets, expected ${expected}`);
}
