// What a simulated device is made of while it runs: objects, files, clock, modes. Services read and change it; sockets are elsewhere.

import { encodeElements } from './elements.ts';
import { ServiceFault } from './faults.ts';
import { CONFIRMED, OBJECT_TYPE, objectName, PROPERTY, UNCONFIRMED } from './names.ts';
import type { PropertyChange, SimulatedObject } from './object.ts';
import type { Parameters } from './parameters.ts';
import type { Peer } from './peer.ts';
import { ctx, type ObjectRef } from './values.ts';

export interface SimulatedFile {
  readonly access: 'stream' | 'record';
  /** A firmware image is its boot loader's; a configuration goes with backup and restore. */
  readonly role: 'firmware' | 'configuration' | 'plain';
  /** A view of `room`, once something was written. */
  content: Buffer;
  /** Memory that the content can grow into. */
  room?: Buffer;
  records: readonly Buffer[];
  guard?: FileGuard;
}

/** What stands behind a file and has a say in what is done to it. Each may throw what a service throws. */
export interface FileGuard {
  /** Before octets go in: what is stored in their place. */
  writing(start: number, data: Buffer): Buffer;
  written(): void;
  reading(): void;
  /** The file was cut or extended to a size. */
  resized(size: number): void;
}

/** The way out, for what a device says of its own accord. */
interface Outbound {
  confirmed(to: Peer, service: number, payload: Buffer): void;
  unconfirmed(to: Peer | 'broadcast', service: number, payload: Buffer): void;
}

/** Who asks, and how many octets of answer can reach them. */
export interface Asker {
  readonly peer: Peer;
  readonly room: number;
}

/** A service: the octets of its acknowledgement, `undefined` for a SimpleACK. Throws what it refuses. */
export type Service = (state: DeviceState, parameters: Parameters, asker: Asker) => Buffer | undefined;

export type Communication = 'enabled' | 'disabled' | 'no-initiation';
type DeviceMode = 'operational' | 'backup' | 'restore';

const OWN_INSTANCE = 4_194_303;
const MOST_WAITING = 32;

export class DeviceState {
  readonly objects = new Map<string, SimulatedObject>();
  readonly files = new Map<number, SimulatedFile>();
  readonly device: SimulatedObject;
  readonly password: string | undefined;
  /** Set by a device that has one. */
  loader: { activate(): void; restart(): void } | undefined;
  /** Set by the device that runs on it. */
  outbound: Outbound = { confirmed: () => undefined, unconfirmed: () => undefined };
  /** Told of every change, after alarms, COV and fan-out have seen it. */
  readonly watchers: ((change: PropertyChange) => void)[] = [];
  mode: DeviceMode = 'operational';
  restarts = 0;
  /** Milliseconds the device's clock is ahead of the simulation's. */
  clockShiftMs = 0;
  readonly #now: () => number;
  readonly #bindings = new Map<number, Peer>();
  readonly #waiting: { readonly instance: number; readonly then: (peer: Peer) => void }[] = [];
  #communication: { readonly state: Communication; readonly until: number } | undefined;
  #afterAnswer: (() => void)[] = [];

  constructor(device: SimulatedObject, password: string | undefined, now: () => number) {
    this.device = device;
    this.password = password;
    this.#now = now;
    this.add(device);
  }

  get instance(): number {
    return this.device.ref.instance;
  }

  /** The device's own idea of the time. */
  now(): Date {
    return new Date(this.#now() + this.clockShiftMs);
  }

  add(object: SimulatedObject): void {
    this.objects.set(object.key, object);
    object.changed = (change) => {
      if (change.property === PROPERTY['object-identifier']) this.#rekey(object);
      for (const watcher of this.watchers) watcher(change);
    };
  }

  remove(object: SimulatedObject): void {
    this.objects.delete(object.key);
    object.changed = () => undefined;
  }

  /** Throws `unknown-object`. The instance that stands for any means the device itself. */
  find(ref: ObjectRef): SimulatedObject {
    const own = ref.type === OBJECT_TYPE.device && ref.instance === OWN_INSTANCE;
    const found = own ? this.device : this.objects.get(objectName(ref));
    if (found === undefined) throw new ServiceFault('unknown-object');
    return found;
  }

  get communication(): Communication {
    const current = this.#communication;
    return current === undefined || this.#now() >= current.until ? 'enabled' : current.state;
  }

  /** `minutes` absent: until told otherwise. */
  setCommunication(state: Communication, minutes: number | undefined): void {
    const until = minutes === undefined ? Number.POSITIVE_INFINITY : this.#now() + minutes * 60_000;
    this.#communication = { state, until };
  }

  /** Runs once the answer to the request in hand is on its way. */
  afterAnswer(then: () => void): void {
    this.#afterAnswer.push(then);
  }

  answered(): void {
    const due = this.#afterAnswer;
    this.#afterAnswer = [];
    for (const then of due) then();
  }

  /** An I-Am: from now on this is where that device is. */
  bind(instance: number, peer: Peer): void {
    this.#bindings.set(instance, peer);
    for (const waiting of this.#waiting.splice(0)) {
      if (waiting.instance === instance) waiting.then(peer);
      else this.#waiting.push(waiting);
    }
  }

  get bindings(): ReadonlyMap<number, Peer> {
    return this.#bindings;
  }

  /** Calls `then` with the device's address, now or once it has answered a Who-Is. */
  withDevice(instance: number, then: (peer: Peer) => void): void {
    const known = this.#bindings.get(instance);
    if (known !== undefined) {
      then(known);
      return;
    }
    if (this.#waiting.length >= MOST_WAITING) this.#waiting.shift();
    this.#waiting.push({ instance, then });
    this.outbound.unconfirmed('broadcast', UNCONFIRMED['who-is'], whoIs(instance));
  }

  /** Writes in another device what a channel, command or schedule refers to there. */
  writeElsewhere(device: number, payload: Buffer): void {
    this.withDevice(device, (peer) => this.outbound.confirmed(peer, CONFIRMED['write-property'], payload));
  }

  #rekey(object: SimulatedObject): void {
    for (const [key, held] of this.objects) if (held === object) this.objects.delete(key);
    this.objects.set(object.key, object);
  }
}

function whoIs(instance: number): Buffer {
  return encodeElements([ctx.unsigned(0, instance), ctx.unsigned(1, instance)]);
}
