// Who is on the technicians' side: one record for each address and port, as the socket says it. 1. Bounded: who holds nothing
// and was silent longest goes first; where everybody holds something, a new one is not heard.

import type { Peer } from '../../src/contract/gate.ts';
import type { Asking } from './asking.ts';
import { type Endpoint, endpointKey } from './endpoint.ts';
import type { NorthStation } from './seam.ts';
import type { Asker, Served, Target } from './served.ts';
import { SlotTable } from './slot-table.ts';
import { TokenBucket } from './token-bucket.ts';

/** What is taken of a station that has not said what it takes. */
const UNKNOWN_MAX_APDU = 480;

export class Station implements NorthStation, Asker, Target {
  readonly peer: Peer;
  readonly key: string;
  readonly endpoint: Endpoint;
  readonly number: number;
  readonly changes = 0;
  readonly served = new SlotTable<Served>();
  underWay = 0;
  octets = 0;
  /** The longest APDU it said it takes, by its own requests. */
  maxApduLength = UNKNOWN_MAX_APDU;
  /** What was asked of it on behalf of plant devices, by their numbers. */
  readonly asked = new Map<number, Asking>();
  readonly broadcasts: TokenBucket;

  constructor(peer: Peer, number: number, broadcasts: TokenBucket) {
    this.peer = peer;
    this.endpoint = { address: peer.address, port: peer.port };
    this.key = endpointKey(this.endpoint);
    this.number = number;
    this.broadcasts = broadcasts;
  }

  get holdsNothing(): boolean {
    if (this.underWay > 0 || this.served.size > 0) return false;
    for (const asking of this.asked.values()) if (!asking.idle) return false;
    return true;
  }
}

export interface StationLimits {
  readonly stations: number;
  readonly broadcastsPerSecond: number;
}

export class StationTable {
  readonly #limits: StationLimits;
  readonly #peerOf: (endpoint: Endpoint) => Peer;
  readonly #nextNumber: () => number;
  readonly #now: () => number;
  readonly #byKey = new Map<string, Station>();

  constructor(
    limits: StationLimits,
    services: { peerOf(endpoint: Endpoint): Peer; nextNumber(): number; now(): number },
  ) {
    this.#limits = limits;
    this.#peerOf = (endpoint) => services.peerOf(endpoint);
    this.#nextNumber = () => services.nextNumber();
    this.#now = () => services.now();
  }

  get size(): number {
    return this.#byKey.size;
  }

  all(): Iterable<Station> {
    return this.#byKey.values();
  }

  find(key: string): Station | undefined {
    return this.#byKey.get(key);
  }

  /** The station at an address, known from now on; `undefined` where there is no room. */
  at(endpoint: Endpoint): Station | undefined {
    const key = endpointKey(endpoint);
    const known = this.#byKey.get(key);
    if (known !== undefined) return known;
    if (this.#byKey.size >= this.#limits.stations && !this.#makeRoom()) return undefined;
    const broadcasts = new TokenBucket(this.#limits.broadcastsPerSecond, this.#now());
    const station = new Station(this.#peerOf(endpoint), this.#nextNumber(), broadcasts);
    this.#byKey.set(key, station);
    return station;
  }

  /** Looks at a few of the oldest; who holds something counts as new again. */
  #makeRoom(): boolean {
    let looked = 0;
    for (const [key, station] of this.#byKey) {
      this.#byKey.delete(key);
      if (station.holdsNothing) return true;
      this.#byKey.set(key, station);
      looked += 1;
      if (looked >= 16) return false;
    }
    return false;
  }
}
