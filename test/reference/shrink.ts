// Makes a counterexample small: takes away one element or one key at a time for as long as it still is one.

import { isDeepStrictEqual } from 'node:util';

/** The smallest value found by taking things away from `value`, for which `still` holds; `value` itself where none is. */
export function shrink<T>(value: T, still: (candidate: T) => boolean): T {
  for (const candidate of variants(value)) {
    if (!isDeepStrictEqual(candidate, value) && still(candidate as T)) return shrink(candidate as T, still);
  }
  return value;
}

function* variants(value: unknown): Generator<unknown> {
  if (Array.isArray(value)) {
    const list: readonly unknown[] = value;
    for (const index of list.keys()) yield list.toSpliced(index, 1);
    for (const [index, item] of list.entries()) {
      for (const inner of variants(item)) yield list.with(index, inner);
    }
  } else if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value);
    for (const index of entries.keys()) yield Object.fromEntries(entries.toSpliced(index, 1));
    for (const [index, [key, item]] of entries.entries()) {
      for (const inner of variants(item)) yield Object.fromEntries(entries.with(index, [key, inner]));
    }
  }
}
