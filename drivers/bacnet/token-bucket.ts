// How often something may happen: so many a second, bursts of twice as many.

export class TokenBucket {
  readonly #perSecond: number;
  #tokens: number;
  #at: number;

  constructor(perSecond: number, now: number) {
    this.#perSecond = perSecond;
    this.#tokens = 2 * perSecond;
    this.#at = now;
  }

  /** Whether it may happen now; counts it if so. `now` in ms, on a clock that does not go back. */
  take(now: number): boolean {
    const gained = ((now - this.#at) / 1000) * this.#perSecond;
    this.#at = now;
    this.#tokens = Math.min(2 * this.#perSecond, this.#tokens + gained);
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}
