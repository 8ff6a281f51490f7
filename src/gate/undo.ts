// Part of "decide": releasing and putting back what was permitted. Invariants: 1. only slots of the original intent, with NULL
// or the value that was recorded before it, and what a job staged by the actions it was staged with; 2. whoever was revoked or
// locked since; 3. a command only where the inventory says so.

import type { Caller, Change } from '../contract/gate.ts';
import { principalId } from '../model/ids.ts';
import { type IntentRow, type RecordedEffect, type RecordedValue, recordValue } from '../model/journal-row.ts';
import type { InventoryView } from '../model/point.ts';
import { REASON_TEXT } from './describe.ts';
import { type Intended, type ResolvedEffect, resolve } from './resolve.ts';
import type { Transfers } from './transfers.ts';
import type { Weighed } from './weigh.ts';

/** The gateway itself, in the name of whoever made the change. */
export function undoCaller({ decision, who }: IntentRow): Caller {
  return {
    principal: who.principal === null ? null : principalId(who.principal),
    channel: who.channel ?? 'local',
    proof: { kind: 'gateway', why: `undoes ${decision}` },
    from: 'gateway',
    peer: 'gateway',
  };
}

export function slotsOf({ effects }: Intended): string[] {
  return effects.map(({ id, effect }) => (effect.priority === undefined ? `${id}` : `${id} @${effect.priority}`));
}

function isSame(a: RecordedValue, b: RecordedValue | undefined): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function belongsTo(
  recorded: readonly RecordedEffect[],
  { id, action, effect, point }: ResolvedEffect,
  reverts: boolean,
): boolean {
  const { value } = effect;
  if (value === undefined) {
    return reverts && recorded.some((before) => before.target === id && before.action === action);
  }
  return recorded.some(
    (before) =>
      before.target === id &&
      before.action === action &&
      before.priority === effect.priority &&
      (value === null || (point?.undo === true && isSame(recordValue(value), before.old))),
  );
}

export function weighUndo(
  intent: IntentRow,
  caller: Caller,
  change: Change<unknown>,
  inventory: InventoryView | undefined,
  transfers: Transfers,
): Weighed {
  const intended = resolve(change, inventory);
  const denied = { permitted: false, intended, verdicts: [] } as const;
  if (!inventory) return { ...denied, reason: 'no-policy', text: REASON_TEXT['no-policy'] };
  if (intended.unknown.length > 0) return { ...denied, reason: 'unknown-point', text: REASON_TEXT['unknown-point'] };
  // Only a job's step stages anything that could be reverted.
  const reverts = change.reverts === true && intent.job !== undefined;
  const foreign = intended.effects.find((effect) => !belongsTo(intent.effects, effect, reverts));
  if (foreign) {
    const text = `\`${foreign.id}\` may only be released, or given the old value that \`${intent.decision}\` recorded`;
    return { ...denied, reason: 'out-of-scope', text, ...(foreign.id !== undefined && { target: foreign.id }) };
  }
  const busy = transfers.occupied(caller, change, intended, inventory);
  if (busy) return { ...denied, reason: 'transfer-in-progress', ...busy };
  const grant = `undoes ${intent.decision}`;
  return {
    permitted: true,
    intended,
    verdicts: intended.groups.flatMap(({ targets }) => targets.map((target) => ({ target, permitted: true, grant }))),
    by: 'permit',
    approvedBy: [],
    validUntil: Number.POSITIVE_INFINITY,
  };
}
