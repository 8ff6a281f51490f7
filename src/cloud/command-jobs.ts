// Work on several devices as a command orders it: looked at, started, paused, ended, approved, by the engine that page and API use.
// Invariant: who may not view a device does not learn whether it is there, nor what a point holds that they may not read.

import type { Caller } from '../contract/gate.ts';
import type { Job, JobAct, JobCheck, JobOrder, Jobs } from '../contract/jobs.ts';
import { recordValue } from '../model/journal-row.ts';
import { fail, isNonEmpty, type NonEmpty, ok, type Result } from '../model/result.ts';
import type { Operation } from './command-form.ts';
import { type CommandSight, deniedTo, sightOf } from './command-sight.ts';
import type { OrderedJob } from './job-order-form.ts';
import type { Done, WorkRefusal } from './work-answer.ts';
import { pointValue, rowOf, spanOf } from './write-rows.ts';

const MOST_TEXT = 1_000;

interface JobWork extends CommandSight {
  /** Undefined while the gateway starts. */
  readonly jobs: () => Jobs | undefined;
}

type Answer = Result<Done, WorkRefusal>;

export async function orderJob(
  work: JobWork,
  caller: Caller,
  { order: ordered, dryRun }: Extract<Operation, { op: 'job' }>,
): Promise<Answer> {
  const jobs = work.jobs();
  if (!jobs) return fail(NOT_YET);
  const unseen = firstUnseen(work, caller, ordered);
  if (unseen !== undefined) {
    return fail({ code: 'unknown-target', text: `${unseen}: no such thing, or the principal may not see it` });
  }
  const order = orderOf(ordered);
  if (dryRun) return ok({ check: checkResult(work, caller, await jobs.check(caller, order)) });
  const start = await jobs.start(caller, order);
  switch (start.kind) {
    case 'started':
      return ok({ job: { id: start.job.id, state: start.job.state } });
    case 'unrecorded':
      return fail({ code: 'not-durable', text: start.why });
    case 'not-started': {
      const { check, denials } = start;
      const denial = denials[0] ?? check.devices.find((each) => each.denial)?.denial;
      if (denial) return fail(deniedTo(work, caller, denial));
      const code = check.faults.some((fault) => fault.code === 'too-many-jobs') ? 'too-many' : 'job-impossible';
      return fail({ code, text: hindrances(check).slice(0, MOST_TEXT) });
    }
  }
}

export async function actOnJob(
  work: JobWork,
  caller: Caller,
  { job, act, why = '' }: Extract<Operation, { op: 'job-act' }>,
): Promise<Answer> {
  const jobs = work.jobs();
  if (!jobs) return fail(NOT_YET);
  const known = jobs.get(job);
  if (known && !seesJob(work, caller, known)) return actResult(work, caller, job, { kind: 'unknown' });
  const done = await {
    pause: () => jobs.pause(caller, job, why),
    resume: () => jobs.resume(caller, job),
    abort: () => jobs.abort(caller, job, why),
    retry: () => jobs.retry(caller, job),
    approve: () => jobs.answerApproval(caller, job, 'approved', why),
    refuse: () => jobs.answerApproval(caller, job, 'refused', why),
  }[act]();
  return actResult(work, caller, job, done);
}

function actResult(work: JobWork, caller: Caller, job: string, done: JobAct): Answer {
  switch (done.kind) {
    case 'done':
      return ok({ job: { id: done.job.id, state: done.job.state } });
    case 'unknown':
      return fail({ code: 'job-unknown', text: `got job \`${job}\`` });
    case 'impossible':
      return fail({ code: 'job-impossible', text: done.why.slice(0, MOST_TEXT) });
    case 'denied':
      return fail(deniedTo(work, caller, done.denial));
  }
}

/** Its starter does, and who may view one of its devices. */
function seesJob({ gate, inventory }: JobWork, caller: Caller, { starter, devices }: Job): boolean {
  if (starter.principal === caller.principal) return true;
  const reader = gate.reader(caller, 'device.view');
  return devices.some(({ device }) => {
    const handle = inventory()?.find(device);
    return handle !== undefined && reader.permits(handle);
  });
}

const NOT_YET = { code: 'job-unsupported', text: 'the gateway is starting: no jobs are run yet' } as const;

/** The place in the order of the first thing that the caller may not see. */
function firstUnseen({ gate, inventory }: JobWork, caller: Caller, order: OrderedJob): string | undefined {
  const view = inventory();
  const devices = gate.reader(caller, 'device.view');
  const points = gate.reader(caller, 'point.read');
  const sees = (id: string, reader: typeof devices): boolean => {
    const handle = view?.find(id);
    return handle !== undefined && reader.permits(handle);
  };
  if (order.kind === 'batch') {
    const at = order.writes.findIndex(({ target }) => !sees(target, points));
    return at < 0 ? undefined : `writes.${at}`;
  }
  if (order.kind === 'configuration' && !sees(order.source, devices)) return 'source';
  const at = order.devices.findIndex((id) => !sees(id, devices));
  return at < 0 ? undefined : `devices.${at}`;
}

function orderOf(order: OrderedJob): JobOrder {
  const { window, note } = order;
  const base = {
    ...(note === undefined ? {} : { note }),
    ...(window === undefined
      ? {}
      : {
          window: {
            until: Date.parse(window.until),
            ...(window.from === undefined ? {} : { from: Date.parse(window.from) }),
          },
        }),
  };
  switch (order.kind) {
    case 'firmware': {
      const { kind, image, devices, rollout } = order;
      return { ...base, kind, image, devices: some(devices), rollout };
    }
    case 'configuration': {
      const { kind, source, devices, classes } = order;
      return { ...base, kind, source, devices: some(devices), classes: some([...new Set(classes)]) };
    }
    case 'alarm-thresholds': {
      const { kind, devices, values } = order;
      const wanted = values.map(({ key, value }) => ({ key, value: pointValue(value) }));
      return { ...base, kind, devices: some(devices), values: some(wanted) };
    }
    case 'batch': {
      const rows = order.writes.map((write) => rowOf({ ...write, value: pointValue(write.value) }));
      return { ...base, kind: order.kind, rows: some(rows), ...spanOf(order) };
    }
  }
}

/** The form demands one. */
function some<T>(list: readonly T[]): NonEmpty<T> {
  if (!isNonEmpty(list)) throw new Error('got an empty list of a parsed order');
  return list;
}

function hindrances({ faults, devices }: JobCheck): string {
  const ofOrder = faults.map(({ path, found, expected }) => {
    const place = path === '' ? '' : `${path}: `;
    return `${place}found ${found}, expected ${expected}`;
  });
  const ofDevices = devices.flatMap(({ device, fault, rows }) => {
    const why = fault ?? rows?.find((row) => row.fault !== undefined)?.fault;
    return why === undefined ? [] : [`\`${device}\`: ${why}`];
  });
  return [...ofOrder, ...ofDevices].join('; ');
}

function checkResult(work: JobWork, caller: Caller, check: JobCheck): NonNullable<Done['check']> {
  const sees = sightOf(work, caller);
  return {
    ok: check.ok,
    approvals: check.approvals,
    faults: check.faults.map(({ path, found, expected }) => ({ path, found, expected })),
    devices: check.devices.map(({ device, denial, fault, version, rows }) => ({
      device,
      ...(denial ? { reason: denial.reason } : {}),
      ...(denial?.target !== undefined && sees(denial.target) ? { target: denial.target } : {}),
      ...(fault === undefined ? {} : { fault }),
      ...(version === undefined ? {} : { version }),
      ...(rows
        ? {
            rows: rows
              .filter(({ point }) => sees(point))
              .map(({ point, wanted, now, differs, fault: why }) => ({
                point,
                wanted: recordValue(wanted),
                differs,
                ...(now === undefined ? {} : { now: recordValue(now) }),
                ...(why === undefined ? {} : { fault: why }),
              })),
          }
        : {}),
    })),
  };
}
