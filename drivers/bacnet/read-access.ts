// Observation: who may see what, element by element. 1. A property belongs to its point, else to its object's present value,
// else to all its object's points. 2. The device object asks `device.view` on the device, so that who may view a device finds it
// and its objects; an object outside the inventory asks `point.read` on the device. 3. Names of objects are read like
// any property: the object list tells identifiers, not names, of what may not be read. 4. What shows values of others (a group's
// present value, a log's buffer) is read by who may read those.

import type { Caller, Gate } from '../../src/contract/gate.ts';
import type { TargetHandle } from '../../src/model/ids.ts';
import type { BacnetIndex } from './address.ts';
import type { Lists } from './lists.ts';
import { handleOfDevice, isDeviceObject, ownersOf, ownersOfObject, PRESENT_VALUE, pointsOf } from './owners.ts';
import { type Reference, referencesIn } from './references.ts';
import type { PlantDevice } from './seam.ts';
import { OBJECT_TYPES as T } from './wire/names/object-type.ts';
import { PROPERTY_IDENTIFIERS as P } from './wire/names/property-identifier.ts';
import type { ObjectIdentifier } from './wire/primitive-content.ts';

/** ALL, REQUIRED and OPTIONAL stand for properties that the answer names (15.7.3.1.2). */
export function isSeveral(property: number): boolean {
  return property === P.all || property === P.required || property === P.optional;
}

/** Objects with a property that shows values of others, and the list of whose. */
const SHOWING: ReadonlyMap<number, { readonly shows: number; readonly members: number }> = new Map([
  [T.group, { shows: PRESENT_VALUE, members: P['list-of-group-members'] }],
  [T['global-group'], { shows: PRESENT_VALUE, members: P['group-members'] }],
  [T['trend-log'], { shows: P['log-buffer'], members: P['log-device-object-property'] }],
  [T['trend-log-multiple'], { shows: P['log-buffer'], members: P['log-device-object-property'] }],
]);
/** No device's: a reference that is not set, or one to the device that holds it. */
const UNSET_INSTANCE = 4_194_303;

/** The list that has to be known before the property of a group or a log can be judged; `undefined`: none. */
export function membersNeeded({ type }: ObjectIdentifier, property: number): number | undefined {
  const showing = SHOWING.get(type);
  return property === showing?.shows || isSeveral(property) ? showing?.members : undefined;
}

export interface AccessServices {
  readonly gate: Gate;
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
    const handle = handleOfDevice(this.#services.index(), device);
    if (!this.#readsAt(handle, object, property, index)) return false;
    return property !== SHOWING.get(object.type)?.shows || this.#readsMembers(device, object);
  }

  #readsAt(handle: TargetHandle, object: ObjectIdentifier, property: number, index?: number): boolean {
    const { gate } = this.#services;
    const reader = gate.reader(this.#caller, 'point.read');
    const points = pointsOf(this.#services.index(), handle, object);
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
    return true;
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
    const list = SHOWING.get(object.type)?.members;
    if (list === undefined) return true;
    const known = this.#services.lists.known({ device, object });
    const value = known?.get(list);
    const members = value === undefined ? known && [] : referencesIn(list, value);
    // A member that shows others' values itself could show more than its list: that is not followed.
    return (
      members?.every(
        (member) => membersNeeded(member.object, member.property) === undefined && this.#readsMember(device, member),
      ) ?? false
    );
  }

  #readsMember(holder: PlantDevice, { device, object, property, index }: Reference): boolean {
    const inventory = this.#services.index();
    const own = handleOfDevice(inventory, holder);
    if (device === undefined || device === holder.instance || device === UNSET_INSTANCE)
      return this.#readsAt(own, object, property, index);
    // By instance alone a device cannot be told from its namesakes on other networks: all of them.
    const here = inventory?.deviceAt(holder.network, device);
    const namesakes = here ? [here] : (inventory?.devices ?? []).filter(({ instance }) => instance === device);
    // Of a device outside the inventory there is only what its holder tells.
    if (namesakes.length === 0) return this.#services.gate.reader(this.#caller, 'point.read').permits(own);
    return namesakes.every(({ handle }) => this.#readsAt(handle, object, property, index));
  }
}
