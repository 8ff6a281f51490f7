// Time that a test moves: a monotonic clock, a system's clock that may jump, and timers on the monotonic one.

import type { ClockSource } from '../../src/cloud/clock.ts';
import type { Timers } from '../../src/contract/clock.ts';

export const START = Date.parse('2026-11-22T08:00:00Z');

export class VirtualTime implements Timers, ClockSource {
  #monotonic = 1_000;
  #ahead = START - 1_000;
  isSynchronised = true;
  trustSystem = false;
  readonly #tasks = new Set<{ at: number; run: () => void }>();

  after(delayMs: number, run: () => void): { cancel(): void } {
    const task = { at: this.#monotonic + delayMs, run };
    this.#tasks.add(task);
    return { cancel: () => this.#tasks.delete(task) };
  }

  system(): number {
    return this.#monotonic + this.#ahead;
  }

  monotonic(): number {
    return this.#monotonic;
  }

  synchronised(): boolean {
    return this.isSynchronised;
  }

  /** The system's clock is set to this, nothing else moves. */
  setSystem(ms: number): void {
    this.#ahead = ms - this.#monotonic;
  }

  advance(ms: number): void {
    const end = this.#monotonic + ms;
    for (;;) {
      const [next] = [...this.#tasks].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
      if (!next) break;
      this.#tasks.delete(next);
      this.#monotonic = Math.max(this.#monotonic, next.at);
      next.run();
    }
    this.#monotonic = end;
  }
}
