// The demo site's policy: four people, one application, and what each may do in the plant.

import type { BundleJson } from '../cloud/bundle-parts.ts';
import { plantInventory } from '../modbus/plant.ts';

export const GATEWAY = 'demo';
/** The supervisory station works from a fixed address of the site's configuration. */
export const SUPERVISOR_ADDRESS = '127.0.0.21';

export interface DemoLock {
  readonly id: string;
  readonly why: string;
  readonly principal: string;
}

const ADMINISTERING = ['audit.read', 'user.view', 'user.manage', 'admin.manage'];
const READING = ['point.read', 'device.view', 'alarm.view', 'alarm.acknowledge', 'trend.view'];
const ENGINEERING = ['alarm.threshold', 'device.configure', 'device.control', 'firmware.update', 'lifeSafety.operate'];

/** The bundle of this revision, issued now. */
export function demoBundle(revision: number, locks: readonly DemoLock[] = []): BundleJson {
  const { devices, points } = plantInventory('hq');
  return {
    format: 'gatehouse.policy/1',
    revision,
    audience: [GATEWAY],
    issuedAt: new Date().toISOString(),
    users: [
      { id: 'anna', name: 'Anna', home: 'acme' },
      { id: 'ben', name: 'Ben', home: 'acme' },
      { id: 'carla', name: 'Carla', home: 'acme', certificates: ['CN=carla'] },
      { id: 'dora', name: 'Dora', home: 'acme' },
    ],
    applications: [{ id: 'supervisor', name: 'Supervisory station', home: 'acme' }],
    organizations: [
      {
        id: 'acme',
        name: 'Acme',
        model: { siteAccess: 'all', roleHierarchy: 'flat', rolesPerUser: 'many' },
        locations: [
          { id: 'root', name: 'Acme', kind: 'organization' },
          { id: 'hq', name: 'Headquarters', parent: 'root', kind: 'site' },
        ],
        devices,
        points,
        filters: [
          { id: 'setpoints', expression: '(sp or cmd) and not safety' },
          { id: 'demand', points: ['chiller1/demand-limit'] },
        ],
        roles: [
          { id: 'guest', name: 'Guest', permissions: ['point.read', 'device.view'] },
          { id: 'viewer', name: 'Viewer', permissions: READING, seesOtherUsers: true },
          {
            id: 'operator',
            name: 'Operator',
            permissions: [...READING, 'point.write'],
            filters: ['setpoints'],
            seesOtherUsers: true,
            home: 'hq',
          },
          {
            id: 'chief',
            name: 'Chief engineer',
            permissions: [...READING, 'point.write', ...ENGINEERING],
            priorities: { from: 1, to: 16 },
            seesOtherUsers: true,
            home: 'hq',
          },
          {
            id: 'contractor',
            name: 'Contractor',
            permissions: [...READING, 'alarm.threshold', 'firmware.update'],
          },
          { id: 'administrator', name: 'Administrator', permissions: ADMINISTERING },
          { id: 'optimizer', name: 'Optimizer', permissions: ['point.read', 'point.write'], filters: ['demand'] },
        ],
        grants: [
          { to: 'anyone', role: 'guest', at: 'hq' },
          { to: 'user:ben', role: 'viewer', at: 'hq' },
          { to: 'user:anna', role: 'operator', at: 'hq' },
          { to: 'user:carla', role: 'chief', at: 'hq' },
          { to: 'user:carla', role: 'administrator', at: 'root' },
          { to: 'user:dora', role: 'contractor', at: 'ahu1' },
          { to: 'user:dora', role: 'contractor', at: 'chiller1' },
          { to: 'application:supervisor', role: 'optimizer', at: 'hq' },
        ],
        locks,
      },
    ],
  };
}
