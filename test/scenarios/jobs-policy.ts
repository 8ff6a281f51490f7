// The policy of the site whose devices take images: who may update what, alone or with another person.

import { imageJwk } from '../../simulators/cloud/image-commands.ts';
import type { SigningKey } from '../../simulators/cloud/signing.ts';

export const SITE = 'jobs';

/**
 * Anna and Ben may update, configure, change limits and move devices everywhere at the headquarters, Anna in the annex, too; Dora
 * on the first device alone; Eve as Ben, where another person approves her updates and set points; Carla looks and acknowledges. The robot is an application
 * with a token that may what Ben may.
 */
export type Who = 'anna' | 'ben' | 'carla' | 'dora' | 'eve' | 'robot';
export const PEOPLE = ['anna', 'ben', 'carla', 'dora', 'eve'] as const;

const READING = ['point.read', 'device.view', 'alarm.view', 'alarm.acknowledge'];
const CHANGING = ['firmware.update', 'device.configure', 'alarm.threshold', 'point.write', 'device.move'];

interface JobsPolicy {
  readonly revision: number;
  readonly imageKey: SigningKey;
  /** Whose grants are left out. */
  readonly without: readonly Who[];
  readonly inventory: { readonly devices: readonly object[]; readonly points: readonly object[] };
  /** `staging`: the device's file stands beside what runs. */
  device(id: string): { readonly staging: boolean; readonly more: object };
  /** How long a device may take to run a new image. */
  readonly confirmSeconds: number;
}

interface PlantRow {
  readonly id: string;
  readonly address: { readonly bacnet: { readonly firmware: object } };
}

export function jobsBundle({ revision, imageKey, without, inventory, device, confirmSeconds }: JobsPolicy): {
  readonly [key: string]: unknown;
} {
  const rows = inventory.devices as readonly PlantRow[];
  const grants = [
    { to: 'user:anna', role: 'updater', at: 'annex' },
    { to: 'user:ben', role: 'viewer', at: 'annex' },
    { to: 'user:anna', role: 'updater', at: 'hq' },
    { to: 'user:ben', role: 'updater', at: 'hq' },
    { to: 'user:ben', role: 'keeper', at: 'hq' },
    { to: 'user:carla', role: 'viewer', at: 'hq' },
    { to: 'user:dora', role: 'updater', at: 'fw1' },
    { to: 'user:dora', role: 'viewer', at: 'hq' },
    { to: 'user:eve', role: 'cautious', at: 'hq' },
    { to: 'application:robot', role: 'updater', at: 'hq' },
    { to: 'application:robot', role: 'overseer', at: 'hq' },
  ];
  return {
    format: 'gatehouse.policy/1',
    revision,
    audience: [SITE],
    issuedAt: new Date().toISOString(),
    keys: { images: [imageJwk(imageKey)] },
    users: PEOPLE.map((id) => ({ id, name: id, home: 'acme', login: id })),
    applications: [{ id: 'robot', name: 'Robot', home: 'acme' }],
    organizations: [
      {
        id: 'acme',
        name: 'Acme',
        // Where a device accepts raw images at all, they may come by an address.
        refusedByTool: ['engineering.modify'],
        model: { siteAccess: 'all', roleHierarchy: 'flat', rolesPerUser: 'many' },
        locations: [
          { id: 'root', name: 'Acme', kind: 'organization' },
          { id: 'hq', name: 'Headquarters', parent: 'root', kind: 'site' },
          { id: 'annex', name: 'Annex', parent: 'root', kind: 'site' },
        ],
        devices: rows.map((row) => {
          const { bacnet } = row.address;
          const { staging, more } = device(row.id);
          const firmware = { ...bacnet.firmware, staging, confirmSeconds, stallSeconds: 4 };
          return { ...row, address: { bacnet: { ...bacnet, firmware } }, ...more };
        }),
        points: [
          ...inventory.points,
          ...rows.flatMap(({ id }) => [
            {
              id: `${id}/temp-hi`,
              name: 'High limit',
              device: id,
              class: 'alarm-limit',
              address: { object: 'analog-input,1', property: 'high-limit' },
            },
            { id: `${id}/gain`, name: 'Gain', device: id, class: 'parameter', address: { object: 'analog-value,2' } },
          ]),
        ],
        roles: [
          { id: 'viewer', name: 'Viewer', permissions: READING },
          { id: 'updater', name: 'Updater', permissions: [...READING, ...CHANGING] },
          {
            id: 'cautious',
            name: 'Cautious updater',
            permissions: [...READING, ...CHANGING],
            approvals: { 'firmware.update': 1, 'point.write': 1 },
          },
          { id: 'keeper', name: 'Keeper', permissions: ['device.view', 'device.control'] },
          { id: 'overseer', name: 'Overseer', permissions: ['deviceConfig.read'] },
        ],
        grants: grants.filter(({ to }) => !without.some((who) => to.endsWith(`:${who}`))),
      },
    ],
  };
}
