// Many texts in two typed arrays, so that a hundred thousand of them cost bytes, not objects, and move between threads
// without a copy. 1. Entries are numbered from 0 in the order they were added. 2. Text is kept exactly, code unit by code unit.

export interface StringTableData {
  /** Code units of all entries, one after another; bytes where every unit is below 256. */
  readonly units: Uint8Array<ArrayBuffer> | Uint16Array<ArrayBuffer>;
  /** Entry n is `units[offsets[n] … offsets[n + 1])`. */
  readonly offsets: Uint32Array<ArrayBuffer>;
  /** Open addressing, entry number + 1, 0 = free; empty where the table is never searched. */
  readonly slots: Uint32Array<ArrayBuffer>;
}

function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return (hash ^ (hash >>> 15)) >>> 0;
}

/** One table. `find` answers only where the table was built with slots. */
export class StringTable {
  readonly data: StringTableData;

  constructor(data: StringTableData) {
    this.data = data;
  }

  /** The text of entry `index`; empty where there is no such entry. */
  at(index: number): string {
    const { units, offsets } = this.data;
    const end = offsets[index + 1] as number;
    let start = offsets[index] as number;
    let text = '';
    // Arguments of one call are bounded by the engine's stack: long texts go in pieces.
    while (start < end) {
      const stop = Math.min(end, start + 4096);
      text += String.fromCharCode.apply(null, units.subarray(start, stop) as unknown as number[]);
      start = stop;
    }
    return text;
  }

  /** The number of the entry that is exactly `text`. */
  find(text: string): number | undefined {
    const { slots } = this.data;
    const mask = slots.length - 1;
    if (mask < 0) return undefined;
    for (let slot = hashText(text) & mask; ; slot = (slot + 1) & mask) {
      const entry = slots[slot] as number;
      if (entry === 0) return undefined;
      if (this.equals(entry - 1, text)) return entry - 1;
    }
  }

  /** Whether entry `index` is exactly `text`; makes no string. */
  equals(index: number, text: string): boolean {
    const { units, offsets } = this.data;
    const start = offsets[index] as number;
    if ((offsets[index + 1] as number) - start !== text.length) return false;
    for (let i = 0; i < text.length; i += 1) {
      if (units[start + i] !== text.charCodeAt(i)) return false;
    }
    return true;
  }
}

/** Packs `texts`; with `searchable` they can be found by text (of equal entries the first is found). */
export function packStrings(texts: readonly string[], searchable: boolean): StringTableData {
  let total = 0;
  let widest = 0;
  const offsets = new Uint32Array(texts.length + 1);
  for (const [index, text] of texts.entries()) {
    total += text.length;
    offsets[index + 1] = total;
    for (let i = 0; i < text.length; i += 1) widest |= text.charCodeAt(i);
  }
  const units = widest < 256 ? new Uint8Array(total) : new Uint16Array(total);
  for (const [index, text] of texts.entries()) {
    const start = offsets[index] as number;
    for (let i = 0; i < text.length; i += 1) units[start + i] = text.charCodeAt(i);
  }
  return { units, offsets, slots: searchable ? buildSlots(texts) : new Uint32Array(0) };
}

function buildSlots(texts: readonly string[]): Uint32Array<ArrayBuffer> {
  let size = 4;
  while (size < texts.length * 2) size *= 2;
  const slots = new Uint32Array(size);
  for (const [index, text] of texts.entries()) {
    let slot = hashText(text) & (size - 1);
    while (slots[slot] !== 0) slot = (slot + 1) & (size - 1);
    slots[slot] = index + 1;
  }
  return slots;
}

/** Gives every distinct text a number, in the order they first come. */
export class Interner {
  readonly texts: string[] = [];
  readonly #numbers = new Map<string, number>();

  number(text: string): number {
    const known = this.#numbers.get(text);
    if (known !== undefined) return known;
    const number = this.texts.length;
    this.texts.push(text);
    this.#numbers.set(text, number);
    return number;
  }
}
