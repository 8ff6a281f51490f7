// Cross checks of places and things: one space of ids over the whole bundle, one tree per organization, no dangling reference.

import { type FaultList, idsInCircles } from './fault-list.ts';
import type { Places, TargetEntry } from './places.ts';
import type { InventoryOrganization, PointDocument } from './schema.ts';

/** The facts that the engine sets itself. */
const ENGINE_FACTS: ReadonlySet<string> = new Set(['point', 'id', 'class', 'equipRef', 'siteRef']);

/** Every fault of the inventory of all organizations. */
export function checkInventory(
  organizations: readonly InventoryOrganization[],
  targets: Places,
  list: FaultList,
): void {
  const taken = new Map<string, string>();
  const deviceAddresses = new Map<string, string>();
  for (const [index, organization] of organizations.entries()) {
    const path = `organizations.${index}`;
    list.unique(`${path}.locations`, organization.locations, taken);
    list.unique(`${path}.devices`, organization.devices, taken);
    list.unique(`${path}.points`, organization.points, taken);
    const own = (id: string): TargetEntry | undefined => {
      const entry = targets.get(id);
      return entry?.organization === organization.id ? entry : undefined;
    };
    checkTree(organization, path, own, list);
    checkDevices(organization, path, own, targets, deviceAddresses, list);
    checkPoints(organization, path, own, targets, list);
  }
}

type Own = (id: string) => TargetEntry | undefined;

function checkTree({ locations }: InventoryOrganization, path: string, own: Own, list: FaultList): void {
  const roots = locations.filter(({ parent }) => parent === undefined);
  if (roots.length !== 1) {
    list.say(`${path}.locations`, `${roots.length} locations without \`parent\``, 'exactly one root');
  }
  const above = new Map(locations.map(({ id, parent }) => [id, parent]));
  for (const [index, { parent }] of locations.entries()) {
    if (parent !== undefined && own(parent)?.kind !== 'location') {
      list.add(`${path}.locations.${index}.parent`, parent, 'a location of this organization');
    }
  }
  const circling = idsInCircles(above.keys(), (id) => above.get(id));
  if (circling.length > 0) list.add(`${path}.locations`, circling, 'a tree without a circle');
}

function checkDevices(
  { devices }: InventoryOrganization,
  path: string,
  own: Own,
  targets: Places,
  addresses: Map<string, string>,
  list: FaultList,
): void {
  for (const [index, device] of devices.entries()) {
    const at = `${path}.devices.${index}`;
    if (own(device.location)?.kind !== 'location') {
      list.add(`${at}.location`, device.location, 'a location of this organization');
    }
    checkFacts(device.facts, `${at}.facts`, targets, list);
    for (const [driver, address] of Object.entries(device.address ?? {})) {
      checkAddress(`${driver} ${canonical(address)}`, `${at}.address.${driver}`, at, addresses, list);
    }
  }
}

function checkPoints(
  { points }: InventoryOrganization,
  path: string,
  own: Own,
  targets: Places,
  list: FaultList,
): void {
  const addresses = new Map<string, string>();
  for (const [index, point] of points.entries()) {
    const at = `${path}.points.${index}`;
    if (own(point.device)?.kind !== 'device') list.add(`${at}.device`, point.device, 'a device of this organization');
    checkFacts(point.facts, `${at}.facts`, targets, list);
    checkLimits(point, at, list);
    for (const [place, involved] of point.involves.entries()) {
      const kind = targets.get(involved)?.kind;
      if (kind !== 'point' && kind !== 'device') list.add(`${at}.involves.${place}`, involved, 'a point or a device');
    }
    if (point.address !== undefined) {
      checkAddress(`${point.device} ${canonical(point.address)}`, `${at}.address`, at, addresses, list);
    }
  }
}

function checkFacts(facts: PointDocument['facts'], path: string, targets: Places, list: FaultList): void {
  for (const name of Object.keys(facts)) {
    const value = facts[name];
    if (ENGINE_FACTS.has(name)) list.add(`${path}.${name}`, value, 'no fact that the engine sets itself');
    else if (typeof value === 'object' && targets.get(value.$ref) === undefined) {
      list.add(`${path}.${name}.$ref`, value.$ref, 'a location, device or point');
    }
  }
}

function checkLimits({ limits }: PointDocument, path: string, list: FaultList): void {
  if (limits?.min !== undefined && limits.max !== undefined && limits.min > limits.max) {
    list.add(`${path}.limits`, limits, '`min` not above `max`');
  }
}

/** The address is compared whole and never read: what it means is its driver's. */
function checkAddress(key: string, path: string, owner: string, taken: Map<string, string>, list: FaultList): void {
  const first = taken.get(key);
  if (first === undefined) taken.set(key, owner);
  else list.say(path, `the address of \`${first}\``, 'an address of its own');
}

/** JSON with sorted keys, so that equal addresses are equal texts. Depth is bounded before (bundle.ts). */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner)}`).join(',')}}`;
  }
  return String(JSON.stringify(value));
}
