// Observation: who may see what, element by element. 1. A property belongs to its point, else to its object's present value,
// else to all its object's points. 2. The device object asks `device.view` on the device, so that who may view a device finds it
// and its objects; an object outside the inventory asks `point.read` on the device. 3. Names of objects are read like
// any property: the object list tells identifiers, not names, of what may not be read.

import type { Caller, Gate } from '../../src/contract/gate.ts';
import type { BacnetIndex } from './address.ts';
import type { Lists } from './lists.ts';
import { handleOfDevice, isDeviceObject, ownersOf, ownersOfObject, PRESENT_VALUE, pointsOf } from './owners.ts';
import { type Reference, referencesIn } from './references.ts';
import type { PlantDevice, PlantSide } from './seam.ts';
import { OBJECT_TYPES as T } from './wire/names/object-type.ts';
import { PROPERTY_IDENTIFIERS as P } from './wire/names/property-identifier.ts';
import type { ObjectIdentifier } from './wire/primitive-content.ts';

/** ALL, REQUIRED and OPTIONAL stand for properties that the answer names (15.7.3.1.2). */
export function isSeveral(property: number): boolean {
  return property === P.all || property === P.required || property === P.optional;
}

/** Where a group's members stand: its present value shows theirs. */
const MEMBERS_OF: ReadonlyMap<number, number> = new Map([
  [T.group, P['list-of-group-members']],
  [T['global-group'], P['group-members']],
]);

/** The list that has to be known before the property of a group can be judged; `undefined`: none. */
export function membersNeeded({ type }: ObjectIdentifier, property: number): number | undefined {
  return property === PRESENT_VALUE || isSeveral(property) ? MEMBERS_OF.get(type) : undefined;
}

export interface AccessServices {
  readonly gate: Gate;
  readonly plant: PlantSide;
  readonly lists: Lists;
  index(): BacnetIndex | undefined;
}

/** Valid for the current tick only. */
export class ReadAccess {
  readonly #services: AccessServices;
  readonly #caller: Caller;

  constructor(services: AccessServices, caller: Caller) {
    this.#services = services;
    this.#caller = caller;
  }

  /** Whether a property may be read; for ALL and its like whether any may. */
  reads(device: PlantDevice, object: ObjectIdentifier, property: number, index?: number): boolean {
    const inventory = this.#services.index();
    const handle = handleOfDevice(inventory, device);
    const { gate } = this.#services;
    const reader = gate.reader(this.#caller, 'point.read');
    const points = pointsOf(inventory, handle, object);
    const { own, others } = ownersOf(object, points, property, index);
    if (own.length > 0) {
      if (!own.every((point) => reader.permits(point.handle))) return false;
    } else if (isDeviceObject(object)) {
      if (!gate.reader(this.#caller, 'device.view').permits(handle)) return false;
    } else if (points.length === 0) {
      if (!reader.permits(handle)) return false;
    } else if (isSeveral(property)) {
      if (!points.some((point) => reader.permits(point.handle))) return false;
    } else if (!others.every((point) => reader.permits(point.handle))) return false;
    return property !== PRESENT_VALUE || this.#readsMembers(device, object);
  }

  /** Whether an object's alarms may be seen. */
  seesAlarms(device: PlantDevice, object: ObjectIdentifier): boolean {
    const index = this.#services.index();
    const handle = handleOfDevice(index, device);
    const reader = this.#services.gate.reader(this.#caller, 'alarm.view');
    const owners = ownersOfObject(object, pointsOf(index, handle, object));
    return owners.length === 0 ? reader.permits(handle) : owners.every((point) => reader.permits(point.handle));
  }

  /** Whether alarms of the device, or of any point of it, may be seen. */
  seesAnyAlarms(device: PlantDevice): boolean {
    const index = this.#services.index();
    const handle = handleOfDevice(index, device);
    const reader = this.#services.gate.reader(this.#caller, 'alarm.view');
    return reader.permits(handle) || (index?.device(handle)?.points ?? []).some((point) => reader.permits(point));
  }

  views(device: PlantDevice): boolean {
    const handle = handleOfDevice(this.#services.index(), device);
    return this.#services.gate.reader(this.#caller, 'device.view').permits(handle);
  }

  #readsMembers(device: PlantDevice, object: ObjectIdentifier): boolean {
    const list = MEMBERS_OF.get(object.type);
    if (list === undefined) return true;
    const known = this.#services.lists.known({ device, object });
    const value = known?.get(list);
    const members = value === undefined ? known && [] : referencesIn(list, value);
    // A member that is a group itself could show more than its list: that is not followed.
    return (
      members?.every((member) => !MEMBERS_OF.has(member.object.type) && this.#readsMember(device, member)) ?? false
    );
  }

  #readsMember(holder: PlantDevice, { device, object, property, index }: Reference): boolean {
    if (device === undefined || device === holder.instance) return this.reads(holder, object, property, index);
    const other = this.#services.plant.find(holder.network, device);
    return other !== undefined && this.reads(other, object, property, index);
  }
}
