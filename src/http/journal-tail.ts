// What just entered the record, for who follows a tool session: one reader for everybody, once a second while somebody looks.

import type { Timers } from '../contract/clock.ts';
import type { JournalReader, StoredRow } from '../contract/journal.ts';

const EVERY_MS = 1000;
const AT_ONCE = 500;

export interface JournalTail {
  /** Rows from now on, in order. */
  follow(heard: (row: StoredRow) => void): () => void;
  stop(): void;
}

export function createJournalTail(reader: Pick<JournalReader, 'rows' | 'head'>, timers: Timers): JournalTail {
  const listeners = new Set<(row: StoredRow) => void>();
  let after = 0;
  let timer: { cancel(): void } | undefined;

  function look(): void {
    timer = undefined;
    try {
      const rows = reader.rows({ after, limit: AT_ONCE });
      for (const row of rows) {
        after = row.number;
        for (const listener of listeners) listener(row);
      }
    } catch {
      // The record cannot be read now; the next look tries again.
    }
    if (listeners.size > 0) timer = timers.after(EVERY_MS, look);
  }

  return {
    follow(heard) {
      if (listeners.size === 0) after = reader.head()?.number ?? 0;
      listeners.add(heard);
      timer ??= timers.after(EVERY_MS, look);
      return () => {
        listeners.delete(heard);
        if (listeners.size > 0) return;
        timer?.cancel();
        timer = undefined;
      };
    },
    stop() {
      listeners.clear();
      timer?.cancel();
    },
  };
}
