// Frame ─► to whom: which device a listener's unit id stands for, by the site's configuration and the policy together.
// 1. One to one: a unit id nobody configured goes nowhere. 2. Unit 0 reaches every device of one line, or nobody.
// 3. A device that its line could not tell from another is not reached.

import type { AddressIndex } from '../../src/contract/driver.ts';
import { isNonEmpty } from '../../src/model/result.ts';
import { type IndexedDevice, ModbusIndex } from './address.ts';
import type { Addressee } from './classify.ts';
import type { ModbusSection } from './config.ts';
import type { Track } from './plant.ts';

export type Route =
  | ({ readonly kind: 'device'; readonly device: IndexedDevice; readonly track: Track } & Addressee)
  | ({ readonly kind: 'broadcast'; readonly device: IndexedDevice; readonly track: Track } & Addressee)
  /** `silent`: it was a broadcast, which nobody answers. */
  | { readonly kind: 'nowhere'; readonly why: string; readonly silent: boolean };

export type RouteTable = ReadonlyMap<number, Route>;

/** An index of this driver; another one is our own bug. */
export function asModbusIndex(index: AddressIndex): ModbusIndex {
  if (index instanceof ModbusIndex) return index;
  throw new TypeError('the address index is not this driver’s');
}

const nowhere = (why: string, silent = false): Route => ({ kind: 'nowhere', why, silent });

/** The track of a device, or why it cannot be reached. */
export function trackOf(
  device: IndexedDevice,
  index: ModbusIndex,
  tracks: ReadonlyMap<string, Track>,
): Track | { readonly why: string } {
  const track = tracks.get(device.line);
  if (track === undefined) return { why: `line \`${device.line}\` is not configured` };
  const { isOneDevice } = track.line;
  if (isOneDevice && index.devices.some((other) => other !== device && other.line === device.line))
    return { why: `line \`${device.line}\` is one device, but the policy has several on it` };
  if (!isOneDevice && (device.unit === 0 || device.unit > 247))
    return { why: `unit \`${device.unit}\` of line \`${device.line}\` is no single device's` };
  return track;
}

/** What every unit id of one listener stands for; those that are missing stand for nothing. */
export function routesOf(
  listener: string,
  units: ModbusSection['units'],
  index: ModbusIndex,
  tracks: ReadonlyMap<string, Track>,
): RouteTable {
  const own = units.filter((unit) => unit.listener === undefined || unit.listener === listener);
  const table = new Map<number, Route>();
  for (const { unit, device } of own) table.set(unit, routeTo(device, index, tracks));
  const [alone] = table.values();
  for (const unit of [0, 255]) {
    if (table.has(unit) || alone === undefined) continue;
    if (own.length === 1) table.set(unit, alone);
    else if (unit === 0) table.set(unit, broadcastTo([...table.values()], index, tracks));
  }
  return table;
}

function routeTo(id: string, index: ModbusIndex, tracks: ReadonlyMap<string, Track>): Route {
  const handle = index.inventory.find(id);
  const device = handle === undefined ? undefined : index.device(handle);
  if (device === undefined) return nowhere(`device \`${id}\` has no address in the policy`);
  const track = trackOf(device, index, tracks);
  if ('why' in track) return nowhere(track.why);
  return { kind: 'device', index, device, devices: [device], broadcast: false, track };
}

function broadcastTo(routes: readonly Route[], index: ModbusIndex, tracks: ReadonlyMap<string, Track>): Route {
  const names = new Set(routes.map((route) => (route.kind === 'nowhere' ? undefined : route.device.line)));
  const [name] = names;
  const track = name === undefined ? undefined : tracks.get(name);
  if (names.size !== 1 || track === undefined) return nowhere('the devices of this listener are not on one line', true);
  const devices = index.devices.filter((device) => device.line === name);
  if (track.line.isOneDevice || !isNonEmpty(devices)) return nowhere('the line has no broadcast', true);
  return { kind: 'broadcast', index, device: devices[0], devices, broadcast: true, track };
}
