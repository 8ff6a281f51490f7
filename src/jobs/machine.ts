// The states of one device of a job, as one table: engine, diagram and tests read nothing else. Invariants: 1. a device goes only
// where its state's row names; 2. a state has a deadline or is an end; 3. what changes a device is entered after it was judged.

import type { DeviceState } from '../contract/jobs.ts';

/** What interrupts work that is under way; the first that applies counts. */
export const HALTS = ['abort', 'revoked', 'late', 'pause'] as const;
export type Halt = (typeof HALTS)[number];

interface Open {
  /** For the diagram: what happens meanwhile. */
  readonly says: string;
  /** The longest stay, in ms; what an address or a job says takes its place. */
  readonly withinMs: number;
  /** Added for each octet of the image: a line of 9600 baud takes about 2 ms. */
  readonly perOctetMs?: number;
  /** No octet was acknowledged for so long. */
  readonly stallMs?: number;
  /** Where it may go, by whom or what. */
  readonly to: { readonly [State in DeviceState]?: string };
}

/** Waits for something outside the device. */
interface Waiting extends Open {
  readonly phase: 'waits';
  readonly late: DeviceState;
}

/** Something is done to the device, or it is asked. */
interface Working extends Open {
  readonly phase: 'works';
  /** Where each interruption leads; absent = the state is too short, or too late, for it and goes on to its end. */
  readonly halts: { readonly late: DeviceState } & { readonly [Each in Halt]?: DeviceState };
  /** Where a restart of the gateway takes it up; the device is asked first. */
  readonly afterRestart: DeviceState;
}

interface Ended {
  readonly phase: 'ended';
  readonly says: string;
  readonly to: { readonly queued?: string };
}

export type StateRow = Waiting | Working | Ended;

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const DAY = 24 * 60 * MINUTE;

export const MACHINE = {
  queued: {
    phase: 'waits',
    says: 'its turn has not come, or the job is paused',
    withinMs: 7 * DAY,
    late: 'aborted',
    to: {
      'waiting-approval': 'the policy asks for another person',
      'waiting-window': 'the window is not open',
      checking: 'its turn came',
      'rolling-back': 'aborted while it holds a part',
      aborted: 'aborted, or the job stopped',
    },
  },
  'waiting-approval': {
    phase: 'waits',
    says: 'another person has to approve',
    withinMs: DAY,
    late: 'refused',
    to: {
      queued: 'approved',
      'rolling-back': 'aborted while it holds a part',
      refused: 'another person refused, or nobody answered',
      aborted: 'aborted',
    },
  },
  'waiting-window': {
    phase: 'waits',
    says: 'before the window, or the time is not sure',
    withinMs: 7 * DAY,
    late: 'aborted',
    to: {
      queued: 'the window opens',
      'rolling-back': 'aborted while it holds a part',
      aborted: 'aborted, or the window is over',
    },
  },
  checking: {
    phase: 'works',
    says: 'the device is asked what it is and runs',
    withinMs: 5 * MINUTE,
    halts: { late: 'rolling-back', abort: 'rolling-back', revoked: 'rolling-back', pause: 'queued' },
    afterRestart: 'checking',
    to: {
      queued: 'paused, or the right was withdrawn',
      transferring: 'it fits, and the transfer is permitted',
      applying: 'nothing changed since the check',
      verifying: 'it holds the whole image already',
      'rolling-back': 'it does not fit, or aborted, while it holds a part',
      done: 'nothing has to be done',
      failed: 'it does not fit, or cannot be asked',
      aborted: 'aborted, or another device failed the check',
    },
  },
  transferring: {
    phase: 'works',
    says: 'the image is sent',
    withinMs: 10 * MINUTE,
    perOctetMs: 4,
    stallMs: 2 * MINUTE,
    halts: { late: 'rolling-back', abort: 'rolling-back', revoked: 'rolling-back', pause: 'queued' },
    afterRestart: 'checking',
    to: {
      checking: 'interrupted: the device is asked where it stands',
      queued: 'paused where it can go on',
      verifying: 'the device has the last octet',
      'rolling-back': 'failed, aborted, or the right was withdrawn',
    },
  },
  applying: {
    phase: 'works',
    says: 'values are written, all devices or none',
    withinMs: 10 * MINUTE,
    halts: { late: 'rolling-back', abort: 'rolling-back' },
    afterRestart: 'verifying',
    to: {
      verifying: 'all were written',
      'rolling-back': 'a device did not take it, or aborted',
      refused: 'the right was withdrawn before the first write',
      failed: 'nothing was written',
    },
  },
  verifying: {
    phase: 'works',
    says: 'what the device holds is read back',
    withinMs: 10 * MINUTE,
    perOctetMs: 4,
    halts: { late: 'rolling-back', abort: 'rolling-back', revoked: 'rolling-back', pause: 'queued' },
    afterRestart: 'verifying',
    to: {
      queued: 'paused before the activation',
      activating: 'it is the image, and the activation is permitted',
      'rolling-back': 'it is not, or the right was withdrawn',
      done: 'the values are those that were ordered',
      failed: 'what was interrupted could not be put back',
    },
  },
  activating: {
    phase: 'works',
    says: 'the device is told to run the new image',
    withinMs: 2 * MINUTE,
    halts: { late: 'confirming' },
    afterRestart: 'confirming',
    to: {
      checking: 'a restart came before it was told',
      confirming: 'told, or nobody knows',
      'rolling-back': 'the device refused, or the right was withdrawn',
    },
  },
  confirming: {
    phase: 'works',
    says: 'the device comes up',
    withinMs: 5 * MINUTE,
    halts: { late: 'rolling-back' },
    afterRestart: 'confirming',
    to: { done: 'it runs the new version', 'rolling-back': 'not within its time' },
  },
  'rolling-back': {
    phase: 'works',
    says: 'what was begun is taken back where the device can',
    withinMs: 10 * MINUTE,
    halts: { late: 'failed' },
    afterRestart: 'rolling-back',
    to: {
      done: 'it came up with the new version after all',
      'rolled-back': 'it is as before',
      failed: 'it could not be',
      aborted: 'nothing had to be taken back',
      refused: 'nothing had to be taken back, or nobody may',
    },
  },
  done: { phase: 'ended', says: 'as ordered', to: {} },
  'rolled-back': { phase: 'ended', says: 'as before', to: { queued: 'retried' } },
  failed: { phase: 'ended', says: 'not as ordered; the reason is given', to: { queued: 'retried' } },
  aborted: { phase: 'ended', says: 'not begun, or stopped', to: { queued: 'retried' } },
  refused: { phase: 'ended', says: 'somebody may not, or said no', to: { queued: 'retried' } },
} as const satisfies Record<DeviceState, StateRow>;

type StatesOf<Phase extends StateRow['phase']> = {
  [State in DeviceState]: (typeof MACHINE)[State]['phase'] extends Phase ? State : never;
}[DeviceState];
export type WorkingState = StatesOf<'works'>;
type EndedState = StatesOf<'ended'>;

export const rowOf = (state: DeviceState): StateRow => MACHINE[state];
export const mayGo = (from: DeviceState, to: DeviceState): boolean => Object.hasOwn(MACHINE[from].to, to);
export const isEnded = (state: DeviceState): state is EndedState => MACHINE[state].phase === 'ended';
export const isWorking = (state: DeviceState): state is WorkingState => MACHINE[state].phase === 'works';

/** How long a device may stay, in ms; `undefined` in an end. */
export function stayMs(state: DeviceState, facts: StayFacts = {}): number | undefined {
  const row = rowOf(state);
  if (row.phase === 'ended') return undefined;
  const own = state === 'confirming' ? facts.confirmMs : undefined;
  return (own ?? row.withinMs) + (row.perOctetMs ?? 0) * (facts.octets ?? 0);
}

export interface StayFacts {
  /** Size of the image. */
  readonly octets?: number;
  /** What the device's address says of its own start. */
  readonly confirmMs?: number;
}
