// A person's own tool at the gate: the session that binds an address to them, and the devices that a transfer holds.

import type { ProviderIdentity } from '../model/decision.ts';
import type { PrincipalId, SessionId, TargetId } from '../model/ids.ts';
import type { Who } from '../model/journal-row.ts';

/** A person works with their own tool from one address. */
export interface ToolSession {
  readonly id: SessionId;
  readonly principal: PrincipalId;
  /** Of a person who came through an identity provider. */
  readonly identity?: ProviderIdentity;
  readonly address: string;
  /** ms since 1970. */
  readonly openedAt: number;
  readonly until: number;
  /** Only changes of these devices; absent = all the policy permits. Reads are not narrowed. */
  readonly devices?: readonly TargetId[];
  readonly shared: boolean;
}

export interface SessionClaim {
  readonly principal: PrincipalId;
  /** Of a person who came through an identity provider. */
  readonly identity?: ProviderIdentity;
  readonly address: string;
  readonly forMs: number;
  readonly devices?: readonly TargetId[];
  /** Who claims, for the record: the person, or an administrator of the box. */
  readonly by: Who;
}

export const SESSION_REFUSALS = [
  'no-policy',
  'unknown-principal',
  'locked',
  'bad-address',
  'bad-duration',
  'application-address',
  'address-in-use',
  'not-on-link',
  'shared-link',
  'unknown-device',
  'too-many-sessions',
  'journal-unavailable',
] as const;

export interface SessionRefusal {
  readonly reason: (typeof SESSION_REFUSALS)[number];
  readonly text: string;
  /** `address-in-use`: by whom. */
  readonly holder?: PrincipalId;
}

/** A transfer of several frames to one device, bound to one principal; or the hold of a job on it. */
export interface Transfer {
  readonly device: TargetId;
  readonly principal: string | null;
  /** Address it comes from. */
  readonly peer: string;
  readonly begunAt: number;
  /** The job that holds the device; `principal` started it. */
  readonly job?: string;
}
