// Raw number ⇄ engineering value: value = raw × factor + offset. Pure and total.
// 1. What does not land on a raw number the device can hold is a fault, never rounded into another set point.

import type { Result } from '../../../src/model/result.ts';
import { fail, ok } from '../../../src/model/result.ts';
import type { ValueFault } from './value-fault.ts';
import { valueFault } from './value-fault.ts';

/** `factor` is not 0; both are finite. Factor 1 and offset 0 leave every value as it is, 64-bit integers included. */
export interface Scaling {
  readonly factor: number;
  readonly offset: number;
}

/** How far from a whole raw number a value may lie and still mean it: a millionth of a step, or a few ulps. */
const tolerance = 1e-6;

function isUnscaled({ factor, offset }: Scaling): boolean {
  return factor === 1 && offset === 0;
}

/** The engineering value of a raw one, without the noise of binary fractions: 3 × 0.1 is 0.3. */
export function scale(raw: number | bigint, scaling: Scaling): Result<number | bigint, ValueFault> {
  if (isUnscaled(scaling)) return ok(raw);
  const number = exactNumber(raw);
  if (number === undefined) return tooPrecise(raw);
  return ok(withoutNoise(number * scaling.factor + scaling.offset));
}

/** The raw value of an engineering one. `whole` asks for an integer, as every type but the floats needs. */
export function unscale(value: number | bigint, scaling: Scaling, whole: boolean): Result<number | bigint, ValueFault> {
  if (typeof value === 'number' && !Number.isFinite(value))
    return fail(valueFault('not-finite', `value is \`${value}\`, expected a finite number`));
  if (typeof value === 'bigint' && isUnscaled(scaling)) return ok(value);
  const number = exactNumber(value);
  if (number === undefined) return tooPrecise(value);
  const raw = (number - scaling.offset) / scaling.factor;
  if (!whole) return ok(isUnscaled(scaling) ? number : withoutNoise(raw));
  const nearest = Math.round(raw);
  if (Math.abs(raw - nearest) > tolerance + Math.abs(raw) * Number.EPSILON * 4)
    return fail(offStep(number, raw, scaling));
  if (!Number.isSafeInteger(nearest)) return tooPrecise(value);
  return ok(nearest === 0 ? 0 : nearest);
}

function offStep(value: number, raw: number, scaling: Scaling): ValueFault {
  const at = (step: number) => withoutNoise(step * scaling.factor + scaling.offset);
  return valueFault(
    'off-step',
    `value \`${value}\` lies between steps, expected \`${at(Math.floor(raw))}\` or \`${at(Math.ceil(raw))}\``,
  );
}

function exactNumber(value: number | bigint): number | undefined {
  if (typeof value === 'number') return value;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : undefined;
}

function tooPrecise(value: number | bigint): ReturnType<typeof fail<ValueFault>> {
  return fail(valueFault('precision', `value \`${value}\` cannot be scaled exactly, expected at most 2^53 - 1`));
}

function withoutNoise(value: number): number {
  return Number(value.toPrecision(15));
}
