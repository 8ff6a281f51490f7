// The answer. Pure, synchronous, total: one request against one snapshot, a verdict for every target (POLICY.md, The decision).
// 1. Nothing here looks at a clock. 2. Permit only if there is a target and every one is permitted. 3. A lock beats every permit.

import { CHANNELS, type Channel } from '../model/action.ts';
import type { Decision, DecisionRequest, PolicyReason, TargetVerdict } from '../model/decision.ts';
import { type TargetHandle, type TargetId, targetHandle, targetId } from '../model/ids.ts';
import { isNonEmpty } from '../model/result.ts';
import { holderFor, mayConcern } from './holder.ts';
import { POINT } from './inventory.ts';
import { activeLock } from './lock.ts';
import {
  fastLocksIn,
  type Holder,
  type Holding,
  type OrganizationRights,
  ownerOf,
  type PolicySnapshot,
} from './rights.ts';
import { type KnownAction, LIFE_SAFETY } from './vocabulary.ts';
import { type Circumstances, fewestApprovals, furthest, isGrant } from './weigh.ts';

/** What adds up over the targets of one request. */
interface Tally {
  readonly touched: Set<OrganizationRights>;
  approvals: number;
}

/** Permit, or deny with the first denied target marked and a reason for each. */
export function decide(snapshot: PolicySnapshot, request: DecisionRequest): Decision {
  const { rights, inventory } = snapshot;
  const holder = holderFor(rights, request.principal, request.identity);
  if (typeof holder === 'string') return refuseWhole(snapshot, holder);
  if (!rights.actionNames.has(request.action)) return refuseWhole(snapshot, 'unknown-action');
  if (request.channel !== undefined && !isChannel(request.channel)) return refuseWhole(snapshot, 'unknown-channel');
  const verdicts: TargetVerdict[] = [];
  const tally: Tally = { touched: new Set(), approvals: 0 };
  if (request.targets.length === 0) {
    const root = rootInstead(holder, request.action);
    if (root === 'unknown-action') return refuseWhole(snapshot, root);
    if (root !== 'no-target') verdicts.push(judge(snapshot, holder, request, tally, root, inventory.idOf(root)));
  }
  for (const id of request.targets) {
    const handle = inventory.find(id);
    if (handle === undefined) {
      verdicts.push({ target: targetId(id), permitted: false, reason: 'unknown-target', missing: request.action });
      continue;
    }
    const verdict = judge(snapshot, holder, request, tally, handle, targetId(id));
    verdicts.push(verdict);
    for (const involved of involvedBy(snapshot, request.action, handle)) {
      verdicts.push(judge(snapshot, holder, request, tally, involved, inventory.idOf(involved)));
    }
  }
  return conclude(snapshot, holder, request, verdicts, tally);
}

/** The handles that a changing action on a point moves too; itself not among them. One step: what those involve is their own business. */
function involvedBy({ inventory, rights }: PolicySnapshot, action: string, handle: TargetHandle): TargetHandle[] {
  const { kinds, involved, involvedFrom } = inventory.data;
  if (kinds[handle] !== POINT) return [];
  if (ownerOf(rights, handle).words.action(action)?.changing !== true) return [];
  const from = involvedFrom[handle] as number;
  const to = involvedFrom[handle + 1] as number;
  return from === to ? [] : Array.from(involved.subarray(from, to), targetHandle);
}

export function isChannel(channel: string): channel is Channel {
  return (CHANNELS as readonly string[]).includes(channel);
}

/** The root of the home organization, for an action that is not judged for a target; else why there is none. */
function rootInstead(holder: Holder, name: string): TargetHandle | 'no-target' | 'unknown-action' {
  const { home } = holder;
  if (home === undefined) return 'no-target';
  const action = home.words.action(name);
  if (action === undefined) return 'unknown-action';
  return action.level === 'site' ? 'no-target' : targetHandle(home.root);
}

/** What has to be permitted on a target: the action, what it needs, what the channel needs, and life safety for priorities 1 and 2. */
export function checksFor(
  { words, checks, channelNeeds }: OrganizationRights,
  action: KnownAction,
  { channel, priority }: Pick<DecisionRequest, 'channel' | 'priority'>,
): readonly KnownAction[] {
  const own = checks[action.number] as readonly KnownAction[];
  const byChannel = channel === undefined ? undefined : channelNeeds.get(channel);
  const safety = priority !== undefined && priority <= 2 ? words.action(LIFE_SAFETY) : undefined;
  if (byChannel === undefined && safety === undefined) return own;
  return [...own, ...(byChannel ?? []), ...(safety === undefined ? [] : [safety])];
}

/** The request as the grants of one organization see it. */
export function circumstancesOf(
  organization: OrganizationRights,
  holding: Holding,
  request: DecisionRequest,
): Circumstances {
  return {
    organization,
    holding,
    at: request.at,
    unsure: request.timeUnsure === true,
    priority: request.priority,
    onlyRole: request.narrowToRole,
  };
}

function judge(
  snapshot: PolicySnapshot,
  holder: Holder,
  request: DecisionRequest,
  tally: Tally,
  handle: TargetHandle,
  target: TargetId,
): TargetVerdict {
  const { rights, inventory } = snapshot;
  const deny = (reason: PolicyReason, missing: string): TargetVerdict => ({
    target,
    permitted: false,
    reason,
    missing,
  });
  const organization = ownerOf(rights, handle);
  const action = organization.words.action(request.action);
  if (action === undefined) return deny('unknown-action', request.action);
  tally.touched.add(organization);
  if (request.channel === 'tool' && organization.refusedByTool.has(action.name)) {
    return deny('channel-restricted', action.name);
  }
  const circumstances = circumstancesOf(organization, holder.in(organization), request);
  const lock = activeLock(circumstances, holder.id, fastLocksIn(snapshot, organization), action.name, handle);
  if (lock !== undefined) return { target, permitted: false, reason: 'locked', missing: action.name, lock: lock.id };
  let grant = '';
  for (const check of checksFor(organization, action, request)) {
    const found = furthest(circumstances, inventory, check, handle);
    if (!isGrant(found)) return deny(found, check.name);
    if (grant === '') grant = found.label;
    if (found.powers.approvals !== null) {
      tally.approvals = Math.max(tally.approvals, fewestApprovals(circumstances, inventory, check, handle, found));
    }
  }
  return { target, permitted: true, grant };
}

function conclude(
  snapshot: PolicySnapshot,
  holder: Holder,
  request: DecisionRequest,
  verdicts: readonly TargetVerdict[],
  { touched, approvals }: Tally,
): Decision {
  const { revision } = snapshot.header;
  for (const verdict of verdicts) {
    if (!verdict.permitted) {
      return { decision: 'deny', revision, reason: verdict.reason, target: verdict.target, verdicts };
    }
  }
  if (!isNonEmpty(verdicts)) return refuseWhole(snapshot, 'no-target');
  const validUntil = nextMoment(snapshot, holder, request.at, touched);
  return { decision: 'permit', revision, verdicts, approvals, ...(validUntil === undefined ? {} : { validUntil }) };
}

/** The first moment after `at` at which a grant or a lock of the holder begins or ends in one of the organizations. */
export function nextMoment(
  snapshot: PolicySnapshot,
  holder: Holder,
  at: number,
  organizations: Iterable<OrganizationRights>,
): number | undefined {
  let next = Number.POSITIVE_INFINITY;
  for (const organization of organizations) {
    const { moments, groups, grants } = holder.in(organization);
    const moment = moments.find((candidate) => candidate > at);
    if (moment !== undefined && moment < next) next = moment;
    for (const lock of fastLocksIn(snapshot, organization)) {
      if (!mayConcern(lock, holder.id, groups, grants)) continue;
      const { from, until } = lock;
      if (from > at && from < next) next = from;
      if (until > at && until < next) next = until;
    }
  }
  return Number.isFinite(next) ? next : undefined;
}

function refuseWhole({ header }: PolicySnapshot, reason: PolicyReason): Decision {
  return { decision: 'deny', revision: header.revision, reason, verdicts: [] };
}
