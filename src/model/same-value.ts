// When two values are one: what was written, and what a device was then read to hold.

import type { PointValue } from './point.ts';

/** The same value, as far as a register can tell: a float32 holds 24.1 as 24.100000381. */
export function isSameValue(a: PointValue, b: PointValue): boolean {
  if (a === b) return true;
  const numeric = (value: PointValue): value is number | bigint =>
    typeof value === 'number' || typeof value === 'bigint';
  if (!numeric(a) || !numeric(b)) return false;
  if (typeof a === 'bigint' && typeof b === 'bigint') return false;
  const [x, y] = [Number(a), Number(b)];
  if (Number.isNaN(x) && Number.isNaN(y)) return true;
  return Math.fround(x) === Math.fround(y) || Math.abs(x - y) <= 1e-9 * Math.max(Math.abs(x), Math.abs(y));
}
