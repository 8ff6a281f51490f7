// What a job that writes would write: of which device which points, what they hold and what they shall hold. Reads only.
// Invariants: 1. points match by what follows `DEVICE/` in their ids, else by name, within one class; 2. what cannot be matched,
// read or written is said in its row or at its device, never left out.

import type { BatchOrder, ConfigurationOrder, DifferenceRow, JobOrder, ThresholdsOrder } from '../contract/jobs.ts';
import { reason } from '../contract/reasons.ts';
import type { AskedBesides, WriteOrder, WriteRow } from '../contract/work.ts';
import type { TargetHandle } from '../model/ids.ts';
import type { InventoryDevice, InventoryPoint, PointValue } from '../model/point.ts';
import { isNonEmpty, type NonEmpty } from '../model/result.ts';
import { isSameValue } from '../model/same-value.ts';
import type { DeviceMemory } from './job-record.ts';
import { deviceBy, type PlantParts, reachDevice, reachPoint, readingOf, type SlotReading } from './plant.ts';

export type WritingOrder = Exclude<JobOrder, { readonly kind: 'firmware' }>;

interface PlannedDevice {
  readonly rows: readonly DifferenceRow[];
  /** Of the device as a whole; that of a row stands in the row. */
  readonly fault?: string;
  /** Of a copy: points of the source without a partner there. */
  readonly unmatched?: NonEmpty<string>;
}

export type WritingPlan = ReadonlyMap<string, PlannedDevice>;

export async function planWriting(plant: PlantParts, order: WritingOrder): Promise<WritingPlan> {
  switch (order.kind) {
    case 'configuration':
      return planCopy(plant, order);
    case 'alarm-thresholds':
      return planThresholds(plant, order);
    case 'batch':
      return planBatch(plant, order);
  }
}

/** The order to the writer; `undefined` where every device holds what it shall hold. `devices`: only theirs. */
export function writeOrderOf(
  order: WritingOrder,
  plan: WritingPlan,
  devices = [...plan.keys()],
): WriteOrder | undefined {
  const besides = besidesOf(order, plan, devices);
  if (order.kind === 'batch') {
    const points = new Set(devices.flatMap((device) => plan.get(device)?.rows.map(({ point }) => point) ?? []));
    const rows = order.rows.filter(({ point }) => points.has(point));
    const { priority, overrideMs } = order;
    const whole = { ...(priority !== undefined && { priority }), ...(overrideMs !== undefined && { overrideMs }) };
    return isNonEmpty(rows) ? { rows, ...whole } : undefined;
  }
  const rows = devices.flatMap((device): WriteRow[] =>
    (plan.get(device)?.rows ?? []).flatMap(({ point, wanted, differs }) => (differs ? [{ point, value: wanted }] : [])),
  );
  // A configuration stays; nothing of it ends by itself.
  return isNonEmpty(rows) ? { rows, overrideMs: null, ...besides } : undefined;
}

/** Each device's part stands in its own change; that of one that holds everything already, in the first. */
function besidesOf(order: WritingOrder, plan: WritingPlan, devices: readonly string[]): Pick<WriteOrder, 'alsoAsks'> {
  const isWritten = (device: string): boolean => plan.get(device)?.rows.some(({ differs }) => differs) === true;
  const first = devices.find(isWritten);
  const asked = new Map<string, AskedBesides>();
  for (const device of devices) {
    const own = isWritten(device) ? device : first;
    for (const each of asksOf(order, device)) {
      asked.set(each.target, each.target === device && own !== undefined ? { ...each, with: own } : each);
    }
  }
  return asked.size > 0 ? { alsoAsks: [...asked.values()] } : {};
}

/** What is shown when a job begins, and must still be so when it writes; nothing where the plan is of another kind. */
export function wantedOf(plan: WritingPlan | undefined, device: string): Pick<DeviceMemory, 'wanted'> {
  const rows = plan?.get(device)?.rows;
  return rows ? { wanted: rows.map(({ point, wanted: value, differs }) => ({ point, value, differs })) } : {};
}

/** What the kind itself asks, besides its rows: on every device, and on the source of a copy. */
export function asksOf(order: WritingOrder, device: string): AskedBesides[] {
  switch (order.kind) {
    case 'configuration':
      return [order.source, device].map((target) => ({ target, asks: 'device.configure' }));
    case 'alarm-thresholds':
      return [{ target: device, asks: 'alarm.threshold' }];
    case 'batch':
      return [];
  }
}

async function planCopy(plant: PlantParts, { source, devices, classes }: ConfigurationOrder): Promise<WritingPlan> {
  const all = pointsByDevice(plant, (point) => isOf(classes, point));
  const from = deviceBy(plant, source);
  const points = copiedPoints(plant, { source, classes });
  const held = await readAll(plant, source, points);
  const planned = devices.map(async (device): Promise<[string, PlannedDevice]> => {
    const to = deviceBy(plant, device);
    if (from === undefined || to === undefined) return [device, { rows: [], fault: reason('no-device') }];
    const pairs = pairsOf(from, points, to, all.get(to.handle) ?? []);
    if (pairs.length === 0) return [device, { rows: [], fault: reason('no-match', { source }) }];
    const now = await readAll(
      plant,
      device,
      pairs.map(({ match }) => match),
    );
    const rows = pairs.map(({ point, match }): DifferenceRow => {
      const read = held.get(point.handle) ?? { why: reason('not-read') };
      if ('why' in read) return faulty(match, null, reason('source-not-read', { point: point.id, why: read.why }));
      if (read.value === null) return faulty(match, null, reason('source-empty', { point: point.id }));
      if (match.class !== point.class) {
        return faulty(match, read.value, reason('other-class', { got: match.class, wanted: point.class }));
      }
      const fault = unitFault(match, point);
      return fault === undefined ? rowOf(match, read.value, now.get(match.handle)) : faulty(match, read.value, fault);
    });
    const matched = new Set(pairs.map(({ point }) => point));
    const unmatched = points.filter((point) => !matched.has(point)).map(({ id }) => id);
    return [device, { rows, ...(isNonEmpty(unmatched) && { unmatched }) }];
  });
  return new Map(await Promise.all(planned));
}

async function planThresholds(plant: PlantParts, { devices, values }: ThresholdsOrder): Promise<WritingPlan> {
  const all = pointsByDevice(plant, (point) => point.class === 'alarm-limit');
  /** The first point of each key: one number is one limit only where it counts the same. */
  const firsts = new Map<string, InventoryPoint>();
  const planned = devices.map(async (id): Promise<[string, PlannedDevice]> => {
    const device = deviceBy(plant, id);
    if (device === undefined) return [id, { rows: [], fault: reason('no-device') }];
    const matches = matchesOf(device, all.get(device.handle) ?? []);
    const missing = values.find(({ key }) => matches.get(key) === undefined);
    if (missing) return [id, { rows: [], fault: reason('no-limit', missing) }];
    const pairs = values.flatMap(({ key, value }) => {
      const match = matches.get(key);
      if (match && !firsts.has(key)) firsts.set(key, match);
      return match ? [{ match, value, first: firsts.get(key) ?? match }] : [];
    });
    const now = await readAll(
      plant,
      id,
      pairs.map(({ match }) => match),
    );
    const rows = pairs.map(({ match, value, first }) => {
      const fault = unitFault(match, first, first.id);
      return fault === undefined ? rowOf(match, value, now.get(match.handle)) : faulty(match, value, fault);
    });
    return [id, { rows }];
  });
  return new Map(await Promise.all(planned));
}

async function planBatch(plant: PlantParts, { rows }: BatchOrder): Promise<WritingPlan> {
  const plan = new Map<string, PlannedDevice>();
  for (const { point, value } of rows) {
    const reached = reachPoint(plant, point);
    if (typeof reached === 'string') continue;
    const { id } = reached.device;
    plan.set(id, { rows: [...(plan.get(id)?.rows ?? []), { point, wanted: value, differs: true }] });
  }
  return plan;
}

/** The points of the source that a copy reads. */
export function copiedPoints(
  plant: PlantParts,
  { source, classes }: Pick<ConfigurationOrder, 'source' | 'classes'>,
): readonly InventoryPoint[] {
  const handle = deviceBy(plant, source)?.handle;
  return [...(plant.inventory()?.points() ?? [])].filter((point) => point.device === handle && isOf(classes, point));
}

const isOf = (classes: readonly string[], point: InventoryPoint): boolean => classes.includes(point.class);

/** What follows `DEVICE/` in the id of a point; `undefined`: it is called otherwise, so its name alone tells. */
function keyOf({ id }: InventoryDevice, point: InventoryPoint): string | undefined {
  return point.id.startsWith(`${id}/`) ? point.id.slice(id.length + 1) : undefined;
}

function pointsByDevice(
  { inventory }: PlantParts,
  wanted: (point: InventoryPoint) => boolean,
): ReadonlyMap<TargetHandle, readonly InventoryPoint[]> {
  const byDevice = new Map<TargetHandle, InventoryPoint[]>();
  for (const point of inventory()?.points() ?? []) {
    if (!wanted(point)) continue;
    const known = byDevice.get(point.device);
    if (known) known.push(point);
    else byDevice.set(point.device, [point]);
  }
  return byDevice;
}

/** Those that stand once under their name: a name that stands twice is nobody's. */
function byName(points: readonly InventoryPoint[]): ReadonlyMap<string, InventoryPoint> {
  const named = new Map<string, InventoryPoint>();
  const again = new Set<string>();
  for (const point of points) {
    if (named.has(point.name)) again.add(point.name);
    named.set(point.name, point);
  }
  for (const name of again) named.delete(name);
  return named;
}

function byKey(device: InventoryDevice, points: readonly InventoryPoint[]): ReadonlyMap<string, InventoryPoint> {
  return new Map(
    points.flatMap((point): [string, InventoryPoint][] => {
      const key = keyOf(device, point);
      return key === undefined ? [] : [[key, point]];
    }),
  );
}

/** Key with key; what has no partner by its key, name with name. No point has two partners. */
function pairsOf(
  from: InventoryDevice,
  points: readonly InventoryPoint[],
  to: InventoryDevice,
  candidates: readonly InventoryPoint[],
): { readonly point: InventoryPoint; readonly match: InventoryPoint }[] {
  const keys = byKey(to, candidates);
  const partners = new Map<InventoryPoint, InventoryPoint>();
  for (const point of points) {
    const key = keyOf(from, point);
    const match = key === undefined ? undefined : keys.get(key);
    if (match) partners.set(point, match);
  }
  const taken = new Set(partners.values());
  const named = byName(candidates);
  for (const point of byName(points).values()) {
    const match = named.get(point.name);
    if (match && !partners.has(point) && !taken.has(match)) partners.set(point, match);
  }
  return points.flatMap((point) => {
    const match = partners.get(point);
    return match ? [{ point, match }] : [];
  });
}

/** By key and by name; a key goes before another point's name. */
function matchesOf(device: InventoryDevice, points: readonly InventoryPoint[]): ReadonlyMap<string, InventoryPoint> {
  return new Map([...byName(points), ...byKey(device, points)]);
}

async function readAll(
  plant: PlantParts,
  device: string,
  points: readonly InventoryPoint[],
): Promise<ReadonlyMap<TargetHandle, SlotReading>> {
  const reached = reachDevice(plant, device);
  const none = (why: string) => new Map(points.map(({ handle }) => [handle, { why }]));
  if (typeof reached === 'string') return none(reached);
  try {
    const readings = await reached.driver.read(points.map(({ handle }) => handle));
    return new Map(readings.map((reading) => [reading.target, readingOf(reading)]));
  } catch (error) {
    return none(error instanceof Error ? error.message : String(error));
  }
}

function rowOf({ id }: InventoryPoint, wanted: PointValue, now: SlotReading | undefined): DifferenceRow {
  if (now === undefined || 'why' in now) return { point: id, wanted, differs: true };
  return { point: id, wanted, now: now.value, differs: !isSameValue(now.value, wanted) };
}

/** `than`: the point it is held to, where that is not the one in the source. */
function unitFault({ unit: got = 'none' }: InventoryPoint, { unit: wanted = 'none' }: InventoryPoint, than?: string) {
  if (got === wanted) return undefined;
  return than === undefined
    ? reason('other-unit', { got, wanted })
    : reason('other-unit-than', { got, wanted, point: than });
}

const faulty = ({ id }: InventoryPoint, wanted: PointValue, fault: string): DifferenceRow => ({
  point: id,
  wanted,
  differs: true,
  fault,
});
