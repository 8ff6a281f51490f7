// A job as it is kept: what everybody sees, and what the engine must still know after a restart. Invariants: 1. both are replaced,
// never changed; 2. what is read back is what was written, 64-bit integers and NaN included.

import type { Approver, Caller } from '../contract/gate.ts';
import {
  DEVICE_STATES,
  JOB_KINDS,
  type Job,
  type JobDevice,
  type JobOrder,
  type JobPerson,
  type JobState,
} from '../contract/jobs.ts';
import type { DecisionId } from '../model/ids.ts';
import { principalId } from '../model/ids.ts';
import { recordedValue, recordValue } from '../model/journal-row.ts';
import type { PointValue } from '../model/point.ts';
import type { ImageFacts } from './firmware-fit.ts';
import { isEnded, isWorking } from './machine.ts';

/** What becomes of a device that has to be rolled back, where nothing has to be taken back. */
export type Goal = 'failed' | 'aborted' | 'refused';

export interface DeviceMemory {
  /** Something of the image went out; the decision whose intent row stands for it. */
  readonly sent?: DecisionId;
  readonly activated?: DecisionId;
  readonly goal?: Goal;
  /** Of kinds that write: what was shown when the job began, and is to be written. */
  readonly wanted?: readonly {
    readonly point: string;
    readonly value: PointValue;
    /** Whether the device held something else then. */
    readonly differs: boolean;
  }[];
  /** From the device's address. */
  readonly confirmMs?: number;
}

export interface JobMemory {
  readonly image?: ImageFacts;
  readonly devices: { readonly [device: string]: DeviceMemory };
  /** Somebody ended it. */
  readonly aborted?: true;
  readonly endRecorded?: true;
}

export interface KeptJob {
  readonly job: Job;
  readonly memory: JobMemory;
}

export function toText(kept: KeptJob): string {
  return JSON.stringify(kept, (_key, value: unknown) =>
    typeof value === 'bigint' || (typeof value === 'number' && !Number.isFinite(value)) ? recordValue(value) : value,
  );
}

/** @throws Error where it is no document of this job: nothing of it can be gone by */
export function fromText(id: string, text: string): KeptJob {
  const kept: unknown = JSON.parse(text, (_key, value: unknown) => (isWrapped(value) ? recordedValue(value) : value));
  if (!isKept(kept)) throw new Error(`got \`${text.slice(0, 80)}\`, expected a job with its devices`);
  if (kept.job.id !== id) throw new Error(`got job \`${kept.job.id}\`, expected \`${id}\``);
  return kept;
}

type Fields = { readonly [key: string]: unknown };
const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What the engine goes by before anybody could notice that it is not there. */
function isKept(value: unknown): value is KeptJob {
  if (!isFields(value) || !isFields(value.job) || !isFields(value.memory)) return false;
  const { id, order, starter, startedAt, approvals, devices } = value.job;
  return (
    typeof id === 'string' &&
    typeof startedAt === 'number' &&
    isFields(order) &&
    JOB_KINDS.some((kind) => kind === order.kind) &&
    isFields(starter) &&
    typeof starter.principal === 'string' &&
    isFields(approvals) &&
    typeof approvals.needed === 'number' &&
    Array.isArray(approvals.given) &&
    isFields(value.memory.devices) &&
    Array.isArray(devices) &&
    devices.length > 0 &&
    devices.every(
      (each: unknown) =>
        isFields(each) && typeof each.device === 'string' && DEVICE_STATES.some((state) => state === each.state),
    )
  );
}

type Wrapped = { readonly integer: string } | { readonly float: 'NaN' | 'Infinity' | '-Infinity' };

function isWrapped(value: unknown): value is Wrapped {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const [key, ...others] = Object.keys(value);
  return others.length === 0 && (key === 'integer' || key === 'float');
}

/** Where a job stands follows from its devices. */
export function stateOf({ devices, paused }: Pick<Job, 'devices' | 'paused'>, aborted: boolean): JobState {
  const states = devices.map(({ state }) => state);
  if (states.every(isEnded)) {
    if (states.every((state) => state === 'done')) return 'done';
    if (aborted) return 'aborted';
    if (states.some((state) => state === 'failed' || state === 'rolled-back')) return 'failed';
    return states.some((state) => state === 'aborted') ? 'aborted' : 'refused';
  }
  if (paused) return 'paused';
  if (states.some(isWorking)) return 'running';
  if (states.includes('waiting-approval')) return 'waiting-approval';
  if (states.includes('waiting-window')) return 'waiting-window';
  return states.some(isEnded) ? 'running' : 'queued';
}

export function personOf({ principal, channel, from, identity, narrowToRole, proof, credential }: Caller): JobPerson {
  const shown = credential ?? (proof.kind === 'token' || proof.kind === 'certificate' ? proof : undefined);
  return {
    principal: principal ?? '',
    channel,
    from,
    ...(identity && { identity }),
    ...(shown && { credential: shown }),
    ...(narrowToRole !== undefined && { narrowToRole }),
  };
}

/** The starter as the gate judges each step: by what the policy grants now, whether signed in or not; a token must stand. */
export function callerOf({ id, starter }: Pick<Job, 'id' | 'starter'>): Caller {
  const { principal, channel, from, identity, credential, narrowToRole } = starter;
  return {
    principal: principal === '' ? null : principalId(principal),
    channel,
    proof: { kind: 'job', job: id },
    from,
    peer: `job ${id}`,
    ...(identity && { identity }),
    ...(credential && { credential }),
    ...(narrowToRole !== undefined && { narrowToRole }),
  };
}

export function approverOf({ principal, channel, identity }: JobPerson): Approver {
  return { principal: principalId(principal), channel, ...(identity && { identity }) };
}

export function approversOf({ approvals }: Pick<Job, 'approvals'>): Approver[] {
  return approvals.given.filter(({ verdict }) => verdict === 'approved').map(({ by }) => approverOf(by));
}

/** Every device whose state the order asks to change, each once, in the order they are begun. */
export function devicesOf(order: JobOrder, deviceOfPoint: (point: string) => string | undefined): string[] {
  if (order.kind !== 'batch') return [...order.devices];
  return [...new Set(order.rows.flatMap(({ point }) => deviceOfPoint(point) ?? []))];
}

export function deviceIn({ devices }: Pick<Job, 'devices'>, id: string): JobDevice {
  const found = devices.find(({ device }) => device === id);
  if (found === undefined) throw new Error(`got device \`${id}\`, expected one of the job`);
  return found;
}
