// The answer of the kernel and of the gate: permit, or deny with a reason for every target.
// DenialReason is closed: a driver's refusal table that lacks one does not compile.

import type { ActionName, Channel } from './action.ts';
import type { PolicyRevision, PrincipalId, TargetId } from './ids.ts';
import type { NonEmpty } from './result.ts';

/** Reasons of the policy kernel (POLICY.md, The decision). */
export const POLICY_REASONS = [
  'unknown-principal',
  'no-sign-in',
  'unknown-action',
  'unknown-channel',
  'no-target',
  'unknown-target',
  'channel-restricted',
  'locked',
  'no-role',
  'no-permission',
  'out-of-scope',
  'no-site-access',
  'tag-restricted',
  'filter-restricted',
  'priority-reserved',
] as const;
export type PolicyReason = (typeof POLICY_REASONS)[number];

/** Reasons of the gate: the value and the states it keeps. `unsupported` is a frame nobody may send: not understood, or refused by table. */
export const GATE_REASONS = [
  'unattributed',
  'no-policy',
  'stale-policy',
  'unknown-point',
  'approval-required',
  'out-of-limits',
  'rate-limited',
  'image-unverified',
  'transfer-in-progress',
  'journal-unavailable',
  'unsupported',
] as const;
type GateReason = (typeof GATE_REASONS)[number];

export type DenialReason = PolicyReason | GateReason;

/** Names and roles an identity provider gave for a person who is not in `users`. */
export interface ProviderIdentity {
  readonly organization: string;
  readonly groups: readonly string[];
  readonly role?: string;
}

/** One question to the kernel. Time is a parameter, never read inside. */
export interface DecisionRequest {
  /** `null` is a peer without an identity: `anyone`. */
  readonly principal: PrincipalId | string | null;
  /** Text, because a request may name an action nobody knows. */
  readonly action: ActionName | string;
  readonly targets: readonly (TargetId | string)[];
  readonly channel?: Channel | string;
  /** BACnet priority 1 to 16; absent where the protocol has none. */
  readonly priority?: number;
  readonly identity?: ProviderIdentity;
  /** Milliseconds since 1970-01-01T00:00:00Z. */
  readonly at: number;
  /** Time is not to be trusted: grants with `until` do not count, locks with `from` or `until` do (SYNC.md, Clock). */
  readonly timeUnsure?: boolean;
  /** Only grants of this role count: a client certificate's role narrows, never widens (PROTOCOLS.md, Modbus/TCP Security). */
  readonly narrowToRole?: string;
}

/** The verdict on one target (after `involves` was followed). */
export type TargetVerdict =
  | { readonly target: TargetId; readonly permitted: true; readonly grant: string }
  | {
      readonly target: TargetId;
      readonly permitted: false;
      readonly reason: PolicyReason;
      /** The action that was missing: the request's own, or one that it needs as well. */
      readonly missing: string;
      /** The lock that denied, where `reason` is `locked`. */
      readonly lock?: string;
    };

interface DeniedBecause {
  readonly decision: 'deny';
  readonly revision: PolicyRevision;
  readonly reason: PolicyReason;
  /** The first denied target, in the request's order; absent where the request was denied before any target was looked at. */
  readonly target?: TargetId;
  readonly verdicts: readonly TargetVerdict[];
}

interface Permitted {
  readonly decision: 'permit';
  readonly revision: PolicyRevision;
  readonly verdicts: NonEmpty<TargetVerdict>;
  /** How many other persons must approve before it is carried out (POLICY.md, `approvals` of roles); 0 = none. */
  readonly approvals: number;
  /** The earliest moment, in ms since 1970, at which a grant or a lock begins or ends for this request; absent if never. */
  readonly validUntil?: number;
}

export type Decision = Permitted | DeniedBecause;
