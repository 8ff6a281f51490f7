// Clause 13: intrinsic out-of-range reporting, notifications to the recipients of a notification class, acknowledgement, summaries.

import type { DeviceState, Service } from './device-state.ts';
import { type ConstructedElement, type Element, encodeElements, sameElements } from './elements.ts';
import { RejectFault, ServiceFault } from './faults.ts';
import { type Endpoint, endpointOf, macOf } from './framing.ts';
import { CONFIRMED, OBJECT_TYPE, PROPERTY, UNCONFIRMED } from './names.ts';
import type { PropertyChange, SimulatedObject } from './object.ts';
import type { Peer } from './peer.ts';
import { app, ctx, decoded, numberOf, TAG, within } from './values.ts';

const NORMAL = 0;
const FAULT = 1;
const HIGH_LIMIT = 3;
const LOW_LIMIT = 4;
const OUT_OF_RANGE = 5;
const ACK_NOTIFICATION = 2;

/** Index of a state's transition in every three-fold property: to-offnormal, to-fault, to-normal. */
function transitionOf(state: number): 0 | 1 | 2 {
  if (state === NORMAL) return 2;
  return state === FAULT ? 1 : 0;
}

interface Due {
  readonly state: number;
  left: number;
}

/** Watches the objects of one device that report out-of-range. */
export class AlarmWatch {
  readonly #state: DeviceState;
  readonly #due = new Map<SimulatedObject, Due>();

  constructor(state: DeviceState) {
    this.#state = state;
    state.watchers.push((change) => this.#changed(change));
  }

  /** Lets time delays pass. */
  advance(seconds: number): void {
    for (const [object, due] of this.#due) {
      due.left -= seconds;
      if (due.left <= 0) this.#enter(object, due.state);
    }
  }

  #changed({ object, property }: PropertyChange): void {
    const moves: readonly number[] = [
      PROPERTY['present-value'],
      PROPERTY['high-limit'],
      PROPERTY['low-limit'],
      PROPERTY.deadband,
      PROPERTY['limit-enable'],
    ];
    if (!moves.includes(property) || !object.has('high-limit')) return;
    const wanted = wantedState(object);
    if (wanted === (object.number('event-state') ?? NORMAL)) this.#due.delete(object);
    else if (this.#due.get(object)?.state !== wanted) {
      const delay = object.number('time-delay') ?? 0;
      if (delay === 0) this.#enter(object, wanted);
      else this.#due.set(object, { state: wanted, left: delay });
    }
  }

  #enter(object: SimulatedObject, to: number): void {
    this.#due.delete(object);
    const from = object.number('event-state') ?? NORMAL;
    const transition = transitionOf(to);
    const stamp = within(2, app.date(this.#state.now()), app.time(this.#state.now()));
    const ackRequired = classOf(this.#state, object)?.bits('ack-required')[transition] ?? false;
    object.set('event-state', [app.enumerated(to)]);
    object.set('status-flags', [app.bits([to !== NORMAL, false, false, object.number('out-of-service') === 1])]);
    const stamps = object.items('event-time-stamps').map((one, at) => (at === transition ? [stamp] : one));
    object.set('event-time-stamps', ...stamps);
    const acked = object.bits('acked-transitions').map((one, at) => (at === transition ? !ackRequired : one));
    object.set('acked-transitions', [app.bits(acked)]);
    if (object.bits('event-enable')[transition] !== true) return;
    const limit = object.value(to === LOW_LIMIT || from === LOW_LIMIT ? 'low-limit' : 'high-limit')[0];
    const values = within(
      OUT_OF_RANGE,
      ctx.real(0, object.number('present-value') ?? 0),
      ctx.bits(1, object.bits('status-flags')),
      ctx.real(2, object.number('deadband') ?? 0),
      ctx.real(3, numberOf(limit) ?? 0),
    );
    const tail = [ctx.boolean(9, ackRequired), ctx.unsigned(10, from), ctx.unsigned(11, to), within(12, values)];
    notify(this.#state, object, { transition, to, stamp, notifyType: object.number('notify-type') ?? 0, tail });
  }
}

function wantedState(object: SimulatedObject): number {
  const value = object.number('present-value') ?? 0;
  const deadband = object.number('deadband') ?? 0;
  const [lowEnabled = false, highEnabled = false] = object.bits('limit-enable');
  const state = object.number('event-state') ?? NORMAL;
  const high = (object.number('high-limit') ?? Number.POSITIVE_INFINITY) - (state === HIGH_LIMIT ? deadband : 0);
  const low = (object.number('low-limit') ?? Number.NEGATIVE_INFINITY) + (state === LOW_LIMIT ? deadband : 0);
  if (highEnabled && value > high) return HIGH_LIMIT;
  if (lowEnabled && value < low) return LOW_LIMIT;
  return NORMAL;
}

function classOf(state: DeviceState, object: SimulatedObject): SimulatedObject | undefined {
  const instance = object.number('notification-class');
  return state.objects.get(`notification-class,${instance}`);
}

interface Notification {
  readonly transition: 0 | 1 | 2;
  readonly to: number;
  readonly stamp: Element;
  readonly notifyType: number;
  readonly tail: readonly Element[];
}

/** Tells every recipient of the object's notification class that wants this transition. Weekdays and hours are not looked at. */
function notify(state: DeviceState, object: SimulatedObject, event: Notification): void {
  const notificationClass = classOf(state, object);
  if (notificationClass === undefined) return;
  const priority = numberOf(notificationClass.items('priority')[event.transition]?.[0]) ?? 255;
  for (const entry of notificationClass.items('recipient-list')) {
    const recipient = recipientOf(entry);
    if (recipient?.transitions[event.transition] !== true) continue;
    const payload = encodeElements([
      ctx.unsigned(0, recipient.processId),
      ctx.object(1, state.device.ref),
      ctx.object(2, object.ref),
      within(3, event.stamp),
      ctx.unsigned(4, notificationClass.ref.instance),
      ctx.unsigned(5, priority),
      ctx.unsigned(6, OUT_OF_RANGE),
      ctx.text(7, `${object.name}: ${STATES[event.to] ?? event.to}`),
      ctx.unsigned(8, event.notifyType),
      ...event.tail,
    ]);
    const send = (peer: Peer): void => {
      if (recipient.confirmed) state.outbound.confirmed(peer, CONFIRMED['confirmed-event-notification'], payload);
      else state.outbound.unconfirmed(peer, UNCONFIRMED['unconfirmed-event-notification'], payload);
    };
    if (recipient.peer !== undefined) send(recipient.peer);
    else if (recipient.device !== undefined) state.withDevice(recipient.device, send);
    else state.outbound.unconfirmed('broadcast', UNCONFIRMED['unconfirmed-event-notification'], payload);
  }
}

const STATES: Readonly<Record<number, string>> = {
  [NORMAL]: 'back to normal',
  [HIGH_LIMIT]: 'above its high limit',
  [LOW_LIMIT]: 'below its low limit',
};

interface Recipient {
  readonly device?: number;
  /** Absent with `device`, and for a broadcast. */
  readonly peer?: Peer;
  readonly processId: number;
  readonly confirmed: boolean;
  readonly transitions: readonly boolean[];
}

/** A BACnetDestination: days, from, to, recipient, process, confirmed, transitions. */
function recipientOf(entry: readonly Element[]): Recipient | undefined {
  const [, , , recipient, processId, confirmed, transitions] = entry;
  if (recipient === undefined || transitions?.kind !== 'application') return undefined;
  const shared = {
    processId: numberOf(processId) ?? 0,
    confirmed: numberOf(confirmed) === 1,
    transitions: decoded.bits(transitions.octets),
  };
  if (recipient.kind === 'context') return { ...shared, device: decoded.object(recipient.octets).instance };
  if (recipient.kind === 'application') return undefined;
  const peer = peerOf(recipient);
  return peer === undefined ? shared : { ...shared, peer };
}

/** A BACnetAddress of this network or another; `undefined` for a broadcast. */
function peerOf(address: ConstructedElement): Peer | undefined {
  const [network, mac] = address.items;
  if (mac?.kind !== 'application' || mac.octets.length !== 6 || numberOf(network) !== 0) return undefined;
  return { endpoint: endpointOf(mac.octets) };
}

/** BACnetDestination to a device instance or an address of this network, all days and hours, all transitions. */
export function destinationOf(recipient: number | Endpoint, processId: number, confirmed: boolean): readonly Element[] {
  return [
    app.bits([true, true, true, true, true, true, true]),
    app.timeOfDay(0, 0),
    { kind: 'application', tag: TAG.time, octets: Buffer.from([23, 59, 59, 99]) },
    recipientElement(recipient),
    app.unsigned(processId),
    app.boolean(confirmed),
    app.bits([true, true, true]),
  ];
}

function recipientElement(recipient: number | Endpoint): Element {
  if (typeof recipient === 'number') return ctx.object(0, { type: OBJECT_TYPE.device, instance: recipient });
  return within(1, app.unsigned(0), app.octets(macOf(recipient)));
}

function unsettled(state: DeviceState): readonly SimulatedObject[] {
  return [...state.objects.values()].filter(
    (object) =>
      object.has('acked-transitions') &&
      ((object.number('event-state') ?? NORMAL) !== NORMAL || object.bits('acked-transitions').includes(false)),
  );
}

export const acknowledgeAlarm: Service = (state, parameters) => {
  parameters.needUnsigned(0);
  const object = state.find(parameters.needObject(1));
  const acked = parameters.needUnsigned(2);
  const stamp = parameters.needInside(3);
  const source = parameters.text(4);
  parameters.needInside(5);
  parameters.end();
  if (source === undefined) throw new RejectFault('missing-required-parameter');
  if (!object.has('acked-transitions')) throw new ServiceFault('no-alarm-configured');
  const transition = transitionOf(acked);
  const known = object.items('event-time-stamps')[transition] ?? [];
  if (!sameElements(known, stamp)) throw new ServiceFault('invalid-time-stamp');
  const bits = object.bits('acked-transitions').map((one, at) => one || at === transition);
  object.set('acked-transitions', [app.bits(bits)]);
  const own = within(2, app.date(state.now()), app.time(state.now()));
  notify(state, object, {
    transition,
    to: acked,
    stamp: own,
    notifyType: ACK_NOTIFICATION,
    tail: [ctx.unsigned(11, acked)],
  });
  return undefined;
};

export const getAlarmSummary: Service = (state, parameters) => {
  parameters.end();
  const inAlarm = unsettled(state).filter((object) => (object.number('event-state') ?? NORMAL) !== NORMAL);
  return encodeElements(
    inAlarm.flatMap((object) => [
      app.object(object.ref),
      app.enumerated(object.number('event-state') ?? NORMAL),
      app.bits(object.bits('acked-transitions')),
    ]),
  );
};

/** Only the acknowledgment filter is looked at: all, acknowledged, not acknowledged. */
export const getEnrollmentSummary: Service = (state, parameters) => {
  const filter = parameters.needUnsigned(0);
  if (filter > 2) throw new RejectFault('undefined-enumeration');
  const objects = [...state.objects.values()].filter((object) => object.has('acked-transitions'));
  const chosen = objects.filter((object) => {
    const pending = object.bits('acked-transitions').includes(false);
    return filter === 0 || (filter === 1) === !pending;
  });
  return encodeElements(
    chosen.flatMap((object) => [
      app.object(object.ref),
      app.enumerated(OUT_OF_RANGE),
      app.enumerated(object.number('event-state') ?? NORMAL),
      app.unsigned(numberOf(classOf(state, object)?.items('priority')[0]?.[0]) ?? 255),
      app.unsigned(object.number('notification-class') ?? 0),
    ]),
  );
};

const EVENTS_AT_ONCE = 10;

export const getEventInformation: Service = (state, parameters) => {
  const last = parameters.object(0);
  parameters.end();
  const all = unsettled(state);
  const after =
    last === undefined ? 0 : all.findIndex((object) => object.key === state.objects.get(state.find(last).key)?.key) + 1;
  const given = all.slice(after, after + EVENTS_AT_ONCE);
  const summaries = given.flatMap((object) => [
    ctx.object(0, object.ref),
    ctx.unsigned(1, object.number('event-state') ?? NORMAL),
    ctx.bits(2, object.bits('acked-transitions')),
    within(3, ...object.items('event-time-stamps').flat()),
    ctx.unsigned(4, object.number('notify-type') ?? 0),
    ctx.bits(5, object.bits('event-enable')),
    within(
      6,
      ...(
        classOf(state, object)?.items('priority') ?? [[app.unsigned(255)], [app.unsigned(255)], [app.unsigned(255)]]
      ).flat(),
    ),
  ]);
  return encodeElements([within(0, ...summaries), ctx.boolean(1, after + given.length < all.length)]);
};
