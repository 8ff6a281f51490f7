// Reading an image a few octets at a time, for several devices at once, without asking the disk each time. Invariants: 1. a few
// pieces are in memory, never the whole; 2. who asks for a piece that is being read waits for that one; 3. a fault is not kept.

const PIECE = 65_536;
const MOST_PIECES = 8;

type Read = (offset: number, length: number) => Promise<Uint8Array>;

/** `length` octets from `offset`, fewer only at the end; `read` gives those of a file of `size` octets. */
export function inPieces(read: Read, size: number): Read {
  /** By number, the one used last at the end. */
  const kept = new Map<number, Promise<Uint8Array>>();

  function piece(number: number): Promise<Uint8Array> {
    const known = kept.get(number) ?? read(number * PIECE, Math.min(PIECE, size - number * PIECE));
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
    if (end <= (first + 1) * PIECE) return whole.slice(from, end - first * PIECE);
    const octets = new Uint8Array(end - offset);
    octets.set(whole.subarray(from));
    for (let number = first + 1; number * PIECE < end; number += 1) {
      const at = number * PIECE;
      octets.set((await piece(number)).subarray(0, end - at), at - offset);
    }
    return octets;
  };
}
