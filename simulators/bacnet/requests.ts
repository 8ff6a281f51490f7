// The octets of the services a technician's tool asks for, built without looking at whether they make sense.

import { type Element, encodeElements } from './elements.ts';
import { CONFIRMED, type ObjectText, objectRef, PROPERTY, type PropertyName, UNCONFIRMED } from './names.ts';
import { app, ctx, octetsOf, within } from './values.ts';

/** A confirmed or unconfirmed service: its choice and its octets. */
export interface ServiceRequest {
  readonly service: number;
  readonly payload: Buffer;
}

export interface PropertySpecification {
  readonly object: ObjectText;
  /** Default present-value. */
  readonly property?: PropertyName | number;
  readonly index?: number;
}

export interface WriteSpecification extends PropertySpecification {
  readonly value: readonly Element[];
  readonly priority?: number;
}

function numbered(property: PropertyName | number | undefined): number {
  return typeof property === 'number' ? property : PROPERTY[property ?? 'present-value'];
}

function of(service: keyof typeof CONFIRMED, ...items: readonly Element[]): ServiceRequest {
  return { service: CONFIRMED[service], payload: encodeElements(items) };
}

function tell(service: keyof typeof UNCONFIRMED, ...items: readonly Element[]): ServiceRequest {
  return { service: UNCONFIRMED[service], payload: encodeElements(items) };
}

function optional<T>(value: T | undefined, element: (value: T) => Element): readonly Element[] {
  return value === undefined ? [] : [element(value)];
}

function property(one: PropertySpecification): readonly Element[] {
  return [
    ctx.object(0, objectRef(one.object)),
    ctx.unsigned(1, numbered(one.property)),
    ...optional(one.index, (index) => ctx.unsigned(2, index)),
  ];
}

/** Neighbours of one object go into one specification, as tools send them. */
function byObject<T extends PropertySpecification>(
  all: readonly T[],
  inner: (one: T) => readonly Element[],
): readonly Element[] {
  const groups: { readonly object: ObjectText; readonly items: Element[] }[] = [];
  for (const one of all) {
    const last = groups.at(-1);
    if (last?.object === one.object) last.items.push(...inner(one));
    else groups.push({ object: one.object, items: [...inner(one)] });
  }
  return groups.flatMap(({ object, items }) => [ctx.object(0, objectRef(object)), within(1, ...items)]);
}

const references = (one: PropertySpecification): readonly Element[] => [
  ctx.unsigned(0, numbered(one.property)),
  ...optional(one.index, (index) => ctx.unsigned(1, index)),
];

/** What confirmed services are asked with. */
export const ask = {
  readProperty: (one: PropertySpecification): ServiceRequest => of('read-property', ...property(one)),
  readPropertyMultiple: (all: readonly PropertySpecification[]): ServiceRequest =>
    of('read-property-multiple', ...byObject(all, references)),
  writeProperty: (one: WriteSpecification): ServiceRequest =>
    of(
      'write-property',
      ...property(one),
      within(3, ...one.value),
      ...optional(one.priority, (priority) => ctx.unsigned(4, priority)),
    ),
  writePropertyMultiple: (all: readonly WriteSpecification[]): ServiceRequest =>
    of(
      'write-property-multiple',
      ...byObject(all, (one) => [
        ...references(one),
        within(2, ...one.value),
        ...optional(one.priority, (priority) => ctx.unsigned(3, priority)),
      ]),
    ),
  /** `lifetime` in seconds; both absent cancels. */
  subscribeCov: (processId: number, object: ObjectText, confirmed?: boolean, lifetime?: number): ServiceRequest =>
    of(
      'subscribe-cov',
      ctx.unsigned(0, processId),
      ctx.object(1, objectRef(object)),
      ...optional(confirmed, (value) => ctx.boolean(2, value)),
      ...optional(lifetime, (value) => ctx.unsigned(3, value)),
    ),
  subscribeCovProperty: (
    processId: number,
    one: PropertySpecification,
    confirmed?: boolean,
    lifetime?: number,
    increment?: number,
  ): ServiceRequest =>
    of(
      'subscribe-cov-property',
      ctx.unsigned(0, processId),
      ctx.object(1, objectRef(one.object)),
      ...optional(confirmed, (value) => ctx.boolean(2, value)),
      ...optional(lifetime, (value) => ctx.unsigned(3, value)),
      within(4, ...references(one)),
      ...optional(increment, (value) => ctx.real(5, value)),
    ),
  /** `range`: the whole list where absent. A position and a sequence number begin at 1; a negative count goes back. */
  readRange: (
    one: PropertySpecification,
    range?:
      | {
          readonly by: 'position' | 'sequence';
          readonly from: number;
          readonly count: number;
        }
      | { readonly by: 'time'; readonly from: Date; readonly count: number },
  ): ServiceRequest => {
    const part =
      range === undefined
        ? []
        : range.by === 'time'
          ? [within(7, app.date(range.from), app.time(range.from), app.signed(range.count))]
          : [within(range.by === 'position' ? 3 : 6, app.unsigned(range.from), app.signed(range.count))];
    return of('read-range', ...property(one), ...part);
  },
  readFile: (file: number, start: number, count: number, access: 'stream' | 'record' = 'stream'): ServiceRequest =>
    of(
      'atomic-read-file',
      app.object(objectRef(`file,${file}`)),
      within(access === 'stream' ? 0 : 1, app.signed(start), app.unsigned(count)),
    ),
  /** `start` -1 appends. */
  writeFile: (file: number, start: number, data: Buffer): ServiceRequest =>
    of('atomic-write-file', app.object(objectRef(`file,${file}`)), within(0, app.signed(start), app.octets(data))),
  writeRecords: (file: number, start: number, records: readonly Buffer[]): ServiceRequest =>
    of(
      'atomic-write-file',
      app.object(objectRef(`file,${file}`)),
      within(1, app.signed(start), app.unsigned(records.length), ...records.map(app.octets)),
    ),
  addListElement: (one: PropertySpecification, elements: readonly Element[]): ServiceRequest =>
    of('add-list-element', ...property(one), within(3, ...elements)),
  removeListElement: (one: PropertySpecification, elements: readonly Element[]): ServiceRequest =>
    of('remove-list-element', ...property(one), within(3, ...elements)),
  /** An object by its identifier, or the next free one of a type's number. */
  createObject: (object: ObjectText | number, values: readonly WriteSpecification[] = []): ServiceRequest =>
    of(
      'create-object',
      within(0, typeof object === 'number' ? ctx.unsigned(0, object) : ctx.object(1, objectRef(object))),
      ...(values.length === 0
        ? []
        : [within(1, ...values.flatMap((one) => [...references(one), within(2, ...one.value)]))]),
    ),
  deleteObject: (object: ObjectText): ServiceRequest => of('delete-object', app.object(objectRef(object))),
  /** 0 enables, 1 disables, 2 disables initiation. */
  communicationControl: (state: number, minutes?: number, password?: string): ServiceRequest =>
    of(
      'device-communication-control',
      ...optional(minutes, (value) => ctx.unsigned(0, value)),
      ctx.unsigned(1, state),
      ...optional(password, (value) => ctx.text(2, value)),
    ),
  /** 0 cold, 1 warm, 2 and 3 backup, 4 to 6 restore, 7 activate. */
  reinitialize: (state: number, password?: string): ServiceRequest =>
    of('reinitialize-device', ctx.unsigned(0, state), ...optional(password, (value) => ctx.text(1, value))),
  /** `stamp`: the event's time stamp as the device gives it. */
  acknowledgeAlarm: (object: ObjectText, state: number, stamp: readonly Element[], source: string): ServiceRequest =>
    of(
      'acknowledge-alarm',
      ctx.unsigned(0, 1),
      ctx.object(1, objectRef(object)),
      ctx.unsigned(2, state),
      within(3, ...stamp),
      ctx.text(4, source),
      within(5, { kind: 'context', tag: 1, octets: octetsOf.unsigned(0) }),
    ),
  getAlarmSummary: (): ServiceRequest => of('get-alarm-summary'),
  getEnrollmentSummary: (): ServiceRequest => of('get-enrollment-summary', ctx.unsigned(0, 0)),
  getEventInformation: (after?: ObjectText): ServiceRequest =>
    of('get-event-information', ...optional(after, (object) => ctx.object(0, objectRef(object)))),
  lifeSafetyOperation: (operation: number, object?: ObjectText): ServiceRequest =>
    of(
      'life-safety-operation',
      ctx.unsigned(0, 1),
      ctx.text(1, 'panel'),
      ctx.unsigned(2, operation),
      ...optional(object, (value) => ctx.object(3, objectRef(value))),
    ),
  privateTransfer: (vendor: number, service: number, parameters: readonly Element[] = []): ServiceRequest =>
    of(
      'confirmed-private-transfer',
      ctx.unsigned(0, vendor),
      ctx.unsigned(1, service),
      ...(parameters.length === 0 ? [] : [within(2, ...parameters)]),
    ),
};

/** What unconfirmed services say. */
export const say = {
  whoIs: (low?: number, high = low): ServiceRequest =>
    tell(
      'who-is',
      ...optional(low, (value) => ctx.unsigned(0, value)),
      ...optional(high, (value) => ctx.unsigned(1, value)),
    ),
  whoHas: (wanted: { readonly object: ObjectText } | { readonly name: string }): ServiceRequest =>
    tell('who-has', 'object' in wanted ? ctx.object(2, objectRef(wanted.object)) : ctx.text(3, wanted.name)),
  iAm: (instance: number, maxApdu = 1476, segmentation = 0, vendor = 999): ServiceRequest =>
    tell(
      'i-am',
      app.object(objectRef(`device,${instance}`)),
      app.unsigned(maxApdu),
      app.enumerated(segmentation),
      app.unsigned(vendor),
    ),
  timeSynchronization: (at: Date, utc = false): ServiceRequest =>
    tell(utc ? 'utc-time-synchronization' : 'time-synchronization', app.date(at), app.time(at)),
  writeGroup: (
    group: number,
    priority: number,
    changes: readonly { readonly channel: number; readonly value: Element; readonly priority?: number }[],
  ): ServiceRequest =>
    tell(
      'write-group',
      ctx.unsigned(0, group),
      ctx.unsigned(1, priority),
      within(
        2,
        ...changes.flatMap((one) => [
          ctx.unsigned(0, one.channel),
          ...optional(one.priority, (value) => ctx.unsigned(1, value)),
          one.value,
        ]),
      ),
    ),
};
