// Values as things to compare and print: a view for each type, none for what is not in its canonical spelling.

import { describe, expect, it } from 'vitest';
import { anyValueOf, type Element, elementsOf, readAs } from '../../../../drivers/bacnet/wire/any-value.ts';
import { dateTime, deviceObjectPropertyReference, recipient } from '../../../../drivers/bacnet/wire/constructed.ts';
import {
  bitsOf,
  characterStringOf,
  elementOf,
  type Primitive,
  primitiveOf,
  textOf,
  valueOfPrimitive,
} from '../../../../drivers/bacnet/wire/primitive-value.ts';
import { list } from '../../../../drivers/bacnet/wire/schema.ts';
import { hex, oid, show, text, value } from './octets.ts';

describe('20.2.2 to 20.2.14 views', () => {
  const rows: readonly (readonly [string, Primitive])[] = [
    ['00', { type: 'null' }],
    ['10', { type: 'boolean', value: false }],
    ['11', { type: 'boolean', value: true }],
    ['2100', { type: 'unsigned', value: 0 }],
    ['21ff', { type: 'unsigned', value: 255 }],
    ['220100', { type: 'unsigned', value: 256 }],
    ['25071fffffffffffff', { type: 'unsigned', value: Number.MAX_SAFE_INTEGER }],
    ['250720000000000000', { type: 'unsigned', value: 2n ** 53n }],
    ['2508ffffffffffffffff', { type: 'unsigned', value: 2n ** 64n - 1n }],
    ['317f', { type: 'signed', value: 127 }],
    ['3180', { type: 'signed', value: -128 }],
    ['320080', { type: 'signed', value: 128 }],
    ['32ff7f', { type: 'signed', value: -129 }],
    ['35088000000000000000', { type: 'signed', value: -(2n ** 63n) }],
    ['4442280000', { type: 'real', value: 42 }],
    ['447fc00000', { type: 'real', value: Number.NaN }],
    ['55083ff0000000000000', { type: 'double', value: 1 }],
    ['62abcd', { type: 'octet-string', value: hex('abcd') }],
    ['7400616263', { type: 'character-string', value: text('abc') }],
    ['8205e0', { type: 'bit-string', value: { unusedBits: 5, octets: hex('e0') } }],
    ['9103', { type: 'enumerated', value: 3 }],
    ['94ffffffff', { type: 'enumerated', value: 0xffff_ffff }],
    ['a47e0b1607', { type: 'date', value: { year: 126, month: 11, day: 22, weekday: 7 } }],
    ['b40c1e00ff', { type: 'time', value: { hour: 12, minute: 30, second: 0, hundredths: 255 } }],
    ['c4ffffffff', { type: 'object-identifier', value: oid(1023, 4_194_303) }],
  ];
  it.each(rows)('%s', (octets, primitive) => {
    expect(primitiveOf(value(octets))).toEqual(primitive);
    expect(show(valueOfPrimitive(primitive).octets)).toBe(octets);
  });

  it.each([
    ['an Unsigned with a leading zero', '220005'],
    ['a Signed with a needless octet', '320005'],
    ['a Signed with a needless sign octet', '32ffff'],
    ['an Enumerated with a leading zero', '920005'],
    ['a context tag', '0901'],
    ['a constructed value', '0e21010f'],
    ['nothing', ''],
    ['two values', '0000'],
  ])('has none for %s', (_name, octets) => {
    expect(primitiveOf(value(octets))).toBeUndefined();
  });

  it.each<Primitive>([
    { type: 'unsigned', value: -1 },
    { type: 'unsigned', value: 2n ** 64n },
    { type: 'signed', value: 2n ** 63n },
    { type: 'signed', value: -(2n ** 63n) - 1n },
    { type: 'enumerated', value: 2 ** 40 },
    { type: 'unsigned', value: 0.5 },
  ])('does not make %o', (primitive) => {
    expect(() => valueOfPrimitive(primitive)).toThrow(RangeError);
  });
});

describe('strings', () => {
  it('reads the character sets it knows, and no other', () => {
    const rows: readonly (readonly [number, string, string | undefined])[] = [
      [0, 'c3a9', 'é'],
      [0, 'efbbbf61', '\ufeffa'],
      [0, 'c3', undefined],
      [4, '00e9', 'é'],
      [4, '00', undefined],
      [5, 'e980', 'é\u0080'],
      [1, '61', undefined],
      [3, '00000061', undefined],
    ];
    for (const [characterSet, octets, characters] of rows) {
      expect(textOf({ characterSet, octets: hex(octets) })).toBe(characters);
    }
    expect(textOf(characterStringOf('Zähler'))).toBe('Zähler');
  });

  it('reads bits, without the unused ones', () => {
    const bits = [true, false, true, true, false, false, false, false, true];
    expect(bitsOf({ unusedBits: 7, octets: hex('b080') })).toEqual(bits);
    expect(bitsOf({ unusedBits: 5, octets: hex('ff') })).toEqual([true, true, true]);
    expect(bitsOf({ unusedBits: 0, octets: hex('') })).toEqual([]);
  });
});

describe('the tag tree', () => {
  it('opens and closes a value', () => {
    const octets = '0e09051a00ff1e11101f0f2e2f4442280000';
    const tree = elementsOf(value(octets));
    expect(tree).toEqual([
      {
        kind: 'constructed',
        number: 0,
        elements: [
          { kind: 'context', number: 0, octets: hex('05') },
          { kind: 'context', number: 1, octets: hex('00ff') },
          {
            kind: 'constructed',
            number: 1,
            elements: [
              { kind: 'application', number: 1, octets: hex('01') },
              { kind: 'application', number: 1, octets: hex('00') },
            ],
          },
        ],
      },
      { kind: 'constructed', number: 2, elements: [] },
      { kind: 'application', number: 4, octets: hex('42280000') },
    ]);
    expect(show(anyValueOf(tree).octets)).toBe(octets);
  });

  it.each<Element>([
    { kind: 'application', number: 1, octets: hex('') },
    { kind: 'application', number: 1, octets: hex('05') },
    { kind: 'application', number: 4, octets: hex('00') },
    { kind: 'application', number: 13, octets: hex('') },
    { kind: 'context', number: 256, octets: hex('') },
    { kind: 'context', number: 255, octets: hex('') },
  ])('does not make %o', (element) => {
    expect(() => anyValueOf([element])).toThrow(RangeError);
  });

  it('reads a value as the type its property has, or not at all', () => {
    const reference = value('0c00800001195529083c02000003');
    expect(readAs(deviceObjectPropertyReference, reference)).toEqual({
      objectIdentifier: oid(2, 1),
      propertyIdentifier: 85,
      propertyArrayIndex: 8,
      deviceIdentifier: oid(8, 3),
    });
    expect(readAs(deviceObjectPropertyReference, value('0c008000011955'))).toEqual({
      objectIdentifier: oid(2, 1),
      propertyIdentifier: 85,
    });
    expect(readAs(dateTime, reference)).toBeUndefined();
    expect(readAs(dateTime, value('a47e0b1607b40c1e00ff00'))).toBeUndefined();
    const recipients = list(recipient, { min: 0 });
    expect(readAs(recipients, value('0c02000003'))).toEqual([{ choice: 'device', value: oid(8, 3) }]);
  });

  it('gives the element of a primitive', () => {
    expect(elementOf({ type: 'boolean', value: true })).toEqual({ kind: 'application', number: 1, octets: hex('01') });
  });
});
