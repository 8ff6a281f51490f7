// Whose turn it is. Pure. Invariants: 1. the canary is done before another device begins; 2. never more than `atOnce` under way;
// 3. past the threshold nobody begins.

import type { DeviceState, Rollout } from '../contract/jobs.ts';
import { reason } from '../contract/reasons.ts';
import { isEnded, isWorking } from './machine.ts';

type Turn =
  | { readonly kind: 'begin'; readonly places: readonly number[] }
  /** No further device is to begin. */
  | { readonly kind: 'stop'; readonly why: string };

const hasFailed = (state: DeviceState): boolean => state === 'failed' || state === 'rolled-back';

export function turnOf(states: readonly DeviceState[], { canary, atOnce, stopAtFailedPercent }: Rollout): Turn {
  const [first] = states;
  if (canary && first !== undefined && first !== 'done' && isEnded(first)) {
    return { kind: 'stop', why: reason('first-ended', { state: first }) };
  }
  const failed = states.filter(hasFailed).length;
  if (failed > 0 && failed * 100 >= stopAtFailedPercent * states.length) {
    return { kind: 'stop', why: reason('so-many-failed', { failed, all: states.length }) };
  }
  const room = canary && first !== 'done' ? 1 : atOnce;
  const free = Math.max(0, room - states.filter(isWorking).length);
  const queued = states.flatMap((state, at) =>
    state === 'queued' && (first === 'done' || !canary || at === 0) ? [at] : [],
  );
  return { kind: 'begin', places: queued.slice(0, free) };
}
