// Who holds a command slot, as far as the record knows: the last change of that slot, where it still holds what was written.

import type { JournalReader } from '../contract/journal.ts';
import { type IntentRow, recordedValue } from '../model/journal-row.ts';
import type { PointValue } from '../model/point.ts';
import { isSameValue } from '../model/same-value.ts';

const MOST_ROWS = 100;

/** Of one point; `undefined`: empty, or it did not come through the gateway. */
export function slotHolders(
  reader: Pick<JournalReader, 'rows'>,
  target: string,
): (priority: number, value: PointValue) => IntentRow | undefined {
  const rows = reader.rows({ kind: 'intent', target, limit: MOST_ROWS, newestFirst: true });
  return (priority, value) => {
    if (value === null) return undefined;
    for (const { row } of rows) {
      if (row.kind !== 'intent') continue;
      const effect = row.effects.find((each) => each.target === target && each.priority === priority);
      if (effect) return effect.new !== undefined && isSameValue(recordedValue(effect.new), value) ? row : undefined;
    }
    return undefined;
  };
}
