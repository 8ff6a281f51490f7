// Part of a job: one slot gets back what it held, in the name of the change that was permitted. Invariants: 1. only where the
// slot still holds what was written, and nobody's frame went there since; 2. a command only where the inventory says so; 3. nothing but the old value or NULL;
// 4. what holds the old value already is left alone, so that it may be asked again.

import type { Change, Judgement } from '../contract/gate.ts';
import { reason } from '../contract/reasons.ts';
import type { InventoryPoint, PointValue } from '../model/point.ts';
import { isSameValue } from '../model/same-value.ts';
import { type PlantParts, reachPoint, readSlot } from './plant.ts';
import { takerOf } from './takeover.ts';
import type { WorkRecord } from './work-record.ts';

interface WrittenSlot {
  readonly point: string;
  readonly priority?: number;
  /** What the slot held after the write. */
  readonly holds: PointValue;
  /** Before it; absent = unknown. */
  readonly before?: PointValue;
  /** The change that wrote it. */
  readonly decision: string;
}

type PutBack =
  | { readonly kind: 'put-back'; readonly value: PointValue }
  /** It will never be put back: it holds something else, or may not be. */
  | { readonly kind: 'left'; readonly why: string }
  /** Not now: the device does not answer or take it, the record cannot be written. `refused`: asking soon again is no use. */
  | { readonly kind: 'failed'; readonly why: string; readonly refused?: true };

/** `release`: somebody's time with the slot is over. `undo`: it shall be as if it had never been written. */
type Purpose = 'release' | 'undo';

/** What the slot may be given; a text says why nothing. */
export function restores(
  point: InventoryPoint,
  { priority, before }: Pick<WrittenSlot, 'priority' | 'before'>,
  purpose: Purpose = 'release',
): { value: PointValue } | string {
  // Relinquishing a slot of a priority array is the standard's own end of an override, commands included.
  const isRelinquished = purpose === 'release' && priority !== undefined;
  if (isRelinquished && (before === undefined || before === null || !point.undo)) return { value: null };
  if (!point.undo) return reason('may-not-undo', { class: point.class });
  if (before === undefined) return reason('old-unknown');
  return { value: before };
}

export async function putBack(
  plant: PlantParts & WorkRecord,
  purpose: Purpose,
  slot: WrittenSlot,
  undo: (change: Change<unknown>) => Judgement<unknown>,
): Promise<PutBack> {
  const view = plant.inventory();
  const reached = reachPoint(plant, slot.point);
  if (typeof reached === 'string') return { kind: 'failed', why: reached };
  const restored = restores(reached.point, slot, purpose);
  if (typeof restored === 'string') return { kind: 'left', why: restored };
  const now = await readSlot(reached, slot.priority);
  if ('why' in now) return { kind: 'failed', why: now.why };
  const taken = (): string | undefined => {
    const taker = takerOf(plant, slot, slot.decision, now.place);
    return taker === undefined ? undefined : reason('written-since', { decision: taker });
  };
  if (isSameValue(now.value, restored.value)) return { kind: 'put-back', value: now.value };
  if (!isSameValue(now.value, slot.holds)) return { kind: 'left', why: reason('holds-other') };
  const theirs = taken();
  if (theirs !== undefined) return { kind: 'left', why: theirs };
  if (plant.inventory() !== view) return { kind: 'failed', why: reason('inventory-changed') };
  const { value } = restored;
  const write = {
    target: reached.point.handle,
    value,
    ...(slot.priority !== undefined && { priority: slot.priority }),
  };
  const planned = reached.driver.plan([write]);
  if (!planned.ok) return { kind: 'left', why: reason('got-expected', planned.fault[0]) };
  const judged = undo(planned.value);
  if (!judged.permitted) return { kind: 'failed', why: judged.denial.text };
  // Looked at once more in the lane turn: somebody may write meanwhile.
  const still = new Map([[write.target, { value: slot.holds, taken }]]);
  const { outcome, readBack, overtaken } = await reached.driver.perform(judged.permit, still);
  if (overtaken) return { kind: 'left', why: taken() ?? reason('holds-other') };
  if (outcome.kind !== 'acknowledged') {
    const why = 'why' in outcome ? outcome.why : 'answer' in outcome ? outcome.answer : outcome.reason;
    return { kind: 'failed', why, ...(outcome.kind === 'refused-by-device' && { refused: true as const }) };
  }
  const after = readBack?.get(write.target);
  if (after && 'value' in after && !isSameValue(after.value, value)) {
    // It would be written for ever.
    return { kind: 'left', why: reason('acknowledged-other') };
  }
  return { kind: 'put-back', value };
}
