// Part of "record": things kept for a fixed while, oldest first, with one timer for all of them.
// Invariants: 1. every entry leaves through `onExpire` or `take`, once; 2. at most one timer runs.

import type { Clock, Timers } from '../contract/clock.ts';

interface Expiring<V> {
  readonly size: number;
  get(key: string): V | undefined;
  /** The key must not be there yet: the age of an entry is never refreshed. */
  add(key: string, value: V): void;
  /** Takes it out without `onExpire`. */
  take(key: string): V | undefined;
  /** Expires what is there, oldest first, now. */
  expireAll(): void;
}

export function createExpiring<V>(
  lifeMs: number,
  clock: Clock,
  timers: Timers,
  onExpire: (value: V, key: string) => void,
): Expiring<V> {
  const entries = new Map<string, { readonly value: V; readonly endsAt: number }>();
  let timer: { cancel(): void } | undefined;

  function expireUntil(moment: number): void {
    for (const [key, entry] of entries) {
      if (entry.endsAt > moment) break;
      entries.delete(key);
      onExpire(entry.value, key);
    }
  }

  function arm(): void {
    timer?.cancel();
    timer = undefined;
    for (const oldest of entries.values()) {
      timer = timers.after(Math.max(1, oldest.endsAt - clock.monotonic()), () => {
        expireUntil(clock.monotonic());
        arm();
      });
      break;
    }
  }

  return {
    get size() {
      return entries.size;
    },
    get: (key) => entries.get(key)?.value,
    add(key, value) {
      entries.set(key, { value, endsAt: clock.monotonic() + lifeMs });
      if (entries.size === 1) arm();
    },
    take(key) {
      const entry = entries.get(key);
      entries.delete(key);
      if (entries.size === 0) arm();
      return entry?.value;
    },
    expireAll() {
      expireUntil(Number.POSITIVE_INFINITY);
      arm();
    },
  };
}
