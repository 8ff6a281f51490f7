// A principal's side of a decision: in each organization its grants, site access, groups and the locks that may concern it.
// Time is not looked at here, so a holder serves every moment.

import type { ProviderIdentity } from '../model/decision.ts';
import type { Recipient } from './recipient.ts';
import type {
  CompiledAccess,
  CompiledGrant,
  CompiledLock,
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
    return this.#rights.organizations[this.#rights.organizationNumbers.get(id) ?? -1];
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
      const via = this.#through(grant.to, groups, organization);
      if (via !== false) grants.push({ grant, via });
    }
    const given = this.#fromProvider(organization);
    if (given !== undefined) grants.push({ grant: given, via: undefined });
    const access = organization.access.flatMap((entry) => this.#access(entry, groups, organization));
    const locks = organization.locks.filter((lock) => mayConcern(lock, this.id, groups, grants));
    return { grants, access, locks, groups, moments: momentsOf(grants, access, locks) };
  }

  #access({ to, scopes }: CompiledAccess, groups: ReadonlySet<number>, organization: OrganizationRights): HeldAccess[] {
    const via = this.#through(to, groups, organization);
    return via === false ? [] : scopes.map((scope) => ({ scope, via }));
  }

  /** `false`: not for this principal; `undefined`: directly; else by a link that rests on these grants. */
  #through(
    to: Recipient,
    groups: ReadonlySet<number>,
    organization: OrganizationRights,
  ): readonly CompiledGrant[] | undefined | false {
    if (to.is !== 'link') return this.#isDirectly(to, groups, organization) ? undefined : false;
    const other = this.#rights.organizations[this.#rights.organizationNumbers.get(to.organization) ?? -1];
    const role = other?.roleNumbers.get(to.role);
    if (other === undefined || role === undefined) return false;
    const via = this.#ownGrants(other).filter((grant) => grant.role === role);
    return via.length > 0 && via;
  }

  /** Held in one's own name or by a group; not by a link (which would travel on) and not as `anyone`. */
  #ownGrants(organization: OrganizationRights): CompiledGrant[] {
    const groups = this.#groups(organization);
    const own = organization.grants.filter(
      ({ to }) => to.is !== 'anyone' && this.#isDirectly(to, groups, organization),
    );
    const given = this.#fromProvider(organization);
    return given === undefined ? own : [...own, given];
  }

  #isDirectly(to: Recipient, groups: ReadonlySet<number>, organization: OrganizationRights): boolean {
    switch (to.is) {
      case 'anyone':
        return true;
      case 'group':
        return groups.has(organization.groupNumbers.get(to.id) ?? -1);
      case 'link':
        return false;
      default:
        return this.subject.kind === to.is && this.subject.id === to.id;
    }
  }

  #fromProvider(organization: OrganizationRights): CompiledGrant | undefined {
    const { subject } = this;
    return subject.kind === 'provider' && subject.identity.organization === organization.id
      ? organization.roles[subject.role ?? -1]?.fromProvider
      : undefined;
  }

  #groups(organization: OrganizationRights): ReadonlySet<number> {
    const { subject } = this;
    const numbers = new Set<number>();
    if (subject.kind === 'anyone') return numbers;
    for (const [number, group] of organization.groups.entries()) {
      const joined =
        subject.kind === 'provider'
          ? subject.identity.organization === organization.id &&
            (group.everyone || group.joinedFromProvider || subject.identity.groups.includes(group.providerName))
          : group.members.has(subject.id) || (group.everyone && subject.home === organization.id);
      if (joined) numbers.add(number);
    }
    return numbers;
  }
}

/** Whether a lock can ever match: what it says of the principal, its groups and (whenever in force) its roles. */
export function mayConcern(
  lock: CompiledLock,
  principal: string | undefined,
  groups: ReadonlySet<number>,
  grants: readonly HeldGrant[],
): boolean {
  return (
    (lock.principal === undefined || lock.principal === principal) &&
    (lock.group === -1 || groups.has(lock.group)) &&
    (lock.role === -1 || grants.some(({ grant }) => grant.role === lock.role))
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
    return rights.holders.get(principal) ?? keptHolder(rights, principal, person);
  }
  const organization = rights.organizations[rights.organizationNumbers.get(identity?.organization ?? '') ?? -1];
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
function roleFromProvider({ roles }: OrganizationRights, name: string | undefined): number | undefined {
  const named = name === undefined ? [] : [...roles.keys()].filter((number) => roles[number]?.name === name);
  const [match, ...others] = named;
  if (match !== undefined && others.length === 0) return match;
  const fallback = roles.findIndex((role) => role.isDefault);
  return fallback < 0 ? undefined : fallback;
}

function keptHolder(rights: Rights, key: string, subject: Subject): Holder {
  const known = rights.holders.get(key);
  if (known !== undefined) return known;
  const made = new RightsHolder(rights, subject);
  rights.holders.set(key, made);
  return made;
}
