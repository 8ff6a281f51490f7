// The step "record": decisions as rows of the journal.

import type { OldValue } from '../contract/gate.ts';
import type { DenialReason, TargetVerdict } from '../model/decision.ts';
import type { TargetHandle } from '../model/ids.ts';
import { type IntentRow, type OutcomeRow, type RecordedEffect, recordValue } from '../model/journal-row.ts';
import type { InventoryView, PointValue } from '../model/point.ts';
import { whoIs } from './describe.ts';
import type { Keeper } from './keeper.ts';
import type { Intended } from './resolve.ts';
import type { Ticket } from './ticket.ts';

/** The target as a row names it, also where the inventory does not hold it. */
export function nameOf(handle: TargetHandle, inventory: InventoryView | undefined): string {
  return inventory && (inventory.point(handle) ?? inventory.device(handle))
    ? inventory.idOf(handle)
    : `handle:${handle}`;
}

function oldOf(old: OldValue | undefined, wanted: boolean): Pick<RecordedEffect, 'old' | 'oldUnknown'> {
  if (old && 'value' in old) return { old: recordValue(old.value) };
  if (old) return { oldUnknown: old.unknown };
  return wanted ? { oldUnknown: 'not read' } : {};
}

/** What a change would do, with the grant or the reason of each target; old values where they were read. */
export function recordEffects(
  { effects }: Intended,
  verdicts: readonly TargetVerdict[],
  denied?: { readonly reason: DenialReason; readonly target?: string },
  old?: ReadonlyMap<TargetHandle, OldValue>,
): RecordedEffect[] {
  const byTarget = new Map<string, TargetVerdict>();
  // Of several verdicts on one target the one that denied tells more.
  for (const verdict of verdicts) {
    if (byTarget.get(verdict.target)?.permitted !== false) byTarget.set(verdict.target, verdict);
  }
  return effects.map(({ effect, action, id, device, point }) => {
    const verdict = byTarget.get(id ?? '');
    const reason = verdict && !verdict.permitted ? verdict.reason : denied?.target === id ? denied?.reason : undefined;
    const missing = verdict && !verdict.permitted && verdict.missing !== action ? verdict.missing : undefined;
    return {
      target: id ?? `handle:${effect.target}`,
      action,
      ...(device && { device: device.id }),
      ...(old && oldOf(old.get(effect.target), point?.readBeforeWrite === true && effect.value !== undefined)),
      ...(effect.value !== undefined && { new: recordValue(effect.value) }),
      ...(effect.priority !== undefined && { priority: effect.priority }),
      ...(verdict?.permitted && { grant: verdict.grant }),
      ...(reason !== undefined && { reason }),
      ...(missing !== undefined && { missing }),
    };
  });
}

export function intentRow(ticket: Ticket, keeper: Keeper, standing: boolean): IntentRow {
  const { caller, change, weighed, decision, revision, old } = ticket;
  return {
    kind: 'intent',
    ...keeper.stamp(),
    decision,
    who: whoIs(caller),
    operation: change.operation,
    effects: recordEffects(weighed.intended, weighed.verdicts, undefined, old),
    revision,
    by: weighed.by,
    ...(weighed.wouldDeny !== undefined && { wouldDeny: weighed.wouldDeny }),
    ...(standing && { standing: true as const }),
    ...(change.job !== undefined && { job: change.job }),
    ...(change.firmware && { firmware: change.firmware }),
    ...(weighed.approvedBy.length > 0 && { approvedBy: weighed.approvedBy }),
  };
}

export function outcomeRow(
  ticket: Ticket,
  keeper: Keeper,
  outcome: OutcomeRow['outcome'],
  readBack?: ReadonlyMap<TargetHandle, PointValue>,
): OutcomeRow {
  return {
    kind: 'outcome',
    ...keeper.stamp(),
    decision: ticket.decision,
    outcome,
    ...(readBack && {
      readBack: Array.from(readBack, ([handle, value]) => ({
        target: nameOf(handle, ticket.inventory),
        value: recordValue(value),
      })),
    }),
  };
}
