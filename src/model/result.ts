// A value or a fault, for everything a peer or an integrator can get wrong. Nothing in this file throws.

/** Either `{ ok: true, value }` or `{ ok: false, fault }`. Faults are values: the caller decides what to answer. */
export type Result<T, F> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly fault: F };

export function ok<T>(value: T): { readonly ok: true; readonly value: T } {
  return { ok: true, value };
}

export function fail<F>(fault: F): { readonly ok: false; readonly fault: F } {
  return { ok: false, fault };
}

/** A list that cannot be empty, so that "all of none" cannot be written. */
export type NonEmpty<T> = readonly [T, ...T[]];

export function isNonEmpty<T>(list: readonly T[]): list is NonEmpty<T> {
  return list.length > 0;
}
