// Unconfirmed requests ─► plant and back: nobody answers them, so what is refused is dropped and recorded.
// 1. Searches go on for who may see any device, and what is found goes only to who asked and may see it. 2. Whatever changes
// something is judged for every device it reaches. 3. What a station says in a device's name is refused.

import type { Permit } from '../../src/contract/gate.ts';
import type { Outcome } from '../../src/model/journal-row.ts';
import type { Alarms } from './alarms.ts';
import type { BacnetChange } from './bacnet-change.ts';
import { type Callers, isNorth, type Station, stationKey, turnKey } from './callers.ts';
import { classifyUnconfirmed, ungatedUnconfirmed } from './classify-unconfirmed.ts';
import type { Subscriptions } from './cov.ts';
import type { Lists } from './lists.ts';
import { type AccessServices, ReadAccess } from './read-access.ts';
import type { Changes } from './road-changes.ts';
import type { RoadParts } from './road-services.ts';
import type { Destination, NorthStation, PlantDevice } from './seam.ts';
import { type Finding, Searches } from './searches.ts';
import { SharedBucket } from './shared-bucket.ts';
import { PROPERTY_IDENTIFIERS } from './wire/names/property-identifier.ts';
import type { NetworkPriority } from './wire/npdu.ts';
import type { UnconfirmedRequest } from './wire/unconfirmed-service.ts';

const OBJECT_NAME = PROPERTY_IDENTIFIERS['object-name'];
const MOST_ROUNDS = 12;
const MOST_LISTS = 1024;
/** Notifications for everybody, of all devices and of one. */
const TOLD_PER_SECOND = 1000;
const TOLD_BY_ONE_PER_SECOND = 100;

export class Broadcasts {
  readonly #parts: RoadParts;
  readonly #callers: Callers;
  readonly #lists: Lists;
  readonly #judging: AccessServices;
  readonly #changes: Changes;
  readonly #alarms: Alarms;
  readonly #subscriptions: Subscriptions;
  readonly #searches: Searches;
  readonly #toAll: SharedBucket;

  constructor(
    parts: RoadParts,
    callers: Callers,
    lists: Lists,
    others: { readonly changes: Changes; readonly alarms: Alarms; readonly subscriptions: Subscriptions },
  ) {
    this.#parts = parts;
    this.#callers = callers;
    this.#lists = lists;
    this.#judging = { gate: parts.gate, lists, index: parts.index };
    this.#changes = others.changes;
    this.#alarms = others.alarms;
    this.#subscriptions = others.subscriptions;
    this.#searches = new Searches(parts.clock);
    this.#toAll = new SharedBucket(TOLD_PER_SECOND, TOLD_BY_ONE_PER_SECOND, parts.clock.monotonic());
  }

  unconfirmed(from: Station, to: Destination, request: UnconfirmedRequest, priority?: NetworkPriority): void {
    if (!isNorth(from) && this.#said(from, to, request, priority)) return;
    const reached = this.#reachedBy(from, to);
    switch (request.service) {
      case 'who-is':
      case 'who-has':
        this.#search(from, reached, request);
        return;
      case 'i-am':
        this.#stationSays(from, request);
        return;
      case 'i-have':
      case 'unconfirmed-cov-notification':
      case 'unconfirmed-cov-notification-multiple':
      case 'unconfirmed-event-notification':
        this.#drop(from, request, 'only a plant device says this');
        return;
      default:
        if (to === 'north') this.#drop(from, request, 'it is not passed on to the technicians’ side');
        else this.#change(from, reached, request);
    }
  }

  /** A plant device's unicast to one station. */
  toStation(from: PlantDevice, to: NorthStation, request: UnconfirmedRequest, priority?: NetworkPriority): void {
    switch (request.service) {
      case 'i-am':
      case 'i-have':
        this.#tell(from, [to], request);
        return;
      case 'unconfirmed-event-notification':
        this.#alarms.unconfirmed(from, to, request, priority);
        return;
      case 'unconfirmed-cov-notification':
      case 'unconfirmed-cov-notification-multiple':
        this.#subscriptions.passOn(from, [to], request);
        return;
      default:
        this.#drop(from, request, 'it is not passed on to a station');
    }
  }

  /** What a plant device says of itself; false: it asks something. */
  #said(from: PlantDevice, to: Destination, request: UnconfirmedRequest, priority?: NetworkPriority): boolean {
    switch (request.service) {
      case 'i-am':
      case 'i-have': {
        const asked = this.#searches.whoAsked(request);
        const isOwnWord = request.service === 'i-am' && asked.length === 0;
        this.#tell(from, isOwnWord ? [...this.#parts.north.stations()] : asked, request);
        return true;
      }
      case 'unconfirmed-event-notification':
        if (isDevice(to)) this.#alarms.unconfirmed(from, to, request, priority);
        else if (this.#mayTellAll(from, request)) {
          this.#alarms.unconfirmed(from, undefined, request, priority);
          for (const controller of this.#controllersAt(from, to))
            this.#alarms.unconfirmed(from, controller, request, priority);
        }
        return true;
      case 'unconfirmed-cov-notification':
      case 'unconfirmed-cov-notification-multiple':
        if (this.#subscriptions.notified(from, request)) return true;
        if (isDevice(to)) this.#subscriptions.passOn(from, [to], request);
        else if (this.#mayTellAll(from, request))
          this.#subscriptions.passOn(from, [...this.#parts.north.stations()], request);
        return true;
      default:
        // Heard on its own network: that is between the devices there.
        return to !== 'north' && !isDevice(to) && to.network === from.network;
    }
  }

  /** Who on other plant networks would have heard a broadcast there, and is an application that may see something. */
  #controllersAt(from: PlantDevice, to: Destination): PlantDevice[] {
    const reached = this.#reachedBy(from, to);
    if ('mac' in reached || reached.length === 0) return [];
    const { plant, applicationOf } = this.#parts;
    return [...plant.devices()].filter((one) => reached.includes(one.network) && applicationOf(one) !== undefined);
  }

  /** Each goes to many: a device that cannot stop must not take the gateway from the others. What is left out is in the record. */
  #mayTellAll(from: PlantDevice, request: UnconfirmedRequest): boolean {
    const { clock, counted, gate } = this.#parts;
    if (this.#toAll.take(stationKey(from), clock.monotonic())) return true;
    counted.unconfirmed_dropped += 1;
    const detail = 'it tells everybody too often';
    gate.refuse(this.#callers.callerOf(from), { operation: request.service, reason: 'rate-limited', detail });
    return false;
  }

  /** One device, or networks by name without the one it comes from. */
  #reachedBy(from: Station, to: Destination): PlantDevice | readonly string[] {
    if (to === 'north') return [];
    if (isDevice(to)) return to;
    const networks = to.network === 'all' ? Object.keys(this.#parts.section.networks) : [to.network];
    return isNorth(from) ? networks : networks.filter((name) => name !== from.network);
  }

  #access(station: Station): ReadAccess {
    return new ReadAccess(this.#judging, this.#callers.callerOf(station));
  }

  #search(
    from: Station,
    to: PlantDevice | readonly string[],
    request: Extract<UnconfirmedRequest, { service: 'who-is' | 'who-has' }>,
  ): void {
    const { plant, gate, counted, index } = this.#parts;
    const caller = this.#callers.callerOf(from);
    const reader = gate.reader(caller, 'device.view');
    const seesAny = caller.neverGated || index()?.devices.some(({ handle }) => reader.permits(handle)) === true;
    // Whom nothing would be told takes no place among those who wait to be told.
    if ((isNorth(from) && !seesAny) || !this.#searches.asked(from, request)) {
      counted.unconfirmed_dropped += 1;
      if (!seesAny) gate.countDeniedReads(caller, 1);
      return;
    }
    // A device that looks for whom to tell of its alarms must find a console.
    if (!isNorth(from) && request.service === 'who-is' && from.instance !== undefined)
      this.#parts.north.unconfirmed('broadcast', from, request);
    if (!('mac' in to) && to.length === 0) return;
    if (!seesAny) {
      counted.unconfirmed_dropped += 1;
      gate.countDeniedReads(caller, 1);
      return;
    }
    for (const place of 'mac' in to ? [to] : to) plant.unconfirmed(place, request);
  }

  #tell(from: PlantDevice, stations: readonly Station[], request: Finding): void {
    if (from.instance === undefined) return;
    const { parameters } = request;
    const device =
      request.service === 'i-am' ? request.parameters.iAmDeviceIdentifier : request.parameters.deviceIdentifier;
    if (device.instance !== from.instance) {
      this.#drop(from, request, 'it does not speak of itself');
      return;
    }
    for (const station of stations) {
      const access = this.#access(station);
      const sees =
        'objectName' in parameters ? access.reads(from, parameters.objectIdentifier, OBJECT_NAME) : access.views(from);
      if (!sees) continue;
      if (isNorth(station)) this.#parts.north.unconfirmed(station, from, request);
      else if (station !== from) this.#parts.plant.unconfirmed(station, request, from);
    }
  }

  /**
   * A console answers a device that looked for it, by its instance. The device is told that it is reached at the gateway, which
   * passes alarms on to who may see them; an instance of the plant's own is nobody else's.
   */
  #stationSays(from: Station, request: Extract<UnconfirmedRequest, { service: 'i-am' }>): void {
    const { plant, index } = this.#parts;
    const { instance } = request.parameters.iAmDeviceIdentifier;
    const isOfPlant =
      index()?.devices.some((device) => device.instance === instance) ||
      [...plant.devices()].some((device) => device.instance === instance);
    if (isOfPlant) {
      this.#drop(from, request, `instance \`${instance}\` is a plant device’s`);
      return;
    }
    const access = this.#access(from);
    for (const asker of this.#searches.whoAsked(request))
      if (!isNorth(asker) && access.seesAnyAlarms(asker)) plant.unconfirmed(asker, request);
  }

  #drop(from: Station, request: UnconfirmedRequest, detail: string): void {
    const { gate, counted } = this.#parts;
    counted.unconfirmed_dropped += 1;
    const operation = request.service === 'unknown' ? `unconfirmed service${request.choice}` : request.service;
    gate.refuse(this.#callers.callerOf(from), { operation, reason: 'unsupported', detail });
  }

  #change(from: Station, to: PlantDevice | readonly string[], request: UnconfirmedRequest): void {
    this.#judge(from, to, request).catch((fault: unknown) => {
      this.#drop(from, request, `it could not be carried: ${String(fault)}`);
    });
  }

  async #judge(from: Station, to: PlantDevice | readonly string[], request: UnconfirmedRequest): Promise<void> {
    const { gate, counted, plant } = this.#parts;
    counted.changes += 1;
    let lists = 0;
    for (let round = 0; round < MOST_ROUNDS; round += 1) {
      const caller = this.#callers.callerOf(from);
      const site = this.#changes.siteFor(caller);
      const classified = classifyUnconfirmed(request, to, site, plant.devices());
      const what =
        caller.neverGated && classified.kind === 'refused'
          ? ungatedUnconfirmed(request, to, site, plant.devices())
          : classified;
      if (what.kind !== 'change') {
        this.#drop(from, request, what.kind === 'refused' ? what.detail : 'it is not known');
        return;
      }
      const judgement = gate.judge(caller, what.change);
      if (!judgement.permitted) {
        counted.unconfirmed_dropped += 1;
        return;
      }
      if (what.needed.length === 0 || caller.neverGated) {
        this.#send(from, judgement.permit, to);
        return;
      }
      for (const need of what.needed) {
        lists += 1;
        counted.lists_read += 1;
        if (lists <= MOST_LISTS && (await this.#lists.learn(need))) continue;
        this.#drop(from, request, 'what it moves could not be read');
        return;
      }
    }
    this.#drop(from, request, 'what it moves changes all the time');
  }

  /** Alone in the lane of every device it reaches, one lane after the other in one order, so that no two wait for each other. */
  #send(from: Station, permit: Permit<BacnetChange>, to: PlantDevice | readonly string[]): void {
    const { plant, gate, counted, index, log } = this.#parts;
    const inventory = index()?.inventory;
    const { generation } = this.#lists;
    const reached = () => ('mac' in to ? [to] : [...plant.devices()].filter(({ network }) => to.includes(network)));
    const devices = reached().sort((a, b) => stationKey(a).localeCompare(stationKey(b)));
    const judged = new Map(devices.map((device) => [device, device.instance]));
    const changedMeanwhile = (): string | undefined => {
      if (index()?.inventory !== inventory || this.#lists.generation !== generation)
        return 'the inventory or a list it moves by changed';
      const isAsJudged = reached().every((device) => judged.has(device) && judged.get(device) === device.instance);
      return isAsJudged ? undefined : 'other devices than were judged would hear it';
    };
    const abandon = (why: string): void => {
      counted.unconfirmed_dropped += 1;
      gate.abandon(permit, why);
    };
    const carry = async (): Promise<void> => {
      const early = changedMeanwhile();
      if (early !== undefined) {
        abandon(early);
        return;
      }
      const redemption = await gate.redeem(permit, new Map());
      if (!redemption.redeemed) return;
      let outcome: Outcome = { kind: 'unknown', why: 'a fault of the gateway’s own came between' };
      try {
        const late = changedMeanwhile();
        if (late !== undefined) {
          counted.unconfirmed_dropped += 1;
          outcome = { kind: 'not-sent', why: late };
          return;
        }
        const { change } = redemption;
        if (change.kind !== 'unconfirmed') throw new RangeError('got a confirmed change, expected an unconfirmed one');
        const places = 'mac' in change.to ? [change.to] : change.to;
        const sent = places.filter((place) => plant.unconfirmed(place, change.request));
        outcome =
          sent.length === 0
            ? { kind: 'not-sent', why: 'the network is closed' }
            : { kind: 'unknown', why: 'sent; this has no answer' };
      } finally {
        gate.settle(permit, outcome);
      }
    };
    const failed = (fault: unknown): void => {
      const text = `a broadcast could not be carried: ${fault}`;
      log.write('error', 'own.fault', { fault: String(fault) }, text);
    };
    const takeTurns = (at: number): Promise<void> => {
      const device = devices[at];
      if (device === undefined) return carry().catch(failed);
      return new Promise((resolve) => {
        const giveUp = (why: string): void => {
          abandon(why);
          resolve();
        };
        const run = async (): Promise<void> => {
          try {
            await takeTurns(at + 1);
          } finally {
            resolve();
          }
        };
        const waiting = { peer: turnKey(from), expire: () => giveUp('a device was busy for too long') };
        if (!plant.lane(device).change(run, waiting)) giveUp('too many requests wait for a device');
      });
    };
    void takeTurns(0);
  }
}

function isDevice(to: Destination): to is PlantDevice {
  return typeof to === 'object' && 'mac' in to;
}
