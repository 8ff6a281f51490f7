// The kinds of object the plant is made of, each with the properties a tool expects of it.

import type { Element } from './elements.ts';
import {
  OBJECT_TYPE,
  type ObjectText,
  type ObjectTypeName,
  objectRef,
  PROPERTY,
  type PropertyName,
  UNITS,
  type Unit,
} from './names.ts';
import { type Items, type PropertySheet, SimulatedObject } from './object.ts';
import { app, ctx, type ObjectRef, within } from './values.ts';

/** One property with one value. */
export function single(id: PropertyName, value: Element, writable = false): PropertySheet {
  return { id, items: [[value]], writable };
}

const ANALOG: readonly ObjectTypeName[] = ['analog-input', 'analog-output', 'analog-value'];

export interface PointOptions {
  readonly description?: string;
  readonly unit?: Unit;
  readonly min?: number;
  readonly max?: number;
  readonly covIncrement?: number;
  /** Has a priority array, always so for outputs. Default: values yes, inputs no. */
  readonly commandable?: boolean;
  /** Texts of a binary or multi-state object, the inactive or first state first. */
  readonly states?: readonly string[];
  readonly extra?: readonly PropertySheet[];
}

/** An analog, binary or multi-state object. */
export function pointObject(
  object: ObjectText,
  name: string,
  value: number,
  options: PointOptions = {},
): SimulatedObject {
  const ref = objectRef(object);
  const kind = object.slice(0, object.indexOf(','));
  const analog = ANALOG.some((type) => type === kind);
  const multiState = kind.startsWith('multi-state');
  const one = (number: number): Element =>
    analog ? app.real(number) : multiState ? app.unsigned(number) : app.enumerated(number);
  const commandable = options.commandable ?? !kind.endsWith('-input');
  const states = options.states ?? [];
  const sheets: PropertySheet[] = [
    single('present-value', one(value)),
    single('description', app.text(options.description ?? name), true),
    single('status-flags', app.bits([false, false, false, false])),
    single('event-state', app.enumerated(0)),
    single('out-of-service', app.boolean(false), true),
  ];
  if (analog) sheets.push(single('units', app.enumerated(UNITS[options.unit ?? 'none']), true));
  if (options.min !== undefined) sheets.push(single('min-pres-value', app.real(options.min), true));
  if (options.max !== undefined) sheets.push(single('max-pres-value', app.real(options.max), true));
  if (analog) sheets.push(single('cov-increment', app.real(options.covIncrement ?? 0.5), true));
  if (multiState) {
    const texts = states.map((text) => [app.text(text)]);
    sheets.push(single('number-of-states', app.unsigned(states.length)), {
      id: 'state-text',
      shape: 'array',
      items: texts,
    });
  }
  if (kind.startsWith('binary')) {
    sheets.push(
      single('inactive-text', app.text(states[0] ?? 'off')),
      single('active-text', app.text(states[1] ?? 'on')),
    );
    if (kind !== 'binary-value') sheets.push(single('polarity', app.enumerated(0)));
  }
  if (commandable) {
    const slots = Array.from({ length: 16 }, () => [app.null()]);
    sheets.push({ id: 'priority-array', shape: 'array', items: slots }, single('relinquish-default', one(value), true));
  }
  return new SimulatedObject(ref, name, [...sheets, ...(options.extra ?? [])]);
}

interface AlarmOptions {
  readonly low: number;
  readonly high: number;
  readonly deadband: number;
  readonly notificationClass: number;
  readonly timeDelay?: number;
}

/** What intrinsic out-of-range reporting adds to an analog object. */
export function alarmProperties(options: AlarmOptions): readonly PropertySheet[] {
  return [
    single('high-limit', app.real(options.high), true),
    single('low-limit', app.real(options.low), true),
    single('deadband', app.real(options.deadband), true),
    single('limit-enable', app.bits([true, true]), true),
    single('time-delay', app.unsigned(options.timeDelay ?? 0), true),
    single('notification-class', app.unsigned(options.notificationClass), true),
    single('event-enable', app.bits([true, true, true]), true),
    single('acked-transitions', app.bits([true, true, true])),
    single('notify-type', app.enumerated(0), true),
    { id: 'event-time-stamps', shape: 'array', items: Array.from({ length: 3 }, () => [neverStamp()]) },
  ];
}

/** A BACnetTimeStamp of no moment. */
function neverStamp(): Element {
  return within(2, app.anyDate(), { kind: 'application', tag: 11, octets: Buffer.alloc(4, 0xff) });
}

/** `recipients`: BACnetDestination values, flat. */
export function notificationClass(instance: number, name: string, recipients: Items = []): SimulatedObject {
  return new SimulatedObject({ type: OBJECT_TYPE['notification-class'], instance }, name, [
    single('notification-class', app.unsigned(instance)),
    {
      id: 'priority',
      shape: 'array',
      items: [[app.unsigned(64)], [app.unsigned(128)], [app.unsigned(200)]],
      writable: true,
    },
    single('ack-required', app.bits([true, true, false]), true),
    { id: 'recipient-list', shape: 'list', items: recipients, writable: true },
  ]);
}

/** A reference to a property, here or in another device. */
interface Reference {
  readonly object: ObjectText;
  readonly property?: PropertyName;
  readonly device?: number;
}

/** BACnetDeviceObjectPropertyReference, its members in order. */
export function referenceElements(reference: Reference): readonly Element[] {
  const device = reference.device;
  return [
    ctx.object(0, objectRef(reference.object)),
    ctx.unsigned(1, PROPERTY[reference.property ?? 'present-value']),
    ...(device === undefined ? [] : [ctx.object(3, { type: OBJECT_TYPE.device, instance: device })]),
  ];
}

/** `week`: for each day, Monday first, pairs of minutes since midnight and value. */
export function schedule(
  instance: number,
  name: string,
  options: {
    readonly week: readonly (readonly (readonly [minute: number, value: number])[])[];
    readonly otherwise: number;
    readonly moves: readonly Reference[];
    readonly priority: number;
  },
): SimulatedObject {
  const day = (pairs: readonly (readonly [number, number])[]): readonly Element[] => [
    within(
      0,
      ...pairs.flatMap(([minute, value]) => [app.timeOfDay(Math.floor(minute / 60), minute % 60), app.real(value)]),
    ),
  ];
  return new SimulatedObject({ type: OBJECT_TYPE.schedule, instance }, name, [
    single('present-value', app.real(options.otherwise)),
    single('description', app.text(name), true),
    { id: 'effective-period', items: [[app.anyDate(), app.anyDate()]], writable: true },
    { id: 'weekly-schedule', shape: 'array', items: options.week.map(day), writable: true },
    { id: 'exception-schedule', shape: 'array', items: [], writable: true },
    single('schedule-default', app.real(options.otherwise), true),
    {
      id: 'list-of-object-property-references',
      shape: 'list',
      items: options.moves.map(referenceElements),
      writable: true,
    },
    single('priority-for-writing', app.unsigned(options.priority), true),
    single('status-flags', app.bits([false, false, false, false])),
    single('reliability', app.enumerated(0)),
    single('out-of-service', app.boolean(false), true),
  ]);
}

export function channel(
  instance: number,
  name: string,
  options: { readonly number: number; readonly groups: readonly number[]; readonly members: readonly Reference[] },
): SimulatedObject {
  return new SimulatedObject({ type: OBJECT_TYPE.channel, instance }, name, [
    { id: 'present-value', items: [[app.null()]], writable: true },
    single('last-priority', app.unsigned(16)),
    single('write-status', app.enumerated(0)),
    single('status-flags', app.bits([false, false, false, false])),
    single('out-of-service', app.boolean(false), true),
    {
      id: 'list-of-object-property-references',
      shape: 'array',
      items: options.members.map(referenceElements),
      writable: true,
    },
    single('channel-number', app.unsigned(options.number), true),
    {
      id: 'control-groups',
      shape: 'array',
      items: options.groups.map((group) => [app.unsigned(group)]),
      writable: true,
    },
  ]);
}

/** One write of a command's action. */
interface ActionStep extends Reference {
  readonly value: Element;
  readonly priority: number;
}

export function command(instance: number, name: string, actions: readonly (readonly ActionStep[])[]): SimulatedObject {
  const step = (one: ActionStep): readonly Element[] => [
    ...(one.device === undefined ? [] : [ctx.object(0, { type: OBJECT_TYPE.device, instance: one.device })]),
    ctx.object(1, objectRef(one.object)),
    ctx.unsigned(2, PROPERTY[one.property ?? 'present-value']),
    within(4, one.value),
    ctx.unsigned(5, one.priority),
    ctx.boolean(7, false),
    ctx.boolean(8, false),
  ];
  return new SimulatedObject({ type: OBJECT_TYPE.command, instance }, name, [
    single('present-value', app.unsigned(0), true),
    single('in-process', app.boolean(false)),
    single('all-writes-successful', app.boolean(true)),
    {
      id: 'action',
      shape: 'array',
      items: actions.map((steps) => [within(0, ...steps.flatMap(step))]),
      writable: true,
    },
  ]);
}

/** A proportional loop from a measured value and a set point to an output of the same device. */
export function loop(
  instance: number,
  name: string,
  options: {
    readonly measured: ObjectText;
    readonly setpoint: ObjectText;
    readonly output: ObjectText;
    readonly gain: number;
  },
): SimulatedObject {
  const reference = (object: ObjectText): Items => [referenceElements({ object })];
  return new SimulatedObject({ type: OBJECT_TYPE.loop, instance }, name, [
    single('present-value', app.real(0)),
    single('description', app.text(name), true),
    single('status-flags', app.bits([false, false, false, false])),
    single('event-state', app.enumerated(0)),
    single('out-of-service', app.boolean(false), true),
    { id: 'controlled-variable-reference', items: reference(options.measured), writable: true },
    {
      id: 'setpoint-reference',
      items: [[within(0, ...referenceElements({ object: options.setpoint }))]],
      writable: true,
    },
    { id: 'manipulated-variable-reference', items: reference(options.output), writable: true },
    single('setpoint', app.real(0)),
    single('action', app.enumerated(0), true),
    single('proportional-constant', app.real(options.gain), true),
    single('priority-for-writing', app.unsigned(12), true),
  ]);
}

export function trendLog(
  instance: number,
  name: string,
  options: { readonly of: Reference; readonly intervalMs: number; readonly size: number },
): SimulatedObject {
  return new SimulatedObject({ type: OBJECT_TYPE['trend-log'], instance }, name, [
    single('description', app.text(name), true),
    single('enable', app.boolean(true), true),
    single('stop-when-full', app.boolean(false), true),
    single('buffer-size', app.unsigned(options.size), true),
    { id: 'log-buffer', shape: 'list', items: [] },
    single('record-count', app.unsigned(0), true),
    single('total-record-count', app.unsigned(0)),
    { id: 'log-device-object-property', items: [referenceElements(options.of)], writable: true },
    single('logging-type', app.enumerated(0), true),
    single('log-interval', app.unsigned(options.intervalMs / 10), true),
    single('event-state', app.enumerated(0)),
    single('status-flags', app.bits([false, false, false, false])),
  ]);
}

export function lifeSafetyPoint(instance: number, name: string): SimulatedObject {
  return new SimulatedObject({ type: OBJECT_TYPE['life-safety-point'], instance }, name, [
    single('present-value', app.enumerated(0)),
    single('tracking-value', app.enumerated(0)),
    single('description', app.text(name), true),
    single('status-flags', app.bits([false, false, false, false])),
    single('event-state', app.enumerated(0)),
    single('reliability', app.enumerated(0)),
    single('out-of-service', app.boolean(false), true),
    single('mode', app.enumerated(1), true),
    { id: 'accepted-modes', shape: 'list', items: [[app.enumerated(0)], [app.enumerated(1)], [app.enumerated(2)]] },
    single('silenced', app.enumerated(0)),
    single('operation-expected', app.enumerated(0)),
  ]);
}

export function fileObject(instance: number, name: string, type: string, access: 'stream' | 'record'): SimulatedObject {
  return new SimulatedObject({ type: OBJECT_TYPE.file, instance }, name, [
    single('description', app.text(name), true),
    single('file-type', app.text(type)),
    single('file-size', app.unsigned(0), true),
    {
      id: 'modification-date',
      items: [[app.anyDate(), { kind: 'application', tag: 11, octets: Buffer.alloc(4, 0xff) }]],
    },
    single('archive', app.boolean(false), true),
    single('read-only', app.boolean(false)),
    single('file-access-method', app.enumerated(access === 'record' ? 0 : 1)),
  ]);
}

/** Properties beyond those every type must have, for ReadPropertyMultiple's OPTIONAL. */
const OPTIONAL = new Set<number>(
  (
    [
      'description',
      'min-pres-value',
      'max-pres-value',
      'cov-increment',
      'time-delay',
      'high-limit',
      'low-limit',
      'deadband',
      'limit-enable',
      'event-enable',
      'acked-transitions',
      'notify-type',
      'event-time-stamps',
      'active-text',
      'inactive-text',
      'state-text',
      'location',
      'local-date',
      'local-time',
      'utc-offset',
      'configuration-files',
      'backup-failure-timeout',
      'last-restore-time',
      'active-cov-subscriptions',
      'last-restart-reason',
      'time-of-device-restart',
      'max-segments-accepted',
      'restart-notification-recipients',
      'time-synchronization-recipients',
      'apdu-segment-timeout',
      'weekly-schedule',
      'exception-schedule',
      'log-device-object-property',
      'log-interval',
      'proportional-constant',
      'backup-and-restore-state',
    ] as const
  ).map((name) => PROPERTY[name]),
);
const COMMAND_PROPERTIES: readonly number[] = [PROPERTY['priority-array'], PROPERTY['relinquish-default']];

/** Whether the standard leaves it to the maker that an object of this type has the property. */
export function isOptional(object: ObjectRef, property: number): boolean {
  if (OPTIONAL.has(property)) return true;
  if (property === PROPERTY['notification-class']) return object.type !== OBJECT_TYPE['notification-class'];
  const output: readonly number[] = [
    OBJECT_TYPE['analog-output'],
    OBJECT_TYPE['binary-output'],
    OBJECT_TYPE['multi-state-output'],
  ];
  return COMMAND_PROPERTIES.includes(property) && !output.includes(object.type);
}
