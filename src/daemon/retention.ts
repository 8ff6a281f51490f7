// Takes old rows out of the journal: never one the cloud has not acknowledged, never one younger than the site keeps.

import type { PolicyClock } from '../cloud/clock.ts';
import type { Timers } from '../contract/clock.ts';
import type { Log } from '../contract/log.ts';
import type { JournalStore } from '../store/journal.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
const FIRST_MS = 60_000;

interface RetentionParts {
  readonly journal: Pick<JournalStore, 'prune'>;
  readonly clock: PolicyClock;
  readonly timers: Timers;
  readonly log: Log;
  readonly keepDays: number;
  /** The last row that may go as far as the cloud is concerned; undefined: there is no cloud to wait for. */
  readonly acknowledged: () => number | undefined;
}

/** Looks every hour; the function it gives ends that. */
export function keepRetention({ journal, clock, timers, log, keepDays, acknowledged }: RetentionParts): () => void {
  let timer = timers.after(FIRST_MS, look);
  function look(): void {
    timer = timers.after(HOUR_MS, look);
    // With time unsure nothing is old.
    if (!clock.sure()) return;
    const upTo = acknowledged() ?? Number.MAX_SAFE_INTEGER;
    journal.prune(Math.floor(clock.now()) - keepDays * DAY_MS, upTo).then(
      (removed) => {
        if (removed > 0) log.write('info', 'journal.pruned', { removed, upTo }, `${removed} old journal rows removed`);
      },
      (error: unknown) => {
        const why = error instanceof Error ? error.message : String(error);
        log.write('error', 'journal.not-pruned', { why }, `old journal rows could not be removed: ${why}`);
      },
    );
  }
  return () => timer.cancel();
}
