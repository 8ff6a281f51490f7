// Total: whatever somebody writes, a bundle is accepted or refused with its faults, and what is accepted decides.

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseBundle } from '../../src/policy/bundle.ts';
import { decide } from '../../src/policy/decide.ts';
import { siteBundle, snapshotFrom } from './scene.ts';

const rich = siteBundle({
  filters: [
    { id: 'f', expression: 'sp and not safety', within: 'g' },
    { id: 'g', names: 'ahu1/*' },
  ],
  permissions: [{ id: 'tune', level: 'site', gives: [], needs: ['point.read'] }],
  groups: [{ id: 'ops', members: ['ben'], everyone: false }],
  grants: [
    { to: 'group:ops', role: 'op', at: 'hq', until: '2030-01-01T00:00:00Z' },
    { to: 'user:ben', permissions: ['tune', 'point.read'], at: 'root' },
  ],
  access: [{ to: 'anyone', at: ['hq'] }],
  locks: [{ id: 'l', why: 'w', principal: 'eve', at: 'ahu1' }],
});

/** Every place in the document, as the keys that lead there. */
function placesIn(value: unknown, path: readonly string[] = []): string[][] {
  const inner = typeof value === 'object' && value !== null ? Object.entries(value) : [];
  return [[...path], ...inner.flatMap(([key, of]) => placesIn(of, [...path, key]))];
}

function withValueAt(value: unknown, [key, ...rest]: readonly string[], to: unknown): unknown {
  if (key === undefined) return to;
  const entries = Object.entries(Object(value)).map(([name, of]) => [
    name,
    name === key ? withValueAt(of, rest, to) : of,
  ]);
  return Array.isArray(value) ? entries.map(([, of]) => of) : Object.fromEntries(entries);
}

const words = fc.constantFrom(
  'root',
  'hq',
  'ahu1',
  'ahu1/sp',
  'ben',
  'op',
  'ops',
  'f',
  'g',
  'point.write',
  'user:ben',
  'link:acme/op',
  '__proto__',
  '',
  null,
  true,
  1.5,
  -1,
);
const strange = fc.oneof(
  words,
  fc.array(words, { maxLength: 3 }),
  fc.anything({ withDate: true, withMap: true, withBigInt: true, withTypedArray: true, maxDepth: 2 }),
);

it('one or two places of a bundle changed to anything', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.constantFrom(...placesIn(rich)), strange), { minLength: 1, maxLength: 2 }),
      fc.constantFrom('ben', 'eve', null),
      (changes, principal) => {
        const bundle = changes.reduce((of: unknown, [place, to]) => withValueAt(of, place, to), rich);
        const parsed = parseBundle(bundle);
        if (!parsed.ok) {
          for (const { found, expected } of parsed.fault) expect([found, expected]).not.toContain('');
          return;
        }
        const decision = decide(snapshotFrom(bundle), {
          principal,
          action: 'point.write',
          targets: ['ahu1/sp'],
          at: 0,
        });
        expect(['permit', 'deny']).toContain(decision.decision);
      },
    ),
    { numRuns: 3000 },
  );
});

it('a fault in each of a great many points', () => {
  const points = Array.from({ length: 20_000 }, (_, n) => ({
    id: `p${n}`,
    name: 'P',
    device: 'ahu1',
    class: 'sensor',
    colour: 1,
    involves: ['gone'],
  }));
  const parsed = parseBundle(siteBundle({ points }));
  expect(parsed.ok ? 0 : parsed.fault.length).toBe(40_000);
});
