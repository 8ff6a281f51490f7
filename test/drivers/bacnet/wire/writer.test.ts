// The writer's buffer goes from message to message: none may see another's octets.

import { expect, it } from 'vitest';
import { TagWriter } from '../../../../drivers/bacnet/wire/writer.ts';

it('two writers at once keep to themselves', () => {
  const [one, other] = [new TagWriter(), new TagWriter()];
  for (let at = 0; at < 2000; at += 1) {
    one.octet(1);
    other.octet(2);
  }
  expect(one.finish()).toEqual(new Uint8Array(2000).fill(1));
  expect(other.finish()).toEqual(new Uint8Array(2000).fill(2));
});

it('what was finished stays as it is', () => {
  const first = new TagWriter();
  first.octets(Uint8Array.of(1, 2, 3));
  const octets = first.finish();
  const second = new TagWriter();
  second.octets(Uint8Array.of(9, 9, 9));
  first.octet(7);
  first.octets(Uint8Array.of(8));
  expect(second.finish()).toEqual(Uint8Array.of(9, 9, 9));
  expect(octets).toEqual(Uint8Array.of(1, 2, 3));
});

it('a writer that broke off leaves nothing to the next', () => {
  const broken = new TagWriter();
  broken.octet(1);
  expect(() => broken.unsigned(2 ** 16, 2)).toThrow(RangeError);
  const next = new TagWriter();
  next.octet(2);
  expect(next.finish()).toEqual(Uint8Array.of(2));
});

it.each([
  [0xff, 1],
  [0xffff, 2],
  [0xff_ffff, 3],
  [0xffff_ffff, 4],
])('`%i` is the greatest number of `%i` octets', (most, octets) => {
  const writer = new TagWriter();
  writer.unsigned(most, octets);
  expect(writer.finish()).toEqual(new Uint8Array(octets).fill(0xff));
  expect(() => new TagWriter().unsigned(most + 1, octets)).toThrow(RangeError);
  expect(() => new TagWriter().unsigned(-1, octets)).toThrow(RangeError);
  expect(() => new TagWriter().unsigned(0, 4 + octets)).toThrow(RangeError);
});
