// What moves more than itself: channels and WriteGroup, commands, schedules, loops. Here a single write reaches many objects, and other devices.

import type { DeviceState } from './device-state.ts';
import { type Element, encodeElements } from './elements.ts';
import { ServiceFault } from './faults.ts';
import { OBJECT_TYPE, PROPERTY } from './names.ts';
import { isNull, type PropertyChange, type SimulatedObject } from './object.ts';
import { Parameters } from './parameters.ts';
import { app, ctx, numberOf, type ObjectRef, TAG, within } from './values.ts';

const DEEPEST = 4;
const WRITE_STATUS = { done: 2, failed: 3 } as const;

interface Target {
  readonly ref: ObjectRef;
  readonly property: number;
  readonly index?: number | undefined;
  readonly device?: number | undefined;
}

export class FanOut {
  readonly #state: DeviceState;
  #depth = 0;

  constructor(state: DeviceState) {
    this.#state = state;
    state.watchers.push((change) => this.#changed(change));
  }

  /** Schedules and loops at work: what the device does of itself as time passes. */
  advance(): void {
    for (const object of this.#state.objects.values()) {
      if (object.ref.type === OBJECT_TYPE.schedule) this.#schedule(object);
      if (object.ref.type === OBJECT_TYPE.loop) this.#loop(object);
    }
  }

  /** An unconfirmed WriteGroup: every channel of the group and number takes the value. */
  writeGroup(parameters: Parameters): void {
    const group = parameters.needUnsigned(0);
    const priority = parameters.needUnsigned(1);
    const changes = new Parameters(parameters.needInside(2));
    parameters.boolean(3);
    parameters.end();
    while (!changes.ended) {
      const number = changes.needUnsigned(0);
      const own = changes.unsigned(1) ?? priority;
      const value = changes.any();
      for (const object of this.#state.objects.values()) {
        if (object.ref.type !== OBJECT_TYPE.channel || object.number('channel-number') !== number) continue;
        const groups = object.items('control-groups').map((item) => numberOf(item[0]));
        if (!groups.includes(group)) continue;
        object.write({ property: PROPERTY['present-value'], value: [value], priority: own });
      }
    }
  }

  #changed({ object, property, value, priority }: PropertyChange): void {
    const present = property === PROPERTY['present-value'];
    if (this.#depth >= DEEPEST) return;
    this.#depth += 1;
    try {
      if (object.ref.type === OBJECT_TYPE.channel && present) this.#channel(object, value, priority ?? 16);
      else if (object.ref.type === OBJECT_TYPE.command && present) this.#command(object);
      else if (object.ref.type === OBJECT_TYPE.schedule && !present) this.#schedule(object);
    } finally {
      this.#depth -= 1;
    }
  }

  #channel(object: SimulatedObject, value: readonly Element[], priority: number): void {
    object.set('last-priority', [app.unsigned(priority)]);
    const members = object.items('list-of-object-property-references').map(targetOf);
    const done = members.map((member) => this.#write(member, value, priority));
    object.set('write-status', [app.enumerated(done.includes(false) ? WRITE_STATUS.failed : WRITE_STATUS.done)]);
  }

  #command(object: SimulatedObject): void {
    const chosen = object.number('present-value') ?? 0;
    const [list] = object.items('action')[chosen - 1] ?? [];
    if (list?.kind !== 'constructed') return;
    const steps = new Parameters(list.items);
    let done = true;
    while (!steps.ended) {
      const device = steps.object(0)?.instance;
      const ref = steps.needObject(1);
      const property = steps.needUnsigned(2);
      const index = steps.unsigned(3);
      const value = steps.needInside(4);
      const priority = steps.unsigned(5) ?? 16;
      steps.unsigned(6);
      steps.boolean(7);
      steps.boolean(8);
      done = this.#write({ ref, property, index, device }, value, priority) && done;
    }
    object.set('all-writes-successful', [app.boolean(done)]);
  }

  #schedule(object: SimulatedObject): void {
    if (object.number('out-of-service') === 1) return;
    const now = this.#state.now();
    const day = object.items('weekly-schedule')[(now.getUTCDay() + 6) % 7]?.[0];
    let value = object.value('schedule-default')[0];
    if (day?.kind === 'constructed') {
      const minute = now.getUTCHours() * 60 + now.getUTCMinutes();
      for (let at = 0; at + 1 < day.items.length; at += 2) {
        const time = day.items[at];
        const [hour = 24, minutes = 0] = time?.kind === 'application' ? time.octets : [];
        const entry = day.items[at + 1];
        if (hour * 60 + minutes > minute || entry === undefined) break;
        value = isNull([entry]) ? object.value('schedule-default')[0] : entry;
      }
    }
    if (value === undefined) return;
    object.set('present-value', [value]);
    const priority = object.number('priority-for-writing') ?? 16;
    for (const entry of object.items('list-of-object-property-references')) {
      this.#write(targetOf(entry), [value], priority);
    }
  }

  #loop(object: SimulatedObject): void {
    if (object.number('out-of-service') === 1) return;
    const [reference] = object.value('setpoint-reference');
    if (reference?.kind !== 'constructed') return;
    const setpoint = this.#number(targetOf(reference.items));
    const measured = this.#number(targetOf(object.value('controlled-variable-reference')));
    if (setpoint === undefined || measured === undefined) return;
    const output = Math.min(100, Math.max(0, (object.number('proportional-constant') ?? 0) * (setpoint - measured)));
    object.set('setpoint', [app.real(setpoint)]);
    object.set('present-value', [app.real(output)]);
    const priority = object.number('priority-for-writing') ?? 16;
    this.#write(targetOf(object.value('manipulated-variable-reference')), [app.real(output)], priority);
  }

  #number(target: Target): number | undefined {
    try {
      return numberOf(this.#state.find(target.ref).read(target.property, target.index)[0]);
    } catch (fault) {
      if (fault instanceof ServiceFault) return undefined;
      throw fault;
    }
  }

  /** Whether it was written; a write to another device is on its way and counts as done. */
  #write(target: Target, value: readonly Element[], priority: number): boolean {
    const { ref, property, index, device } = target;
    if (device !== undefined && device !== this.#state.instance) {
      const payload = encodeElements([
        ctx.object(0, ref),
        ctx.unsigned(1, property),
        ...(index === undefined ? [] : [ctx.unsigned(2, index)]),
        within(3, ...value),
        ctx.unsigned(4, priority),
      ]);
      this.#state.writeElsewhere(device, payload);
      return true;
    }
    try {
      const object = this.#state.find(ref);
      const like = object.read(property, index)[0];
      object.write({ property, index, value: value.map((one) => coerced(one, like)), priority });
      return true;
    } catch (fault) {
      if (fault instanceof ServiceFault) return false;
      throw fault;
    }
  }
}

/** BACnetDeviceObjectPropertyReference or BACnetObjectPropertyReference. */
function targetOf(entry: readonly Element[]): Target {
  const parameters = new Parameters(entry);
  const ref = parameters.needObject(0);
  const property = parameters.needUnsigned(1);
  const index = parameters.unsigned(2);
  return { ref, property, index, device: parameters.object(3)?.instance };
}

/** A channel's value in the datatype of the member: numbers into numbers. */
function coerced(value: Element, like: Element | undefined): Element {
  const number = numberOf(value);
  if (number === undefined || like?.kind !== 'application') return value;
  switch (like.tag) {
    case TAG.real:
      return app.real(number);
    case TAG.unsigned:
      return app.unsigned(Math.max(0, Math.round(number)));
    case TAG.enumerated:
      return app.enumerated(Math.max(0, Math.round(number)));
    default:
      return value;
  }
}
