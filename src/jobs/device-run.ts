// One device of a job on its way through the machine: enters a state, does what it announces, goes where that leads. Invariants:
// 1. a state is durable before its work begins; 2. its deadline, and whoever stops it, ends the work first, then the state;
// 3. a permit that came to nothing is given back.

import type { Clock, Timers } from '../contract/clock.ts';
import type { Permit } from '../contract/gate.ts';
import type { DeviceState } from '../contract/jobs.ts';
import { reason } from '../contract/reasons.ts';
import type { JobBook } from './job-book.ts';
import { deviceIn, type Goal } from './job-record.ts';
import { GRACE_MS } from './job-services.ts';
import { HALTS, type Halt, isWorking, rowOf, type WorkingState } from './machine.ts';

/** Where a state's work leads. */
export interface Next {
  readonly to: DeviceState;
  readonly why?: string;
  /** Comes with `rolling-back`: how it ends where nothing has to be taken back. */
  readonly goal?: Goal;
  readonly device?: object;
  readonly memory?: object;
  /** For the work of the next state. */
  readonly permit?: Permit<unknown>;
}

/** What a state's work is given. */
export interface Task {
  /** Aborted by the deadline, by whoever stops the job, by the end of the gateway. */
  readonly signal: AbortSignal;
  readonly permit?: Permit<unknown>;
  /** Why it is still not done: said where its time runs out. */
  hinder(why: string): void;
  /** Resolves at once where the work is stopped. */
  wait(ms: number): Promise<void>;
}

export type Work = (task: Task) => Promise<Next>;

export interface DeviceRun {
  readonly device: string;
  readonly done: Promise<void>;
  /** From now on; where the state in hand does not know this interruption, at the next that does. */
  halt(kind: Halt): void;
  /** Takes an interruption back: the job goes on. */
  relent(kind: Halt): void;
  /** The gateway ends: as if it had been switched off. */
  leave(): void;
}

interface RunParts {
  readonly book: JobBook;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly job: string;
  readonly device: string;
  readonly works: { readonly [State in WorkingState]: Work };
  abandon(permit: Permit<unknown>, why: string): void;
  /** Whether this interruption is meant for the device, in this state. */
  applies(kind: Halt, state: WorkingState): boolean;
  /** Where a halt leads that asks to roll back, seen from what was sent. */
  back(goal: Goal, why: string): Next;
  whyHalted(kind: Halt): string;
  failed(error: unknown): void;
}

const GOALS = { late: 'failed', abort: 'aborted', revoked: 'refused', pause: 'aborted' } as const satisfies Record<
  Halt,
  Goal
>;

export function startRun(parts: RunParts): DeviceRun {
  const { book, clock, timers, job, device, works } = parts;
  const wanted = new Set<Halt>();
  let isLeft = false;
  let current: { readonly state: WorkingState; readonly controller: AbortController } | undefined;

  const known = (kind: Halt, state: WorkingState): DeviceState | undefined => {
    const row = rowOf(state);
    const to = row.phase === 'works' ? row.halts[kind] : undefined;
    return to !== undefined && parts.applies(kind, state) ? to : undefined;
  };
  const haltOf = (state: WorkingState): Halt | undefined =>
    HALTS.find((kind) => wanted.has(kind) && known(kind, state) !== undefined);

  function nextOf(kind: Halt, state: WorkingState, hindrance: string | undefined): Next {
    const to = known(kind, state) ?? 'failed';
    const why = kind === 'late' ? (hindrance ?? parts.whyHalted('late')) : parts.whyHalted(kind);
    return to === 'rolling-back' ? parts.back(GOALS[kind], why) : { to, why };
  }

  async function work(state: WorkingState, permit: Permit<unknown> | undefined): Promise<Next | undefined> {
    const early = haltOf(state);
    const dueAt = book.get(job)?.dueAt.get(device) ?? clock.monotonic();
    const controller = new AbortController();
    const { signal } = controller;
    let hindrance: string | undefined;
    if (early !== undefined) {
      if (permit) parts.abandon(permit, parts.whyHalted(early));
      return nextOf(early, state, undefined);
    }
    current = { state, controller };
    const timer = timers.after(Math.max(0, dueAt - clock.monotonic()), () => {
      wanted.add('late');
      controller.abort();
    });
    const task: Task = {
      signal,
      ...(permit && { permit }),
      hinder(why) {
        hindrance = why;
      },
      wait: (ms) => waitOr(timers, ms, signal),
    };
    try {
      const next = await Promise.race([works[state](task), overdue(timers, signal)]);
      if (isLeft) {
        if (next?.permit) parts.abandon(next.permit, reason('gateway-stops'));
        return undefined;
      }
      const kind = haltOf(state);
      if (next !== undefined && (kind === undefined || next.to === state)) return next;
      if (next?.permit) parts.abandon(next.permit, kind === undefined ? 'not needed' : parts.whyHalted(kind));
      return nextOf(kind ?? 'late', state, hindrance);
    } catch (error) {
      parts.failed(error);
      return isLeft ? undefined : nextOf('late', state, error instanceof Error ? error.message : String(error));
    } finally {
      timer.cancel();
      wanted.delete('late');
      current = undefined;
    }
  }

  async function run(): Promise<void> {
    let permit: Permit<unknown> | undefined;
    while (!isLeft) {
      const live = book.get(job);
      const state = live && deviceIn(live.job, device).state;
      if (state === undefined || !isWorking(state)) return;
      const next = await work(state, permit);
      if (next === undefined) return;
      const { to, why, goal, permit: taken } = next;
      permit = taken;
      const durable = await book.enter(job, device, {
        to,
        device: { ...next.device, ...(why !== undefined && { why }) },
        memory: { ...next.memory, ...(goal && { goal }) },
      });
      if (durable && !isLeft) continue;
      if (permit) parts.abandon(permit, reason('gateway-stops'));
      return;
    }
  }

  return {
    device,
    done: run().catch((error: unknown) => parts.failed(error)),
    halt(kind) {
      wanted.add(kind);
      if (current && haltOf(current.state) !== undefined) current.controller.abort();
    },
    relent(kind) {
      wanted.delete(kind);
    },
    leave() {
      isLeft = true;
      current?.controller.abort();
    },
  };
}

/** A step that was stopped and does not say so. */
function overdue(timers: Timers, signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    const later = () => void timers.after(GRACE_MS, () => resolve(undefined));
    if (signal.aborted) later();
    else signal.addEventListener('abort', later, { once: true });
  });
}

/** Resolves after `ms`, or as soon as the signal is aborted. */
export function waitOr(timers: Timers, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    const done = () => {
      timer.cancel();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = timers.after(ms, done);
    signal.addEventListener('abort', done, { once: true });
  });
}
