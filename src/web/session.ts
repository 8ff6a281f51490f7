// Who is signed in, and what everybody here should know about the gateway.

import type { z } from 'zod';
import type { healthSchema } from '../http/schema-admin.ts';
import type { ApiMe, WayBack } from '../http/schema-sign-in.ts';
import { ask, hearOfSession } from './api.ts';
import { batch } from './batch-rows.ts';
import { forgetReadings } from './live.ts';
import { createStore, forgetAnswers } from './store.ts';

/** Why nobody is signed in any more, or could not be. */
export type Over = 'ended' | 'revoked' | WayBack;
const WAYS_BACK = { 'no-role': 1, locked: 1, 'no-policy': 1, provider: 1 } satisfies { [Each in WayBack]: 1 };

type Health = z.output<typeof healthSchema>;
type Standing =
  | { readonly kind: 'looking' }
  | { readonly kind: 'out'; readonly over?: Over }
  | { readonly kind: 'in'; readonly me: ApiMe };

export const session = createStore<Standing>({ kind: 'looking' });
export const reached = createStore(true);
export const health = createStore<Health | undefined>(undefined);

export async function lookWhoIsIn(): Promise<void> {
  const back = wayBack();
  hearOfSession(
    () => leave(session.get().kind === 'in' ? 'ended' : back),
    (is) => reached.set(is),
  );
  addEventListener('session-over', (event) => {
    leave((event as CustomEvent<string>).detail === 'revoked' ? 'revoked' : 'ended');
  });
  try {
    signedIn(await ask<ApiMe>('me'));
  } catch {
    if (session.get().kind === 'looking') leave(back);
  }
}

/** What the identity provider's way back said, once: whoever comes again begins anew. */
function wayBack(): WayBack | undefined {
  const [, said = ''] = /^#\/sign-in\/([\w-]+)$/.exec(location.hash) ?? [];
  if (said === '') return undefined;
  history.replaceState(null, '', '/');
  return Object.keys(WAYS_BACK).find((each): each is WayBack => each === said);
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
function leave(over?: Over): void {
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
