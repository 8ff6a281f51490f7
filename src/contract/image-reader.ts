// image ─► chunks: pieces of an image in order, one block read ahead, so that a transfer never waits for the disk.
// 1. Two blocks are all that is in memory.

import type { ImageSource } from './firmware.ts';

const BLOCK = 65_536;

export class ImageReader {
  readonly #image: ImageSource;
  /** By their number; the one in use and the one behind it. */
  readonly #blocks = new Map<number, Promise<Uint8Array>>();
  #current: { readonly from: number; readonly octets: Uint8Array } = { from: 0, octets: new Uint8Array() };

  constructor(image: ImageSource) {
    this.#image = image;
  }

  /** Exactly `length` octets of the image, or a promise of them. Throws or rejects where they cannot be read. */
  octets(at: number, length: number): Uint8Array | Promise<Uint8Array> {
    const start = at - this.#current.from;
    return start >= 0 && start + length <= this.#current.octets.length
      ? this.#current.octets.subarray(start, start + length)
      : this.#gather(at, length);
  }

  async #gather(at: number, length: number): Promise<Uint8Array> {
    const gathered = new Uint8Array(length);
    for (let filled = 0; filled < length; ) {
      const number = Math.floor((at + filled) / BLOCK);
      const octets = await this.#block(number);
      this.#current = { from: number * BLOCK, octets };
      const piece = octets.subarray(at + filled - number * BLOCK, at + length - number * BLOCK);
      if (piece.length === 0) throw new Error(`the image ends before octet ${at + length}`);
      gathered.set(piece, filled);
      filled += piece.length;
    }
    return gathered;
  }

  #block(number: number): Promise<Uint8Array> {
    for (const known of this.#blocks.keys()) if (known !== number && known !== number + 1) this.#blocks.delete(known);
    for (const wanted of [number, number + 1]) {
      if (this.#blocks.has(wanted) || wanted * BLOCK >= this.#image.size) continue;
      const block = this.#image.read(wanted * BLOCK, Math.min(BLOCK, this.#image.size - wanted * BLOCK));
      // Whoever comes for it hears of a fault; where nobody does, it is nobody's.
      block.catch(() => undefined);
      this.#blocks.set(wanted, block);
    }
    return this.#blocks.get(number) ?? Promise.resolve(new Uint8Array());
  }
}

/** How many octets at their beginning are the same. */
export function sameOctets(one: Uint8Array, other: Uint8Array): number {
  let at = 0;
  while (at < one.length && one[at] === other[at]) at += 1;
  return at;
}
