// Rights that a bundle may hold: every rule of acceptance is kept by construction (no write without read, one role
// per user, exclusive actions, global roles at the root, nothing changing for `anyone`).

import { CHANGING, expand, ORGANIZATION, ruleOf, SITE } from './actions.ts';
import type {
  RawAccess,
  RawFastLock,
  RawFilter,
  RawGrant,
  RawGroup,
  RawLock,
  RawOrganization,
  RawPermission,
  RawPrincipal,
  RawRole,
} from './bundle.ts';
import type { Draw } from './draw.ts';
import { type Inventory, placesOf, TAGS } from './generate-inventory.ts';

interface People {
  readonly users: readonly RawPrincipal[];
  readonly applications: readonly RawPrincipal[];
}
/** What is known of an organization while it is being built: everything but grants, access and locks. */
type Half = RawOrganization & { readonly roles: RawRole[]; readonly groups: RawGroup[] };

/** Moments at which grants and locks begin and end, in ms; requests ask at, just before and just after them. */
export const MOMENTS = [0, 60_000, 86_400_000, 1_800_000_000_000] as const;
const OWN_NAMES = ['reports', '__proto__', 'constructor', 'toString'];
const ROLE_IDS = ['op', 'a/b', '__proto__', 'constructor', 'guest'];
const GROUP_IDS = ['ops', '__proto__', 'toString', 'everybody'];
const BARE = [
  'sp',
  'temp',
  'occ',
  'siteRef',
  'equipRef->hot',
  'equipRef->area',
  'siteRef->hot',
  'ahuRef->hot',
  'nowhere',
];
const ATOMS = [
  'occ == true',
  'sp == true',
  'occ == false',
  'area > 3',
  'area != 5',
  'area <= 2 or sp',
  'floor == "EG"',
  'floor != 3',
  'equipRef->area == 5',
  'class == "command"',
  'class == "set-point" and point',
  'missing != 1',
  'sp != true',
  'occ < true',
  'floor < "F"',
  'area == 5kW',
  '^sp',
  'sp?',
];
const KITS: readonly (readonly string[])[] = [
  ['point.write'],
  ['point.write', 'lifeSafety.operate'],
  ['device.configure', 'firmware.update', 'alarm.threshold'],
  ['point.write', 'engineering.modify', 'device.control'],
  ['point.read', 'ticket.read', 'twin.view'],
  ['device.view', 'remote.access'],
  ['user.manage', 'audit.read'],
  ['deviceConfig.read', 'org.view'],
  [],
];

/** An organization's whole rights over its inventory. `others` are the organizations built before it: links go there. */
export function withRights(
  draw: Draw,
  id: string,
  inventory: Inventory,
  people: People,
  others: readonly RawOrganization[],
): RawOrganization {
  const base: RawOrganization = {
    id,
    name: 'Organization',
    model: {
      siteAccess: draw.pick(['all', 'listed']),
      roleHierarchy: draw.pick(['flat', 'bounding']),
      rolesPerUser: draw.weighted([4, 'many'], [1, 'one']),
      ...(draw.chance(20) ? { siteRolesTo: draw.pick(['any', 'user']) } : {}),
    },
    ...(draw.chance(20) ? { identityProvider: { issuer: 'https://id.example', client: 'gatehouse' } } : {}),
    ...inventory,
    filters: filters(draw, inventory),
    permissions: ownPermissions(draw),
  };
  const half: Half = { ...base, roles: roles(draw, base), groups: groups(draw, id, people) };
  const grants = grantsOf(draw, half, people, others);
  const exclusive = exclusiveOf(draw, half, grants);
  return {
    ...half,
    model: { ...half.model, ...(exclusive === undefined ? {} : { exclusive }) },
    ...channelsOf(draw, half),
    grants,
    access: accessOf(draw, half, people, others),
    locks: draw.chance(35) ? locksOf(draw, half, people) : [],
  };
}

function filters(draw: Draw, inventory: Inventory): RawFilter[] {
  const list: RawFilter[] = [];
  const ids = ['narrow', '__proto__', 'constructor', 'f3'].slice(0, draw.below(5));
  const points = inventory.points.map((point) => point.id);
  for (const id of ids) {
    const within = draw.chance(45) && list.length > 0 ? { within: draw.pick(list).id } : {};
    const kind = draw.pick(['expression', 'expression', 'points', 'names']);
    if (kind === 'points') list.push({ id, ...within, points: draw.some(points, 60) });
    else if (kind === 'expression') list.push({ id, ...within, expression: expression(draw, inventory) });
    else {
      const exact = draw.pick(points);
      const names = draw.pick(['*', '**', '*/sp*', 'o0.*/*', '**sp*', `${exact}*`, exact, '*.d?/*', '**/deep/**']);
      list.push({ id, ...within, names: names.replace('?', '0') });
    }
  }
  return list;
}

function expression(draw: Draw, inventory: Inventory): string {
  const place = draw.pick([...inventory.locations, ...inventory.devices]).id;
  const atom = (): string => {
    const kind = draw.pick(['bare', 'reference', 'other', 'other']);
    if (kind === 'bare') return `${draw.pick(['', 'not '])}${draw.pick(BARE)}`;
    if (kind === 'other') return draw.pick(ATOMS);
    return `${draw.pick(['siteRef', 'equipRef', 'ahuRef'])} ${draw.pick(['==', '!=', '*=='])} @${place}`;
  };
  if (draw.chance(40)) return `${atom()} ${draw.pick(['and', 'or'])} (${atom()} ${draw.pick(['and', 'or'])} ${atom()})`;
  return draw.chance(40) ? `${atom()} ${draw.pick(['and', 'or'])} ${atom()}` : atom();
}

function ownPermissions(draw: Draw): RawPermission[] {
  const list: RawPermission[] = [];
  for (const id of OWN_NAMES.slice(0, draw.below(4))) {
    const level = draw.pick(['site', 'organization', 'anywhere'] as const);
    const needs = draw.some(['point.read', 'point.write', 'audit.read', 'remote.access'], 25);
    const before = list.map((permission) => permission.id);
    list.push({ id, level, gives: [], ...(draw.chance(60) ? { needs: [...needs, ...draw.some(before, 30)] } : {}) });
  }
  if (draw.chance(60)) return list;
  const last = list.at(-1);
  const needing =
    last !== undefined && draw.chance(30) ? { ...last, needs: [...(last.needs ?? []), 'change'] } : undefined;
  const others = needing === undefined ? list : list.slice(0, -1);
  // What needs `change` is not given by it: needs go in no circle.
  const gives = [
    'point.write',
    'point.read',
    ...draw.some(
      others.map(({ id }) => id),
      20,
    ),
  ];
  return [...others, ...(needing === undefined ? [] : [needing]), { id: 'change', level: 'site', gives }];
}

/** The names with everything that they need as well. */
function closed(organization: RawOrganization, names: readonly string[]): string[] {
  const have = [...new Set(names)];
  const held = (): string[] => expand(organization, have);
  for (const action of held()) {
    const missing = (ruleOf(organization, action)?.needs ?? []).filter((need) => !held().includes(need));
    if (missing.length > 0) return closed(organization, [...have, ...missing]);
  }
  return have;
}

function roles(draw: Draw, organization: RawOrganization): RawRole[] {
  const list: RawRole[] = [];
  const own = (organization.permissions ?? []).map((permission) => permission.id);
  const filterIds = (organization.filters ?? []).map((filter) => filter.id);
  for (const id of ROLE_IDS.slice(0, 1 + draw.below(ROLE_IDS.length))) {
    const above = list.length > 0 && draw.chance(65) ? draw.pick(list) : undefined;
    const shared = draw.chance(60) ? (above?.permissions ?? []) : [];
    const kits = [
      ...shared,
      ...draw.pick(KITS),
      ...draw.pick(KITS),
      ...(draw.chance(25) ? [draw.pick([...SITE, ...ORGANIZATION])] : []),
    ];
    const from = draw.pick([1, 2, 3, 8, 9, 12, 1 + draw.below(16)]);
    const filtered = draw.weighted<string[] | null | undefined>(
      [3, undefined],
      [1, null],
      [1, []],
      [4, draw.some(filterIds, 60)],
    );
    list.push({
      id,
      name: draw.pick([`Role ${list.length}`, 'Operator', 'op']),
      ...(above === undefined ? (draw.chance(50) ? { parent: null } : {}) : { parent: above.id }),
      permissions: closed(organization, [...kits, ...draw.some(own, 35)]),
      ...(draw.chance(35) ? { tags: draw.some(TAGS, 50), untagged: draw.chance(50), expert: draw.chance(50) } : {}),
      ...(filtered === undefined ? {} : { filters: filtered }),
      ...(draw.chance(60) ? { priorities: { from, to: draw.chance(60) ? 16 : from + draw.below(17 - from) } } : {}),
      ...(draw.chance(30) ? { approvals: approvals(draw, organization) } : {}),
      ...(draw.chance(8) ? { global: true } : {}),
      ...(draw.chance(20) && !list.some((role) => role.default) ? { default: true } : {}),
    });
  }
  return list;
}

function approvals(draw: Draw, organization: RawOrganization): { readonly [action: string]: number } {
  const usual = ['point.write', 'point.write', 'point.read', 'lifeSafety.operate', 'device.configure', 'remote.access'];
  const names = draw.some([...usual, ...keysFrom(organization)], 35);
  return Object.fromEntries(names.map((name) => [name, draw.below(4)]));
}

function groups(draw: Draw, home: string, people: People): RawGroup[] {
  const members = [...people.users, ...people.applications].filter((one) => one.home === home).map((one) => one.id);
  return GROUP_IDS.slice(0, draw.below(GROUP_IDS.length + 1)).map((id) => ({
    id,
    ...(draw.chance(50) ? { name: draw.pick(['Technicians', 'ops', id]) } : {}),
    ...(draw.chance(25) ? { default: true } : {}),
    ...(id === 'everybody' ? { everyone: true } : { members: draw.some(members, 60) }),
  }));
}

/** Whom a grant or an access entry may name: people from anywhere, own groups, roles of other organizations. */
function toWhom(draw: Draw, half: Half, people: People, others: readonly RawOrganization[]): string {
  const users = people.users.map((one) => `user:${one.id}`);
  const applications = people.applications.map((one) => `application:${one.id}`);
  const ownGroups = half.groups.map((group) => `group:${group.id}`);
  const links = others.flatMap((other) => (other.roles ?? []).map((role) => `link:${other.id}/${role.id}`));
  const kinds = [users, users, applications, ownGroups, ownGroups, links, ['anyone']].filter((kind) => kind.length > 0);
  return draw.pick(draw.pick(kinds));
}

function times(draw: Draw): { from?: string | null; until?: string | null } {
  if (draw.chance(70)) return {};
  const first = draw.below(MOMENTS.length - 1);
  const iso = (index: number): string => new Date(MOMENTS[index] ?? 0).toISOString();
  return draw.pick([
    { from: iso(first + 1) },
    { until: iso(first + 1) },
    { from: iso(first), until: iso(first + 1) },
    { from: null, until: null },
  ]);
}

function grantsOf(draw: Draw, half: Half, people: People, others: readonly RawOrganization[]): RawGrant[] {
  const root = half.locations?.[0]?.id ?? '';
  const places = placesOf(half);
  const changes = (names: readonly string[]): boolean =>
    expand(half, names).some((action) => CHANGING.includes(action));
  const list: RawGrant[] = [];
  for (let index = 0; index < 2 + draw.below(6); index++) {
    const to = toWhom(draw, half, people, others);
    const at = draw.chance(45) ? root : draw.pick(places);
    if (draw.chance(75)) {
      const role = half.model.rolesPerUser === 'one' ? half.roles[0] : draw.pick(half.roles);
      if (role === undefined || (to === 'anyone' && changes(role.permissions))) continue;
      const high = role.global === true || (half.model.siteRolesTo === 'user' && !to.startsWith('user:'));
      list.push({ to, role: role.id, at: high ? root : at, ...times(draw) });
    } else {
      const own = (half.permissions ?? []).map((permission) => permission.id);
      const permissions = closed(half, [...draw.pick(KITS), draw.pick(SITE), ...draw.some(own, 25)]);
      if (to === 'anyone' && changes(permissions)) continue;
      list.push({ to, permissions, at, ...times(draw) });
    }
  }
  return list;
}

/** An action that only roles carry, and all of those. */
function exclusiveOf(
  draw: Draw,
  half: Half,
  grants: readonly RawGrant[],
): { readonly [action: string]: readonly string[] } | undefined {
  if (!draw.chance(25)) return undefined;
  const inline = grants.flatMap((grant) => expand(half, grant.permissions ?? []));
  const name = draw.pick(['audit.read', 'user.manage', 'point.write', 'device.view', ...keysFrom(half)]);
  const actions = expand(half, [name]);
  const carries = (names: readonly string[]): boolean => expand(half, names).some((action) => actions.includes(action));
  const carriers = half.roles.filter((role) => carries(role.permissions)).map((role) => role.id);
  return carries(inline) ? undefined : { [name]: carriers };
}

/** The organization's own permissions: actions, and names that stand for some. */
function ownNames({ permissions }: RawOrganization): string[] {
  return (permissions ?? []).map(({ id }) => id);
}

/** Those of them that may be keys of an object: `__proto__` is none in a bundle. */
function keysFrom(organization: RawOrganization): string[] {
  return ownNames(organization).filter((name) => name !== '__proto__');
}

function channelsOf(draw: Draw, half: Half): Pick<RawOrganization, 'channels' | 'refusedByTool'> {
  const own = ownNames(half);
  const needed = (): string[] => draw.some(['remote.access', 'point.read', 'device.edit', ...own], 30);
  return {
    ...(draw.chance(50)
      ? { channels: { remote: needed(), ...(draw.chance(40) ? { tool: needed(), local: needed() } : {}) } }
      : {}),
    ...(draw.chance(40)
      ? { refusedByTool: draw.some(['point.write', 'point.read', 'firmware.update', ...own], 40) }
      : {}),
  };
}

function accessOf(draw: Draw, half: Half, people: People, others: readonly RawOrganization[]): RawAccess[] {
  const places = placesOf(half);
  return Array.from({ length: draw.below(5) }, () => ({
    to: toWhom(draw, half, people, others),
    at: draw.chance(50) ? [draw.pick(places)] : [...new Set([draw.pick(places), draw.pick(places)])],
  }));
}

/** One or two locks, with any combination of keys. Those of the fast channel have no `at`. */
function locksOf(draw: Draw, organization: RawOrganization, people: People): RawLock[] {
  const anybody = [...people.users, ...people.applications].map((one) => one.id);
  const own = ownNames(organization);
  const groupIds = (organization.groups ?? []).map((group) => group.id);
  const roleIds = (organization.roles ?? []).map((role) => role.id);
  const actions = ['point.write', 'point.read', 'lifeSafety.operate', 'device.view', 'remote.access', ...own];
  return Array.from({ length: 1 + draw.below(2) }, (_, index) => {
    const keys = {
      ...(draw.chance(40) ? { principal: draw.pick([...anybody, 'stranger', `${organization.id}:idp#1`]) } : {}),
      ...(draw.chance(20) && groupIds.length > 0 ? { group: draw.pick(groupIds) } : {}),
      ...(draw.chance(25) ? { role: draw.pick(roleIds) } : {}),
      ...(draw.chance(35) ? { action: draw.pick(actions) } : {}),
      ...(draw.chance(45) ? { at: draw.pick(placesOf(organization)) } : {}),
    };
    const some =
      Object.keys(keys).length > 0 || draw.chance(10) ? keys : { principal: draw.pick([...anybody, 'stranger']) };
    return { id: `lock${index}`, why: 'belt change', ...some, ...times(draw) };
  });
}

/** Locks of the fast channel, some of them for one organization only. */
export function fastLocksOf(draw: Draw, organization: RawOrganization, people: People): RawFastLock[] {
  return locksOf(draw, organization, people).map(({ at: _place, ...lock }) =>
    draw.chance(40) ? { ...lock, organization: organization.id } : lock,
  );
}
