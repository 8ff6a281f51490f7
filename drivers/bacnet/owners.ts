// Frame ─classify─► whose a property is: the point, the object's points, or the device, for reads and writes alike.
// 1. Everything of a device has an owner: what the inventory does not hold belongs to the device.

import { type TargetHandle, targetHandle } from '../../src/model/ids.ts';
import type { BacnetIndex, IndexedDevice } from './address.ts';
import type { PlantDevice } from './seam.ts';
import { OBJECT_TYPES } from './wire/names/object-type.ts';
import { PROPERTY_IDENTIFIERS } from './wire/names/property-identifier.ts';
import { MAX_INSTANCE, type ObjectIdentifier } from './wire/primitive-content.ts';

/** Stands for no device or point of any inventory: the gate denies it. */
export const NOWHERE: TargetHandle = targetHandle(-1);

export const PRESENT_VALUE = PROPERTY_IDENTIFIERS['present-value'];

/** A point of an object. `index` absent: the whole property. */
export interface ObjectPoint {
  readonly handle: TargetHandle;
  readonly property: number;
  readonly index?: number;
}

export function isDeviceObject({ type }: ObjectIdentifier): boolean {
  return type === OBJECT_TYPES.device;
}

/** The inventory's device; `NOWHERE` without a policy, without a verified instance, or where the inventory holds none there. */
export function handleOfDevice(index: BacnetIndex | undefined, { network, instance }: PlantDevice): TargetHandle {
  return (instance === undefined ? undefined : index?.deviceAt(network, instance)?.handle) ?? NOWHERE;
}

const NO_POINTS: readonly ObjectPoint[] = [];
/** By object, as one number. A policy's devices are its own: with the policy its points go. */
const known = new WeakMap<IndexedDevice, Map<number, readonly ObjectPoint[]>>();

/** Points of one object, whatever their property. */
export function pointsOf(
  index: BacnetIndex | undefined,
  device: TargetHandle,
  object: ObjectIdentifier,
): readonly ObjectPoint[] {
  const indexed = index?.device(device);
  if (index === undefined || indexed === undefined) return NO_POINTS;
  // Whatever instance a request writes (the wildcard, another), the device object is the device's one.
  const instance = isDeviceObject(object) ? indexed.instance : object.instance;
  let ofDevice = known.get(indexed);
  if (ofDevice === undefined) {
    ofDevice = new Map();
    known.set(indexed, ofDevice);
  }
  const key = object.type * (MAX_INSTANCE + 1) + instance;
  let points = ofDevice.get(key);
  if (points === undefined) {
    points = placed(index, indexed, object.type, instance);
    // Objects that the policy does not name could be any number.
    if (points.length > 0) ofDevice.set(key, points);
  }
  return points;
}

function placed(
  index: BacnetIndex,
  device: IndexedDevice,
  objectType: number,
  instance: number,
): readonly ObjectPoint[] {
  const points: ObjectPoint[] = [];
  for (const handle of index.pointsOf(device, objectType, instance)) {
    const place = index.place(handle);
    if (place === undefined) continue;
    const { property, index: element } = place;
    points.push({ handle, property, ...(element !== undefined && { index: element }) });
  }
  return points;
}

/** Element 0 is the array's length: it belongs to every element. */
function overlaps(one: number | undefined, other: number | undefined): boolean {
  return one === undefined || other === undefined || other === 0 || one === other;
}

/** Whether a point is the property, or an element of it that `index` touches. */
export function isOwnedBy(point: ObjectPoint, property: number, index: number | undefined): boolean {
  return point.property === property && overlaps(point.index, index);
}

interface Owners {
  /** Points that are this property, or elements of it that it touches. */
  readonly own: readonly ObjectPoint[];
  /** Where there are none: the object's present value, else all the object's points. */
  readonly others: readonly ObjectPoint[];
}

export function ownersOf(
  object: ObjectIdentifier,
  points: readonly ObjectPoint[],
  property: number,
  index: number | undefined,
): Owners {
  const own = points.filter((point) => isOwnedBy(point, property, index));
  return own.length > 0 ? { own, others: [] } : { own, others: ownersOfObject(object, points) };
}

/** The present value's points, else every point of the object; the device object as a whole is the device. */
export function ownersOfObject(object: ObjectIdentifier, points: readonly ObjectPoint[]): readonly ObjectPoint[] {
  if (isDeviceObject(object)) return [];
  const present = points.filter((point) => point.property === PRESENT_VALUE);
  return present.length > 0 ? present : points;
}
