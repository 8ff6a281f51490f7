// Where ids are looked up while rights are checked: in a bundle's own lists, or in the inventory compiled from them before.
// Invariant: of one inventory both give the same answers, so that a change of rights alone is judged as strictly as a whole bundle.

import { targetHandle } from '../model/ids.ts';
import { DEVICE, type Inventory, POINT } from './inventory.ts';
import type { InventoryOrganization } from './schema.ts';

/** What kind of target an id is, and whose. */
export interface TargetEntry {
  readonly kind: 'location' | 'device' | 'point';
  readonly organization: string;
}

export interface Places {
  /** Of two targets with one id the first. */
  get(id: string): TargetEntry | undefined;
  /** The root location's id of organization `index`, where there is exactly one way to say so. */
  rootOf(index: number): string | undefined;
  /** Whether `id` lies somewhere below `ancestor`, both of organization `index`; false for itself. */
  isBelow(index: number, id: string, ancestor: string): boolean;
}

/** Of a document's organizations. */
export function placesOfDocument(organizations: readonly InventoryOrganization[]): Places {
  const index = new Map<string, TargetEntry>();
  const enter = (id: string, kind: TargetEntry['kind'], organization: string): void => {
    if (!index.has(id)) index.set(id, { kind, organization });
  };
  for (const { id, locations, devices, points } of organizations) {
    for (const location of locations) enter(location.id, 'location', id);
    for (const device of devices) enter(device.id, 'device', id);
    for (const point of points) enter(point.id, 'point', id);
  }
  const parents = organizations.map((): Map<string, string> | undefined => undefined);
  return {
    get: (id) => index.get(id),
    rootOf: (place) => organizations[place]?.locations.find(({ parent }) => parent === undefined)?.id,
    isBelow(place, id, ancestor) {
      const above = parents[place] ?? parentsOf(organizations[place]);
      parents[place] = above;
      for (let at = above.get(id); at !== undefined; at = above.get(at)) if (at === ancestor) return true;
      return false;
    },
  };
}

/** Of a compiled inventory; its organizations are those of the rights, in the same order. */
export function placesOfInventory(inventory: Inventory): Places {
  const { kinds, owners, lasts, roots, organizations } = inventory.data;
  return {
    get(id) {
      const handle = inventory.find(id);
      if (handle === undefined) return undefined;
      const kind = kinds[handle] === POINT ? 'point' : kinds[handle] === DEVICE ? 'device' : 'location';
      return { kind, organization: organizations[owners[handle] as number] as string };
    },
    rootOf(place) {
      const root = roots[place];
      return root === undefined ? undefined : inventory.idOf(targetHandle(root));
    },
    isBelow(_place, id, ancestor) {
      const [below, above] = [inventory.find(id), inventory.find(ancestor)];
      return below !== undefined && above !== undefined && below > above && below <= (lasts[above] as number);
    },
  };
}

function parentsOf(organization: InventoryOrganization | undefined): Map<string, string> {
  const above = new Map<string, string>();
  for (const { id, parent } of organization?.locations ?? []) if (parent !== undefined) above.set(id, parent);
  for (const { id, location } of organization?.devices ?? []) above.set(id, location);
  for (const { id, device } of organization?.points ?? []) above.set(id, device);
  return above;
}
