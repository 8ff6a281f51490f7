// The small parts decisions stand on: sets of integers, packed texts; and what unchecked documents do: nothing is given.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clearRange, hasBit, intersect, makeBits, setBit, setRange, subtract, unite } from '../../src/policy/bitset.ts';
import { compileInventory, compileRights, headerOf, snapshotOf } from '../../src/policy/compile.ts';
import { decide } from '../../src/policy/decide.ts';
import { noticesOf } from '../../src/policy/notices.ts';
import { placesOfDocument } from '../../src/policy/places.ts';
import { packStrings, StringTable } from '../../src/policy/string-table.ts';
import { parsed, siteBundle } from './scene.ts';

const SIZE = 130;

describe('sets', () => {
  const index = fc.nat(SIZE - 1);
  const change = fc.oneof(
    fc.record({ by: fc.constantFrom('set', 'clear'), first: index, last: index }),
    fc.record({ by: fc.constant('one'), first: index, last: index }),
  );
  const make = (changes: readonly { by: string; first: number; last: number }[]): [Uint32Array, Set<number>] => {
    const bits = makeBits(SIZE);
    const set = new Set<number>();
    for (const { by, first, last } of changes) {
      if (by === 'one') {
        setBit(bits, first);
        set.add(first);
      } else if (by === 'set') {
        setRange(bits, first, last);
        for (let i = first; i <= last; i += 1) set.add(i);
      } else {
        clearRange(bits, first, last);
        for (let i = first; i <= last; i += 1) set.delete(i);
      }
    }
    return [bits, set];
  };
  const members = (bits: Uint32Array): number[] =>
    Array.from({ length: SIZE + 70 }, (_, i) => i).filter((i) => hasBit(bits, i));
  const sorted = (set: Iterable<number>): number[] => [...set].sort((a, b) => a - b);

  it('are what sets are', () => {
    fc.assert(
      fc.property(fc.array(change), fc.array(change), (one, other) => {
        const [a, setA] = make(one);
        const [b, setB] = make(other);
        expect(members(a)).toEqual(sorted(setA));
        const both = a.slice();
        intersect(both, b);
        expect(members(both)).toEqual(sorted([...setA].filter((i) => setB.has(i))));
        const any = a.slice();
        unite(any, b);
        expect(members(any)).toEqual(sorted(new Set([...setA, ...setB])));
        const rest = a.slice();
        subtract(rest, b);
        expect(members(rest)).toEqual(sorted([...setA].filter((i) => !setB.has(i))));
      }),
    );
  });
});

describe('packed texts', () => {
  it('come back and are found, whatever they are', () => {
    const text = fc.oneof(
      fc.string(),
      fc.string({ unit: 'binary' }),
      fc.constantFrom('\ud800', '__proto__', 'x'.repeat(9000)),
    );
    fc.assert(
      fc.property(fc.uniqueArray(text), text, (texts, other) => {
        const table = new StringTable(packStrings(texts, true));
        expect(texts.map((_, i) => table.at(i))).toEqual(texts);
        expect(texts.map((of) => table.find(of))).toEqual(texts.map((_, i) => i));
        expect(table.find(other)).toBe(texts.includes(other) ? texts.indexOf(other) : undefined);
      }),
    );
  });

  it('are not found where they were not made to be', () => {
    expect(new StringTable(packStrings(['a'], false)).find('a')).toBeUndefined();
  });
});

describe('what was never checked', () => {
  const { document } = parsed(siteBundle({ filters: [{ id: 'f', points: [] }] }));
  const [organization] = document.organizations;
  if (organization === undefined) throw new Error('got no organization');
  const role = { ...(organization.roles[0] as (typeof organization.roles)[0]) };
  const broken = {
    ...document,
    organizations: [
      {
        ...organization,
        filters: [{ id: 'f', expression: 'sp and and' }, { id: 'g', points: ['gone'] }, { id: 'h' }],
        roles: [
          { ...role, filters: ['f', 'g', 'h', 'gone'] },
          { ...role, id: 'bare', tags: ['gone'] },
        ],
        grants: [
          { to: 'user:ben', role: 'op', at: 'root' },
          { to: 'user:ben', role: 'gone', at: 'root' },
          { to: 'user:ben', at: 'root' },
          { to: 'user:ben', role: 'bare', at: 'gone' },
        ],
      },
    ],
  };

  it('gives nothing', () => {
    const inventory = compileInventory(document.organizations);
    const snapshot = snapshotOf(inventory, compileRights(inventory, broken), headerOf(document));
    expect(decide(snapshot, { principal: 'ben', action: 'point.write', targets: ['ahu1/sp'], at: 0 })).toMatchObject({
      reason: 'filter-restricted',
    });
  });

  it('has notices all the same', () => {
    expect(noticesOf(broken, placesOfDocument(broken.organizations)).map(({ path }) => path)).toContain(
      'organizations.0',
    );
  });
});
