// Reading an image a few octets at a time, for several devices at once, without asking the disk each time. Invariants: 1. a few
// pieces are in memory, never the whole; 2. who asks for a piece that is being read waits for that one; 3. a fault is not kept;
// 4. what is given is what was verified, octet for octet, whatever became of the file since.

import { createHash } from 'node:crypto';

const PIECE = 65_536;
const MOST_PIECES = 8;

type Read = (offset: number, length: number) => Promise<Uint8Array>;

/** SHA-256 of each piece of what is taken, in order. */
export class PieceDigests {
  readonly #ended: string[] = [];
  #hash = createHash('sha256');
  #taken = 0;

  take(octets: Uint8Array): void {
    for (let at = 0; at < octets.length; ) {
      const part = octets.subarray(at, at + PIECE - this.#taken);
      this.#hash.update(part);
      this.#taken += part.length;
      at += part.length;
      if (this.#taken === PIECE) this.#next();
    }
  }

  end(): readonly string[] {
    if (this.#taken > 0) this.#next();
    return this.#ended;
  }

  #next(): void {
    this.#ended.push(this.#hash.digest('hex'));
    this.#hash = createHash('sha256');
    this.#taken = 0;
  }
}

/**
 * `length` octets from `offset`, fewer only at the end, perhaps shared with whoever else asks: nobody writes to them. `read` gives
 * those of a file of `size` octets, `digests` says what they were.
 */
export function inPieces(read: Read, size: number, digests: readonly string[]): Read {
  /** By number, the one used last at the end. */
  const kept = new Map<number, Promise<Uint8Array>>();

  async function verified(number: number): Promise<Uint8Array> {
    const octets = await read(number * PIECE, Math.min(PIECE, size - number * PIECE));
    if (createHash('sha256').update(octets).digest('hex') === digests[number]) return octets;
    throw new Error(`the stored image is not what was verified, from octet ${number * PIECE} on`);
  }

  function piece(number: number): Promise<Uint8Array> {
    const known = kept.get(number) ?? verified(number);
    kept.delete(number);
    kept.set(number, known);
    known.catch(() => {
      if (kept.get(number) === known) kept.delete(number);
    });
    const [oldest] = kept.size > MOST_PIECES ? kept.keys() : [];
    if (oldest !== undefined) kept.delete(oldest);
    return known;
  }

  return async (offset, length) => {
    const end = Math.min(size, offset + length);
    if (offset >= end) return new Uint8Array();
    const first = Math.floor(offset / PIECE);
    const whole = await piece(first);
    const from = offset - first * PIECE;
    if (end <= (first + 1) * PIECE) return whole.subarray(from, end - first * PIECE);
    const octets = new Uint8Array(end - offset);
    octets.set(whole.subarray(from));
    for (let number = first + 1; number * PIECE < end; number += 1) {
      const at = number * PIECE;
      octets.set((await piece(number)).subarray(0, end - at), at - offset);
    }
    return octets;
  };
}
