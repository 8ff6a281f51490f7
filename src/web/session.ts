// Who is signed in, and what everybody here should know about the gateway.

import type { z } from 'zod';
import type { healthSchema } from '../http/schema-admin.ts';
import type { ApiMe } from '../http/schema-sign-in.ts';
import { ask, hearOfSession } from './api.ts';
import { batch } from './batch-rows.ts';
import { forgetReadings } from './live.ts';
import { createStore, forgetAnswers } from './store.ts';

export type Health = z.output<typeof healthSchema>;
export type Standing =
  | { readonly kind: 'looking' }
  | { readonly kind: 'out'; readonly over?: 'ended' | 'revoked' }
  | { readonly kind: 'in'; readonly me: ApiMe };

export const session = createStore<Standing>({ kind: 'looking' });
export const reached = createStore(true);
export const health = createStore<Health | undefined>(undefined);

export async function lookWhoIsIn(): Promise<void> {
  hearOfSession(
    () => leave(session.get().kind === 'in' ? 'ended' : undefined),
    (is) => reached.set(is),
  );
  addEventListener('session-over', (event) => {
    leave((event as CustomEvent<string>).detail === 'revoked' ? 'revoked' : 'ended');
  });
  try {
    signedIn(await ask<ApiMe>('me'));
  } catch {
    if (session.get().kind === 'looking') leave();
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

/** @throws ApiFault where the gateway did not hear of it: the session stands */
export async function signOut(): Promise<void> {
  await ask('sign-out', { method: 'POST' });
  leave();
  location.hash = '';
}

/** Nothing that this person saw or prepared stays for the next one. The first reason told is the one that stays. */
function leave(over?: 'ended' | 'revoked'): void {
  const before = session.get();
  if (before.kind === 'out') return;
  batch.set([]);
  forgetReadings();
  forgetAnswers();
  health.set(undefined);
  session.set(over === undefined ? { kind: 'out' } : { kind: 'out', over });
}

/** The signed-in person; only views inside the session ask. */
export function useMe(): ApiMe {
  const standing = session.use();
  if (standing.kind !== 'in') throw new Error('nobody is signed in');
  return standing.me;
}

export const may = (me: ApiMe, action: string): boolean => me.can.includes(action);
