// What keeps jobs going: whose turn it is, who waits for what, who must stop. Invariants: 1. a device is begun only in its turn,
// inside the window, while nobody paused or stopped the job; 2. every job that has not ended has something it waits for, with a
// time; 3. a device is held as long as something of it is begun, and no longer.

import type { Denial } from '../contract/gate.ts';
import type { DeviceState, JobDevice, JobWindow } from '../contract/jobs.ts';
import { reason } from '../contract/reasons.ts';
import { targetId } from '../model/ids.ts';
import { type DeviceRun, startRun } from './device-run.ts';
import { createFirmwareWork, type FirmwareWork } from './firmware-work.ts';
import type { Entry, JobBook, LiveJob } from './job-book.ts';
import { callerOf, deviceIn } from './job-record.ts';
import type { JobServices } from './job-services.ts';
import { type Halt, isEnded, isWorking, MACHINE, rowOf } from './machine.ts';
import { deviceBy } from './plant.ts';
import { turnOf } from './rollout.ts';
import { startWriting, type WritingRun } from './writing-run.ts';

/** setTimeout counts in 31 bits. */
const LONGEST_TIMER_MS = 2_000_000_000;
/** How often an unsure clock is looked at. */
const CLOCK_MS = 30_000;
/** Rights that end by the clock tell nobody: how often they are looked at while a device is at work. */
const LOOK_MS = 1000;

export interface Engine {
  /** Looks at a job again, soon. */
  kick(job: string): void;
  halt(job: string, kind: Extract<Halt, 'abort' | 'pause'>): void;
  relent(job: string): void;
  start(): Promise<void>;
  stop(): Promise<void>;
}

interface FirmwareRunning {
  readonly run: DeviceRun;
  readonly work: FirmwareWork;
  /** That the starter lost the right was said already. */
  isSaid: boolean;
}

export function createEngine(services: JobServices, book: JobBook): Engine {
  const { gate, clock, timers, log } = services;
  const running = new Map<string, Map<string, FirmwareRunning>>();
  const writing = new Map<string, WritingRun>();
  /** Devices that this run took hold of, by job. */
  const held = new Map<string, Set<string>>();
  const pumps = new Map<string, { again: boolean; done: Promise<void> }>();
  const alarms = new Map<string, { cancel(): void }>();
  let looking: { cancel(): void } | undefined;
  let stopped = true;
  let unsubscribe = () => {};
  // Before anybody hears that a device is done with, it is free.
  book.onChange(({ id }) => {
    const live = stopped ? undefined : book.get(id);
    if (live) letGo(live);
  });

  const runsOf = (job: string): Map<string, FirmwareRunning> => {
    const known = running.get(job) ?? new Map<string, FirmwareRunning>();
    running.set(job, known);
    return known;
  };

  function fault(job: string, error: unknown): void {
    const why = error instanceof Error ? error.message : String(error);
    log.write('error', 'job.fault', { job, why }, `job \`${job}\`: ${why}`);
  }

  function kick(job: string): void {
    if (stopped) return;
    const known = pumps.get(job);
    if (known) {
      known.again = true;
      return;
    }
    const pump = { again: true, done: Promise.resolve() };
    pumps.set(job, pump);
    pump.done = lookUntilQuiet(job, pump);
  }

  async function lookUntilQuiet(job: string, pump: { again: boolean }): Promise<void> {
    try {
      while (pump.again && !stopped) {
        pump.again = false;
        const live = book.get(job);
        if (live) await look(live);
      }
    } catch (error) {
      fault(job, error);
      // A fault of ours leaves no job without something it waits for.
      if (!stopped)
        alarms.set(
          job,
          timers.after(CLOCK_MS, () => kick(job)),
        );
    } finally {
      pumps.delete(job);
    }
  }

  async function look(live: LiveJob): Promise<void> {
    const { id } = live.job;
    alarms.get(id)?.cancel();
    alarms.delete(id);
    if (live.job.endedAt !== undefined) return;
    resume(live);
    const moves = movesOf(live);
    if (moves.size > 0) {
      if (await book.enterAll(id, moves)) kick(id);
      return;
    }
    if (live.job.paused === undefined && services.inventory() !== undefined) await begin(live);
    arm(id);
  }

  /** Devices that only wait, and shall wait for something else, or no more. */
  function movesOf(live: LiveJob): Map<string, Entry> {
    const { job, memory, dueAt } = live;
    const { order, approvals, stopping, devices } = job;
    const window = windowNow(order.window);
    const approved = approvals.given.filter(({ verdict }) => verdict === 'approved').length;
    const refusal = approvals.given.find(({ verdict }) => verdict === 'refused');
    const moves = new Map<string, Entry>();
    const go = ({ device }: JobDevice, to: DeviceState, why?: string): void => {
      const holds = memory.devices[device]?.sent !== undefined && (to === 'aborted' || to === 'refused');
      moves.set(device, {
        to: holds ? 'rolling-back' : to,
        ...(why !== undefined && { device: { why } }),
        ...(holds && { memory: { goal: to } }),
      });
    };
    for (const each of devices) {
      const row = rowOf(each.state);
      if (row.phase !== 'waits') continue;
      const isLate = (dueAt.get(each.device) ?? 0) <= clock.monotonic();
      if (stopping) go(each, 'aborted', stopping.why);
      else if (refusal && each.state === 'waiting-approval')
        go(each, 'refused', reason('refused-by', { who: refusal.by.principal, comment: refusal.comment }));
      else if (window === 'over') go(each, 'aborted', reason('window-over'));
      else if (isLate)
        go(each, row.late, each.state === 'waiting-approval' ? reason('nobody-approved') : reason('turn-late'));
      else if (each.state === 'queued' && approved < approvals.needed) go(each, 'waiting-approval');
      else if (each.state === 'queued' && window !== 'open') go(each, 'waiting-window');
      else if (each.state === 'waiting-approval' && approved >= approvals.needed) go(each, 'queued');
      else if (each.state === 'waiting-window' && window === 'open') go(each, 'queued');
    }
    return moves;
  }

  async function begin({ job }: LiveJob): Promise<void> {
    const { id, order, devices } = job;
    let chosen = devices.filter(({ state }) => state === 'queued');
    if (order.kind === 'firmware') {
      const states = devices.map(({ state }) => state);
      const turn = turnOf(states, order.rollout);
      if (turn.kind === 'stop') {
        if (states.some((state) => rowOf(state).phase === 'waits')) await stopJob(id, turn.why);
        return;
      }
      chosen = turn.places.flatMap((place) => devices[place] ?? []);
    } else if (writing.has(id)) return;
    if (chosen.length === 0) return;
    const entries = new Map(chosen.map(({ device }) => [device, { to: 'checking' as const }]));
    if (await book.enterAll(id, entries)) kick(id);
  }

  async function stopJob(id: string, why: string): Promise<void> {
    const stopping = { by: 'gateway', why };
    const row = rowFor(id, 'job-stopping', stopping);
    if (await book.amend(id, (kept) => ({ ...kept, job: { ...kept.job, stopping } }), row)) kick(id);
  }

  /** Whatever is in a state of work has somebody who works. */
  function resume({ job }: LiveJob): void {
    const { id, order, devices } = job;
    const busy = devices.filter(({ state }) => isWorking(state)).map(({ device }) => device);
    if (busy.length === 0 || services.inventory() === undefined) return;
    if (order.kind !== 'firmware') {
      if (writing.has(id)) return;
      take(id, busy);
      const run = startWriting({
        services,
        book,
        job: id,
        order,
        pauseJob: (denial) => pauseJob(id, denial),
        failed: (error) => fault(id, error),
      });
      writing.set(id, run);
      void run.done.then(() => {
        writing.delete(id);
        kick(id);
      });
      return;
    }
    for (const device of busy) if (!runsOf(id).has(device)) runDevice(id, device);
  }

  function runDevice(id: string, device: string): void {
    take(id, [device]);
    const work = createFirmwareWork({ services, book, job: id, device, pauseJob: (denial) => pauseJob(id, denial) });
    const run = startRun({
      book,
      clock,
      timers,
      job: id,
      device,
      works: { ...work.works, applying: async () => ({ to: 'rolling-back', why: reason('no-writing') }) },
      abandon: (permit, why) => gate.abandon(permit, why),
      applies: (kind, state) => kind !== 'pause' || state !== 'transferring' || work.resumes(),
      back: work.back,
      whyHalted: (kind) => whyHalted(id, kind),
      failed: (error) => fault(id, error),
    });
    runsOf(id).set(device, { run, work, isSaid: false });
    lookOn();
    const live = book.get(id);
    if (live?.memory.aborted) run.halt('abort');
    void run.done.then(() => {
      runsOf(id).delete(device);
      if (runsOf(id).size === 0) running.delete(id);
      kick(id);
    });
  }

  function whyHalted(id: string, kind: Halt): string {
    const job = book.get(id)?.job;
    switch (kind) {
      case 'abort':
        return job?.stopping?.why ?? reason('aborted');
      case 'pause':
        return job?.paused?.why ?? reason('paused');
      case 'revoked':
        return job?.paused?.why ?? reason('right-withdrawn');
      case 'late':
        return reason('too-long');
    }
  }

  function take(id: string, devices: readonly string[]): void {
    const known = held.get(id) ?? new Set<string>();
    for (const device of devices) known.add(device);
    held.set(id, known);
  }

  function letGo({ job, memory }: LiveJob): void {
    const known = held.get(job.id);
    for (const id of known ?? []) {
      const { state } = deviceIn(job, id);
      const isBegun = isWorking(state) || (!isEnded(state) && memory.devices[id]?.sent !== undefined);
      if (isBegun) continue;
      known?.delete(id);
      gate.releaseDevice(targetId(id), job.id, isEnded(state) ? state : 'the job waits');
    }
    if (known?.size === 0) held.delete(job.id);
  }

  /** In memory at once, so that no device begins meanwhile. */
  function pauseJob(id: string, { text }: Omit<Denial, 'decisionId'>): void {
    const job = book.get(id)?.job;
    if (job === undefined || job.paused || job.stopping || job.endedAt !== undefined) return;
    const paused = { by: 'gateway', why: text };
    const row = rowFor(id, 'job-paused', paused);
    void book.amend(id, (kept) => ({ ...kept, job: { ...kept.job, paused } }), row).catch((error) => fault(id, error));
  }

  /** Somebody's standing changed. */
  function lookAgain(): void {
    lookAtRuns();
    for (const { job } of book.list()) if (job.endedAt === undefined) kick(job.id);
  }

  function lookOn(): void {
    if (stopped || running.size === 0) return;
    looking ??= timers.after(LOOK_MS, () => {
      looking = undefined;
      lookAtRuns();
      lookOn();
    });
  }

  /** What is under way may go on only as its device says, once the right is gone. */
  function lookAtRuns(): void {
    for (const [id, runs] of running) {
      for (const [device, each] of runs) {
        const job = book.get(id)?.job;
        const state = job && deviceIn(job, device).state;
        if (state !== 'checking' && state !== 'transferring' && state !== 'verifying') continue;
        const found = each.work.lookAgain();
        if (found === undefined) continue;
        if (!found.isGone) pauseJob(id, found.denial);
        if (!each.isSaid) sayRevoked(id, device, found);
        each.isSaid = true;
        if (found.stop) each.run.halt('revoked');
      }
    }
  }

  function sayRevoked(
    id: string,
    target: string,
    { denial, stop }: NonNullable<ReturnType<FirmwareWork['lookAgain']>>,
  ): void {
    const { reason, text: why } = denial;
    const row = rowFor(id, 'job-revoked', { target, reason, why, onRevoke: stop ? 'stop' : 'finish' });
    void book.amend(id, (kept) => kept, row).catch((error) => fault(id, error));
  }

  const rowFor = (id: string, event: string, detail: object) => ({
    event,
    detail: { principal: book.get(id)?.job.starter.principal, ...detail },
  });

  function windowNow(window: JobWindow | undefined): 'open' | 'before' | 'unsure' | 'over' {
    if (window === undefined) return 'open';
    if (!clock.sure()) return 'unsure';
    const now = clock.now();
    if (now >= window.until) return 'over';
    return window.from !== undefined && now < window.from ? 'before' : 'open';
  }

  /** Wakes at the next moment that changes anything for a device that waits. */
  function arm(id: string): void {
    const live = book.get(id);
    if (live === undefined || stopped || live.job.endedAt !== undefined) return;
    const waits = live.job.devices.filter(({ state }) => rowOf(state).phase === 'waits');
    if (waits.length === 0) return;
    // Time went on while the devices were looked at.
    if (movesOf(live).size > 0) {
      kick(id);
      return;
    }
    const { window } = live.job.order;
    const due = waits.map(({ device }) => (live.dueAt.get(device) ?? 0) - clock.monotonic());
    const moments = [window?.from, window?.until].flatMap((at) => (at === undefined ? [] : [at - clock.now()]));
    const ahead = [...due, ...moments.filter((ms) => ms > 0)];
    // A clock that is set meanwhile tells nobody.
    if (window !== undefined) ahead.push(CLOCK_MS);
    const wait = Math.max(1, Math.min(...ahead, LONGEST_TIMER_MS));
    const alarm = timers.after(wait, () => kick(id));
    alarms.set(id, alarm);
  }

  /** What the last run left in a state of work is taken up where the machine says. */
  async function takeUp({ job, memory }: LiveJob): Promise<void> {
    const entries = new Map<string, Entry>();
    for (const { device, state } of job.devices) {
      const handle = deviceBy(services, device)?.handle;
      const isBegun = isWorking(state) || (!isEnded(state) && memory.devices[device]?.sent !== undefined);
      if (!isBegun) continue;
      take(job.id, [device]);
      if (handle !== undefined) gate.holdDevice(callerOf(job), handle, job.id);
      if (!isWorking(state) || job.order.kind !== 'firmware') continue;
      const told = memory.devices[device]?.activated;
      const isUntold = state === 'activating' && (told === undefined || services.intentOf(told) === undefined);
      const to = isUntold ? 'checking' : MACHINE[state].afterRestart;
      if (to !== state) entries.set(device, { to, device: { why: reason('restarted') } });
    }
    if (entries.size > 0) await book.enterAll(job.id, entries);
  }

  return {
    kick,
    halt(job, kind) {
      for (const { run } of running.get(job)?.values() ?? []) run.halt(kind);
      const writes = writing.get(job);
      if (kind === 'abort') writes?.abort();
      else writes?.pause();
    },
    relent(job) {
      for (const { run } of running.get(job)?.values() ?? []) run.relent('pause');
    },
    async start() {
      stopped = false;
      await book.recordEnds();
      for (const live of book.list()) {
        if (live.job.endedAt !== undefined) continue;
        await takeUp(live).catch((error: unknown) => fault(live.job.id, error));
        kick(live.job.id);
      }
      unsubscribe = gate.onStanding(lookAgain);
    },
    async stop() {
      stopped = true;
      unsubscribe();
      looking?.cancel();
      for (const alarm of alarms.values()) alarm.cancel();
      const runs = [...running.values()].flatMap((each) => [...each.values()].map(({ run }) => run));
      for (const run of [...runs, ...writing.values()]) run.leave();
      const shut = book.stop();
      await Promise.all([...runs, ...writing.values()].map(({ done }) => done));
      await Promise.all([...pumps.values()].map(({ done }) => done));
      await shut;
    },
  };
}
