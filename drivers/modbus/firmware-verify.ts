// Device ─► verdict: its files read back and held against the image, octet by octet; else what its loader says of it. It only reads.

import { ImageReader, sameOctets } from '../../src/contract/image-reader.ts';
import { fail, ok, type Result } from '../../src/model/result.ts';
import { mostHeld } from './firmware-blocks.ts';
import type { DeviceLoader, LoaderAnswer } from './firmware-loader.ts';
import { patienceWith, type TransferParts } from './firmware-transfer.ts';

/** A text: what is different, or why it could not be told. */
export async function verifyImage(parts: Omit<TransferParts, 'isStill'>): Promise<Result<void, string>> {
  const { loader, image, watch } = parts;
  const patience = patienceWith(parts, loader.place, watch.signal);
  const reader = new ImageReader(image);
  let at = 0;
  const answered = async <T>(ask: () => Promise<LoaderAnswer<T>>): Promise<LoaderAnswer<T> | string> => {
    for (;;) {
      const answer = await patience.answer(ask());
      if (answer === undefined || patience.isAborted) return `stopped after ${at} of ${image.size} octets`;
      if (answer.kind === 'done' || answer.kind === 'refused') return answer;
      if (!(await patience.again())) return `${answer.words} after ${at} of ${image.size} octets`;
    }
  };
  watch.progress(0);
  if (loader.place.image.kind === 'registers') return saidOf(loader, image.size, answered, 'its blocks');
  while (at < image.size) {
    const from = at;
    const back = await answered(async () => (await loader.readBack(from, image.size - from)) ?? nothing);
    if (typeof back === 'string') return fail(back);
    if (back.kind !== 'done') {
      if (at > 0) return fail(`${back.words} to octet ${at} and what follows`);
      return saidOf(loader, image.size, answered, `its files (${back.words})`);
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

const stillBusy = { kind: 'busy', words: 'it says `busy`' } as const;
const nothing = { kind: 'refused', words: 'it gives nothing back' } as const;

type Answered = <T>(ask: () => Promise<LoaderAnswer<T>>) => Promise<LoaderAnswer<T> | string>;

/** What cannot be read back: the loader's own verdict, and how much it holds where it tells. */
async function saidOf(
  loader: DeviceLoader,
  size: number,
  answered: Answered,
  what: string,
): Promise<Result<void, string>> {
  const { status, received } = loader.place;
  const unread = `${what} cannot be read back`;
  if (status !== undefined) {
    const state = await answered(async () => {
      const said = await loader.status(status.at, status.states);
      return said.kind === 'done' && said.value === 'busy' ? stillBusy : said;
    });
    if (typeof state === 'string') return fail(state);
    if (state.kind !== 'done') return fail(`${unread}, and ${state.words}`);
    const verifies = [...status.states.values()].includes('verified');
    if (state.value === 'error' || (verifies && state.value !== 'verified'))
      return fail(`${unread}, and it says \`${state.value}\``);
    if (verifies && received === undefined) return ok(undefined);
  }
  if (received === undefined) return fail(`${unread}, and nothing else tells what it holds`);
  const holds = await answered(() => loader.number(received));
  if (typeof holds === 'string') return fail(holds);
  if (holds.kind !== 'done') return fail(`${unread}, and ${holds.words} to what it holds`);
  const holdsImage = holds.value >= size && holds.value <= mostHeld(loader.place.image, size);
  return holdsImage ? ok(undefined) : fail(`${unread}, and it holds ${holds.value} octets, expected ${size}`);
}
