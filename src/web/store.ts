// A value that several views look at, and the hooks that load what a view shows.

import { useCallback, useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { ApiFault, type Page } from './api.ts';

export interface Store<T> {
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

/** Loads when `key` changes; keeps what is shown until the next answer is there. An undefined key loads nothing. */
export function useLoad<T>(key: string | undefined, load: (signal: AbortSignal) => Promise<T>): Loaded<T> {
  const [state, setState] = useState<{ key: string | undefined; data?: T; fault?: ApiFault; busy: boolean }>({
    key,
    busy: key !== undefined,
  });
  const [turn, setTurn] = useState(0);
  const latest = useRef(load);
  latest.current = load;
  useEffect(() => {
    if (key === undefined) return;
    const abort = new AbortController();
    setState((before) => (before.key === key ? { ...before, busy: true } : { key, busy: true }));
    latest.current(abort.signal).then(
      (data) => !abort.signal.aborted && setState({ key, data, busy: false }),
      (error: unknown) => {
        if (abort.signal.aborted) return;
        const fault =
          error instanceof ApiFault ? error : new ApiFault({ type: 'about:blank', title: String(error), status: 0 });
        setState((before) => ({ ...before, key, fault, busy: false }));
      },
    );
    return () => abort.abort();
  }, [key, turn]);
  const reload = useCallback(() => setTurn((count) => count + 1), []);
  const current = state.key === key;
  return {
    data: current ? state.data : undefined,
    fault: current ? state.fault : undefined,
    busy: !current || state.busy,
    reload,
  };
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

/** The time of now, renewed every so often. */
export function useNow(ms: number): number {
  const [now, setNow] = useState(Date.now());
  useEvery(ms, () => setNow(Date.now()));
  return now;
}
