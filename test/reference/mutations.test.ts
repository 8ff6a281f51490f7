// The mutations stay applicable: what each of them looks for stands exactly once in the engine's source.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { MUTATIONS_OF_REQUESTS } from './mutation-list.ts';
import { MUTATIONS_OF_RIGHTS } from './mutation-list-rights.ts';

const all = [...MUTATIONS_OF_REQUESTS, ...MUTATIONS_OF_RIGHTS];

test('there are many, each with a name of its own', () => {
  expect(all.length).toBeGreaterThanOrEqual(25);
  expect(new Set(all.map(({ name }) => name)).size).toBe(all.length);
});

test.each(all)('$name', ({ file, search, replacement }) => {
  const source = readFileSync(join(import.meta.dirname, '../..', file), 'utf8');
  expect(source.split(search).length - 1).toBe(1);
  expect(replacement).not.toBe(search);
});
