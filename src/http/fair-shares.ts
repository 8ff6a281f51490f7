// Who holds how much of a bounded store. Invariants: 1. a holder has at most so many places, and all together at most so many;
// 2. what has to go is the oldest of whoever holds the most: a flood makes room for itself and for others, never of theirs.

export interface ShareBounds {
  readonly ofOne: number;
  readonly ofAll: number;
}

export class FairShares {
  readonly #bounds: ShareBounds;
  readonly #held = new Map<string, Set<string>>();
  readonly #holders = new Map<string, string>();

  constructor(bounds: ShareBounds) {
    this.#bounds = bounds;
  }

  /** The newest of its holder from now on. Gives what has to go for it: the id itself where nobody holds more than one. */
  add(holder: string, id: string): string | undefined {
    this.drop(id);
    const own = this.#held.get(holder) ?? new Set();
    own.add(id);
    this.#held.set(holder, own);
    this.#holders.set(id, holder);
    const isFull = this.#holders.size > this.#bounds.ofAll;
    if (!isFull && own.size <= this.#bounds.ofOne) return undefined;
    const [oldest = id] = isFull ? this.#most(own) : own;
    this.drop(oldest);
    return oldest;
  }

  drop(id: string): void {
    const holder = this.#holders.get(id);
    if (holder === undefined) return;
    this.#holders.delete(id);
    const own = this.#held.get(holder);
    own?.delete(id);
    if (own?.size === 0) this.#held.delete(holder);
  }

  /** Where several hold as many, the one who adds. */
  #most(adding: ReadonlySet<string>): ReadonlySet<string> {
    let most = adding;
    for (const each of this.#held.values()) if (each.size > most.size) most = each;
    return most;
  }
}
