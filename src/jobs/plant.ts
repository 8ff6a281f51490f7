// What a job knows of the site: points by id, the driver that reaches each, and reading as the gateway itself.

import type { Reading, RunningDriver } from '../contract/driver.ts';
import { reason } from '../contract/reasons.ts';
import type { InventoryDevice, InventoryPoint, InventoryView, PointValue } from '../model/point.ts';

export interface PlantParts {
  /** Of the policy in force. */
  inventory(): InventoryView | undefined;
  /** By the name under which device addresses stand. */
  readonly drivers: ReadonlyMap<string, RunningDriver>;
}

export interface Reached {
  readonly point: InventoryPoint;
  readonly device: InventoryDevice;
  readonly driver: RunningDriver;
}

/** The point with its device and driver; a text says what stands in the way. */
export function reachPoint({ inventory, drivers }: PlantParts, id: string): Reached | string {
  const view = inventory();
  const handle = view?.find(id);
  const point = handle === undefined ? undefined : view?.point(handle);
  const device = point === undefined ? undefined : view?.device(point.device);
  if (point === undefined || device === undefined) return reason('no-point');
  const driver = driverOf(drivers, device);
  return driver === undefined ? reason('no-address') : { point, device, driver };
}

export function deviceBy({ inventory }: PlantParts, id: string): InventoryDevice | undefined {
  const view = inventory();
  const handle = view?.find(id);
  return handle === undefined ? undefined : view?.device(handle);
}

interface ReachedDevice {
  readonly device: InventoryDevice;
  readonly driver: RunningDriver;
}

/** The device with its driver; a text says what stands in the way. */
export function reachDevice(plant: PlantParts, id: string): ReachedDevice | string {
  const device = deviceBy(plant, id);
  if (device === undefined) return reason('no-device');
  const driver = driverOf(plant.drivers, device);
  return driver === undefined ? reason('no-address') : { device, driver };
}

export function driverOf(
  drivers: ReadonlyMap<string, RunningDriver>,
  { address }: InventoryDevice,
): RunningDriver | undefined {
  for (const name of Object.keys(address ?? {})) {
    const driver = drivers.get(name);
    if (driver !== undefined) return driver;
  }
  return undefined;
}

/** What a slot holds: the point's value, or that of one priority. Absent = it could not be read. */
export async function readSlot({ point, driver }: Reached, priority: number | undefined): Promise<SlotReading> {
  try {
    if (priority !== undefined && driver.slots !== undefined) {
      const slot = (await driver.slots(point.handle))?.[priority - 1];
      // Not everything that is written under a priority has slots: then the point itself holds what was written.
      if (slot !== undefined) return { value: slot, place: 'slot' };
    }
    const [reading] = await driver.read([point.handle]);
    return readingOf(reading);
  } catch (error) {
    return { why: error instanceof Error ? error.message : String(error) };
  }
}

/** `point`: it has no slots, so that every priority writes the same place. */
export type Place = 'slot' | 'point';

export type SlotReading = { readonly value: PointValue; readonly place: Place } | { readonly why: string };

export function readingOf(reading: Reading | undefined): SlotReading {
  if (reading === undefined) return { why: reason('not-read') };
  return reading.ok ? { value: reading.value, place: 'point' } : { why: reading.why };
}

const LONGEST_RETRY_MS = 30_000;

/** How long to wait after so many tries that came to nothing (from 0): a device may only be on its way up. */
export function retryAfterMs(tries: number): number {
  return Math.min(LONGEST_RETRY_MS, 1000 * 2 ** Math.min(tries, 5));
}
