// Observation: who may see what, element by element. 1. A property belongs to its point, else to its object's present value,
// else to all its object's points. 2. The device object asks `device.view` on the device, so that who may view a device finds it
// and its objects; an object outside the inventory asks `point.read` on the device. 3. Names of objects are read like
// any property: the object list tells identifiers, not names, of what may not be read. 4. What shows values of others (a group's
// present value, a log's buffer, a loop's input) is read by who may read those; where they cannot be told, by nobody.

import type { Caller, Gate } from '../../src/contract/gate.ts';
import type { TargetHandle } from '../../src/model/ids.ts';
import type { BacnetIndex } from './address.ts';
import type { Lists } from './lists.ts';
import { handleOfDevice, isDeviceObject, isOwnedBy, type ObjectPoint, ownersOfObject, pointsOf } from './owners.ts';
import { type Reference, referencesIn } from './references.ts';
import type { PlantDevice } from './seam.ts';
import { isSeveral, listBehind, listsBehind, showsCollection, showsDevice } from './showing.ts';
import type { ObjectIdentifier } from './wire/primitive-content.ts';

/** No device's: a reference that is not set, or one to the device that holds it. */
const UNSET_INSTANCE = 4_194_303;
/** What shows what shows others is followed so far, on one device. */
const DEEPEST = 4;

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
    return this.#readsAt(handle, object, property, index) && this.#readsShown(device, object, property, index, 0);
  }

  /**
   * The points that alone say whether a property may be read (`readsAll`); `undefined`: more has to be looked at. They stay what they
   * are for as long as the index and the device's instance do.
   */
  plainOwners(
    device: PlantDevice,
    object: ObjectIdentifier,
    property: number,
    index?: number,
  ): readonly ObjectPoint[] | undefined {
    if (listBehind(object, property) !== undefined || showsDevice(object, property)) return undefined;
    const inventory = this.#services.index();
    const points = pointsOf(inventory, handleOfDevice(inventory, device), object);
    const own = points.filter((point) => isOwnedBy(point, property, index));
    return own.length === 0 ? undefined : own;
  }

  readsAll(points: readonly ObjectPoint[]): boolean {
    const reader = this.#services.gate.reader(this.#caller, 'point.read');
    return points.every((point) => reader.permits(point.handle));
  }

  /** Whether it may be read as far as its own object goes: then what it shows of others is looked up. */
  mayAsk(device: PlantDevice, object: ObjectIdentifier, property: number, index?: number): boolean {
    return this.#readsAt(handleOfDevice(this.#services.index(), device), object, property, index);
  }

  /** Objects of the device whose lists have to be read before the property can be judged. */
  unknownBehind(device: PlantDevice, object: ObjectIdentifier, property: number, depth = 0): ObjectIdentifier[] {
    const lists = listsBehind(object, property);
    if (lists.length === 0 || depth >= DEEPEST || this.#isPoint(device, object, property)) return [];
    const known = this.#services.lists.known({ device, object });
    if (known === undefined) return [object];
    return lists.flatMap((list) => {
      const value = known.get(list);
      const members = value === undefined ? [] : (referencesIn(list, value) ?? []);
      return members.flatMap((member) =>
        isOwn(device, member) ? this.unknownBehind(device, member.object, member.property, depth + 1) : [],
      );
    });
  }

  #readsAt(handle: TargetHandle, object: ObjectIdentifier, property: number, index?: number): boolean {
    const { gate } = this.#services;
    const reader = gate.reader(this.#caller, 'point.read');
    const points = pointsOf(this.#services.index(), handle, object);
    let isOwn = false;
    for (const point of points) {
      if (!isOwnedBy(point, property, index)) continue;
      if (!reader.permits(point.handle)) return false;
      isOwn = true;
    }
    if (isOwn) return true;
    if (isDeviceObject(object)) return gate.reader(this.#caller, 'device.view').permits(handle);
    if (points.length === 0) return reader.permits(handle);
    if (isSeveral(property)) return points.some((point) => reader.permits(point.handle));
    return ownersOfObject(object, points).every((point) => reader.permits(point.handle));
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

  #readsShown(
    device: PlantDevice,
    object: ObjectIdentifier,
    property: number,
    index: number | undefined,
    depth: number,
  ): boolean {
    if (showsDevice(object, property)) return this.#readsWhole(device);
    const list = listBehind(object, property);
    if (list === undefined || this.#isPoint(device, object, property, index)) return true;
    const known = this.#services.lists.known({ device, object });
    if (known === undefined || depth >= DEEPEST) return false;
    const value = known.get(list);
    const members = value === undefined ? [] : referencesIn(list, value);
    return members?.every((member) => this.#readsMember(device, member, depth + 1)) ?? false;
  }

  /** The inventory names the very value that is shown. */
  #isPoint(device: PlantDevice, object: ObjectIdentifier, property: number, index?: number): boolean {
    if (showsCollection(object, property)) return false;
    const inventory = this.#services.index();
    const points = pointsOf(inventory, handleOfDevice(inventory, device), object);
    return points.some((point) => isOwnedBy(point, property, index));
  }

  #readsMember(holder: PlantDevice, member: Reference, depth: number): boolean {
    const { object, property, index, device } = member;
    if (object.instance === UNSET_INSTANCE && !isDeviceObject(object)) return true;
    const inventory = this.#services.index();
    const own = handleOfDevice(inventory, holder);
    if (isOwn(holder, member))
      return this.#readsAllAt(own, object, property, index) && this.#readsShown(holder, object, property, index, depth);
    // A member that shows others' values itself could show more than its list: on another device that is not followed.
    if (listBehind(object, property) !== undefined || showsDevice(object, property)) return false;
    // By instance alone a device cannot be told from its namesakes on other networks: all of them.
    const here = device === undefined ? undefined : inventory?.deviceAt(holder.network, device);
    const namesakes = here ? [here] : (inventory?.devices ?? []).filter(({ instance }) => instance === device);
    // Of a device outside the inventory there is only what its holder tells.
    if (namesakes.length === 0) return this.#services.gate.reader(this.#caller, 'point.read').permits(own);
    return namesakes.every(({ handle }) => this.#readsAllAt(handle, object, property, index));
  }

  /** As a member: what stands for several properties shows all of them, and nobody filters them. */
  #readsAllAt(handle: TargetHandle, object: ObjectIdentifier, property: number, index?: number): boolean {
    if (!isSeveral(property)) return this.#readsAt(handle, object, property, index);
    const reader = this.#services.gate.reader(this.#caller, 'point.read');
    const isPlain = listsBehind(object, property).length === 0;
    const points = pointsOf(this.#services.index(), handle, object);
    return isPlain && this.#readsAt(handle, object, property) && points.every((point) => reader.permits(point.handle));
  }

  /** Every point of the device, what has none, and its alarms. */
  #readsWhole(device: PlantDevice): boolean {
    const { gate } = this.#services;
    const index = this.#services.index();
    const handle = handleOfDevice(index, device);
    const all = [handle, ...(index?.device(handle)?.points ?? [])];
    return (['point.read', 'alarm.view'] as const).every((action) => {
      const reader = gate.reader(this.#caller, action);
      return all.every((one) => reader.permits(one));
    });
  }
}

function isOwn({ instance }: PlantDevice, { device }: Reference): boolean {
  return device === undefined || device === instance || device === UNSET_INSTANCE;
}
