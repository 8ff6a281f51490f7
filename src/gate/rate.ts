// Part of "decide": how often a point was written in the last hour (limits.rate).
// Invariants: 1. only what is handed out for sending counts; 2. a point keeps at most `rate` moments, so memory is bounded by the inventory.

import type { Clock } from '../contract/clock.ts';
import { ACTIONS } from '../model/action.ts';
import type { TargetId } from '../model/ids.ts';
import type { Intended } from './resolve.ts';

const HOUR_MS = 3_600_000;

export interface RateWindow {
  /** Whether so many more changes of this point now stay within `rate` changes an hour. */
  admits(point: string, rate: number, more?: number): boolean;
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
    admits: (point, rate, more = 1) => recent(point).length + more <= rate,
    count(point, rate) {
      const moments = [...recent(point), clock.monotonic()];
      sent.set(point, moments.slice(-Math.max(1, Math.ceil(rate))));
    },
  };
}

/** How often a change writes each point that has a rate: one that stands several times is changed several times. A release counts nothing. */
export function changesIn({
  effects,
}: Intended): { readonly point: TargetId; readonly rate: number; readonly count: number }[] {
  const values = new Map<TargetId, { readonly rate: number; count: number }>();
  for (const { effect, action, point } of effects) {
    const rate = point?.limits?.rate;
    if (!point || rate === undefined || effect.value === null || !ACTIONS[action].changing) continue;
    const known = values.get(point.id) ?? { rate, count: 0 };
    if (effect.value !== undefined) known.count += 1;
    values.set(point.id, known);
  }
  return Array.from(values, ([point, { rate, count }]) => ({ point, rate, count: Math.max(1, count) }));
}
