// The rows of the record (the "record" step of the road): plain data, JSON-safe, the same in the database, on MQTT and on the page.
// A change has one intent row, durable before its first byte goes south, and one outcome row.

import type { Channel } from './action.ts';
import type { DenialReason } from './decision.ts';
import type { PointValue } from './point.ts';

/** A value as it stands in a row: JSON has no 64-bit integers and no NaN, so those are wrapped. */
export type RecordedValue =
  | number
  | boolean
  | string
  | null
  | { readonly integer: string }
  | { readonly float: 'NaN' | 'Infinity' | '-Infinity' };

export function recordValue(value: PointValue): RecordedValue {
  if (typeof value === 'bigint') return { integer: value.toString() };
  if (typeof value === 'number' && !Number.isFinite(value)) {
    return { float: Number.isNaN(value) ? 'NaN' : value > 0 ? 'Infinity' : '-Infinity' };
  }
  return value;
}

/** The value that `recordValue` recorded. */
export function recordedValue(recorded: RecordedValue): PointValue {
  if (typeof recorded !== 'object' || recorded === null) return recorded;
  return 'integer' in recorded ? BigInt(recorded.integer) : Number(recorded.float);
}

/** How it is known who is behind a request (PROTOCOLS.md, "Who is it?"), strongest first. */
export type Proof =
  | { readonly kind: 'certificate'; readonly subject: string; readonly fingerprint: string; readonly role?: string }
  | { readonly kind: 'sign-in'; readonly session: string }
  /** An application's bearer token, by the first 12 hex digits of its SHA-256. */
  | { readonly kind: 'token'; readonly token: string }
  | { readonly kind: 'command'; readonly jti: string; readonly key: string }
  | { readonly kind: 'tool-session'; readonly session: string }
  | { readonly kind: 'application-address'; readonly address: string }
  | { readonly kind: 'box-administrator'; readonly uid: number }
  /** A step that a job takes in its starter's name, whose sign-in may have ended; the policy judges principal and identity anew. */
  | { readonly kind: 'job'; readonly job: string }
  | { readonly kind: 'gateway'; readonly why: string }
  | { readonly kind: 'none' };

/** What an application shows each time, and the policy may withdraw. */
export type Credential = Extract<Proof, { readonly kind: 'token' | 'certificate' }>;

/** Who asked, by which proof, from where. */
export interface Who {
  readonly principal: string | null;
  readonly channel?: Channel;
  readonly proof: Proof;
  /** `address:port`, a local socket, or `mqtt`. */
  readonly from: string;
  readonly driver?: string;
}

/** What one change would do to one target. `old` is absent where it was not read; `oldUnknown` then says why. */
export interface RecordedEffect {
  readonly target: string;
  readonly device?: string;
  readonly action: string;
  readonly old?: RecordedValue;
  readonly oldUnknown?: string;
  readonly new?: RecordedValue;
  readonly priority?: number;
  /** The grant that permitted, or the reason that denied. */
  readonly grant?: string;
  readonly reason?: DenialReason;
  /** The action that was missing, where it is not `action` itself. */
  readonly missing?: string;
}

interface RowBase {
  /** ms since 1970, from the gateway's clock. */
  readonly at: number;
  /** Present and true where the clock was not to be trusted. */
  readonly clockUnsure?: true;
}

/** Which image a step of a firmware update is about. */
export interface RecordedFirmware {
  /** SHA-256. */
  readonly image: string;
  /** What ran when the update began; absent where nothing but a boot loader did. */
  readonly oldVersion?: string;
  readonly newVersion: string;
}

export interface IntentRow extends RowBase {
  readonly kind: 'intent';
  readonly decision: string;
  readonly who: Who;
  /** The standard's word for what was asked: `writeMultipleRegisters`, `WriteProperty`. */
  readonly operation: string;
  readonly effects: readonly RecordedEffect[];
  readonly revision: number;
  /** `permit`; `observed`: would have been refused, `wouldDeny` says why; `never-gated`: the site named it. */
  readonly by: 'permit' | 'observed' | 'never-gated';
  readonly wouldDeny?: DenialReason;
  /** Opens a standing intent: same values to the same slots again within 60 s are counted in its outcome row. */
  readonly standing?: true;
  readonly job?: string;
  readonly firmware?: RecordedFirmware;
  /** Principals who approved it besides who asked, each permitted the whole of it too. */
  readonly approvedBy?: readonly string[];
}

/**
 * What became of a change. `unknown`: sent, no answer in time; never sent again; read back where possible. `stopped`: begun,
 * and ended by the gateway before it was whole (a transfer that was aborted).
 */
export type Outcome =
  | { readonly kind: 'acknowledged' }
  | { readonly kind: 'refused-by-device'; readonly answer: string }
  | { readonly kind: 'unknown'; readonly why: string }
  | { readonly kind: 'stopped'; readonly why: string }
  | { readonly kind: 'not-sent'; readonly why: string }
  | { readonly kind: 'withdrawn'; readonly reason: DenialReason };

export interface OutcomeRow extends RowBase {
  readonly kind: 'outcome';
  readonly decision: string;
  readonly outcome: Outcome;
  /** What the points held afterwards, where it was read. */
  readonly readBack?: readonly { readonly target: string; readonly value: RecordedValue }[];
  /** How many times a standing intent was used; absent = once. */
  readonly count?: number;
}

export interface RefusalRow extends RowBase {
  readonly kind: 'refusal';
  readonly decision: string;
  readonly who: Who;
  readonly operation: string;
  readonly reason: DenialReason;
  /** The first refused target's id; absent where none could be named. */
  readonly target?: string;
  readonly effects: readonly RecordedEffect[];
  readonly revision?: number;
  /** What a person needs to understand it: the exception sent, the fault of a frame. */
  readonly detail?: string;
  /** Refusals folded into this row (same peer, reason and target within a minute), and when the first one was. */
  readonly count: number;
  readonly since?: number;
}

export interface SessionRow extends RowBase {
  readonly kind: 'session';
  readonly event: 'opened' | 'ended';
  readonly session: string;
  readonly principal: string;
  readonly address: string;
  readonly until?: number;
  readonly who: Who;
  readonly why?: string;
}

/** Policy life cycle, observe mode, clock, start and stop: what an auditor needs to read the other rows. */
export interface SystemRow extends RowBase {
  readonly kind: 'system';
  readonly event: string;
  readonly detail: { readonly [key: string]: unknown };
}

export type JournalRow = IntentRow | OutcomeRow | RefusalRow | SessionRow | SystemRow;
