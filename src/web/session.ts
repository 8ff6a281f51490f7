// Who is signed in, and what everybody here should know about the gateway.

import type { z } from 'zod';
import type { healthSchema } from '../http/schema-admin.ts';
import type { ApiMe } from '../http/schema-sign-in.ts';
import { ask, hearOfSession } from './api.ts';
import { createStore } from './store.ts';

export type Health = z.output<typeof healthSchema>;
export type Standing =
  | { readonly kind: 'looking' }
  | { readonly kind: 'out'; readonly over: boolean }
  | { readonly kind: 'in'; readonly me: ApiMe };

export const session = createStore<Standing>({ kind: 'looking' });
export const reached = createStore(true);
export const health = createStore<Health | undefined>(undefined);

export async function lookWhoIsIn(): Promise<void> {
  hearOfSession(
    () => session.set({ kind: 'out', over: session.get().kind === 'in' }),
    (is) => reached.set(is),
  );
  addEventListener('session-over', () => session.set({ kind: 'out', over: true }));
  try {
    signedIn(await ask<ApiMe>('me'));
  } catch {
    if (session.get().kind === 'looking') session.set({ kind: 'out', over: false });
  }
}

export function signedIn(me: ApiMe): void {
  session.set({ kind: 'in', me });
  void lookAtHealth();
}

export async function lookAtHealth(): Promise<void> {
  if (session.get().kind !== 'in') return;
  try {
    health.set(await ask<Health>('health'));
  } catch {
    // `reached` says it already.
  }
}

export async function signOut(): Promise<void> {
  await ask('sign-out', { method: 'POST' }).catch(() => {});
  session.set({ kind: 'out', over: false });
  location.hash = '';
}

/** The signed-in person; only views inside the session ask. */
export function useMe(): ApiMe {
  const standing = session.use();
  if (standing.kind !== 'in') throw new Error('nobody is signed in');
  return standing.me;
}

export const may = (me: ApiMe, action: string): boolean => me.can.includes(action);
