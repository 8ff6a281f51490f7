// Part of "decide": how often a point was written in the last hour (limits.rate).
// Invariants: 1. only what is handed out for sending counts; 2. a point keeps at most `rate` moments, so memory is bounded by the inventory.

import type { Clock } from '../contract/clock.ts';

const HOUR_MS = 3_600_000;

export interface RateWindow {
  /** Whether one more change of this point now stays within `rate` changes an hour. */
  admits(point: string, rate: number): boolean;
  count(point: string, rate: number): void;
}

export function createRateWindow(clock: Clock): RateWindow {
  const sent = new Map<string, number[]>();

  function recent(point: string): number[] {
    const moments = sent.get(point) ?? [];
    const since = clock.monotonic() - HOUR_MS;
    const first = moments.findIndex((moment) => moment > since);
    const kept = first < 0 ? [] : moments.slice(first);
    if (kept.length > 0) sent.set(point, kept);
    else sent.delete(point);
    return kept;
  }

  return {
    admits: (point, rate) => recent(point).length + 1 <= rate,
    count(point, rate) {
      const moments = [...recent(point), clock.monotonic()];
      sent.set(point, moments.slice(-Math.max(1, Math.ceil(rate))));
    },
  };
}
