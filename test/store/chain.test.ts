import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CHAIN_START, canonicalJson, chainHash, encodeRow } from '../../src/store/chain.ts';
import { intent, outcome, refusal } from './store-rig.ts';

describe('the chain', () => {
  test('starts from zeros and takes the hash before it as bytes', () => {
    // (head -c 32 /dev/zero; printf '{"a":1}') | sha256sum
    const first = chainHash(CHAIN_START, '{"a":1}');
    expect(first).toBe('b06a229070741292512e8760f470dd7a4c46ccfdf253df781d88dabe58c1ccb1');
    expect(chainHash(first, '{}')).not.toBe(chainHash(CHAIN_START, '{}'));
  });
});

describe('canonical JSON', () => {
  test('keys in order at every depth, no white space, nothing for undefined', () => {
    expect(canonicalJson({ b: [{ d: 1, c: null }], a: undefined, A: 'é\u0000' })).toBe(
      '{"A":"é\\u0000","b":[{"c":null,"d":1}]}',
    );
  });

  test('gives back the value it was given, and the same text for it', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
        const text = canonicalJson(value);
        const again: unknown = JSON.parse(text);
        expect(again).toEqual(JSON.parse(JSON.stringify(value)));
        expect(canonicalJson(again)).toBe(text);
        expect(Buffer.from(text, 'utf8').toString('utf8')).toBe(text);
      }),
    );
  });

  test.each([
    ['NaN', Number.NaN],
    ['a bigint', 1n],
    ['a Date', new Date(0)],
    ['a hole', [undefined]],
    ['a function', { a: () => 1 }],
  ])('refuses %s', (_name, value) => {
    expect(() => canonicalJson(value)).toThrow(TypeError);
  });
});

describe('an encoded row', () => {
  test('has what can be searched: every target once, the first named one first', () => {
    expect(encodeRow(intent('d1', ['a', 'b', 'a']))).toMatchObject({
      kind: 'intent',
      at: 1000,
      decision: 'd1',
      principal: 'anna',
      targets: ['a', 'b'],
    });
    expect(encodeRow(refusal('d2')).targets).toEqual(['ahu1/sat-sp']);
    const { target: _, ...unnamed } = refusal('d2');
    expect(encodeRow(unnamed).targets).toEqual([]);
    expect(encodeRow({ ...outcome('d1'), readBack: [{ target: 'a', value: 1 }] })).toMatchObject({
      decision: 'd1',
      principal: null,
      targets: ['a'],
    });
    expect(encodeRow({ kind: 'system', at: 1, event: 'started', detail: {} })).toMatchObject({
      decision: null,
      principal: null,
    });
  });

  test('needs a time in whole ms', () => {
    expect(() => encodeRow(outcome('d1', 1.5))).toThrow('expected whole ms');
  });
});
