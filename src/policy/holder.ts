// A principal's side of a decision: in each organization its grants, site access, groups and the locks that may concern it.
// Time is not looked at here, so a holder serves every moment.

import type { ProviderIdentity } from '../model/decision.ts';
import type { Recipient } from './recipient.ts';
import type {
  CompiledAccess,
  CompiledGrant,
  CompiledLock,
  CompiledRole,
  Extent,
  HeldAccess,
  HeldGrant,
  Holder,
  Holding,
  OrganizationRights,
  Rights,
  Subject,
} from './rights.ts';

class RightsHolder implements Holder {
  readonly subject: Subject;
  readonly #rights: Rights;
  readonly #holdings: (Holding | undefined)[] = [];

  constructor(rights: Rights, subject: Subject) {
    this.subject = subject;
    this.#rights = rights;
  }

  /** `undefined` for `anyone`. */
  get id(): string | undefined {
    return this.subject.kind === 'anyone' ? undefined : this.subject.id;
  }

  /** The home organization; `anyone` has none. */
  get home(): OrganizationRights | undefined {
    const { subject } = this;
    if (subject.kind === 'anyone') return undefined;
    const id = subject.kind === 'provider' ? subject.identity.organization : subject.home;
    return this.#rights.organizationsById.get(id);
  }

  in(organization: OrganizationRights): Holding {
    const known = this.#holdings[organization.index];
    if (known !== undefined) return known;
    const made = this.#hold(organization);
    this.#holdings[organization.index] = made;
    return made;
  }

  #hold(organization: OrganizationRights): Holding {
    const groups = this.#groups(organization);
    const grants: HeldGrant[] = [];
    for (const grant of organization.grants) {
      const via = this.#through(grant.to, groups);
      if (via !== false) grants.push({ grant, via });
    }
    const given = this.#fromProvider(organization);
    if (given !== undefined) grants.push({ grant: given, via: undefined });
    const access = organization.access.flatMap((entry) => this.#access(entry, groups));
    const locks = organization.locks.filter((lock) => mayConcern(lock, this.id, groups, grants));
    return { grants, access, locks, groups, moments: momentsOf(grants, access, locks) };
  }

  #access({ to, scopes }: CompiledAccess, groups: ReadonlySet<string>): HeldAccess[] {
    const via = this.#through(to, groups);
    return via === false ? [] : scopes.map((scope) => ({ scope, via }));
  }

  /** `false`: not for this principal; `undefined`: directly; else by a link that rests on these grants. */
  #through(to: Recipient, groups: ReadonlySet<string>): readonly CompiledGrant[] | undefined | false {
    if (to.is !== 'link') return this.#isDirectly(to, groups) ? undefined : false;
    // The bundle's checks have found the organization.
    const other = this.#rights.organizationsById.get(to.organization) as OrganizationRights;
    const via = this.#ownGrants(other).filter((grant) => grant.role === to.role);
    return via.length > 0 && via;
  }

  /** Held in one's own name or by a group; not by a link (which would travel on) and not as `anyone`. */
  #ownGrants(organization: OrganizationRights): CompiledGrant[] {
    const groups = this.#groups(organization);
    const own = organization.grants.filter(({ to }) => to.is !== 'anyone' && this.#isDirectly(to, groups));
    const given = this.#fromProvider(organization);
    return given === undefined ? own : [...own, given];
  }

  #isDirectly(to: Recipient, groups: ReadonlySet<string>): boolean {
    switch (to.is) {
      case 'anyone':
        return true;
      case 'group':
        return groups.has(to.id);
      case 'link':
        return false;
      default:
        return this.subject.kind === to.is && this.subject.id === to.id;
    }
  }

  #fromProvider(organization: OrganizationRights): CompiledGrant | undefined {
    const { subject } = this;
    return subject.kind === 'provider' && subject.identity.organization === organization.id
      ? subject.role.fromProvider
      : undefined;
  }

  #groups(organization: OrganizationRights): ReadonlySet<string> {
    const { subject } = this;
    const joinedIds = new Set<string>();
    if (subject.kind === 'anyone') return joinedIds;
    for (const group of organization.groups) {
      const joined =
        subject.kind === 'provider'
          ? subject.identity.organization === organization.id &&
            (group.everyone || group.joinedFromProvider || subject.identity.groups.includes(group.providerName))
          : group.members.has(subject.id) || (group.everyone && subject.home === organization.id);
      if (joined) joinedIds.add(group.id);
    }
    return joinedIds;
  }
}

/** Whether a lock can ever match: what it says of the principal, its groups and (whenever in force) its roles. */
export function mayConcern(
  lock: CompiledLock,
  principal: string | undefined,
  groups: ReadonlySet<string>,
  grants: readonly HeldGrant[],
): boolean {
  return (
    (lock.principal === undefined || lock.principal === principal) &&
    (lock.group === undefined || groups.has(lock.group)) &&
    (lock.role === undefined || grants.some(({ grant }) => grant.role === lock.role))
  );
}

function momentsOf(
  grants: readonly HeldGrant[],
  access: readonly HeldAccess[],
  locks: readonly CompiledLock[],
): readonly number[] {
  const moments = new Set<number>();
  const note = ({ from, until }: Extent): void => {
    if (Number.isFinite(from)) moments.add(from);
    if (Number.isFinite(until)) moments.add(until);
  };
  for (const { grant, via } of grants) {
    note(grant);
    via?.forEach(note);
  }
  for (const { via } of access) via?.forEach(note);
  locks.forEach(note);
  return [...moments].sort((a, b) => a - b);
}

/** The holder behind a request, or why there is none. People of an identity provider are not kept: there is no end to them. */
export function holderFor(
  rights: Rights,
  principal: string | null,
  identity: ProviderIdentity | undefined,
): Holder | 'unknown-principal' | 'no-sign-in' {
  if (principal === null) return keptHolder(rights, '', { kind: 'anyone' });
  const person = rights.people.get(principal);
  if (person !== undefined) {
    if (person.disabled) return 'unknown-principal';
    return keptHolder(rights, principal, person);
  }
  const organization = identity === undefined ? undefined : rights.organizationsById.get(identity.organization);
  if (identity === undefined || organization === undefined) return 'unknown-principal';
  if (!isProviderId(principal, organization.id)) return 'unknown-principal';
  const role = roleFromProvider(organization, identity.role);
  if (role === undefined) return 'no-sign-in';
  return new RightsHolder(rights, { kind: 'provider', id: principal, identity, role });
}

/** `ORG:issuer#subject`, neither of the last two empty. */
function isProviderId(principal: string, organization: string): boolean {
  const issuer = organization.length + 1;
  const hash = principal.indexOf('#', issuer + 1);
  return principal.startsWith(`${organization}:`) && hash > issuer && hash < principal.length - 1;
}

/** The one role of that name, else the default role. Two roles of one name match neither. */
function roleFromProvider({ roles }: OrganizationRights, name: string | undefined): CompiledRole | undefined {
  const all = [...roles.values()];
  const [match, ...others] = all.filter((role) => role.name === name);
  return match !== undefined && others.length === 0 ? match : all.find((role) => role.isDefault);
}

function keptHolder(rights: Rights, key: string, subject: Subject): Holder {
  const known = rights.holders.get(key);
  if (known !== undefined) return known;
  const made = new RightsHolder(rights, subject);
  rights.holders.set(key, made);
  return made;
}
