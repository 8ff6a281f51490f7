// What is under way, by number. A table of its own instead of a Map: transactions come and go by the ten thousand a second, and a
// Map's discarded tables, once old, keep what they held alive until the next full collection.

/** Anything with a number it is found by. */
interface Numbered {
  /** A whole number from 0; unique in its table. */
  readonly key: number;
}

const FIRST_SIZE = 16;

/** Open addressing with linear probing; at most half full, so that a search always ends. */
export class SlotTable<T extends Numbered> {
  #slots: (T | undefined)[] = new Array<T | undefined>(FIRST_SIZE).fill(undefined);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(key: number): T | undefined {
    return this.#slots[this.#find(key)];
  }

  /** Replaces what has the same number. */
  set(entry: T): void {
    const at = this.#find(entry.key);
    if (this.#slots[at] === undefined) this.#size += 1;
    this.#slots[at] = entry;
    if (2 * this.#size > this.#slots.length) this.#grow();
  }

  delete(key: number): void {
    const slots = this.#slots;
    let hole = this.#find(key);
    if (slots[hole] === undefined) return;
    this.#size -= 1;
    // What stands behind the hole and would be looked for before it moves up.
    const mask = slots.length - 1;
    for (let at = (hole + 1) & mask; ; at = (at + 1) & mask) {
      const entry = slots[at];
      if (entry === undefined) break;
      const home = placeOf(entry.key, mask);
      if (((at - home) & mask) < ((at - hole) & mask)) continue;
      slots[hole] = entry;
      hole = at;
    }
    slots[hole] = undefined;
  }

  /** All of them as they are now; what is done with them changes nothing of the list. */
  all(): readonly T[] {
    return this.#slots.filter((entry) => entry !== undefined);
  }

  /** Where the number is, or where it would be put. */
  #find(key: number): number {
    const mask = this.#slots.length - 1;
    let at = placeOf(key, mask);
    for (let entry = this.#slots[at]; entry !== undefined && entry.key !== key; entry = this.#slots[at])
      at = (at + 1) & mask;
    return at;
  }

  #grow(): void {
    const before = this.#slots;
    this.#slots = new Array<T | undefined>(2 * before.length).fill(undefined);
    for (const [at, entry] of before.entries()) {
      if (entry === undefined) continue;
      this.#slots[this.#find(entry.key)] = entry;
      before[at] = undefined;
    }
  }
}

function placeOf(key: number, mask: number): number {
  const mixed = Math.imul(key, 0x9e3779b1);
  return (mixed ^ (mixed >>> 15)) & mask;
}
