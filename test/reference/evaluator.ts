// The naive second reading of POLICY.md: every question is answered by walking the raw bundle from the start.
// 1. No index, no cache, no code of src/policy: an error of the engine is not repeated here.
// 2. Order of the text is order of the code.

import { HBool, HDict, HFilter, HMarker, HNum, HRef, HStr, type HVal } from 'haystack-core';
import type { DecisionRequest, PolicyReason } from '../../src/model/decision.ts';
import { expand, type Rule, ruleOf } from './actions.ts';
import type {
  RawBundle,
  RawDevice,
  RawFacts,
  RawFastLock,
  RawFilter,
  RawGrant,
  RawLock,
  RawOrganization,
  RawPoint,
  RawRole,
} from './bundle.ts';

export type ReferenceVerdict =
  | { readonly decision: 'permit'; readonly approvals: number }
  | { readonly decision: 'deny'; readonly reason: PolicyReason; readonly target?: string };

/** Who asks: `id` null is a peer without an identity; `provider` where the identity provider speaks for the person. */
interface Asker {
  readonly id: string | null;
  readonly kind: 'anyone' | 'user' | 'application' | 'provider';
  readonly home?: RawOrganization;
  readonly groups?: readonly string[];
  readonly role?: string;
}

interface Scene {
  readonly bundle: RawBundle;
  readonly request: DecisionRequest;
  readonly asker: Asker;
  readonly fastLocks: readonly RawFastLock[];
  /** Whatever begins or ends counts: the question whether a lock's role is held while time is unsure. */
  readonly anyTime?: boolean;
}

const FURTHEST = [
  'no-role',
  'no-permission',
  'out-of-scope',
  'no-site-access',
  'tag-restricted',
  'filter-restricted',
  'priority-reserved',
] as const;

/**
 * The decision of POLICY.md over raw JSON: permit, or the first denied target's reason. `fastLocks` are those of the
 * fast channel, which bind in every organization. The bundle must be one that the page accepts.
 */
export function evaluate(
  bundle: RawBundle,
  request: DecisionRequest,
  fastLocks: readonly RawFastLock[] = [],
): ReferenceVerdict {
  const asker = identify(bundle, request);
  if (typeof asker === 'string') return { decision: 'deny', reason: asker };
  if (!bundle.organizations.some((organization) => ruleOf(organization, request.action))) {
    return { decision: 'deny', reason: 'unknown-action' };
  }
  if (request.channel !== undefined && !['local', 'tool', 'tls', 'remote'].includes(request.channel)) {
    return { decision: 'deny', reason: 'unknown-channel' };
  }
  let targets = request.targets.flatMap((target) => [target, ...involvedBy(bundle, target, request.action)]);
  if (targets.length === 0) {
    if (asker.home === undefined) return { decision: 'deny', reason: 'no-target' };
    const rule = ruleOf(asker.home, request.action);
    if (rule === undefined) return { decision: 'deny', reason: 'unknown-action' };
    if (rule.level === 'site') return { decision: 'deny', reason: 'no-target' };
    targets = [rootOf(asker.home)];
  }
  const scene: Scene = { bundle, request, asker, fastLocks };
  let approvals = 0;
  for (const target of targets) {
    const answer = judge(scene, target);
    if (typeof answer === 'string') return { decision: 'deny', reason: answer, target };
    approvals = Math.max(approvals, answer);
  }
  return { decision: 'permit', approvals };
}

function identify(bundle: RawBundle, request: DecisionRequest): Asker | 'unknown-principal' | 'no-sign-in' {
  const id = request.principal;
  if (id === null) return { id, kind: 'anyone' };
  for (const kind of ['user', 'application'] as const) {
    const listed = (kind === 'user' ? bundle.users : bundle.applications)?.find((one) => one.id === id);
    if (listed === undefined) continue;
    const home = bundle.organizations.find((organization) => organization.id === listed.home);
    return listed.disabled === true || home === undefined ? 'unknown-principal' : { id, kind, home };
  }
  const said = request.identity;
  const home = bundle.organizations.find((organization) => organization.id === said?.organization);
  if (said === undefined || home === undefined) return 'unknown-principal';
  if (!id.startsWith(`${home.id}:`) || !/.#./s.test(id.slice(home.id.length + 1))) return 'unknown-principal';
  const groups = home.groups ?? [];
  const theirs = said.groups.flatMap((name) => named(groups, name));
  const open = groups.filter((group) => group.default === true || group.everyone === true);
  const matching = said.role === undefined ? [] : named(home.roles ?? [], said.role);
  const fallback = home.roles?.find((candidate) => candidate.default === true);
  const role = matching.length === 1 ? matching[0] : fallback;
  if (role === undefined) return 'no-sign-in';
  return { id, kind: 'provider', home, groups: [...theirs, ...open].map((group) => group.id), role: role.id };
}

/** The provider's names match `name` exactly, or the `id` of what has no name. */
function named<T extends { readonly id: string; readonly name?: string }>(list: readonly T[], name: string): T[] {
  return list.filter((item) => (item.name ?? item.id) === name);
}

/** What a change of this point moves too: one step, as the inventory says it; nothing where nothing is changed. */
function involvedBy(bundle: RawBundle, target: string, action: string): readonly string[] {
  const organization = bundle.organizations.find((candidate) => owns(candidate, target));
  if (organization === undefined || ruleOf(organization, action)?.changing !== true) return [];
  return organization.points?.find((point) => point.id === target)?.involves ?? [];
}

function rootOf(organization: RawOrganization): string {
  return organization.locations?.find((location) => location.parent === undefined)?.id ?? '';
}

/** How many approvals it needs, or why it is denied. */
function judge(scene: Scene, target: string): PolicyReason | number {
  const { bundle, request } = scene;
  const organization = bundle.organizations.find((candidate) => owns(candidate, target));
  if (organization === undefined) return 'unknown-target';
  if (ruleOf(organization, request.action) === undefined) return 'unknown-action';
  const restricted = organization.refusedByTool ?? ['firmware.update', 'device.control', 'engineering.modify'];
  if (request.channel === 'tool' && expand(organization, restricted).includes(request.action)) {
    return 'channel-restricted';
  }
  const asked = [
    request.action,
    ...(ruleOf(organization, request.action)?.needs ?? []),
    ...expand(organization, neededByChannel(organization, request.channel)),
    ...(request.priority === 1 || request.priority === 2 ? ['lifeSafety.operate'] : []),
  ];
  let approvals = 0;
  for (const action of asked) {
    const fast = scene.fastLocks.filter((lock) => bindsIn(organization, lock));
    const locks = [...(organization.locks ?? []), ...fast];
    if (locks.some((lock) => lockMatches(scene, organization, lock, target))) return 'locked';
    const held = grantsIn(scene, organization)
      .filter((grant) => inForce(scene, grant) && isTo(scene, organization, grant.to))
      .filter((grant) => request.narrowToRole === undefined || grant.role === request.narrowToRole);
    const came = held.map((grant) => howFar(scene, organization, grant, action, target));
    if (came.length === 0) return 'no-role';
    const stopped = FURTHEST[Math.max(...came)];
    if (stopped !== undefined) return stopped;
    const permitting = held.filter((_, index) => came[index] === FURTHEST.length);
    approvals = Math.max(approvals, Math.min(...permitting.map((grant) => approvalsFor(organization, grant, action))));
  }
  return approvals;
}

/** What the strictest role of the chain asks; an inline grant asks none. */
function approvalsFor(organization: RawOrganization, grant: RawGrant, action: string): number {
  const asked = chainOf(organization, grant).flatMap((role) =>
    Object.entries(role.approvals ?? {}).filter(([name]) => expand(organization, [name]).includes(action)),
  );
  return Math.max(0, ...asked.map(([, count]) => count));
}

function neededByChannel(organization: RawOrganization, channel: string | undefined): readonly string[] {
  const entry = Object.entries(organization.channels ?? {}).find(([name]) => name === channel);
  return entry?.[1] ?? [];
}

function owns(organization: RawOrganization, id: string): boolean {
  const things = [organization.locations, organization.devices, organization.points];
  return things.some((list) => list?.some((thing) => thing.id === id));
}

/** The index in FURTHEST of what stopped this grant, or one beyond the last where nothing did. */
function howFar(scene: Scene, organization: RawOrganization, grant: RawGrant, action: string, target: string): number {
  const stoppedAt = (reason: (typeof FURTHEST)[number]): number => FURTHEST.indexOf(reason);
  const rule = ruleOf(organization, action);
  const chain = chainOf(organization, grant);
  const given = grant.permissions === undefined ? chain.map((role) => role.permissions) : [grant.permissions];
  if (rule === undefined || !given.every((list) => expand(organization, list).includes(action))) {
    return stoppedAt('no-permission');
  }
  if (rule.level === 'organization' && grant.at !== rootOf(organization)) return stoppedAt('out-of-scope');
  if (rule.level === 'site' && !covers(organization, grant.at, target)) return stoppedAt('out-of-scope');
  if (organization.model.siteAccess === 'listed' && rule.level !== 'organization') {
    const entries = (organization.access ?? []).filter((entry) => isTo(scene, organization, entry.to));
    const places = entries.flatMap((entry) => entry.at);
    const reached = (place: string): boolean =>
      rule.level === 'site'
        ? covers(organization, place, target)
        : covers(organization, place, grant.at) || covers(organization, grant.at, place);
    if (!places.some(reached)) return stoppedAt('no-site-access');
  }
  const device = deviceOf(organization, target);
  if (rule.level === 'site' && !chain.every((role) => tagsAdmit(role, device, rule)))
    return stoppedAt('tag-restricted');
  if (rule.changing && !chain.every((role) => filtersAdmit(scene, organization, role, action, target))) {
    return stoppedAt('filter-restricted');
  }
  const priority = scene.request.priority;
  if (priority !== undefined && action === 'point.write') {
    const spans = grant.permissions === undefined ? chain.map((role) => role.priorities) : [undefined];
    const holds = spans.every((span) => priority >= (span?.from ?? 8) && priority <= (span?.to ?? 16));
    if (!holds) return stoppedAt('priority-reserved');
  }
  return FURTHEST.length;
}

/** The grant's role, and under `bounding` every role above it; empty for an inline grant. */
function chainOf(organization: RawOrganization, grant: RawGrant): RawRole[] {
  const chain: RawRole[] = [];
  let next = organization.roles?.find((role) => role.id === grant.role);
  while (next !== undefined) {
    chain.push(next);
    const parent = organization.model.roleHierarchy === 'bounding' ? next.parent : undefined;
    next = organization.roles?.find((role) => role.id === parent);
  }
  return chain;
}

/** A location carries no tags, so that a role with tags has it like a device without any. */
function tagsAdmit(role: RawRole, device: RawDevice | undefined, rule: Rule): boolean {
  const wanted = role.tags ?? [];
  if (wanted.length === 0) return true;
  const carried = device?.tags ?? [];
  if (carried.some((tag) => wanted.includes(tag))) return true;
  if (carried.length === 0 && role.untagged === true) return true;
  return role.expert === true && rule.related;
}

function filtersAdmit(
  scene: Scene,
  organization: RawOrganization,
  role: RawRole,
  action: string,
  target: string,
): boolean {
  if (role.filters === undefined || role.filters === null) return true;
  const point = organization.points?.find((candidate) => candidate.id === target);
  if (point === undefined) return action !== 'point.write';
  return role.filters.some((id) => isInFilter(scene, organization, id, point));
}

function isInFilter(scene: Scene, organization: RawOrganization, id: string, point: RawPoint): boolean {
  const filter = organization.filters?.find((candidate) => candidate.id === id);
  if (filter === undefined) return false;
  if (filter.within !== undefined && !isInFilter(scene, organization, filter.within, point)) return false;
  return selects(scene, organization, filter, point);
}

function selects(scene: Scene, organization: RawOrganization, filter: RawFilter, point: RawPoint): boolean {
  if (filter.points !== undefined) return filter.points.includes(point.id);
  if (filter.names !== undefined) {
    const parts = filter.names.split(/(\*+)/).map((part) => {
      if (part.startsWith('*')) return part.length > 1 ? '.*' : '[^/]*';
      return part.replace(/[^A-Za-z0-9_]/g, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`);
    });
    return new RegExp(`^${parts.join('')}$`).test(point.id);
  }
  const devices = scene.bundle.organizations.flatMap((one) => one.devices ?? []);
  return new HFilter(filter.expression ?? '').eval({
    dict: factsOfPoint(organization, point),
    resolve: (ref) => {
      const device = devices.find((candidate) => candidate.id === ref.value);
      return device && toDict(device.facts ?? {});
    },
  });
}

function factsOfPoint(organization: RawOrganization, point: RawPoint): HDict {
  const dict = toDict(point.facts ?? {});
  dict.set('point', HMarker.make());
  dict.set('id', HRef.make(point.id));
  dict.set('class', HStr.make(point.class));
  dict.set('equipRef', HRef.make(point.device));
  const site = pathUp(organization, point.id).find((id) =>
    organization.locations?.some((l) => l.id === id && l.kind === 'site'),
  );
  if (site !== undefined) dict.set('siteRef', HRef.make(site));
  return dict;
}

function toDict(facts: RawFacts): HDict {
  const values: { [name: string]: HVal } = {};
  for (const [name, fact] of Object.entries(facts)) {
    if (fact === true) values[name] = HMarker.make();
    else if (fact === false) values[name] = HBool.make(false);
    else if (typeof fact === 'number') values[name] = HNum.make(fact);
    else values[name] = typeof fact === 'string' ? HStr.make(fact) : HRef.make(fact.$ref);
  }
  return HDict.make(values);
}

function deviceOf(organization: RawOrganization, target: string): RawDevice | undefined {
  const path = pathUp(organization, target);
  return organization.devices?.find((device) => path.includes(device.id));
}

/** Whether `at` a place means the target too: everything below a location, a device's points, the thing itself. */
export function covers(organization: RawOrganization, place: string, target: string): boolean {
  return pathUp(organization, target).includes(place);
}

/** The thing itself, its device, its location and every location above, nearest first. */
function pathUp(organization: RawOrganization, id: string): string[] {
  const above =
    organization.points?.find((point) => point.id === id)?.device ??
    organization.devices?.find((device) => device.id === id)?.location ??
    organization.locations?.find((location) => location.id === id)?.parent;
  return above === undefined ? [id] : [id, ...pathUp(organization, above)];
}

/** The role that a provider's word gives is a grant at the root of its organization. */
function providerGrant(asker: Asker, organization: RawOrganization): RawGrant[] {
  if (asker.role === undefined || asker.home !== organization) return [];
  return [{ to: `provider:${asker.id}`, role: asker.role, at: rootOf(organization) }];
}

function inForce({ request, anyTime }: Scene, grant: RawGrant): boolean {
  if (anyTime === true) return true;
  if (grant.from && request.at < Date.parse(grant.from)) return false;
  if (!grant.until) return true;
  return request.timeUnsure !== true && request.at < Date.parse(grant.until);
}

function isTo(scene: Scene, organization: RawOrganization, to: string): boolean {
  if (to === 'anyone') return true;
  const kind = to.slice(0, to.indexOf(':'));
  const id = to.slice(to.indexOf(':') + 1);
  if (kind === 'group') return isInGroup(scene, organization, id);
  if (kind !== 'link') return scene.asker.kind === kind && scene.asker.id === id;
  const other = scene.bundle.organizations.find((candidate) => candidate.id === id.slice(0, id.indexOf('/')));
  if (other === undefined) return false;
  // Who has the role as `anyone` or by a link has it as a guest: a link goes one way and one step.
  const residents = grantsIn(scene, other).filter((grant) => grant.to !== 'anyone' && !grant.to.startsWith('link:'));
  return holds(scene, other, residents, id.slice(id.indexOf('/') + 1));
}

/** Whether one of these grants of the role is in force, wherever, for who asks. */
function holds(scene: Scene, organization: RawOrganization, grants: readonly RawGrant[], role: string): boolean {
  return grants.some((grant) => grant.role === role && inForce(scene, grant) && isTo(scene, organization, grant.to));
}

function grantsIn(scene: Scene, organization: RawOrganization): RawGrant[] {
  return [...(organization.grants ?? []), ...providerGrant(scene.asker, organization)];
}

function isInGroup(scene: Scene, organization: RawOrganization, id: string): boolean {
  const { asker } = scene;
  const group = organization.groups?.find((candidate) => candidate.id === id);
  if (group === undefined || asker.id === null || asker.home !== organization) return false;
  if (asker.kind === 'provider') return asker.groups?.includes(id) ?? false;
  return group.everyone === true || (group.members ?? []).includes(asker.id);
}

/** A lock of the fast channel on a principal binds everywhere, another where it says or says nothing. */
function bindsIn(organization: RawOrganization, lock: RawFastLock): boolean {
  return lock.principal !== undefined || lock.organization === undefined || lock.organization === organization.id;
}

function lockMatches(scene: Scene, organization: RawOrganization, lock: RawLock, target: string): boolean {
  const { asker, request } = scene;
  if (!(request.timeUnsure === true && (lock.from || lock.until))) {
    if (lock.from && request.at < Date.parse(lock.from)) return false;
    if (lock.until && request.at >= Date.parse(lock.until)) return false;
  }
  if (lock.principal !== undefined && lock.principal !== asker.id) return false;
  if (lock.group !== undefined && !isInGroup(scene, organization, lock.group)) return false;
  const then = request.timeUnsure === true ? { ...scene, anyTime: true } : scene;
  if (lock.role !== undefined && !holds(then, organization, grantsIn(scene, organization), lock.role)) return false;
  if (lock.action !== undefined && !expand(organization, [lock.action]).includes(request.action)) return false;
  return lock.at === undefined || covers(organization, lock.at, target);
}
