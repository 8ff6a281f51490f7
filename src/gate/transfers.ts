// Part of "decide": transfers of several frames (firmware, files, configuration), and devices that a job holds. Invariants:
// 1. a transfer begins only with a frame that is handed out for sending; 2. it binds one principal, or one job, to one device;
// 3. reads, set points and releases go on; 4. what activates or commits never runs for somebody who lost the right.

import type { Caller, Change } from '../contract/gate.ts';
import type { Transfer } from '../contract/tool-session.ts';
import type { ActionName } from '../model/action.ts';
import type { DecisionId, TargetId } from '../model/ids.ts';
import type { Who } from '../model/journal-row.ts';
import type { InventoryDevice, InventoryView } from '../model/point.ts';
import { fail, ok, type Result } from '../model/result.ts';
import { whoIs } from './describe.ts';
import type { Keeper } from './keeper.ts';
import type { GateOptions } from './options.ts';
import type { Intended, ResolvedEffect } from './resolve.ts';

/** What nobody else may do to a device while a transfer to it goes on. */
const HELD_ACTIONS: ReadonlySet<ActionName> = new Set(['firmware.update', 'device.configure', 'device.control']);

interface Lease extends Transfer {
  /** What its frames were permitted to do: `action target`. A revoked person may finish that and nothing else. */
  readonly permitted: Set<string>;
  readonly endsAt: number;
  /** Changes handed out and not settled: while one is under way, nothing is idle. */
  readonly underWay: Set<DecisionId>;
  lastAt: number;
  timer: { cancel(): void };
}

interface Objection {
  readonly target: TargetId;
  readonly text: string;
}

export interface Transfers {
  /** Why this change must wait: somebody else's transfer, its own job's hold that was ended, or the time to cool down. */
  objection(
    caller: Caller,
    change: Change<unknown>,
    intended: Intended,
    inventory: InventoryView,
  ): Objection | undefined;
  /** Only the first of these, for what puts back and is never a transfer itself. */
  occupied(
    caller: Caller,
    change: Change<unknown>,
    intended: Intended,
    inventory: InventoryView,
  ): Objection | undefined;
  /** A frame is handed out for sending: begins, goes on with, or ends its transfer. */
  sent(
    caller: Caller,
    decision: DecisionId,
    change: Change<unknown>,
    intended: Intended,
    inventory: InventoryView,
  ): void;
  /**
   * A revoked person's frame within a transfer that its device wants finished. Ends the transfer where what was permitted in it
   * may not go on.
   */
  mayFinish(caller: Caller, change: Change<unknown>, intended: Intended, inventory: InventoryView): boolean;
  /** The change was answered: the idle time counts from here. */
  settled(decision: DecisionId): void;
  /** Binds a device to a job until it is released; a text names who holds it already. */
  hold(caller: Caller, device: TargetId, job: string): Result<void, string>;
  release(device: TargetId, job: string, why: string): void;
  /** What was ended; absent where there is no transfer to this device. */
  end(device: TargetId, by: Who, why: string): Transfer | undefined;
  endAll(why: string): void;
  list(): readonly Transfer[];
}

const keyOf = ({ action, id }: ResolvedEffect): string => `${action} ${id}`;
const isHeld = ({ transfer }: Change<unknown>, { action }: ResolvedEffect): boolean =>
  transfer !== undefined || HELD_ACTIONS.has(action);
const gateway = (why: string): Who => ({ principal: null, proof: { kind: 'gateway', why }, from: 'gateway' });

export function createTransfers({ clock, timers, log, site }: GateOptions, keeper: Keeper): Transfers {
  const { idleMs = 30_000, longestMs = 30 * 60_000, coolDownMs = 60_000 } = site.transfers ?? {};
  const leases = new Map<TargetId, Lease>();
  /** Holder → when it may begin again. */
  const coolDown = new Map<string, number>();
  const underWay = new Map<DecisionId, Lease>();
  /** Holds that somebody ended, by `job device`: their jobs do not go on there until they hold it anew. */
  const ended = new Map<string, string>();

  const holderOf = (principal: string | null, peer: string): string => principal ?? `peer ${peer}`;
  /** After a revocation the session is gone, so the address alone still tells whose transfer it is. */
  function isHolder(lease: Lease, { principal, peer }: Caller, job: string | undefined): boolean {
    if (lease.job !== undefined) return lease.job === job;
    return principal === null ? peer === lease.peer : principal === lease.principal;
  }
  /** Without the holder's name: the sentence travels further than a name may. Who it is, `list` says. */
  function heldBy({ device, job }: Lease): Objection {
    const holder = job === undefined ? 'in a transfer of somebody else' : `held by job \`${job}\``;
    return { target: device, text: `\`${device}\` is ${holder}` };
  }

  function record(event: string, lease: Lease, by: Who, why?: string): void {
    const { device, principal, peer, job } = lease;
    const detail = {
      device,
      principal,
      peer,
      ...(job !== undefined && { job }),
      by,
      ...(why !== undefined && { why }),
    };
    keeper.keep({ kind: 'system', ...keeper.stamp(), event, detail });
    const holder = `${job === undefined ? 'transfer' : `job \`${job}\``} of \`${holderOf(principal, peer)}\` to \`${device}\``;
    log.write('info', event.replace('-', '.'), detail, `${holder} ${why === undefined ? 'began' : `ended: ${why}`}`);
  }

  function close(lease: Lease, by: Who, why: string, cools: boolean): void {
    lease.timer.cancel();
    leases.delete(lease.device);
    const now = clock.monotonic();
    for (const [holder, until] of coolDown) if (until <= now) coolDown.delete(holder);
    if (cools && lease.job === undefined) coolDown.set(holderOf(lease.principal, lease.peer), now + coolDownMs);
    record('transfer-ended', lease, by, why);
  }

  /** When it ends unless something comes. */
  const idleAt = ({ job, endsAt, lastAt, underWay: open }: Lease): number => {
    if (job !== undefined) return Number.POSITIVE_INFINITY;
    return open.size > 0 ? endsAt : Math.min(endsAt, lastAt + idleMs);
  };

  /** The lease in force; one whose time is up ends here even before its timer has run. */
  function leaseOf(device: TargetId): Lease | undefined {
    const lease = leases.get(device);
    if (!lease) return undefined;
    const now = clock.monotonic();
    if (now < idleAt(lease)) return lease;
    close(lease, gateway('time'), now < lease.endsAt ? 'idle' : 'longest time', true);
    return undefined;
  }

  function watch(lease: Lease): void {
    lease.timer.cancel();
    const wait = idleAt(lease) - clock.monotonic();
    if (!Number.isFinite(wait)) return;
    lease.timer = timers.after(Math.max(1, wait), () => {
      if (leaseOf(lease.device) === lease) watch(lease);
    });
  }

  const deviceOf = (change: Change<unknown>, inventory: InventoryView): InventoryDevice | undefined =>
    change.transfer && inventory.device(change.transfer.device);

  const shown = ({ device, principal, peer, begunAt, job }: Lease): Transfer => ({
    device,
    principal,
    peer,
    begunAt,
    ...(job !== undefined && { job }),
  });

  function open(caller: Caller, device: TargetId, job?: string): Lease {
    const now = clock.monotonic();
    const lease: Lease = {
      device,
      principal: caller.principal,
      peer: caller.peer,
      begunAt: clock.now(),
      ...(job !== undefined && { job }),
      permitted: new Set(),
      endsAt: now + longestMs,
      underWay: new Set(),
      lastAt: now,
      timer: { cancel() {} },
    };
    leases.set(device, lease);
    record('transfer-begun', lease, whoIs(caller));
    return lease;
  }

  /** The devices of which a change takes hold. */
  function devicesOf(change: Change<unknown>, intended: Intended, inventory: InventoryView): Set<TargetId> {
    const held = intended.effects.filter((effect) => isHeld(change, effect));
    const devices = new Set(held.flatMap(({ device }) => (device ? [device.id] : [])));
    const own = deviceOf(change, inventory)?.id;
    return own === undefined ? devices : devices.add(own);
  }

  function occupied(
    caller: Caller,
    change: Change<unknown>,
    intended: Intended,
    inventory: InventoryView,
  ): Objection | undefined {
    for (const target of devicesOf(change, intended, inventory)) {
      const lease = leaseOf(target);
      if (lease && !isHolder(lease, caller, change.job)) return heldBy(lease);
    }
    return undefined;
  }

  return {
    occupied,
    objection(caller, change, intended, inventory) {
      const held = occupied(caller, change, intended, inventory);
      if (held) return held;
      for (const target of devicesOf(change, intended, inventory)) {
        const why = ended.get(`${change.job} ${target}`);
        if (why !== undefined) return { target, text: `the job no longer holds \`${target}\`: ${why}` };
      }
      const own = deviceOf(change, inventory)?.id;
      if (own === undefined || leases.has(own)) return undefined;
      const left = (coolDown.get(holderOf(caller.principal, caller.peer)) ?? 0) - clock.monotonic();
      if (left <= 0) return undefined;
      return {
        target: own,
        text: `the last transfer did not end by itself; the next may begin in ${Math.ceil(left / 1000)} s`,
      };
    },
    sent(caller, decision, change, intended, inventory) {
      const device = deviceOf(change, inventory)?.id;
      if (device === undefined) return;
      const lease = leaseOf(device) ?? open(caller, device);
      for (const effect of intended.effects) lease.permitted.add(keyOf(effect));
      lease.lastAt = clock.monotonic();
      if (change.transfer?.ends && lease.job === undefined) {
        close(lease, whoIs(caller), 'complete', false);
        return;
      }
      lease.underWay.add(decision);
      underWay.set(decision, lease);
      watch(lease);
    },
    mayFinish(caller, change, intended, inventory) {
      const device = deviceOf(change, inventory);
      const lease = device && leaseOf(device.id);
      if (!device || !lease || !isHolder(lease, caller, change.job)) return false;
      const ends = change.transfer?.ends === true;
      const goesOn = intended.effects.filter((effect) => lease.permitted.has(keyOf(effect)));
      if (device.onRevoke === 'finish' && !ends && goesOn.length === intended.effects.length) return true;
      // What the holder never had the right to is denied by itself: nothing that the transfer is about was withdrawn.
      if (goesOn.length === 0 && !ends) return false;
      // What becomes of a job whose starter lost the right is the job's own business: it lets the device go.
      if (lease.job === undefined) close(lease, gateway('revoked'), 'the right was withdrawn', true);
      return false;
    },
    settled(decision) {
      const lease = underWay.get(decision);
      underWay.delete(decision);
      if (!lease || leaseOf(lease.device) !== lease) return;
      lease.underWay.delete(decision);
      lease.lastAt = clock.monotonic();
      watch(lease);
    },
    hold(caller, device, job) {
      const lease = leaseOf(device);
      if (lease && lease.job !== job) return fail(heldBy(lease).text);
      ended.delete(`${job} ${device}`);
      if (!lease) open(caller, device, job);
      return ok(undefined);
    },
    release(device, job, why) {
      ended.delete(`${job} ${device}`);
      const lease = leaseOf(device);
      if (lease?.job === job) close(lease, gateway('job'), why, false);
    },
    end(device, by, why) {
      const lease = leaseOf(device);
      if (!lease) return undefined;
      if (lease.job !== undefined) ended.set(`${lease.job} ${device}`, why);
      close(lease, by, why, true);
      return shown(lease);
    },
    endAll(why) {
      for (const lease of [...leases.values()]) close(lease, gateway('stop'), why, false);
    },
    list: () => Array.from(leases.values(), shown),
  };
}
