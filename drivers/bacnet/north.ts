// technicians' bytes ─► request: the gateway as the router its tools see. 1. Who asks is the socket's address: a source that a
// client writes itself is refused. 2. Confirmed requests come unicast, for one known device, and expect a reply.
// 3. Broadcasts to the plant are unconfirmed services; the road says which of them go on. 4. What devices say appears as
// theirs, behind their network's number.

import { Answering, type Carrier, onlyReads } from './answering.ts';
import { Asking } from './asking.ts';
import type { NorthConfig } from './config.ts';
import { type KnownDevice, known } from './device.ts';
import { type Endpoint, endpointOfMac } from './endpoint.ts';
import { Link } from './link.ts';
import { judgeNetworkMessage, NO_OCTETS, networkFrame, type RouterPort } from './network-messages.ts';
import { joined, npduHeader, unconfirmedApdu } from './npdu-header.ts';
import type { OtherSide } from './plant.ts';
import type { PlantNetwork } from './plant-network.ts';
import type { Answered, NorthSide, NorthStation, PlantAnswer, PlantDevice } from './seam.ts';
import { SharedBucket } from './shared-bucket.ts';
import { type Station, StationTable } from './station.ts';
import type { Transport } from './transport.ts';
import { type Apdu, decodeApdu, encodeApdu } from './wire/apdu.ts';
import type { ConfirmedRequest } from './wire/confirmed-service.ts';
import type { WireFault } from './wire/fault.ts';
import { REJECT_REASONS } from './wire/names/reject-reason.ts';
import { NETWORK_REJECT_REASONS } from './wire/network-message.ts';
import { BROADCAST_NETWORK, decodeNpdu, type NetworkPriority, type Npdu, type NpduDestination } from './wire/npdu.ts';
import { decodeReadPropertyFrame } from './wire/read-property.ts';
import { decodeUnconfirmedRequest, type UnconfirmedRequest } from './wire/unconfirmed-service.ts';

/** The plant, as the technicians' side reaches it. */
interface Behind {
  numbers(): readonly number[];
  networkOf(number: number): PlantNetwork | undefined;
}

const messagesPerSecond = 40;
/** Of them, what one address may use up. */
const messagesByOneAddress = 5;
/** Of all I-Am and I-Have that are passed on, what one address of the plant may use up. */
const foundByOneAddress = 1 / 8;
/** What changes nothing, and is answered to where it came from. */
const HARMLESS: ReadonlySet<UnconfirmedRequest['service']> = new Set(['who-is', 'who-has', 'i-am']);

export class North implements NorthSide, OtherSide, RouterPort, Carrier<Station, KnownDevice> {
  readonly link: Link;
  readonly #config: NorthConfig;
  readonly #transport: Transport;
  readonly #behind: Behind;
  readonly #stations: StationTable;
  readonly #answering: Answering<Station, KnownDevice>;
  readonly #messages: SharedBucket;
  readonly #found: SharedBucket;

  constructor(config: NorthConfig, transport: Transport, behind: Behind) {
    this.#config = config;
    this.#transport = transport;
    this.#behind = behind;
    const { deadlines, counters, turn } = transport;
    const { limits, segmentTimeoutMs, retries, windowSize } = config;
    this.#messages = new SharedBucket(messagesPerSecond, messagesByOneAddress, deadlines.now());
    const found = limits.answersPerSecond;
    this.#found = new SharedBucket(found, Math.max(1, found * foundByOneAddress), deadlines.now());
    this.#stations = new StationTable(limits, {
      peerOf: (endpoint) => transport.peerOf(config.name, endpoint),
      isKnown: (peer) => transport.gate.callerOf(peer).principal !== null,
      nextNumber: () => transport.nextNumber(),
      now: () => deadlines.now(),
    });
    this.#answering = new Answering(this, { ...limits, segmentTimeoutMs, retries, windowSize }, deadlines, {
      request: () => {
        counters.north_requests += 1;
      },
      repeated: () => {
        counters.north_repeats += 1;
      },
      overLimit: () => {
        counters.north_over_limit += 1;
      },
      ownFault: (error) => transport.ownFault(error),
    });
    this.link = new Link(
      config,
      'drivers.bacnet.north',
      {
        npdu: (octets, from, broadcast, origin) => this.#npdu(octets, from, broadcast, origin),
        refused: (from, operation, detail, fault) => this.#refuse(from, operation, detail, fault),
        mayRegister: (endpoint) => this.#mayRegister(endpoint),
        sendFailed: () => {
          counters.send_failures += 1;
        },
      },
      deadlines,
      turn,
    );
  }

  get networkNumber(): number {
    return this.#config.networkNumber;
  }

  reaches(): readonly number[] {
    return this.#behind.numbers();
  }

  async open(): Promise<void> {
    await this.link.open();
  }

  /** Says which networks are behind the gateway (6.4.2), and looks for consoles that only listen: a start must not silence alarms. */
  begin(): void {
    const networks = this.reaches();
    if (networks.length > 0) this.link.broadcast(networkFrame({ type: 'i-am-router-to-network', networks }));
    this.link.broadcast(joined(npduHeader(false, {}), unconfirmedApdu({ service: 'who-is', parameters: {} })));
  }

  get underWay(): number {
    return this.#answering.underWay;
  }

  get stationCount(): number {
    return this.#stations.size;
  }

  async stop(): Promise<void> {
    for (const station of this.#stations.all()) for (const asking of station.asked.values()) asking.stop();
    await this.link.stop();
  }

  stationAt(mac: Uint8Array): Station | undefined {
    const endpoint = endpointOfMac(mac);
    return endpoint === undefined ? undefined : this.#stations.at(endpoint);
  }

  // What the road asks.

  stations(): Iterable<NorthStation> {
    return this.#stations.all();
  }

  unconfirmed(
    to: NorthStation | 'broadcast',
    from: PlantDevice,
    request: UnconfirmedRequest,
    priority?: NetworkPriority,
  ): void {
    const { counters, deadlines } = this.#transport;
    const isFound = request.service === 'i-am' || request.service === 'i-have';
    if (isFound && !this.#found.take(known(from).address, deadlines.now())) {
      counters.north_broadcasts_dropped += 1;
      return;
    }
    const apdu = unconfirmedApdu(request);
    const header = known(from).headerFrom(false, priority);
    counters.north_frames_out += 1;
    if (to === 'broadcast') this.link.broadcast(joined(header, apdu));
    else this.link.send(to.peer, header, apdu, 'soon');
  }

  request(
    to: NorthStation,
    from: PlantDevice,
    request: ConfirmedRequest,
    priority?: NetworkPriority,
  ): Promise<PlantAnswer> {
    const station = this.#stations.at(to.peer);
    if (station === undefined)
      return Promise.resolve({ kind: 'unreachable', why: 'too many stations are spoken with' });
    const device = known(from);
    let asking = station.asked.get(device.number);
    if (asking === undefined) {
      asking = new Asking(
        {
          get maxApduLength() {
            return station.maxApduLength;
          },
          segmentation: 'both',
          transmit: (apdu, expects, _when, priority) => this.transmit(station, device, apdu, expects, priority),
        },
        { ...this.#config, messageOctets: this.#config.limits.messageOctets },
        this.#transport.deadlines,
        { retried: () => undefined, timedOut: () => undefined },
      );
      station.asked.set(device.number, asking);
    }
    return asking.request(request, true, priority);
  }

  // What answering a station needs.

  transmit(
    station: Station,
    device: KnownDevice,
    apdu: Uint8Array,
    expects: boolean,
    priority?: NetworkPriority,
  ): void {
    this.#transport.counters.north_frames_out += 1;
    this.link.send(station.endpoint, device.headerFrom(expects, priority), apdu, 'soon');
  }

  serve(from: Station, to: KnownDevice, request: ConfirmedRequest, answered: Answered): void {
    this.#transport.road.confirmed({ from, to, request }, answered);
  }

  mayRepeat(from: Station, to: KnownDevice, request: ConfirmedRequest): boolean {
    return this.#transport.road.mayRepeat?.({ from, to, request }) ?? true;
  }

  refused(from: Station, operation: string, detail: string): void {
    this.#transport.counters.north_refused += 1;
    this.#transport.complain(from, operation, detail);
  }

  #mayRegister(endpoint: Endpoint): boolean {
    const permit = this.#config.foreignDevices?.permit;
    if (permit === undefined) return false;
    if (permit !== 'known') return permit.includes(endpoint.address);
    return this.#transport.gate.callerOf(this.#transport.peerOf(this.#config.name, endpoint)).principal !== null;
  }

  #refuse(from: Endpoint, operation: string, detail: string, fault?: WireFault): void {
    const { counters } = this.#transport;
    if (fault === undefined) counters.north_refused += 1;
    else counters.north_frames_broken += 1;
    this.#transport.complain(this.#transport.strangerAt(this.#config.name, from), operation, detail);
  }

  #npdu(octets: Uint8Array, from: Endpoint, broadcast: boolean, origin: Endpoint): void {
    try {
      this.#transport.counters.north_frames_in += 1;
      if (!broadcast && this.#readProperty(octets, from)) return;
      const npdu = decodeNpdu(octets);
      if (npdu.ok) {
        this.#frame(npdu.value, from, broadcast, origin);
        return;
      }
      const { answer, message } = npdu.fault;
      // 6.4.4: an unknown message is said to be one, to a unicast only.
      if (answer.kind === 'reject-message-to-network' && !broadcast)
        this.#rejectMessage(from, answer.reason, this.networkNumber);
      this.#refuse(from, 'npdu', message, npdu.fault);
    } catch (error) {
      this.#transport.ownFault(error);
    }
  }

  /** The commonest frame of all, by position. False: nothing was done with it. */
  #readProperty(octets: Uint8Array, from: Endpoint): boolean {
    const frame = decodeReadPropertyFrame(octets);
    if (frame === undefined || frame.hopCount < 2) return false;
    const device = this.#behind.networkOf(frame.network)?.onWire(frame.network, frame.mac);
    if (device === undefined) return false;
    const station = this.#stations.at(from);
    if (station === undefined) return false;
    station.maxApduLength = frame.apdu.maxApduLength;
    this.#answering.request(station, device, frame.apdu, frame.request);
    return true;
  }

  #frame(npdu: Npdu, from: Endpoint, broadcast: boolean, origin: Endpoint): void {
    const { source, destination, payload } = npdu;
    if (source !== undefined) {
      this.#refuse(
        from,
        'npdu',
        `got source network \`${source.network}\`, expected none: who asks is the socket’s address`,
      );
      return;
    }
    if (payload.kind === 'network-message') {
      const verdict = judgeNetworkMessage(payload.message, this, destination);
      if (verdict.refused !== undefined) this.#refuse(from, payload.message.type, verdict.refused);
      if (verdict.answer !== undefined) this.#say(networkFrame(verdict.answer), from, broadcast);
      return;
    }
    const decoded = decodeApdu(payload.apdu);
    if (!decoded.ok) {
      this.#brokenApdu(decoded.fault, destination, from, broadcast);
      return;
    }
    const apdu = decoded.value;
    if (apdu.type === 'unconfirmed-request') {
      this.#unconfirmed(apdu, destination, from, broadcast, origin);
      return;
    }
    if (broadcast) {
      this.#refuse(from, apdu.type, 'got a broadcast, expected one station to be meant');
      return;
    }
    const device = this.#deviceAt(destination, from, apdu);
    if (device === undefined) return;
    const station = this.#stations.at(from);
    if (station === undefined) {
      this.#transport.counters.north_over_limit += 1;
      return;
    }
    switch (apdu.type) {
      case 'confirmed-request':
        // Widespread tools ask for event information as if they expected no reply; nothing is lost by answering what only reads.
        if (npdu.expectingReply || onlyReads(apdu.serviceChoice)) {
          station.maxApduLength = apdu.maxApduLength;
          this.#answering.request(station, device, apdu);
          return;
        }
        this.#answering.abort(station, device, apdu.invokeId, 'other');
        this.#refuse(from, 'confirmed-request', 'got a request that expects no reply');
        return;
      case 'segment-ack':
      case 'abort':
        if (apdu.server) station.asked.get(device.number)?.received(apdu);
        else this.#answering.control(station, device, apdu);
        return;
      default:
        station.asked.get(device.number)?.received(apdu);
    }
  }

  /** Whom a unicast means. Nobody: what can be said has been said. */
  #deviceAt(destination: NpduDestination | undefined, from: Endpoint, apdu: Apdu): KnownDevice | undefined {
    if (destination === undefined) {
      // The router has no objects of its own to speak of.
      if (apdu.type === 'confirmed-request') {
        const reason = REJECT_REASONS['unrecognized-service'];
        const reject = encodeApdu({ type: 'reject', invokeId: apdu.invokeId, reason });
        if (this.#messages.take(from.address, this.#transport.deadlines.now()))
          this.link.send(from, Uint8Array.of(1, 0), reject, 'soon');
      }
      return undefined;
    }
    const { network, mac, hopCount } = destination;
    if (network === BROADCAST_NETWORK || mac.length === 0) {
      this.#refuse(from, apdu.type, 'got a broadcast, expected one station to be meant');
      return undefined;
    }
    const behind = this.#behind.networkOf(network);
    if (behind === undefined) {
      this.#refuse(from, apdu.type, `got network \`${network}\`, which is not reached through the gateway`);
      this.#rejectMessage(from, NETWORK_REJECT_REASONS['not-directly-connected'], network);
      return undefined;
    }
    const device = behind.at(network, mac);
    // 6.2.3: a count that reaches zero on its way ends the way.
    if (hopCount < 2) this.#refuse(from, apdu.type, `got hop count \`${hopCount}\`, expected at least \`2\``);
    else if (device === undefined) this.#transport.counters.north_refused += 1;
    else return device;
    return undefined;
  }

  #brokenApdu(fault: WireFault, destination: NpduDestination | undefined, from: Endpoint, broadcast: boolean): void {
    const { answer, invokeId } = fault;
    const device = destination && this.#behind.networkOf(destination.network)?.at(destination.network, destination.mac);
    if (answer.kind === 'abort' && invokeId !== undefined && device !== undefined && !broadcast) {
      const station = this.#stations.at(from);
      if (station !== undefined) this.#answering.abort(station, device, invokeId, answer.reason);
    }
    this.#refuse(from, 'apdu', fault.message, fault);
  }

  #unconfirmed(
    apdu: Extract<Apdu, { type: 'unconfirmed-request' }>,
    destination: NpduDestination | undefined,
    from: Endpoint,
    broadcast: boolean,
    origin: Endpoint,
  ): void {
    const decoded = decodeUnconfirmedRequest(apdu.serviceChoice, apdu.service);
    if (!decoded.ok) {
      this.#refuse(from, 'unconfirmed-request', decoded.fault.message, decoded.fault);
      return;
    }
    // Without a destination it is for this side of the router; who says that it is here can be told of alarms from now on.
    if (destination === undefined && decoded.value.service === 'i-am') this.#stations.at(origin);
    if (destination === undefined || destination.hopCount < 2) return;
    const { network, mac } = destination;
    const behind = this.#behind.networkOf(network);
    if (network !== BROADCAST_NETWORK && behind === undefined) {
      if (!broadcast) this.#rejectMessage(from, NETWORK_REJECT_REASONS['not-directly-connected'], network);
      return;
    }
    // Behind a BBMD of ours it is the origin who looks; whatever changes something is the BBMD's own word.
    const station = this.#stations.at(HARMLESS.has(decoded.value.service) ? origin : from);
    if (station === undefined || !station.broadcasts.take(this.#transport.deadlines.now())) {
      this.#transport.counters.north_broadcasts_dropped += 1;
      return;
    }
    const to = mac.length === 0 ? { network: behind?.name ?? 'all' } : behind?.at(network, mac);
    if (to === undefined) this.#transport.counters.north_refused += 1;
    else this.#transport.road.unconfirmed(station, to, decoded.value);
  }

  #rejectMessage(to: Endpoint, reason: number, network: number): void {
    this.#say(networkFrame({ type: 'reject-message-to-network', reason, network }), to, false);
  }

  #say(frame: Uint8Array, to: Endpoint, broadcast: boolean): void {
    if (!this.#messages.take(to.address, this.#transport.deadlines.now())) return;
    this.#transport.counters.north_frames_out += 1;
    if (broadcast) this.link.broadcast(frame);
    else this.link.send(to, frame, NO_OCTETS, 'soon');
  }
}
