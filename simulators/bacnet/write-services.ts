// Clause 15 as a device carries it out: WriteProperty, WritePropertyMultiple, list elements, creating and deleting objects.
// 1. As in the field, what a multiple write did before it failed stays done.
// 2. A refusal has the form its service gives it: a plain Error only where the standard has no other.

import type { DeviceState, Service } from './device-state.ts';
import { type Element, encodeElements, sameElements } from './elements.ts';
import { errorPair, FormedFault, RejectFault, ServiceFault } from './faults.ts';
import { OBJECT_TYPE, objectName } from './names.ts';
import { entriesOf, type Items, type SimulatedObject } from './object.ts';
import { pointObject } from './object-kinds.ts';
import { Parameters } from './parameters.ts';
import { app, ctx, type ObjectRef, within } from './values.ts';

export const writeProperty: Service = (state, parameters) => {
  const ref = parameters.needObject(0);
  const property = parameters.needUnsigned(1);
  const index = parameters.unsigned(2);
  const value = parameters.needInside(3);
  const priority = parameters.unsigned(4);
  parameters.end();
  state.find(ref).write({ property, index, value, priority });
  return undefined;
};

interface Specification {
  readonly ref: ObjectRef;
  readonly property: number;
  readonly index: number | undefined;
  readonly value: readonly Element[];
  readonly priority: number | undefined;
}

export const writePropertyMultiple: Service = (state, parameters) => {
  const specifications: Specification[] = [];
  do {
    const ref = parameters.needObject(0);
    const properties = new Parameters(parameters.needInside(1));
    do specifications.push({ ref, ...propertyValue(properties) });
    while (!properties.ended);
  } while (!parameters.ended);
  for (const one of specifications) {
    try {
      state.find(one.ref).write(one);
    } catch (fault) {
      if (!(fault instanceof ServiceFault)) throw fault;
      const index = one.index === undefined ? [] : [ctx.unsigned(2, one.index)];
      const first = within(1, ctx.object(0, one.ref), ctx.unsigned(1, one.property), ...index);
      throw new FormedFault(encodeElements([within(0, ...errorPair(fault.pair)), first]));
    }
  }
  return undefined;
};

function propertyValue(parameters: Parameters): Omit<Specification, 'ref'> {
  return {
    property: parameters.needUnsigned(0),
    index: parameters.unsigned(1),
    value: parameters.needInside(2),
    priority: parameters.unsigned(3),
  };
}

/** ChangeList-Error and CreateObject-Error: the error, then which element it was. */
function numberedFault(fault: ServiceFault, element: number): FormedFault {
  return new FormedFault(encodeElements([within(0, ...errorPair(fault.pair)), ctx.unsigned(1, element)]));
}

function changeList(change: (old: Items, entries: Items) => Items): Service {
  return (state, parameters) => {
    const ref = parameters.needObject(0);
    const property = parameters.needUnsigned(1);
    const index = parameters.unsigned(2);
    const elements = parameters.needInside(3);
    parameters.end();
    try {
      const object = state.find(ref);
      if (index !== undefined) throw new ServiceFault('property-is-not-an-array');
      object.setList(property, change(object.list(property), entriesOf(property, elements)));
      return undefined;
    } catch (fault) {
      if (fault instanceof ServiceFault) throw numberedFault(fault, 0);
      throw fault;
    }
  };
}

const LONGEST_LIST = 32;

export const addListElement = changeList((old, entries) => {
  const fresh = entries.filter((entry) => !old.some((one) => sameElements(one, entry)));
  if (old.length + fresh.length > LONGEST_LIST) {
    throw numberedFault(new ServiceFault('no-space-to-add-list-element'), LONGEST_LIST - old.length + 1);
  }
  return [...old, ...fresh];
});

export const removeListElement = changeList((old, entries) => {
  const missing = entries.findIndex((entry) => !old.some((one) => sameElements(one, entry)));
  if (missing !== -1) throw numberedFault(new ServiceFault('list-element-not-found'), missing + 1);
  return old.filter((one) => !entries.some((entry) => sameElements(one, entry)));
});

const CREATABLE = ['analog-value', 'binary-value', 'multi-state-value'] as const;
const MOST_OBJECTS = 500;

export const createObject: Service = (state, parameters) => {
  const specifier = new Parameters(parameters.needInside(0));
  const type = specifier.unsigned(0);
  const wanted = type === undefined ? specifier.needObject(1) : { type, instance: freeInstance(state, type) };
  const initial = parameters.inside(1) ?? [];
  parameters.end();
  const values = new Parameters(initial);
  const writes: Omit<Specification, 'ref'>[] = [];
  while (!values.ended) writes.push(propertyValue(values));
  let element = 0;
  try {
    const object = created(state, wanted);
    for (const write of writes) {
      element += 1;
      object.write(write);
    }
    state.add(object);
  } catch (fault) {
    if (fault instanceof ServiceFault) throw numberedFault(fault, element);
    throw fault;
  }
  return encodeElements([app.object(wanted)]);
};

function created(state: DeviceState, ref: ObjectRef): SimulatedObject {
  const kind = CREATABLE.find((name) => OBJECT_TYPE[name] === ref.type);
  if (kind === undefined) throw new ServiceFault('unsupported-object-type');
  if (state.objects.has(objectName(ref))) throw new ServiceFault('object-identifier-already-exists');
  if (state.objects.size >= MOST_OBJECTS) throw new ServiceFault('no-space-for-object');
  const states = kind === 'multi-state-value' ? { states: ['1', '2', '3'] } : {};
  const initial = kind === 'multi-state-value' ? 1 : 0;
  return pointObject(`${kind},${ref.instance}`, `${kind} ${ref.instance}`, initial, states);
}

function freeInstance(state: DeviceState, type: number): number {
  let instance = 1;
  while (state.objects.has(objectName({ type, instance }))) instance += 1;
  return instance;
}

export const deleteObject: Service = (state, parameters) => {
  const object = state.find(parameters.applicationObject());
  parameters.end();
  const deletable = CREATABLE.some((name) => OBJECT_TYPE[name] === object.ref.type);
  if (!deletable) throw new ServiceFault('object-deletion-not-permitted');
  state.remove(object);
  return undefined;
};

/** What a private transfer is refused with: its own form, vendor and service repeated. */
export const privateTransfer: Service = (_state, parameters) => {
  const vendor = parameters.needUnsigned(0);
  const service = parameters.needUnsigned(1);
  if (vendor > 0xffff) throw new RejectFault('parameter-out-of-range');
  const denied = new ServiceFault('optional-functionality-not-supported');
  throw new FormedFault(
    encodeElements([within(0, ...errorPair(denied.pair)), ctx.unsigned(1, vendor), ctx.unsigned(2, service)]),
  );
};
