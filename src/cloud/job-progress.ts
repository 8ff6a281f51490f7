// Jobs → `jobs/{id}`. Invariants: 1. at most one message a second for each job, the last state always among them; 2. none larger
// than a message may be: devices that have ended give way first; 3. what the broker has not confirmed is said again, newest only.

import type { Clock, Timers } from '../contract/clock.ts';
import type { Job, JobDevice } from '../contract/jobs.ts';
import type { JobProgress } from './job-form.ts';
import { MAX_MESSAGE_BYTES } from './manifest.ts';

const GAP_MS = 1_000;
const MOST_WHY = 300;
/** Jobs whose last word the broker has not confirmed. */
const MOST_UNSENT = 256;

interface JobProgressOptions {
  readonly clock: Pick<Clock, 'now'>;
  readonly timers: Timers;
  /** True when the broker has it. */
  send(id: string, text: string): Promise<boolean>;
}

export class JobReports {
  readonly #options: JobProgressOptions;
  readonly #unsent = new Map<string, Job>();
  readonly #resting = new Map<string, { timer: { cancel(): void }; isDue: boolean }>();

  constructor(options: JobProgressOptions) {
    this.#options = options;
  }

  changed(job: Job): void {
    this.#unsent.delete(job.id);
    this.#unsent.set(job.id, job);
    const [oldest] = this.#unsent.keys();
    if (this.#unsent.size > MOST_UNSENT && oldest !== undefined) this.#unsent.delete(oldest);
    const rest = this.#resting.get(job.id);
    if (rest) rest.isDue = true;
    else this.#say(job.id);
  }

  /** The line is up. */
  up(): void {
    for (const id of [...this.#unsent.keys()]) if (!this.#resting.has(id)) this.#say(id);
  }

  stop(): void {
    for (const { timer } of this.#resting.values()) timer.cancel();
    this.#resting.clear();
    for (const id of [...this.#unsent.keys()]) this.#send(id);
  }

  #say(id: string): void {
    const timer = this.#options.timers.after(GAP_MS, () => {
      const isDue = this.#resting.get(id)?.isDue === true;
      this.#resting.delete(id);
      if (isDue) this.#say(id);
    });
    this.#resting.set(id, { timer, isDue: false });
    this.#send(id);
  }

  #send(id: string): void {
    const job = this.#unsent.get(id);
    if (!job) return;
    const { send, clock } = this.#options;
    void send(id, progressText(job, clock.now())).then((sent) => {
      if (sent && this.#unsent.get(id) === job) this.#unsent.delete(id);
    });
  }
}

/** Fits one message. */
export function progressText(job: Job, now: number): string {
  const whole = progressOf(job, now);
  const text = JSON.stringify(whole);
  if (Buffer.byteLength(text) <= MAX_MESSAGE_BYTES) return text;
  // Those under way tell most; of the others the counts do.
  const order = [...whole.devices].sort((a, b) => Number(isOver(a.state)) - Number(isOver(b.state)));
  let room = MAX_MESSAGE_BYTES - Buffer.byteLength(JSON.stringify({ ...whole, devices: [], omitted: order.length }));
  const devices = order.filter((device) => {
    room -= Buffer.byteLength(JSON.stringify(device)) + 1;
    return room >= 0;
  });
  return JSON.stringify({ ...whole, devices, omitted: order.length - devices.length });
}

function progressOf(job: Job, now: number): JobProgress {
  const { id, order, state, revision, starter, startedAt, endedAt, paused, stopping, approvals } = job;
  const counts: JobProgress['counts'] = {};
  for (const { state: each } of job.devices) counts[each] = (counts[each] ?? 0) + 1;
  return {
    format: 'gatehouse.job/1',
    id,
    kind: order.kind,
    state,
    revision,
    starter: starter.principal,
    startedAt: textOf(startedAt),
    done: job.devices.filter((device) => isOver(device.state)).length,
    total: job.devices.length,
    approvals: {
      needed: approvals.needed,
      given: approvals.given.map(({ by, verdict, comment, at }) => ({
        by: by.principal,
        verdict,
        comment,
        at: textOf(at),
      })),
    },
    counts,
    devices: job.devices.map(deviceOf),
    at: textOf(now),
    ...(endedAt === undefined ? {} : { endedAt: textOf(endedAt) }),
    ...(order.note === undefined ? {} : { note: order.note }),
    ...(order.kind === 'firmware' ? { image: order.image } : {}),
    ...(paused ? { paused: { ...paused } } : {}),
    ...(stopping ? { stopping: { ...stopping } } : {}),
  };
}

function deviceOf({ device, state, tries, oldVersion, newVersion, progress, denial, why }: JobDevice) {
  return {
    device,
    state,
    tries,
    ...(oldVersion === undefined ? {} : { oldVersion }),
    ...(newVersion === undefined ? {} : { newVersion }),
    ...(progress ? { octets: progress.octets, size: progress.total } : {}),
    ...(denial ? { reason: denial.reason } : {}),
    ...(why === undefined ? {} : { why: why.slice(0, MOST_WHY) }),
  };
}

const OVER: ReadonlySet<JobDevice['state']> = new Set(['done', 'rolled-back', 'failed', 'aborted', 'refused']);
const isOver = (state: JobDevice['state']): boolean => OVER.has(state);
const textOf = (at: number): string => new Date(at).toISOString();
