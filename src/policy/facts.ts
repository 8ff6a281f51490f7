// Facts as columns: one per tag, its subjects and values in typed arrays, so that a comparison runs over one array.
// Subjects are point handles in one set of columns, device numbers in the other. Within a kind they ascend.

import type { FactValue } from './schema.ts';
import type { Interner } from './string-table.ts';

export interface FactColumn {
  /** Subjects whose fact is `true`: a marker. */
  readonly markers: Uint32Array<ArrayBuffer>;
  /** Subjects whose fact is `false`: the only boolean. */
  readonly flags: Uint32Array<ArrayBuffer>;
  readonly numbered: Uint32Array<ArrayBuffer>;
  readonly numbers: Float64Array<ArrayBuffer>;
  readonly worded: Uint32Array<ArrayBuffer>;
  /** Numbers in the table of fact texts. */
  readonly texts: Uint32Array<ArrayBuffer>;
  readonly referring: Uint32Array<ArrayBuffer>;
  /** Numbers in the table of fact texts: the ids referred to. */
  readonly refs: Uint32Array<ArrayBuffer>;
}

export type FactColumns = ReadonlyMap<string, FactColumn>;

interface GrowingColumn {
  readonly markers: number[];
  readonly flags: number[];
  readonly numbered: number[];
  readonly numbers: number[];
  readonly worded: number[];
  readonly texts: number[];
  readonly referring: number[];
  readonly refs: number[];
}

/** Gathers facts subject by subject, subjects ascending. */
export class FactGatherer {
  readonly #columns = new Map<string, GrowingColumn>();
  readonly #texts: Interner;

  constructor(texts: Interner) {
    this.#texts = texts;
  }

  add(subject: number, facts: Readonly<Record<string, FactValue>>): void {
    for (const tag of Object.keys(facts)) {
      const value = facts[tag];
      const column = this.#column(tag);
      if (value === true) column.markers.push(subject);
      else if (value === false) column.flags.push(subject);
      else if (typeof value === 'number') {
        column.numbered.push(subject);
        column.numbers.push(value);
      } else if (typeof value === 'string') {
        column.worded.push(subject);
        column.texts.push(this.#texts.number(value));
      } else {
        column.referring.push(subject);
        column.refs.push(this.#texts.number((value as { $ref: string }).$ref));
      }
    }
  }

  columns(): FactColumns {
    const packed = new Map<string, FactColumn>();
    for (const [tag, column] of this.#columns) {
      packed.set(tag, {
        markers: Uint32Array.from(column.markers),
        flags: Uint32Array.from(column.flags),
        numbered: Uint32Array.from(column.numbered),
        numbers: Float64Array.from(column.numbers),
        worded: Uint32Array.from(column.worded),
        texts: Uint32Array.from(column.texts),
        referring: Uint32Array.from(column.referring),
        refs: Uint32Array.from(column.refs),
      });
    }
    return packed;
  }

  #column(tag: string): GrowingColumn {
    const known = this.#columns.get(tag);
    if (known !== undefined) return known;
    const column: GrowingColumn = {
      markers: [],
      flags: [],
      numbered: [],
      numbers: [],
      worded: [],
      texts: [],
      referring: [],
      refs: [],
    };
    this.#columns.set(tag, column);
    return column;
  }
}
