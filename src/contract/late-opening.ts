// What listens on an address of this machine that may come later: a box boots before its switch.
// 1. An address that is not there is waited for, with growing pauses; every other fault ends the start.
// 2. Once it waits no fault ends it: it is said, and tried again. 3. What is open is said once, by whom and where.

import type { DriverName } from '../model/ids.ts';
import type { Timers } from './clock.ts';
import type { Listening } from './driver.ts';
import type { Log } from './log.ts';

/** What the machine's interfaces have, as `node:os` tells it: those without a carrier are missing. */
interface Interfaces {
  readonly [name: string]: readonly { readonly address: string; readonly internal: boolean }[] | undefined;
}

/** The machine has no such address now. */
export class AddressMissing extends Error {
  constructor(setting: string, address: string, interfaces: Interfaces) {
    const found = Object.entries(interfaces)
      .flatMap(([name, entries = []]) => entries.map((entry) => ({ name, ...entry })))
      .filter(({ internal }) => !internal)
      .map(({ name, address: one }) => `\`${one}\` (${name})`);
    const text = found.length === 0 ? 'none but loopback' : found.join(', ');
    super(`${setting}: \`${address}\` is no address of an interface that is up; found ${text}`);
  }
}

interface OpeningServices {
  readonly log: Log;
  readonly timers: Timers;
  /** It is open: where. */
  said(listening: Listening): void;
}

/** How a driver says that it is open. */
export function sayListening(log: Log, driver: DriverName): (listening: Listening) => void {
  return ({ name, address, port, transport }) => {
    const fields = { driver, listener: name, address, port, transport };
    log.write('info', 'listener.open', fields, `${driver} ${name} on ${address}:${port} (${transport})`);
  };
}

const firstPauseMs = 1000;
const longestPauseMs = 15_000;

export class LateOpening {
  readonly #name: string;
  readonly #open: () => Promise<Listening>;
  readonly #services: OpeningServices;
  #waiting: string | undefined;
  #listening: Listening | undefined;
  #pauseMs = firstPauseMs;
  #next: { cancel(): void } | undefined;
  #attempt: Promise<void> = Promise.resolve();
  #stopped = false;

  /** `open` leaves nothing open where it throws. */
  constructor(name: string, open: () => Promise<Listening>, services: OpeningServices) {
    this.#name = name;
    this.#open = open;
    this.#services = services;
  }

  /** What it waits for; `undefined` once it is open, and before `begin`. */
  get waiting(): string | undefined {
    return this.#waiting;
  }

  /** Where it is open; `undefined` while it is not. */
  get listening(): Listening | undefined {
    return this.#listening;
  }

  /** Opens it, or begins to wait. Throws what `open` throws, but for a missing address. */
  async begin(): Promise<void> {
    try {
      this.#opened(await this.#open());
    } catch (fault) {
      if (!(fault instanceof AddressMissing)) throw fault;
      this.#wait(fault.message);
    }
  }

  /** Ends the waiting; resolves when nothing is being opened any more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#next?.cancel();
    await this.#attempt;
  }

  #opened(listening: Listening): void {
    this.#listening = listening;
    this.#services.said(listening);
  }

  #wait(why: string): void {
    const { log, timers } = this.#services;
    if (why !== this.#waiting)
      log.write('warn', 'listener.waiting', { listener: this.#name, why }, `\`${this.#name}\` waits: ${why}`);
    this.#waiting = why;
    if (this.#stopped) return;
    this.#next = timers.after(this.#pauseMs, () => {
      this.#attempt = this.#again();
    });
    this.#pauseMs = Math.min(2 * this.#pauseMs, longestPauseMs);
  }

  async #again(): Promise<void> {
    try {
      this.#opened(await this.#open());
      this.#waiting = undefined;
    } catch (fault) {
      this.#wait(fault instanceof Error ? fault.message : String(fault));
    }
  }
}
