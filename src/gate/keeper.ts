// Part of "record": rows that must reach the journal but that nothing waits for: outcomes, ends of sessions, what a never-gated
// change did. Invariants: 1. order is kept; 2. a row refused by the journal waits in bounded memory and is tried again;
// 3. what overflows is counted, never silent.

import type { JournalRow } from '../model/journal-row.ts';
import type { Counters } from './counters.ts';
import type { GateOptions } from './options.ts';

const MOST_WAITING = 4096;
const RETRY_MS = 5000;

type KeeperOptions = Pick<GateOptions, 'journal' | 'log' | 'clock' | 'timers'>;

export interface Keeper {
  /** Writes with the journal's reserve; where the journal refuses, later. */
  keep(row: JournalRow): void;
  /** `at`, and whether the clock was to be trusted. */
  stamp(): { readonly at: number; readonly clockUnsure?: true };
  readonly waiting: number;
  /** Tries once more, and resolves when nothing is on its way. */
  stop(): Promise<void>;
}

export function createKeeper({ journal, log, clock, timers }: KeeperOptions, counters: Counters): Keeper {
  const waiting: JournalRow[] = [];
  const underway = new Set<Promise<void>>();
  let retry: { cancel(): void } | undefined;

  function wait(row: JournalRow): void {
    if (waiting.length >= MOST_WAITING) {
      counters.rows_lost += 1;
      return;
    }
    waiting.push(row);
    if (retry) return;
    retry = timers.after(RETRY_MS, flush);
    log.write('error', 'record.waiting', {}, 'the journal refuses rows that must be kept; they wait in memory');
  }

  function write(row: JournalRow): void {
    const written = journal.append(row, { reserved: true }).then(
      () => {},
      () => wait(row),
    );
    underway.add(written);
    void written.then(() => underway.delete(written));
  }

  function flush(): void {
    retry?.cancel();
    retry = undefined;
    for (const row of waiting.splice(0)) write(row);
  }

  journal.onState((state) => {
    if (state.writable) flush();
  });

  return {
    keep(row) {
      // Behind rows that wait already, so that an outcome never stands before its intent.
      if (waiting.length > 0) wait(row);
      else write(row);
    },
    stamp: () => ({ at: clock.now(), ...(!clock.sure() && { clockUnsure: true as const }) }),
    get waiting() {
      return waiting.length;
    },
    async stop() {
      while (underway.size > 0) await Promise.all(underway);
      flush();
      while (underway.size > 0) await Promise.all(underway);
      retry?.cancel();
    },
  };
}
