// Where the door's parts are put together. Invariant: a swap of policy or locks is one synchronous step, after which nothing
// that was derived from the policy before is in use.

import type { Caller, Peer } from '../contract/gate.ts';
import type { TargetHandle, TargetId } from '../model/ids.ts';
import { fail, ok } from '../model/result.ts';
import type { FastLock } from '../policy/lock.ts';
import { withLocks } from '../policy/lock.ts';
import type { PolicySnapshot } from '../policy/rights.ts';
import { parseNetwork } from './address.ts';
import { createAttribution } from './attribute.ts';
import { createCounters } from './counters.ts';
import { whoIs } from './describe.ts';
import { createDoor } from './door.ts';
import { createKeeper } from './keeper.ts';
import { createLogBudget } from './log-budget.ts';
import { type GateControl, type GateOptions, InvariantViolation } from './options.ts';
import { askerOf, type PolicyInForce, policyInForce, standingOf } from './policy-in-force.ts';
import { createRateWindow } from './rate.ts';
import { createReaders } from './reader.ts';
import { createRefusals } from './refusals.ts';
import type { Intended } from './resolve.ts';
import { nameOf } from './rows.ts';
import { createSessions, type Sessions } from './sessions.ts';
import { createStandingIntents } from './standing-intents.ts';
import { createTransfers } from './transfers.ts';
import { createScales } from './weigh.ts';

/** The gate, before its first policy: nothing may be read or changed. Throws where a network of the site is none. */
export function createGate(options: GateOptions): GateControl {
  const { log, clock, timers, site } = options;
  const sharedNetworks = site.sharedNetworks.map((text) => {
    const network = parseNetwork(text);
    if (!network) throw new InvariantViolation(`got network \`${text}\`, expected \`address/bits\``);
    return network;
  });
  const neverGated: ReadonlySet<string> = new Set(site.neverGated.targets);

  let base: PolicySnapshot | undefined;
  let fastLocks: readonly FastLock[] = [];
  let snapshot: PolicySnapshot | undefined;
  let inForce: PolicyInForce | undefined;
  let epoch = 0;
  let isSwapping = false;
  const listeners = new Set<() => void>();
  const policy = () => inForce;

  const counters = createCounters();
  const keeper = createKeeper(options, counters);
  const budget = createLogBudget(clock);
  const refusals = createRefusals(options, keeper, counters, budget);
  const rates = createRateWindow(clock);
  const transfers = createTransfers(options, keeper);
  const standing = createStandingIntents(keeper, clock, timers);
  const attribution = createAttribution(site, (address) => sessions.at(address));
  const sessions: Sessions = createSessions({
    options,
    keeper,
    sharedNetworks,
    policy,
    isApplicationAddress: attribution.isApplicationAddress,
    changed: standingChanged,
  });

  function isNeverGated(caller: Caller, { effects }: Intended): boolean {
    if (caller.neverGated) return true;
    if (neverGated.size === 0) return false;
    return effects.every(({ id, device }) => neverGated.has(id ?? '') || neverGated.has(device?.id ?? ''));
  }

  /** A sign-in and a job may outlive their proof, but what the policy withdraws proves nothing any more. */
  function isProven({ session, proof, credential, principal }: Caller): boolean {
    if (session !== undefined) return sessions.get(session)?.principal === principal;
    const shown: Caller['proof'] = credential ?? proof;
    if (shown.kind === 'token') return inForce?.hasToken(principal ?? '', shown.token) === true;
    return shown.kind !== 'certificate' || (attribution.ownerOf(shown) ?? null) === principal;
  }

  const scales = createScales({ clock, rates, transfers, policy, isNeverGated, isProven, session: sessions.get });
  const readers = createReaders({ clock, counters, neverGated, policy, observesUntil: scales.observesUntil });
  const door = createDoor({
    options,
    counters,
    keeper,
    budget,
    refusals,
    rates,
    transfers,
    standing,
    scales,
    policy,
    epoch: () => epoch,
  });

  function standingChanged(): void {
    epoch += 1;
    attribution.forget();
    if (isSwapping) return;
    for (const listener of listeners) {
      try {
        listener();
      } catch (cause) {
        log.write(
          'error',
          'standing.listener',
          { cause: String(cause) },
          'a listener failed to look at its connections again',
        );
      }
    }
  }

  function swap(beforeAnybodyLooks?: () => void): void {
    if (!base) return;
    isSwapping = true;
    snapshot = withLocks(base, fastLocks);
    inForce = policyInForce(snapshot);
    attribution.activate(inForce);
    readers.forget();
    standing.closeAll();
    sessions.sweep();
    attribution.forget();
    beforeAnybodyLooks?.();
    isSwapping = false;
    standingChanged();
  }

  function sayObserving(): void {
    if (!inForce || scales.observesUntil(inForce) === undefined) return;
    const detail = { revision: inForce.revision, until: inForce.observeUntil };
    keeper.keep({ kind: 'system', ...keeper.stamp(), event: 'observing', detail });
    log.write(
      'warn',
      'policy.observing',
      detail,
      'the policy observes: what it would deny is forwarded and recorded, but for firmware, restart and life safety',
    );
  }

  function admits({ certificate }: Peer): boolean {
    if (!certificate || !inForce) return true;
    const owner = attribution.ownerOf(certificate);
    if (owner === undefined) return false;
    return standingOf(inForce, owner, undefined, { at: clock.now(), timeUnsure: !clock.sure() }) === 'stands';
  }

  function endTransfer(caller: Caller, device: TargetId, why: string): ReturnType<GateControl['endTransfer']> {
    if (!inForce) return fail('no-policy');
    const answer = inForce.decide({ ...askerOf(caller, clock), action: 'device.control', targets: [device] });
    if (answer.decision === 'deny') return fail(answer.reason);
    const ended = transfers.end(device, whoIs(caller), why);
    // A job hears by this that it must not go on.
    if (ended?.job !== undefined) standingChanged();
    return ended ? ok(ended) : fail('no-transfer');
  }

  function holdDevice(caller: Caller, handle: TargetHandle, job: string): ReturnType<GateControl['holdDevice']> {
    const device = inForce?.inventory.device(handle);
    return device ? transfers.hold(caller, device.id, job) : fail('the policy in force holds no such device');
  }

  return {
    ...door,
    callerOf: attribution.callerOf,
    reader: readers.reader,
    countDeniedReads(_caller, count) {
      counters.reads_denied += count;
    },
    refuse(caller, { operation, reason, target, detail }) {
      return refusals.record({
        caller,
        operation,
        reason,
        effects: () => [],
        detail,
        ...(target !== undefined && { target: nameOf(target, inForce?.inventory) }),
        ...(inForce && { revision: inForce.revision }),
      });
    },
    onStanding(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    admits,
    activate(next, beforeAnybodyLooks) {
      base = next;
      swap(beforeAnybodyLooks);
      sayObserving();
    },
    setFastLocks(locks) {
      fastLocks = locks;
      swap();
    },
    policy: () => snapshot,
    openSession: sessions.open,
    endSession: sessions.end,
    sessions: sessions.list,
    checkLinks() {
      sessions.checkLinks();
      sessions.sweep();
    },
    transfers: transfers.list,
    endTransfer,
    holdDevice,
    releaseDevice: transfers.release,
    approvalsFor: scales.approvalsFor,
    mayApprove: ({ principal }) => principal !== null && inForce?.isApplication(principal) === false,
    counters: () => ({
      ...counters,
      rows_waiting: keeper.waiting,
      sessions_open: sessions.list().length,
      transfers_open: transfers.list().length,
      standing_open: standing.size,
    }),
    async stop() {
      sessions.endAll('the gateway stops');
      transfers.endAll('the gateway stops');
      standing.closeAll();
      refusals.flush();
      await keeper.stop();
    },
  };
}
