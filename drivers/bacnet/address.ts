// Policy in ─compile─► where every point of this driver stands: what classify looks requests up in.
// 1. One object property (with its index) of a device is one point. 2. Two devices never share a network and an instance.
// 3. A lookup by (device, object, property, index) is O(1).

import type { AddressIndex } from '../../src/contract/driver.ts';
import { type DocumentFault, describeFound, type Notice } from '../../src/model/fault.ts';
import type { TargetHandle } from '../../src/model/ids.ts';
import type { InventoryView, OpaqueAddress } from '../../src/model/point.ts';
import { fail, isNonEmpty, type NonEmpty, ok, type Result } from '../../src/model/result.ts';
import { type FirmwarePlace, parseFirmware } from './firmware-address.ts';
import { OBJECT_TYPES } from './wire/names/object-type.ts';
import { PROPERTY_IDENTIFIERS } from './wire/names/property-identifier.ts';
import { MAX_INSTANCE } from './wire/primitive-content.ts';

/** A device of the policy: a network by its name in the site's configuration, and an instance. */
export interface IndexedDevice {
  readonly handle: TargetHandle;
  readonly network: string;
  readonly instance: number;
  /** Its points, in bundle order. */
  readonly points: readonly TargetHandle[];
  /** How it takes firmware; absent: by no way that is described. */
  readonly firmware?: FirmwarePlace;
}

/** Numbers as the wire has them. `index` absent: the property as a whole. */
interface PointPlace {
  readonly device: TargetHandle;
  readonly objectType: number;
  readonly instance: number;
  readonly property: number;
  readonly index?: number;
}

/** Of four octets: the standard’s second range begins at 4194304. */
const MAX_PROPERTY = 0xffff_ffff;
const MAX_INDEX = 0xffff_ffff;
/** The wildcard is no instance of anybody's. */
const MAX_DEVICE_INSTANCE = MAX_INSTANCE - 1;
const MAX_OBJECT_TYPE = 1023;

/** Points of one object, by property (and by index where one point is one element). */
type ObjectPoints = ReadonlyMap<number | string, TargetHandle>;

interface DeviceRow extends IndexedDevice {
  readonly points: TargetHandle[];
  /** By object identifier as one number. */
  readonly objects: Map<number, Map<number | string, TargetHandle>>;
}

/** A compiled inventory's BACnet addresses. */
export class BacnetIndex implements AddressIndex {
  readonly inventory: InventoryView;
  readonly devices: readonly IndexedDevice[];
  readonly #byHandle: ReadonlyMap<TargetHandle, DeviceRow>;
  readonly #byPlace: ReadonlyMap<string, ReadonlyMap<number, DeviceRow>>;
  readonly #places: ReadonlyMap<TargetHandle, PointPlace>;

  constructor(
    inventory: InventoryView,
    byHandle: ReadonlyMap<TargetHandle, DeviceRow>,
    byPlace: ReadonlyMap<string, ReadonlyMap<number, DeviceRow>>,
    places: ReadonlyMap<TargetHandle, PointPlace>,
  ) {
    this.inventory = inventory;
    this.devices = [...byHandle.values()];
    this.#byHandle = byHandle;
    this.#byPlace = byPlace;
    this.#places = places;
  }

  device(handle: TargetHandle): IndexedDevice | undefined {
    return this.#byHandle.get(handle);
  }

  /** The device with this verified instance on a network. */
  deviceAt(network: string, instance: number): IndexedDevice | undefined {
    return this.#byPlace.get(network)?.get(instance);
  }

  /**
   * The point a property (or one element of it) is. With an index, the element's own point, or else the point of the whole
   * property; without one only the point of the whole. `undefined`: no point.
   */
  pointAt(
    device: IndexedDevice,
    objectType: number,
    instance: number,
    property: number,
    index?: number,
  ): TargetHandle | undefined {
    const points = this.#objectPoints(device, objectType, instance);
    if (points === undefined) return undefined;
    if (index === undefined) return points.get(property);
    return points.get(`${property} ${index}`) ?? points.get(property);
  }

  /** Every point of one object, those of single elements included. Empty: the object is not in the policy. */
  pointsOf(device: IndexedDevice, objectType: number, instance: number): Iterable<TargetHandle> {
    return this.#objectPoints(device, objectType, instance)?.values() ?? [];
  }

  place(point: TargetHandle): PointPlace | undefined {
    return this.#places.get(point);
  }

  #objectPoints(device: IndexedDevice, objectType: number, instance: number): ObjectPoints | undefined {
    return this.#byHandle.get(device.handle)?.objects.get(objectNumber(objectType, instance));
  }
}

/** An object identifier as the wire packs it (20.2.14), without the sign. */
function objectNumber(objectType: number, instance: number): number {
  return objectType * (MAX_INSTANCE + 1) + instance;
}

const rowsBetweenPauses = 1000;

/** Every BACnet address of an inventory, or every fault of them. */
export async function compileAddresses(
  inventory: InventoryView,
  pause: () => Promise<void>,
): Promise<Result<{ readonly index: BacnetIndex; readonly notices: readonly Notice[] }, NonEmpty<DocumentFault>>> {
  const faults: DocumentFault[] = [];
  const byHandle = new Map<TargetHandle, DeviceRow>();
  const byPlace = new Map<string, Map<number, DeviceRow>>();
  const places = new Map<TargetHandle, PointPlace>();
  let work = 0;
  const breathe = async (): Promise<void> => {
    work += 1;
    if (work % rowsBetweenPauses === 0) await pause();
  };
  for (const device of inventory.devices()) {
    await breathe();
    const address = device.address?.bacnet;
    if (address === undefined) continue;
    const path = `${inventory.pathOf(device.handle)}.address.bacnet`;
    const parsed = parseDeviceAddress(address, path);
    if (!parsed.ok) {
      faults.push(...parsed.fault);
      continue;
    }
    const { network, instance, firmware } = parsed.value;
    const onNetwork = byPlace.get(network) ?? new Map<number, DeviceRow>();
    byPlace.set(network, onNetwork);
    const first = onNetwork.get(instance);
    if (first !== undefined) {
      faults.push({
        path,
        found: `instance \`${instance}\` of network \`${network}\`, which is \`${inventory.idOf(first.handle)}\``,
        expected: 'a network and instance of its own',
      });
      continue;
    }
    const row: DeviceRow = {
      handle: device.handle,
      network,
      instance,
      points: [],
      objects: new Map(),
      ...(firmware && { firmware }),
    };
    onNetwork.set(instance, row);
    byHandle.set(device.handle, row);
  }
  for (const point of inventory.points()) {
    await breathe();
    const row = byHandle.get(point.device);
    if (row === undefined || point.address === undefined) continue;
    const path = `${inventory.pathOf(point.handle)}.address`;
    const parsed = parsePointAddress(point.address, path);
    if (!parsed.ok) {
      faults.push(...parsed.fault);
      continue;
    }
    const place: PointPlace = { device: point.device, ...parsed.value };
    if (isFirmwareFile(row, place) && point.class !== 'firmware') {
      const path = `${inventory.pathOf(point.handle)}.class`;
      const found = `\`${point.class}\` for the file that \`${inventory.idOf(row.handle)}\` takes firmware by`;
      faults.push({ path, found, expected: '`firmware`' });
      continue;
    }
    const object = objectNumber(place.objectType, place.instance);
    const points = row.objects.get(object) ?? new Map<number | string, TargetHandle>();
    row.objects.set(object, points);
    const key = place.index === undefined ? place.property : `${place.property} ${place.index}`;
    const taken = points.get(key);
    if (taken !== undefined) {
      faults.push({ path, found: `the property of \`${inventory.idOf(taken)}\``, expected: 'a property of its own' });
      continue;
    }
    points.set(key, point.handle);
    row.points.push(point.handle);
    places.set(point.handle, place);
  }
  if (isNonEmpty(faults)) return fail(faults);
  return ok({ index: new BacnetIndex(inventory, byHandle, byPlace, places), notices: [] });
}

/** Whether an object is the file that a device's address names for its firmware. */
export function isFirmwareFile(
  device: IndexedDevice | undefined,
  object: { readonly objectType: number; readonly instance: number },
): boolean {
  return object.objectType === OBJECT_TYPES.file && object.instance === device?.firmware?.file;
}

type Parsed<T> = Result<T, readonly DocumentFault[]>;

/** `{ network: "plant", instance: 1001 }`; with `firmware: { file: 1, … }` where it takes images (firmware-address.ts). */
export function parseDeviceAddress(
  address: OpaqueAddress,
  path: string,
): Parsed<Pick<IndexedDevice, 'network' | 'instance' | 'firmware'>> {
  const faults = unknownKeys(address, path, ['network', 'instance', 'firmware']);
  const { network, instance } = address;
  if (typeof network !== 'string' || network === '')
    faults.push({ path: `${path}.network`, found: describeFound(network), expected: 'the name of a plant network' });
  if (!isWhole(instance, MAX_DEVICE_INSTANCE))
    faults.push({
      path: `${path}.instance`,
      found: describeFound(instance),
      expected: `a whole number from 0 to ${MAX_DEVICE_INSTANCE}`,
    });
  const firmware = address.firmware === undefined ? undefined : parseFirmware(address.firmware, `${path}.firmware`);
  if (firmware?.ok === false) faults.push(...firmware.fault);
  if (faults.length > 0 || typeof network !== 'string' || !isWhole(instance, MAX_DEVICE_INSTANCE)) return fail(faults);
  return ok({ network, instance, ...(firmware?.ok && { firmware: firmware.value }) });
}

/** `{ object: "analog-value,1", property: "present-value", index: 3 }`; numbers do for both names. */
export function parsePointAddress(address: OpaqueAddress, path: string): Parsed<Omit<PointPlace, 'device'>> {
  const faults = unknownKeys(address, path, ['object', 'property', 'index']);
  const object = objectOf(address.object);
  if (object === undefined)
    faults.push({
      path: `${path}.object`,
      found: describeFound(address.object),
      expected: 'an object type and instance: `analog-value,1`',
    });
  const property = propertyOf(address.property);
  if (property === undefined)
    faults.push({
      path: `${path}.property`,
      found: describeFound(address.property),
      expected: `the standard’s name of a property, or its number from 0 to ${MAX_PROPERTY}`,
    });
  const { index } = address;
  if (index !== undefined && !isWhole(index, MAX_INDEX))
    faults.push({
      path: `${path}.index`,
      found: describeFound(index),
      expected: `a whole number from 0 to ${MAX_INDEX}`,
    });
  if (faults.length > 0 || object === undefined || property === undefined) return fail(faults);
  return ok({ ...object, property, ...(isWhole(index, MAX_INDEX) ? { index } : {}) });
}

const OBJECT = /^([a-z0-9-]{1,64}),(0|[1-9][0-9]{0,6})$/;
const NUMBER = /^(0|[1-9][0-9]{0,3})$/;

function objectOf(text: unknown): { readonly objectType: number; readonly instance: number } | undefined {
  const parts = typeof text === 'string' ? OBJECT.exec(text) : null;
  if (parts === null) return undefined;
  const [, type = '', number = ''] = parts;
  const objectType = NUMBER.test(type) ? Number(type) : named(OBJECT_TYPES, type);
  const instance = Number(number);
  if (objectType === undefined || objectType > MAX_OBJECT_TYPE || instance > MAX_DEVICE_INSTANCE) return undefined;
  return { objectType, instance };
}

function propertyOf(property: unknown): number | undefined {
  if (property === undefined) return PROPERTY_IDENTIFIERS['present-value'];
  if (typeof property === 'string') return named(PROPERTY_IDENTIFIERS, property);
  return isWhole(property, MAX_PROPERTY) ? property : undefined;
}

function named(table: { readonly [name: string]: number }, name: string): number | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

function isWhole(value: unknown, most: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= most;
}

function unknownKeys(address: OpaqueAddress, path: string, known: readonly string[]): DocumentFault[] {
  return Object.keys(address)
    .filter((key) => !known.includes(key))
    .map((key) => ({
      path: `${path}.${key}`,
      found: `unknown key \`${key}\``,
      expected: `one of ${known.map((one) => `\`${one}\``).join(', ')}`,
    }));
}
