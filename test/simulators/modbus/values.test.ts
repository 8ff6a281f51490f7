import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeValue, encodeValue, type ModbusAddress, type ModbusType } from '../../../simulators/modbus/values.ts';

const at = (type: ModbusType, more: Partial<ModbusAddress> = {}): ModbusAddress => ({
  table: 'holding',
  register: 0,
  type,
  ...more,
});
const order = fc.constantFrom('ABCD', 'CDAB', 'BADC', 'DCBA');

describe('word orders', () => {
  test.each([
    ['ABCD', [0x4148, 0xf5c3]],
    ['CDAB', [0xf5c3, 0x4148]],
    ['BADC', [0x4841, 0xc3f5]],
    ['DCBA', [0xc3f5, 0x4841]],
  ] as const)('12.56 as float32 %s', (wordOrder, words) => {
    expect(encodeValue(at('float32', { order: wordOrder }), 12.56)).toEqual(words);
  });

  test.each([
    ['ABCD', [0x0102, 0x0304, 0x0506, 0x0708]],
    ['CDAB', [0x0708, 0x0506, 0x0304, 0x0102]],
    ['BADC', [0x0201, 0x0403, 0x0605, 0x0807]],
    ['DCBA', [0x0807, 0x0605, 0x0403, 0x0201]],
  ] as const)('a 64-bit counter %s', (wordOrder, words) => {
    expect(encodeValue(at('uint64', { order: wordOrder }), 0x0102030405060708n)).toEqual(words);
  });
});

describe('what is written is what is read', () => {
  const ranges = [
    ['int16', fc.integer({ min: -0x8000, max: 0x7fff })],
    ['uint16', fc.integer({ min: 0, max: 0xffff })],
    ['int32', fc.integer({ min: -0x80000000, max: 0x7fffffff })],
    ['uint32', fc.integer({ min: 0, max: 0xffffffff })],
    ['int64', fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n })],
    ['uint64', fc.bigInt({ min: 0n, max: (1n << 64n) - 1n })],
    ['float32', fc.float()],
    ['float64', fc.double()],
    ['bcd16', fc.integer({ min: 0, max: 9999 })],
    ['bcd32', fc.integer({ min: 0, max: 99_999_999 })],
  ] as const;
  test.each(ranges)('%s in every order', (type, values: fc.Arbitrary<number | bigint>) => {
    fc.assert(
      fc.property(values, order, (value, wordOrder) => {
        const address = at(type, { order: wordOrder });
        expect(decodeValue(address, encodeValue(address, value))).toEqual(value);
      }),
      { numRuns: 300 },
    );
  });

  test('scale, offset and a scale register', () => {
    expect(encodeValue(at('int16', { scale: 0.1 }), -12.3)).toEqual([0x10000 - 123]);
    expect(decodeValue(at('int16', { scale: 0.1 }), [0x10000 - 123])).toBeCloseTo(-12.3, 9);
    expect(encodeValue(at('uint16', { scale: 0.5, offset: -40 }), 20)).toEqual([120]);
    expect(encodeValue(at('uint16'), 84.2, -1)).toEqual([842]);
    expect(decodeValue(at('uint16'), [842], -1)).toBeCloseTo(84.2, 9);
  });

  test('strings, swapped strings, bits and BCD', () => {
    const text = at('string', { length: 3 });
    expect(encodeValue(text, 'AB12')).toEqual([0x4142, 0x3132, 0]);
    expect(decodeValue(text, [0x4142, 0x3132, 0])).toBe('AB12');
    expect(encodeValue(at('string', { length: 2, order: 'BADC' }), 'AB12')).toEqual([0x4241, 0x3231]);
    expect(decodeValue(at('bool', { bit: 3 }), [0b1000])).toBe(true);
    expect(decodeValue(at('bool', { bit: 2 }), [0b1000])).toBe(false);
    expect(encodeValue(at('bcd32'), 20_260_914)).toEqual([0x2026, 0x0914]);
    expect(decodeValue(at('bcd16'), [0x1e2f])).toBeNaN();
  });
});
