// Firmware ─► device: patience. A device that answers nothing, or that it is busy, is asked again until its time is up.
// 1. A person's abort ends every wait at once. 2. What the device took makes the time run anew.

import type { Clock, Timers } from './clock.ts';

/** How long after an abort a request that is under way may still be answered. */
const LAST_ANSWER_MS = 800;

/** Between two questions; each is twice the one before. */
interface Pauses {
  readonly firstMs: number;
  readonly longestMs: number;
}

const PAUSES: Pauses = { firstMs: 50, longestMs: 250 };

export class Patience {
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #signal: AbortSignal;
  readonly #stallMs: number;
  readonly #pauses: Pauses;
  #since: number;
  #pauseMs: number;
  /** Ends what is waited for when somebody aborts. */
  #stopping: (() => void) | undefined;

  /** `stallMs`: how long it may do nothing of what it is asked for. */
  constructor(
    parts: { readonly clock: Clock; readonly timers: Timers },
    signal: AbortSignal,
    stallMs: number,
    pauses: Pauses = PAUSES,
  ) {
    this.#clock = parts.clock;
    this.#timers = parts.timers;
    this.#signal = signal;
    this.#stallMs = stallMs;
    this.#pauses = pauses;
    this.#pauseMs = pauses.firstMs;
    this.#since = this.#clock.monotonic();
    // Once: thousands of pieces wait for their answers one after the other.
    signal.addEventListener('abort', () => this.#stopping?.(), { once: true });
  }

  get isAborted(): boolean {
    return this.#signal.aborted;
  }

  /** The device did what it was asked for. */
  renew(): void {
    this.#since = this.#clock.monotonic();
    this.#pauseMs = this.#pauses.firstMs;
  }

  /** Waits a little, longer each time. False: not any more, the time is up or somebody aborted. */
  async again(): Promise<boolean> {
    if (this.isAborted || this.#clock.monotonic() - this.#since >= this.#stallMs) return false;
    await this.#ended(this.#pauseMs);
    this.#pauseMs = Math.min(2 * this.#pauseMs, this.#pauses.longestMs);
    return !this.isAborted;
  }

  /** What a request ends with; `undefined` where its answer does not come soon after an abort. One at a time. */
  answer<T>(request: Promise<T>): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      let timer: { cancel(): void } | undefined;
      const stop = (): void => {
        timer = this.#timers.after(LAST_ANSWER_MS, () => resolve(undefined));
      };
      const end = (): void => {
        timer?.cancel();
        this.#stopping = undefined;
      };
      if (this.isAborted) stop();
      else this.#stopping = stop;
      request.then(
        (answer) => {
          end();
          resolve(answer);
        },
        (fault: unknown) => {
          end();
          reject(fault);
        },
      );
    });
  }

  #ended(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        timer.cancel();
        this.#stopping = undefined;
        resolve();
      };
      const timer = this.#timers.after(ms, end);
      this.#stopping = end;
    });
  }
}
