// What the daemon answers on its local socket: JSON over HTTP, for the administrators of the box. Types only.

import type { FrameMeaning } from '../contract/described-frame.ts';
import type { DriverStatus } from '../contract/driver.ts';
import type { JournalState } from '../contract/journal.ts';
import type { GatewayStanding } from '../http/options.ts';
import type { TargetVerdict } from '../model/decision.ts';
import type { RecordedValue } from '../model/journal-row.ts';

/** `GET /v1/status` */
export interface StatusReply extends Omit<GatewayStanding, 'remarks' | 'journal' | 'cloud' | 'drivers'> {
  readonly remarks: readonly string[];
  readonly journal: JournalState & { readonly head?: { readonly number: number; readonly hash: string } };
  readonly cloud: { readonly state: string; readonly [key: string]: unknown } | undefined;
  readonly drivers: { readonly [name: string]: DriverStatus };
  readonly sessions: number;
  readonly counters: { readonly [name: string]: number };
}

/** `GET /v1/sessions` gives a list of these; `POST /v1/sessions` one. */
export interface SessionReply {
  readonly id: string;
  readonly principal: string;
  readonly address: string;
  readonly openedAt: number;
  readonly until: number;
  readonly devices?: readonly string[];
}

/** Body of `POST /v1/sessions`. */
export interface OpenSessionBody {
  readonly principal: string;
  readonly address: string;
  readonly forMs: number;
  readonly devices?: readonly string[];
}

/** Body of `POST /v1/explain`. */
export interface ExplainBody {
  readonly principal: string | null;
  readonly action: string;
  readonly targets: readonly string[];
  readonly channel?: string;
  readonly priority?: number;
  readonly at?: number;
}

export interface ExplainReply {
  readonly decision: 'permit' | 'deny';
  readonly revision: number;
  readonly reason?: string;
  readonly target?: string;
  /** How many other persons must approve what is permitted; absent = none. */
  readonly approvals?: number;
  readonly verdicts: readonly TargetVerdict[];
  readonly text: string;
}

/** Body of `POST /v1/survey`; the reply is an `InventoryDraft`. */
export interface SurveyBody {
  readonly driver: string;
  readonly network: string;
  readonly instances?: readonly number[];
}

/** Body of `POST /v1/decode`. */
export interface DecodeBody {
  readonly hex: string;
  /** `bacnet` or `modbus`; absent: whichever form the octets have. */
  readonly protocol?: string;
  /** A user or application, or `anyone`. */
  readonly principal?: string;
  readonly device?: string;
}

/** One thing a frame reads or moves. */
export interface DecodedTarget {
  readonly target: string;
  readonly name: string;
  /** The action it asks. */
  readonly asks: string;
  readonly value?: RecordedValue;
  readonly priority?: number;
  /** Where somebody was asked about. */
  readonly permitted?: boolean;
  readonly reason?: string;
  readonly text?: string;
}

/** A frame taken apart, and what it would do. */
export interface DecodeReply {
  readonly form: string;
  readonly lines: readonly string[];
  readonly kind: FrameMeaning['kind'];
  /** Why it is refused, malformed or no request. */
  readonly why?: string;
  readonly operation?: string;
  readonly targets: readonly DecodedTarget[];
  readonly remarks: readonly string[];
  /** Of the whole, where somebody was asked about: every target or nothing. */
  readonly verdict?: 'permit' | 'deny';
  readonly reason?: string;
  readonly text?: string;
}

/** Any refusal of the control socket: HTTP 4xx/5xx with this body. */
export interface ControlError {
  readonly error: string;
}
