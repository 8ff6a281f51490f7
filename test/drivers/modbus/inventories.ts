// Small inventories for the driver's tests: devices and points as a bundle writes them, compiled for real.

import type { ModbusIndex } from '../../../drivers/modbus/address.ts';
import { compileAddresses } from '../../../drivers/modbus/address.ts';
import type { DocumentFault } from '../../../src/model/fault.ts';
import type { InventoryView } from '../../../src/model/point.ts';
import { parseBundle } from '../../../src/policy/bundle.ts';
import { compileInventory } from '../../../src/policy/compile.ts';

export type Address = { readonly [key: string]: unknown };

interface Site {
  /** Device id → its Modbus address; `undefined` = none. */
  readonly devices: { readonly [id: string]: Address | undefined };
  /** Point id (`device/name`) → its address, with its class where it is no set point. */
  readonly points: { readonly [id: string]: Address & { readonly class?: string } };
}

export function inventoryOf({ devices, points }: Site): InventoryView {
  const bundle = {
    format: 'gatehouse.policy/1',
    revision: 1,
    audience: ['x'],
    issuedAt: '2026-11-22T08:00:00Z',
    users: [],
    applications: [],
    organizations: [
      {
        id: 'acme',
        name: 'Acme',
        model: { siteAccess: 'all', roleHierarchy: 'flat', rolesPerUser: 'many' },
        locations: [{ id: 'root', name: 'Acme', kind: 'organization' }],
        devices: Object.entries(devices).map(([id, address]) => ({
          id,
          name: id,
          location: 'root',
          ...(address !== undefined && { address: { modbus: address } }),
        })),
        points: Object.entries(points).map(([id, { class: pointClass = 'set-point', ...address }]) => ({
          id,
          name: id,
          device: id.split('/')[0],
          class: pointClass,
          ...(Object.keys(address).length > 0 && { address }),
        })),
        roles: [],
        grants: [],
      },
    ],
  };
  const parsed = parseBundle(bundle);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.fault));
  return compileInventory(parsed.value.document.organizations);
}

export async function indexOf(site: Site): Promise<ModbusIndex> {
  const compiled = await compileAddresses(inventoryOf(site), async () => undefined);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.fault));
  return compiled.value.index;
}

export async function faultsOf(site: Site): Promise<readonly DocumentFault[]> {
  const compiled = await compileAddresses(inventoryOf(site), async () => undefined);
  return compiled.ok ? [] : compiled.fault;
}
