// Part of putting back: whether somebody's tool has written the slot since, whatever it wrote. Invariants: 1. who wrote last
// through the gateway decides, not the value alone; 2. the order is the record's, so that a restart forgets nothing.

import type { SentFrame } from '../contract/gate.ts';
import { recordedValue } from '../model/journal-row.ts';
import type { PointValue } from '../model/point.ts';
import { isSameValue } from '../model/same-value.ts';
import type { Place } from './plant.ts';
import type { WorkRecord } from './work-record.ts';

export interface OwnSlot {
  readonly point: string;
  readonly priority?: number;
  /** What the slot held after the gateway's own write. */
  readonly holds: PointValue;
}

interface Sent extends Pick<SentFrame, 'effects'> {
  readonly outcome: Pick<SentFrame['outcome'], 'kind'>;
}

/** Whether the slot is somebody else's by this frame. A value that cannot be told is no write of it: the slot itself is looked at. */
export function takesOver(slot: OwnSlot, { effects, outcome }: Sent, place: Place): boolean {
  return effects.some(({ target, value, priority }) => {
    if (target !== slot.point || value === undefined) return false;
    if (place === 'slot' && priority !== slot.priority) return false;
    if (outcome.kind === 'acknowledged') return true;
    // Another value the slot tells by itself; of the same one nobody can say whose it is.
    return (outcome.kind === 'unknown' || outcome.kind === 'stopped') && isSameValue(value, slot.holds);
  });
}

/** The first frame that took the slot over since the decision by which the gateway wrote it; `undefined`: none. */
export function takerOf(record: WorkRecord, slot: OwnSlot, since: string, place: Place): string | undefined {
  for (const { decision, effects } of record.framesSince(since, slot.point)) {
    const outcome = record.outcomeOf(decision)?.outcome ?? { kind: 'unknown' };
    const sent = effects.map(({ new: given, ...effect }) => ({
      ...effect,
      ...(given !== undefined && { value: recordedValue(given) }),
    }));
    if (takesOver(slot, { effects: sent, outcome }, place)) return decision;
  }
  return undefined;
}
