// SubscribeCOV ─► the gateway, which holds the subscription on the client's behalf; notifications ─► who may read.
// 1. A notification goes only to who may read what it tells, looked at each time. 2. Subscriptions end with their time, with the
// right, with the session, with the device. 3. Bounded for each station and in all. 4. A device is believed only by the process
// identifier the gateway gave it, from its own MAC.

import { type Callers, isNorth, type Station, stationKey, turnKey } from './callers.ts';
import {
  confirmedOf,
  isOf,
  isSame,
  type NotificationParameters,
  referencesOf,
  type SubscribeRequest,
  speaksOfItself,
  toldIn,
  type UnconfirmedNotification,
} from './cov-notification.ts';
import { SouthSubscription, type Watcher } from './cov-south.ts';
import { Subscriber } from './cov-subscriber.ts';
import type { Lists } from './lists.ts';
import { type AccessServices, ReadAccess } from './read-access.ts';
import { errorAnswer, lostAnswer, NO_SPACE, refusalOf, type VisibleAnswer } from './refuse.ts';
import type { RoadParts } from './road-services.ts';
import type { IncomingRequest, PlantDevice } from './seam.ts';
import { ShownLists } from './shown-lists.ts';
import { encodeConfirmedRequest } from './wire/confirmed-service.ts';
import type { ObjectPropertyReference } from './wire/constructed.ts';
import { REJECT_REASONS } from './wire/names/reject-reason.ts';
import type { ObjectIdentifier } from './wire/primitive-content.ts';

const MOST_SUBSCRIPTIONS = 8192;
const MOST_OF_ONE_STATION = 1024;
/** Of the gateway's own: what a device can keep is kept for tools. */
const MOST_WATCHED = 2048;
const MOST_WATCHED_OF_ONE_DEVICE = 32;
const FIRST_PROCESS = 0x4741_0000;

export class Subscriptions {
  readonly #parts: RoadParts;
  readonly #callers: Callers;
  readonly #judging: AccessServices;
  readonly #shown: ShownLists;
  readonly #south = new Map<string, SouthSubscription>();
  readonly #byProcess = new Map<number, SouthSubscription>();
  readonly #ofStation = new Map<string, number>();
  #count = 0;
  #lastProcess = FIRST_PROCESS;

  constructor(parts: RoadParts, callers: Callers, lists: Lists) {
    this.#parts = parts;
    this.#callers = callers;
    this.#judging = { gate: parts.gate, lists, index: parts.index };
    this.#shown = new ShownLists(lists, parts.counted);
  }

  get size(): number {
    return this.#count;
  }

  async subscribe({ from, to }: IncomingRequest, request: SubscribeRequest): Promise<VisibleAnswer> {
    const { issueConfirmedNotifications, lifetime, subscriberProcessIdentifier: process } = request.parameters;
    const southKey = southKeyOf(from, to, request);
    const key = `${stationKey(from)} ${process}`;
    if (issueConfirmedNotifications === undefined) {
      // 13.14.1: both absent is a cancellation, and one that finds nothing succeeds.
      if (lifetime !== undefined) return { kind: 'reject', reason: REJECT_REASONS['missing-required-parameter'] };
      const south = this.#south.get(southKey);
      if (south !== undefined) this.#leave(south, key);
      return { kind: 'simple-ack' };
    }
    const references = referencesOf(request);
    await this.#learn(from, to, references);
    const denied = this.#firstDenied(from, to, references);
    if (denied !== undefined) return this.#deny(from, request, denied);
    const known = this.#south.get(southKey);
    const isRenewal = known?.subscribers.has(key) === true;
    const isFull =
      this.#count >= MOST_SUBSCRIPTIONS || (this.#ofStation.get(turnKey(from)) ?? 0) >= MOST_OF_ONE_STATION;
    if (isFull && !isRenewal) return errorAnswer(request, NO_SPACE);
    const south = known ?? this.#newSouth(southKey, to, request);
    const answer = await south.begin();
    if (answer.kind !== 'simple-ack') {
      this.#forget(south);
      if (answer.kind === 'no-answer') return lostAnswer();
      return answer.kind === 'unreachable' ? lostAnswer(answer.abort) : answer;
    }
    const stillDenied = this.#firstDenied(from, to, references);
    if (stillDenied !== undefined || this.#south.get(southKey) !== south) {
      if (south.isIdle) this.#end(south);
      return this.#deny(from, request, stillDenied ?? references[0]);
    }
    this.#join(south, key, from, process, issueConfirmedNotifications, lifetime);
    return { kind: 'simple-ack' };
  }

  /** A notification of a device; false where the gateway has no such subscription there. */
  notified(from: PlantDevice, request: NotificationParameters | UnconfirmedNotification): boolean {
    const south = this.#byProcess.get(request.parameters.subscriberProcessIdentifier);
    if (south === undefined || south.device !== from || !speaksOfItself(from, request)) return false;
    const notification = confirmedOf(request);
    if (!isOf(south.request, notification)) return false;
    south.last = notification;
    this.#parts.counted.cov_notifications += 1;
    for (const [key, subscriber] of [...south.subscribers]) this.#tellOnceKnown(south, key, subscriber, notification);
    for (const watcher of south.watchers) watcher.heard(notification);
    return true;
  }

  /** For the gateway itself; `undefined` where the device does not take it, or too much is watched. */
  async watch(device: PlantDevice, object: ObjectIdentifier, watcher: Watcher): Promise<(() => void) | undefined> {
    const watched = [...this.#south.values()].filter(({ watchers }) => watchers.size > 0);
    const here = watched.filter((south) => south.device === device).length;
    if (watched.length >= MOST_WATCHED || here >= MOST_WATCHED_OF_ONE_DEVICE) return undefined;
    const request = {
      service: 'subscribe-cov',
      parameters: { subscriberProcessIdentifier: 0, monitoredObjectIdentifier: object },
    } as const;
    const key = southKeyOf(device, device, request);
    const south = this.#south.get(key) ?? this.#newSouth(key, device, request);
    // Beforehand: the first value may come before the acknowledgement has been heard.
    south.watchers.add(watcher);
    const { last } = south;
    const answer = await south.begin();
    if (answer.kind !== 'simple-ack' || this.#south.get(key) !== south) {
      south.watchers.delete(watcher);
      if (south.isIdle) this.#forget(south);
      return undefined;
    }
    if (last !== undefined && south.last === last) watcher.heard(last);
    return () => {
      if (south.watchers.delete(watcher) && south.isIdle) this.#end(south);
    };
  }

  /** What the gateway watches means something else from now on. */
  endWatches(): void {
    for (const south of [...this.#south.values()]) {
      this.#unwatch(south);
      if (south.isIdle) this.#end(south);
    }
  }

  /** Changes of value that a device tells of its own: to stations that may read everything in it. */
  passOn(from: PlantDevice, stations: readonly Station[], request: UnconfirmedNotification): void {
    if (!speaksOfItself(from, request)) return;
    const told = toldIn(confirmedOf(request));
    for (const station of stations) {
      if (this.#firstDenied(station, from, told) !== undefined) this.#parts.counted.cov_withheld += 1;
      else if (isNorth(station)) this.#parts.north.unconfirmed(station, from, request);
      else this.#parts.plant.unconfirmed(station, request, from);
    }
  }

  /** Rights, sessions or the inventory changed: who may not read any more hears nothing more. */
  lookAgain(): void {
    for (const south of [...this.#south.values()]) {
      // Of a device that is gone nobody can tell who may read it; nothing comes from it either.
      if (south.device.instance === undefined) continue;
      const references = referencesOf(south.request);
      for (const [key, subscriber] of [...south.subscribers]) {
        const { station } = subscriber;
        const look = (): void => {
          if (south.subscribers.get(key) !== subscriber) return;
          const mayRead = this.#firstDenied(station, south.device, references) === undefined;
          if (!mayRead || !this.#stands(subscriber)) this.#leave(south, key);
        };
        const learning = this.#learn(station, south.device, references);
        if (learning === undefined) look();
        else void learning.then(look);
      }
    }
  }

  /** It may have forgotten, or be another device now; while it is gone, nothing it says is believed. */
  deviceChanged(device: PlantDevice): void {
    for (const south of [...this.#south.values()]) {
      if (south.device !== device || device.instance === undefined) continue;
      if (device.instance === south.instance) {
        south.renew();
        continue;
      }
      for (const key of [...south.subscribers.keys()]) this.#remove(south, key);
      this.#unwatch(south);
      this.#forget(south);
    }
  }

  stop(): void {
    for (const south of this.#south.values()) south.drop();
    this.#south.clear();
    this.#byProcess.clear();
  }

  #deny(from: Station, request: SubscribeRequest, denied: ObjectPropertyReference | undefined): VisibleAnswer {
    this.#parts.counted.reads_refused += 1;
    this.#parts.gate.countDeniedReads(this.#callers.callerOf(from), 1);
    return refusalOf(request, 'no-permission', (reference) => isSame(reference, denied));
  }

  #firstDenied(
    station: Station,
    device: PlantDevice,
    references: readonly ObjectPropertyReference[],
  ): ObjectPropertyReference | undefined {
    const access = this.#access(station);
    return references.find(
      ({ objectIdentifier, propertyIdentifier, propertyArrayIndex }) =>
        !access.reads(device, objectIdentifier, propertyIdentifier, propertyArrayIndex),
    );
  }

  #stands({ station, principal, endsAt, isLost }: Subscriber): boolean {
    if (isLost || endsAt <= this.#parts.clock.monotonic()) return false;
    // Whoever works from the address now has not subscribed.
    return this.#callers.callerOf(station).principal === principal;
  }

  #newSouth(key: string, device: PlantDevice, request: SubscribeRequest): SouthSubscription {
    this.#lastProcess += 1;
    const south = new SouthSubscription(key, device, this.#lastProcess, request, {
      plant: this.#parts.plant,
      timers: this.#parts.timers,
      wanted: (subscription) => this.#sweep(subscription),
    });
    this.#south.set(key, south);
    this.#byProcess.set(south.process, south);
    return south;
  }

  #join(
    south: SouthSubscription,
    key: string,
    station: Station,
    process: number,
    confirmed: boolean,
    lifetime: number | undefined,
  ): void {
    const { clock, north, plant, timers } = this.#parts;
    const now = clock.monotonic();
    this.#remove(south, key);
    const { principal } = this.#callers.callerOf(station);
    const endsAt = lifetime === undefined || lifetime === 0 ? Number.POSITIVE_INFINITY : now + lifetime * 1000;
    const subscriber = new Subscriber({ station, process, principal, confirmed, endsAt }, { north, plant });
    south.subscribers.set(key, subscriber);
    this.#count += 1;
    this.#ofStation.set(turnKey(station), (this.#ofStation.get(turnKey(station)) ?? 0) + 1);
    const { last } = south;
    // 13.14.2: the first notification follows the acknowledgement; a device that is new to it sends one itself.
    if (last !== undefined) {
      timers.after(0, () => {
        if (south.subscribers.get(key) === subscriber && south.last === last) this.#tell(south, key, subscriber, last);
      });
    }
  }

  #tell(south: SouthSubscription, key: string, subscriber: Subscriber, notification: NotificationParameters): void {
    if (!this.#stands(subscriber)) {
      this.#leave(south, key);
      return;
    }
    if (this.#firstDenied(subscriber.station, south.device, toldIn(notification)) !== undefined) {
      this.#parts.counted.cov_withheld += 1;
      return;
    }
    subscriber.tell(south.device, notification, this.#parts.clock.monotonic());
  }

  /** Whose values it tells may have to be read first; where that fails nobody is told. */
  #tellOnceKnown(
    south: SouthSubscription,
    key: string,
    subscriber: Subscriber,
    notification: NotificationParameters,
  ): void {
    const tell = (): void => {
      if (south.subscribers.get(key) === subscriber) this.#tell(south, key, subscriber, notification);
    };
    const learning = this.#learn(subscriber.station, south.device, toldIn(notification));
    if (learning === undefined) tell();
    else void learning.then(tell);
  }

  #learn(
    station: Station,
    device: PlantDevice,
    references: readonly ObjectPropertyReference[],
  ): Promise<void> | undefined {
    return this.#shown.learn(device, references, () => this.#access(station));
  }

  #access(station: Station): ReadAccess {
    return new ReadAccess(this.#judging, this.#callers.callerOf(station));
  }

  #sweep(south: SouthSubscription): boolean {
    for (const [key, subscriber] of [...south.subscribers]) if (!this.#stands(subscriber)) this.#leave(south, key);
    return this.#south.get(south.key) === south;
  }

  #leave(south: SouthSubscription, key: string): void {
    this.#remove(south, key);
    if (south.isIdle) this.#end(south);
  }

  #unwatch({ watchers }: SouthSubscription): void {
    const all = [...watchers];
    watchers.clear();
    for (const watcher of all) watcher.ended();
  }

  #remove(south: SouthSubscription, key: string): void {
    const subscriber = south.subscribers.get(key);
    if (subscriber === undefined) return;
    south.subscribers.delete(key);
    this.#count -= 1;
    const station = turnKey(subscriber.station);
    const left = (this.#ofStation.get(station) ?? 1) - 1;
    if (left > 0) this.#ofStation.set(station, left);
    else this.#ofStation.delete(station);
  }

  #end(south: SouthSubscription): void {
    if (this.#south.get(south.key) !== south) return;
    this.#south.delete(south.key);
    this.#byProcess.delete(south.process);
    south.end();
  }

  #forget(south: SouthSubscription): void {
    if (this.#south.get(south.key) !== south) return;
    this.#south.delete(south.key);
    this.#byProcess.delete(south.process);
    south.drop();
  }
}

/** What is subscribed to: the same text is one subscription at the device. Lists of properties are not shared. */
function southKeyOf(from: Station, device: PlantDevice, request: SubscribeRequest): string {
  const place = stationKey(device);
  switch (request.service) {
    case 'subscribe-cov': {
      const { type, instance } = request.parameters.monitoredObjectIdentifier;
      return `${place} ${type},${instance}`;
    }
    case 'subscribe-cov-property': {
      const { monitoredObjectIdentifier: object, monitoredPropertyIdentifier: property } = request.parameters;
      const { covIncrement = '' } = request.parameters;
      const element = property.propertyArrayIndex ?? '';
      return `${place} ${object.type},${object.instance} ${property.propertyIdentifier} ${element} ${covIncrement}`;
    }
    case 'subscribe-cov-property-multiple': {
      const { listOfCovSubscriptionSpecifications, subscriberProcessIdentifier } = request.parameters;
      const { service } = encodeConfirmedRequest({
        service: request.service,
        parameters: { subscriberProcessIdentifier, listOfCovSubscriptionSpecifications },
      });
      return `${place} ${stationKey(from)} ${Buffer.from(service).toString('hex')}`;
    }
  }
}
