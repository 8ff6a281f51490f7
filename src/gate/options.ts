// What the daemon hands to the door, and what it gets. Nothing of this room reaches for the world by itself.

import type { Clock, Timers } from '../contract/clock.ts';
import type { Caller, Gate, JobGate, UndoGate } from '../contract/gate.ts';
import type { Journal } from '../contract/journal.ts';
import type { Log } from '../contract/log.ts';
import type { SessionClaim, SessionRefusal, ToolSession, Transfer } from '../contract/tool-session.ts';
import type { DenialReason } from '../model/decision.ts';
import type { PrincipalId, SessionId, TargetId } from '../model/ids.ts';
import type { Who } from '../model/journal-row.ts';
import type { Result } from '../model/result.ts';
import type { FastLock } from '../policy/lock.ts';
import type { PolicySnapshot } from '../policy/rights.ts';

/** An address seen directly on one of the box's networks. */
export interface LinkEntry {
  readonly hardwareAddress: string;
  /** False where the same hardware address answers for other addresses too: a router, a proxy. */
  readonly alone: boolean;
}

export interface LinkLayer {
  /** `undefined`: not on a network of the box, or not heard of. */
  lookup(address: string): LinkEntry | undefined;
}

/** What the site's own configuration says; addresses in any spelling. */
export interface SiteRules {
  readonly applicationAddresses: readonly { readonly address: string; readonly principal: PrincipalId }[];
  /** `address/bits`: networks on which an address proves less, and the site accepts it. Loopback counts only if listed. */
  readonly sharedNetworks: readonly string[];
  /** Always forwarded: addresses of peers, and ids of devices and points. */
  readonly neverGated: { readonly peers: readonly string[]; readonly targets: readonly string[] };
  /** Longest tool session. Default 8 h. */
  readonly longestSessionMs?: number;
  readonly transfers?: TransferTimes;
}

interface TransferTimes {
  /** Default 30 s. */
  readonly idleMs?: number;
  /** Default 30 min. */
  readonly longestMs?: number;
  /** How long a principal whose transfer did not end by itself may not begin another. Default 60 s. */
  readonly coolDownMs?: number;
}

export interface GateOptions {
  readonly journal: Journal;
  readonly log: Log;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly links: LinkLayer;
  readonly site: SiteRules;
  /** A new id, unique on this gateway, also across restarts. */
  newId(kind: 'decision' | 'session'): string;
}

/** The gate as the daemon drives it. */
export interface GateControl extends Gate, UndoGate, JobGate {
  /**
   * Swaps policy, inventory and everything derived from them, in this tick. Locks of the fast channel stay in force.
   * `beforeAnybodyLooks`: what goes by the handles of the inventory is swapped too, before listeners of `onStanding` hear.
   */
  activate(snapshot: PolicySnapshot, beforeAnybodyLooks?: () => void): void;
  /** Replaces the locks of the fast channel, in this tick; they hold over every later `activate`. */
  setFastLocks(locks: readonly FastLock[]): void;
  /** What is decided by, locks of the fast channel included. */
  policy(): PolicySnapshot | undefined;
  openSession(claim: SessionClaim): Promise<Result<ToolSession, SessionRefusal>>;
  /** False where no such session is open. */
  endSession(id: SessionId, by: Who, why: string): boolean;
  sessions(): readonly ToolSession[];
  /** To be called every few seconds: ends sessions whose link-layer address changed or whose principal lost its standing. */
  checkLinks(): void;
  transfers(): readonly Transfer[];
  /** Ends a transfer, or the hold of a job, in the name of who has `device.control` there; such a job does not go on there. */
  endTransfer(caller: Caller, device: TargetId, why: string): Result<Transfer, DenialReason | 'no-transfer'>;
  /** By stable name, for /metrics. */
  counters(): { readonly [name: string]: number };
  /** Ends sessions and transfers, closes standing intents, flushes folded refusals, waits for their rows. */
  stop(): Promise<void>;
}

/** Something that can only be our own bug: this change is refused, and the daemon says so loudly. */
export class InvariantViolation extends Error {
  readonly code = 'invariant-violation';
}
