// Clause 15 as a device answers it when asked: ReadProperty, ReadPropertyMultiple, ReadRange.

import type { DeviceState, Service } from './device-state.ts';
import { type Element, encodeElements } from './elements.ts';
import { errorPair, RejectFault, ServiceFault } from './faults.ts';
import { OBJECT_TYPE, PROPERTY } from './names.ts';
import type { Items, SimulatedObject } from './object.ts';
import { isOptional } from './object-kinds.ts';
import { Parameters } from './parameters.ts';
import { ctx, decoded, type ObjectRef, TAG, within } from './values.ts';

export const readProperty: Service = (state, parameters) => {
  const ref = parameters.needObject(0);
  const property = parameters.needUnsigned(1);
  const index = parameters.unsigned(2);
  parameters.end();
  const object = state.find(ref);
  const value = readable(object, property, index);
  return encodeElements([
    ctx.object(0, object.ref),
    ctx.unsigned(1, property),
    ...(index === undefined ? [] : [ctx.unsigned(2, index)]),
    within(3, ...value),
  ]);
};

export const readPropertyMultiple: Service = (state, parameters) => {
  const answer: Element[] = [];
  do {
    const ref = parameters.needObject(0);
    const wanted = new Parameters(parameters.needInside(1));
    const results: Element[] = [];
    do {
      const property = wanted.needUnsigned(0);
      const index = wanted.unsigned(1);
      for (const one of expanded(state, ref, property)) results.push(...result(state, ref, one, index));
    } while (!wanted.ended);
    const known = state.objects.has(keyOfRef(state, ref)) ? state.find(ref).ref : ref;
    answer.push(ctx.object(0, known), within(1, ...results));
  } while (!parameters.ended);
  return encodeElements(answer);
};

function keyOfRef(state: DeviceState, ref: ObjectRef): string {
  try {
    return state.find(ref).key;
  } catch {
    return '';
  }
}

/** ALL, REQUIRED and OPTIONAL stand for many; property-list is in none of them. */
function expanded(state: DeviceState, ref: ObjectRef, property: number): readonly number[] {
  if (property !== PROPERTY.all && property !== PROPERTY.required && property !== PROPERTY.optional) return [property];
  if (keyOfRef(state, ref) === '') return [property];
  const object = state.find(ref);
  return object.properties.filter((id) => {
    if (id === PROPERTY['property-list']) return false;
    if (property === PROPERTY.all) return true;
    return isOptional(object.ref, id) === (property === PROPERTY.optional);
  });
}

function result(state: DeviceState, ref: ObjectRef, property: number, index: number | undefined): readonly Element[] {
  const head = [ctx.unsigned(2, property), ...(index === undefined ? [] : [ctx.unsigned(3, index)])];
  try {
    return [...head, within(4, ...readable(state.find(ref), property, index))];
  } catch (fault) {
    if (!(fault instanceof ServiceFault)) throw fault;
    return [...head, within(5, ...errorPair(fault.pair))];
  }
}

/** A trend log's buffer is read by range only. */
function readable(object: SimulatedObject, property: number, index: number | undefined): readonly Element[] {
  if (property === PROPERTY['log-buffer'] && object.has('log-buffer')) throw new ServiceFault('read-access-denied');
  return object.read(property, index);
}

interface Range {
  readonly first: number;
  readonly items: Items;
}

export const readRange: Service = (state, parameters, asker) => {
  const object = state.find(parameters.needObject(0));
  const property = parameters.needUnsigned(1);
  const index = parameters.unsigned(2);
  const byPosition = parameters.inside(3);
  const bySequence = byPosition === undefined ? parameters.inside(6) : undefined;
  const byTime = (byPosition ?? bySequence) ? undefined : parameters.inside(7);
  parameters.end();
  const log = object.ref.type === OBJECT_TYPE['trend-log'] && property === PROPERTY['log-buffer'];
  const all = log ? object.items('log-buffer') : object.read(property, index).map((element) => [element]);
  const offset = log ? (object.number('total-record-count') ?? 0) - all.length : 0;
  let range: Range = { first: 0, items: all };
  if (byPosition !== undefined) {
    const reading = new Parameters(byPosition);
    range = counted(all, reading.applicationUnsigned() - 1, reading.applicationSigned());
  } else if (bySequence !== undefined && log) {
    const reading = new Parameters(bySequence);
    range = counted(all, reading.applicationUnsigned() - offset - 1, reading.applicationSigned());
  } else if (byTime !== undefined && log) {
    const reading = new Parameters(byTime);
    const from = decoded.instant(reading.application(TAG.date).octets, reading.application(TAG.time).octets);
    const count = reading.applicationSigned();
    if (from === undefined) throw new RejectFault('parameter-out-of-range');
    const later = all.findIndex((entry) => (instantOf(entry)?.getTime() ?? 0) > from.getTime());
    const first = later === -1 ? all.length : later;
    range = count > 0 ? counted(all, first, count) : counted(all, first - 1, count);
  } else if (bySequence !== undefined || byTime !== undefined) throw new ServiceFault('inconsistent-parameters');
  const given = fitting(range.items, asker.room - 40);
  const atEnd = range.first + given.length >= all.length;
  return encodeElements([
    ctx.object(0, object.ref),
    ctx.unsigned(1, property),
    ...(index === undefined ? [] : [ctx.unsigned(2, index)]),
    ctx.bits(3, [given.length > 0 && range.first === 0, given.length > 0 && atEnd, given.length < range.items.length]),
    ctx.unsigned(4, given.length),
    within(5, ...given.flat()),
    ...(byPosition === undefined && log && given.length > 0 ? [ctx.unsigned(6, offset + range.first + 1)] : []),
  ]);
};

/** `count` items from `at` on, or with a negative count those up to and with it. */
function counted(all: Items, at: number, count: number): Range {
  if (count === 0) throw new RejectFault('parameter-out-of-range');
  if (at < 0 || at >= all.length) return { first: 0, items: [] };
  const first = count > 0 ? at : Math.max(0, at + count + 1);
  return { first, items: all.slice(first, count > 0 ? at + count : at + 1) };
}

function fitting(items: Items, room: number): Items {
  let left = room;
  const end = items.findIndex((item) => {
    left -= encodeElements(item).length;
    return left < 0;
  });
  return end === -1 ? items : items.slice(0, end);
}

function instantOf(entry: readonly Element[]): Date | undefined {
  const [stamp] = entry;
  const [date, time] = stamp?.kind === 'constructed' ? stamp.items : [];
  return date?.kind === 'application' && time?.kind === 'application'
    ? decoded.instant(date.octets, time.octets)
    : undefined;
}
