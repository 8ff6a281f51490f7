// Observe first: what the journal says of a time of observing, summed up: who wrote what, and which rights they would need.

import type { DenialReason } from '../model/decision.ts';
import type { IntentRow, JournalRow } from '../model/journal-row.ts';

/** What one writer would need to go on as it does. */
interface NeededRight {
  readonly action: string;
  readonly targets: readonly string[];
  readonly priorities: readonly number[];
  readonly reasons: readonly DenialReason[];
  readonly changes: number;
}

export interface ObservedWriter {
  readonly principal: string | null;
  readonly proof: string;
  /** Address without a port. */
  readonly from: string;
  readonly operations: readonly string[];
  /** Changes the policy permits as it stands. */
  readonly permitted: number;
  /** Changes forwarded only because the policy observes. */
  readonly wouldBeDenied: number;
  /** Why, and how many changes each. */
  readonly reasons: readonly { readonly reason: DenialReason; readonly changes: number }[];
  readonly needs: readonly NeededRight[];
}

export interface ObserveReport {
  /** ms since 1970, of the first and the last change looked at; absent where there is none. */
  readonly since?: number;
  readonly until?: number;
  /** Those who would be denied most come first. */
  readonly writers: readonly ObservedWriter[];
}

interface Need {
  readonly targets: Set<string>;
  readonly priorities: Set<number>;
  readonly reasons: Set<DenialReason>;
  changes: number;
}

interface Writer {
  readonly principal: string | null;
  readonly proof: string;
  readonly from: string;
  readonly operations: Set<string>;
  readonly reasons: Map<DenialReason, number>;
  readonly needs: Map<string, Need>;
  permitted: number;
  wouldBeDenied: number;
}

function addNeeds(needs: Map<string, Need>, { effects, wouldDeny }: IntentRow): void {
  const counted = new Set<Need>();
  for (const { target, action, missing, priority, grant, reason = wouldDeny } of effects) {
    // What is granted already needs nothing more: the change would be denied for its value or for another target.
    if (grant !== undefined) continue;
    const key = missing ?? action;
    const need = needs.get(key) ?? { targets: new Set(), priorities: new Set(), reasons: new Set(), changes: 0 };
    needs.set(key, need);
    need.targets.add(target);
    if (priority !== undefined) need.priorities.add(priority);
    if (reason !== undefined) need.reasons.add(reason);
    counted.add(need);
  }
  for (const need of counted) need.changes += 1;
}

export function observeReport(rows: Iterable<JournalRow>): ObserveReport {
  const writers = new Map<string, Writer>();
  let since: number | undefined;
  let until: number | undefined;
  for (const row of rows) {
    if (row.kind !== 'intent' || row.by === 'never-gated') continue;
    since = Math.min(since ?? row.at, row.at);
    until = Math.max(until ?? row.at, row.at);
    const from = row.who.from.replace(/:\d+$/, '');
    const { principal, proof } = row.who;
    const key = `${principal}\n${from}`;
    const writer: Writer = writers.get(key) ?? {
      principal,
      proof: proof.kind,
      from,
      operations: new Set(),
      reasons: new Map(),
      needs: new Map(),
      permitted: 0,
      wouldBeDenied: 0,
    };
    writers.set(key, writer);
    writer.operations.add(row.operation);
    if (row.by === 'permit') writer.permitted += 1;
    else {
      writer.wouldBeDenied += 1;
      if (row.wouldDeny) writer.reasons.set(row.wouldDeny, (writer.reasons.get(row.wouldDeny) ?? 0) + 1);
      addNeeds(writer.needs, row);
    }
  }
  const list = [...writers.values()].map(({ operations, reasons, needs, ...rest }) => ({
    ...rest,
    operations: [...operations].sort(),
    reasons: Array.from(reasons, ([reason, changes]) => ({ reason, changes })),
    needs: Array.from(needs, ([action, { targets, priorities, reasons, changes }]) => ({
      action,
      targets: [...targets].sort(),
      priorities: [...priorities].sort((a, b) => a - b),
      reasons: [...reasons].sort(),
      changes,
    })),
  }));
  list.sort((a, b) => b.wouldBeDenied - a.wouldBeDenied || b.permitted - a.permitted);
  return { ...(since !== undefined && { since }), ...(until !== undefined && { until }), writers: list };
}
