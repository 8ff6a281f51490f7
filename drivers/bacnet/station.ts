// Who is on the technicians' side: one record for each address and port, as the socket says it. 1. Bounded, in all and for each
// address: who holds nothing and was silent longest goes first; where everybody holds something, a new one is not heard.
// 2. Nobody the gate knows goes to make room for a stranger: a console that only listens must not miss its alarms.

import type { Peer } from '../../src/contract/gate.ts';
import type { Asking } from './asking.ts';
import { type Endpoint, endpointKey, endpointNumber } from './endpoint.ts';
import type { NorthStation } from './seam.ts';
import type { Asker, Served, Share, Target } from './served.ts';
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
  /** Of its address: another port is not another peer. */
  readonly share: Share;
  /** The longest APDU it said it takes, by its own requests. */
  maxApduLength = UNKNOWN_MAX_APDU;
  /** What was asked of it on behalf of plant devices, by their numbers. */
  readonly asked = new Map<number, Asking>();
  readonly broadcasts: TokenBucket;

  constructor(peer: Peer, number: number, broadcasts: TokenBucket, share: Share) {
    this.peer = peer;
    this.endpoint = { address: peer.address, port: peer.port };
    this.key = endpointKey(this.endpoint);
    this.number = number;
    this.broadcasts = broadcasts;
    this.share = share;
  }

  get holdsNothing(): boolean {
    if (this.underWay > 0 || this.served.size > 0) return false;
    for (const asking of this.asked.values()) if (!asking.idle) return false;
    return true;
  }
}

interface StationLimits {
  readonly stations: number;
  readonly broadcastsPerSecond: number;
}

interface StationServices {
  peerOf(endpoint: Endpoint): Peer;
  /** Whether the gate knows who works from there. */
  isKnown(peer: Peer): boolean;
  nextNumber(): number;
  now(): number;
}

/** One address may have at most so many of the stations: a flood of ports is one peer. */
const SHARE_OF_ONE_ADDRESS = 1 / 8;
const looksAtOnce = 64;

interface AddressShare extends Share {
  readonly stations: Map<number, Station>;
}

export class StationTable {
  readonly #limits: StationLimits;
  readonly #services: StationServices;
  readonly #byEndpoint = new Map<number, Station>();
  readonly #byAddress = new Map<string, AddressShare>();

  constructor(limits: StationLimits, services: StationServices) {
    this.#limits = limits;
    this.#services = services;
  }

  get size(): number {
    return this.#byEndpoint.size;
  }

  all(): Iterable<Station> {
    return this.#byEndpoint.values();
  }

  /** The station at an address, known from now on; `undefined` where there is no room. */
  at(endpoint: Endpoint): Station | undefined {
    const key = endpointNumber(endpoint);
    return this.#byEndpoint.get(key) ?? this.#meet(key, endpoint);
  }

  #meet(key: number, endpoint: Endpoint): Station | undefined {
    const peer = this.#services.peerOf(endpoint);
    const { stations } = this.#limits;
    const ofOne = this.#byAddress.get(endpoint.address)?.stations;
    if (ofOne !== undefined && ofOne.size >= Math.max(1, stations * SHARE_OF_ONE_ADDRESS)) {
      if (!this.#makeRoom(ofOne, () => true)) return undefined;
    } else if (this.#byEndpoint.size >= stations) {
      const { isKnown } = this.#services;
      const isStranger = (one: Station): boolean => !isKnown(one.peer);
      if (
        !this.#makeRoom(this.#byEndpoint, isStranger) &&
        !(isKnown(peer) && this.#makeRoom(this.#byEndpoint, () => true))
      )
        return undefined;
    }
    const share = this.#byAddress.get(endpoint.address) ?? { underWay: 0, octets: 0, stations: new Map() };
    this.#byAddress.set(endpoint.address, share);
    const broadcasts = new TokenBucket(this.#limits.broadcastsPerSecond, this.#services.now());
    const station = new Station(peer, this.#services.nextNumber(), broadcasts, share);
    this.#byEndpoint.set(key, station);
    share.stations.set(key, station);
    return station;
  }

  /** Looks at some of the oldest; who stays counts as new again. */
  #makeRoom(stations: Map<number, Station>, mayGo: (station: Station) => boolean): boolean {
    let looked = 0;
    for (const [key, station] of stations) {
      if (station.holdsNothing && mayGo(station)) {
        this.#forget(key, station);
        return true;
      }
      stations.delete(key);
      stations.set(key, station);
      looked += 1;
      if (looked >= looksAtOnce) return false;
    }
    return false;
  }

  #forget(key: number, { endpoint }: Station): void {
    this.#byEndpoint.delete(key);
    const share = this.#byAddress.get(endpoint.address);
    share?.stations.delete(key);
    if (share?.stations.size === 0) this.#byAddress.delete(endpoint.address);
  }
}
