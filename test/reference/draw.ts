// Choices read from a tape of numbers, so that dependent things can be built in plain code and fast-check still shrinks.
// A number of 0 is the first, simplest choice; a tape that has run out gives zeros.

export interface Draw {
  /** A whole number from 0 to `count - 1`. */
  below(count: number): number;
  /** True in about `percent` of a hundred draws; false on an empty tape. */
  chance(percent: number): boolean;
  /** One of the list, which must not be empty. */
  pick<T>(list: readonly T[]): T;
  /** Each of the list with the given chance, in order. */
  some<T>(list: readonly T[], percent: number): T[];
  /** One of the values, by weight. */
  weighted<T>(...choices: readonly (readonly [number, T])[]): T;
}

/** Numbers of the tape are whole and below 65536. */
export function drawFrom(tape: readonly number[]): Draw {
  let position = 0;
  const next = (): number => tape[position++] ?? 0;
  const below = (count: number): number => next() % count;
  const chance = (percent: number): boolean => 100 - (next() % 100) <= percent;
  const pick = <T>(list: readonly T[]): T => {
    const chosen = list[below(list.length)];
    if (chosen === undefined) throw new Error('cannot pick from an empty list');
    return chosen;
  };
  const weighted = <T>(...choices: readonly (readonly [number, T])[]): T => {
    let left = below(choices.reduce((sum, [weight]) => sum + weight, 0));
    for (const [weight, value] of choices) {
      if (left < weight) return value;
      left -= weight;
    }
    throw new Error('weights must be above zero');
  };
  return { below, chance, pick, weighted, some: (list, percent) => list.filter(() => chance(percent)) };
}
