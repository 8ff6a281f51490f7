// A bundle as it stands in JSON, for the reference evaluator and its generator: no branding, nothing parsed.
// Written from POLICY.md alone; the engine's own types are deliberately not used.

type RawFact = boolean | number | string | { readonly $ref: string };
export type RawFacts = { readonly [name: string]: RawFact };

export interface RawPrincipal {
  readonly id: string;
  readonly name: string;
  readonly home: string;
  readonly disabled?: boolean;
}

export interface RawLocation {
  readonly id: string;
  readonly name: string;
  readonly kind: string;
  readonly parent?: string;
}

export interface RawDevice {
  readonly id: string;
  readonly name: string;
  readonly location: string;
  readonly tags?: readonly string[];
  readonly facts?: RawFacts;
}

export interface RawPoint {
  readonly id: string;
  readonly name: string;
  readonly device: string;
  readonly class: string;
  readonly facts?: RawFacts;
  readonly involves?: readonly string[];
}

export interface RawFilter {
  readonly id: string;
  readonly within?: string;
  readonly expression?: string;
  readonly points?: readonly string[];
  readonly names?: string;
}

export interface RawPermission {
  readonly id: string;
  readonly level: 'site' | 'organization' | 'anywhere';
  readonly gives: readonly string[];
  readonly needs?: readonly string[];
}

export interface RawRole {
  readonly id: string;
  readonly name: string;
  readonly parent?: string | null;
  readonly permissions: readonly string[];
  readonly tags?: readonly string[];
  readonly untagged?: boolean;
  readonly expert?: boolean;
  readonly filters?: readonly string[] | null;
  readonly priorities?: { readonly from: number; readonly to: number };
  readonly approvals?: { readonly [action: string]: number };
  readonly global?: boolean;
  readonly default?: boolean;
}

export interface RawGroup {
  readonly id: string;
  readonly name?: string;
  readonly everyone?: boolean;
  readonly default?: boolean;
  readonly members?: readonly string[];
}

export interface RawGrant {
  readonly to: string;
  readonly role?: string;
  readonly permissions?: readonly string[];
  readonly at: string;
  readonly from?: string | null;
  readonly until?: string | null;
}

export interface RawAccess {
  readonly to: string;
  readonly at: readonly string[];
}

export interface RawLock {
  readonly id: string;
  readonly why: string;
  readonly principal?: string;
  readonly group?: string;
  readonly role?: string;
  readonly action?: string;
  readonly at?: string;
  readonly from?: string | null;
  readonly until?: string | null;
}

/** An entry of the fast channel: it binds everywhere, or where it names no principal in the organization it names. */
export type RawFastLock = Omit<RawLock, 'at'> & { readonly organization?: string };

export interface RawOrganization {
  readonly id: string;
  readonly name: string;
  readonly model: {
    readonly siteAccess: 'all' | 'listed';
    readonly roleHierarchy: 'flat' | 'bounding';
    readonly rolesPerUser: 'many' | 'one';
    readonly siteRolesTo?: 'any' | 'user';
    readonly exclusive?: { readonly [action: string]: readonly string[] };
  };
  readonly channels?: { readonly [channel: string]: readonly string[] };
  readonly refusedByTool?: readonly string[];
  readonly identityProvider?: { readonly issuer: string; readonly client: string };
  readonly locations?: readonly RawLocation[];
  readonly devices?: readonly RawDevice[];
  readonly points?: readonly RawPoint[];
  readonly filters?: readonly RawFilter[];
  readonly permissions?: readonly RawPermission[];
  readonly roles?: readonly RawRole[];
  readonly groups?: readonly RawGroup[];
  readonly grants?: readonly RawGrant[];
  readonly access?: readonly RawAccess[];
  readonly locks?: readonly RawLock[];
}

export interface RawBundle {
  readonly format: string;
  readonly revision: number;
  readonly audience: readonly string[];
  readonly issuedAt: string;
  readonly users?: readonly RawPrincipal[];
  readonly applications?: readonly RawPrincipal[];
  readonly organizations: readonly RawOrganization[];
}
