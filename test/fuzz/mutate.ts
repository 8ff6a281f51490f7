// Mutations of valid frames, from a seed that is printed: the same seed gives the same frames.

/** xorshift32: small, fast, and the same everywhere. */
export class Chance {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0 || 1;
  }

  /** Whole number from 0 to below `bound`. */
  below(bound: number): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x;
    return (x >>> 0) % bound;
  }

  one<T>(list: readonly T[]): T {
    const item = list[this.below(list.length)];
    if (item === undefined) throw new RangeError('got an empty list, expected at least one item');
    return item;
  }
}

const INTERESTING = [0x00, 0x01, 0x7f, 0x80, 0xfe, 0xff];

/** One to four changes of a frame: bits, octets, length, order. */
export function mutate(frame: Uint8Array, chance: Chance): Buffer {
  let octets = Buffer.from(frame);
  for (let count = 1 + chance.below(4); count > 0; count -= 1) octets = change(octets, chance);
  return octets;
}

function change(octets: Buffer, chance: Chance): Buffer<ArrayBuffer> {
  const at = chance.below(Math.max(1, octets.length));
  const copy = Buffer.from(octets);
  switch (chance.below(8)) {
    case 0:
      copy[at] = (copy[at] ?? 0) ^ (1 << chance.below(8));
      return copy;
    case 1:
      copy[at] = chance.below(256);
      return copy;
    case 2:
      copy[at] = chance.one(INTERESTING);
      return copy;
    case 3:
      return copy.subarray(0, at);
    case 4:
      return Buffer.concat([copy.subarray(0, at), Buffer.from([chance.below(256)]), copy.subarray(at)]);
    case 5:
      return Buffer.concat([copy.subarray(0, at), copy.subarray(at + 1)]);
    case 6:
      return Buffer.concat([copy, copy.subarray(at)]);
    default: {
      const other = chance.below(Math.max(1, octets.length));
      const kept = copy[at] ?? 0;
      copy[at] = copy[other] ?? 0;
      copy[other] = kept;
      return copy;
    }
  }
}

/** The words `--seconds N --seed N` of a fuzzer's command line. */
export function fuzzOptions(words: readonly string[]): { readonly seconds: number; readonly seed: number } {
  const value = (name: string): number | undefined => {
    const at = words.indexOf(name);
    return at < 0 ? undefined : Number(words[at + 1]);
  };
  const seconds = value('--seconds') ?? 60;
  const seed = value('--seed') ?? Date.now() & 0x7fffffff;
  if (!(seconds > 0) || !Number.isInteger(seed)) throw new Error('expected --seconds N and --seed N');
  return { seconds, seed };
}

/** Bytes of live heap, after collecting: growth shows here. */
export function liveHeap(): number {
  globalThis.gc?.();
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}
