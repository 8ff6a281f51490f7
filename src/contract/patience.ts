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

  /** What a request ends with; `undefined` where its answer does not come soon after an abort. */
  async answer<T>(request: Promise<T>): Promise<T | undefined> {
    let timer: { cancel(): void } | undefined;
    let stop: (() => void) | undefined;
    const late = new Promise<undefined>((resolve) => {
      stop = () => {
        timer = this.#timers.after(LAST_ANSWER_MS, () => resolve(undefined));
      };
      if (this.isAborted) stop();
      else this.#signal.addEventListener('abort', stop);
    });
    try {
      return await Promise.race([request, late]);
    } finally {
      timer?.cancel();
      if (stop !== undefined) this.#signal.removeEventListener('abort', stop);
    }
  }

  #ended(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        timer.cancel();
        this.#signal.removeEventListener('abort', end);
        resolve();
      };
      const timer = this.#timers.after(ms, end);
      this.#signal.addEventListener('abort', end);
    });
  }
}
