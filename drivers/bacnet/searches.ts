// Who-Is and Who-Has ─► who asked: what is found goes to them by unicast. 1. Bounded in number and in time. 2. The gateway’s own
// searches do not come here: however many others look, it finds its devices.

import type { Clock } from '../../src/contract/clock.ts';
import { type Station, stationKey, turnKey } from './callers.ts';
import { TokenBucket } from './token-bucket.ts';
import type { ObjectIdentifier } from './wire/primitive-content.ts';
import type { UnconfirmedRequest } from './wire/unconfirmed-service.ts';

type Search = Extract<UnconfirmedRequest, { service: 'who-is' | 'who-has' }>;
/** What answers a search. */
export type Finding = Extract<UnconfirmedRequest, { service: 'i-am' | 'i-have' }>;

interface Asked {
  readonly station: Station;
  readonly request: Search;
  readonly until: number;
}

const ANSWERED_WITHIN_MS = 10_000;
const MOST_SEARCHES = 1024;
const MOST_OF_ONE = 64;
/** That go on to the plant, of all stations together. */
const PER_SECOND = 40;

export class Searches {
  readonly #clock: Clock;
  readonly #all: TokenBucket;
  #asked: Asked[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#all = new TokenBucket(PER_SECOND, clock.monotonic());
  }

  /** False where the station, or everybody together, asks so often that this one does not go on. */
  asked(station: Station, request: Search): boolean {
    this.#sweep();
    const key = turnKey(station);
    const own = this.#asked.filter((one) => turnKey(one.station) === key);
    if (own.length >= MOST_OF_ONE || !this.#all.take(this.#clock.monotonic())) return false;
    if (this.#asked.length >= MOST_SEARCHES) this.#asked.shift();
    this.#asked.push({ station, request, until: this.#clock.monotonic() + ANSWERED_WITHIN_MS });
    return true;
  }

  /** Each station once. */
  whoAsked(found: Finding): readonly Station[] {
    this.#sweep();
    const stations = new Map<string, Station>();
    for (const { station, request } of this.#asked) {
      if (answers(found, request)) stations.set(stationKey(station), station);
    }
    return [...stations.values()];
  }

  #sweep(): void {
    const now = this.#clock.monotonic();
    this.#asked = this.#asked.filter(({ until }) => until > now);
  }
}

function answers(found: Finding, search: Search): boolean {
  if (found.service === 'i-am') {
    if (search.service !== 'who-is') return false;
    const { deviceInstanceRangeLowLimit: low, deviceInstanceRangeHighLimit: high } = search.parameters;
    return within(found.parameters.iAmDeviceIdentifier.instance, low, high);
  }
  if (search.service !== 'who-has') return false;
  const { limits, object } = search.parameters;
  const { deviceIdentifier, objectIdentifier, objectName } = found.parameters;
  if (!within(deviceIdentifier.instance, limits?.deviceInstanceRangeLowLimit, limits?.deviceInstanceRangeHighLimit))
    return false;
  if (object.choice === 'object-identifier') return isSame(object.value, objectIdentifier);
  // The device compares names its own way (character sets); the octets tell what was asked well enough.
  return Buffer.compare(object.value.octets, objectName.octets) === 0;
}

function within(instance: number, low: number | undefined, high: number | undefined): boolean {
  return low === undefined || high === undefined || (instance >= low && instance <= high);
}

function isSame(one: ObjectIdentifier, other: ObjectIdentifier): boolean {
  return one.type === other.type && one.instance === other.instance;
}
