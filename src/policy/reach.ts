// All targets at once: where a principal may do one reading action, as a set of handles (one bit a target). Equal to asking
// `decide` for every target by itself; a property test holds it to that.

import type { DecisionRequest } from '../model/decision.ts';
import { clearRange, hasBit, intersect, makeBits, setBit, setRange, unite } from './bitset.ts';
import { checksFor, circumstancesOf, isChannel, nextMoment } from './decide.ts';
import { holderFor, mayConcern } from './holder.ts';
import { DEVICE, type Inventory, LOCATION } from './inventory.ts';
import { concerns, isOn } from './lock.ts';
import {
  type Bits,
  type CompiledGrant,
  fastLocksIn,
  type Holder,
  type OrganizationRights,
  type PolicySnapshot,
} from './rights.ts';
import type { KnownAction } from './vocabulary.ts';
import { type Circumstances, furthest, isGrant, isLive } from './weigh.ts';

/** A decision request without targets and priority. */
export type ReachRequest = Omit<DecisionRequest, 'targets' | 'priority'>;

export interface Reach {
  /** Handles on which the action is permitted. Empty for actions that change something or are not judged for a target. */
  readonly mask: Uint32Array;
  /** When the mask may become another one, in ms since 1970; absent if never. */
  readonly validUntil?: number;
}

/** Where the request would be permitted. */
export function reach(snapshot: PolicySnapshot, request: ReachRequest): Reach {
  const { rights, inventory } = snapshot;
  const mask = makeBits(inventory.handleCount);
  const holder = holderFor(rights, request.principal, request.identity);
  if (typeof holder === 'string') return { mask };
  if (request.channel !== undefined && !isChannel(request.channel)) return { mask };
  for (const organization of rights.organizations) {
    const action = organization.words.action(request.action);
    if (action === undefined || action.changing || action.level !== 'site') continue;
    if (request.channel === 'tool' && organization.refusedByTool.has(action.name)) continue;
    unite(mask, within(snapshot, holder, organization, action, request));
  }
  const validUntil = nextMoment(snapshot, holder, request.at, rights.organizations);
  return { mask, ...(validUntil === undefined ? {} : { validUntil }) };
}

function within(
  snapshot: PolicySnapshot,
  holder: Holder,
  organization: OrganizationRights,
  action: KnownAction,
  request: ReachRequest,
): Bits {
  const { inventory } = snapshot;
  const holding = holder.in(organization);
  const circumstances = circumstancesOf(organization, holding, { ...request, targets: [] });
  const result = makeBits(inventory.handleCount);
  setRange(result, organization.root, organization.last);
  for (const check of checksFor(organization, action, request)) {
    intersect(result, whereChecked(inventory, circumstances, check));
  }
  const fast = fastLocksIn(snapshot, organization).filter((lock) =>
    mayConcern(lock, holder.id, holding.groups, holding.grants),
  );
  for (const lock of [...holding.locks, ...fast]) {
    if (concerns(lock, action.name) && isOn(lock, circumstances)) clearRange(result, lock.first, lock.last);
  }
  return result;
}

/** The handles of the organization on which some grant permits one check. */
function whereChecked(inventory: Inventory, circumstances: Circumstances, check: KnownAction): Bits {
  const { organization, holding, onlyRole } = circumstances;
  const result = makeBits(inventory.handleCount);
  if (check.level !== 'site') {
    if (isGrant(furthest(circumstances, inventory, check, organization.root))) {
      setRange(result, organization.root, organization.last);
    }
    return result;
  }
  for (const held of holding.grants) {
    const { grant } = held;
    const counts = onlyRole === undefined || grant.role === onlyRole;
    if (counts && hasBit(grant.powers.gives, check.number) && isLive(circumstances, held)) {
      unite(result, whereGranted(inventory, grant, check));
    }
  }
  if (organization.listed) {
    const accessible = makeBits(inventory.handleCount);
    for (const held of holding.access) {
      if (isLive(circumstances, held)) setRange(accessible, held.scope.first, held.scope.last);
    }
    intersect(result, accessible);
  }
  return result;
}

/** What a grant covers, less what tags and filters hide. */
function whereGranted(inventory: Inventory, grant: CompiledGrant, check: KnownAction): Bits {
  const { powers, first, last } = grant;
  const result = makeBits(inventory.handleCount);
  const devices = check.related ? powers.relatedDevices : powers.devices;
  const places = check.related ? powers.relatedPlaces : powers.places;
  if (devices === null && places) setRange(result, first, last);
  else {
    const { kinds, lasts, devices: numbers } = inventory.data;
    for (let handle = first; handle <= last; handle += 1) {
      if (kinds[handle] === LOCATION) {
        if (places) setBit(result, handle);
        continue;
      }
      const end = kinds[handle] === DEVICE ? (lasts[handle] as number) : handle;
      if (devices === null || hasBit(devices, (numbers[handle] as number) - 1)) setRange(result, handle, end);
      handle = end;
    }
  }
  if (check.changing && powers.points !== null) applyFilters(inventory, result, powers.points, check);
  return result;
}

function applyFilters({ data }: Inventory, result: Bits, admitted: Bits, check: KnownAction): void {
  const others = result.slice();
  for (const device of data.deviceHandles) clearRange(others, device + 1, data.lasts[device] as number);
  intersect(result, admitted);
  if (check.name !== 'point.write') unite(result, others);
}
