// What slots are to hold still for a change to be sent: nobody's later value is written over.

import type { TargetHandle } from '../model/ids.ts';
import type { PointValue } from '../model/point.ts';
import { isSameValue } from '../model/same-value.ts';
import type { OldValue } from './gate.ts';
import { reason } from './reasons.ts';

interface Held {
  readonly value: PointValue;
  /** Why it is somebody else's although the value is the same; absent or `undefined`: it is not. */
  readonly taken?: () => string | undefined;
}
export type Holds = ReadonlyMap<TargetHandle, Held>;

/** `overtaken`: one of them holds another value; else it could not be read. `undefined`: all do. */
export function objectionTo(
  holds: Holds,
  read: ReadonlyMap<TargetHandle, OldValue>,
): { readonly why: string; readonly overtaken?: true } | undefined {
  for (const [target, { value, taken }] of holds) {
    const now = read.get(target) ?? { unknown: reason('not-read') };
    if ('unknown' in now) return { why: now.unknown };
    if (!isSameValue(now.value, value)) return { why: reason('holds-other'), overtaken: true };
    const why = taken?.();
    if (why !== undefined) return { why, overtaken: true };
  }
  return undefined;
}
