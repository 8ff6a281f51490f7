// plant ─► APDU: one plant network. 1. A sender is the MAC the socket or a router of the configuration says, nothing else.
// 2. Answers reach only the request that waits for them. 3. An I-Am begins a verification and proves nothing.

import type { PlantNetworkConfig } from './config.ts';
import { type DevicePlace, KnownDevice, SEGMENTATIONS } from './device.ts';
import { Discovery } from './discovery.ts';
import { type Endpoint, endpointNumber, hexOf, macNumber, macOf } from './endpoint.ts';
import { Link, type SendTime } from './link.ts';
import { judgeNetworkMessage, NO_OCTETS, networkFrame, type RouterPort } from './network-messages.ts';
import { joined, npduHeader, unconfirmedApdu } from './npdu-header.ts';
import { SharedBucket } from './shared-bucket.ts';
import type { Transport } from './transport.ts';
import { type Apdu, decodeApdu } from './wire/apdu.ts';
import type { WireFault } from './wire/fault.ts';
import { BROADCAST_NETWORK, decodeNpdu, type NetworkPriority, type Npdu, type NpduDestination } from './wire/npdu.ts';
import { decodeReadPropertyAckFrame } from './wire/read-property.ts';
import { decodeUnconfirmedRequest, type UnconfirmedRequest } from './wire/unconfirmed-service.ts';

/** What one network leaves to the whole of the plant. */
export interface PlantHost {
  reaches(network: PlantNetwork): readonly number[];
  /** A confirmed request, a segment ack or an abort of one who asked. */
  askedBy(
    device: KnownDevice,
    destination: NpduDestination | undefined,
    apdu: Extract<Apdu, { type: 'confirmed-request' | 'segment-ack' | 'abort' }>,
    priority: NetworkPriority,
  ): void;
  unconfirmedFrom(
    device: KnownDevice,
    destination: NpduDestination | undefined,
    request: UnconfirmedRequest,
    priority?: NetworkPriority,
  ): void;
  changed(device: KnownDevice): void;
}

const messagesPerSecond = 40;
/** Of them, what one address may use up. */
const messagesByOneAddress = 5;

export class PlantNetwork implements RouterPort {
  readonly name: string;
  readonly config: PlantNetworkConfig;
  readonly link: Link;
  readonly discovery: Discovery;
  readonly #transport: Transport;
  readonly #host: PlantHost;
  readonly #messageOctets: number;
  /** By endpoint where it stands on the wire, by `network:mac` behind a router. */
  readonly #devices = new Map<string | number, KnownDevice>();
  readonly #routerOf: ReadonlyMap<number, Endpoint>;
  readonly #messages: SharedBucket;
  #isOpen = false;

  constructor(name: string, config: PlantNetworkConfig, messageOctets: number, transport: Transport, host: PlantHost) {
    this.name = name;
    this.config = config;
    this.#transport = transport;
    this.#host = host;
    this.#messageOctets = messageOctets;
    this.#routerOf = new Map(config.routers.flatMap((router) => router.networks.map((number) => [number, router])));
    this.#messages = new SharedBucket(messagesPerSecond, messagesByOneAddress, transport.deadlines.now());
    this.link = new Link(
      config,
      `drivers.bacnet.networks.${name}`,
      {
        npdu: (octets, from, broadcast, origin) => this.#npdu(octets, from, broadcast, origin),
        refused: (from, operation, detail, fault) => this.#refused(from, operation, detail, fault),
        mayRegister: ({ address }) =>
          config.foreignDevices?.permit !== 'known' && config.foreignDevices?.permit.includes(address) === true,
        sendFailed: () => {
          transport.counters.send_failures += 1;
        },
      },
      transport.deadlines,
      transport.turn,
    );
    this.discovery = new Discovery(
      config,
      {
        broadcast: (request) => this.broadcast(request),
        changed: (device) => host.changed(device),
        contested: (device, instance) => {
          transport.counters.devices_contested += 1;
          transport.complain(
            device,
            'i-am',
            `got instance \`${instance}\` of two stations, expected one; neither has it until one is gone`,
          );
        },
        confirmed: (device, iAm) => host.unconfirmedFrom(device, undefined, iAm),
      },
      transport.deadlines,
    );
  }

  get networkNumber(): number {
    return this.config.networkNumber;
  }

  /** Its own number and those behind its routers. */
  numbers(): readonly number[] {
    return [this.networkNumber, ...this.#routerOf.keys()];
  }

  reaches(): readonly number[] {
    return this.#host.reaches(this);
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  async open(): Promise<void> {
    await this.link.open();
    this.#isOpen = true;
  }

  /** Says what is reached through the gateway, and begins to look who is there. */
  begin(): void {
    this.#announce();
    this.discovery.start();
  }

  async stop(): Promise<void> {
    this.#isOpen = false;
    this.discovery.stop();
    for (const device of this.#devices.values()) device.asking.stop();
    await this.link.stop();
  }

  devices(): Iterable<KnownDevice> {
    return this.#devices.values();
  }

  /** The station with this number and MAC, if it has ever said that it is here. */
  at(networkNumber: number, mac: Uint8Array): KnownDevice | undefined {
    if (networkNumber !== this.networkNumber) return this.#devices.get(`${networkNumber}:${hexOf(mac)}`);
    const endpoint = macNumber(mac);
    return endpoint === undefined ? undefined : this.#devices.get(endpoint);
  }

  /** The same of one that stands on the wire itself, by the number its MAC makes; `undefined` behind a router. */
  onWire(networkNumber: number, mac: number): KnownDevice | undefined {
    return networkNumber === this.networkNumber ? this.#devices.get(mac) : undefined;
  }

  /** False where nothing was sent: the network is closed. */
  broadcast(request: UnconfirmedRequest): boolean {
    if (!this.#isOpen) return false;
    // Global where routers stand in this plant, so that they pass it on; else local.
    const ends =
      this.#routerOf.size === 0 ? {} : { destination: { network: BROADCAST_NETWORK, mac: NO_OCTETS, hopCount: 255 } };
    this.#transport.counters.plant_frames_out += 1;
    this.link.broadcast(joined(npduHeader(false, ends), unconfirmedApdu(request)));
    return true;
  }

  /** To one station, with the header given. */
  transmit(via: Endpoint, header: Uint8Array, apdu: Uint8Array, when?: SendTime): void {
    this.#transport.counters.plant_frames_out += 1;
    this.link.send(via, header, apdu, when);
  }

  #announce(): void {
    const networks = this.reaches();
    if (networks.length > 0) this.link.broadcast(networkFrame({ type: 'i-am-router-to-network', networks }));
  }

  #refused(from: Endpoint, operation: string, detail: string, fault?: WireFault): void {
    const { counters } = this.#transport;
    if (fault === undefined) counters.plant_refused += 1;
    else counters.plant_frames_broken += 1;
    const known = this.#devices.get(endpointNumber(from));
    this.#transport.complain(known ?? this.#transport.strangerAt(this.name, from), operation, detail);
  }

  #npdu(octets: Uint8Array, from: Endpoint, broadcast: boolean, origin: Endpoint): void {
    try {
      this.#transport.counters.plant_frames_in += 1;
      if (!broadcast && this.#readPropertyAck(octets, from)) return;
      const npdu = decodeNpdu(octets);
      if (!npdu.ok) this.#refused(from, 'npdu', npdu.fault.message, npdu.fault);
      else this.#frame(npdu.value, from, broadcast, origin);
    } catch (error) {
      this.#transport.ownFault(error);
    }
  }

  /** The commonest frame of all, by position. False: nothing was done with it. */
  #readPropertyAck(octets: Uint8Array, from: Endpoint): boolean {
    const frame = decodeReadPropertyAckFrame(octets);
    if (frame === undefined) return false;
    const device = this.#devices.get(endpointNumber(from));
    if (device === undefined) return false;
    if (!device.asking.acknowledged(frame.invokeId, frame.ack)) this.#transport.counters.plant_strays += 1;
    return true;
  }

  #frame(npdu: Npdu, from: Endpoint, broadcast: boolean, origin: Endpoint): void {
    const { source, payload, destination } = npdu;
    if (source !== undefined) {
      const router = this.#routerOf.get(source.network);
      if (router === undefined || router.port !== from.port || router.address !== from.address) {
        this.#refused(
          from,
          'npdu',
          `got source network \`${source.network}\`, expected it from its router in the configuration`,
        );
        return;
      }
    }
    if (payload.kind === 'network-message') {
      const verdict = judgeNetworkMessage(payload.message, this, destination);
      if (verdict.refused !== undefined) this.#refused(from, payload.message.type, verdict.refused);
      if (verdict.answer !== undefined && this.#messages.take(from.address, this.#transport.deadlines.now())) {
        const frame = networkFrame(verdict.answer);
        if (broadcast) this.link.broadcast(frame);
        else this.link.send(from, frame, NO_OCTETS);
      }
      return;
    }
    const decoded = decodeApdu(payload.apdu);
    if (!decoded.ok) {
      this.#refused(from, 'apdu', decoded.fault.message, decoded.fault);
      return;
    }
    const apdu = decoded.value;
    const device =
      source === undefined
        ? this.#devices.get(endpointNumber(origin))
        : this.#devices.get(`${source.network}:${hexOf(source.mac)}`);
    if (apdu.type === 'unconfirmed-request') {
      this.#unconfirmed(device, npdu, apdu, from, origin);
      return;
    }
    if (device === undefined || broadcast) {
      this.#transport.counters.devices_unverified += 1;
      return;
    }
    const ofAsker =
      apdu.type === 'confirmed-request' || ((apdu.type === 'segment-ack' || apdu.type === 'abort') && !apdu.server);
    if (!ofAsker) {
      if (destination !== undefined || !device.asking.received(apdu)) this.#transport.counters.plant_strays += 1;
      return;
    }
    if (apdu.type === 'confirmed-request' && !npdu.expectingReply)
      this.#refused(from, 'confirmed-request', 'got a request that expects no reply');
    else this.#host.askedBy(device, destination, apdu, npdu.priority);
  }

  #unconfirmed(
    device: KnownDevice | undefined,
    npdu: Npdu,
    apdu: Extract<Apdu, { type: 'unconfirmed-request' }>,
    from: Endpoint,
    origin: Endpoint,
  ): void {
    const decoded = decodeUnconfirmedRequest(apdu.serviceChoice, apdu.service);
    if (!decoded.ok) {
      this.#refused(from, 'unconfirmed-request', decoded.fault.message, decoded.fault);
      return;
    }
    const request = decoded.value;
    if (request.service === 'i-am') {
      const sender = device ?? this.#meet(npdu, from, origin);
      if (sender === undefined) return;
      const { iAmDeviceIdentifier, maxApduLengthAccepted, segmentationSupported, vendorId } = request.parameters;
      const said = {
        maxApduLength: Math.max(50, maxApduLengthAccepted),
        segmentation: SEGMENTATIONS[segmentationSupported] ?? 'none',
        vendorId,
      };
      this.discovery.heard(sender, iAmDeviceIdentifier.instance, said, request);
    } else if (device === undefined) this.#transport.counters.devices_unverified += 1;
    else this.#host.unconfirmedFrom(device, npdu.destination, request, npdu.priority);
  }

  /** A station that says for the first time that it is here. */
  #meet({ source }: Npdu, from: Endpoint, origin: Endpoint): KnownDevice | undefined {
    if (this.#devices.size >= this.config.maxDevices && !this.#makeRoom()) return undefined;
    const place: DevicePlace =
      source === undefined
        ? { network: this.name, networkNumber: this.networkNumber, mac: macOf(origin), via: origin, isRouted: false }
        : { network: this.name, networkNumber: source.network, mac: source.mac, via: from, isRouted: true };
    const { deadlines, counters } = this.#transport;
    const { inFlight, waiting, waitMs, timeoutMs, segmentTimeoutMs, retries, windowSize } = this.config;
    const device = new KnownDevice(place, {
      number: this.#transport.nextNumber(),
      lane: { inFlight, waiting, waitMs },
      ask: { timeoutMs, segmentTimeoutMs, retries, windowSize, messageOctets: this.#messageOctets },
      deadlines,
      counters: {
        retried: () => {
          counters.plant_retries += 1;
        },
        timedOut: () => {
          counters.plant_timeouts += 1;
        },
      },
      transmit: (via, header, apdu, when) => this.transmit(via, header, apdu, when),
    });
    this.#devices.set(source === undefined ? endpointNumber(origin) : `${source.network}:${device.mac}`, device);
    return device;
  }

  /** The oldest that nobody has confirmed and that nothing waits for goes. */
  #makeRoom(): boolean {
    for (const [key, device] of this.#devices) {
      if (device.instance !== undefined || !device.asking.idle || device.served.size > 0) continue;
      this.#devices.delete(key);
      return true;
    }
    return false;
  }
}
