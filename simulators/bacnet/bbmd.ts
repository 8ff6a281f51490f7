// A simulated BBMD: foreign devices register with it, and it carries broadcasts between them, its peers and its own network.
// 1. What it forwards carries the origin's address, as Annex J has it.
// 2. Who is not registered and not in the table has nothing distributed.

import type { SeenDatagram } from './client.ts';
import { type DatagramPort, openPort } from './datagram-port.ts';
import { BVLC, decodeBvlc, type Endpoint, encodeBvlc, macOf } from './framing.ts';

interface SimulatedBbmdOptions {
  readonly host: string;
  readonly port: number;
  /** Its own network's broadcast address. Default 127.255.255.255. */
  readonly broadcastAddress?: string;
  /** Other BBMDs, each told of every broadcast. */
  readonly peers?: readonly Endpoint[];
  /** Registrations are refused. */
  readonly refuses?: boolean;
  readonly now?: () => number;
}

const GRACE_SECONDS = 30;
const REGISTERED = 0;
const REGISTRATION_REFUSED = 0x30;
const NOT_DISTRIBUTED = 0x60;

export class SimulatedBbmd {
  readonly datagrams: SeenDatagram[] = [];
  readonly #options: SimulatedBbmdOptions;
  readonly #foreign = new Map<string, { readonly endpoint: Endpoint; readonly ttl: number; readonly until: number }>();
  #port: DatagramPort | undefined;

  private constructor(options: SimulatedBbmdOptions) {
    this.#options = options;
  }

  static async start(options: SimulatedBbmdOptions): Promise<SimulatedBbmd> {
    const bbmd = new SimulatedBbmd(options);
    bbmd.#port = await openPort({ ...options, arrived: (bytes, from) => bbmd.#arrived(bytes, from) });
    return bbmd;
  }

  get endpoint(): Endpoint {
    return this.#running.endpoint;
  }

  /** Who is registered now. */
  get foreignDevices(): readonly Endpoint[] {
    this.#expire();
    return [...this.#foreign.values()].map(({ endpoint }) => endpoint);
  }

  async stop(): Promise<void> {
    await this.#port?.stop();
  }

  get #running(): DatagramPort {
    if (this.#port === undefined) throw new Error('the bbmd is not running');
    return this.#port;
  }

  get #now(): number {
    return (this.#options.now ?? Date.now)();
  }

  #expire(): void {
    for (const [key, { until }] of this.#foreign) if (until <= this.#now) this.#foreign.delete(key);
  }

  #arrived(bytes: Buffer, from: Endpoint): void {
    this.datagrams.push({ at: this.#now, direction: 'in', other: from, bytes: Buffer.from(bytes) });
    const bvlc = decodeBvlc(bytes);
    if (bvlc === undefined) return;
    switch (bvlc.function) {
      case BVLC.registerForeignDevice:
        this.#register(bvlc.payload, from);
        return;
      case BVLC.distributeBroadcast: {
        const known = this.foreignDevices.some((one) => same(one, from));
        if (!known) this.#result(NOT_DISTRIBUTED, from);
        else this.#spread(bvlc.payload, from, true);
        return;
      }
      case BVLC.broadcast:
        this.#spread(bvlc.payload, from, false);
        return;
      case BVLC.forwarded:
        if (bvlc.origin !== undefined) this.#fromPeer(bvlc.payload, bvlc.origin, from);
        return;
      case BVLC.readForeignTable:
        this.#send(encodeBvlc(BVLC.readForeignTableAck, this.#table()), from);
    }
  }

  #register(payload: Buffer, from: Endpoint): void {
    if (this.#options.refuses === true || payload.length !== 2) {
      this.#result(REGISTRATION_REFUSED, from);
      return;
    }
    const ttl = payload.readUInt16BE();
    this.#foreign.set(`${from.host}:${from.port}`, {
      endpoint: from,
      ttl,
      until: this.#now + (ttl + GRACE_SECONDS) * 1000,
    });
    this.#result(REGISTERED, from);
  }

  #spread(npdu: Buffer, origin: Endpoint, local: boolean): void {
    const forwarded = encodeBvlc(BVLC.forwarded, npdu, origin);
    if (local) this.#running.broadcast(forwarded);
    for (const peer of this.#options.peers ?? []) this.#send(forwarded, peer);
    for (const one of this.foreignDevices) if (!same(one, origin)) this.#send(forwarded, one);
  }

  #fromPeer(npdu: Buffer, origin: Endpoint, from: Endpoint): void {
    if (!(this.#options.peers ?? []).some((peer) => same(peer, from))) return;
    const forwarded = encodeBvlc(BVLC.forwarded, npdu, origin);
    this.#running.broadcast(forwarded);
    for (const one of this.foreignDevices) this.#send(forwarded, one);
  }

  /** Address, time to live and seconds left of each registration. */
  #table(): Buffer {
    this.#expire();
    return Buffer.concat(
      [...this.#foreign.values()].map(({ endpoint, ttl, until }) => {
        const entry = Buffer.alloc(10);
        entry.set(macOf(endpoint));
        entry.writeUInt16BE(ttl, 6);
        entry.writeUInt16BE(Math.min(0xffff, Math.round((until - this.#now) / 1000)), 8);
        return entry;
      }),
    );
  }

  #result(code: number, to: Endpoint): void {
    this.#send(encodeBvlc(BVLC.result, Buffer.from([0, code])), to);
  }

  #send(bytes: Buffer, to: Endpoint): void {
    this.datagrams.push({ at: this.#now, direction: 'out', other: to, bytes });
    this.#running.send(bytes, to);
  }
}

function same(one: Endpoint, other: Endpoint): boolean {
  return one.host === other.host && one.port === other.port;
}
