// A job that writes, all its devices as one: looked at again, written by the writer, read back, or put back. Invariants:
// 1. what is written is what was shown when it began, or nothing; 2. all devices or none; 3. what a restart cut off is put back by
// the writer's own record, and what became of it is read from the devices.

import type { Denial } from '../contract/gate.ts';
import type { DeviceState } from '../contract/jobs.ts';
import { reason } from '../contract/reasons.ts';
import type { RowResult, WriteOrder, WriteResult } from '../contract/work.ts';
import type { PointValue } from '../model/point.ts';
import { isSameValue } from '../model/same-value.ts';
import { waitOr } from './device-run.ts';
import type { Entry, JobBook } from './job-book.ts';
import { approversOf, callerOf, deviceIn, type Goal } from './job-record.ts';
import { GRACE_MS, type JobServices, POLL_MS } from './job-services.ts';
import { isEnded, isWorking, MACHINE } from './machine.ts';
import { jobDenial } from './order-check.ts';
import { deviceBy, type Reached, reachPoint, readSlot } from './plant.ts';
import { planWriting, type WritingOrder, type WritingPlan, writeOrderOf } from './writing-plan.ts';

/** How long putting back may take. */
const PUT_BACK_MS = MACHINE['rolling-back'].withinMs;

interface WritingParts {
  readonly services: JobServices;
  readonly book: JobBook;
  readonly job: string;
  readonly order: WritingOrder;
  pauseJob(denial: Omit<Denial, 'decisionId'>): void;
  failed(error: unknown): void;
}

export interface WritingRun {
  readonly done: Promise<void>;
  abort(): void;
  pause(): void;
  leave(): void;
}

/** From `checking`, or from wherever a restart found it. */
export function startWriting({ services, book, job, order, pauseJob, failed }: WritingParts): WritingRun {
  const { gate, writer, shelf, clock, timers } = services;
  const stop = new AbortController();
  const left = new AbortController();
  let isLeft = false;
  let wantsAbort = false;
  let wantsPause = false;

  const live = () => {
    const found = book.get(job);
    if (found === undefined) throw new Error(`got job \`${job}\`, expected one that is known`);
    return found;
  };
  const ids = (): string[] => live().job.devices.flatMap(({ device, state }) => (isEnded(state) ? [] : [device]));

  /** All devices that are not at an end, in one document. */
  const all = (to: DeviceState, more: (device: string) => Omit<Entry, 'to'> = () => ({})): Promise<boolean> =>
    book.enterAll(job, new Map(ids().map((device) => [device, { ...more(device), to }])));

  const endAll = (ends: ReadonlyMap<string, Entry>): Promise<boolean> => book.enterAll(job, ends);

  async function waitFor(denial: Omit<Denial, 'decisionId'>): Promise<void> {
    pauseJob(denial);
    await all('queued', () => ({ device: { why: denial.text, denial } }));
  }

  async function check(): Promise<void> {
    const lost = jobDenial({ ...services, book }, callerOf(live().job), live());
    // What the policy holds no more does not come back by waiting for it.
    if (lost?.reason === 'unknown-target') return void (await all('failed', whyOf(lost.text)));
    if (lost) return waitFor(lost);
    const plan = await unlessLate(planWriting(services, order), stop.signal);
    if (isLeft) return;
    if (wantsAbort) return void (await all('aborted', whyOf(abortWhy())));
    if (wantsPause) return void (await all('queued', whyOf(reason('paused'))));
    if (plan === undefined) return void (await all('failed', whyOf(reason('not-asked-in-time'))));
    const surprise = surpriseIn(plan);
    if (surprise !== undefined) {
      const [device, why] = surprise;
      const other = reason('other-failed-check', { device });
      const entry = (id: string): Entry =>
        id === device ? { to: 'failed', device: { why } } : { to: 'aborted', device: { why: other } };
      return void (await endAll(new Map(ids().map((id) => [id, entry(id)]))));
    }
    const write = writeOrderOf(order, plan);
    if (write === undefined) return void (await all('done', whyOf(reason('holds-these'))));
    const held = holdAll();
    if (held !== undefined) return void (await all('failed', whyOf(held)));
    const denial = writer.check(callerOf(live().job), orderOf(write)).find((row) => row.denial)?.denial;
    if (denial) return waitFor(denial);
    if (await all('applying')) await apply(write);
  }

  const orderOf = (write: WriteOrder): WriteOrder => {
    const approvedBy = approversOf(live().job);
    return { ...write, job, ...(approvedBy.length > 0 && { approvedBy }) };
  };

  function holdAll(): string | undefined {
    for (const id of ids()) {
      const handle = deviceBy(services, id)?.handle;
      if (handle === undefined) return reason('not-a-device', { id });
      const held = gate.holdDevice(callerOf(live().job), handle, job);
      if (!held.ok) return held.fault;
    }
    return undefined;
  }

  /** The first device whose part is not what was shown. */
  function surpriseIn(plan: WritingPlan): [string, string] | undefined {
    const { memory } = live();
    for (const [device, { rows, fault }] of plan) {
      if (fault !== undefined) return [device, fault];
      const wanted = memory.devices[device]?.wanted ?? [];
      const shown = new Map(wanted.map(({ point, value }) => [point, value]));
      for (const { point, wanted: value } of rows) {
        const before = shown.get(point);
        if (before === undefined) return [device, reason('point-not-shown', { point })];
        if (!isSameValue(before, value) && order.kind !== 'batch') {
          return [device, reason('value-moved', { point, now: String(value), before: String(before) })];
        }
      }
      if (rows.length !== wanted.length) return [device, reason('point-gone')];
    }
    return undefined;
  }

  async function apply(write: WriteOrder): Promise<void> {
    const late = deadline(() => stop.abort());
    const writing = writer.write(callerOf(live().job), {
      ...orderOf(write),
      signal: stop.signal,
      progress: (rows) => {
        // Device by device: those of the last are the news.
        const device = rows.at(-1)?.device;
        const own = device === undefined ? {} : rowsOf(rows, device);
        void book.amend(job, ({ job: { devices, ...rest }, memory }) => ({
          job: { ...rest, devices: devices.map((each) => (each.device === device ? { ...each, ...own } : each)) },
          memory,
        }));
      },
    });
    const result = await unlessLost(writing);
    late.cancel();
    if (isLeft) return;
    if (result === undefined) return lost();
    if (result.kind !== 'carried-out') return void (await unwritten(result));
    const { rows } = result;
    const isWritten = rows.every(({ state }) => state === 'done' || state === 'differs' || state === 'not-read-back');
    if (isWritten) {
      if (!(await all('verifying', (device) => rowsOf(rows, device, true)))) return;
      return void (await endAll(new Map(ids().map((device) => [device, verdictOf(rows, device)]))));
    }
    const why = wantsAbort ? abortWhy() : failureOf(rows);
    const goal: Goal = wantsAbort ? 'aborted' : 'failed';
    const more = (device: string) => ({ ...rowsOf(rows, device, true, why), memory: { goal } });
    if (!(await all('rolling-back', more))) return;
    await endAll(new Map(ids().map((device) => [device, backOf(rows, device, goal, why)])));
  }

  /** `undefined` where a driver never says what became of its part, long after it was told to stop. */
  function unlessLost<T>(work: Promise<T>): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      const timersOfEnds: { cancel(): void }[] = [];
      const later = (signal: AbortSignal, ms: number): void => {
        const begin = () => void timersOfEnds.push(timers.after(ms, () => resolve(undefined)));
        if (signal.aborted) begin();
        else signal.addEventListener('abort', begin, { once: true });
      };
      later(stop.signal, PUT_BACK_MS);
      later(left.signal, GRACE_MS);
      work.then(resolve, reject).finally(() => {
        for (const timer of timersOfEnds) timer.cancel();
      });
    });
  }

  async function lost(): Promise<void> {
    const why = reason('never-said');
    if (await all('rolling-back', whyOf(why))) await all('failed', whyOf(why));
  }

  async function unwritten(result: Exclude<WriteResult, { readonly kind: 'carried-out' }>): Promise<void> {
    switch (result.kind) {
      case 'denied': {
        const [denial] = result.denials;
        return void (await all('refused', () => ({ device: { why: denial.text, denial } })));
      }
      case 'faulty': {
        const why = result.rows.find(({ fault }) => fault !== undefined)?.fault ?? reason('not-planned');
        return void (await all('failed', whyOf(why)));
      }
      case 'unrecorded':
        return void (await all('failed', whyOf(result.why)));
    }
  }

  /** What a restart left: whatever the writer's record still puts back is waited for, then the points are read. */
  async function takeUp(): Promise<void> {
    const isOver = { late: false };
    const late = deadline(() => {
      isOver.late = true;
    });
    // Who aborts waits for the same.
    while (shelf.get('batch', job) !== undefined && !isOver.late && !isLeft) await waitOr(timers, POLL_MS, left.signal);
    late.cancel();
    if (isLeft) return;
    if (isOver.late) return void (await settle('failed', reason('waits-to-put-back')));
    const states = await unlessLate(
      Promise.all(ids().map(async (device) => [device, await holdsOf(device)] as const)),
      left.signal,
    );
    if (isLeft) return;
    if (states === undefined) return void (await settle('failed', reason('not-asked-in-time')));
    if (
      states.every(([, holds]) => holds === 'wanted') &&
      live().job.devices.some(({ state }) => state === 'verifying')
    ) {
      return void (await all('done'));
    }
    const why = reason('interrupted');
    if (live().job.devices.some(({ state }) => state === 'verifying') && !(await all('rolling-back', whyOf(why))))
      return;
    const ends = states.map(([device, holds]): [string, Entry] => [
      device,
      holds === 'other'
        ? { to: 'rolled-back', device: { why } }
        : { to: 'failed', device: { why: reason('both', { first: why, second: HOLDS[holds] }) } },
    ]);
    await endAll(new Map(ends));
  }

  async function settle(to: DeviceState, why: string): Promise<void> {
    await all(to, whyOf(why));
  }

  /** Whether one of the points still holds what was to be written. */
  async function holdsOf(device: string): Promise<keyof typeof HOLDS | 'other'> {
    const { wanted = [] } = live().memory.devices[device] ?? {};
    const readings = await Promise.all(
      wanted
        .filter(({ differs }) => differs)
        .map(async ({ point, value }) => {
          const reached = reachPoint(services, point);
          if (typeof reached === 'string') return undefined;
          const reading = await readSlot(reached, slotOf(reached, value));
          return 'value' in reading ? isSameValue(reading.value, value) : undefined;
        }),
    );
    if (readings.includes(undefined)) return 'unread';
    if (readings.every((holds) => holds === true)) return 'wanted';
    return readings.includes(true) ? 'some' : 'other';
  }

  /** The priority that the writer wrote under. */
  function slotOf({ point, driver }: Reached, value: PointValue): number | undefined {
    const row = order.kind === 'batch' ? order.rows.find((each) => each.point === point.id) : undefined;
    const said = row?.priority ?? (order.kind === 'batch' ? order.priority : undefined);
    const planned = driver.plan([{ target: point.handle, value, ...(said !== undefined && { priority: said }) }]);
    return planned.ok ? planned.value.effects.find(({ target }) => target === point.handle)?.priority : said;
  }

  function deadline(run: () => void): { cancel(): void } {
    const due = Math.min(...ids().map((id) => live().dueAt.get(id) ?? Number.POSITIVE_INFINITY));
    return timers.after(Math.max(0, Math.min(due - clock.monotonic(), 2_000_000_000)), run);
  }

  /** `undefined` where the state's time is up first, or somebody ends it. */
  function unlessLate<T>(work: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      const late = deadline(() => resolve(undefined));
      work.then(resolve, reject).finally(() => late.cancel());
      signal.addEventListener('abort', () => resolve(undefined), { once: true });
    });
  }

  const abortWhy = (): string => live().job.stopping?.why ?? reason('aborted');

  async function run(): Promise<void> {
    const states = live()
      .job.devices.filter(({ state }) => isWorking(state))
      .map(({ state }) => state);
    if (states.includes('checking')) return check();
    if (states.includes('applying') && !(await all('verifying'))) return;
    await takeUp();
  }

  return {
    done: run().catch(async (error: unknown) => {
      failed(error);
      const why = error instanceof Error ? error.message : String(error);
      const state = ids().map((id) => deviceIn(live().job, id).state)[0];
      if (!isLeft && state !== undefined && isWorking(state)) await settle('failed', why).catch(failed);
    }),
    abort() {
      wantsAbort = true;
      stop.abort();
    },
    pause() {
      wantsPause = true;
    },
    leave() {
      isLeft = true;
      left.abort();
      stop.abort();
    },
  };
}

const HOLDS = {
  wanted: reason('holds-new'),
  some: reason('holds-some'),
  unread: reason('unread'),
} as const;

const whyOf = (why: string) => (): Omit<Entry, 'to'> => ({ device: { why } });

function rowsOf(rows: readonly RowResult[], device: string): { readonly rows?: readonly RowResult[] };
function rowsOf(rows: readonly RowResult[], device: string, entry: true, why?: string): Omit<Entry, 'to'>;
function rowsOf(rows: readonly RowResult[], device: string, entry?: true, why?: string): object {
  const own = rows.filter((row) => row.device === device);
  const decisions = [...new Set(own.map(({ decision }) => decision))];
  const fields = own.length === 0 ? {} : { rows: own, decisions };
  return entry ? { device: { ...fields, ...(why !== undefined && { why }) } } : fields;
}

/** Written: what a device rounded, or nobody could read back, is said and stays. */
function verdictOf(rows: readonly RowResult[], device: string): Entry {
  const odd = rows.find((row) => row.device === device && row.state !== 'done');
  return { to: 'done', ...(odd && { device: { why: reason('row-state', odd) } }) };
}

function failureOf(rows: readonly RowResult[]): string {
  const row = rows.find(({ state }) => state === 'refused-by-device' || state === 'unknown' || state === 'withdrawn');
  const first = row ?? rows.find(({ state }) => state === 'not-sent');
  return first === undefined ? reason('not-written') : stateOf(first);
}

const stateOf = ({ point, state, why }: RowResult): string =>
  why === undefined ? reason('row-state', { point, state }) : reason('row-state-why', { point, state, why });

/** Not written, and what of it was is put back; the rows say so one by one. */
function backOf(rows: readonly RowResult[], device: string, goal: Goal, why: string): Entry {
  const own = rows.filter((row) => row.device === device);
  const left = own.find(({ state }) => state === 'left-written' || state === 'unknown');
  if (left)
    return {
      to: 'failed',
      device: { why: reason('both', { first: why, second: stateOf(left) }) },
    };
  if (own.some(({ state }) => state === 'put-back')) return { to: 'rolled-back', device: { why } };
  const isCause = goal !== 'aborted' && own.some(({ state }) => state === 'refused-by-device' || state === 'withdrawn');
  return { to: isCause ? 'failed' : 'aborted', device: { why } };
}
