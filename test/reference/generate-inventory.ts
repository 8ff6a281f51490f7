// Small, adversarial inventories: deep and flat trees, tags, facts of every kind, points that move others, odd ids.

import type { RawDevice, RawFacts, RawLocation, RawOrganization, RawPoint } from './bundle.ts';
import type { Draw } from './draw.ts';

export interface Inventory {
  readonly locations: RawLocation[];
  readonly devices: RawDevice[];
  readonly points: RawPoint[];
}

export const TAGS = ['Ventilation', 'Lifts', 'constructor'] as const;
const CLASSES = ['set-point', 'set-point', 'command', 'parameter', 'alarm-limit', 'firmware', 'sensor'] as const;
const ODD_IDS = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'user:ben', '.', '..', '~'];

/** The inventories of `count` organizations: ids are unique over all of them, `involves` may cross them and go in circles. */
export function inventories(draw: Draw, count: number): Inventory[] {
  const odd = [...ODD_IDS];
  const idFor = (usual: string): string => (draw.chance(8) && odd.length > 0 ? (odd.shift() ?? usual) : usual);
  const all = Array.from({ length: count }, (_, index) => inventory(draw, `o${index}`, idFor));
  const things = all.flatMap(({ devices, points }) => [...points, ...devices]).map((thing) => thing.id);
  return all.map((one) => ({
    ...one,
    points: one.points.map((point) => {
      const near = [...one.devices, ...one.points].map((thing) => thing.id);
      const involved = (): string => draw.pick(draw.chance(80) ? near : things);
      return draw.chance(18) ? { ...point, involves: [...new Set([involved(), involved()])] } : point;
    }),
  }));
}

function inventory(draw: Draw, prefix: string, idFor: (usual: string) => string): Inventory {
  const root: RawLocation = { id: idFor(prefix), name: prefix, kind: draw.pick(['organization', 'site']) };
  const locations = [root];
  for (let index = 0; index < 1 + draw.below(4); index++) {
    const kind = draw.pick(['site', 'floor', 'room', 'site']);
    locations.push({ id: idFor(`${prefix}.l${index}`), name: 'Place', kind, parent: draw.pick(locations).id });
  }
  const devices: RawDevice[] = [];
  for (let index = 0; index < 1 + draw.below(3); index++) {
    const tags = draw.some(TAGS, 35);
    devices.push({
      id: idFor(`${prefix}.d${index}`),
      name: 'Device',
      location: draw.pick(locations).id,
      ...(tags.length > 0 || draw.chance(50) ? { tags } : {}),
      facts: draw.weighted<RawFacts>([2, {}], [1, { hot: true }], [1, { hot: false, area: 5 }]),
    });
  }
  const points: RawPoint[] = [];
  for (let index = 0; index < 2 + draw.below(3); index++) {
    const device = draw.pick(devices).id;
    points.push({
      id: idFor(`${device}/${draw.pick(['sp', 'cmd', 'deep/sp'])}${index}`),
      name: 'Point',
      device,
      class: draw.pick(CLASSES),
      facts: facts(draw, devices),
    });
  }
  return { locations, devices, points };
}

function facts(draw: Draw, devices: readonly RawDevice[]): RawFacts {
  const chosen = draw.some<readonly [string, RawFacts[string]]>(
    [
      ['sp', true],
      ['temp', true],
      ['occ', draw.chance(50)],
      ['area', draw.below(8)],
      ['floor', draw.pick(['EG', '1'])],
      ['ahuRef', { $ref: draw.pick(devices).id }],
    ],
    45,
  );
  return Object.fromEntries(chosen);
}

/** Everything that a grant, an access entry or a lock of this organization may name as `at`. */
export function placesOf(organization: RawOrganization | Inventory): string[] {
  const lists = [organization.locations, organization.devices, organization.points];
  return lists.flatMap((list) => (list ?? []).map((thing) => thing.id));
}
