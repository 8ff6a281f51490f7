// Part of "record": an application that writes the same value to the same slot again and again does so under one intent row.
// Invariants: 1. an entry exists only after its first change was acknowledged, so its intent is durable; 2. it lives 60 s at
// most, and ends earlier with another value or writer on one of its slots, a swap of policy, or a failure; 3. its outcome row
// comes when nothing of it is in flight, and its count is the number of acknowledged changes.

import type { Clock, Timers } from '../contract/clock.ts';
import type { DecisionId } from '../model/ids.ts';
import type { OutcomeRow } from '../model/journal-row.ts';
import { createExpiring } from './expiring.ts';
import type { Keeper } from './keeper.ts';

const STANDING_MS = 60_000;
const MOST_STANDING = 4096;

/** The first change, acknowledged. */
interface Acknowledged {
  readonly decision: DecisionId;
  readonly targets: readonly string[];
  /** Principal and sameness. */
  readonly key: string;
  /** On the monotonic clock. */
  readonly redeemedAt: number;
  readonly readBack?: NonNullable<OutcomeRow['readBack']>;
}

export interface StandingIntent extends Acknowledged {
  /** On the monotonic clock. */
  readonly endsAt: number;
  count: number;
  inFlight: number;
  closed: boolean;
}

export interface StandingIntents {
  readonly size: number;
  find(key: string): StandingIntent | undefined;
  /** After the first change was acknowledged. False where there is no room or one stands already: it needs its own outcome row. */
  open(first: Acknowledged): boolean;
  /** One more change goes out under it. */
  join(entry: StandingIntent): void;
  /** A joined change was acknowledged, or was not. */
  leave(entry: StandingIntent, acknowledged: boolean): void;
  /** A change of these targets goes out: ends what stands on them, but for `key`. */
  touch(targets: readonly string[], key: string | undefined): void;
  closeAll(): void;
}

export function createStandingIntents(keeper: Keeper, clock: Clock, timers: Timers): StandingIntents {
  const bySlot = new Map<string, StandingIntent>();
  const entries = createExpiring<StandingIntent>(STANDING_MS, clock, timers, close);

  function finish(entry: StandingIntent): void {
    if (entry.inFlight > 0) return;
    keeper.keep({
      kind: 'outcome',
      ...keeper.stamp(),
      decision: entry.decision,
      outcome: { kind: 'acknowledged' },
      ...(entry.readBack && { readBack: entry.readBack }),
      count: entry.count,
    });
  }

  function close(entry: StandingIntent): void {
    entry.closed = true;
    entries.take(entry.key);
    for (const target of entry.targets) bySlot.delete(target);
    finish(entry);
  }

  function touch(targets: readonly string[], key: string | undefined): void {
    for (const target of targets) {
      const entry = bySlot.get(target);
      if (entry && entry.key !== key) close(entry);
    }
  }

  return {
    get size() {
      return entries.size;
    },
    find(key) {
      const entry = entries.get(key);
      return entry && entry.endsAt > clock.monotonic() ? entry : undefined;
    },
    open(first) {
      const { key, targets } = first;
      if (entries.size >= MOST_STANDING || entries.get(key)) return false;
      touch(targets, key);
      const entry: StandingIntent = {
        ...first,
        endsAt: first.redeemedAt + STANDING_MS,
        count: 1,
        inFlight: 0,
        closed: false,
      };
      entries.add(key, entry);
      for (const target of targets) bySlot.set(target, entry);
      return true;
    },
    join(entry) {
      entry.inFlight += 1;
    },
    leave(entry, acknowledged) {
      entry.inFlight -= 1;
      if (acknowledged) entry.count += 1;
      if (entry.closed) finish(entry);
      else if (!acknowledged) close(entry);
    },
    touch,
    closeAll() {
      entries.expireAll();
    },
  };
}
