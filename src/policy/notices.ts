// What is accepted, but said (POLICY.md, Notices).

import type { Notice } from '../model/fault.ts';
import { parseExpression, referencesIn } from './filter-syntax.ts';
import type { Places } from './places.ts';
import { readRecipient } from './recipient.ts';
import type { BundleDocument, OrganizationDocument } from './schema.ts';
import { type KnownAction, Vocabulary } from './vocabulary.ts';

interface Scene {
  readonly path: string;
  readonly bundle: BundleDocument;
  readonly organization: OrganizationDocument;
  readonly words: Vocabulary;
  readonly root: string | undefined;
  readonly isBelow: (id: string, ancestor: string) => boolean;
}

/** The notices of a bundle without a fault, in its order. */
export function noticesOf(bundle: BundleDocument, targets: Places): Notice[] {
  return bundle.organizations.flatMap((organization, index) => {
    const scene: Scene = {
      path: `organizations.${index}`,
      bundle,
      organization,
      words: new Vocabulary(organization.permissions),
      root: targets.rootOf(index),
      isBelow: (id, ancestor) => targets.isBelow(index, id, ancestor),
    };
    return [...ofFilters(scene, targets), ...ofRoles(scene), ...ofGrants(scene), ...ofUserAdministration(scene)];
  });
}

function ofFilters({ organization, path }: Scene, targets: Places): Notice[] {
  return organization.filters.flatMap(({ expression }, index) => {
    if (expression === undefined) return [];
    const parsed = parseExpression(expression);
    const missing = parsed.ok ? referencesIn(parsed.value).filter((id) => targets.get(id) === undefined) : [];
    return missing.map((id) => ({
      path: `${path}.filters.${index}.expression`,
      text: `\`@${id}\` resolves to nothing`,
    }));
  });
}

function ofRoles({ organization, path, words }: Scene): Notice[] {
  const roles = new Map(organization.roles.map((role) => [role.id, role]));
  return organization.roles.flatMap((role, index) => {
    const at = `${path}.roles.${index}`;
    if (organization.model.roleHierarchy === 'flat') {
      return typeof role.parent === 'string'
        ? [{ path: `${at}.parent`, text: 'ignored: the role hierarchy is `flat`' }]
        : [];
    }
    const notices: Notice[] = [];
    const own = words.expand(role.permissions);
    for (let above = roles.get(role.parent ?? ''); above !== undefined; above = roles.get(above.parent ?? '')) {
      const given = new Set(words.expand(above.permissions));
      const trimmed = own.filter((action) => !given.has(action)).map(({ name }) => `\`${name}\``);
      if (trimmed.length > 0) {
        notices.push({
          path: `${at}.permissions`,
          text: `${trimmed.join(', ')} cut off by role \`${above.id}\` above`,
        });
      }
    }
    return notices;
  });
}

function ofGrants({ organization, path, words, root, isBelow }: Scene): Notice[] {
  const roles = new Map(organization.roles.map((role) => [role.id, role]));
  const grants = organization.grants.map((grant, index) => ({
    ...grant,
    index,
    gives: words.expand(grant.permissions ?? roles.get(grant.role ?? '')?.permissions ?? []),
  }));
  const byRecipient = groupByTo(grants);
  return grants.flatMap(({ to, at, index, gives }) => {
    const notices: Notice[] = [];
    const here = `${path}.grants.${index}`;
    const dropped = at === root ? [] : gives.filter(({ level }) => level === 'organization');
    if (dropped.length > 0) {
      const names = dropped.map(({ name }) => `\`${name}\``).join(', ');
      notices.push({ path: here, text: `${names} without effect below the root` });
    }
    for (const wider of byRecipient.get(to) as typeof grants) {
      if (isNarrower(gives, wider.gives) && isBelow(at, wider.at)) {
        notices.push({ path: here, text: `narrower than grant ${wider.index} above it, which it does not reduce` });
      }
    }
    return notices;
  });
}

function groupByTo<T extends { readonly to: string }>(grants: readonly T[]): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const grant of grants) {
    const known = groups.get(grant.to);
    if (known === undefined) groups.set(grant.to, [grant]);
    else known.push(grant);
  }
  return groups;
}

function isNarrower(gives: readonly KnownAction[], wider: readonly KnownAction[]): boolean {
  return gives.length < wider.length && gives.every((action) => wider.includes(action));
}

function ofUserAdministration({ bundle, organization, path, words, root }: Scene): Notice[] {
  const roles = new Map(organization.roles.map((role) => [role.id, role]));
  const managers = new Set<string>();
  for (const grant of organization.grants) {
    const gives = words.expand(grant.permissions ?? roles.get(grant.role ?? '')?.permissions ?? []);
    if (grant.at !== root || !gives.some(({ name }) => name === 'user.manage')) continue;
    const to = readRecipient(grant.to);
    const group = to.is === 'group' ? organization.groups.find(({ id }) => id === to.id) : undefined;
    for (const user of bundle.users) {
      const member =
        group?.members.includes(user.id) === true || (group?.everyone === true && user.home === organization.id);
      if (!user.disabled && (member || (to.is === 'user' && to.id === user.id))) managers.add(user.id);
    }
  }
  const count = managers.size === 0 ? 'nobody' : `only \`${[...managers].join('')}\``;
  return managers.size < 2 ? [{ path, text: `${count} may manage users: two are advised` }] : [];
}
