// Registers ⇄ the engineering value that limits judge and people see: format, scale and offset, scale register.
// 1. What the registers cannot hold, or do not mean, is a fault: never rounded, never guessed.

import type { PointValue } from '../../src/model/point.ts';
import { fail, ok, type Result } from '../../src/model/result.ts';
import type { Shape } from './point-address.ts';
import { bitAt, registerAt } from './wire/octets.ts';
import { decodeValue, encodeValue } from './wire/registers.ts';
import { type Scaling, scale, unscale } from './wire/scaling.ts';
import { type ValueFault, valueFault } from './wire/value-fault.ts';

/** Powers of ten that a scale register may hold (SunSpec: -10 to 10; 0x8000 is "not implemented"). */
const largestExponent = 10;

/** The exponent in a scale register's value, `undefined` where it is none. */
function exponentOf(register: number): number | undefined {
  const exponent = (register << 16) >> 16;
  return Math.abs(exponent) <= largestExponent ? exponent : undefined;
}

function scalingOf(shape: Shape, exponent: number | undefined): Result<Scaling | undefined, ValueFault> {
  const { scaling, scaleRegister } = shape;
  if (scaling === undefined || scaleRegister === undefined) return ok(scaling);
  if (exponent === undefined)
    return fail(valueFault('range', `scale register \`${scaleRegister}\` holds no exponent, expected -10 to 10`));
  return ok({ factor: scaling.factor * 10 ** exponent, offset: scaling.offset });
}

/** The value that stands in `registers` (or packed coils) from register (coil) `at` on. */
export function pointValue(
  shape: Shape,
  registers: Uint8Array,
  at: number,
  exponent: number | undefined,
): Result<PointValue, ValueFault> {
  const { format } = shape;
  if (format.type === 'coil') return ok(bitAt(registers, at));
  const raw = decodeValue(format, registers, at);
  if (!raw.ok || typeof raw.value === 'boolean' || typeof raw.value === 'string') return raw;
  const scaling = scalingOf(shape, exponent);
  if (!scaling.ok) return scaling;
  return scaling.value === undefined ? raw : scale(raw.value, scaling.value);
}

/** What is to be written so that the point holds a value: a coil, a bit of a register, or whole registers. */
type Written =
  | { readonly kind: 'coil'; readonly on: boolean }
  | { readonly kind: 'bit'; readonly bit: number; readonly on: boolean }
  | { readonly kind: 'registers'; readonly registers: Uint8Array };

/** The registers of an engineering value. */
export function writtenValue(
  shape: Shape,
  value: PointValue,
  exponent: number | undefined,
): Result<Written, ValueFault> {
  const { format } = shape;
  if (format.type === 'coil' || format.type === 'bit') {
    if (typeof value !== 'boolean')
      return fail(valueFault('type', `value is a \`${kindOf(value)}\`, expected a boolean`));
    return ok(format.type === 'coil' ? { kind: 'coil', on: value } : { kind: 'bit', bit: format.bit, on: value });
  }
  if (value === null) return fail(valueFault('type', 'value is null, expected a value'));
  const scaling = scalingOf(shape, exponent);
  if (!scaling.ok) return scaling;
  const raw =
    scaling.value === undefined || typeof value === 'boolean' || typeof value === 'string'
      ? ok(value)
      : unscale(value, scaling.value, !format.type.startsWith('float'));
  if (!raw.ok) return raw;
  const encoded = encodeValue(format, raw.value);
  return encoded.ok ? ok({ kind: 'registers', registers: encoded.value }) : encoded;
}

function kindOf(value: PointValue): string {
  return value === null ? 'null' : typeof value;
}

/** The exponent that stands in a field of registers at register `at`. */
export function exponentAt(registers: Uint8Array, at: number): number | undefined {
  return exponentOf(registerAt(registers, at));
}
