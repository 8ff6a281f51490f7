// Frame ─classify─► Change: which points a write moves, with the engineering value each would get.
// 1. Everything written has an owner among the effects: its point, the object's point, or the device (`engineering.modify`).
// 2. A value nobody can read gets none, and the gate denies it where the point has limits.
// 3. A device that the inventory does not hold is a handle that stands for nothing: the gate denies it.

import type { Effect } from '../../src/contract/gate.ts';
import { ACTION_OF_WRITING, type ActionName } from '../../src/model/action.ts';
import type { TargetHandle } from '../../src/model/ids.ts';
import type { PointValue } from '../../src/model/point.ts';
import { isNonEmpty, type NonEmpty } from '../../src/model/result.ts';
import type { BacnetIndex } from './address.ts';
import type { Slot } from './bacnet-change.ts';
import { type ObjectPoint, ownersOf, ownersOfObject, PRESENT_VALUE, pointsOf } from './owners.ts';
import { pointValueOf } from './point-value.ts';
import { actionOfProperty, isLifeSafety, isLifeSafetyOperation, isOfTheDevice } from './property-action.ts';
import type { AnyValue } from './wire/any-value.ts';
import { PROPERTY_IDENTIFIERS } from './wire/names/property-identifier.ts';
import type { ObjectIdentifier } from './wire/primitive-content.ts';

const RELINQUISH_DEFAULT = PROPERTY_IDENTIFIERS['relinquish-default'];
/** 19.2.1: a command without a priority has the lowest. */
const LOWEST_PRIORITY = 16;

/** One property of one object that takes a value. */
export interface Write {
  readonly object: ObjectIdentifier;
  readonly property: number;
  readonly index?: number;
  /** Absent: what it takes is not known. */
  readonly value?: AnyValue;
  readonly priority?: number;
}

/** Gathers the effects of one change. */
export class EffectList {
  readonly #index: BacnetIndex | undefined;
  readonly #effects: Effect[] = [];
  readonly #slots: Slot[] = [];
  readonly #asked = new Set<string>();

  constructor(index: BacnetIndex | undefined) {
    this.#index = index;
  }

  get effects(): NonEmpty<Effect> | undefined {
    return isNonEmpty(this.#effects) ? this.#effects : undefined;
  }

  get slots(): readonly Slot[] {
    return this.#slots;
  }

  get size(): number {
    return this.#effects.length;
  }

  /** An action on a device, or on an object it has: its points, else the device. Each once. */
  ask(target: TargetHandle, asks: ActionName, priority?: number): void {
    const key = `${target} ${asks} ${priority ?? ''}`;
    if (this.#asked.has(key)) return;
    this.#asked.add(key);
    this.#effects.push({ target, asks, ...(priority !== undefined && { priority }) });
  }

  askObject(device: TargetHandle, object: ObjectIdentifier, asks: ActionName): void {
    const owners = ownersOfObject(object, this.points(device, object));
    for (const { handle } of owners) this.ask(handle, asks);
    if (owners.length === 0) this.ask(device, asks);
  }

  points(device: TargetHandle, object: ObjectIdentifier): readonly ObjectPoint[] {
    return pointsOf(this.#index, device, object);
  }

  /** Everything that writing one property asks, but for what moves with it. `moved`: it is moved at any time, to anything. */
  write(device: TargetHandle, write: Write, moved = false): void {
    const { object, property, index } = write;
    const points = this.points(device, object);
    const { own, others } = ownersOf(object, points, property, index);
    const priority = write.priority ?? (property === PRESENT_VALUE ? LOWEST_PRIORITY : undefined);
    const prioritised = priority !== undefined && { priority };
    const isSafety = isLifeSafety(object.type);
    const operates = isSafety && isLifeSafetyOperation(property);
    if (own.length + others.length === 0 || isOfTheDevice(object.type, property)) {
      this.ask(device, 'engineering.modify', priority);
    }
    if (isSafety && !(operates && own.length > 0)) {
      const targets = own.length > 0 ? own : others;
      for (const { handle } of targets) this.ask(handle, 'lifeSafety.operate', priority);
      if (targets.length === 0) this.ask(device, 'lifeSafety.operate', priority);
    }
    for (const point of own) {
      const value = valueFor(point, write);
      // In service a life-safety object is operated, and the value is judged all the same.
      const asks = operates ? 'lifeSafety.operate' : 'write';
      const action = moved ? this.#actionOf(point.handle) : asks;
      this.#effects.push({ target: point.handle, asks: action, ...(value !== undefined && { value }), ...prioritised });
      this.#slots.push(slotOf(point, device, write, priority));
    }
    if (own.length > 0) return;
    const asks = actionOfProperty(property);
    for (const { handle } of others) {
      // What a point falls back to is judged by the point's limits.
      const value = property === RELINQUISH_DEFAULT && write.value ? pointValueOf(write.value) : undefined;
      if (value === undefined || value === null) this.ask(handle, asks, priority);
      else {
        this.#effects.push({ target: handle, asks, value, ...prioritised });
        this.#slots.push({ target: handle, device, object, property });
      }
    }
  }

  #actionOf(handle: TargetHandle): ActionName {
    const point = this.#index?.inventory.point(handle);
    return point === undefined ? 'engineering.modify' : ACTION_OF_WRITING[point.class];
  }
}

function valueFor(point: ObjectPoint, { index, value }: Write): PointValue | undefined {
  return value !== undefined && point.index === index ? pointValueOf(value) : undefined;
}

function slotOf(
  { handle, property, index }: ObjectPoint,
  device: TargetHandle,
  { object }: Write,
  priority: number | undefined,
): Slot {
  return {
    target: handle,
    device,
    object,
    property,
    ...(index !== undefined && { index }),
    ...(priority !== undefined && property === PRESENT_VALUE && { priority }),
  };
}
