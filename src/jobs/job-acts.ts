// What people do about a job that was started. Invariants: 1. by its starter, or by who has the same right on every device;
// 2. who approves is somebody else, and has the whole right; 3. whoever retries takes the job over, and is judged anew.

import type { Caller, Denial } from '../contract/gate.ts';
import type { Approval, Job, JobAct, JobOrder, Jobs } from '../contract/jobs.ts';
import { reason } from '../contract/reasons.ts';
import { describeFault } from '../model/fault.ts';
import { isNonEmpty } from '../model/result.ts';
import type { Engine } from './engine.ts';
import type { Entry, LiveJob } from './job-book.ts';
import { approverOf, approversOf, type DeviceMemory, personOf } from './job-record.ts';
import { isWorking, mayGo } from './machine.ts';
import { type CheckedOrder, type CheckParts, checkOrder, jobDenial } from './order-check.ts';
import { deviceOfPoint } from './order-faults.ts';
import { wantedOf } from './writing-plan.ts';

type JobActs = Pick<Jobs, 'pause' | 'resume' | 'abort' | 'retry' | 'answerApproval'>;

interface ActParts extends CheckParts {
  readonly engine: Engine;
  /** Puts what was denied into the record. */
  recordDenials(caller: Caller, checked: CheckedOrder): readonly Denial[];
}

const MOST_TEXT = 500;

export function createActs(parts: ActParts): JobActs {
  const { book, engine, images, clock, gate } = parts;

  const impossible = (why: string): JobAct => ({ kind: 'impossible', why });
  const done = (id: string): JobAct => {
    const live = book.get(id);
    return live ? { kind: 'done', job: live.job } : { kind: 'unknown' };
  };

  function denialOf(caller: Caller, live: LiveJob): Omit<Denial, 'decisionId'> | undefined {
    if (caller.principal !== null && caller.principal === live.job.starter.principal) return undefined;
    return jobDenial(parts, caller, live);
  }

  /** A job that has not ended, and somebody who may act on it. */
  function actOn(caller: Caller, id: string, act: (live: LiveJob) => Promise<JobAct>): Promise<JobAct> {
    const live = book.get(id);
    if (live === undefined) return Promise.resolve({ kind: 'unknown' });
    const denial = denialOf(caller, live);
    if (denial) return Promise.resolve({ kind: 'denied', denial });
    if (live.job.endedAt !== undefined)
      return Promise.resolve(impossible(reason('has-ended', { state: live.job.state })));
    return act(live);
  }

  const amend = (
    id: string,
    event: string,
    caller: Caller,
    detail: object,
    change: (job: Job) => Job,
  ): Promise<boolean> =>
    book.amend(id, (kept) => ({ ...kept, job: change(kept.job) }), {
      event,
      detail: { principal: caller.principal, from: caller.from, ...detail },
    });

  const textOf = (why: string): string => why.slice(0, MOST_TEXT);

  return {
    pause: (caller, id, why) =>
      actOn(caller, id, async ({ job }) => {
        if (job.paused) return impossible(reason('is-paused', job.paused));
        if (job.stopping) return impossible(reason('stops', job.stopping));
        const paused = { by: caller.principal ?? '', why: textOf(why) };
        const saved = amend(id, 'job-paused', caller, { why: paused.why }, (each) => ({ ...each, paused }));
        engine.halt(id, 'pause');
        await saved;
        engine.kick(id);
        return done(id);
      }),

    resume: (caller, id) =>
      actOn(caller, id, async ({ job }) => {
        if (!job.paused) return impossible(reason('not-paused'));
        // Its starter goes on with what they show now: what was shown first may be what was withdrawn.
        const isOwn = job.starter.credential !== undefined && caller.principal === job.starter.principal;
        const saved = amend(id, 'job-resumed', caller, {}, ({ paused: _paused, ...each }) => ({
          ...each,
          ...(isOwn && { starter: personOf(caller) }),
        }));
        engine.relent(id);
        await saved;
        engine.kick(id);
        return done(id);
      }),

    abort: (caller, id, why) =>
      actOn(caller, id, async ({ job, memory }) => {
        if (memory.aborted) return impossible(reason('being-aborted'));
        const stopping = { by: caller.principal ?? '', why: textOf(why) || reason('aborted') };
        const detail = { principal: caller.principal, from: caller.from, why: stopping.why };
        // In memory before the work is stopped, and durable after: sending stops first.
        const saved = book.amend(
          job.id,
          ({ job: { paused: _paused, ...each }, memory: remembered }) => ({
            job: { ...each, stopping },
            memory: { ...remembered, aborted: true },
          }),
          { event: 'job-aborted', detail },
        );
        engine.halt(id, 'abort');
        await saved;
        engine.kick(id);
        return done(id);
      }),

    async answerApproval(caller, id, verdict, comment) {
      const live = book.get(id);
      if (live === undefined) return { kind: 'unknown' };
      const { job } = live;
      const waits = (): boolean => book.get(id)?.job.devices.some(({ state }) => state === 'waiting-approval') === true;
      if (!waits()) return impossible(reason('waits-for-nobody'));
      if (caller.principal === null) return impossible(reason('nobody-known'));
      if (caller.principal === job.starter.principal) return impossible(reason('own-approval'));
      const isGiven = (): boolean =>
        book.get(id)?.job.approvals.given.some(({ by }) => by.principal === caller.principal) === true;
      const image = job.order.kind === 'firmware' ? await images.open(job.order.image) : undefined;
      if (image && !image.ok) return impossible(reason('image-not-sent', { why: image.fault.text }));
      const approvedBy = [approverOf(job.starter), ...approversOf(job)];
      const denial = jobDenial(parts, caller, live, { approvedBy, ...(image && { image: image.value }) });
      if (denial) return { kind: 'denied', denial };
      if (!gate.mayApprove(caller)) return impossible(reason('no-application'));
      // The image was looked at meanwhile, and somebody else may have been quicker.
      if (!waits()) return impossible(reason('waits-for-nobody'));
      if (isGiven()) return impossible(reason('answered'));
      const given: Approval = { by: personOf(caller), verdict, comment: textOf(comment), at: clock.now() };
      const event = verdict === 'approved' ? 'job-approved' : 'job-refused';
      await amend(id, event, caller, { comment: given.comment, starter: job.starter.principal }, (each) => ({
        ...each,
        approvals: { ...each.approvals, given: [...each.approvals.given, given] },
      }));
      engine.kick(id);
      return done(id);
    },

    async retry(caller, id) {
      const live = book.get(id);
      if (live === undefined) return { kind: 'unknown' };
      const why = whyNotRetried(live);
      if (why !== undefined) return impossible(why);
      const again = againOf(live.job);
      const order = restOf(parts, live.job.order, again);
      if (order === undefined) return impossible(reason('none-left'));
      const checked = await checkOrder(parts, caller, order, id);
      const { check } = checked;
      const [first] = check.faults;
      const later = whyNotRetried(book.get(id) ?? live);
      if (later !== undefined) return impossible(later);
      if (first) return impossible(describeFault(first));
      const denied = check.devices.find(({ denial }) => denial !== undefined);
      if (denied?.denial) {
        parts.recordDenials(caller, checked);
        return { kind: 'denied', denial: denied.denial };
      }
      const faulty = check.devices.find(({ fault }) => fault !== undefined);
      if (faulty) return impossible(reason('of-point', { point: faulty.device, why: faulty.fault ?? '' }));
      await takeOver(caller, id, again, checked);
      engine.kick(id);
      return done(id);
    },
  };

  function whyNotRetried({ job }: LiveJob): string | undefined {
    if (job.devices.some(({ state }) => isWorking(state))) return reason('under-way');
    if (job.endedAt === undefined && !job.paused) return reason('neither-ended-nor-paused');
    return againOf(job).length === 0 ? reason('nothing-again') : undefined;
  }

  async function takeOver(
    caller: Caller,
    id: string,
    again: readonly string[],
    { check, plan, image }: CheckedOrder,
  ): Promise<void> {
    const entries = new Map<string, Entry>();
    for (const { device, state } of book.get(id)?.job.devices ?? []) {
      if (!again.includes(device) || !mayGo(state, 'queued')) continue;
      const keeps: Entry['memory'] = state === 'rolled-back' ? { sent: undefined } : {};
      entries.set(device, {
        to: 'queued',
        device: { progress: undefined, newVersion: undefined, rows: undefined, tries: 0 },
        memory: { ...keeps, goal: undefined, activated: undefined },
      });
    }
    const change = (kept: Pick<LiveJob, 'job' | 'memory'>) => {
      const { paused: _paused, stopping: _stopping, ...job } = kept.job;
      const { aborted: _aborted, ...memory } = kept.memory;
      const wanted = Object.fromEntries(
        Object.entries(memory.devices).map(([device, before]): [string, DeviceMemory] => {
          return [device, { ...before, ...wantedOf(plan, device) }];
        }),
      );
      return {
        job: { ...job, starter: personOf(caller), approvals: { needed: check.approvals, given: [] } },
        memory: { ...memory, devices: wanted, ...(image && { image }) },
      };
    };
    const detail = { principal: caller.principal, from: caller.from, targets: again };
    const saved = book.amend(id, change, { event: 'job-retried', detail });
    const entered = entries.size > 0 ? book.enterAll(id, entries) : Promise.resolve(true);
    await Promise.all([saved, entered]);
  }
}

/** Every device that did not get what was ordered. */
function againOf({ devices }: Job): string[] {
  return devices.filter(({ state }) => state !== 'done').map(({ device }) => device);
}

/** The order for some of its devices. */
function restOf(parts: CheckParts, order: JobOrder, devices: readonly string[]): JobOrder | undefined {
  if (order.kind === 'batch') {
    const rows = order.rows.filter(({ point }) => devices.includes(deviceOfPoint(parts, point) ?? ''));
    return isNonEmpty(rows) ? { ...order, rows } : undefined;
  }
  return isNonEmpty(devices) ? { ...order, devices } : undefined;
}
