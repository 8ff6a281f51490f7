// From a bundle as data to a snapshot, as a gateway does it; a bundle with a fault fails the test that brought it.

import { describeFault } from '../../src/model/fault.ts';
import { type ParsedBundle, parseBundle } from '../../src/policy/bundle.ts';
import { compileInventory, compileRights, headerOf, snapshotOf } from '../../src/policy/compile.ts';
import type { PolicySnapshot } from '../../src/policy/rights.ts';
import type { OrganizationDocument } from '../../src/policy/schema.ts';

export function parsed(bundle: unknown): ParsedBundle {
  const result = parseBundle(bundle);
  if (!result.ok) throw new Error(result.fault.map(describeFault).join('\n'));
  return result.value;
}

export function snapshotFrom(bundle: unknown): PolicySnapshot {
  const { document } = parsed(bundle);
  const inventory = compileInventory(document.organizations);
  return snapshotOf(inventory, compileRights(inventory, document), headerOf(document));
}

/** A small site: two devices under one site, every class that cases need; `changes` replace keys of the organization. */
export function siteBundle(changes: Record<string, unknown> = {}, document: Record<string, unknown> = {}) {
  return {
    format: 'gatehouse.policy/1',
    revision: 7,
    audience: ['test'],
    issuedAt: '1970-01-01T00:00:00Z',
    users: ['ben', 'eve', 'ada'].map((id) => ({ id, name: id.toUpperCase(), home: 'acme' })),
    applications: [{ id: 'optimizer', name: 'Optimizer', home: 'acme' }],
    organizations: [
      {
        id: 'acme',
        name: 'Acme',
        model: { siteAccess: 'all', roleHierarchy: 'flat', rolesPerUser: 'many' },
        locations: [
          { id: 'root', name: 'Acme', kind: 'organization' },
          { id: 'hq', name: 'HQ', parent: 'root', kind: 'site' },
          { id: 'annex', name: 'Annex', parent: 'root', kind: 'site' },
        ],
        devices: [
          { id: 'ahu1', name: 'AHU 1', location: 'hq', tags: ['air'] },
          { id: 'vav1', name: 'VAV 1', location: 'hq' },
          { id: 'lift', name: 'Lift', location: 'annex', tags: ['lifts'] },
        ],
        points: [
          { id: 'ahu1/sp', name: 'Set point', device: 'ahu1', class: 'set-point', facts: { sp: true } },
          { id: 'ahu1/fan', name: 'Fan', device: 'ahu1', class: 'command', facts: { cmd: true } },
          {
            id: 'ahu1/sched',
            name: 'Schedule',
            device: 'ahu1',
            class: 'set-point',
            facts: { sp: true },
            involves: ['vav1/sp', 'lift'],
          },
          {
            id: 'vav1/sp',
            name: 'Flow',
            device: 'vav1',
            class: 'set-point',
            facts: { sp: true },
            involves: ['ahu1/fan'],
          },
          { id: 'lift/cmd', name: 'Call', device: 'lift', class: 'command' },
        ],
        roles: [
          { id: 'op', name: 'Operator', permissions: ['point.write', 'point.read', 'device.view'] },
          { id: 'viewer', name: 'Viewer', permissions: ['point.read', 'device.view'] },
        ],
        ...changes,
      },
    ],
    ...document,
  };
}

/** One organization as the schema hands it on, from what is given; the rest empty. */
export function organizationOf(given: Record<string, unknown>): OrganizationDocument {
  const { document } = parsed({
    ...siteBundle(),
    users: [],
    applications: [],
    organizations: [{ ...EMPTY, ...given }],
  });
  const [organization] = document.organizations;
  if (organization === undefined) throw new Error('got no organization');
  return organization;
}

const EMPTY = { id: 'acme', name: 'Acme', model: { siteAccess: 'all', roleHierarchy: 'flat', rolesPerUser: 'many' } };
