// A bundle of any size for tests of the whole road: one organization, Anna may change set points, Ben may read.

import type { BundleJson } from '../../simulators/cloud/bundle-parts.ts';

interface SiteBundle {
  readonly revision: number;
  readonly gateway: string;
  readonly points?: number;
  /** Who holds the role `operator`. */
  readonly operator?: string;
  readonly change?: object;
}

export function siteBundle({ revision, gateway, points = 2, operator = 'anna', change = {} }: SiteBundle): BundleJson {
  const deviceCount = Math.ceil(points / 200);
  const devices = Array.from({ length: deviceCount }, (_, index) => ({
    id: `ahu${index}`,
    name: `Air handling unit ${index}`,
    location: 'hq',
    address: { modbus: { line: 'plant', unit: index + 1 } },
  }));
  const list = Array.from({ length: points }, (_, index) => ({
    id: `ahu${Math.floor(index / 200)}/point-${index % 200}`,
    name: `Supply air set point ${(index * 7919) % 10_007}`,
    device: `ahu${Math.floor(index / 200)}`,
    class: 'set-point',
    facts: { sp: true, zone: (index * 2_654_435_761) % 1_000_003 },
    limits: { min: 14, max: 24 + (index % 7), step: 0.5 },
    address: { table: 'holding', register: index % 200, type: 'uint16' },
  }));
  return {
    format: 'gatehouse.policy/1',
    revision,
    audience: [gateway],
    issuedAt: new Date().toISOString(),
    ...change,
    users: [
      { id: 'anna', name: 'Anna', home: 'acme', password: '$scrypt$not-for-a-broker' },
      { id: 'ben', name: 'Ben', home: 'acme' },
    ],
    applications: [],
    organizations: [
      {
        id: 'acme',
        name: 'Acme',
        model: { siteAccess: 'all', roleHierarchy: 'flat', rolesPerUser: 'many' },
        locations: [
          { id: 'root', name: 'Acme', kind: 'organization' },
          { id: 'hq', name: 'HQ', kind: 'site', parent: 'root' },
        ],
        devices,
        points: list,
        roles: [{ id: 'operator', name: 'Operator', permissions: ['point.read', 'point.write'] }],
        grants: [{ to: `user:${operator}`, role: 'operator', at: 'hq' }],
      },
    ],
  };
}
