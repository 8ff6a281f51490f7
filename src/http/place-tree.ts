// The inventory as a tree to walk: parents, and names to search. One for each compiled inventory.

import { type TargetHandle, targetHandle } from '../model/ids.ts';
import { DEVICE, type Inventory, LOCATION, POINT } from '../policy/inventory.ts';

export class PlaceTree {
  readonly inventory: Inventory;
  /** -1 above a root. */
  readonly #parents: Int32Array;
  #haystack: readonly string[] | undefined;

  constructor(inventory: Inventory) {
    this.inventory = inventory;
    const { lasts } = inventory.data;
    this.#parents = new Int32Array(inventory.handleCount).fill(-1);
    const open: number[] = [];
    for (let handle = 0; handle < inventory.handleCount; handle += 1) {
      let top = open.at(-1);
      while (top !== undefined && (lasts[top] as number) < handle) {
        open.pop();
        top = open.at(-1);
      }
      if (top !== undefined) this.#parents[handle] = top;
      if ((lasts[handle] as number) > handle) open.push(handle);
    }
  }

  parent(handle: number): TargetHandle | undefined {
    const parent = this.#parents[handle] ?? -1;
    return parent < 0 ? undefined : targetHandle(parent);
  }

  last(handle: number): number {
    return this.inventory.data.lasts[handle] as number;
  }

  kind(handle: number): 'location' | 'device' | 'point' {
    switch (this.inventory.data.kinds[handle]) {
      case LOCATION:
        return 'location';
      case DEVICE:
        return 'device';
      default:
        return 'point';
    }
  }

  isPoint(handle: number): boolean {
    return this.inventory.data.kinds[handle] === POINT;
  }

  isDevice(handle: number): boolean {
    return this.inventory.data.kinds[handle] === DEVICE;
  }

  isLocation(handle: number): boolean {
    return this.inventory.data.kinds[handle] === LOCATION;
  }

  isSite(handle: number): boolean {
    return this.inventory.data.sites[handle] === handle + 1;
  }

  /** Every word of the query stands in its name or id. */
  matches(handle: number, words: readonly string[]): boolean {
    this.#haystack ??= Array.from({ length: this.inventory.handleCount }, (_, each) => {
      const at = targetHandle(each);
      return `${this.inventory.nameOf(at)}\n${this.inventory.idOf(at)}`.toLowerCase();
    });
    const text = this.#haystack[handle] ?? '';
    return words.every((word) => text.includes(word));
  }

  /** 0: name or id begins with the query; 1: a word of it does; 2: elsewhere. */
  rank(handle: number, query: string): number {
    const text = this.#haystack?.[handle] ?? '';
    if (text.startsWith(query) || text.includes(`\n${query}`)) return 0;
    return text.includes(` ${query}`) ? 1 : 2;
  }
}

const trees = new WeakMap<Inventory, PlaceTree>();

export function treeOf(inventory: Inventory): PlaceTree {
  const known = trees.get(inventory);
  if (known) return known;
  const made = new PlaceTree(inventory);
  trees.set(inventory, made);
  return made;
}

export function wordsOf(query: string): string[] {
  return query.toLowerCase().split(/\s+/).filter(Boolean);
}
