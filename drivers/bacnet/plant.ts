// The plant as the road sees it: all its networks, who is on them, and what they ask of each other and of the technicians' side.

import { Answering, type AnswerSettings, type Carrier } from './answering.ts';
import type { BacnetSection } from './config.ts';
import { KnownDevice, known } from './device.ts';
import { macOf } from './endpoint.ts';
import { npduHeader, unconfirmedApdu } from './npdu-header.ts';
import { type PlantHost, PlantNetwork } from './plant-network.ts';
import type { Answered, Lane, PlantAnswer, PlantDevice, PlantSide, RequestOptions } from './seam.ts';
import { Station } from './station.ts';
import type { Transport } from './transport.ts';
import type { Apdu } from './wire/apdu.ts';
import type { ConfirmedRequest } from './wire/confirmed-service.ts';
import { ABORT_REASONS } from './wire/names/abort-reason.ts';
import { REJECT_REASONS } from './wire/names/reject-reason.ts';
import { BROADCAST_NETWORK, type NetworkPriority, type NpduDestination, type NpduSource } from './wire/npdu.ts';
import type { UnconfirmedRequest } from './wire/unconfirmed-service.ts';

/** The technicians' side, as the plant sees it. */
export interface OtherSide {
  readonly networkNumber: number;
  /** The station there at a MAC; `undefined` where it is none or there is no room. */
  stationAt(mac: Uint8Array): Station | undefined;
}

/** The gateway itself, as one that is asked. */
const GATEWAY = { number: 0, changes: 0 } as const;
type Asked = KnownDevice | Station | typeof GATEWAY;

export class Plant implements PlantSide, PlantHost, Carrier<KnownDevice, Asked> {
  readonly networks: ReadonlyMap<string, PlantNetwork>;
  readonly #byNumber = new Map<number, PlantNetwork>();
  readonly #transport: Transport;
  readonly #other: () => OtherSide;
  readonly #answering: Answering<KnownDevice, Asked>;
  readonly #listeners: ((device: PlantDevice) => void)[] = [];

  constructor(section: BacnetSection, transport: Transport, other: () => OtherSide) {
    this.#transport = transport;
    this.#other = other;
    const { limits, segmentTimeoutMs, retries, windowSize } = section.north;
    this.networks = new Map(
      Object.entries(section.networks).map(([name, config]) => [
        name,
        new PlantNetwork(name, config, limits.messageOctets, transport, this),
      ]),
    );
    for (const network of this.networks.values())
      for (const number of network.numbers()) this.#byNumber.set(number, network);
    const settings: AnswerSettings = { ...limits, segmentTimeoutMs, retries, windowSize };
    this.#answering = new Answering<KnownDevice, Asked>(this, settings, transport.deadlines, {
      request: () => undefined,
      repeated: () => undefined,
      overLimit: () => {
        transport.counters.plant_refused += 1;
      },
      ownFault: (error) => transport.ownFault(error),
    });
  }

  async stop(): Promise<void> {
    await Promise.all([...this.networks.values()].map((network) => network.stop()));
  }

  get underWay(): number {
    return this.#answering.underWay;
  }

  /** Every network number of the plant. */
  numbers(): readonly number[] {
    return [...this.#byNumber.keys()];
  }

  networkOf(number: number): PlantNetwork | undefined {
    return this.#byNumber.get(number);
  }

  // What the road asks.

  *devices(): Iterable<KnownDevice> {
    for (const network of this.networks.values()) yield* network.devices();
  }

  find(network: string, instance: number): KnownDevice | undefined {
    return this.networks.get(network)?.discovery.find(instance);
  }

  lane(device: PlantDevice): Lane {
    return known(device).lane;
  }

  request(device: PlantDevice, request: ConfirmedRequest, { retry, priority }: RequestOptions): Promise<PlantAnswer> {
    return new Promise((resolve) => this.#ask(device, request, retry, resolve, priority));
  }

  read(device: PlantDevice, request: ConfirmedRequest, answered: (answer: PlantAnswer) => void): void {
    this.#ask(device, request, true, answered);
  }

  afterSends(run: () => void): void {
    this.#transport.turn.add(run);
  }

  #ask(
    device: PlantDevice,
    request: ConfirmedRequest,
    retry: boolean,
    answered: (answer: PlantAnswer) => void,
    priority?: NetworkPriority,
  ): void {
    this.#transport.counters.plant_requests += 1;
    if (this.networks.get(device.network)?.isOpen === true)
      known(device).asking.ask(request, retry, answered, priority);
    else answered({ kind: 'unreachable', why: 'the network is closed' });
  }

  unconfirmed(
    to: PlantDevice | string,
    request: UnconfirmedRequest,
    from?: PlantDevice,
    priority?: NetworkPriority,
  ): boolean {
    if (typeof to === 'string') return this.networks.get(to)?.broadcast(request) ?? false;
    if (this.networks.get(to.network)?.isOpen !== true) return false;
    this.#send(known(to), from && known(from).source, unconfirmedApdu(request), false, priority);
    return true;
  }

  onDevice(listener: (device: PlantDevice) => void): void {
    this.#listeners.push(listener);
  }

  verify(device: PlantDevice): void {
    this.networks.get(device.network)?.discovery.verify(known(device));
  }

  // What the networks hand on.

  reaches(network: PlantNetwork): readonly number[] {
    const own = network.numbers();
    return [this.#other().networkNumber, ...this.numbers().filter((number) => !own.includes(number))];
  }

  changed(device: KnownDevice): void {
    for (const listener of this.#listeners) listener(device);
  }

  unconfirmedFrom(
    device: KnownDevice,
    destination: NpduDestination | undefined,
    request: UnconfirmedRequest,
    priority?: NetworkPriority,
  ): void {
    const { road } = this.#transport;
    if (destination === undefined) road.unconfirmed(device, { network: device.network }, request, priority);
    else if (destination.network === BROADCAST_NETWORK) road.unconfirmed(device, { network: 'all' }, request, priority);
    else if (destination.mac.length === 0) {
      const network = this.#byNumber.get(destination.network)?.name;
      if (network !== undefined) road.unconfirmed(device, { network }, request, priority);
      else if (destination.network === this.#other().networkNumber)
        road.unconfirmed(device, 'north', request, priority);
    } else {
      const target = this.#target(destination);
      if (target instanceof Station) road.unconfirmedNorth?.(device, target, request, priority);
      else if (target instanceof KnownDevice) road.unconfirmed(device, target, request, priority);
    }
  }

  askedBy(
    device: KnownDevice,
    destination: NpduDestination | undefined,
    apdu: Extract<Apdu, { type: 'confirmed-request' | 'segment-ack' | 'abort' }>,
    priority: NetworkPriority,
  ): void {
    const target = this.#target(destination);
    if (target === undefined) {
      this.#transport.counters.plant_refused += 1;
      this.#transport.complain(device, apdu.type, 'got a destination nobody is known at');
    } else if (apdu.type === 'confirmed-request') this.#answering.request(device, target, apdu, undefined, priority);
    else this.#answering.control(device, target, apdu);
  }

  #target(destination: NpduDestination | undefined): Asked | undefined {
    if (destination === undefined) return GATEWAY;
    const { network, mac, hopCount } = destination;
    if (mac.length === 0 || hopCount < 2) return undefined;
    if (network === this.#other().networkNumber) return this.#other().stationAt(mac);
    return this.#byNumber.get(network)?.at(network, mac);
  }

  // What answering a plant device needs.

  transmit(asker: KnownDevice, target: Asked, apdu: Uint8Array, expectingReply: boolean): void {
    this.#send(asker, this.#sourceOf(target), apdu, expectingReply);
  }

  serve(
    asker: KnownDevice,
    target: Asked,
    request: ConfirmedRequest,
    answered: Answered,
    priority: NetworkPriority,
  ): void {
    const { road } = this.#transport;
    if (target instanceof KnownDevice) {
      road.confirmed({ from: asker, to: target, request, priority }, answered);
      return;
    }
    const to = target instanceof Station ? target : 'gateway';
    const answer = road.notification?.({ from: asker, to, request, priority });
    if (answer === undefined) answered({ kind: 'reject', reason: REJECT_REASONS['unrecognized-service'] });
    else
      answer.then(answered, (error: unknown) => {
        this.#transport.ownFault(error);
        answered({ kind: 'abort', reason: ABORT_REASONS.other });
      });
  }

  mayRepeat(asker: KnownDevice, target: Asked, request: ConfirmedRequest): boolean {
    if (!(target instanceof KnownDevice)) return true;
    return this.#transport.road.mayRepeat?.({ from: asker, to: target, request }) ?? true;
  }

  refused(asker: KnownDevice, operation: string, detail: string): void {
    this.#transport.counters.plant_refused += 1;
    this.#transport.complain(asker, operation, detail);
  }

  #sourceOf(target: Asked): NpduSource | undefined {
    if (target instanceof KnownDevice) return target.source;
    if (target instanceof Station) return { network: this.#other().networkNumber, mac: macOf(target.endpoint) };
    return undefined;
  }

  #send(
    to: KnownDevice,
    source: NpduSource | undefined,
    apdu: Uint8Array,
    expectingReply: boolean,
    priority: NetworkPriority = 0,
  ): void {
    const header = npduHeader(expectingReply, {
      priority,
      ...(source === undefined ? {} : { source }),
      ...(to.destination === undefined ? {} : { destination: to.destination }),
    });
    this.networks.get(to.network)?.transmit(to.via, header, apdu);
  }
}
