// Point values in registers: every type in every order, and everything that does not fit.

import { describe, expect, it } from 'vitest';
import { bitAt, packBits, packRegisters, registerAt } from '../../../../drivers/modbus/wire/octets.ts';
import {
  bitMasks,
  decodeValue,
  encodeValue,
  type RawValue,
  registerCount,
  type StringFormat,
  type ValueFormat,
  type WordOrder,
  type WritableFormat,
} from '../../../../drivers/modbus/wire/registers.ts';
import type { ValueFaultCode } from '../../../../drivers/modbus/wire/value-fault.ts';
import { hex, toHex } from './hex.ts';

const text: StringFormat = { type: 'string', registers: 4, order: 'ABCD', encoding: 'utf8' };

const both: readonly (readonly [name: string, format: WritableFormat, registers: string, value: RawValue])[] = [
  ['bool on', { type: 'bool' }, '0001', true],
  ['bool off', { type: 'bool' }, '0000', false],
  ['int16', { type: 'int16', order: 'ABCD' }, 'fffe', -2],
  ['int16 word swap', { type: 'int16', order: 'CDAB' }, 'fffe', -2],
  ['int16 byte swap', { type: 'int16', order: 'BADC' }, 'feff', -2],
  ['int16 reversed', { type: 'int16', order: 'DCBA' }, 'feff', -2],
  ['uint16', { type: 'uint16', order: 'ABCD' }, 'ffff', 65535],
  ['int32', { type: 'int32', order: 'ABCD' }, '80000000', -2147483648],
  ['uint32 ABCD', { type: 'uint32', order: 'ABCD' }, '01020304', 0x01020304],
  ['uint32 CDAB', { type: 'uint32', order: 'CDAB' }, '03040102', 0x01020304],
  ['uint32 BADC', { type: 'uint32', order: 'BADC' }, '02010403', 0x01020304],
  ['uint32 DCBA', { type: 'uint32', order: 'DCBA' }, '04030201', 0x01020304],
  ['uint32 most', { type: 'uint32', order: 'ABCD' }, 'ffffffff', 4294967295],
  ['int64', { type: 'int64', order: 'ABCD' }, 'fffffffffffffffe', -2n],
  ['uint64 ABCD', { type: 'uint64', order: 'ABCD' }, '0102030405060708', 0x0102030405060708n],
  ['uint64 CDAB', { type: 'uint64', order: 'CDAB' }, '0708050603040102', 0x0102030405060708n],
  ['uint64 BADC', { type: 'uint64', order: 'BADC' }, '0201040306050807', 0x0102030405060708n],
  ['uint64 DCBA', { type: 'uint64', order: 'DCBA' }, '0807060504030201', 0x0102030405060708n],
  ['uint64 most', { type: 'uint64', order: 'ABCD' }, 'ffffffffffffffff', 2n ** 64n - 1n],
  ['float32', { type: 'float32', order: 'ABCD' }, '41ac0000', 21.5],
  ['float32 CDAB', { type: 'float32', order: 'CDAB' }, '000041ac', 21.5],
  ['float64', { type: 'float64', order: 'ABCD' }, '4035800000000000', 21.5],
  ['bcd16', { type: 'bcd16', order: 'ABCD' }, '0042', 42],
  ['bcd16 byte swap', { type: 'bcd16', order: 'BADC' }, '3412', 1234],
  ['bcd32', { type: 'bcd32', order: 'ABCD' }, '12345678', 12345678],
  ['bcd32 CDAB', { type: 'bcd32', order: 'CDAB' }, '56781234', 12345678],
  ['text, padded', text, '4148550000000000', 'AHU'],
  ['text, all registers', text, '4142434445464748', 'ABCDEFGH'],
  ['text, none', text, '0000000000000000', ''],
  ['text, utf-8', text, 'c2b0430000000000', '°C'],
  ['text, latin-1', { ...text, encoding: 'latin1' }, 'b043000000000000', '°C'],
  ['text, byte swap', { ...text, order: 'BADC' }, '4841005500000000', 'AHU'],
];

describe('values', () => {
  it.each(both)('%s', (_name, format, registers, value) => {
    expect(decodeValue(format, hex(registers))).toEqual({ ok: true, value });
    const encoded = encodeValue(format, value);
    expect(encoded.ok && toHex(encoded.value)).toBe(registers);
    expect(registerCount(format) * 2).toBe(hex(registers).length);
  });

  it('reads from any register on, out of a view of a longer buffer', () => {
    const registers = hex('ffff 0000 41ac 0000').subarray(2);
    expect(decodeValue({ type: 'float32', order: 'ABCD' }, registers, 1)).toEqual({ ok: true, value: 21.5 });
  });

  it('reads what a device says when it has no value', () => {
    expect(decodeValue({ type: 'float32', order: 'ABCD' }, hex('7fc00000'))).toEqual({ ok: true, value: Number.NaN });
  });

  it('does not change the registers it reads', () => {
    const registers = hex('04030201');
    decodeValue({ type: 'uint32', order: 'DCBA' }, registers);
    decodeValue({ ...text, registers: 2, order: 'BADC' }, registers);
    expect(toHex(registers)).toBe('04030201');
  });

  it('takes a bigint where a number would do, and the other way round', () => {
    expect(encodeValue({ type: 'uint16', order: 'ABCD' }, 7n)).toEqual({ ok: true, value: hex('0007') });
    expect(encodeValue({ type: 'int64', order: 'ABCD' }, -1)).toEqual({ ok: true, value: hex('ffffffffffffffff') });
    expect(encodeValue({ type: 'float32', order: 'ABCD' }, 2n)).toEqual({ ok: true, value: hex('40000000') });
  });
});

const unreadable: readonly (readonly [name: string, format: ValueFormat, registers: string, code: ValueFaultCode])[] = [
  ['a value over the end', { type: 'uint32', order: 'ABCD' }, '0001', 'registers'],
  ['a text over the end', text, '0001', 'registers'],
  ['a bool of 2', { type: 'bool' }, '0002', 'range'],
  ['a bool of the other octet', { type: 'bool' }, '0100', 'range'],
  ['bit 16', { type: 'bit', bit: 16 }, '0001', 'range'],
  ['bit -1', { type: 'bit', bit: -1 }, '0001', 'range'],
  ['a bcd digit over 9', { type: 'bcd16', order: 'ABCD' }, '001a', 'digit'],
  ['a text that is no utf-8', text, 'b043000000000000', 'text'],
];

describe('registers that hold no such value', () => {
  it.each(unreadable)('%s', (_name, format, registers, code) => {
    expect(decodeValue(format, hex(registers))).toMatchObject({ ok: false, fault: { code } });
  });
});

function order(
  type: 'int16' | 'uint16' | 'int32' | 'uint32' | 'int64' | 'uint64' | 'float32' | 'float64' | 'bcd16' | 'bcd32',
) {
  return { type, order: 'ABCD' as WordOrder };
}

const unwritable: readonly (readonly [format: WritableFormat, value: RawValue, code: ValueFaultCode])[] = [
  [{ type: 'bool' }, 1, 'type'],
  [order('int16'), true, 'type'],
  [order('int16'), '1', 'type'],
  [text, 1, 'type'],
  [order('int16'), 32768, 'range'],
  [order('int16'), -32769, 'range'],
  [order('uint16'), 65536, 'range'],
  [order('uint16'), -1, 'range'],
  [order('int32'), 2147483648, 'range'],
  [order('uint32'), 4294967296, 'range'],
  [order('int64'), 2n ** 63n, 'range'],
  [order('uint64'), 2n ** 64n, 'range'],
  [order('uint64'), -1n, 'range'],
  [order('uint64'), 2 ** 53, 'not-whole'],
  [order('uint16'), 1.5, 'not-whole'],
  [order('uint16'), Number.NaN, 'not-whole'],
  [order('bcd16'), 1.5, 'not-whole'],
  [order('bcd16'), 10_000, 'range'],
  [order('bcd16'), -1, 'range'],
  [order('bcd32'), 100_000_000, 'range'],
  [order('float32'), Number.NaN, 'not-finite'],
  [order('float64'), Number.POSITIVE_INFINITY, 'not-finite'],
  [order('float32'), 1e39, 'range'],
  [order('float64'), 2n ** 60n, 'precision'],
  [text, 'ABCDEFGHI', 'range'],
  [text, 'A\0B', 'text'],
  [text, '\ud800', 'text'],
  [{ ...text, encoding: 'latin1' }, '€', 'text'],
];

describe('values that do not fit', () => {
  it.each(unwritable)('%j: %s', (format, value, code) => {
    const encoded = encodeValue(format, value);
    expect(encoded).toMatchObject({ ok: false, fault: { code } });
    expect(!encoded.ok && encoded.fault.message).toMatch(/^[a-z].*[^.]$/);
  });
});

/** What FC 22 leaves in a register: (current AND and-mask) OR (or-mask AND NOT and-mask) (V1.1b3, 6.16). */
function maskedRegister(current: number, { andMask, orMask }: { andMask: number; orMask: number }): number {
  return ((current & andMask) | (orMask & ~andMask)) & 0xffff;
}

describe('bits of a register', () => {
  it('reads one', () => {
    expect(decodeValue({ type: 'bit', bit: 15 }, hex('8000'))).toEqual({ ok: true, value: true });
    expect(decodeValue({ type: 'bit', bit: 0 }, hex('8000'))).toEqual({ ok: true, value: false });
    expect(registerCount({ type: 'bit', bit: 0 })).toBe(1);
  });

  it('gives the masks that write one and leave the rest', () => {
    const on = bitMasks({ type: 'bit', bit: 3 }, true);
    const off = bitMasks({ type: 'bit', bit: 15 }, false);
    expect(on).toEqual({ ok: true, value: { andMask: 0xfff7, orMask: 8 } });
    expect(on.ok && maskedRegister(0x8001, on.value)).toBe(0x8009);
    expect(off.ok && maskedRegister(0x8001, off.value)).toBe(1);
    expect(bitMasks({ type: 'bit', bit: 16 }, true)).toMatchObject({ ok: false, fault: { code: 'range' } });
  });
});

describe('packed fields', () => {
  it('packs coils low bit first', () => {
    const bits = [true, false, true, true, false, false, true, true, true, false];
    expect(toHex(packBits(bits))).toBe('cd01');
    expect(bits.map((_, index) => bitAt(hex('cd01'), index))).toEqual(bits);
    expect(bitAt(hex('cd01'), 16)).toBe(false);
  });

  it('packs registers high octet first', () => {
    expect(toHex(packRegisters([10, 0x102]))).toBe('000a0102');
    expect([registerAt(hex('000a0102'), 1), registerAt(hex('000a0102'), 2)]).toEqual([0x102, 0]);
  });
});
