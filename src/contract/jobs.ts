// Work on several devices as everybody outside sees it: what is ordered, how it stands, what may be done about it.
// Invariants: 1. every device is permitted before anything starts, and judged again when its turn comes; 2. an empty list of
// devices cannot be written; 3. no state without a deadline; 4. a transition is durable before what it announces is done.

import type { ProviderIdentity } from '../model/decision.ts';
import type { DecisionId } from '../model/ids.ts';
import type { Credential } from '../model/journal-row.ts';
import type { PointValue } from '../model/point.ts';
import type { NonEmpty } from '../model/result.ts';
import type { Caller, Denial } from './gate.ts';
import type { RowResult, WriteRow } from './work.ts';

export const JOB_KINDS = ['firmware', 'configuration', 'alarm-thresholds', 'batch'] as const;

/** Where one device of a job stands. A firmware update sends (`transferring`), the other kinds write (`applying`). */
export const DEVICE_STATES = [
  'queued',
  'waiting-approval',
  'waiting-window',
  'checking',
  'transferring',
  'applying',
  'verifying',
  'activating',
  'confirming',
  'rolling-back',
  'done',
  'rolled-back',
  'failed',
  'aborted',
  'refused',
] as const;
export type DeviceState = (typeof DEVICE_STATES)[number];

export const JOB_STATES = [
  'queued',
  'waiting-approval',
  'waiting-window',
  'running',
  'paused',
  'done',
  'failed',
  'aborted',
  'refused',
] as const;
export type JobState = (typeof JOB_STATES)[number];

export interface Rollout {
  /** The first device alone, before the others. */
  readonly canary: boolean;
  /** 1 to 32. */
  readonly atOnce: number;
  /** 1 to 100: no further device is begun once so many percent of the list have failed. */
  readonly stopAtFailedPercent: number;
}

/** Nothing is begun before `from` nor after `until`; ms since 1970. */
export interface JobWindow {
  readonly from?: number;
  readonly until: number;
}

interface OrderBase {
  readonly window?: JobWindow;
  /** Why, in a person's words; at most 500 characters. */
  readonly note?: string;
}

export interface FirmwareOrder extends OrderBase {
  readonly kind: 'firmware';
  /** The image's id (SHA-256). */
  readonly image: string;
  readonly devices: NonEmpty<string>;
  readonly rollout: Rollout;
}

/** Copies every matching point of the named classes; points match by what follows `DEVICE/` in their ids, else by name. */
export interface ConfigurationOrder extends OrderBase {
  readonly kind: 'configuration';
  readonly source: string;
  readonly devices: NonEmpty<string>;
  readonly classes: NonEmpty<'parameter' | 'alarm-limit' | 'set-point'>;
}

/** `key`: what follows `DEVICE/` in the id of an `alarm-limit` point, or its name; every device of the list must have it. */
export interface ThresholdsOrder extends OrderBase {
  readonly kind: 'alarm-thresholds';
  readonly devices: NonEmpty<string>;
  readonly values: NonEmpty<{ readonly key: string; readonly value: PointValue }>;
}

export interface BatchOrder extends OrderBase {
  readonly kind: 'batch';
  readonly rows: NonEmpty<WriteRow>;
  /** As in `WriteOrder`: of rows that name none. The time counts from the write, not from the order. */
  readonly priority?: number;
  readonly overrideMs?: number | null;
}

export type JobOrder = FirmwareOrder | ConfigurationOrder | ThresholdsOrder | BatchOrder;

/** What would become of one device, before anything starts. */
export interface DeviceCheck {
  readonly device: string;
  /** The policy or the gate says no. */
  readonly denial?: Omit<Denial, 'decisionId'>;
  /** It cannot be done: no way for firmware, another model, a version that may not be replaced, a missing point. */
  readonly fault?: string;
  /** Version it runs now, or ran last where nothing but its boot loader runs. */
  readonly version?: string;
  /** It can be done, but for this one should look. */
  readonly remark?: string;
  /** What would be written there, with the value now where it could be read. */
  readonly rows?: readonly DifferenceRow[];
  /** Of a configuration copy: points of the source that have no partner here, by id, and so are not copied; absent: none. */
  readonly unmatched?: readonly string[];
}

export interface DifferenceRow {
  readonly point: string;
  /** Of a configuration copy: what the source holds. */
  readonly wanted: PointValue;
  readonly now?: PointValue;
  readonly differs: boolean;
  readonly fault?: string;
}

export interface JobCheck {
  /**
   * Faults of the order itself: an unknown image, a device twice, an unknown device. Each names its place: `devices.3`.
   * `too-many-jobs`: nothing is wrong with it, but others have to end first, in all or of who asks.
   */
  readonly faults: readonly {
    readonly path: string;
    readonly found: string;
    readonly expected: string;
    readonly code?: 'too-many-jobs';
  }[];
  readonly devices: readonly DeviceCheck[];
  /** How many other persons must approve; 0 = none. */
  readonly approvals: number;
  /** Nothing stands against it. */
  readonly ok: boolean;
}

/** Whoever acts on a job, as the record and a later judgement need them. */
export interface JobPerson {
  readonly principal: string;
  readonly channel: Caller['channel'];
  readonly from: string;
  readonly identity?: ProviderIdentity;
  /** Of who showed one: without it, because the policy withdrew it, the job does not go on. */
  readonly credential?: Credential;
  /** Of a certificate: only grants of this role count, as long as the job lasts. */
  readonly narrowToRole?: string;
}

export interface Approval {
  readonly by: JobPerson;
  readonly verdict: 'approved' | 'refused';
  readonly comment: string;
  /** ms since 1970. */
  readonly at: number;
}

export interface JobDevice {
  readonly device: string;
  readonly state: DeviceState;
  /** ms since 1970: in this state since, and until at the latest. Ended states have no deadline. */
  readonly since: number;
  readonly deadline?: number;
  readonly tries: number;
  readonly oldVersion?: string;
  readonly newVersion?: string;
  readonly progress?: { readonly octets: number; readonly total: number; readonly perSecond: number };
  /** Of kinds that write. */
  readonly rows?: readonly RowResult[];
  /** Intent rows of the steps so far. */
  readonly decisions: readonly DecisionId[];
  readonly denial?: Omit<Denial, 'decisionId'>;
  readonly why?: string;
}

export interface Job {
  readonly id: string;
  readonly order: JobOrder;
  readonly starter: JobPerson;
  /** ms since 1970. */
  readonly startedAt: number;
  readonly endedAt?: number;
  readonly state: JobState;
  /** Why it is paused, and by whom; the gateway itself where a right was withdrawn. */
  readonly paused?: { readonly by: string; readonly why: string };
  /** No further device is begun: asked by somebody, or the failure threshold. */
  readonly stopping?: { readonly by: string; readonly why: string };
  readonly approvals: { readonly needed: number; readonly given: readonly Approval[] };
  readonly devices: readonly JobDevice[];
  /** Counts every change of this document, so that a page knows the newer one. */
  readonly revision: number;
}

export type JobStart =
  | { readonly kind: 'started'; readonly job: Job }
  /** Nothing was begun: faults, or a denial for at least one device. Recorded where it was a denial. */
  | { readonly kind: 'not-started'; readonly check: JobCheck; readonly denials: readonly Denial[] }
  | { readonly kind: 'unrecorded'; readonly why: string };

export type JobAct =
  | { readonly kind: 'done'; readonly job: Job }
  | { readonly kind: 'unknown' }
  /** Not in this state: an ended job cannot be paused. */
  | { readonly kind: 'impossible'; readonly why: string }
  | { readonly kind: 'denied'; readonly denial: Omit<Denial, 'decisionId'> };

/** Who may see which job is the asker's room's business; who may act on it is decided here, by the gate. */
export interface Jobs {
  /** A verdict for each device, recorded nowhere. */
  check(caller: Caller, order: JobOrder): Promise<JobCheck>;
  start(caller: Caller, order: JobOrder): Promise<JobStart>;
  /** The newest first; bounded. */
  list(): readonly Job[];
  get(id: string): Job | undefined;
  /** No further device is begun, a transfer under way stops at a safe point. By the starter, or who has the same right on every device. */
  pause(caller: Caller, id: string, why: string): Promise<JobAct>;
  resume(caller: Caller, id: string): Promise<JobAct>;
  /** Sending stops within a second; what can be rolled back is. */
  abort(caller: Caller, id: string, why: string): Promise<JobAct>;
  /** Devices that failed, were aborted or rolled back are queued again, judged anew, in the name of the caller. */
  retry(caller: Caller, id: string): Promise<JobAct>;
  /** By another person with the same right on every device. */
  answerApproval(caller: Caller, id: string, verdict: 'approved' | 'refused', comment: string): Promise<JobAct>;
  onChange(listener: (job: Job) => void): () => void;
}
