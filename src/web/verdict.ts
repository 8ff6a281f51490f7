// What a page asks for before it sends: the gateway's verdict on the very body, and one key for as long as that body stays.
// Invariants: 1. a verdict on something else than what is asked now is none; 2. a repeat after a lost answer has the same key.

import { useEffect, useRef, useState } from 'preact/hooks';
import { ApiFault, ask, newKey } from './api.ts';

interface VerdictWays {
  /** How long the body must have rested. */
  readonly pauseMs: number;
  began?(): void;
  failed(fault: ApiFault): void;
}

/** The verdict on `asked` (a JSON text; empty = nothing is asked), from `path`; absent until it is there. */
export function useVerdict<Check>(path: string, asked: string, { pauseMs, began, failed }: VerdictWays) {
  const [checked, setChecked] = useState<{ of: string; check: Check }>();
  useEffect(() => {
    if (asked === '') return;
    const abort = new AbortController();
    began?.();
    const timer = setTimeout(() => {
      ask<Check>(path, { method: 'POST', body: JSON.parse(asked), signal: abort.signal }).then(
        (check) => setChecked({ of: asked, check }),
        (error: unknown) => !abort.signal.aborted && error instanceof ApiFault && failed(error),
      );
    }, pauseMs);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [asked]);
  return checked?.of === asked ? checked.check : undefined;
}

/** The idempotency key of what is asked; `spent`: the gateway has answered, and the next one is another. */
export function useSameKey() {
  const held = useRef({ of: '', key: '' });
  return {
    of(asked: string): string {
      if (held.current.of !== asked) held.current = { of: asked, key: newKey() };
      return held.current.key;
    },
    spent(): void {
      held.current = { of: '', key: '' };
    },
  };
}
