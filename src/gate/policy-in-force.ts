// What the door needs of the policy in force: the only place of this room that knows the policy room's shapes.

import type { Clock } from '../contract/clock.ts';
import type { Caller } from '../contract/gate.ts';
import type { Decision, DecisionRequest, ProviderIdentity } from '../model/decision.ts';
import { type PolicyRevision, type PrincipalId, principalId } from '../model/ids.ts';
import type { InventoryView } from '../model/point.ts';
import { decide } from '../policy/decide.ts';
import { type Reach, type ReachRequest, reach } from '../policy/reach.ts';
import type { PolicySnapshot } from '../policy/rights.ts';
import { hasToken } from '../policy/token.ts';

export interface PolicyInForce {
  readonly revision: PolicyRevision;
  /** ms since 1970; absent = never. */
  readonly expiresAt?: number;
  readonly graceHours: number;
  /** Present where the mode is `observe`: ms since 1970. */
  readonly observeUntil?: number;
  readonly inventory: InventoryView;
  decide(request: DecisionRequest): Decision;
  reach(request: ReachRequest): Reach;
  /** `certificates` entries of users and applications with whose they are. */
  certificates(): Iterable<readonly [entry: string, principal: PrincipalId]>;
  isApplication(principal: string): boolean;
  /** By the first hex digits of its SHA-256. */
  hasToken(principal: string, token: string): boolean;
}

export function policyInForce(snapshot: PolicySnapshot): PolicyInForce {
  const { header, inventory, rights } = snapshot;
  return {
    revision: header.revision,
    graceHours: header.graceHours,
    inventory,
    ...(header.expiresAt !== undefined && { expiresAt: header.expiresAt }),
    ...(header.mode === 'observe' && header.observeUntil !== undefined && { observeUntil: header.observeUntil }),
    decide: (request) => decide(snapshot, request),
    reach: (request) => reach(snapshot, request),
    *certificates() {
      for (const person of rights.people.values()) {
        if (person.disabled) continue;
        for (const entry of person.certificates) yield [entry, principalId(person.id)] as const;
      }
    },
    hasToken: (principal, token) => hasToken(rights.people.get(principal), token),
    isApplication: (principal) => rights.people.get(principal)?.kind === 'application',
  };
}

export type Standing = 'stands' | 'unknown-principal' | 'locked';

export type AskerKeys = 'principal' | 'channel' | 'identity' | 'narrowToRole';

/** What the kernel needs to know of who asks, and of the moment. */
export function askerOf({ principal, channel, identity, narrowToRole }: Pick<Caller, AskerKeys>, clock: Clock) {
  return {
    principal,
    channel,
    at: clock.now(),
    timeUnsure: !clock.sure(),
    ...(identity && { identity }),
    ...(narrowToRole !== undefined && { narrowToRole }),
  };
}

/** Whether a person or application may take part at all: known, enabled, and not locked out as a whole. */
export function standingOf(
  policy: PolicyInForce,
  principal: PrincipalId,
  identity: ProviderIdentity | undefined,
  time: { readonly at: number; readonly timeUnsure: boolean },
): Standing {
  // The root of the home organization: a lock that matches there, for an action nobody singles out, is on the principal whole.
  const answer = policy.decide({ principal, action: 'org.view', targets: [], ...(identity && { identity }), ...time });
  if (answer.decision === 'permit') return 'stands';
  if (answer.reason === 'unknown-principal' || answer.reason === 'no-sign-in') return 'unknown-principal';
  return answer.reason === 'locked' ? 'locked' : 'stands';
}
