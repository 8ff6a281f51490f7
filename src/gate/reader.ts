// Reads are judged too: one bit test an element, against a mask kept for as long as nobody's standing changes.
// Invariants: 1. no policy, nothing may be read; 2. a mask is never used past its `validUntil` or over a swap;
// 3. the number of masks kept is bounded.

import type { Clock } from '../contract/clock.ts';
import type { Caller, Reader } from '../contract/gate.ts';
import type { InventoryView } from '../model/point.ts';
import { hasBit } from '../policy/bitset.ts';
import type { Counters } from './counters.ts';
import { askerOf, type PolicyInForce } from './policy-in-force.ts';

type ReadAction = 'point.read' | 'alarm.view' | 'device.view' | 'trend.view';

const MOST_MASKS = 256;

interface Kept {
  readonly reader: Reader;
  /** ms since 1970. */
  readonly validUntil: number;
  readonly sure: boolean;
}

interface Readers {
  reader(caller: Caller, action: ReadAction): Reader;
  /** Everybody's masks are made anew. */
  forget(): void;
}

const NOTHING: Reader = { permits: () => false };
const EVERYTHING: Reader = { permits: () => true };

interface ReaderServices {
  readonly clock: Clock;
  readonly counters: Counters;
  readonly neverGated: ReadonlySet<string>;
  policy(): PolicyInForce | undefined;
  observesUntil(policy: PolicyInForce): number | undefined;
}

export function createReaders({ clock, counters, neverGated, policy, observesUntil }: ReaderServices): Readers {
  /** By caller object first: one lookup for each frame of a connection. */
  let byCaller = new WeakMap<Caller, Map<ReadAction, Kept>>();
  const byQuestion = new Map<string, Kept>();

  const isStill = (kept: Kept | undefined): kept is Kept =>
    kept !== undefined &&
    kept.sure === clock.sure() &&
    (kept.validUntil === Number.POSITIVE_INFINITY || clock.now() < kept.validUntil);

  function isNeverGated(inventory: InventoryView, handle: Parameters<Reader['permits']>[0]): boolean {
    if (neverGated.size === 0) return false;
    const point = inventory.point(handle);
    const device = inventory.device(point?.device ?? handle);
    return (point !== undefined && neverGated.has(point.id)) || (device !== undefined && neverGated.has(device.id));
  }

  function make(inForce: PolicyInForce, caller: Caller, action: ReadAction): Kept {
    const { mask, validUntil = Number.POSITIVE_INFINITY } = inForce.reach({
      ...askerOf(caller, clock),
      action,
    });
    const { inventory } = inForce;
    const until = observesUntil(inForce);
    const reader: Reader = {
      permits(target) {
        if (hasBit(mask, target) || isNeverGated(inventory, target)) return true;
        if (until !== undefined) counters.reads_observed += 1;
        return until !== undefined;
      },
    };
    return { reader, validUntil: Math.min(validUntil, until ?? validUntil), sure: clock.sure() };
  }

  function find(inForce: PolicyInForce, caller: Caller, action: ReadAction): Kept {
    const { principal, channel, identity, narrowToRole } = caller;
    const question = JSON.stringify([action, principal, channel, narrowToRole ?? null, identity ?? null]);
    const known = byQuestion.get(question);
    if (isStill(known)) return known;
    if (byQuestion.size >= MOST_MASKS) byQuestion.clear();
    const kept = make(inForce, caller, action);
    byQuestion.set(question, kept);
    return kept;
  }

  return {
    reader(caller, action) {
      if (caller.neverGated) return EVERYTHING;
      const inForce = policy();
      if (!inForce) return NOTHING;
      let own = byCaller.get(caller);
      if (!own) {
        own = new Map();
        byCaller.set(caller, own);
      }
      const known = own.get(action);
      if (isStill(known)) return known.reader;
      const kept = find(inForce, caller, action);
      own.set(action, kept);
      return kept.reader;
    },
    forget() {
      byCaller = new WeakMap();
      byQuestion.clear();
    },
  };
}
