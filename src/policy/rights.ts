// The compiled rights: who holds what where, as numbers against one inventory. Built by compile.ts, read by decide, reach
// and explain. A change of rights builds this anew and leaves the inventory alone.

import type { ProviderIdentity } from '../model/decision.ts';
import type { PolicyRevision } from '../model/ids.ts';
import type { Inventory } from './inventory.ts';
import type { Recipient } from './recipient.ts';
import type { ApplicationDocument, BundleDocument, UserDocument } from './schema.ts';
import type { KnownAction, Vocabulary } from './vocabulary.ts';

export type Bits = Uint32Array<ArrayBuffer>;

/** What a role with every role above it, or an inline grant, lets through. `null` masks restrict nothing. */
export interface Powers {
  /** Numbers of actions. */
  readonly gives: Bits;
  /** Numbers of devices that the tags admit. */
  readonly devices: Bits | null;
  /** The same for related actions: `expert` widens it. */
  readonly relatedDevices: Bits | null;
  /** Whether locations, which carry no tags, are admitted; and for related actions. */
  readonly places: boolean;
  readonly relatedPlaces: boolean;
  /** Handles of points that the filters admit to changing actions. */
  readonly points: Bits | null;
  readonly fromPriority: number;
  readonly toPriority: number;
  /** By action number: how many other persons must approve; `null` where no action asks any. */
  readonly approvals: ReadonlyMap<number, number> | null;
}

/** The subtree that an `at` stands for, and the time it holds; ±Infinity where it has no end. */
export interface Extent {
  readonly first: number;
  readonly last: number;
  readonly from: number;
  readonly until: number;
}

export interface CompiledGrant extends Extent {
  /** Its place in the organization's list; -1 for what an identity provider's role gives. */
  readonly index: number;
  /** As shown in decisions: `role operator to group:ops at hq`. */
  readonly label: string;
  readonly to: Recipient;
  /** Its id; absent for an inline grant. */
  readonly role: string | undefined;
  readonly powers: Powers;
}

export interface CompiledAccess {
  readonly to: Recipient;
  readonly scopes: readonly Extent[];
}

/** `undefined` are keys that are not given. */
export interface CompiledLock extends Extent {
  readonly id: string;
  readonly why: string;
  readonly principal: string | undefined;
  readonly group: string | undefined;
  readonly role: string | undefined;
  readonly actions: readonly string[] | undefined;
}

export interface CompiledRole {
  readonly id: string;
  readonly name: string;
  readonly powers: Powers;
  readonly seesOtherUsers: boolean;
  /** Id of the location where the page of its holders opens. */
  readonly home: string | undefined;
  readonly isDefault: boolean;
  /** What a person of the identity provider who has this role holds: the role at the root, for ever. */
  readonly fromProvider: CompiledGrant;
}

interface CompiledGroup {
  readonly id: string;
  /** What an identity provider calls it. */
  readonly providerName: string;
  readonly members: ReadonlySet<string>;
  readonly everyone: boolean;
  readonly joinedFromProvider: boolean;
}

/** One organization's rights. */
export interface OrganizationRights {
  readonly index: number;
  readonly id: string;
  readonly name: string;
  /** Handles of its root and of the last thing below it. */
  readonly root: number;
  readonly last: number;
  readonly words: Vocabulary;
  readonly listed: boolean;
  /** Whose people may sign in although they are not in `users`. */
  readonly identityProvider: { readonly issuer: string; readonly client: string } | undefined;
  readonly roles: ReadonlyMap<string, CompiledRole>;
  readonly groups: readonly CompiledGroup[];
  readonly grants: readonly CompiledGrant[];
  readonly access: readonly CompiledAccess[];
  readonly locks: readonly CompiledLock[];
  readonly refusedByTool: ReadonlySet<string>;
  /** By channel. */
  readonly channelNeeds: ReadonlyMap<string, readonly KnownAction[]>;
  /** By action number: the action itself, then what it needs as well. */
  readonly checks: readonly (readonly KnownAction[])[];
}

/** Who asks. `anyone` is a peer without an identity. */
export type Subject =
  | { readonly kind: 'anyone' }
  | { readonly kind: 'user' | 'application'; readonly id: string; readonly home: string }
  | {
      readonly kind: 'provider';
      readonly id: string;
      readonly identity: ProviderIdentity;
      readonly role: CompiledRole;
    };

/** A grant in somebody's hands; `via` are the grants elsewhere of which one must be in force, where it is held by a link. */
export interface HeldGrant {
  readonly grant: CompiledGrant;
  readonly via: readonly CompiledGrant[] | undefined;
}

export interface HeldAccess {
  readonly scope: Extent;
  readonly via: readonly CompiledGrant[] | undefined;
}

/** What one principal has in one organization. */
export interface Holding {
  readonly grants: readonly HeldGrant[];
  readonly access: readonly HeldAccess[];
  readonly locks: readonly CompiledLock[];
  /** Ids. */
  readonly groups: ReadonlySet<string>;
  /** When any of the above begins or ends, ascending, in ms since 1970. */
  readonly moments: readonly number[];
}

/** A principal across all organizations. */
export interface Holder {
  readonly subject: Subject;
  /** `undefined` for `anyone`. */
  readonly id: string | undefined;
  /** The home organization; `anyone` has none. */
  readonly home: OrganizationRights | undefined;
  in(organization: OrganizationRights): Holding;
}

/** A user or an application as it stood in the bundle, for signing in and showing. */
export type Person =
  | ({ readonly kind: 'user' } & UserDocument)
  | ({ readonly kind: 'application' } & ApplicationDocument);

export interface Rights {
  readonly inventory: Inventory;
  readonly organizations: readonly OrganizationRights[];
  readonly organizationsById: ReadonlyMap<string, OrganizationRights>;
  readonly people: ReadonlyMap<string, Person>;
  /** Every action that some organization knows. */
  readonly actionNames: ReadonlySet<string>;
  /** Filter masks by what they were made from, so that the next rights take over what did not change. */
  readonly masks: ReadonlyMap<string, Bits>;
  /** Holders of known principals, made when first asked for: at most one for each of `people`. */
  readonly holders: Map<string, Holder>;
}

/** What the whole bundle says of itself; times in ms since 1970. */
export interface PolicyHeader {
  readonly revision: PolicyRevision;
  readonly audience: readonly string[];
  readonly issuedAt: number;
  readonly expiresAt?: number;
  readonly graceHours: number;
  readonly mode: 'enforce' | 'observe';
  readonly observeUntil?: number;
  readonly keys?: NonNullable<BundleDocument['keys']>;
}

/** The policy in force: swapped whole. */
export interface PolicySnapshot {
  readonly header: PolicyHeader;
  readonly inventory: Inventory;
  readonly rights: Rights;
  /** Locks of the fast channel, by organization; empty until `withLocks`. */
  readonly fastLocks: readonly (readonly CompiledLock[])[];
}

export function covers({ first, last }: Extent, handle: number): boolean {
  return handle >= first && handle <= last;
}

/** The organization that owns a handle; rights and inventory have the same organizations, in the same order. */
export function ownerOf({ inventory, organizations }: Rights, handle: number): OrganizationRights {
  return organizations[inventory.data.owners[handle] as number] as OrganizationRights;
}

/** The locks of the fast channel that an organization is concerned by. */
export function fastLocksIn({ fastLocks }: PolicySnapshot, { index }: OrganizationRights): readonly CompiledLock[] {
  return fastLocks[index] as readonly CompiledLock[];
}
