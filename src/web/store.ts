// A value that several views look at, and the hooks that load what a view shows.

import { useCallback, useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { ApiFault, type Page } from './api.ts';

interface Store<T> {
  get(): T;
  set(value: T): void;
  use(): T;
}

export function createStore<T>(initial: T): Store<T> {
  let value = initial;
  const listeners = new Set<() => void>();
  return {
    get: () => value,
    set(next) {
      if (Object.is(next, value)) return;
      value = next;
      for (const listener of listeners) listener();
    },
    use() {
      const [seen, see] = useState({ value });
      useLayoutEffect(() => {
        const listener = (): void => see({ value });
        listeners.add(listener);
        // It may have changed between drawing and listening.
        if (!Object.is(seen.value, value)) listener();
        return () => void listeners.delete(listener);
      }, []);
      return value;
    },
  };
}

export interface Loaded<T> {
  readonly data: T | undefined;
  readonly fault: ApiFault | undefined;
  readonly busy: boolean;
  reload(): void;
}

/** What was shown last under a key, for whoever comes back to it: the oldest give way. */
const remembered = new Map<string, unknown>();
const MOST_REMEMBERED = 128;

function remember(key: string | undefined, data: unknown): void {
  if (key === undefined) return;
  remembered.delete(key);
  remembered.set(key, data);
  for (const oldest of remembered.keys()) if (remembered.size > MOST_REMEMBERED) remembered.delete(oldest);
}

/** What another answer said of it already: shown at once, and asked for all the same. */
export function foretell(key: string, data: unknown): void {
  if (!remembered.has(key)) remember(key, data);
}

export const forgetAnswers = (): void => remembered.clear();

/**
 * Loads when `key` changes; keeps what is shown until the next answer is there, and begins with what was shown under that key
 * before. An undefined key loads nothing.
 */
export function useLoad<T>(key: string | undefined, load: (signal: AbortSignal) => Promise<T>): Loaded<T> {
  const [state, setState] = useState<{ key: string | undefined; data?: T; fault?: ApiFault; busy: boolean }>({
    ...kept<T>(key),
    busy: key !== undefined,
  });
  const [turn, setTurn] = useState(0);
  const latest = useRef(load);
  latest.current = load;
  // Asked before anything is painted: a frame earlier than an effect would.
  useLayoutEffect(() => {
    if (key === undefined) return;
    const abort = new AbortController();
    setState((before) => ({ ...(before.key === key ? before : kept<T>(key)), busy: true }));
    latest.current(abort.signal).then(
      (data) => {
        if (abort.signal.aborted) return;
        remember(key, data);
        setState({ key, data, busy: false });
      },
      (error: unknown) => {
        if (abort.signal.aborted) return;
        const fault =
          error instanceof ApiFault ? error : new ApiFault({ type: 'about:blank', title: String(error), status: 0 });
        // What may not be seen any more is not shown any more.
        const isGone = [403, 404].includes(fault.problem.status);
        if (isGone && key !== undefined) remembered.delete(key);
        setState((before) => (isGone ? { key, fault, busy: false } : { ...before, key, fault, busy: false }));
      },
    );
    return () => abort.abort();
  }, [key, turn]);
  const reload = useCallback(() => setTurn((count) => count + 1), []);
  const { data, fault } = state.key === key ? state : kept<T>(key);
  return { data, fault, busy: state.key !== key || state.busy, reload };
}

function kept<T>(key: string | undefined): { key: string | undefined; data?: T; fault?: ApiFault } {
  return key !== undefined && remembered.has(key) ? { key, data: remembered.get(key) as T } : { key };
}

export interface Pages<T> extends Omit<Loaded<readonly T[]>, 'data'> {
  /** Of all pages that were asked for; undefined before the first. */
  readonly items: readonly T[] | undefined;
  readonly hasMore: boolean;
  more(): void;
}

/** A list by the gateway's pages, one more at a time; what is shown stays until the next answer is there. */
export function usePages<T>(
  key: string | undefined,
  load: (signal: AbortSignal, cursor: string | undefined) => Promise<Page<T>>,
): Pages<T> {
  const [wanted, setWanted] = useState({ of: key, pages: 1 });
  const pages = wanted.of === key ? wanted.pages : 1;
  const loaded = useLoad(key === undefined ? undefined : `${key} ${pages}`, async (signal): Promise<Page<T>> => {
    const items: T[] = [];
    let next: string | undefined;
    for (let count = 0; count < pages; count += 1) {
      const page = await load(signal, next);
      items.push(...page.items);
      next = page.next;
      if (next === undefined) break;
    }
    return { items, ...(next !== undefined && { next }) };
  });
  const shown = useRef<{ key: string | undefined; page: Page<T> }>(undefined);
  if (loaded.data) shown.current = { key, page: loaded.data };
  const page = loaded.data ?? (shown.current?.key === key ? shown.current?.page : undefined);
  const more = useCallback(() => setWanted({ of: key, pages: pages + 1 }), [key, pages]);
  const { fault, busy, reload } = loaded;
  return { items: page?.items, hasMore: page?.next !== undefined, fault, busy, reload, more };
}

/** Runs again every so often, and when the page comes back to the front. */
export function useEvery(ms: number, run: () => void): void {
  const latest = useRef(run);
  latest.current = run;
  useEffect(() => {
    const timer = setInterval(() => document.visibilityState === 'visible' && latest.current(), ms);
    return () => clearInterval(timer);
  }, [ms]);
}

const clocks = new Map<number, Store<number>>();

/** The time of now, renewed every so often, at one moment for everything that shows it. */
export function useNow(ms: number): number {
  let clock = clocks.get(ms);
  if (!clock) {
    const made = createStore(Date.now());
    setInterval(() => document.visibilityState === 'visible' && made.set(Date.now()), ms);
    clocks.set(ms, made);
    clock = made;
  }
  return clock.use();
}
