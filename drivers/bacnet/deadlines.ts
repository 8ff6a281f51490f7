// Time-outs by the thousand, without a timer each: one coarse tick looks at whoever waits. 1. No tick while nobody waits.
// 2. `expire` comes once for every `add`, not before its time, at most two ticks after it; never after `drop`.

import type { Clock, Timers } from '../../src/contract/clock.ts';

/** Somebody who waits. `at` is on the monotonic clock and may be moved while it waits. */
export interface Waiting {
  at: number;
  expire(): void;
}

const tickMs = 20;

export class Deadlines {
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #waiting = new Set<Waiting>();
  #tick: { cancel(): void } | undefined;
  #stopped = false;

  constructor(clock: Clock, timers: Timers) {
    this.#clock = clock;
    this.#timers = timers;
  }

  now(): number {
    return this.#clock.monotonic();
  }

  get size(): number {
    return this.#waiting.size;
  }

  add(waiting: Waiting): void {
    if (this.#stopped) return;
    this.#waiting.add(waiting);
    if (this.#tick === undefined) this.#arm();
  }

  drop(waiting: Waiting): void {
    this.#waiting.delete(waiting);
  }

  /** `expire` some time from now, once. */
  after(delayMs: number, expire: () => void): Waiting {
    const waiting = { at: this.now() + delayMs, expire };
    this.add(waiting);
    return waiting;
  }

  stop(): void {
    this.#stopped = true;
    this.#waiting.clear();
    this.#tick?.cancel();
    this.#tick = undefined;
  }

  #arm(): void {
    this.#tick = this.#timers.after(tickMs, () => {
      this.#tick = undefined;
      const now = this.now();
      for (const waiting of this.#waiting) {
        if (waiting.at > now) continue;
        this.#waiting.delete(waiting);
        waiting.expire();
      }
      if (this.#waiting.size > 0 && this.#tick === undefined && !this.#stopped) this.#arm();
    });
  }
}
