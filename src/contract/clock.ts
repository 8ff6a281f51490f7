// Time as a parameter. Every room gets it from here, so that tests own it.

export interface Clock {
  /** ms since 1970-01-01T00:00:00Z; never below the floor of time (SYNC.md, Clock). */
  now(): number;
  /** ms since some moment; never goes back, never jumps. */
  monotonic(): number;
  /** False until a signed message or a synchronised clock confirmed the time. */
  sure(): boolean;
}

/** One-shot timer on the same clock. `cancel` after it fired does nothing. */
export interface Timers {
  after(delayMs: number, run: () => void): { cancel(): void };
}
