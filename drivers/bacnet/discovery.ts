// plant ─► known devices: who is where, by asking the station itself. 1. An instance counts only after its MAC has confirmed it.
// 2. An I-Am never moves an instance that another MAC holds: both are asked, and where both confirm it neither has it.
// 3. Devices of the policy are looked for until they are found, the rest as they say who they are; all of it bounded.

import type { Deadlines, Waiting } from './deadlines.ts';
import type { Capabilities, KnownDevice } from './device.ts';
import { identify } from './identity.ts';
import type { UnconfirmedRequest } from './wire/unconfirmed-service.ts';

interface DiscoverySettings {
  readonly verifySeconds: number;
  readonly whoIsSeconds: number;
}

interface DiscoveryEvents {
  broadcast(request: UnconfirmedRequest): void;
  /** A device's instance was confirmed, changed or lost. */
  changed(device: KnownDevice): void;
  contested(device: KnownDevice, instance: number): void;
  /** A device said it is here, and it is who it says. */
  confirmed(device: KnownDevice, iAm: UnconfirmedRequest): void;
}

interface Probe {
  readonly instance: number;
  /** What to pass on once it is confirmed. */
  readonly iAm: UnconfirmedRequest | undefined;
}

const stepMs = 1000;
const firstWhoIsPauseMs = 2000;
const firstPauseMs = 1000;
const longestPauseMs = 60_000;
const searchesPerStep = 20;
const probesAtOnce = 16;
const probesWaiting = 1024;
const probesPerStep = 50;
/** How long one device is left alone after a probe that was not asked for by the gateway itself. */
const restMs = 1000;
const contestedMs = 30_000;

export class Discovery {
  readonly #settings: DiscoverySettings;
  readonly #events: DiscoveryEvents;
  readonly #deadlines: Deadlines;
  readonly #byInstance = new Map<number, KnownDevice>();
  /** Instances that several MACs confirm, with those MACs. */
  readonly #contested = new Map<number, Set<KnownDevice>>();
  readonly #waiting = new Map<KnownDevice, Probe>();
  readonly #running = new Set<KnownDevice>();
  readonly #probedAt = new WeakMap<KnownDevice, number>();
  readonly #said = new WeakMap<KnownDevice, Capabilities>();
  /** Who a device last said it is. */
  readonly #claims = new WeakMap<KnownDevice, Probe>();
  /** Whose claim waits for the next round. */
  readonly #resting = new Set<KnownDevice>();
  readonly #wanted = new Map<number, { nextAt: number; pauseMs: number }>();
  #rounds: Waiting | undefined;
  #nextWhoIs: number;
  #whoIsPauseMs = firstWhoIsPauseMs;
  #nextContest = 0;

  constructor(settings: DiscoverySettings, events: DiscoveryEvents, deadlines: Deadlines) {
    this.#settings = settings;
    this.#events = events;
    this.#deadlines = deadlines;
    this.#nextWhoIs = deadlines.now();
  }

  /** Begins to look; at once for everybody, then for who is missing. */
  start(): void {
    this.#round();
  }

  stop(): void {
    if (this.#rounds !== undefined) this.#deadlines.drop(this.#rounds);
    this.#waiting.clear();
  }

  /** The instances the policy speaks of. */
  want(instances: ReadonlySet<number>): void {
    for (const instance of this.#wanted.keys()) if (!instances.has(instance)) this.#wanted.delete(instance);
    const now = this.#deadlines.now();
    for (const instance of instances)
      if (!this.#wanted.has(instance)) this.#wanted.set(instance, { nextAt: now + stepMs, pauseMs: firstPauseMs });
  }

  find(instance: number): KnownDevice | undefined {
    return this.#byInstance.get(instance);
  }

  /** Instances of the policy that nobody has confirmed. */
  get missing(): number {
    let missing = 0;
    for (const instance of this.#wanted.keys()) if (!this.#byInstance.has(instance)) missing += 1;
    return missing;
  }

  /** How many instances the policy speaks of. */
  get wanted(): number {
    return this.#wanted.size;
  }

  /** An I-Am came from this device's MAC. */
  heard(device: KnownDevice, instance: number, said: Capabilities, iAm: UnconfirmedRequest): void {
    this.#said.set(device, said);
    if (device.instance === instance) {
      this.#events.confirmed(device, iAm);
      return;
    }
    const claim = { instance, iAm };
    this.#claims.set(device, claim);
    // It says another number: whether it still is who it was is asked first, and denied if it renumbered itself.
    if (device.instance !== undefined) this.verify(device);
    else if ((this.#probedAt.get(device) ?? Number.NEGATIVE_INFINITY) + restMs <= this.#deadlines.now())
      this.#probe(device, claim);
    else this.#resting.add(device);
  }

  /** Asks a verified device again. */
  verify(device: KnownDevice): void {
    if (device.instance !== undefined) this.#probe(device, { instance: device.instance, iAm: undefined });
  }

  #probe(device: KnownDevice, probe: Probe): void {
    if (this.#waiting.size >= probesWaiting && !this.#waiting.has(device)) return;
    this.#waiting.set(device, probe);
    this.#next();
  }

  #next(): void {
    for (const [device, probe] of this.#waiting) {
      if (this.#running.size >= probesAtOnce) return;
      if (this.#running.has(device)) continue;
      this.#waiting.delete(device);
      this.#running.add(device);
      this.#probedAt.set(device, this.#deadlines.now());
      void this.#ask(device, probe);
    }
  }

  async #ask(device: KnownDevice, { instance, iAm }: Probe): Promise<void> {
    const said: Capabilities = this.#said.get(device) ?? device;
    const identity = await identify(device, instance, said);
    this.#running.delete(device);
    switch (identity.kind) {
      case 'confirmed':
        device.can(identity.can);
        this.#confirmed(device, instance);
        if (iAm !== undefined && device.instance === instance) this.#events.confirmed(device, iAm);
        break;
      case 'other':
        this.#refuted(device, instance);
        break;
      case 'silent':
        this.#leaves(device, instance);
        break;
    }
    this.#next();
  }

  #confirmed(device: KnownDevice, instance: number): void {
    if (device.instance === instance) return;
    for (const [other, contenders] of this.#contested)
      if (other !== instance && contenders.has(device)) this.#leaves(device, other);
    const contenders = this.#contested.get(instance);
    const holder = this.#byInstance.get(instance);
    if (contenders !== undefined) {
      contenders.add(device);
      if (contenders.size === 1) this.#contested.delete(instance);
      else return;
    } else if (holder !== undefined) {
      // Two claim it: nobody has it until one of them is gone.
      this.#contested.set(instance, new Set([holder, device]));
      this.#lose(holder);
      this.#events.contested(device, instance);
      this.#probe(holder, { instance, iAm: undefined });
      return;
    }
    if (device.instance !== undefined) this.#lose(device);
    device.instance = instance;
    this.#byInstance.set(instance, device);
    this.#events.changed(device);
  }

  /** It answered, and it is not who it was asked to be. */
  #refuted(device: KnownDevice, instance: number): void {
    const wasLost = device.instance === instance;
    if (wasLost) this.#lose(device);
    this.#leaves(device, instance);
    const claim = this.#claims.get(device);
    if (wasLost && claim !== undefined && claim.instance !== instance) this.#probe(device, claim);
  }

  /** Where it was a contender, the last one left is asked again, and has the instance if it confirms it. */
  #leaves(device: KnownDevice, instance: number): void {
    const contenders = this.#contested.get(instance);
    if (contenders?.delete(device) !== true) return;
    const [last] = contenders;
    if (contenders.size > 1) return;
    this.#contested.delete(instance);
    if (last !== undefined) this.#probe(last, { instance, iAm: undefined });
  }

  #lose(device: KnownDevice): void {
    const { instance } = device;
    if (instance === undefined) return;
    device.instance = undefined;
    if (this.#byInstance.get(instance) === device) this.#byInstance.delete(instance);
    this.#events.changed(device);
  }

  /** Once a second: who is missing, who is to be asked again, which contests may be over. */
  #round(): void {
    const now = this.#deadlines.now();
    if (now >= this.#nextWhoIs) {
      // Soon again after the start: a broadcast may be lost, and a plant that lost its power comes up bit by bit.
      this.#nextWhoIs = now + this.#whoIsPauseMs;
      this.#whoIsPauseMs = Math.min(2 * this.#whoIsPauseMs, this.#settings.whoIsSeconds * 1000);
      this.#events.broadcast(whoIs());
    }
    this.#search(now);
    for (const device of this.#resting) {
      const claim = this.#claims.get(device);
      if (claim !== undefined && device.instance !== claim.instance) this.#probe(device, claim);
    }
    this.#resting.clear();
    let probes = 0;
    const before = now - this.#settings.verifySeconds * 1000;
    for (const [instance, device] of this.#byInstance) {
      if (probes >= probesPerStep) break;
      const isDue = (this.#probedAt.get(device) ?? 0) <= before;
      if (!isDue || !this.#wanted.has(instance)) continue;
      probes += 1;
      this.verify(device);
    }
    if (now >= this.#nextContest) {
      this.#nextContest = now + contestedMs;
      for (const [instance, contenders] of this.#contested)
        for (const device of contenders) this.#probe(device, { instance, iAm: undefined });
    }
    this.#rounds = this.#deadlines.later(stepMs, () => this.#round());
  }

  #search(now: number): void {
    let sent = 0;
    for (const [instance, search] of this.#wanted) {
      if (search.nextAt > now || this.#byInstance.has(instance)) continue;
      if (sent >= searchesPerStep) return;
      sent += 1;
      search.nextAt = now + search.pauseMs;
      search.pauseMs = Math.min(2 * search.pauseMs, longestPauseMs);
      this.#events.broadcast(whoIs(instance));
    }
  }
}

function whoIs(instance?: number): UnconfirmedRequest {
  return {
    service: 'who-is',
    parameters:
      instance === undefined ? {} : { deviceInstanceRangeLowLimit: instance, deviceInstanceRangeHighLimit: instance },
  };
}
