// How often something may happen in all, and how often for one who causes it: who is noisy uses up only its own share.
// 1. Bounded: of more than `mostKnown` the one seen first is forgotten, and the bound on all of them holds.

import { TokenBucket } from './token-bucket.ts';

const mostKnown = 1024;

export class SharedBucket {
  readonly #all: TokenBucket;
  readonly #perSecondOfOne: number;
  readonly #ofOne = new Map<string, TokenBucket>();

  constructor(perSecond: number, perSecondOfOne: number, now: number) {
    this.#all = new TokenBucket(perSecond, now);
    this.#perSecondOfOne = perSecondOfOne;
  }

  /** Whether it may happen now because of `who`; counts it if so. `now` in ms, on a clock that does not go back. */
  take(who: string, now: number): boolean {
    let own = this.#ofOne.get(who);
    if (own === undefined) {
      const oldest = this.#ofOne.size >= mostKnown ? this.#ofOne.keys().next().value : undefined;
      if (oldest !== undefined) this.#ofOne.delete(oldest);
      own = new TokenBucket(this.#perSecondOfOne, now);
      this.#ofOne.set(who, own);
    }
    return own.take(now) && this.#all.take(now);
  }
}
