// What observe mode saw: per writer, target and missing right, so that an integrator knows which rights to grant.

import type { JournalReader } from '../contract/journal.ts';

export interface ObservedWrite {
  readonly who: string;
  readonly from: string;
  readonly action: string;
  readonly target: string;
  readonly reason: string;
  /** The right that was missing, where it is not `action` itself. */
  readonly missing?: string;
  readonly count: number;
  readonly first: number;
  readonly last: number;
}

/** Groups the `observed` intents of the record; constant memory but for the groups. */
export function observedWrites(reader: JournalReader, query: { readonly since?: number }): readonly ObservedWrite[] {
  const groups = new Map<string, ObservedWrite>();
  let after = 0;
  for (;;) {
    const rows = reader.rows({ ...query, after, kind: 'intent', limit: 500 });
    if (rows.length === 0) break;
    for (const { number, row } of rows) {
      after = number;
      if (row.kind !== 'intent' || row.by !== 'observed') continue;
      const from = row.who.from.replace(/:\d+$/, '');
      for (const effect of row.effects) {
        const reason = effect.reason ?? row.wouldDeny;
        if (effect.grant !== undefined || reason === undefined) continue;
        const who = row.who.principal ?? 'nobody known';
        const key = JSON.stringify([who, from, effect.action, effect.target, reason, effect.missing]);
        const known = groups.get(key);
        groups.set(key, {
          who,
          from,
          action: effect.action,
          target: effect.target,
          reason,
          ...(effect.missing === undefined ? {} : { missing: effect.missing }),
          count: (known?.count ?? 0) + 1,
          first: known?.first ?? row.at,
          last: row.at,
        });
      }
    }
  }
  return [...groups.values()].sort((a, b) => b.count - a.count);
}

/** One line a group; says plainly when there is nothing to say. */
export function describeObserved(report: readonly ObservedWrite[]): string {
  if (report.length === 0) return 'nothing observed that would have been refused';
  return report
    .map(
      ({ who, from, action, target, reason, missing, count, last }) =>
        `${count} × ${who} from ${from}: ${action} on ${target} would be denied ${reason}; needs ${missing ?? action} there (last ${new Date(last).toISOString()})`,
    )
    .join('\n');
}
