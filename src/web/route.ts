// Where one is, in the address after `#`: nothing of it ever reaches a server's log.

import { useEffect, useMemo, useState } from 'preact/hooks';

interface Route {
  /** `['device', 'ahu1']`; empty: home. */
  readonly path: readonly string[];
  readonly query: URLSearchParams;
}

function readRoute(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?');
  return {
    path: path
      .split('/')
      .filter((part) => part !== '')
      .map(safeDecode),
    query: new URLSearchParams(query),
  };
}

function safeDecode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export function useRoute(): Route {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const listener = (): void => setHash(location.hash);
    addEventListener('hashchange', listener);
    // It may have changed between drawing and listening.
    listener();
    return () => removeEventListener('hashchange', listener);
  }, []);
  return useMemo(() => readRoute(hash), [hash]);
}

/** `#/device/ahu1`. */
export const to = (...path: readonly string[]): string => `#/${path.map(encodeURIComponent).join('/')}`;

/** `isSame`: of the same view; going back leads to before it. */
export function go(href: string, isSame = false): void {
  if (isSame) location.replace(href);
  else location.hash = href;
}
