// Clause 20.2.1: tags. One form each; everything else is a fault with its Reject reason.

import { describe, expect, it } from 'vitest';
import { anyElement, anyValue, elementsOf } from '../../../../drivers/bacnet/wire/any-value.ts';
import type { WireFaultCode } from '../../../../drivers/bacnet/wire/fault.ts';
import { MAX_DEPTH, MAX_TAGS, TagReader } from '../../../../drivers/bacnet/wire/reader.ts';
import { decodeWhole, encodeWhole } from '../../../../drivers/bacnet/wire/whole.ts';
import { TagWriter } from '../../../../drivers/bacnet/wire/writer.ts';
import { hex, show } from './octets.ts';

const long = (length: number): string => '00'.repeat(length);

describe('20.2.1 tags that are read', () => {
  const rows: readonly (readonly [string, string])[] = [
    ['nothing: an empty list', ''],
    ['Null', '00'],
    ['Boolean false and true', '1011'],
    ['Unsigned of 8 octets', '2508ffffffffffffffff'],
    ['Signed of 1 octet', '3180'],
    ['Real: a signalling NaN with a payload', '447fa00001'],
    ['Double', '55087ff0000000000000'],
    ['empty OctetString', '60'],
    ['CharacterString of character set 1 (DBCS), unread', '7505010352adcb'],
    ['BitString with unused bits set', '8205ff'],
    ['empty BitString', '8100'],
    ['Enumerated of 4 octets', '94ffffffff'],
    ['Date, all unspecified', 'a4ffffffff'],
    ['Time', 'b4173b3b63'],
    ['ObjectIdentifier', 'c4023fffff'],
    ['context tag 0 without contents', '08'],
    ['context tag 14', 'e901'],
    ['context tag 15 in the extended form', 'f90f01'],
    ['context tag 254', 'f9fe01'],
    ['length 4 in the tag', '0c00000000'],
    ['length 5 extended', `0d05${long(5)}`],
    ['length 253', `65fd${long(253)}`],
    ['length 254', `65fe00fe${long(254)}`],
    ['length 65535', `65feffff${long(65_535)}`],
    ['length 65536', `65ff00010000${long(65_536)}`],
    ['opening and closing', '0e0f'],
    ['opening and closing of tag 15', 'fe0fff0f'],
    ['the same tag nested in itself', '0e0e0f0f'],
    ['deepest permitted nesting', `${'0e'.repeat(MAX_DEPTH)}${'0f'.repeat(MAX_DEPTH)}`],
  ];
  it.each(rows)('%s', (_name, text) => {
    const decoded = decodeWhole(anyValue, hex(text));
    if (!decoded.ok) throw new Error(decoded.fault.message);
    expect(show(encodeWhole(anyValue, decoded.value))).toBe(text);
    expect(elementsOf(decoded.value).length === 0).toBe(text === '');
  });
});

describe('20.2.1 tags that are faults', () => {
  const rows: readonly (readonly [string, string, WireFaultCode, string])[] = [
    ['length 4 in the extended form', '0d0400000000', 'tag-not-canonical', 'invalid-tag'],
    ['tag 0 in the extended form', 'fc0000000000', 'tag-not-canonical', 'invalid-tag'],
    ['opening tag 3 in the extended form', 'fe03ff03', 'tag-not-canonical', 'invalid-tag'],
    ['tag 14 in the extended form', 'f90e01', 'tag-not-canonical', 'invalid-tag'],
    ['tag 255, reserved', 'f9ff01', 'tag-not-canonical', 'invalid-tag'],
    ['length 253 in three octets', `65fe00fd${long(253)}`, 'tag-not-canonical', 'invalid-tag'],
    ['length 65535 in five octets', `65ff0000ffff${long(65_535)}`, 'tag-not-canonical', 'invalid-tag'],
    ['extended tag number cut off', 'f9', 'tag-malformed', 'invalid-tag'],
    ['extended length cut off', '65', 'tag-malformed', 'invalid-tag'],
    ['extended length of three octets cut off', '65fe01', 'tag-malformed', 'invalid-tag'],
    ['extended length of five octets cut off', '65ff000100', 'tag-malformed', 'invalid-tag'],
    ['contents cut off', '444290', 'tag-malformed', 'invalid-tag'],
    ['a length of four thousand million', '65ffffffffff00', 'tag-malformed', 'invalid-tag'],
    ['application tag 13, reserved', 'd0', 'tag-malformed', 'invalid-tag'],
    ['application tag 15', 'f10f00', 'tag-malformed', 'invalid-tag'],
    ['application tag with length 6', '2600', 'tag-malformed', 'invalid-tag'],
    ['application tag with length 7', '2700', 'tag-malformed', 'invalid-tag'],
    ['Boolean 2', '12', 'parameter-datatype', 'invalid-parameter-data-type'],
    ['Boolean with an extended length', '150500', 'parameter-datatype', 'invalid-parameter-data-type'],
    ['Null with contents', '0100', 'parameter-datatype', 'invalid-parameter-data-type'],
    ['Unsigned without contents', '20', 'parameter-datatype', 'invalid-parameter-data-type'],
    ['Unsigned of 9 octets', `2509${long(9)}`, 'parameter-datatype', 'invalid-parameter-data-type'],
    ['Real of 3 octets', '43000000', 'parameter-datatype', 'invalid-parameter-data-type'],
    ['Double of 4 octets', '5400000000', 'parameter-datatype', 'invalid-parameter-data-type'],
    ['CharacterString without a character set', '70', 'parameter-datatype', 'invalid-parameter-data-type'],
    ['BitString without a count', '80', 'parameter-datatype', 'invalid-parameter-data-type'],
    ['BitString with 8 unused bits', '820800', 'parameter-datatype', 'invalid-parameter-data-type'],
    ['BitString with unused bits and none there', '8101', 'parameter-datatype', 'invalid-parameter-data-type'],
    ['Enumerated of 5 octets', `9505${long(5)}`, 'parameter-datatype', 'invalid-parameter-data-type'],
    ['Date of 3 octets', 'a3000000', 'parameter-datatype', 'invalid-parameter-data-type'],
    ['Time of 3 octets', 'b3000000', 'parameter-datatype', 'invalid-parameter-data-type'],
    ['ObjectIdentifier of 3 octets', 'c3000000', 'parameter-datatype', 'invalid-parameter-data-type'],
    ['no closing tag', '0e00', 'parameter-missing', 'missing-required-parameter'],
    ['another closing tag', '0e1f', 'tag-unexpected', 'invalid-tag'],
    ['a closing tag alone', '0f', 'tag-unexpected', 'invalid-tag'],
    ['one level too deep', '0e'.repeat(MAX_DEPTH + 1), 'too-deep', 'buffer-overflow'],
    ['too many tags', '00'.repeat(MAX_TAGS + 1), 'too-many', 'buffer-overflow'],
  ];
  it.each(rows)('%s', (_name, text, code, reason) => {
    const decoded = decodeWhole(anyValue, hex(text));
    expect(decoded).toMatchObject({ ok: false, fault: { code, answer: { kind: 'reject', reason } } });
  });
});

describe('exactly one element', () => {
  it.each([
    ['one', '09010901', 2],
    ['one constructed', '0e09011f0f', undefined],
    ['none', '', undefined],
    ['a closing tag', '0f', undefined],
  ])('%s', (_name, text, taken) => {
    const reader = new TagReader(hex(text));
    const element = anyElement.decode(reader);
    expect(element?.octets.length).toBe(taken);
    expect(reader.fault === undefined).toBe(taken !== undefined);
  });

  it('starts only at an element, while a list of any length starts anywhere', () => {
    expect(anyValue.starts(new TagReader(hex('0f')))).toBe(true);
    expect(['00', '08', '0e', '0f', ''].map((text) => anyElement.starts(new TagReader(hex(text))))).toEqual([
      true,
      true,
      true,
      false,
      false,
    ]);
  });
});

describe('the reader after a fault', () => {
  it('keeps the first fault and shows the end for ever', () => {
    const reader = new TagReader(hex('0d0400000000'));
    expect(reader.peek()).toBe('end');
    const { fault } = reader;
    reader.refuse('too-deep', 'a later one');
    reader.refuseTag('anything');
    reader.position = 6;
    expect(reader.peek()).toBe('end');
    expect(reader.fault).toBe(fault);
  });

  it('says what a tag cut off is, when asked for another one', () => {
    const reader = new TagReader(hex('f9'));
    expect(reader.refuseTag('anything')).toBeUndefined();
    expect(reader.fault?.code).toBe('tag-malformed');
  });
});

describe('the writer', () => {
  it.each([
    [256, 1],
    [-1, 1],
    [1.5, 2],
    [65_536, 2],
    [Number.NaN, 4],
  ])('refuses %d in %d octets', (number, octets) => {
    expect(() => new TagWriter().unsigned(number, octets)).toThrow(RangeError);
  });

  it('writes tag numbers and lengths at their borders', () => {
    const writer = new TagWriter();
    writer.context(14, 4);
    writer.context(15, 5);
    writer.application(6, 253);
    writer.application(6, 254);
    writer.application(6, 65_535);
    writer.application(6, 65_536);
    writer.opening(254);
    writer.closing(254);
    expect(show(writer.finish())).toBe('ecfd0f0565fd65fe00fe65feffff65ff00010000fefefffe');
  });
});
