// The memory the gate writes to. Invariants: 1. an appended row is durable when its promise resolves;
// 2. order of numbers is order of appending; 3. a row is never changed or lost once acknowledged.

import type { JournalRow } from '../model/journal-row.ts';

/** The durable row: its number (from 1, gap-free) and the chain's hash (hex) up to and including it. */
export interface Receipt {
  readonly number: number;
  readonly hash: string;
}

export type JournalState = { readonly writable: true } | { readonly writable: false; readonly why: string };

export interface Journal {
  /**
   * Resolves when the row is on disk. Rows of one tick share a flush.
   * Rejects with a `JournalUnavailable` fault, and then nothing of the row is on disk.
   * `reserved`: may use the space kept for undoing and closing changes already begun.
   */
  append(row: JournalRow, options?: { readonly reserved?: boolean }): Promise<Receipt>;
  /** Refusals and the like: written with the next flush inside their own quota, never waited on; a lost one is counted. */
  note(row: JournalRow): void;
  state(): JournalState;
  onState(listener: (state: JournalState) => void): () => void;
  /** Flushes what is queued, then closes. */
  close(): Promise<void>;
}

export class JournalUnavailable extends Error {
  readonly code = 'journal-unavailable';
}

export interface StoredRow {
  readonly number: number;
  readonly hash: string;
  readonly row: JournalRow;
}

export interface JournalQuery {
  /** Rows after this number (exclusive); ascending unless `newestFirst`. */
  readonly after?: number;
  readonly before?: number;
  readonly limit: number;
  readonly newestFirst?: boolean;
  readonly kind?: JournalRow['kind'];
  readonly principal?: string;
  readonly target?: string;
  readonly decision?: string;
  readonly since?: number;
  readonly until?: number;
}

export type JournalVerdict =
  | { readonly intact: true; readonly rows: number; readonly head: string }
  | { readonly intact: false; readonly firstBroken: number; readonly why: string };

/** Reads while the daemon writes; never blocks it. */
export interface JournalReader {
  rows(query: JournalQuery): StoredRow[];
  head(): Receipt | undefined;
  /** The last row that retention removed; number 0 and 32 zero bytes where none was. */
  anchor(): Receipt;
  verify(): JournalVerdict;
  close(): void;
}
