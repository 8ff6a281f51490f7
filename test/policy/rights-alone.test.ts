// A change of rights alone is judged as strictly as a whole bundle: the same faults, the same notices, the same decisions.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseBundle, parseRights } from '../../src/policy/bundle.ts';
import { compileInventory } from '../../src/policy/compile.ts';
import type { Inventory } from '../../src/policy/inventory.ts';
import { scenes } from '../reference/generate.ts';
import { parsed, siteBundle } from './scene.ts';

type Json = Record<string, unknown>;

const INVENTORY = ['locations', 'devices', 'points'];

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null;

/** The bundle as its rights parts say it: every organization without its places and things. */
function withoutInventory(bundle: unknown): unknown {
  if (!isObject(bundle) || !Array.isArray(bundle.organizations)) return bundle;
  const organizations = bundle.organizations.map((organization) =>
    Object.fromEntries(Object.entries(Object(organization)).filter(([key]) => !INVENTORY.includes(key))),
  );
  return { ...bundle, organizations };
}

function same(bundle: unknown, inventory: Inventory): boolean {
  const whole = parseBundle(bundle);
  const alone = parseRights(withoutInventory(bundle), inventory);
  if (!whole.ok) expect(alone).toEqual(whole);
  else expect(alone).toMatchObject({ ok: true, value: { notices: whole.value.notices } });
  return whole.ok;
}

const rich = siteBundle({
  model: { siteAccess: 'listed', roleHierarchy: 'bounding', rolesPerUser: 'one', siteRolesTo: 'user' },
  filters: [
    { id: 'f', expression: 'sp and siteRef == @gone', within: 'g' },
    { id: 'g', names: 'ahu1/*' },
    { id: 'h', points: ['ahu1/sp'] },
  ],
  permissions: [{ id: 'tune', level: 'site', gives: [], needs: ['point.read'] }],
  groups: [{ id: 'ops', members: ['ben'], everyone: false }],
  roles: [
    { id: 'op', name: 'Operator', permissions: ['point.write', 'point.read', 'user.manage'], home: 'hq' },
    { id: 'wide', name: 'Wide', permissions: ['point.read'], parent: 'op', global: true, filters: ['f', 'h'] },
  ],
  grants: [
    { to: 'user:ben', role: 'op', at: 'hq', until: '2030-01-01T00:00:00Z' },
    { to: 'user:ben', permissions: ['point.read'], at: 'root' },
    { to: 'user:ben', permissions: ['tune', 'point.read'], at: 'root' },
    { to: 'user:ben', permissions: ['point.read'], at: 'ahu1/sp' },
  ],
  access: [{ to: 'anyone', at: ['hq'] }],
  locks: [{ id: 'l', why: 'w', principal: 'eve', at: 'ahu1' }],
});

/** Every place in the document but those that only the inventory has, and the organization's id, which the manifest says. */
function placesIn(value: unknown, path: readonly string[] = []): string[][] {
  const inner = isObject(value) ? Object.entries(value) : [];
  return inner.flatMap(([key, of]) => {
    const at = [...path, key];
    if (path.length === 2 && (INVENTORY.includes(key) || key === 'id')) return [];
    return at.length < 3 && at[0] === 'organizations' ? placesIn(of, at) : [at, ...placesIn(of, at)];
  });
}

function withValueAt(value: unknown, [key, ...rest]: readonly string[], to: unknown): unknown {
  if (key === undefined) return to;
  const known = Object.keys(Object(value)).includes(key);
  const entries = [...Object.entries(Object(value)), ...(known ? [] : [[key, undefined] as const])].map(
    ([name, of]) => [name, name === key ? withValueAt(of, rest, to) : of],
  );
  return Array.isArray(value) ? entries.map(([, of]) => of) : Object.fromEntries(entries);
}

describe('rights alone', () => {
  it('are accepted and refused as the whole bundle is, whatever is changed', () => {
    const inventory = compileInventory(parsed(rich).document.organizations);
    const places = placesIn(rich);
    const words = fc.constantFrom<unknown>(
      ...['root', 'hq', 'ahu1', 'ahu1/sp', 'ben', 'op', 'ops', 'f', 'g', 'gone', 'point.write', 'user.manage'],
      ...['user:ben', 'group:ops', 'anyone', 'link:acme/op', '__proto__', 'bounding', 'flat', 'many', 'all', '', null],
      ...[true, 1.5, -1, [], {}, ['op'], ['ahu1/sp', 'ahu1'], [{ id: 'op' }]],
    );
    const change = fc.record({
      at: fc.constantFrom(...places),
      extra: fc.option(fc.constantFrom('unknown', 'at', 'home', 'permissions', 'filters'), { freq: 5 }),
      to: words,
    });
    let accepted = 0;
    let runs = 0;
    fc.assert(
      fc.property(fc.array(change, { maxLength: 3 }), (changes) => {
        const bundle = changes.reduce<unknown>(
          (document, { at, extra, to }) => withValueAt(document, extra === null ? at : [...at.slice(0, -1), extra], to),
          rich,
        );
        const kept = (bundle as { organizations: Json[] }).organizations;
        fc.pre(
          Array.isArray(kept) &&
            kept.length === 1 &&
            isObject(kept[0]) &&
            INVENTORY.every((key) => key in (kept[0] ?? {})),
        );
        runs += 1;
        if (same(bundle, inventory)) accepted += 1;
      }),
      { numRuns: 1_500 },
    );
    expect(accepted).toBeGreaterThan(20);
    expect(runs - accepted).toBeGreaterThan(500);
  });

  it('are accepted with the same notices for bundles of any shape', () => {
    fc.assert(
      fc.property(scenes(0), ({ bundle }) => {
        const whole = parseBundle(bundle);
        fc.pre(whole.ok);
        if (whole.ok) same(bundle, compileInventory(whole.value.document.organizations));
      }),
      { numRuns: 60 },
    );
  });
});
