// Part of "decide": transfers of several frames (firmware, files, configuration). Invariants: 1. a transfer begins only with
// a frame that is handed out for sending; 2. it binds one principal to one device; 3. reads, set points and releases go on;
// 4. what activates or commits never runs for somebody who lost the right.

import type { Caller, Change } from '../contract/gate.ts';
import type { ActionName } from '../model/action.ts';
import type { TargetId } from '../model/ids.ts';
import type { Who } from '../model/journal-row.ts';
import type { InventoryDevice, InventoryView } from '../model/point.ts';
import { whoIs } from './describe.ts';
import type { Keeper } from './keeper.ts';
import type { GateOptions, Transfer } from './options.ts';
import type { Intended, ResolvedEffect } from './resolve.ts';

/** What nobody else may do to a device while a transfer to it goes on. */
const HELD_ACTIONS: ReadonlySet<ActionName> = new Set(['firmware.update', 'device.configure', 'device.control']);

interface Lease extends Transfer {
  /** What its frames were permitted to do: `action target`. A revoked person may finish that and nothing else. */
  readonly permitted: Set<string>;
  readonly endsAt: number;
  lastAt: number;
  timer: { cancel(): void };
}

export interface Objection {
  readonly target: TargetId;
  readonly text: string;
}

export interface Transfers {
  /** Why this change must wait for somebody's transfer. */
  objection(
    caller: Caller,
    change: Change<unknown>,
    intended: Intended,
    inventory: InventoryView,
  ): Objection | undefined;
  /** A frame is handed out for sending: begins, goes on with, or ends its transfer. */
  sent(caller: Caller, change: Change<unknown>, intended: Intended, inventory: InventoryView): void;
  /** A revoked person's frame within a transfer that its device wants finished. Ends the transfer where it may not go on. */
  mayFinish(caller: Caller, change: Change<unknown>, intended: Intended, inventory: InventoryView): boolean;
  /** The frame was answered: the idle time counts from here. */
  settled(change: Change<unknown>, inventory: InventoryView): void;
  /** What was ended; absent where there is no transfer to this device. */
  end(device: TargetId, by: Who, why: string): Transfer | undefined;
  endAll(why: string): void;
  list(): readonly Transfer[];
}

const keyOf = ({ action, id }: ResolvedEffect): string => `${action} ${id}`;
const gateway = (why: string): Who => ({ principal: null, proof: { kind: 'gateway', why }, from: 'gateway' });

export function createTransfers({ clock, timers, log, site }: GateOptions, keeper: Keeper): Transfers {
  const { idleMs = 30_000, longestMs = 30 * 60_000, coolDownMs = 60_000 } = site.transfers ?? {};
  const leases = new Map<TargetId, Lease>();
  /** Holder → when it may begin again. */
  const coolDown = new Map<string, number>();

  const holderOf = (principal: string | null, peer: string): string => principal ?? `peer ${peer}`;
  /** After a revocation the session is gone, so the address alone still tells whose transfer it is. */
  const isHolder = (lease: Lease, { principal, peer }: Caller): boolean =>
    principal === null ? peer === lease.peer : principal === lease.principal;

  function record(event: string, lease: Lease, by: Who, why?: string): void {
    const { device, principal, peer } = lease;
    const detail = { device, principal, peer, by, ...(why !== undefined && { why }) };
    keeper.keep({ kind: 'system', ...keeper.stamp(), event, detail });
    log.write(
      'info',
      event.replace('-', '.'),
      detail,
      `transfer of \`${holderOf(principal, peer)}\` to \`${device}\` ${why === undefined ? 'began' : `ended: ${why}`}`,
    );
  }

  function close(lease: Lease, by: Who, why: string, cools: boolean): void {
    lease.timer.cancel();
    leases.delete(lease.device);
    const now = clock.monotonic();
    for (const [holder, until] of coolDown) if (until <= now) coolDown.delete(holder);
    if (cools) coolDown.set(holderOf(lease.principal, lease.peer), now + coolDownMs);
    record('transfer-ended', lease, by, why);
  }

  /** The lease in force; one whose time is up ends here even before its timer has run. */
  function leaseOf(device: TargetId): Lease | undefined {
    const lease = leases.get(device);
    if (!lease) return undefined;
    const now = clock.monotonic();
    if (now < lease.endsAt && now < lease.lastAt + idleMs) return lease;
    close(lease, gateway('time'), now < lease.endsAt ? 'idle' : 'longest time', true);
    return undefined;
  }

  function watch(lease: Lease): void {
    lease.timer.cancel();
    const wait = Math.min(lease.endsAt, lease.lastAt + idleMs) - clock.monotonic();
    lease.timer = timers.after(Math.max(1, wait), () => {
      if (leaseOf(lease.device) === lease) watch(lease);
    });
  }

  const deviceOf = (change: Change<unknown>, inventory: InventoryView): InventoryDevice | undefined =>
    change.transfer && inventory.device(change.transfer.device);

  const shown = ({ device, principal, peer, begunAt }: Lease): Transfer => ({ device, principal, peer, begunAt });

  return {
    objection(caller, change, intended, inventory) {
      const held = intended.effects.filter(({ action }) => change.transfer || HELD_ACTIONS.has(action));
      const devices = new Set(held.flatMap(({ device }) => (device ? [device.id] : [])));
      const own = deviceOf(change, inventory)?.id;
      if (own !== undefined) devices.add(own);
      for (const target of devices) {
        const lease = leaseOf(target);
        if (lease && !isHolder(lease, caller)) {
          return { target, text: `\`${target}\` is in a transfer of \`${holderOf(lease.principal, lease.peer)}\`` };
        }
      }
      if (own === undefined || leases.has(own)) return undefined;
      const left = (coolDown.get(holderOf(caller.principal, caller.peer)) ?? 0) - clock.monotonic();
      if (left <= 0) return undefined;
      return {
        target: own,
        text: `the last transfer did not end by itself; the next may begin in ${Math.ceil(left / 1000)} s`,
      };
    },
    sent(caller, change, intended, inventory) {
      const device = deviceOf(change, inventory)?.id;
      if (device === undefined) return;
      const now = clock.monotonic();
      const open = leaseOf(device);
      const lease: Lease = open ?? {
        device,
        principal: caller.principal,
        peer: caller.peer,
        begunAt: clock.now(),
        permitted: new Set(),
        endsAt: now + longestMs,
        lastAt: now,
        timer: { cancel() {} },
      };
      for (const effect of intended.effects) lease.permitted.add(keyOf(effect));
      lease.lastAt = now;
      if (!open) {
        leases.set(device, lease);
        record('transfer-begun', lease, whoIs(caller));
      }
      if (change.transfer?.ends) close(lease, whoIs(caller), 'complete', false);
      else watch(lease);
    },
    mayFinish(caller, change, intended, inventory) {
      const device = deviceOf(change, inventory);
      const lease = device && leaseOf(device.id);
      if (!device || !lease || !isHolder(lease, caller)) return false;
      if (
        device.onRevoke === 'finish' &&
        !change.transfer?.ends &&
        intended.effects.every((effect) => lease.permitted.has(keyOf(effect)))
      ) {
        return true;
      }
      close(lease, gateway('revoked'), 'the right was withdrawn', true);
      return false;
    },
    settled(change, inventory) {
      const device = deviceOf(change, inventory);
      const lease = device && leaseOf(device.id);
      if (!lease) return;
      lease.lastAt = clock.monotonic();
      watch(lease);
    },
    end(device, by, why) {
      const lease = leaseOf(device);
      if (lease) close(lease, by, why, true);
      return lease && shown(lease);
    },
    endAll(why) {
      for (const lease of [...leases.values()]) close(lease, gateway('stop'), why, false);
    },
    list: () => Array.from(leases.values(), shown),
  };
}
