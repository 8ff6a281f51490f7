// The site that the API is tested on: two organizations, the Modbus plant, and one person for every way to stand.

import { createHash } from 'node:crypto';
import { hashPassword } from '../../simulators/cloud/password.ts';
import { plantInventory } from '../../simulators/modbus/plant.ts';
import { jwkOf, vendorKey } from '../store/image-rig.ts';

export const PASSWORD = 'correct horse battery';
export const TOKEN = 'opt-0123456789abcdef0123456789abcdef';
export const OTHER_POINT = 'tenant/sp';

const reading = ['point.read', 'device.view', 'trend.view', 'alarm.view'];

/** Carla is chief and administrator, Anna operates the air handler, Ben views, Tom is of the tenant, Dan is disabled, Lea is locked. */
export async function siteBundle(changes: SiteChanges = {}): Promise<{ [key: string]: unknown }> {
  const token = `sha256:${createHash('sha256').update(TOKEN).digest('hex')}`;
  passwordHash ??= hashPassword(PASSWORD, 11);
  const password = await passwordHash;
  const { devices, points } = plantInventory('hq');
  const user = (id: string, more: object = {}) => ({
    id,
    name: `${id.charAt(0).toUpperCase()}${id.slice(1)}`,
    home: 'acme',
    login: `${id}@acme.example`,
    password,
    ...more,
    ...changes.people?.[id],
  });
  const model = { siteAccess: 'all', roleHierarchy: 'flat', rolesPerUser: 'many' };
  return {
    format: 'gatehouse.policy/1',
    revision: changes.revision ?? 1,
    audience: ['rig'],
    issuedAt: new Date(Date.now() - 60_000).toISOString(),
    keys: { images: [jwkOf(vendorKey)] },
    users: [
      user('carla', { certificates: ['CN=carla'] }),
      user('anna'),
      user('ben'),
      user('tom', { home: 'tenant' }),
      user('dan', { disabled: true }),
      user('lea'),
      user('eve'),
    ],
    applications: [
      {
        id: 'optimizer',
        name: 'Optimizer',
        home: 'acme',
        tokens: [token],
        certificates: ['CN=optimizer'],
        ...changes.people?.optimizer,
      },
    ],
    organizations: [
      {
        id: 'acme',
        name: 'Acme',
        model,
        ...(changes.issuer !== undefined && { identityProvider: { issuer: changes.issuer, client: 'gatehouse' } }),
        locations: [
          { id: 'root', name: 'Acme', kind: 'organization' },
          { id: 'hq', name: 'Headquarters', parent: 'root', kind: 'site' },
          { id: 'attic', name: 'Attic', parent: 'hq', kind: 'floor' },
        ],
        devices: [...devices, ...(changes.inventory?.devices ?? [])],
        points: [...points, ...(changes.inventory?.points ?? [])],
        filters: [{ id: 'setpoints', expression: '(sp or cmd) and not safety' }],
        roles: [
          { id: 'viewer', name: 'Viewer', permissions: reading, home: 'hq' },
          {
            id: 'operator',
            name: 'Operator',
            permissions: [...reading, 'point.write'],
            filters: ['setpoints'],
            home: 'hq',
          },
          {
            id: 'chief',
            name: 'Chief',
            permissions: [...reading, 'point.write', 'alarm.threshold', 'device.configure'],
            home: 'hq',
            seesOtherUsers: true,
          },
          {
            id: 'updater',
            name: 'Updater',
            permissions: [...reading, 'firmware.update', 'device.configure', 'device.move', 'alarm.acknowledge'],
            approvals: changes.approvals ?? {},
            home: 'hq',
          },
          { id: 'overseer', name: 'Overseer', permissions: [...reading, 'deviceConfig.read'] },
          { id: 'admin', name: 'Admin', permissions: ['audit.read', 'user.manage', 'user.view', 'admin.manage'] },
          ...(changes.defaultRole ? [{ id: 'guest', name: 'Guest', permissions: reading, default: true }] : []),
        ],
        groups: [{ id: 'engineers', name: 'Engineers', members: [] }],
        grants: changes.grants ?? [
          { to: 'user:carla', role: 'chief', at: 'root' },
          { to: 'user:carla', role: 'admin', at: 'root' },
          { to: 'user:anna', role: 'operator', at: 'ahu1' },
          { to: 'user:anna', role: 'viewer', at: 'chiller1' },
          { to: 'user:ben', role: 'viewer', at: 'hq' },
          { to: 'user:lea', role: 'chief', at: 'root' },
          { to: 'application:optimizer', role: 'operator', at: 'chiller1' },
          { to: 'group:engineers', role: 'operator', at: 'hq' },
        ],
        locks: [{ id: 'sent-home', why: 'left', principal: 'lea' }, ...(changes.locks ?? [])],
      },
      {
        id: 'tenant',
        name: 'Tenant',
        model,
        locations: [{ id: 'tenant-root', name: 'Tenant', kind: 'organization' }],
        devices: [{ id: 'tenant-vav', name: 'Tenant VAV', location: 'tenant-root' }],
        points: [{ id: OTHER_POINT, name: 'Tenant set point', device: 'tenant-vav', class: 'set-point' }],
        roles: [
          { id: 'own', name: 'Own', permissions: [...reading, 'point.write'] },
          { id: 'keeper', name: 'Keeper', permissions: ['admin.manage'] },
        ],
        grants: [{ to: 'user:tom', role: 'own', at: 'tenant-root' }, ...(changes.tenantGrants ?? [])],
      },
    ],
  };
}
let passwordHash: Promise<string> | undefined;

export interface SiteChanges {
  /** What is otherwise with a person or application, by id. */
  readonly people?: { readonly [id: string]: object };
  readonly revision?: number;
  readonly grants?: readonly object[];
  readonly locks?: readonly object[];
  /** Beside Tom's, of the other organization. */
  readonly tenantGrants?: readonly object[];
  readonly issuer?: string;
  readonly defaultRole?: boolean;
  /** Of the updater's role. */
  readonly approvals?: { readonly [action: string]: number };
  /** Beside the Modbus plant. */
  readonly inventory?: { readonly devices: readonly object[]; readonly points: readonly object[] };
}
