// What work on several devices reads back from the record: a change, what became of it, and which frames went to a point since.

import type { JournalReader } from '../contract/journal.ts';
import type { IntentRow, OutcomeRow } from '../model/journal-row.ts';

const AT_ONCE = 100;

export interface WorkRecord {
  /** The intent row of a decision; absent where it was never recorded, or is kept no more. */
  intentOf(decision: string): IntentRow | undefined;
  /** What became of it; absent while that is not known. */
  outcomeOf(decision: string): OutcomeRow | undefined;
  /** Changes of a point that came as frames, in the order they were sent, since that decision; none where that is not there. */
  framesSince(decision: string, point: string): Iterable<IntentRow>;
  /** Whether the first was recorded, and with it sent, before the second; false where one is not there. */
  isBefore(decision: string, other: string): boolean;
}

export function createWorkRecord(reader: Pick<JournalReader, 'rows'>): WorkRecord {
  const numberOf = (decision: string) => reader.rows({ decision, kind: 'intent', limit: 1 })[0]?.number;
  return {
    isBefore(decision, other) {
      const [first, second] = [numberOf(decision), numberOf(other)];
      return first !== undefined && second !== undefined && first < second;
    },
    intentOf(decision) {
      const [found] = reader.rows({ decision, kind: 'intent', limit: 1 });
      return found?.row.kind === 'intent' ? found.row : undefined;
    },
    outcomeOf(decision) {
      const [found] = reader.rows({ decision, kind: 'outcome', limit: 1 });
      return found?.row.kind === 'outcome' ? found.row : undefined;
    },
    *framesSince(decision, target) {
      let [last] = reader.rows({ decision, kind: 'intent', limit: 1 });
      while (last) {
        const rows = reader.rows({ kind: 'intent', target, after: last.number, limit: AT_ONCE });
        for (const { row } of rows) if (row.kind === 'intent' && row.who.driver !== undefined) yield row;
        last = rows.length === AT_ONCE ? rows.at(-1) : undefined;
      }
    },
  };
}
