// Cross checks of one organization's rights (POLICY.md, The bundle and Actions). Every fault, with its path.

import { isActionName } from '../model/action.ts';
import { type FaultList, idsInCircles } from './fault-list.ts';
import { parseExpression } from './filter-syntax.ts';
import { parseGlob } from './glob.ts';
import { checkGrants } from './grant-check.ts';
import type { Places } from './places.ts';
import {
  ACTION_NAME,
  exclusiveHolders,
  expectActions,
  expectNeeds,
  expectTarget,
  type People,
  type RightsContext,
} from './rights-context.ts';
import type { BundleDocument, OrganizationDocument } from './schema.ts';
import { Vocabulary } from './vocabulary.ts';

/** Every fault of organization `index`'s rights. */
export function checkRights(
  bundle: BundleDocument,
  index: number,
  organization: OrganizationDocument,
  targets: Places,
  people: People,
  list: FaultList,
): void {
  const context: RightsContext = {
    path: `organizations.${index}`,
    bundle,
    organization,
    targets,
    words: new Vocabulary(organization.permissions),
    roles: new Map(organization.roles.map((role) => [role.id, role])),
    groups: new Set(organization.groups.map(({ id }) => id)),
    people,
    root: targets.rootOf(index),
    list,
  };
  for (const key of ['filters', 'permissions', 'roles', 'groups', 'locks'] as const) {
    list.unique(`${context.path}.${key}`, organization[key], new Map());
  }
  checkWords(context);
  checkFilters(context);
  checkRoles(context);
  checkGroups(context);
  checkGrants(context);
  checkLocks(context);
}

function checkWords(context: RightsContext): void {
  const { organization, path, words, roles, list } = context;
  const needs = new Map<string, readonly string[]>();
  for (const [index, permission] of organization.permissions.entries()) {
    const at = `${path}.permissions.${index}`;
    if (isActionName(permission.id)) list.add(`${at}.id`, permission.id, 'a name that is not in the table of actions');
    for (const [place, name] of permission.gives.entries()) {
      if (words.action(name) === undefined) list.add(`${at}.gives.${place}`, name, 'an action');
    }
    expectActions(context, `${at}.needs`, permission.needs);
    if (permission.gives.length > 0 && permission.needs.length > 0) {
      list.add(`${at}.needs`, permission.needs, 'nothing: a name that stands for actions needs what they need');
    }
    needs.set(permission.id, words.action(permission.id)?.needs ?? []);
  }
  const circling = [...needs.keys()].filter((id) => needsItself(id, needs));
  if (circling.length > 0) list.add(`${path}.permissions`, circling, 'needs without a circle');
  for (const [channel, names] of Object.entries(organization.channels)) {
    expectActions(context, `${path}.channels.${channel}`, names);
  }
  expectActions(context, `${path}.refusedByTool`, organization.refusedByTool);
  for (const [name, allowed] of Object.entries(organization.model.exclusive)) {
    const at = `${path}.model.exclusive.${name}`;
    if (!words.knows(name)) list.add(at, name, ACTION_NAME);
    for (const [index, role] of allowed.entries()) {
      if (!roles.has(role)) list.add(`${at}.${index}`, role, 'a role of this organization');
    }
  }
}

function needsItself(id: string, needs: ReadonlyMap<string, readonly string[]>): boolean {
  const seen = new Set<string>();
  const open = [...(needs.get(id) as readonly string[])];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (next === id) return true;
    if (seen.has(next)) continue;
    seen.add(next);
    open.push(...(needs.get(next) ?? []));
  }
  return false;
}

function checkFilters({ organization, path, targets, list }: RightsContext): void {
  const within = new Map(organization.filters.map((filter) => [filter.id, filter.within]));
  for (const [index, filter] of organization.filters.entries()) {
    const at = `${path}.filters.${index}`;
    const ways = (['expression', 'points', 'names'] as const).filter((key) => filter[key] !== undefined);
    if (ways.length !== 1) list.add(at, ways, 'exactly one of `expression`, `points` and `names`');
    if (filter.expression !== undefined) {
      const parsed = parseExpression(filter.expression);
      if (!parsed.ok) list.add(`${at}.expression`, filter.expression, parsed.fault);
    }
    if (filter.names !== undefined && parseGlob(filter.names) === undefined) {
      list.add(`${at}.names`, filter.names, 'a glob of the characters of point ids, `*` and `**`');
    }
    for (const [place, id] of (filter.points ?? []).entries()) {
      const entry = targets.get(id);
      if (entry?.kind !== 'point' || entry.organization !== organization.id) {
        list.add(`${at}.points.${place}`, id, 'a point of this organization');
      }
    }
    if (filter.within !== undefined && !within.has(filter.within)) {
      list.add(`${at}.within`, filter.within, 'a filter of this organization');
    }
  }
  const circling = idsInCircles(within.keys(), (id) => within.get(id));
  if (circling.length > 0) list.add(`${path}.filters`, circling, '`within` without a circle');
}

function checkRoles(context: RightsContext): void {
  const { organization, path, words, roles, list } = context;
  const filters = new Set(organization.filters.map(({ id }) => id));
  const exclusive = exclusiveHolders(context);
  for (const [index, role] of organization.roles.entries()) {
    const at = `${path}.roles.${index}`;
    for (const [place, name] of role.permissions.entries()) {
      if (!words.knows(name)) list.add(`${at}.permissions.${place}`, name, ACTION_NAME);
    }
    const actions = words.expand(role.permissions);
    expectNeeds(context, `${at}.permissions`, actions);
    for (const { name } of actions) {
      const holders = exclusive.get(name) ?? [role.id];
      if (!holders.includes(role.id)) list.say(`${at}.permissions`, `\`${name}\``, `it in ${holders.join(', ')} only`);
    }
    const { parent, priorities } = role;
    if (typeof parent === 'string' && !roles.has(parent))
      list.add(`${at}.parent`, parent, 'a role of this organization');
    for (const [place, id] of (role.filters ?? []).entries()) {
      if (!filters.has(id)) list.add(`${at}.filters.${place}`, id, 'a filter of this organization');
    }
    if (priorities !== undefined && priorities.from > priorities.to) {
      list.add(`${at}.priorities`, priorities, '`from` not above `to`');
    }
    for (const name of Object.keys(role.approvals)) {
      if (!words.knows(name)) list.add(`${at}.approvals.${name}`, name, ACTION_NAME);
    }
    if (role.home !== undefined) expectTarget(context, `${at}.home`, role.home);
  }
  const defaults = organization.roles.filter((role) => role.default).map(({ id }) => id);
  if (defaults.length > 1) list.add(`${path}.roles`, defaults, 'at most one role marked `default`');
  if (organization.model.roleHierarchy === 'bounding') {
    const circling = idsInCircles(roles.keys(), (id) => roles.get(id)?.parent ?? undefined);
    if (circling.length > 0) list.add(`${path}.roles`, circling, '`parent` without a circle');
  }
}

function checkGroups({ organization, people, path, list }: RightsContext): void {
  for (const [index, { members }] of organization.groups.entries()) {
    for (const [place, id] of members.entries()) {
      if (people.homes.get(id) !== organization.id) {
        list.add(`${path}.groups.${index}.members.${place}`, id, 'a user or application of this organization');
      }
    }
  }
}

function checkLocks(context: RightsContext): void {
  const { organization, path, words, roles, groups, list } = context;
  for (const [index, lock] of organization.locks.entries()) {
    const at = `${path}.locks.${index}`;
    if (lock.group !== undefined && !groups.has(lock.group)) {
      list.add(`${at}.group`, lock.group, 'a group of this organization');
    }
    if (lock.role !== undefined && !roles.has(lock.role))
      list.add(`${at}.role`, lock.role, 'a role of this organization');
    if (lock.action !== undefined && !words.knows(lock.action)) list.add(`${at}.action`, lock.action, ACTION_NAME);
    if (lock.at !== undefined) expectTarget(context, `${at}.at`, lock.at);
  }
}
