// Time-outs by the thousand, without a timer each: one coarse tick looks at whoever waits. 1. No tick while nobody waits.
// 2. `expire` comes once for every `add`, not before its time, at most two ticks after it; never after `drop`.
// 3. Who waits stands in a chain of its own members, so that coming and going leaves nothing behind to be collected.

import type { Clock, Timers } from '../../src/contract/clock.ts';

/** Somebody who may wait, once at a time. */
export abstract class Waiting {
  /** On the monotonic clock; may be moved while it waits. */
  at = 0;
  /** Neighbours in the chain: nobody but Deadlines touches them. */
  before: Waiting | undefined = undefined;
  after: Waiting | undefined = undefined;
  isWaiting = false;

  abstract expire(): void;
}

class Alarm extends Waiting {
  readonly #run: () => void;

  constructor(at: number, run: () => void) {
    super();
    this.at = at;
    this.#run = run;
  }

  expire(): void {
    this.#run();
  }
}

const tickMs = 20;

export class Deadlines {
  readonly #clock: Clock;
  readonly #timers: Timers;
  #first: Waiting | undefined;
  #tick: { cancel(): void } | undefined;
  #stopped = false;

  constructor(clock: Clock, timers: Timers) {
    this.#clock = clock;
    this.#timers = timers;
  }

  now(): number {
    return this.#clock.monotonic();
  }

  add(waiting: Waiting): void {
    if (this.#stopped || waiting.isWaiting) return;
    waiting.isWaiting = true;
    waiting.after = this.#first;
    if (this.#first !== undefined) this.#first.before = waiting;
    this.#first = waiting;
    if (this.#tick === undefined) this.#arm();
  }

  drop(waiting: Waiting): void {
    if (!waiting.isWaiting) return;
    const { before, after } = waiting;
    if (before === undefined) this.#first = after;
    else before.after = after;
    if (after !== undefined) after.before = before;
    waiting.before = undefined;
    waiting.after = undefined;
    waiting.isWaiting = false;
  }

  /** Runs something some time from now, once, unless it is dropped. */
  later(delayMs: number, run: () => void): Waiting {
    const alarm = new Alarm(this.now() + delayMs, run);
    this.add(alarm);
    return alarm;
  }

  stop(): void {
    this.#stopped = true;
    while (this.#first !== undefined) this.drop(this.#first);
    this.#tick?.cancel();
    this.#tick = undefined;
  }

  #arm(): void {
    this.#tick = this.#timers.after(tickMs, () => {
      this.#tick = undefined;
      const now = this.now();
      const due: Waiting[] = [];
      for (let waiting = this.#first; waiting !== undefined; waiting = waiting.after)
        if (waiting.at <= now) due.push(waiting);
      for (const waiting of due) {
        // One that came to its end by what another one did waits no more.
        if (!waiting.isWaiting || waiting.at > now) continue;
        this.drop(waiting);
        waiting.expire();
      }
      if (this.#first !== undefined && this.#tick === undefined && !this.#stopped) this.#arm();
    });
  }
}
