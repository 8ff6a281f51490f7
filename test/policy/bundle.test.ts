// Bundles as a whole: accepted, refused with every fault, never a crash.

import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { parseBundle } from '../../src/policy/bundle.ts';
import { bundleSchema } from '../../src/policy/schema.ts';
import { grant, listed, O, pathsOf, role } from './faulty.ts';
import { siteBundle } from './scene.ts';

describe('a bundle', () => {
  it('is accepted where nothing is wrong', () => {
    expect(pathsOf(siteBundle())).toEqual([]);
  });

  it('may ask for approvals', () => {
    expect(pathsOf(siteBundle({ roles: [role({ approvals: { 'firmware.update': 1 } })] }))).toEqual([]);
  });

  it('may observe for 14 days', () => {
    expect(pathsOf(siteBundle({}, { mode: 'observe', observeUntil: '1970-01-15T00:00:00Z' }))).toEqual([]);
  });

  it('may give one role twice where one is permitted, and two to an application', () => {
    const organization = {
      model: { ...listed, rolesPerUser: 'one' },
      roles: [role({}), { ...role({}), id: 's' }],
      groups: [{ id: 'g', members: ['ben'] }],
      grants: [
        grant({}),
        grant({ to: 'group:g' }),
        grant({ to: 'anyone', role: 's' }),
        { to: 'user:ben', permissions: ['trend.view'], at: 'hq' },
      ],
    };
    expect(pathsOf(siteBundle(organization))).toEqual([]);
  });

  it('names every fault, unknown keys and dangling references together', () => {
    const bundle = siteBundle(
      { colour: 'red', roles: [role({ filters: ['gone'] })], grants: [grant({ at: 'gone' })] },
      { extra: 1 },
    );
    expect(pathsOf(bundle).sort()).toEqual(['extra', `${O}.colour`, `${O}.grants.0.at`, `${O}.roles.0.filters.0`]);
  });

  it('says what was found and what was expected', () => {
    const result = parseBundle(siteBundle({ grants: [grant({ role: 'op', at: 'gone' })] }));
    expect(result.ok ? [] : result.fault).toEqual([
      { path: `${O}.grants.0.at`, found: '`"gone"`', expected: 'a location, device or point of this organization' },
    ]);
  });

  for (const input of [null, undefined, 7, 'text', [], {}, new Map(), () => 1]) {
    it(`of the wrong kind is refused: ${typeof input} ${JSON.stringify(input)}`, () => {
      expect(parseBundle(input).ok).toBe(false);
    });
  }

  it('that cannot even be read is refused', () => {
    const bundle = Object.defineProperty(siteBundle(), 'users', {
      enumerable: true,
      get: () => {
        throw new Error('no');
      },
    });
    expect(parseBundle(bundle)).toMatchObject({ ok: false, fault: [{ path: '', found: 'Error: no' }] });
  });

  it('with values that cannot be copied is refused', () => {
    expect(pathsOf({ ...siteBundle(), extra: () => 1 })).toEqual(['extra']);
  });

  it('nested too deep, or in a circle, is refused without a crash', () => {
    let deep: unknown = 1;
    for (let i = 0; i < 50_000; i += 1) deep = [deep];
    expect(pathsOf({ ...siteBundle(), deep }).length).toBeGreaterThan(0);
    const circle: Record<string, unknown> = siteBundle();
    circle.self = circle;
    expect(pathsOf(circle).length).toBeGreaterThan(0);
  });

  it('has a JSON Schema', () => {
    expect(z.toJSONSchema(bundleSchema, { io: 'input' })).toMatchObject({
      type: 'object',
      additionalProperties: false,
      required: ['format', 'revision', 'issuedAt'],
    });
  });
});
