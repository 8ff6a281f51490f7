// Where the API and the jobs meet: writing several points as one, and overrides that end by themselves.
// Invariants: 1. every row or none; 2. old values are durable before the first write; 3. what is put back is put back in its
// own slot, and only where that still holds what was written.

import type { ActionName } from '../model/action.ts';
import type { DecisionId } from '../model/ids.ts';
import type { PointValue } from '../model/point.ts';
import type { NonEmpty } from '../model/result.ts';
import type { Approver, Caller, Denial } from './gate.ts';

export interface WriteRow {
  /** A point's id. */
  readonly point: string;
  readonly value: PointValue;
  /** BACnet priority; absent: the order's, else the driver's own. */
  readonly priority?: number;
  /** ms until it is put back by itself; `null` = it stays until changed again; absent: the order's, else by default. */
  readonly overrideMs?: number | null;
}

/** How long a set point or a command lasts that says nothing of its end, wherever it can be put back by itself. */
export const USUAL_OVERRIDE_MS = 7_200_000;

export interface WriteOrder {
  readonly rows: NonEmpty<WriteRow>;
  /** Of every row that names none, where its protocol has priorities. */
  readonly priority?: number;
  /** Of every row that says nothing of its end and is no release. */
  readonly overrideMs?: number | null;
  /** The job it is a step of; absent: it gets an id of its own. One order of a job at a time. */
  readonly job?: string;
  readonly approvedBy?: readonly Approver[];
  /** Asked besides the rows: one of these missing refuses all. */
  readonly alsoAsks?: readonly AskedBesides[];
  /** Aborted: no further device is begun, and what was written is put back. Once all is written it does nothing. */
  readonly signal?: AbortSignal;
  /** After each device: the rows so far. Must not throw. */
  progress?(rows: readonly RowResult[]): void;
}

export interface AskedBesides {
  /** A device's id. */
  readonly target: string;
  readonly asks: ActionName;
  /** The device in whose change it stands; absent, or of no row: in every change. */
  readonly with?: string;
}

/** What would be refused, before anything is sent: `undefined` in `denial` and `fault` = it would go out. */
export interface RowCheck {
  readonly point: string;
  readonly device?: string;
  readonly denial?: Omit<Denial, 'decisionId'>;
  /** Not a refusal: the request itself cannot be carried out (no address, a value that does not fit). */
  readonly fault?: string;
  /** What of the row the fault is about. */
  readonly field?: 'point' | 'value' | 'priority' | 'overrideMs';
  /** How long it would last, in ms; absent: until changed again. */
  readonly lastsMs?: number;
  /** How many others have to approve, where nothing but that stands against it; absent: none. */
  readonly approvals?: number;
}

export const ROW_STATES = [
  'done',
  /** Acknowledged, but the device holds another value. */
  'differs',
  /** Acknowledged, but it could not be read back. */
  'not-read-back',
  'refused-by-device',
  'unknown',
  'not-sent',
  'withdrawn',
  'put-back',
  /** Written, and still so: it could not, or may not, be put back. */
  'left-written',
] as const;
export type RowState = (typeof ROW_STATES)[number];

export interface RowResult {
  readonly point: string;
  readonly device: string;
  readonly state: RowState;
  readonly decision: DecisionId;
  readonly wanted: PointValue;
  /** Before the write; absent = it was not known. */
  readonly old?: PointValue;
  readonly readBack?: PointValue;
  readonly why?: string;
  readonly override?: string;
  /** When that ends, ms since 1970. */
  readonly until?: number;
}

export type WriteResult =
  | { readonly kind: 'faulty'; readonly rows: readonly RowCheck[] }
  | { readonly kind: 'denied'; readonly denials: NonEmpty<Denial> }
  /** Nothing was sent: the old values could not be made durable. */
  | { readonly kind: 'unrecorded'; readonly why: string }
  | { readonly kind: 'carried-out'; readonly job: string; readonly ok: boolean; readonly rows: readonly RowResult[] };

export interface Writer {
  /** A verdict for each row, in their order, recorded nowhere. */
  check(caller: Caller, order: WriteOrder): readonly RowCheck[];
  write(caller: Caller, order: WriteOrder): Promise<WriteResult>;
  /** Whether a write of this point can be given an end, and how long it lasts by default (absent: until changed again). */
  spanOf(point: string): { readonly mayEnd: boolean; readonly usualMs?: number };
}

export const OVERRIDE_STATES = ['pending', 'active', 'releasing', 'released', 'left', 'superseded'] as const;
export type OverrideState = (typeof OVERRIDE_STATES)[number];

/** One slot that somebody holds for a time. */
export interface Override {
  readonly id: string;
  readonly point: string;
  readonly device: string;
  readonly owner: string;
  readonly value: PointValue;
  readonly priority?: number;
  /** What the release gives back; absent = nothing but NULL can be given back. */
  readonly before?: PointValue;
  /** ms since 1970. */
  readonly since: number;
  readonly until: number;
  readonly state: OverrideState;
  /** The change whose intent row stands for it. */
  readonly decision: string;
  /** Why it is not released yet, or was left. */
  readonly why?: string;
}

export type EarlyRelease =
  | { readonly kind: 'released' | 'left' | 'waiting'; readonly override: Override }
  | { readonly kind: 'denied'; readonly denial: Denial }
  | { readonly kind: 'unknown' };

export interface Overrides {
  /** Open ones first, then the newest of the ended ones; bounded. */
  list(): readonly Override[];
  get(id: string): Override | undefined;
  /** By its owner, or by whoever could write the point now. */
  release(caller: Caller, id: string): Promise<EarlyRelease>;
}
