// Cross checks of grants and access entries: whom, what, where, and what an organization's model forbids.

import { type Recipient, readRecipient } from './recipient.ts';
import { ACTION_NAME, exclusiveHolders, expectNeeds, expectTarget, type RightsContext } from './rights-context.ts';
import type { GrantDocument } from './schema.ts';

export function checkGrants(context: RightsContext): void {
  const { organization, path } = context;
  for (const [index, grant] of organization.grants.entries()) checkGrant(context, `${path}.grants.${index}`, grant);
  for (const [index, entry] of organization.access.entries()) {
    checkRecipient(context, `${path}.access.${index}.to`, readRecipient(entry.to), entry.to);
    for (const [place, at] of entry.at.entries()) expectTarget(context, `${path}.access.${index}.at.${place}`, at);
  }
  if (organization.model.rolesPerUser === 'one') checkOneRole(context);
}

function checkGrant(context: RightsContext, path: string, grant: GrantDocument): void {
  const { organization, words, roles, root, list } = context;
  const recipient = readRecipient(grant.to);
  checkRecipient(context, `${path}.to`, recipient, grant.to);
  expectTarget(context, `${path}.at`, grant.at);
  if ((grant.role === undefined) === (grant.permissions === undefined)) {
    list.say(path, grant.role === undefined ? 'neither' : 'both', 'exactly one of `role` and `permissions`');
  }
  const role = grant.role === undefined ? undefined : roles.get(grant.role);
  if (grant.role !== undefined && role === undefined)
    list.add(`${path}.role`, grant.role, 'a role of this organization');
  if (role?.global === true && grant.at !== root) list.add(`${path}.at`, grant.at, 'the root: the role is `global`');
  if (
    role !== undefined &&
    organization.model.siteRolesTo === 'user' &&
    recipient.is === 'group' &&
    grant.at !== root
  ) {
    list.say(path, `role \`${role.id}\` below the root to a group`, 'a user, or the root');
  }
  for (const [place, name] of (grant.permissions ?? []).entries()) {
    if (!words.knows(name)) list.add(`${path}.permissions.${place}`, name, ACTION_NAME);
  }
  const inline = words.expand(grant.permissions ?? []);
  expectNeeds(context, `${path}.permissions`, inline);
  const exclusive = exclusiveHolders(context);
  for (const { name } of inline) {
    const holders = exclusive.get(name);
    if (holders !== undefined) list.say(`${path}.permissions`, `\`${name}\``, `it in ${holders.join(', ')} only`);
  }
  if (recipient.is === 'anyone') {
    const changing = [...inline, ...words.expand(role?.permissions ?? [])].filter((action) => action.changing);
    for (const { name } of changing) list.say(path, `\`${name}\` for \`anyone\``, 'no action that changes anything');
  }
}

function checkRecipient(context: RightsContext, path: string, recipient: Recipient, to: string): void {
  const { organization, groups, people, list } = context;
  switch (recipient.is) {
    case 'user':
      if (!people.users.has(recipient.id)) list.add(path, to, 'a user');
      return;
    case 'application':
      if (!people.applications.has(recipient.id)) list.add(path, to, 'an application');
      return;
    case 'group':
      if (!groups.has(recipient.id)) list.add(path, to, 'a group of this organization');
      return;
    case 'link': {
      const isElsewhere = recipient.organization !== organization.id;
      if (!isElsewhere || people.roles.get(recipient.organization)?.has(recipient.role) !== true) {
        list.add(path, to, 'a role of another organization');
      }
      return;
    }
    case 'anyone':
      return;
  }
}

/** Directly or by groups, whatever their time: two distinct roles for one user are one too many. */
function checkOneRole(context: RightsContext): void {
  const { organization, path, list } = context;
  const held = new Map<string, { role: string; grant: number }>();
  for (const [index, grant] of organization.grants.entries()) {
    if (grant.role === undefined) continue;
    for (const user of usersOf(context, readRecipient(grant.to))) {
      const first = held.get(user);
      if (first === undefined) held.set(user, { role: grant.role, grant: index });
      else if (first.role !== grant.role) {
        list.say(
          `${path}.grants.${index}`,
          `role \`${grant.role}\` for \`${user}\`, who has \`${first.role}\` by grant ${first.grant}`,
          'one role for one user',
        );
      }
    }
  }
}

function usersOf({ bundle, organization, people }: RightsContext, to: Recipient): readonly string[] {
  if (to.is === 'user') return [to.id];
  const group = to.is === 'group' ? organization.groups.find(({ id }) => id === to.id) : undefined;
  if (group === undefined) return [];
  const everyone = group.everyone
    ? bundle.users.filter((user) => user.home === organization.id && !user.disabled).map(({ id }) => id)
    : [];
  return [...new Set([...group.members.filter((id) => people.users.has(id)), ...everyone])];
}
