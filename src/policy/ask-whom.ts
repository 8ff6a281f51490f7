// Who could have: the people to whom somebody who was denied may turn. Names only where the asker may see other users.

import type { DecisionRequest } from '../model/decision.ts';
import { circumstancesOf, decide } from './decide.ts';
import { holderFor } from './holder.ts';
import { ownerOf, type PolicySnapshot } from './rights.ts';
import { isLive } from './weigh.ts';

export interface AskWhom {
  /** At most `limit`; empty where `withheld`. */
  readonly people: readonly { readonly id: string; readonly name: string }[];
  /** How many were found, at most `limit`; the search ends there. */
  readonly count: number;
  /** The asker holds no role that sees other users. */
  readonly withheld: boolean;
}

/** Enabled users who would be permitted the same action on this target (or without one, where the request has none). */
export function askWhom(
  snapshot: PolicySnapshot,
  request: DecisionRequest,
  target: string | undefined,
  limit = 5,
): AskWhom {
  const { action, channel, priority, at, timeUnsure } = request;
  const people: { id: string; name: string }[] = [];
  for (const person of snapshot.rights.people.values()) {
    if (people.length === limit) break;
    if (person.kind !== 'user' || person.disabled || person.id === request.principal) continue;
    const { decision } = decide(snapshot, {
      principal: person.id,
      action,
      targets: target === undefined ? [] : [target],
      at,
      ...(channel === undefined ? {} : { channel }),
      ...(priority === undefined ? {} : { priority }),
      ...(timeUnsure === undefined ? {} : { timeUnsure }),
    });
    if (decision === 'permit') people.push({ id: person.id, name: person.name });
  }
  const withheld = !seesOthers(snapshot, request, target);
  return { people: withheld ? [] : people, count: people.length, withheld };
}

/** Whether a role in force, in the organization that owns the target (else the asker's own), lets the asker see other users. */
export function seesOthers(snapshot: PolicySnapshot, request: DecisionRequest, target: string | undefined): boolean {
  const { rights } = snapshot;
  const holder = holderFor(rights, request.principal, request.identity);
  if (typeof holder === 'string') return false;
  const handle = target === undefined ? undefined : rights.inventory.find(target);
  const owner = handle === undefined ? holder.home : ownerOf(rights, handle);
  if (owner === undefined) return false;
  const holding = holder.in(owner);
  const circumstances = circumstancesOf(owner, holding, request);
  return holding.grants.some(
    (held) => owner.roles.get(held.grant.role ?? '')?.seesOtherUsers === true && isLive(circumstances, held),
  );
}
