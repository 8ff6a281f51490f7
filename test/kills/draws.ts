// Chance that a seed repeats (mulberry32).

export interface Draws {
  /** A whole number from 0, below the bound. */
  below(bound: number): number;
  oneOf<T>(list: readonly T[]): T;
}

export function drawsFrom(seed: number): Draws {
  let state = seed >>> 0;
  const below = (bound: number): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * bound);
  };
  return {
    below,
    oneOf<T>(list: readonly T[]): T {
      const found = list[below(list.length)];
      if (found === undefined) throw new Error('got an empty list');
      return found;
    },
  };
}
