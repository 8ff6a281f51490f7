// Time that a liar cannot turn back (SYNC.md, Clock). Invariants: 1. the floor rises only with signed messages and with
// the time that has run since on a clock that never jumps; the system's clock never moves it; 2. `now` is never below
// the floor; 3. time is unsure until a signed message or a synchronised clock confirms it, and again after a jump.

import { existsSync } from 'node:fs';
import type { Clock } from '../contract/clock.ts';
import type { PolicyStore } from '../contract/policy-store.ts';

const FLOOR_SETTING = 'clock.floor';
/** A step of the system's clock larger than this is a jump, not a correction. */
const JUMP_MS = 60_000;
const SYNCHRONISED_FOR_MS = 10_000;
/** The furthest ahead of a sure clock a message may be issued. */
export const MOST_AHEAD_MS = 86_400_000;

export interface PolicyClock extends Clock {
  /** ms since 1970: it is at least this late. 0 where nothing is known. */
  floor(): number;
  /** A signed message of this moment was read: raises the floor. */
  witness(issuedAt: number): void;
  /** A new signed message of this moment was accepted: raises the floor, and time is sure. */
  confirm(issuedAt: number): void;
  /** Stores the floor; called every minute. */
  keep(): Promise<void>;
}

export interface ClockSource {
  /** ms since 1970 as the system says. */
  system(): number;
  /** ms since some moment, never back. */
  monotonic(): number;
  /** Whether the system's clock is known to be set by a time service. */
  synchronised(): boolean;
  /** The site declared that the system's clock is always right. */
  readonly trustSystem: boolean;
}

/** systemd leaves this file once its time service, or `systemd-time-wait-sync` for another one, has set the clock. */
function systemClockSynchronised(): boolean {
  return existsSync('/run/systemd/timesync/synchronized');
}

export function systemSource(trustSystem: boolean): ClockSource {
  return {
    system: () => Date.now(),
    monotonic: () => performance.now(),
    synchronised: systemClockSynchronised,
    trustSystem,
  };
}

export function openClock(store: Pick<PolicyStore, 'setting' | 'putSetting'>, source: ClockSource): PolicyClock {
  const stored = Number(store.setting(FLOOR_SETTING) ?? 0);
  let base = Number.isFinite(stored) && stored > 0 ? stored : 0;
  let since = source.monotonic();
  let confirmedOffset: number | undefined;
  let synchronised = { at: Number.NEGATIVE_INFINITY, is: false };

  const offset = () => source.system() - source.monotonic();
  const floor = () => (base === 0 ? 0 : base + (source.monotonic() - since));
  const witness = (issuedAt: number) => {
    if (issuedAt <= floor()) return;
    base = issuedAt;
    since = source.monotonic();
  };
  const isSynchronised = () => {
    const at = source.monotonic();
    if (at - synchronised.at >= SYNCHRONISED_FOR_MS) synchronised = { at, is: source.synchronised() };
    return synchronised.is;
  };

  return {
    now: () => Math.max(source.system(), floor()),
    monotonic: () => source.monotonic(),
    sure() {
      if (confirmedOffset !== undefined && Math.abs(offset() - confirmedOffset) > JUMP_MS) confirmedOffset = undefined;
      return source.trustSystem || confirmedOffset !== undefined || isSynchronised();
    },
    floor,
    witness,
    confirm(issuedAt) {
      witness(issuedAt);
      confirmedOffset = offset();
    },
    async keep() {
      if (base > 0) await store.putSetting(FLOOR_SETTING, String(Math.floor(floor())));
    },
  };
}
