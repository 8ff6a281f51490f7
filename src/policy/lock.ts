// Locks: nothing but a lock takes away (POLICY.md, The decision). Those of the bundle bind in their organization; one on a
// principal from the fast channel binds in every organization (SYNC.md, `policy/locks`).

import { mayConcern } from './holder.ts';
import { type CompiledLock, covers, type PolicySnapshot } from './rights.ts';
import { type Circumstances, isLive } from './weigh.ts';

/** One entry of the fast channel; every key that is given must match. Times in ms since 1970, `until` exclusive. */
export interface FastLock {
  readonly id: string;
  readonly why: string;
  /** Where group, role or action are meant; absent, and for a principal: every organization. */
  readonly organization?: string;
  readonly principal?: string;
  readonly group?: string;
  readonly role?: string;
  readonly action?: string;
  readonly from?: number;
  readonly until: number;
}

/** The same policy with these locks of the fast channel in place of those before. */
export function withLocks(snapshot: PolicySnapshot, locks: readonly FastLock[]): PolicySnapshot {
  const fastLocks = snapshot.rights.organizations.map(({ id, root, last, words }) =>
    locks.flatMap((lock): CompiledLock[] => {
      const elsewhere = lock.principal === undefined && lock.organization !== undefined && lock.organization !== id;
      if (elsewhere) return [];
      const { why, principal, group, role, action, from = Number.NEGATIVE_INFINITY, until } = lock;
      const actions = action === undefined ? undefined : words.expand([action]).map(({ name }) => name);
      return [{ id: lock.id, why, principal, group, role, actions, first: root, last, from, until }];
    }),
  );
  return { ...snapshot, fastLocks };
}

/** The first lock in force that matches. */
export function activeLock(
  circumstances: Circumstances,
  principal: string | undefined,
  fastLocks: readonly CompiledLock[],
  action: string,
  handle: number,
): CompiledLock | undefined {
  const { locks, groups, grants } = circumstances.holding;
  for (const lock of locks) if (binds(lock, circumstances, action, handle)) return lock;
  for (const lock of fastLocks) {
    if (mayConcern(lock, principal, groups, grants) && binds(lock, circumstances, action, handle)) return lock;
  }
  return undefined;
}

/** What `mayConcern` leaves open: the action, the place, the time, and whether the role is held at this time. */
export function binds(lock: CompiledLock, circumstances: Circumstances, action: string, handle: number): boolean {
  return concerns(lock, action) && covers(lock, handle) && isOn(lock, circumstances);
}

export function concerns({ actions }: CompiledLock, action: string): boolean {
  return actions === undefined || actions.includes(action);
}

/** In force, its role held. With time unsure a lock that begins or ends binds, and a role counts as held whatever its time. */
export function isOn(lock: CompiledLock, circumstances: Circumstances): boolean {
  const { at, unsure, holding } = circumstances;
  if (unsure) return true;
  if (lock.from > at || lock.until <= at) return false;
  return (
    lock.role === undefined ||
    holding.grants.some((held) => held.grant.role === lock.role && isLive(circumstances, held))
  );
}
