// A firmware image as the boot loaders of the simulated devices read it: a header that says what it is, then code.
// Header, big-endian: magic (4 octets), length of the whole (4), CRC-32 of everything from octet 12 on (4), vendor (24),
// model (24), version (12), texts in ASCII filled up with zeros.

import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';

const MAGIC = 'NWFW';
const CHECKED_FROM = 12;
const VENDOR = { at: 12, length: 24 } as const;
const MODEL = { at: 36, length: 24 } as const;
const VERSION = { at: 60, length: 12 } as const;

/** Octets a boot loader must have seen before it knows what it gets. */
export const IMAGE_HEADER_OCTETS = 72;

export interface ImageHeader {
  /** Octets of the whole image, header included. */
  readonly size: number;
  readonly vendor: string;
  readonly model: string;
  readonly version: string;
}

/** A whole image. `size`: octets, header included, at least 72; texts are cut to what the header has room for. */
export function buildImage({ vendor, model, version, size }: ImageHeader): Buffer {
  const image = Buffer.alloc(Math.max(size, IMAGE_HEADER_OCTETS));
  image.write(MAGIC, 0, 'latin1');
  image.writeUInt32BE(image.length, 4);
  for (const [field, text] of [[VENDOR, vendor] as const, [MODEL, model] as const, [VERSION, version] as const])
    image.write(text.slice(0, field.length), field.at, 'latin1');
  // Code that nothing can be left out of unnoticed, another one for each version.
  let word = crc32(`${vendor} ${model} ${version}`) | 1;
  for (let at = IMAGE_HEADER_OCTETS; at < image.length; at += 4) {
    word = (Math.imul(word, 1_664_525) + 1_013_904_223) >>> 0;
    for (let octet = 0; octet < 4 && at + octet < image.length; octet += 1) image[at + octet] = word >>> (8 * octet);
  }
  image.writeUInt32BE(crc32(image.subarray(CHECKED_FROM)), 8);
  return image;
}

/** What the first octets say; `undefined` where they are no header. */
export function headerOf(octets: Buffer): ImageHeader | undefined {
  if (octets.length < IMAGE_HEADER_OCTETS || octets.toString('latin1', 0, 4) !== MAGIC) return undefined;
  const text = ({ at, length }: typeof VENDOR | typeof MODEL | typeof VERSION): string =>
    octets.toString('latin1', at, at + length).replace(/\0+$/, '');
  return { size: octets.readUInt32BE(4), vendor: text(VENDOR), model: text(MODEL), version: text(VERSION) };
}

/** The image that stands at the beginning of a memory, whole and undamaged; `undefined` where there is none. */
export function imageIn(memory: Buffer): Buffer | undefined {
  const header = headerOf(memory);
  if (header === undefined || memory.length < header.size) return undefined;
  const image = memory.subarray(0, header.size);
  return crc32(image.subarray(CHECKED_FROM)) === image.readUInt32BE(8) ? image : undefined;
}

/** What would run if a device got its power now. `version` of what is torn is unknown. */
export interface Runnable {
  readonly digest: string;
  readonly version: string | undefined;
}

/** What a boot loader would run of this memory. */
export function runnableIn(memory: Buffer): Runnable {
  const image = imageIn(memory);
  return image === undefined
    ? { digest: digestOf(memory), version: undefined }
    : { digest: digestOf(image), version: headerOf(image)?.version };
}

/** Which of two images would run; `torn`: neither of them. */
export function whichOf({ digest }: Runnable, old: Buffer, fresh: Buffer): 'old' | 'new' | 'torn' {
  if (digest === digestOf(fresh)) return 'new';
  return digest === digestOf(old) ? 'old' : 'torn';
}

/** SHA-256, lower-case hex. */
export function digestOf(octets: Buffer): string {
  return createHash('sha256').update(octets).digest('hex');
}
