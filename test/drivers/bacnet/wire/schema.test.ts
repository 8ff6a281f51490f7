// The notation services are described in, where no service of the standard goes.

import { describe, expect, it } from 'vitest';
import { unsigned } from '../../../../drivers/bacnet/wire/primitive-content.ts';
import { TagReader } from '../../../../drivers/bacnet/wire/reader.ts';
import {
  application,
  applicationBoolean,
  checked,
  choice,
  context,
  list,
  optional,
  sequence,
  wrapped,
} from '../../../../drivers/bacnet/wire/schema.ts';
import { decodeWhole, encodeWhole } from '../../../../drivers/bacnet/wire/whole.ts';
import { hex, show } from './octets.ts';

const number = application(unsigned());

describe('descriptions', () => {
  it('does not loop on a list of elements that take no octet', () => {
    const empty = sequence('nothing at all', { one: optional(context(0, unsigned())) });
    expect(decodeWhole(list(empty, { min: 0 }), hex('1901'))).toMatchObject({
      ok: false,
      fault: { code: 'tag-unexpected' },
    });
    expect(empty.starts(new TagReader(hex('0901')))).toBe(true);
    expect(empty.starts(new TagReader(hex('1901')))).toBe(false);
  });

  it('starts a sequence at any of its leading optional fields or at its first required one', () => {
    const codec = optionalThenRequired();
    expect(['0901', '1901', '2901'].map((octets) => codec.starts(new TagReader(hex(octets))))).toEqual([
      true,
      true,
      false,
    ]);
    expect(list(codec, { min: 0 }).starts(new TagReader(hex('1901')))).toBe(true);
    expect(checked(codec, 'parameter-range', () => undefined).starts(new TagReader(hex('2901')))).toBe(false);
  });

  it('does not write a sequence without a required field, nor a choice of nothing', () => {
    const codec = optionalThenRequired();
    expect(show(encodeWhole(codec, { required: 1 }))).toBe('1901');
    expect(() => encodeWhole<unknown>(codec, {})).toThrow('got no `required`');
    const either = choice('either', { a: number, b: applicationBoolean });
    expect(() => encodeWhole<unknown>(either, { choice: 'c', value: 1 })).toThrow('got `c`');
    expect(either.starts(new TagReader(hex('11')))).toBe(true);
    expect(either.starts(new TagReader(hex('9101')))).toBe(false);
  });

  it('says what stands where the end should be', () => {
    const rows: readonly (readonly [string, string])[] = [
      ['0e21012f', 'got closing tag `2`, expected the closing tag `0`'],
      ['0e2101', 'got nothing, expected the closing tag `0`'],
      ['0e21010901', 'got context tag `0`, expected the closing tag `0`'],
      ['0e21010f0f', 'got closing tag `0`, expected the end'],
      ['0e21010f2101', 'got application tag `2`, expected the end'],
    ];
    for (const [octets, message] of rows) {
      expect(decodeWhole(wrapped(0, number), hex(octets))).toMatchObject({ ok: false, fault: { message } });
    }
    expect(decodeWhole(applicationBoolean, hex('00'))).toMatchObject({ ok: false, fault: { code: 'tag-unexpected' } });
  });

  it('keeps a fault met while looking whether something starts', () => {
    const codec = sequence('optional only', { one: optional(context(0, unsigned())) });
    expect(decodeWhole(codec, hex('f9'))).toMatchObject({ ok: false, fault: { code: 'tag-malformed' } });
  });
});

function optionalThenRequired() {
  return sequence('optional, then required', {
    first: optional(context(0, unsigned())),
    required: context(1, unsigned()),
    last: optional(context(2, unsigned())),
  });
}
