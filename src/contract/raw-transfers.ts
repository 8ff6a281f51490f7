// Firmware that comes as raw frames, as the frames show it: which transfers are under way, so that a restart within one asks
// `firmware.update` and ends it; and which devices may still hold such an image, which a restart would put into use. 1. Only the one who
// wrote the image is within the transfer, from whatever address; nobody known is known by it. 2. After 30 s without a frame there is
// none. 3. What a device may hold is remembered, through restarts of the gateway, until it was put into use, dropped or replaced.

import type { Clock } from './clock.ts';
import type { Caller } from './gate.ts';
import type { Log } from './log.ts';
import type { Shelf } from './shelf.ts';

const IDLE_MS = 30_000;
const MOST_TRANSFERS = 256;
const KIND = 'raw-image';

interface Transfer {
  readonly principal: string | null;
  readonly peer: string;
  readonly at: number;
}

interface Services {
  readonly clock: Clock;
  readonly log: Log;
  /** Absent: nothing outlives the process. */
  readonly shelf?: Pick<Shelf, 'put' | 'remove' | 'list'>;
}

export class RawTransfers {
  readonly #services: Services;
  readonly #transfers = new Map<string, Transfer>();
  readonly #holding: Set<string>;

  constructor(services: Services) {
    this.#services = services;
    this.#holding = new Set(services.shelf?.list(KIND).map(({ id }) => id));
  }

  /** A part of an image may go to the device. */
  begun(device: string, { principal, peer }: Caller): void {
    this.#transfers.delete(device);
    const [oldest] = this.#transfers.keys();
    if (this.#transfers.size >= MOST_TRANSFERS && oldest !== undefined) this.#transfers.delete(oldest);
    this.#transfers.set(device, { principal, peer, at: this.#services.clock.monotonic() });
  }

  /** It went, and the device did not refuse it. */
  wrote(device: string, caller: Caller): void {
    this.begun(device, caller);
    if (this.#holding.has(device)) return;
    this.#holding.add(device);
    const { shelf, clock } = this.#services;
    this.#keep(device, shelf?.put(KIND, { id: device, at: clock.now(), body: '' }));
  }

  /** What ends a transfer went to the device. */
  ended(device: string): void {
    this.#transfers.delete(device);
  }

  /** And the device did not refuse it, or the gateway put an image of its own there: nothing unverified waits for a restart any more. */
  settled(device: string): void {
    this.ended(device);
    if (this.#holding.delete(device)) this.#keep(device, this.#services.shelf?.remove(KIND, device));
  }

  isUnderWay(device: string, { principal, peer }: Caller): boolean {
    const transfer = this.#transfers.get(device);
    if (transfer === undefined) return false;
    const isHolder = principal === null ? peer === transfer.peer : principal === transfer.principal;
    return isHolder && this.#services.clock.monotonic() - transfer.at < IDLE_MS;
  }

  /** A restart may put an image into use that nobody verified. */
  mayHold(device: string): boolean {
    return this.#holding.has(device);
  }

  #keep(device: string, kept: Promise<void> | undefined): void {
    kept?.catch((error: unknown) => {
      const why = error instanceof Error ? error.message : String(error);
      const text = `whether \`${device}\` holds a raw image is not remembered beyond a restart of the gateway: ${why}`;
      this.#services.log.write('error', 'raw-image.not-saved', { device, why }, text);
    });
  }
}
