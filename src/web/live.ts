// Live values of what is on the screen, by one stream. Invariants: 1. nothing changes under a finger: while a pointer is down
// values wait; 2. at most as many points as the gateway takes; 3. without a stream every value shows its age.

import { useEffect, useLayoutEffect, useState } from 'preact/hooks';
import type { ApiReading } from '../http/schema-browse.ts';
import { createStore } from './store.ts';
import { followStream } from './stream.ts';

const MOST_POINTS = 256;
const SETTLE_MS = 350;
/** What is on the screen comes in parts; a stream is opened for all of them. */
const GATHER_MS = 120;

export const streamOpen = createStore(false);

const readings = new Map<string, ApiReading>();
const listeners = new Map<string, Set<() => void>>();
const waiting = new Map<string, ApiReading>();
let held = false;
let release: ReturnType<typeof setTimeout> | undefined;

function tell(id: string): void {
  for (const listener of listeners.get(id) ?? []) listener();
}

function flush(): void {
  for (const [id, reading] of waiting) {
    readings.set(id, reading);
    tell(id);
  }
  waiting.clear();
}

function take(id: string, reading: ApiReading): void {
  waiting.set(id, reading);
  if (!held) flush();
}

export function forgetReadings(): void {
  readings.clear();
  waiting.clear();
}

/** Values stand still from the touch until shortly after it. */
export function holdUnderFinger(): void {
  addEventListener(
    'pointerdown',
    () => {
      held = true;
      clearTimeout(release);
    },
    { capture: true, passive: true },
  );
  const up = (): void => {
    clearTimeout(release);
    release = setTimeout(() => {
      held = false;
      flush();
    }, SETTLE_MS);
  };
  for (const name of ['pointerup', 'pointercancel'] as const) addEventListener(name, up, { capture: true });
}

/** What the stream said last; before that, what the list said. */
export function useReading(id: string, listed: ApiReading): ApiReading {
  const [, again] = useState(0);
  const heard = readings.get(id);
  useLayoutEffect(() => {
    const listener = (): void => again((count) => count + 1);
    const all = listeners.get(id) ?? new Set();
    listeners.set(id, all.add(listener));
    // It may have come between drawing and listening.
    if (readings.get(id) !== heard) listener();
    return () => {
      all.delete(listener);
      if (all.size === 0) listeners.delete(id);
    };
  }, [id]);
  // What an answer says newer than the stream counts everywhere on the page.
  useLayoutEffect(() => {
    const known = readings.get(id);
    if (listed.at === undefined || (known?.at ?? 0) >= listed.at) return;
    if (known) take(id, listed);
    else readings.set(id, listed);
  }, [id, listed.at]);
  // What was heard while another view stood may be older than what the list just said.
  return heard && (heard.at ?? 0) >= (listed.at ?? 0) ? heard : listed;
}

/** Follows these points for as long as the view stands. */
export function useLive(ids: readonly string[]): void {
  const wanted = [...new Set(ids)].slice(0, MOST_POINTS).map(encodeURIComponent).join(',');
  useEffect(() => {
    if (wanted === '') return;
    let end = (): void => {};
    const follow = (): void => {
      end = followStream(
        `live?points=${encodeURIComponent(wanted)}`,
        {
          value(data) {
            const { id, ...reading } = data as ApiReading & { id: string };
            take(id, reading);
          },
          gone: (data) => take((data as { id: string }).id, { quality: 'never', at: Date.now() }),
        },
        (isOpen) => streamOpen.set(isOpen),
      );
    };
    const timer = setTimeout(follow, GATHER_MS);
    return () => {
      clearTimeout(timer);
      end();
    };
  }, [wanted]);
}
