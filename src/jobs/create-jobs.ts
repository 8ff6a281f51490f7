// The job engine as the rest of the gateway sees it. Invariants: 1. a job is on the shelf and in the record before its first
// device is begun; 2. one device that may not, and nothing starts; the refusal is in the record.

import type { Caller, Denial } from '../contract/gate.ts';
import type { Job, JobOrder, JobStart, Jobs } from '../contract/jobs.ts';
import { createEngine } from './engine.ts';
import { createActs } from './job-acts.ts';
import { createBook } from './job-book.ts';
import { type DeviceMemory, devicesOf, type JobMemory, personOf } from './job-record.ts';
import type { JobServices } from './job-services.ts';
import { createLastVersions } from './last-versions.ts';
import { stayMs } from './machine.ts';
import { type CheckedOrder, checkOrder } from './order-check.ts';
import { deviceOfPoint, faultsOf } from './order-faults.ts';
import { wantedOf } from './writing-plan.ts';

export interface RunningJobs extends Jobs {
  /** Once the policy and the drivers are there: takes up what the last run left. */
  takeUp(): Promise<void>;
  /** Leaves every device as it stands; the next start goes on from there. */
  stop(): Promise<void>;
  /** The job that has not ended and needs this image. */
  usingImage(image: string): string | undefined;
}

export function createJobs(given: Omit<JobServices, 'versions'>): RunningJobs {
  const services: JobServices = { ...given, versions: createLastVersions(given.shelf, () => given.clock.now()) };
  const { gate, journal, clock } = services;
  const book = createBook(services);
  const engine = createEngine(services, book);
  const parts = { ...services, book };

  /** Judges what was previewed, so that each refusal has its row. */
  function recordDenials(caller: Caller, { check, changes }: CheckedOrder): Denial[] {
    const denials: Denial[] = [];
    for (const { device, denial } of check.devices) {
      if (denial === undefined) continue;
      for (const change of changes.get(device) ?? []) {
        const judged = gate.judge(caller, change);
        if (judged.permitted) gate.abandon(judged.permit, 'another device of the job was denied');
        else if (judged.denial.reason !== 'approval-required') {
          denials.push(judged.denial);
          break;
        }
      }
    }
    return denials;
  }

  async function start(caller: Caller, order: JobOrder): Promise<JobStart> {
    const checked = await checkOrder(parts, caller, order);
    const { check } = checked;
    if (!check.ok) return { kind: 'not-started', check, denials: recordDenials(caller, checked) };
    // The devices were asked meanwhile; somebody else may have been quicker.
    const faults = faultsOf(parts, caller, order);
    if (faults.length > 0) return { kind: 'not-started', check: { ...check, faults, ok: false }, denials: [] };
    const job = jobOf(caller, order, checked);
    const append = (event: string, detail: object): Promise<unknown> => {
      const stamp = { at: clock.now(), ...(!clock.sure() && { clockUnsure: true as const }) };
      return journal.append({ kind: 'system', ...stamp, event, detail: { ...detail } });
    };
    let isRecorded = false;
    try {
      await book.open(job, memoryOf(checked), async () => {
        await append('job-started', detailOf(job, checked));
        isRecorded = true;
      });
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      // Where this cannot be recorded either, a start without a step says it.
      if (isRecorded) await append('job-not-begun', { job: job.id, principal: caller.principal, why }).catch(() => {});
      return { kind: 'unrecorded', why };
    }
    book.announce(job.id);
    engine.kick(job.id);
    return { kind: 'started', job: book.get(job.id)?.job ?? job };
  }

  function jobOf(caller: Caller, order: JobOrder, { check }: CheckedOrder): Job {
    const now = clock.now();
    const deadline = now + (stayMs('queued') ?? 0);
    return {
      id: services.newId('job'),
      order,
      starter: personOf(caller),
      startedAt: now,
      state: 'queued',
      approvals: { needed: check.approvals, given: [] },
      devices: devicesOf(order, (point) => deviceOfPoint(services, point)).map((device) => {
        const version = check.devices.find((each) => each.device === device)?.version;
        const oldVersion = version === undefined ? {} : { oldVersion: version };
        return { device, state: 'queued', since: now, deadline, tries: 0, decisions: [], ...oldVersion };
      }),
      revision: 1,
    };
  }

  function memoryOf({ image, plan, check }: CheckedOrder): JobMemory {
    const devices = check.devices.map(({ device }): [string, DeviceMemory] => {
      return [device, wantedOf(plan, device)];
    });
    return { devices: Object.fromEntries(devices), ...(image && { image }) };
  }

  function detailOf(
    { id, order, starter, devices, approvals }: Job,
    { image }: CheckedOrder,
  ): { readonly [key: string]: unknown } {
    const { principal, from } = starter;
    const targets = devices.map(({ device }) => device);
    return {
      job: id,
      of: order.kind,
      principal,
      from,
      targets: order.kind === 'configuration' ? [order.source, ...targets] : targets,
      approvals: approvals.needed,
      ...(order.kind === 'firmware' && { image: order.image, newVersion: image?.version }),
      ...(order.note !== undefined && { note: order.note }),
    };
  }

  return {
    ...createActs({ ...parts, engine, recordDenials }),
    check: async (caller, order) => (await checkOrder(parts, caller, order)).check,
    start,
    list: () => [...book.shown()].sort((a, b) => b.startedAt - a.startedAt),
    get: (id) => book.shown().find((job) => job.id === id),
    onChange: book.onChange,
    usingImage(image) {
      const found = book
        .list()
        .find(({ job }) => job.endedAt === undefined && job.order.kind === 'firmware' && job.order.image === image);
      return found?.job.id;
    },
    takeUp: engine.start,
    stop: engine.stop,
  };
}
