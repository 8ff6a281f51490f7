// What a value refers to, read as the type its property has (clause 21): members of schedules and channels, action lists,
// set points of loops. 1. A value that is not of its property's type gives `undefined`: what it would move cannot be told.

import { type AnyValue, anyValue, anyValueOf, type Element, elementsOf, readAs } from './wire/any-value.ts';
import {
  deviceObjectPropertyReference,
  objectPropertyReference,
  propertyReference,
  recipient,
  writePriority,
} from './wire/constructed.ts';
import { PROPERTY_IDENTIFIERS as P } from './wire/names/property-identifier.ts';
import {
  bitString,
  boolean,
  type ObjectIdentifier,
  objectIdentifier,
  time,
  unsigned,
} from './wire/primitive-content.ts';
import { application, applicationBoolean, context, list, optional, sequence, wrapped } from './wire/schema.ts';

/** A property somewhere; `device` absent: on the device that holds the reference. */
export interface Reference {
  readonly object: ObjectIdentifier;
  readonly property: number;
  readonly index?: number;
  readonly device?: number;
}

/** A step of an action list. */
interface ActionStep extends Reference {
  readonly value: AnyValue;
  readonly priority?: number;
}

const ANY_COUNT = { min: 0 } as const;
const references = list(deviceObjectPropertyReference, ANY_COUNT);
const localReferences = list(objectPropertyReference, ANY_COUNT);
const objectReferences = list(
  sequence('BACnetDeviceObjectReference', {
    deviceIdentifier: optional(context(0, objectIdentifier)),
    objectIdentifier: context(1, objectIdentifier),
  }),
  ANY_COUNT,
);
const setpointReferences = list(wrapped(0, objectPropertyReference), ANY_COUNT);
const accessSpecifications = list(
  sequence('ReadAccessSpecification', {
    objectIdentifier: context(0, objectIdentifier),
    listOfPropertyReferences: wrapped(1, list(propertyReference, ANY_COUNT)),
  }),
  ANY_COUNT,
);
const actionList = wrapped(
  0,
  list(
    sequence('BACnetActionCommand', {
      deviceIdentifier: optional(context(0, objectIdentifier)),
      objectIdentifier: context(1, objectIdentifier),
      propertyIdentifier: context(2, unsigned()),
      propertyArrayIndex: optional(context(3, unsigned())),
      propertyValue: wrapped(4, anyValue),
      priority: optional(context(5, writePriority)),
      postDelay: optional(context(6, unsigned())),
      quitOnFailure: context(7, boolean),
      writeSuccessful: context(8, boolean),
    }),
    ANY_COUNT,
  ),
);
const actionLists = list(actionList, ANY_COUNT);
const destinations = list(
  sequence('BACnetDestination', {
    validDays: application(bitString),
    fromTime: application(time),
    toTime: application(time),
    recipient,
    processIdentifier: application(unsigned()),
    issueConfirmedNotifications: applicationBoolean,
    transitions: application(bitString),
  }),
  ANY_COUNT,
);
const recipients = list(recipient, ANY_COUNT);

interface WireReference {
  readonly objectIdentifier: ObjectIdentifier;
  readonly propertyIdentifier: number;
  readonly propertyArrayIndex?: number;
  readonly deviceIdentifier?: ObjectIdentifier;
}

function referenceOf(wire: WireReference): Reference {
  return {
    object: wire.objectIdentifier,
    property: wire.propertyIdentifier,
    ...(wire.propertyArrayIndex !== undefined && { index: wire.propertyArrayIndex }),
    ...(wire.deviceIdentifier !== undefined && { device: wire.deviceIdentifier.instance }),
  };
}

/** The references of a property's value; `undefined` where it is not of the property's type; empty where it has none. */
export function referencesIn(property: number, value: AnyValue): readonly Reference[] | undefined {
  switch (property) {
    case P['list-of-object-property-references']:
    case P['object-property-reference']:
    case P['log-device-object-property']:
    case P['group-members']:
      return readAs(references, value)?.map(referenceOf);
    case P['manipulated-variable-reference']:
    case P['controlled-variable-reference']:
    case P['input-reference']:
    case P['event-algorithm-inhibit-ref']:
      return readAs(localReferences, value)?.map(referenceOf);
    case P['setpoint-reference']:
      return readAs(setpointReferences, value)?.map(referenceOf);
    case P['target-references']:
      return readAs(objectReferences, value)?.map(({ objectIdentifier: object, deviceIdentifier }) => ({
        object,
        property: P['present-value'],
        ...(deviceIdentifier !== undefined && { device: deviceIdentifier.instance }),
      }));
    case P['list-of-group-members']:
      return readAs(accessSpecifications, value)?.flatMap(({ objectIdentifier: object, listOfPropertyReferences }) =>
        listOfPropertyReferences.map(({ propertyIdentifier, propertyArrayIndex }) =>
          referenceOf({
            objectIdentifier: object,
            propertyIdentifier,
            ...(propertyArrayIndex !== undefined && { propertyArrayIndex }),
          }),
        ),
      );
    default:
      return [];
  }
}

/** Instances of the devices that a recipient list names; `undefined` where it is none. Addresses name no device of ours. */
export function recipientDevicesIn(property: number, value: AnyValue): readonly number[] | undefined {
  switch (property) {
    case P['recipient-list']:
      return readAs(destinations, value)?.flatMap((destination) => deviceOf(destination.recipient));
    case P['restart-notification-recipients']:
    case P['time-synchronization-recipients']:
    case P['utc-time-synchronization-recipients']:
    case P['covu-recipients']:
      return property === P['covu-recipients'] ? [] : readAs(recipients, value)?.flatMap(deviceOf);
    default:
      return [];
  }
}

type AnyRecipient =
  | { readonly choice: 'device'; readonly value: ObjectIdentifier }
  | { readonly choice: 'address'; readonly value: unknown };

function deviceOf(one: AnyRecipient): number[] {
  return one.choice === 'device' ? [one.value.instance] : [];
}

/** The action lists of a Command object, in order; `undefined` where the value is none. */
export function actionsIn(value: AnyValue): readonly (readonly ActionStep[])[] | undefined {
  return readAs(actionLists, value)?.map((steps) =>
    steps.map((step) => ({
      ...referenceOf(step),
      value: step.propertyValue,
      ...(step.priority !== undefined && { priority: step.priority }),
    })),
  );
}

const TIME_TAG = 11;

/** Time and value alternate (BACnetTimeValue). */
function timedValues(elements: readonly Element[]): readonly Element[] | undefined {
  const values: Element[] = [];
  for (let at = 0; at < elements.length; at += 2) {
    const when = elements[at];
    const value = elements[at + 1];
    if (when?.kind !== 'application' || when.number !== TIME_TAG || value?.kind !== 'application') return undefined;
    values.push(value);
  }
  return values;
}

/** The values that a schedule's property would write to its members; `undefined` where they cannot be told. */
export function scheduledValuesIn(property: number, value: AnyValue): readonly AnyValue[] | undefined {
  const elements = elementsOf(value);
  switch (property) {
    case P['present-value']:
    case P['schedule-default']:
      return elements.length === 1 ? [value] : undefined;
    case P['weekly-schedule']: {
      // A day is the list [0] of its times; the array's length alone is one unsigned.
      if (elements.every((element) => element.kind === 'application')) return [];
      return valuesInside(elements, 0);
    }
    case P['exception-schedule']: {
      if (elements.every((element) => element.kind === 'application')) return [];
      return valuesInside(
        elements.filter((element) => element.kind !== 'context' && element.number === 2),
        2,
      );
    }
    default:
      return [];
  }
}

function valuesInside(elements: readonly Element[], number: number): readonly AnyValue[] | undefined {
  const found: AnyValue[] = [];
  for (const element of elements) {
    if (element.kind !== 'constructed' || element.number !== number) return undefined;
    const values = timedValues(element.elements);
    if (values === undefined) return undefined;
    for (const one of values) found.push(anyValueOf([one]));
  }
  return found;
}
