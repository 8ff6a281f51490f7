// Part of "decide": whether an engineering value lies within a point's limits.
// Invariants: 1. NaN and infinities are never within; 2. what cannot be compared is not within; 3. NULL (relinquish) always is.

import type { PointLimits, PointValue } from '../model/point.ts';

/** The distance of a value to its neighbour as a float32. */
function ulpOfFloat32(magnitude: number): number {
  const exponent = Math.max(-126, Math.floor(Math.log2(magnitude)));
  return 2 ** (exponent - 23);
}

/** Not identical, but the same number (`5n`, 5) or the same float32: a register holds 24.1 as 24.100000381, and that is the limit 24.1. Whole numbers are compared exactly. */
function isSame(value: number | bigint, limit: number): boolean {
  if (typeof value === 'bigint') return Number.isInteger(limit) && value === BigInt(limit);
  return !(Number.isInteger(value) && Number.isInteger(limit)) && Math.fround(value) === Math.fround(limit);
}

function isOnStep(value: number | bigint, step: number, base: number): boolean {
  if (typeof value === 'bigint' && Number.isSafeInteger(step) && Number.isSafeInteger(base)) {
    return (value - BigInt(base)) % BigInt(step) === 0n;
  }
  const exact = Number(value);
  const nearest = base + Math.round((exact - base) / step) * step;
  return Math.abs(exact - nearest) <= ulpOfFloat32(Math.max(Math.abs(exact), Math.abs(base), Math.abs(step)));
}

function isListed(value: PointValue, values: readonly PointValue[]): boolean {
  return values.some((listed) => {
    if (listed === value) return true;
    if (typeof value !== 'number' && typeof value !== 'bigint') return false;
    return typeof listed === 'number' && isSame(value, listed);
  });
}

/** Why the value is out of limits, as `got …, expected …`; `undefined` where it is within. */
export function outOfLimits(value: PointValue, limits: PointLimits | undefined): string | undefined {
  if (value === null) return undefined;
  if (typeof value === 'number' && !Number.isFinite(value)) return `got \`${value}\`, expected a finite number`;
  if (!limits) return undefined;
  const { min, max, step, values } = limits;
  if (values && !isListed(value, values)) return `got \`${value}\`, expected one of \`${values.join(', ')}\``;
  if (min === undefined && max === undefined && step === undefined) return undefined;
  if (typeof value === 'string') return `got \`${value}\`, expected a number`;
  const number = typeof value === 'boolean' ? Number(value) : value;
  if (min !== undefined && number < min && !isSame(number, min))
    return `got \`${value}\`, expected at least \`${min}\``;
  if (max !== undefined && number > max && !isSame(number, max)) return `got \`${value}\`, expected at most \`${max}\``;
  if (step !== undefined && !isOnStep(number, step, min ?? 0)) {
    return `got \`${value}\`, expected a multiple of \`${step}\` from \`${min ?? 0}\``;
  }
  return undefined;
}
