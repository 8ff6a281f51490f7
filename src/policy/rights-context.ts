// What the checks of one organization's rights share: where they look things up, and the expectations they have in common.

import type { FaultList } from './fault-list.ts';
import type { Places } from './places.ts';
import type { BundleDocument, OrganizationDocument, RoleDocument } from './schema.ts';
import type { KnownAction, Vocabulary } from './vocabulary.ts';

/** Ids of the whole bundle that recipients and members are looked up in. */
export interface People {
  readonly users: ReadonlySet<string>;
  readonly applications: ReadonlySet<string>;
  /** Users and applications → their home organization. */
  readonly homes: ReadonlyMap<string, string>;
  /** Organization → its roles. */
  readonly roles: ReadonlyMap<string, ReadonlySet<string>>;
}

export function indexPeople({ users, applications, organizations }: BundleDocument): People {
  return {
    users: new Set(users.map(({ id }) => id)),
    applications: new Set(applications.map(({ id }) => id)),
    homes: new Map([...users, ...applications].map(({ id, home }) => [id, home])),
    roles: new Map(organizations.map(({ id, roles }) => [id, new Set(roles.map((role) => role.id))])),
  };
}

/** What the checks of one organization look things up in. */
export interface RightsContext {
  readonly path: string;
  readonly bundle: BundleDocument;
  readonly organization: OrganizationDocument;
  readonly targets: Places;
  readonly words: Vocabulary;
  readonly roles: ReadonlyMap<string, RoleDocument>;
  readonly groups: ReadonlySet<string>;
  /** Over the whole bundle. */
  readonly people: People;
  /** The root location's id, where there is exactly one. */
  readonly root: string | undefined;
  readonly list: FaultList;
}

/** A fault unless `id` is a location, device or point of this organization. */
export function expectTarget({ targets, organization, list }: RightsContext, path: string, id: string): void {
  if (targets.get(id)?.organization !== organization.id) {
    list.add(path, id, 'a location, device or point of this organization');
  }
}

/** A fault unless everything that `actions` need as well is among them. */
export function expectNeeds(context: RightsContext, path: string, actions: readonly KnownAction[]): void {
  const has = new Set(actions.map(({ name }) => name));
  for (const { name, needs } of actions) {
    for (const need of needs) {
      if (!has.has(need)) context.list.say(path, `\`${name}\` without \`${need}\``, `\`${need}\` as well`);
    }
  }
}

export function expectActions({ words, list }: RightsContext, path: string, names: readonly string[]): void {
  for (const [index, name] of names.entries()) {
    if (!words.knows(name)) list.add(`${path}.${index}`, name, ACTION_NAME);
  }
}

export const ACTION_NAME = 'an action or a permission of this organization';

/** Which roles alone may carry an action; two entries that stand for one action both bind. */
export function exclusiveHolders({ words, organization }: RightsContext): ReadonlyMap<string, readonly string[]> {
  const holders = new Map<string, readonly string[]>();
  for (const [named, roles] of Object.entries(organization.model.exclusive)) {
    for (const { name } of words.expand([named])) {
      holders.set(name, holders.get(name)?.filter((role) => roles.includes(role)) ?? roles);
    }
  }
  return holders;
}
