// The foreign device table of a BBMD (J.5): who registered, for how long. 1. Bounded in entries and in time.
// 2. A registration lasts its time to live and the standard's grace of 30 s, no longer. 3. No address has more than its share.

import { type Endpoint, endpointKey, ipEndpointOf } from './endpoint.ts';
import type { FdtEntry } from './wire/bvlc.ts';

interface Registration {
  readonly endpoint: Endpoint;
  readonly ttlSeconds: number;
  readonly until: number;
}

const graceSeconds = 30;
/** Of all entries, for the ports of one address together. */
const shareOfOneAddress = 1 / 8;

export class ForeignDevices {
  readonly #maxEntries: number;
  readonly #maxTtlSeconds: number;
  readonly #table = new Map<string, Registration>();

  constructor(limits: { readonly maxEntries: number; readonly maxTtlSeconds: number }) {
    this.#maxEntries = limits.maxEntries;
    this.#maxTtlSeconds = limits.maxTtlSeconds;
  }

  /** False where the time is none that may be asked for, or the table is full. A time of 0 ends a registration. */
  register(endpoint: Endpoint, ttlSeconds: number, now: number): boolean {
    this.#sweep(now);
    const key = endpointKey(endpoint);
    if (ttlSeconds > this.#maxTtlSeconds) return false;
    if (!this.#table.has(key)) {
      const ofOne = [...this.#table.values()].filter((one) => one.endpoint.address === endpoint.address).length;
      const isOverShare = ofOne >= Math.max(1, this.#maxEntries * shareOfOneAddress);
      if (this.#table.size >= this.#maxEntries || isOverShare) return false;
    }
    this.#table.set(key, { endpoint, ttlSeconds, until: now + (ttlSeconds + graceSeconds) * 1000 });
    return true;
  }

  has(endpoint: Endpoint, now: number): boolean {
    const found = this.#table.get(endpointKey(endpoint));
    return found !== undefined && found.until > now;
  }

  endpoints(now: number): Endpoint[] {
    this.#sweep(now);
    return [...this.#table.values()].map(({ endpoint }) => endpoint);
  }

  entries(now: number): FdtEntry[] {
    this.#sweep(now);
    return [...this.#table.values()].map(({ endpoint, ttlSeconds, until }) => ({
      ...ipEndpointOf(endpoint),
      timeToLive: ttlSeconds,
      remaining: Math.min(0xffff, Math.ceil((until - now) / 1000)),
    }));
  }

  /** Those `stays` denies are gone: rights moved. */
  keep(stays: (endpoint: Endpoint) => boolean): void {
    for (const [key, { endpoint }] of this.#table) if (!stays(endpoint)) this.#table.delete(key);
  }

  #sweep(now: number): void {
    for (const [key, { until }] of this.#table) if (until <= now) this.#table.delete(key);
  }
}
