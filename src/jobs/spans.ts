// Part of a batch: when a write ends by itself. Invariants: 1. a set point or a command that can be put back ends by default,
// whoever writes it and by whatever way; 2. it stays only where somebody said so, or where nothing could be put back;
// 3. an end that was asked for and cannot be kept is a fault, never a promise.

import { reason } from '../contract/reasons.ts';
import { USUAL_OVERRIDE_MS, type WriteOrder, type WriteRow } from '../contract/work.ts';
import type { InventoryPoint } from '../model/point.ts';
import { fail, ok, type Result } from '../model/result.ts';
import { restores } from './put-back.ts';

/** Limits, parameters and firmware are what a device is, not what somebody holds for a time. */
const isHeld = ({ class: kind }: InventoryPoint): boolean => kind === 'set-point' || kind === 'command';

/** ms; absent: until changed again. A text says why the end that was asked for cannot be. */
export function spanOf(
  point: InventoryPoint,
  row: WriteRow,
  order: Pick<WriteOrder, 'overrideMs'>,
): Result<number | undefined, string> {
  const { value, priority, overrideMs: own } = row;
  if (value === null) {
    return typeof own === 'number' ? fail(reason('release-has-no-end')) : ok(undefined);
  }
  const asked = own === undefined ? order.overrideMs : own;
  if (asked === null) return ok(undefined);
  // Whatever the slot holds when it is read first: it is known by then.
  const restored = restores(point, {
    before: value,
    ...(priority !== undefined && { priority }),
  });
  if (asked !== undefined) {
    return typeof restored === 'string' ? fail(reason('cannot-end', { why: restored })) : ok(asked);
  }
  return ok(isHeld(point) && typeof restored !== 'string' ? USUAL_OVERRIDE_MS : undefined);
}

/** The same before there is a value: `hasSlots` where the point's protocol has priorities. */
export function usualSpan(
  point: InventoryPoint,
  hasSlots: boolean,
): { readonly mayEnd: boolean; readonly usualMs?: number } {
  const mayEnd = point.undo || hasSlots;
  return { mayEnd, ...(mayEnd && isHeld(point) && { usualMs: USUAL_OVERRIDE_MS }) };
}
