// Where one is, in the address after `#`: nothing of it ever reaches a server's log.

import { useEffect, useState } from 'preact/hooks';

export interface Route {
  /** `['device', 'ahu1']`; empty: home. */
  readonly path: readonly string[];
  readonly query: URLSearchParams;
}

function readRoute(): Route {
  const [path = '', query = ''] = location.hash.replace(/^#\/?/, '').split('?');
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
  const [route, setRoute] = useState(readRoute);
  useEffect(() => {
    const listener = (): void => setRoute(readRoute());
    addEventListener('hashchange', listener);
    return () => removeEventListener('hashchange', listener);
  }, []);
  return route;
}

/** `#/device/ahu1`. */
export const to = (...path: readonly string[]): string => `#/${path.map(encodeURIComponent).join('/')}`;

export function go(href: string): void {
  location.hash = href;
}
