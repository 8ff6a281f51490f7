// Registers ⇄ a point's raw value: types, word orders, strings, BCD and bits. Scaling is scaling.ts. Pure and total.
// 1. What does not fit is a fault: never truncated, wrapped or guessed. 2. A value covers all its registers.
// 3. Registers are two octets each, high octet first, as the PDUs carry them.

import type { Result } from '../../../src/model/result.ts';
import { fail, ok } from '../../../src/model/result.ts';
import { isU16, putU16, registerAt, u8 } from './octets.ts';
import type { ValueFault, ValueFaultCode } from './value-fault.ts';
import { valueFault } from './value-fault.ts';

/**
 * The order in which a value's octets, A the highest, stand in its registers. 64 bits alike: ABCDEFGH, GHEFCDAB,
 * BADCFEHG, HGFEDCBA. One register knows only AB (ABCD, CDAB) and BA (BADC, DCBA).
 */
export type WordOrder = 'ABCD' | 'CDAB' | 'BADC' | 'DCBA';

export const wordOrders: readonly WordOrder[] = ['ABCD', 'CDAB', 'BADC', 'DCBA'];

type IntegerType = 'int16' | 'uint16' | 'int32' | 'uint32' | 'int64' | 'uint64';
export type NumberType = IntegerType | 'float32' | 'float64' | 'bcd16' | 'bcd32';

interface NumberFormat {
  readonly type: NumberType;
  readonly order: WordOrder;
}

/** One register that is 0 or 1, nothing else. */
interface BoolFormat {
  readonly type: 'bool';
}

/** Bit 0 (lowest) to 15 of a register other points may share: read here, written by `bitMasks`. */
interface BitFormat {
  readonly type: 'bit';
  readonly bit: number;
}

/** Text padded with NUL. BADC swaps the two octets of each register. */
export interface StringFormat {
  readonly type: 'string';
  readonly registers: number;
  readonly order: 'ABCD' | 'BADC';
  readonly encoding: 'utf8' | 'latin1';
}

export type WritableFormat = NumberFormat | BoolFormat | StringFormat;
export type ValueFormat = WritableFormat | BitFormat;

/** 64-bit integers are bigints, other numbers numbers. */
export type RawValue = number | bigint | boolean | string;

const octetsOf = {
  int16: 2,
  uint16: 2,
  int32: 4,
  uint32: 4,
  int64: 8,
  uint64: 8,
  float32: 4,
  float64: 8,
  bcd16: 2,
  bcd32: 4,
} as const satisfies Record<NumberType, number>;

/** The registers a value of this format covers. */
export function registerCount(format: ValueFormat): number {
  switch (format.type) {
    case 'bool':
    case 'bit':
      return 1;
    case 'string':
      return format.registers;
    default:
      return octetsOf[format.type] / 2;
  }
}

/** The raw value that stands in `registers` from register `at` on. A float may be NaN or infinite: devices say so. */
export function decodeValue(format: ValueFormat, registers: Uint8Array, at = 0): Result<RawValue, ValueFault> {
  const count = registerCount(format);
  const from = at * 2;
  if (from + count * 2 > registers.length)
    return fault(
      'registers',
      `value ends at register \`${at + count}\`, expected \`${registers.length / 2}\` at the most`,
    );
  switch (format.type) {
    case 'bool': {
      const register = registerAt(registers, at);
      return register <= 1 ? ok(register === 1) : fault('range', `bool is \`${register}\`, expected 0 or 1`);
    }
    case 'bit':
      return isBit(format.bit) ? ok(((registerAt(registers, at) >>> format.bit) & 1) === 1) : noBit(format.bit);
    case 'string':
      return decodeText(format, Uint8Array.from(registers.subarray(from, from + count * 2)));
    default:
      return decodeNumber(format.type, ordered(format.order, registers.subarray(from, from + count * 2)));
  }
}

/** The registers that hold a raw value. Floats are rounded to their width; nothing else is changed. */
export function encodeValue(format: WritableFormat, value: RawValue): Result<Uint8Array, ValueFault> {
  switch (format.type) {
    case 'bool':
      return typeof value === 'boolean' ? ok(Uint8Array.of(0, value ? 1 : 0)) : wrongType(value, 'a boolean');
    case 'string':
      return typeof value === 'string' ? encodeText(format, value) : wrongType(value, 'a text');
    default: {
      if (typeof value !== 'number' && typeof value !== 'bigint') return wrongType(value, 'a number');
      const encoded = encodeNumber(format.type, value);
      return encoded.ok ? ok(ordered(format.order, encoded.value)) : encoded;
    }
  }
}

/** The masks by which FC 22 writes one bit and leaves the other 15. */
export function bitMasks(format: BitFormat, value: boolean): Result<{ andMask: number; orMask: number }, ValueFault> {
  if (!isBit(format.bit)) return noBit(format.bit);
  const bit = 1 << format.bit;
  return ok({ andMask: 0xffff & ~bit, orMask: value ? bit : 0 });
}

// Each order is its own inverse. The result is a copy.
function ordered(order: WordOrder, octets: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(octets);
  if (order === 'CDAB' || order === 'DCBA') copy.reverse();
  if (order === 'CDAB' || order === 'BADC') swapPairs(copy);
  return copy;
}

function swapPairs(octets: Uint8Array): void {
  for (let at = 0; at < octets.length; at += 2) putU16(octets, at, u8(octets, at) | (u8(octets, at + 1) << 8));
}

function decodeNumber(type: NumberType, octets: Uint8Array): Result<number | bigint, ValueFault> {
  const view = new DataView(octets.buffer);
  switch (type) {
    case 'int16':
      return ok(view.getInt16(0));
    case 'uint16':
      return ok(view.getUint16(0));
    case 'int32':
      return ok(view.getInt32(0));
    case 'uint32':
      return ok(view.getUint32(0));
    case 'int64':
      return ok(view.getBigInt64(0));
    case 'uint64':
      return ok(view.getBigUint64(0));
    case 'float32':
      return ok(view.getFloat32(0));
    case 'float64':
      return ok(view.getFloat64(0));
    case 'bcd16':
    case 'bcd32': {
      const digits = Buffer.from(octets).toString('hex');
      return /^\d+$/.test(digits)
        ? ok(Number(digits))
        : fault('digit', `bcd is \`${digits}\`, expected decimal digits`);
    }
  }
}

function encodeNumber(type: NumberType, value: number | bigint): Result<Uint8Array, ValueFault> {
  switch (type) {
    case 'float32':
    case 'float64':
      return encodeFloat(type, value);
    case 'bcd16':
    case 'bcd32':
      return encodeBcd(type, value);
    default:
      return encodeInteger(type, value);
  }
}

function encodeFloat(type: 'float32' | 'float64', value: number | bigint): Result<Uint8Array, ValueFault> {
  const number = Number(value);
  if (typeof value === 'number' && !Number.isFinite(value))
    return fault('not-finite', `value is \`${value}\`, expected a finite number`);
  if (typeof value === 'bigint' && !Number.isSafeInteger(number))
    return fault('precision', `value is \`${value}\`, expected at most 2^53 - 1`);
  const octets = new Uint8Array(octetsOf[type]);
  const view = new DataView(octets.buffer);
  if (type === 'float64') {
    view.setFloat64(0, number);
    return ok(octets);
  }
  if (!Number.isFinite(Math.fround(number))) return fault('range', `value is \`${value}\`, expected a float32`);
  view.setFloat32(0, number);
  return ok(octets);
}

function encodeInteger(type: IntegerType, value: number | bigint): Result<Uint8Array, ValueFault> {
  const whole = wholeOf(value);
  if (!whole.ok) return whole;
  const size = octetsOf[type];
  const signed = !type.startsWith('u');
  const bits = BigInt(size * 8);
  const fits = signed ? BigInt.asIntN(Number(bits), whole.value) : BigInt.asUintN(Number(bits), whole.value);
  if (fits !== whole.value) {
    const least = signed ? -(1n << (bits - 1n)) : 0n;
    const most = (1n << (signed ? bits - 1n : bits)) - 1n;
    return fault('range', `value is \`${value}\`, expected ${least} to ${most}`);
  }
  const octets = new Uint8Array(8);
  new DataView(octets.buffer).setBigInt64(0, whole.value);
  return ok(octets.slice(8 - size));
}

function encodeBcd(type: 'bcd16' | 'bcd32', value: number | bigint): Result<Uint8Array, ValueFault> {
  const whole = wholeOf(value);
  if (!whole.ok) return whole;
  const digits = octetsOf[type] * 2;
  if (whole.value < 0n || whole.value >= 10n ** BigInt(digits))
    return fault('range', `value is \`${value}\`, expected 0 to ${'9'.repeat(digits)}`);
  return ok(Uint8Array.from(Buffer.from(whole.value.toString().padStart(digits, '0'), 'hex')));
}

function wholeOf(value: number | bigint): Result<bigint, ValueFault> {
  if (typeof value === 'bigint') return ok(value);
  return Number.isSafeInteger(value)
    ? ok(BigInt(value))
    : fault('not-whole', `value is \`${value}\`, expected a whole number`);
}

function decodeText(format: StringFormat, octets: Uint8Array): Result<string, ValueFault> {
  if (format.order === 'BADC') swapPairs(octets);
  const end = octets.indexOf(0);
  const text = Buffer.from(octets.buffer, 0, end === -1 ? octets.length : end);
  const decoded = text.toString(format.encoding);
  if (Buffer.from(decoded, format.encoding).equals(text)) return ok(decoded);
  return fault('text', `text is \`${text.toString('hex')}\`, expected utf-8`);
}

function encodeText(format: StringFormat, value: string): Result<Uint8Array, ValueFault> {
  const text = Buffer.from(value, format.encoding);
  const size = format.registers * 2;
  if (value.includes('\0') || text.toString(format.encoding) !== value)
    return fault('text', `text is ${JSON.stringify(value)}, expected ${format.encoding} without nul`);
  if (text.length > size) return fault('range', `text has \`${text.length}\` octets, expected ${size} at the most`);
  const octets = new Uint8Array(size);
  octets.set(text);
  if (format.order === 'BADC') swapPairs(octets);
  return ok(octets);
}

function isBit(bit: number): boolean {
  return isU16(bit) && bit <= 15;
}

function noBit(bit: number): ReturnType<typeof fail<ValueFault>> {
  return fault('range', `bit is \`${bit}\`, expected 0 to 15`);
}

function wrongType(value: RawValue, expected: string): ReturnType<typeof fail<ValueFault>> {
  return fault('type', `value is a \`${typeof value}\`, expected ${expected}`);
}

function fault(code: ValueFaultCode, message: string): ReturnType<typeof fail<ValueFault>> {
  return fail(valueFault(code, message));
}
