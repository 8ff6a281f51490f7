// What the rows about faults are made of: pieces of a bundle in few words, and the paths of its faults.

import { describe, expect, it } from 'vitest';
import { parseBundle } from '../../src/policy/bundle.ts';
import { siteBundle } from './scene.ts';

export function pathsOf(bundle: unknown): string[] {
  const result = parseBundle(bundle);
  return result.ok ? [] : result.fault.map(({ path }) => path);
}

export const O = 'organizations.0';
export const role = (more: Record<string, unknown>) => ({ id: 'r', name: 'R', permissions: ['point.read'], ...more });
export const grant = (more: Record<string, unknown>) => ({ to: 'user:ben', role: 'r', at: 'hq', ...more });
export const places = [
  { id: 'root', name: 'Acme', kind: 'organization' },
  { id: 'hq', name: 'HQ', parent: 'root', kind: 'site' },
];
export const device = { id: 'd', name: 'D', location: 'hq' };
export const point = { id: 'd/p', name: 'P', device: 'd', class: 'sensor' };
export const listed = { siteAccess: 'all', roleHierarchy: 'flat', rolesPerUser: 'many' };
export const inventory = (more: Record<string, unknown>) => ({
  locations: places,
  devices: [device],
  points: [],
  ...more,
});

interface FaultRow {
  readonly says: string;
  readonly organization?: Record<string, unknown>;
  readonly document?: Record<string, unknown>;
  readonly path: string;
}

/** A test a row, under its title: the fault is found at the row's path. */
export function testFaults(sections: Record<string, readonly FaultRow[]>): void {
  for (const [title, rows] of Object.entries(sections)) {
    describe(`faults of ${title}`, () => {
      for (const { says, organization, document, path } of rows) {
        it(`${says}: ${path}`, () => {
          expect(pathsOf(siteBundle(organization, document))).toContain(path);
        });
      }
    });
  }
}
