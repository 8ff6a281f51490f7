// bytes ─decode─► NPDU: BACnet/IP of one network (Annex J), as an ordinary station, a BBMD or a foreign device.
// 1. A Forwarded-NPDU counts only from a BBMD of the configuration, and its origin only as a place to look at, never as proof.
// 2. Nobody distributes through the gateway or registers with it but whom `mayRegister` admits; tables are never written.
// 3. A frame whose BVLC function and way of arrival differ (unicast to the broadcast address) is dropped.

import type { LinkConfig } from './config.ts';
import { DatagramSocket, type SocketEvents } from './datagram-socket.ts';
import type { Deadlines, Waiting } from './deadlines.ts';
import { type Endpoint, endpointKey, endpointOfIp, ipEndpointOf, octetsOf } from './endpoint.ts';
import { ForeignDevices } from './foreign-devices.ts';
import type { TurnEnd } from './turn-end.ts';
import { type Bvlc, type BvlcResultCode, decodeBvlc, encodeBvlc, MAX_NPDU_LENGTH, unicastNpdu } from './wire/bvlc.ts';
import type { WireFault } from './wire/fault.ts';
import { copyOctets } from './wire/octet.ts';

/** A permitted change goes at once. `soon`: at the end of the loop's turn, with all that it brings. */
export type SendTime = 'at-once' | 'soon';

interface LinkEvents {
  /** `origin` is where a BBMD of ours says a broadcast came from; else the socket's own address. */
  npdu(octets: Uint8Array, from: Endpoint, broadcast: boolean, origin: Endpoint): void;
  /** Malformed, or refused by Annex J's rules; dropped already. */
  refused(from: Endpoint, operation: string, detail: string, fault?: WireFault): void;
  mayRegister(endpoint: Endpoint): boolean;
  sendFailed(): void;
}

/** What carries more is sent in two parts. */
const LONG_OCTETS = 512;
/** The octets of an Original-Unicast-NPDU's header (J.2.11); its length is written over. */
const UNICAST_HEADER = encodeBvlc({ function: 'original-unicast-npdu', npdu: Uint8Array.of(1, 0) }).subarray(0, 4);

export class Link {
  readonly #config: LinkConfig;
  readonly #setting: string;
  readonly #events: LinkEvents;
  readonly #deadlines: Deadlines;
  readonly #turn: TurnEnd;
  readonly #peers: readonly Endpoint[];
  readonly #believed: ReadonlySet<string>;
  readonly #foreign: ForeignDevices | undefined;
  #socket: DatagramSocket | undefined;
  #registration: Waiting | undefined;
  #isRegistered = false;

  constructor(config: LinkConfig, setting: string, events: LinkEvents, deadlines: Deadlines, turn: TurnEnd) {
    this.#config = config;
    this.#setting = setting;
    this.#events = events;
    this.#deadlines = deadlines;
    this.#turn = turn;
    this.#peers = config.bbmd?.peers ?? [];
    this.#believed = new Set(
      [...this.#peers, ...config.trustedBbmds, ...(config.foreignDeviceOf ? [config.foreignDeviceOf] : [])].map(
        endpointKey,
      ),
    );
    this.#foreign = config.foreignDevices === undefined ? undefined : new ForeignDevices(config.foreignDevices);
  }

  /** Throws a `StartFault`. */
  async open(): Promise<void> {
    const { address, port, broadcastAddress } = this.#config;
    const events: SocketEvents = {
      datagram: (octets, from, broadcast) => this.#arrived(octets, from, broadcast),
      sendFailed: () => this.#events.sendFailed(),
    };
    const place = { address, port, broadcastAddress, setting: this.#setting };
    this.#socket = await DatagramSocket.open(place, events, this.#turn);
    this.#register();
  }

  /** The address and port it has; those of the configuration until it is open. */
  get endpoint(): Endpoint {
    return this.#socket?.endpoint ?? this.#config;
  }

  /** As a foreign device: whether the BBMD has taken the registration. True for who is none. */
  get isRegistered(): boolean {
    return this.#config.foreignDeviceOf === undefined || this.#isRegistered;
  }

  /** An NPDU in two parts, header and what it carries, to one station. */
  send(to: Endpoint, header: Uint8Array, rest: Uint8Array, when: SendTime = 'at-once'): void {
    const length = UNICAST_HEADER.length + header.length + rest.length;
    if (length > MAX_NPDU_LENGTH + UNICAST_HEADER.length) {
      this.#events.sendFailed();
      return;
    }
    const before = UNICAST_HEADER.length + header.length;
    // What is long goes as it is: memory for a copy of each piece of an image would have to be collected.
    const isLong = rest.length > LONG_OCTETS;
    const octets = Buffer.allocUnsafe(isLong ? before : length);
    copyOctets(UNICAST_HEADER, octets, 0);
    octets[2] = length >> 8;
    octets[3] = length & 0xff;
    copyOctets(header, octets, UNICAST_HEADER.length);
    if (!isLong) copyOctets(rest, octets, before);
    const datagram = isLong ? [octets, rest] : octets;
    if (when === 'soon') this.#socket?.sendSoon(datagram, to);
    else this.#socket?.send(datagram, to);
  }

  /** To every station of the network, foreign devices and other subnets included. */
  broadcast(npdu: Uint8Array): void {
    const bbmd = this.#config.foreignDeviceOf;
    if (bbmd !== undefined) this.#sendTo(bbmd, { function: 'distribute-broadcast-to-network', npdu });
    else {
      this.#toSubnet({ function: 'original-broadcast-npdu', npdu });
      this.#forward(npdu, this.endpoint);
    }
  }

  /** Registrations of those who may no longer have one end. */
  lookAgain(): void {
    this.#foreign?.keep((endpoint) => this.#events.mayRegister(endpoint));
  }

  async stop(): Promise<void> {
    if (this.#registration !== undefined) this.#deadlines.drop(this.#registration);
    await this.#socket?.stop();
  }

  #arrived(datagram: Uint8Array, from: Endpoint, toBroadcastAddress: boolean): void {
    const unicast = toBroadcastAddress ? undefined : unicastNpdu(datagram);
    if (unicast !== undefined) {
      this.#events.npdu(unicast, from, false, from);
      return;
    }
    const decoded = decodeBvlc(new Uint8Array(datagram.buffer, datagram.byteOffset, datagram.length));
    if (!decoded.ok) {
      this.#events.refused(from, 'bvlc', decoded.fault.message, decoded.fault);
      return;
    }
    const bvlc = decoded.value;
    switch (bvlc.function) {
      case 'original-unicast-npdu':
        // Elsewhere it has been handed on.
        this.#events.refused(from, bvlc.function, 'got a unicast at the broadcast address');
        return;
      case 'original-broadcast-npdu':
        // J.4.5: a BBMD passes broadcasts of its own subnet on to the others.
        if (toBroadcastAddress) this.#forward(bvlc.npdu, from);
        this.#events.npdu(bvlc.npdu, from, true, from);
        return;
      case 'forwarded-npdu':
        this.#forwarded(bvlc, from, toBroadcastAddress);
        return;
      case 'result':
        this.#result(bvlc.result, from);
        return;
      default:
        if (toBroadcastAddress)
          this.#events.refused(from, bvlc.function, 'got a BVLL message at the broadcast address');
        else this.#control(bvlc, from);
    }
  }

  #forwarded(bvlc: Extract<Bvlc, { function: 'forwarded-npdu' }>, from: Endpoint, toBroadcastAddress: boolean): void {
    const origin = endpointOfIp(bvlc.origin);
    if (endpointKey(origin) === endpointKey(this.endpoint)) return;
    if (!this.#believed.has(endpointKey(from))) {
      const detail = `got an NPDU as from \`${endpointKey(origin)}\`, expected it from a BBMD of the configuration`;
      this.#events.refused(from, bvlc.function, detail);
      return;
    }
    if (this.#config.bbmd !== undefined && !toBroadcastAddress && this.#peers.some((peer) => isSame(peer, from))) {
      // J.4.5: from another BBMD: to the own subnet and to the foreign devices, never to other BBMDs.
      this.#toSubnet(bvlc);
      this.#toForeignDevices(bvlc, origin);
    }
    this.#events.npdu(bvlc.npdu, from, true, origin);
  }

  #control(bvlc: Bvlc, from: Endpoint): void {
    const now = this.#deadlines.now();
    const nak = (result: BvlcResultCode, detail: string): void => {
      this.#sendTo(from, { function: 'result', result });
      this.#events.refused(from, bvlc.function, detail);
    };
    switch (bvlc.function) {
      case 'register-foreign-device': {
        const { timeToLive } = bvlc;
        if (this.#foreign === undefined || !this.#events.mayRegister(from))
          nak('register-foreign-device-nak', 'registrations are not taken from this peer');
        else if (!this.#foreign.register(from, timeToLive, now))
          nak('register-foreign-device-nak', `got a time of \`${timeToLive}\` s, or the table is full`);
        else this.#sendTo(from, { function: 'result', result: 'successful-completion' });
        return;
      }
      case 'distribute-broadcast-to-network':
        if (this.#foreign?.has(from, now) !== true) {
          nak('distribute-broadcast-to-network-nak', 'got it from no registered foreign device');
          return;
        }
        // J.4.5: as if it had been broadcast on the BBMD's own subnet, by the foreign device.
        this.#toSubnet({ function: 'forwarded-npdu', origin: ipEndpointOf(from), npdu: bvlc.npdu });
        this.#forward(bvlc.npdu, from);
        this.#events.npdu(bvlc.npdu, from, true, from);
        return;
      case 'read-broadcast-distribution-table':
        if (this.#config.bbmd === undefined) nak('read-broadcast-distribution-table-nak', 'the gateway is no BBMD');
        else this.#sendTo(from, { function: 'read-broadcast-distribution-table-ack', entries: this.#table() });
        return;
      case 'read-foreign-device-table':
        if (this.#foreign === undefined) nak('read-foreign-device-table-nak', 'the gateway takes no foreign devices');
        else
          this.#sendTo(from, {
            function: 'read-foreign-device-table-ack',
            entries: this.#foreign.entries(now).slice(0, 148),
          });
        return;
      case 'write-broadcast-distribution-table':
        nak('write-broadcast-distribution-table-nak', 'the table comes from the site’s configuration alone');
        return;
      case 'delete-foreign-device-table-entry':
        nak('delete-foreign-device-table-entry-nak', 'registrations end by themselves');
        return;
      default:
        this.#events.refused(from, bvlc.function, 'got an ack nobody here had asked for');
    }
  }

  #table() {
    const { peers = [] } = this.#config.bbmd ?? {};
    const mask = octetsOf('255.255.255.255');
    return [
      { ...ipEndpointOf(this.endpoint), mask },
      ...peers.map((peer) => ({ ...ipEndpointOf(peer), mask: octetsOf(peer.mask) })),
    ];
  }

  #result(result: BvlcResultCode, from: Endpoint): void {
    const bbmd = this.#config.foreignDeviceOf;
    if (bbmd === undefined || !isSame(bbmd, from)) {
      this.#events.refused(from, 'result', `got \`${result}\`, which nobody here had asked for`);
      return;
    }
    if (result === 'successful-completion') this.#isRegistered = true;
    else if (result === 'register-foreign-device-nak' || result === 'distribute-broadcast-to-network-nak') {
      this.#isRegistered = false;
      this.#events.refused(from, 'result', `the BBMD answered \`${result}\``);
    }
  }

  /** J.5.2: again and again, at a third of the time, so that two may be lost; sooner while it was not taken. */
  #register(): void {
    const bbmd = this.#config.foreignDeviceOf;
    if (bbmd === undefined) return;
    this.#sendTo(bbmd, { function: 'register-foreign-device', timeToLive: bbmd.ttlSeconds });
    const inMs = Math.min((bbmd.ttlSeconds * 1000) / 3, this.#isRegistered ? Number.POSITIVE_INFINITY : 10_000);
    this.#registration = this.#deadlines.later(inMs, () => this.#register());
  }

  /** As a BBMD: to the other ones and to the foreign devices, but to `origin` itself. */
  #forward(npdu: Uint8Array, origin: Endpoint): void {
    if (this.#config.bbmd === undefined) return;
    const bvlc: Bvlc = { function: 'forwarded-npdu', origin: ipEndpointOf(origin), npdu };
    for (const peer of this.#config.bbmd.peers) {
      // J.4.3.2: with a mask other than all ones the broadcast is directed at the peer's subnet.
      const mask = octetsOf(peer.mask);
      const address = octetsOf(peer.address)
        .map((octet, at) => octet | (~(mask[at] ?? 255) & 0xff))
        .join('.');
      this.#sendTo({ address, port: peer.port }, bvlc);
    }
    this.#toForeignDevices(bvlc, origin);
  }

  #toForeignDevices(bvlc: Bvlc, origin: Endpoint): void {
    for (const endpoint of this.#foreign?.endpoints(this.#deadlines.now()) ?? [])
      if (!isSame(endpoint, origin)) this.#sendTo(endpoint, bvlc);
  }

  #toSubnet(bvlc: Bvlc): void {
    const { port } = this.endpoint;
    this.#socket?.send(encodeBvlc(bvlc), { address: this.#socket.broadcastAddress, port });
  }

  #sendTo(to: Endpoint, bvlc: Bvlc): void {
    this.#socket?.send(encodeBvlc(bvlc), to);
  }
}

function isSame(one: Endpoint, other: Endpoint): boolean {
  return one.port === other.port && one.address === other.address;
}
