// Who asks the API: a signed-in person or an application with a token, as the gate's caller and as the policy's subject.

import type { Clock } from '../contract/clock.ts';
import type { Caller } from '../contract/gate.ts';
import type { DecisionRequest } from '../model/decision.ts';
import { hasBit } from '../policy/bitset.ts';
import { circumstancesOf, decide } from '../policy/decide.ts';
import { holderFor } from '../policy/holder.ts';
import type { Holder, OrganizationRights, PolicySnapshot } from '../policy/rights.ts';
import { isLive } from '../policy/weigh.ts';
import type { WebSession } from './web-sessions.ts';

export interface Asker {
  readonly caller: Caller & { readonly principal: string };
  readonly kind: 'user' | 'application' | 'provider';
  readonly name: string;
  /** Absent for applications. */
  readonly session?: WebSession;
}

/** The part of a decision request that says who and when. */
export function askedBy({ principal, channel, identity }: Caller, clock: Clock) {
  return {
    principal,
    channel,
    at: clock.now(),
    ...(identity && { identity }),
    ...(!clock.sure() && { timeUnsure: true }),
  } satisfies Partial<DecisionRequest>;
}

export function holderOf({ rights }: PolicySnapshot, { principal, identity }: Caller): Holder | undefined {
  const holder = holderFor(rights, principal, identity);
  return typeof holder === 'string' ? undefined : holder;
}

/** Known, enabled, and not locked as a whole. */
export function standsNow(snapshot: PolicySnapshot, caller: Caller, clock: Clock): 'stands' | 'unknown' | 'locked' {
  const answer = decide(snapshot, { ...askedBy(caller, clock), action: 'org.view', targets: [] });
  if (answer.decision === 'permit') return 'stands';
  if (answer.reason === 'unknown-principal' || answer.reason === 'no-sign-in') return 'unknown';
  return answer.reason === 'locked' ? 'locked' : 'stands';
}

/** Whether an action judged at an organization's root is permitted there; the asker's own where none is given. */
export function mayIn(
  snapshot: PolicySnapshot,
  caller: Caller,
  clock: Clock,
  action: string,
  organization?: OrganizationRights,
): boolean {
  const { inventory } = snapshot;
  const root = organization && inventory.ids.at(organization.root);
  const targets = root === undefined ? [] : [root];
  return decide(snapshot, { ...askedBy(caller, clock), action, targets }).decision === 'permit';
}

/** The same in every organization of the site. */
export function mayOnWholeSite(snapshot: PolicySnapshot, caller: Caller, clock: Clock, action: string): boolean {
  const { organizations } = snapshot.rights;
  return organizations.length > 0 && organizations.every((each) => mayIn(snapshot, caller, clock, action, each));
}

/** Whether a grant in force gives the action anywhere at all. */
export function holdsSomewhere(snapshot: PolicySnapshot, caller: Caller, clock: Clock, action: string): boolean {
  const holder = holderOf(snapshot, caller);
  const asked = { ...askedBy(caller, clock), action, targets: [] };
  return snapshot.rights.organizations.some((organization) => {
    const number = organization.words.action(action)?.number;
    const holding = holder?.in(organization);
    if (number === undefined || holding === undefined) return false;
    const now = circumstancesOf(organization, holding, asked);
    return holding.grants.some((held) => hasBit(held.grant.powers.gives, number) && isLive(now, held));
  });
}
