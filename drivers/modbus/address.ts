// Policy in ─compile─► where every point of this driver stands: what classify looks frames up in.
// 1. Points of one table never overlap, but for different bits of one register. 2. Two devices never share a line and a unit.
// 3. Entries are sorted by device, table and register, in typed arrays: a span is found in O(log n + k).

import type { AddressIndex } from '../../src/contract/driver.ts';
import type { DocumentFault, Notice } from '../../src/model/fault.ts';
import { type TargetHandle, targetHandle } from '../../src/model/ids.ts';
import type { InventoryView } from '../../src/model/point.ts';
import { fail, isNonEmpty, type NonEmpty, ok, type Result } from '../../src/model/result.ts';
import { writtenOf } from './firmware-frame.ts';
import {
  type DevicePlace,
  type PointPlace,
  parseDeviceAddress,
  parsePointAddress,
  type Shape,
  type Table,
  tables,
} from './point-address.ts';

/** One device on its line. Its points of table t are the entries `from[t]` up to `from[t + 1]`. */
export interface IndexedDevice extends DevicePlace {
  readonly handle: TargetHandle;
  readonly from: readonly number[];
  /** Entries whose meaning a holding register scales, by that register. */
  readonly scaledBy: ReadonlyMap<number, readonly number[]>;
}

/** Entries `from` up to `to` (exclusive), in order of their registers. */
interface EntrySpan {
  readonly from: number;
  readonly to: number;
}

/** A compiled inventory's Modbus addresses. An entry is a number that stands for one point. */
export class ModbusIndex implements AddressIndex {
  readonly inventory: InventoryView;
  readonly devices: readonly IndexedDevice[];
  readonly #starts: Uint16Array;
  /** Last register of each entry, inclusive. */
  readonly #lasts: Uint16Array;
  readonly #handles: Uint32Array;
  readonly #shapeNumbers: Uint32Array;
  readonly #shapes: readonly Shape[];
  readonly #entryOf: Int32Array;
  readonly #byHandle: ReadonlyMap<TargetHandle, IndexedDevice>;

  constructor(
    inventory: InventoryView,
    devices: readonly IndexedDevice[],
    rows: readonly Row[],
    shapes: readonly Shape[],
  ) {
    this.inventory = inventory;
    this.devices = devices;
    this.#shapes = shapes;
    this.#starts = Uint16Array.from(rows, (row) => row.register);
    this.#lasts = Uint16Array.from(rows, (row) => row.last);
    this.#handles = Uint32Array.from(rows, (row) => row.handle);
    this.#shapeNumbers = Uint32Array.from(rows, (row) => row.shape);
    this.#entryOf = new Int32Array(this.#handles.reduce((most, handle) => Math.max(most, handle + 1), 0)).fill(-1);
    for (const [entry, handle] of this.#handles.entries()) this.#entryOf[handle] = entry;
    this.#byHandle = new Map(devices.map((device) => [device.handle, device]));
  }

  device(handle: TargetHandle): IndexedDevice | undefined {
    return this.#byHandle.get(handle);
  }

  /** The point's entry, `undefined` where it has no address of this driver. */
  entryOf(handle: TargetHandle): number | undefined {
    const entry = this.#entryOf[handle];
    return entry === undefined || entry < 0 ? undefined : entry;
  }

  handleOf(entry: number): TargetHandle {
    return targetHandle(this.#handles[entry] ?? 0);
  }

  startOf(entry: number): number {
    return this.#starts[entry] ?? 0;
  }

  /** The register after the point's last. */
  endOf(entry: number): number {
    return (this.#lasts[entry] ?? 0) + 1;
  }

  shapeOf(entry: number): Shape {
    const shape = this.#shapes[this.#shapeNumbers[entry] ?? -1];
    if (shape === undefined) throw new RangeError(`entry \`${entry}\` has no shape`);
    return shape;
  }

  tableOf(device: IndexedDevice, entry: number): Table {
    return tables.find((_table, number) => entry < (device.from[number + 1] ?? 0)) ?? 'input';
  }

  /** The points of a device that have any register of [register, register + count). */
  span(device: IndexedDevice, table: number, register: number, count: number): EntrySpan {
    const end = device.from[table + 1] ?? 0;
    let low = device.from[table] ?? 0;
    let high = end;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#lasts[middle] ?? 0) < register) low = middle + 1;
      else high = middle;
    }
    let to = low;
    while (to < end && (this.#starts[to] ?? 0) < register + count) to += 1;
    return { from: low, to };
  }
}

interface Row {
  readonly handle: TargetHandle;
  readonly table: number;
  readonly register: number;
  readonly last: number;
  /** -1: the whole of its registers. */
  readonly bit: number;
  readonly shape: number;
}

const rowsBetweenPauses = 1000;
const holding = tables.indexOf('holding');

/** Every Modbus address of an inventory, or every fault of them. */
export async function compileAddresses(
  inventory: InventoryView,
  pause: () => Promise<void>,
): Promise<Result<{ readonly index: ModbusIndex; readonly notices: readonly Notice[] }, NonEmpty<DocumentFault>>> {
  const faults: DocumentFault[] = [];
  const places = devicePlaces(inventory, faults);
  const shapes = new ShapeTable();
  const rowsOf = new Map<TargetHandle, Row[]>([...places.keys()].map((handle) => [handle, []]));
  let work = 0;
  const breathe = async (done: number): Promise<void> => {
    work += done;
    if (work < rowsBetweenPauses) return;
    work = 0;
    await pause();
  };
  for (const point of inventory.points()) {
    await breathe(1);
    const rows = rowsOf.get(point.device);
    if (rows === undefined || point.address === undefined) continue;
    const parsed = parsePointAddress(point.address, `${inventory.pathOf(point.handle)}.address`);
    if (parsed.ok) rows.push(rowOf(point.handle, parsed.value, shapes));
    else faults.push(...parsed.faults);
  }
  const sorted: Row[] = [];
  const devices: IndexedDevice[] = [];
  for (const [handle, place] of places) {
    const rows = rowsOf.get(handle) ?? [];
    rows.sort((a, b) => a.table - b.table || a.register - b.register || a.bit - b.bit);
    checkOverlaps(inventory, rows, faults);
    checkLoader(inventory, handle, place, rows, faults);
    devices.push({
      handle,
      ...place,
      from: bordersOf(rows, sorted.length),
      scaledBy: scaledBy(rows, sorted.length, shapes),
    });
    for (const row of rows) sorted.push(row);
    await breathe(rows.length + 1);
  }
  if (isNonEmpty(faults)) return fail(faults);
  return ok({ index: new ModbusIndex(inventory, devices, sorted, shapes.all), notices: [] });
}

function devicePlaces(inventory: InventoryView, faults: DocumentFault[]): Map<TargetHandle, DevicePlace> {
  const places = new Map<TargetHandle, DevicePlace>();
  const taken = new Map<string, TargetHandle>();
  for (const device of inventory.devices()) {
    const address = device.address?.modbus;
    if (address === undefined) continue;
    const path = `${inventory.pathOf(device.handle)}.address.modbus`;
    const parsed = parseDeviceAddress(address, path);
    if (!parsed.ok) {
      faults.push(...parsed.faults);
      continue;
    }
    const key = `${parsed.value.unit} ${parsed.value.line}`;
    const first = taken.get(key);
    if (first !== undefined) {
      faults.push({
        path,
        found: `unit \`${parsed.value.unit}\` of line \`${parsed.value.line}\`, which is \`${inventory.idOf(first)}\``,
        expected: 'a line and unit of its own',
      });
      continue;
    }
    taken.set(key, device.handle);
    places.set(device.handle, parsed.value);
  }
  return places;
}

function rowOf(handle: TargetHandle, place: PointPlace, shapes: ShapeTable): Row {
  const { format } = place.shape;
  return {
    handle,
    table: tables.indexOf(place.table),
    register: place.register,
    last: place.register + place.count - 1,
    bit: format.type === 'bit' ? format.bit : -1,
    shape: shapes.numberOf(place.shape),
  };
}

/** Rows are in order; whatever reaches furthest so far is what the next one may run into. */
function checkOverlaps(inventory: InventoryView, rows: readonly Row[], faults: DocumentFault[]): void {
  let furthest: Row | undefined;
  for (const row of rows) {
    if (furthest === undefined || furthest.table !== row.table || row.register > furthest.last) {
      furthest = row;
      continue;
    }
    if (furthest.bit < 0 || row.bit < 0 || furthest.bit === row.bit) {
      faults.push({
        path: `${inventory.pathOf(row.handle)}.address`,
        found: `registers of \`${inventory.idOf(furthest.handle)}\``,
        expected: 'registers, or bits of one, of its own',
      });
    }
    if (row.last >= furthest.last) furthest = row;
  }
}

/** What an update writes belongs to nobody else: a point there is one of the class `firmware`. */
function checkLoader(
  inventory: InventoryView,
  device: TargetHandle,
  { firmware }: DevicePlace,
  rows: readonly Row[],
  faults: DocumentFault[],
): void {
  if (firmware === undefined) return;
  for (const row of rows) {
    if (row.table !== holding || inventory.point(row.handle)?.class === 'firmware') continue;
    if (writtenOf(firmware.written, row.register, row.last + 1) === 0) continue;
    faults.push({
      path: `${inventory.pathOf(row.handle)}.address`,
      found: `registers by which \`${inventory.idOf(device)}\` takes firmware`,
      expected: 'other registers, or the class `firmware`',
    });
  }
}

function bordersOf(rows: readonly Row[], first: number): readonly number[] {
  return [...tables.keys(), tables.length].map((table) => first + rows.filter((row) => row.table < table).length);
}

function scaledBy(rows: readonly Row[], first: number, shapes: ShapeTable): ReadonlyMap<number, readonly number[]> {
  const found = new Map<number, number[]>();
  for (const [number, row] of rows.entries()) {
    const register = row.table === holding ? shapes.all[row.shape]?.scaleRegister : undefined;
    if (register === undefined) continue;
    const entries = found.get(register);
    if (entries === undefined) found.set(register, [first + number]);
    else entries.push(first + number);
  }
  return found;
}

/** Points by the hundred thousand, shapes by the dozen. */
class ShapeTable {
  readonly all: Shape[] = [];
  readonly #numbers = new Map<string, number>();

  numberOf(shape: Shape): number {
    const key = JSON.stringify([shape.format, shape.scaling, shape.scaleRegister, shape.readOnly]);
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    this.#numbers.set(key, this.all.length);
    return this.all.push(shape) - 1;
  }
}
