// One organization's rights compiled: role chains folded into one set of powers each, `at` turned into intervals.

import { intersect, makeBits, setBit, unite } from './bitset.ts';
import type { Inventory } from './inventory.ts';
import { readRecipient } from './recipient.ts';
import type { Bits, CompiledGrant, CompiledLock, CompiledRole, Extent, OrganizationRights, Powers } from './rights.ts';
import type { GrantDocument, LockDocument, RightsOrganization, RoleDocument } from './schema.ts';
import { type KnownAction, Vocabulary } from './vocabulary.ts';

const LOWEST_PRIORITY = 16;
const DEFAULT_PRIORITIES = { from: 8, to: LOWEST_PRIORITY };

/** What is looked up while one organization compiles. `tags`: device numbers, those without a tag under the empty text. */
interface Workshop {
  readonly inventory: Inventory;
  readonly document: RightsOrganization;
  readonly words: Vocabulary;
  readonly filters: ReadonlyMap<string, Bits>;
  readonly tags: ReadonlyMap<string, Bits>;
  readonly rolesById: ReadonlyMap<string, RoleDocument>;
  readonly root: number;
  readonly last: number;
  /** Equal lists of filters share one mask. */
  readonly unions: Map<string, Bits>;
}

export function compileOrganization(
  inventory: Inventory,
  index: number,
  document: RightsOrganization,
  filters: ReadonlyMap<string, Bits>,
  tags: ReadonlyMap<string, Bits>,
): OrganizationRights {
  const words = new Vocabulary(document.permissions);
  const root = inventory.data.roots[index] as number;
  const shop: Workshop = {
    inventory,
    document,
    words,
    filters,
    tags,
    rolesById: new Map(document.roles.map((role) => [role.id, role])),
    root,
    last: inventory.data.lasts[root] as number,
    unions: new Map(),
  };
  const roles = new Map(document.roles.map((role) => [role.id, compileRole(shop, role)]));
  const known = (names: readonly string[]): KnownAction[] => words.expand(names);
  return {
    index,
    id: document.id,
    name: document.name,
    root: shop.root,
    last: shop.last,
    words,
    listed: document.model.siteAccess === 'listed',
    identityProvider: document.identityProvider,
    roles,
    groups: document.groups.map(({ id, name, members, everyone, default: joinedFromProvider }) => ({
      id,
      providerName: name ?? id,
      members: new Set(members),
      everyone,
      joinedFromProvider,
    })),
    grants: document.grants.map((grant, place) => compileGrant(shop, roles, grant, place)),
    access: document.access.map(({ to, at }) => ({
      to: readRecipient(to),
      scopes: at.map((place) => extentOf(shop, place, undefined, undefined)),
    })),
    locks: document.locks.map((lock) => compileLock(shop, lock)),
    refusedByTool: new Set(known(document.refusedByTool).map(({ name }) => name)),
    channelNeeds: new Map(Object.entries(document.channels).map(([channel, names]) => [channel, known(names)])),
    checks: [...words.all()].map((action) => [action, ...known(action.needs)]),
  };
}

function compileRole(shop: Workshop, role: RoleDocument): CompiledRole {
  const powers = chainOf(shop, role)
    .map((above) => powersOf(shop, above))
    .reduce(narrowest);
  return {
    id: role.id,
    name: role.name,
    powers,
    seesOtherUsers: role.seesOtherUsers,
    home: role.home,
    isDefault: role.default,
    fromProvider: {
      index: -1,
      label: `role ${role.id} from the identity provider`,
      to: { is: 'anyone' },
      role: role.id,
      powers,
      first: shop.root,
      last: shop.last,
      from: Number.NEGATIVE_INFINITY,
      until: Number.POSITIVE_INFINITY,
    },
  };
}

/** The role and, under `bounding`, every role above it. */
function chainOf({ document, rolesById }: Workshop, role: RoleDocument): RoleDocument[] {
  const chain = [role];
  if (document.model.roleHierarchy === 'flat') return chain;
  for (let above = rolesById.get(role.parent ?? ''); above !== undefined; above = rolesById.get(above.parent ?? '')) {
    chain.push(above);
  }
  return chain;
}

function powersOf(shop: Workshop, role: RoleDocument): Powers {
  const { from, to } = role.priorities ?? DEFAULT_PRIORITIES;
  const tagged = role.tags.length > 0;
  const devices = tagged ? devicesWith(shop, role) : null;
  return {
    gives: givesOf(shop.words, role.permissions),
    devices,
    relatedDevices: role.expert ? null : devices,
    places: !tagged || role.untagged,
    relatedPlaces: !tagged || role.untagged || role.expert,
    points: role.filters === undefined || role.filters === null ? null : pointsIn(shop, role.filters),
    fromPriority: from,
    toPriority: to,
    approvals: approvalsOf(shop.words, role.approvals),
  };
}

/** Two names may stand for one action: the larger number counts. */
function approvalsOf(words: Vocabulary, asked: RoleDocument['approvals']): Powers['approvals'] {
  const approvals = Object.entries(asked).flatMap(([name, count]) =>
    words.expand([name]).map(({ number }) => new Map(count > 0 ? [[number, count]] : [])),
  );
  return approvals.reduce<Powers['approvals']>(mostApprovals, null);
}

function mostApprovals(one: Powers['approvals'], other: Powers['approvals']): Powers['approvals'] {
  if (one === null || other === null) return one ?? other;
  const most = new Map(one);
  for (const [action, count] of other) most.set(action, Math.max(count, most.get(action) ?? 0));
  return most;
}

function narrowest(one: Powers, other: Powers): Powers {
  return {
    gives: both(one.gives, other.gives) as Bits,
    devices: both(one.devices, other.devices),
    relatedDevices: both(one.relatedDevices, other.relatedDevices),
    places: one.places && other.places,
    relatedPlaces: one.relatedPlaces && other.relatedPlaces,
    points: both(one.points, other.points),
    fromPriority: Math.max(one.fromPriority, other.fromPriority),
    toPriority: Math.min(one.toPriority, other.toPriority),
    approvals: mostApprovals(one.approvals, other.approvals),
  };
}

function both(one: Bits | null, other: Bits | null): Bits | null {
  if (one === null || other === null || one === other) return one ?? other;
  const result = one.slice();
  intersect(result, other);
  return result;
}

function givesOf(words: Vocabulary, names: readonly string[]): Bits {
  const gives = makeBits(words.size);
  for (const { number } of words.expand(names)) setBit(gives, number);
  return gives;
}

function devicesWith({ inventory, tags }: Workshop, role: RoleDocument): Bits {
  const result = makeBits(inventory.deviceCount);
  for (const tag of role.untagged ? ['', ...role.tags] : role.tags) {
    const set = tags.get(tag);
    if (set !== undefined) unite(result, set);
  }
  return result;
}

function pointsIn({ inventory, filters, unions }: Workshop, ids: readonly string[]): Bits {
  const key = JSON.stringify([...ids].sort());
  const known = unions.get(key);
  if (known !== undefined) return known;
  const result = makeBits(inventory.handleCount);
  for (const id of ids) {
    const mask = filters.get(id);
    if (mask !== undefined) unite(result, mask);
  }
  unions.set(key, result);
  return result;
}

function compileGrant(
  shop: Workshop,
  roles: ReadonlyMap<string, CompiledRole>,
  grant: GrantDocument,
  index: number,
): CompiledGrant {
  const what = grant.role === undefined ? `permissions ${(grant.permissions ?? []).join(' ')}` : `role ${grant.role}`;
  return {
    index,
    label: `${what} to ${grant.to} at ${grant.at}`,
    to: readRecipient(grant.to),
    role: grant.role,
    powers: roles.get(grant.role ?? '')?.powers ?? inlinePowers(shop.words, grant.permissions ?? []),
    ...extentOf(shop, grant.at, grant.from, grant.until),
  };
}

function inlinePowers(words: Vocabulary, permissions: readonly string[]): Powers {
  return {
    gives: givesOf(words, permissions),
    devices: null,
    relatedDevices: null,
    places: true,
    relatedPlaces: true,
    points: null,
    fromPriority: DEFAULT_PRIORITIES.from,
    toPriority: DEFAULT_PRIORITIES.to,
    approvals: null,
  };
}

function compileLock(shop: Workshop, lock: LockDocument): CompiledLock {
  return {
    id: lock.id,
    why: lock.why,
    principal: lock.principal,
    group: lock.group,
    role: lock.role,
    actions: lock.action === undefined ? undefined : shop.words.expand([lock.action]).map(({ name }) => name),
    ...extentOf(shop, lock.at, lock.from, lock.until),
  };
}

type Instant = string | null | undefined;

function extentOf({ inventory, root }: Workshop, at: string | undefined, from: Instant, until: Instant): Extent {
  const handle = at === undefined ? root : inventory.find(at);
  return {
    first: handle ?? 0,
    last: handle === undefined ? -1 : (inventory.data.lasts[handle] as number),
    from: typeof from === 'string' ? Date.parse(from) : Number.NEGATIVE_INFINITY,
    until: typeof until === 'string' ? Date.parse(until) : Number.POSITIVE_INFINITY,
  };
}
