// Refused messages in the journal: the first of a kind at once, the rest of a minute in one row with a count, so that
// whoever can reach the broker cannot fill the record.

import type { Clock } from '../contract/clock.ts';
import type { SystemRow } from '../model/journal-row.ts';

const FOLD_MS = 60_000;

interface Fold {
  readonly since: number;
  readonly sinceMonotonic: number;
  count: number;
}

/** `event` names the rows, one record to each. */
export class RefusalRecord {
  readonly #clock: Clock;
  readonly #record: (row: SystemRow) => void;
  readonly #event: string;
  readonly #folds = new Map<string, Fold>();

  constructor(clock: Clock, record: (row: SystemRow) => void, event: string) {
    this.#event = event;
    this.#clock = clock;
    this.#record = record;
  }

  /** `detail`: what is known of the message, beside why it is refused. */
  refused(code: string, text: string, detail: SystemRow['detail']): void {
    const monotonic = this.#clock.monotonic();
    const fold = this.#folds.get(code);
    if (fold && monotonic - fold.sinceMonotonic < FOLD_MS) {
      fold.count += 1;
      return;
    }
    if (fold) this.#tell(code, fold);
    this.#folds.set(code, { since: this.#clock.now(), sinceMonotonic: monotonic, count: 0 });
    this.#write({ code, text: text.slice(0, 500), ...detail });
  }

  /** Writes the counts of those whose minute is over, or of all. */
  flush(): void {
    for (const [code, fold] of this.#folds) this.#tell(code, fold);
    this.#folds.clear();
  }

  #tell(code: string, { count, since }: Fold): void {
    if (count > 0) this.#write({ code, count, since });
  }

  #write(detail: SystemRow['detail']): void {
    const at = Math.floor(this.#clock.now());
    this.#record({
      kind: 'system',
      event: this.#event,
      at,
      detail,
      ...(this.#clock.sure() ? {} : { clockUnsure: true }),
    });
  }
}
