// One check on one target against every grant in somebody's hands: the grant that permits, or the reason of the one that
// came furthest (POLICY.md, The decision). Nothing but the order of the stages decides what is said.

import type { PolicyReason } from '../model/decision.ts';
import { hasBit } from './bitset.ts';
import { type Inventory, POINT } from './inventory.ts';
import {
  type CompiledGrant,
  covers,
  type Extent,
  type HeldGrant,
  type Holding,
  type OrganizationRights,
} from './rights.ts';
import type { KnownAction } from './vocabulary.ts';

/** How far a grant can come, nearest first; `PERMITS` is beyond all. */
export const STAGES = [
  'no-role',
  'no-permission',
  'out-of-scope',
  'no-site-access',
  'tag-restricted',
  'filter-restricted',
  'priority-reserved',
] as const satisfies readonly PolicyReason[];
export const PERMITS = STAGES.length;

/** What of a request every grant of one organization is weighed under. */
export interface Circumstances {
  readonly organization: OrganizationRights;
  readonly holding: Holding;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** The clock is not to be trusted: what ends does not count. */
  readonly unsure: boolean;
  readonly priority: number | undefined;
  /** Only grants of the role of this id count. */
  readonly onlyRole: string | undefined;
}

export function isGrant(found: CompiledGrant | PolicyReason): found is CompiledGrant {
  return typeof found === 'object';
}

/** The first grant that permits, else the reason of the one that came furthest. */
export function furthest(
  circumstances: Circumstances,
  inventory: Inventory,
  action: KnownAction,
  handle: number,
): CompiledGrant | PolicyReason {
  let best = 0;
  for (const held of circumstances.holding.grants) {
    const stage = stageOf(circumstances, inventory, action, handle, held);
    if (stage === PERMITS) return held.grant;
    if (stage > best) best = stage;
  }
  return STAGES[best] as (typeof STAGES)[number];
}

/** The fewest approvals that any permitting grant asks, where `found` is the first of them: the least restrictive wins. */
export function fewestApprovals(
  circumstances: Circumstances,
  inventory: Inventory,
  action: KnownAction,
  handle: number,
  found: CompiledGrant,
): number {
  let fewest = approvalsBy(found, action);
  for (const held of circumstances.holding.grants) {
    if (fewest === 0) return 0;
    const asked = approvalsBy(held.grant, action);
    if (asked < fewest && stageOf(circumstances, inventory, action, handle, held) === PERMITS) fewest = asked;
  }
  return fewest;
}

export function approvalsBy({ powers: { approvals } }: CompiledGrant, { number }: KnownAction): number {
  return approvals?.get(number) ?? 0;
}

/** How far one grant comes: an index of `STAGES`, or `PERMITS`. A grant that is not in force stays at the first. */
export function stageOf(
  circumstances: Circumstances,
  inventory: Inventory,
  action: KnownAction,
  handle: number,
  held: HeldGrant,
): number {
  const { grant } = held;
  const { organization, holding, priority, onlyRole } = circumstances;
  if (onlyRole !== undefined && grant.role !== onlyRole) return 0;
  if (!isLive(circumstances, held)) return 0;
  const { powers } = grant;
  if (!hasBit(powers.gives, action.number)) return 1;
  if (action.level === 'organization') return grant.first === organization.root ? PERMITS : 2;
  if (action.level === 'anywhere') {
    return organization.listed && !meetsAccess(circumstances, grant) ? 3 : PERMITS;
  }
  if (!covers(grant, handle)) return 2;
  if (
    organization.listed &&
    !holding.access.some((held) => covers(held.scope, handle) && isLive(circumstances, held))
  ) {
    return 3;
  }
  if (!admitsDevice(inventory, action, handle, grant)) return 4;
  if (action.changing && powers.points !== null && !passesFilters(inventory, action, handle, powers.points)) return 5;
  if (priority !== undefined && action.name === 'point.write' && !holdsPriority(grant, priority)) return 6;
  return PERMITS;
}

/** `from` is inclusive, `until` exclusive. */
function isInForce({ from, until }: Extent, at: number, unsure: boolean): boolean {
  return from <= at && at < until && !(unsure && Number.isFinite(until));
}

/** In force, and by a link only where a grant it rests on is in force too. */
export function isLive(
  { at, unsure }: Pick<Circumstances, 'at' | 'unsure'>,
  held: { readonly grant?: Extent; readonly via: readonly Extent[] | undefined },
): boolean {
  if (held.grant !== undefined && !isInForce(held.grant, at, unsure)) return false;
  return held.via === undefined || held.via.some((source) => isInForce(source, at, unsure));
}

/** Whether some access entry and the grant have a place in common: without, the grant counts nowhere. */
function meetsAccess(circumstances: Circumstances, grant: Extent): boolean {
  return circumstances.holding.access.some(
    (held) => held.scope.first <= grant.last && grant.first <= held.scope.last && isLive(circumstances, held),
  );
}

function admitsDevice(
  { data }: Inventory,
  { related }: KnownAction,
  handle: number,
  { powers }: CompiledGrant,
): boolean {
  const devices = related ? powers.relatedDevices : powers.devices;
  const device = (data.devices[handle] as number) - 1;
  if (device < 0) return related ? powers.relatedPlaces : powers.places;
  return devices === null || hasBit(devices, device);
}

/** Filters restrict every change of a point, and forbid `point.write` on what is none. */
function passesFilters({ data }: Inventory, action: KnownAction, handle: number, points: Uint32Array): boolean {
  return data.kinds[handle] === POINT ? hasBit(points, handle) : action.name !== 'point.write';
}

function holdsPriority({ powers }: CompiledGrant, priority: number): boolean {
  return Number.isInteger(priority) && priority >= powers.fromPriority && priority <= powers.toPriority;
}
