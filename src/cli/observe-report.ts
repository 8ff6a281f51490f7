// What observe mode saw, as an integrator reads it: per writer what went through, what would have been refused, what to grant.

import type { JournalReader } from '../contract/journal.ts';
import type { ObservedWriter, ObserveReport } from '../gate/observe-report.ts';
import type { JournalRow } from '../model/journal-row.ts';

/** Every intent of the record, page by page. */
export function* intents(reader: JournalReader, query: { readonly since?: number }): Generator<JournalRow> {
  let after = 0;
  for (;;) {
    const rows = reader.rows({ ...query, after, kind: 'intent', limit: 500 });
    if (rows.length === 0) return;
    for (const { number, row } of rows) {
      after = number;
      yield row;
    }
  }
}

/** Says plainly when there is nothing to say. */
export function describeObserved(report: ObserveReport): string {
  const denied = report.writers.filter(({ wouldBeDenied }) => wouldBeDenied > 0);
  const passed = report.writers.reduce((sum, { permitted }) => sum + permitted, 0);
  if (denied.length === 0) return `${passed} changes, none of which would have been refused`;
  return denied.map(describeWriter).join('\n');
}

function describeWriter(writer: ObservedWriter): string {
  const who = `${writer.principal ?? 'nobody known'} (${writer.proof}) from ${writer.from}`;
  const reasons = writer.reasons.map(({ reason, changes }) => `${changes} ${reason}`).join(', ');
  const lines = [
    `${who}: ${writer.wouldBeDenied} changes would be refused (${reasons}), ${writer.permitted} permitted`,
  ];
  for (const { action, targets, changes, priorities } of writer.needs) {
    const named = targets.slice(0, 10).join(', ');
    const more = targets.length > 10 ? ` and ${targets.length - 10} more` : '';
    const at = priorities.length > 0 ? ` at priority ${priorities.join(', ')}` : '';
    lines.push(`  needs \`${action}\`${at} on ${named}${more} (${changes} changes)`);
  }
  return lines.join('\n');
}
