// One stream of events from the gateway: opened again where it broke, and the first to hear that a session is over.

import { ask } from './api.ts';

const AGAIN_MS = 3000;

interface Heard {
  readonly [event: string]: (data: unknown) => void;
}

/** Until the returned function is called. `standing`: whether it is open now. */
export function followStream(path: string, heard: Heard, standing: (isOpen: boolean) => void = () => {}): () => void {
  let source: EventSource | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let over = false;
  const open = (): void => {
    source = new EventSource(`/api/v1/${path}`);
    source.addEventListener('open', () => standing(true));
    for (const [name, hear] of Object.entries(heard)) {
      source.addEventListener(name, (event) => hear(JSON.parse((event as MessageEvent<string>).data)));
    }
    source.addEventListener('end', (event) => {
      const { why } = JSON.parse((event as MessageEvent<string>).data) as { why: string };
      source?.close();
      standing(false);
      if (why === 'revoked') dispatchEvent(new CustomEvent('session-over', { detail: why }));
      else again();
    });
    source.addEventListener('error', () => {
      standing(false);
      if (source?.readyState === EventSource.CLOSED) again();
    });
  };
  const again = (): void => {
    clearTimeout(timer);
    if (over) return;
    timer = setTimeout(open, AGAIN_MS);
    // A stream does not say with which answer it was refused; where nobody is signed in any more, this does.
    void ask('me').catch(() => {});
  };
  open();
  return () => {
    over = true;
    clearTimeout(timer);
    source?.close();
    standing(false);
  };
}
