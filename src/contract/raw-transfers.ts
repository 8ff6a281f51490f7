// Which firmware transfers are under way as the frames show it, so that a restart within one asks `firmware.update` and ends it.
// 1. Only the one who wrote the image is within the transfer. 2. After 30 s without a frame there is none.

import type { Clock } from './clock.ts';
import type { Caller } from './gate.ts';

const IDLE_MS = 30_000;
const MOST_TRANSFERS = 256;

interface Transfer {
  readonly holder: string;
  readonly at: number;
}

function holderOf({ principal, peer }: Caller): string {
  return `${principal ?? ''} ${peer}`;
}

export class RawTransfers {
  readonly #clock: Clock;
  readonly #transfers = new Map<string, Transfer>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A part of an image went to the device. */
  wrote(device: string, caller: Caller): void {
    this.#transfers.delete(device);
    const [oldest] = this.#transfers.keys();
    if (this.#transfers.size >= MOST_TRANSFERS && oldest !== undefined) this.#transfers.delete(oldest);
    this.#transfers.set(device, { holder: holderOf(caller), at: this.#clock.monotonic() });
  }

  ended(device: string): void {
    this.#transfers.delete(device);
  }

  isUnderWay(device: string, caller: Caller): boolean {
    const transfer = this.#transfers.get(device);
    if (transfer === undefined || transfer.holder !== holderOf(caller)) return false;
    return this.#clock.monotonic() - transfer.at < IDLE_MS;
  }
}
