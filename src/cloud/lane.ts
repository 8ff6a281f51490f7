// Work that is done one after the other, in the order it came. Invariant: whatever one piece throws is told, and the next
// one is done all the same.

import type { Log } from '../contract/log.ts';

export class Lane {
  #tail: Promise<void> = Promise.resolve();
  #waiting = 0;
  readonly #log: Log;
  readonly #name: string;

  /** `name`: whose lane it is, for the log. */
  constructor(log: Log, name: string) {
    this.#log = log;
    this.#name = name;
  }

  /** Pieces that have not begun yet. */
  get waiting(): number {
    return this.#waiting;
  }

  add(work: () => Promise<void>): void {
    this.#waiting += 1;
    this.#tail = this.#tail.then(async () => {
      this.#waiting -= 1;
      try {
        await work();
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        this.#log.write('error', 'cloud.message-failed', { lane: this.#name, why }, `${this.#name}: ${why}`);
      }
    });
  }

  /** Everything added so far is done. */
  async idle(): Promise<void> {
    await this.#tail;
  }
}
