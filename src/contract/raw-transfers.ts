// Which firmware transfers are under way as the frames show it, so that a restart within one asks `firmware.update` and ends it.
// 1. Only the one who wrote the image is within the transfer, from whatever address; nobody known is known by it. 2. After 30 s without a frame there is none.

import type { Clock } from './clock.ts';
import type { Caller } from './gate.ts';

const IDLE_MS = 30_000;
const MOST_TRANSFERS = 256;

interface Transfer {
  readonly principal: string | null;
  readonly peer: string;
  readonly at: number;
}

export class RawTransfers {
  readonly #clock: Clock;
  readonly #transfers = new Map<string, Transfer>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A part of an image may go, or went, to the device. */
  wrote(device: string, { principal, peer }: Caller): void {
    this.#transfers.delete(device);
    const [oldest] = this.#transfers.keys();
    if (this.#transfers.size >= MOST_TRANSFERS && oldest !== undefined) this.#transfers.delete(oldest);
    this.#transfers.set(device, { principal, peer, at: this.#clock.monotonic() });
  }

  ended(device: string): void {
    this.#transfers.delete(device);
  }

  isUnderWay(device: string, { principal, peer }: Caller): boolean {
    const transfer = this.#transfers.get(device);
    if (transfer === undefined) return false;
    const isHolder = principal === null ? peer === transfer.peer : principal === transfer.principal;
    return isHolder && this.#clock.monotonic() - transfer.at < IDLE_MS;
  }
}
