// Places of a document and of a compiled inventory say the same, also of what is not there.

import { expect, it } from 'vitest';
import { type Places, placesOfDocument, placesOfInventory } from '../../src/policy/places.ts';
import { parsed, siteBundle, snapshotFrom } from './scene.ts';

const { organizations } = parsed(siteBundle()).document;
const both: readonly (readonly [string, Places])[] = [
  ['a document', placesOfDocument(organizations)],
  ['an inventory', placesOfInventory(snapshotFrom(siteBundle()).inventory)],
];

it.each(both)('%s', (_of, places) => {
  expect(['hq', 'ahu1', 'ahu1/sp', 'gone'].map((id) => places.get(id)?.kind)).toEqual([
    'location',
    'device',
    'point',
    undefined,
  ]);
  expect([places.rootOf(0), places.rootOf(9)]).toEqual(['root', undefined]);
  expect([
    places.isBelow(0, 'ahu1/sp', 'hq'),
    places.isBelow(0, 'hq', 'ahu1/sp'),
    places.isBelow(0, 'lift', 'hq'),
    places.isBelow(0, 'hq', 'hq'),
    places.isBelow(0, 'gone', 'hq'),
    places.isBelow(0, 'hq', 'gone'),
  ]).toEqual([true, false, false, false, false, false]);
});

it('an organization that a document does not have', () => {
  expect(placesOfDocument(organizations).isBelow(9, 'ahu1/sp', 'hq')).toBe(false);
});
