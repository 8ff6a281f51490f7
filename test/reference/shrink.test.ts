// A counterexample is shrunk to what matters, and only by taking things away.

import { expect, test } from 'vitest';
import { shrink } from './shrink.ts';

test('takes away every element and key that does not matter', () => {
  const value: { a?: number; list: readonly { k: number; n?: string }[] } = {
    a: 1,
    list: [{ k: 1 }, { k: 2, n: 'x' }],
  };
  expect(shrink(value, (one) => Array.isArray(one.list) && one.list.some(({ k }) => k === 2))).toEqual({
    list: [{ k: 2 }],
  });
});

test('keeps a key named like a prototype its own', () => {
  const value: unknown = JSON.parse('{"__proto__":[1,2],"b":0}');
  expect(JSON.stringify(shrink(value, (one) => JSON.stringify(one).includes('2')))).toBe('{"__proto__":[2]}');
});

test('a value that cannot be made smaller stays', () => {
  expect(shrink([1], (one) => one.length === 1)).toEqual([1]);
});
