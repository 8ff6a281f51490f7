// The door itself: judge → Permit → redeem → settle. Invariants: 1. no Permit, no forward; 2. every target or nothing;
// 3. no durable intent row, no redemption; 4. a Permit is redeemed once and hands back the very change that was judged;
// 5. between the last look at the stamp and the hand-over nothing is awaited. Only a never-gated change waives 3.

import type { Caller, Change, Denial, Gate, Judgement, Permit, Redemption, SentFrame } from '../contract/gate.ts';
import { type DecisionId, decisionId, policyRevision, type TargetHandle } from '../model/ids.ts';
import type { IntentRow, Outcome, OutcomeRow } from '../model/journal-row.ts';
import type { NonEmpty } from '../model/result.ts';
import type { Counters } from './counters.ts';
import { describeWho, whoIs } from './describe.ts';
import type { Keeper } from './keeper.ts';
import type { LogBudget } from './log-budget.ts';
import type { GateControl, GateOptions } from './options.ts';
import type { PolicyInForce } from './policy-in-force.ts';
import { changesIn, type RateWindow } from './rate.ts';
import type { Refusals } from './refusals.ts';
import { deviceOf } from './resolve.ts';
import { intentRow, nameOf, outcomeRow, recordEffects } from './rows.ts';
import type { StandingIntents } from './standing-intents.ts';
import { createTickets, type Ticket } from './ticket.ts';
import type { Transfers } from './transfers.ts';
import { slotsOf, undoCaller, weighUndo } from './undo.ts';
import type { Scales, Weighed, WeighedDenial, WeighedPermit } from './weigh.ts';

/** Older, and the change is judged again before it goes on. */
const PERMIT_MS = 2000;
/** How long a never-gated change waits for its row. */
const NEVER_GATED_WAIT_MS = 250;

interface DoorServices {
  readonly options: GateOptions;
  readonly counters: Counters;
  readonly keeper: Keeper;
  readonly budget: LogBudget;
  readonly refusals: Refusals;
  readonly rates: RateWindow;
  readonly transfers: Transfers;
  readonly standing: StandingIntents;
  readonly scales: Scales;
  policy(): PolicyInForce | undefined;
  /** Counts every change of anybody's standing. */
  epoch(): number;
}

type Door = Pick<Gate, 'judge' | 'redeem' | 'settle' | 'abandon'> &
  Pick<GateControl, 'preview' | 'undoPermit' | 'undoRecorded' | 'onFrame'>;

export function createDoor(services: DoorServices): Door {
  const { options, counters, keeper, refusals, rates, transfers, standing, scales } = services;
  const { journal, log, clock, timers } = options;
  const tickets = createTickets();
  const frameListeners = new Set<(frame: SentFrame) => void>();

  function denialOf({ reason, target, verdicts, text }: WeighedDenial, decision: DecisionId): Denial {
    const revision = services.policy()?.revision;
    return {
      decisionId: decision,
      reason,
      ...(target !== undefined && { target }),
      verdicts,
      ...(revision !== undefined && { revision }),
      text,
    };
  }

  function refuse(caller: Caller, change: Change<unknown>, denied: WeighedDenial): Denial {
    const revision = services.policy()?.revision;
    const decision = refusals.record({
      caller,
      operation: change.operation,
      reason: denied.reason,
      effects: () => recordEffects(denied.intended, denied.verdicts, denied),
      detail: denied.text,
      ...(denied.target !== undefined && { target: denied.target }),
      ...(revision !== undefined && { revision }),
    });
    return denialOf(denied, decision);
  }

  const unwritable = ({ intended, verdicts }: Weighed, why: string): WeighedDenial => ({
    permitted: false,
    intended,
    verdicts,
    reason: 'journal-unavailable',
    text: `the change cannot be recorded: ${why}`,
  });

  function standingKeyOf(caller: Caller, change: Change<unknown>): string | undefined {
    const { principal, proof, driver } = caller;
    // Who approved stands in each change's own row.
    if (principal === null || change.sameness === undefined || change.transfer || change.approvedBy) return undefined;
    const isApplication = proof.kind === 'application-address' || services.policy()?.isApplication(principal) === true;
    return isApplication ? `${principal}\n${driver}\n${change.sameness}` : undefined;
  }

  function involvedDevices({ intended, verdicts }: WeighedPermit, change: Change<unknown>): NonEmpty<TargetHandle> {
    const inventory = services.policy()?.inventory;
    const devices = new Set<TargetHandle | undefined>();
    for (const { device, effect } of intended.effects) devices.add(device?.handle ?? effect.target);
    for (const { target } of verdicts) devices.add(inventory && deviceOf(inventory, target)?.handle);
    const [first = change.effects[0].target, ...others] = [...devices].filter((device) => device !== undefined);
    return [first, ...others];
  }

  function issue<C>(
    caller: Caller,
    change: Change<C>,
    weighed: WeighedPermit,
    weigh: () => Weighed,
    undoes?: Ticket['undoes'],
  ): Judgement<C> {
    const policy = services.policy();
    const standingKey = undoes ? undefined : standingKeyOf(caller, change);
    const ticket: Ticket = {
      caller,
      change,
      decision: decisionId(options.newId('decision')),
      inventory: policy?.inventory,
      revision: policy?.revision ?? policyRevision(0),
      weigh,
      weighed,
      epoch: services.epoch(),
      weighedAt: clock.monotonic(),
      redeemedAt: Number.NEGATIVE_INFINITY,
      state: 'issued',
      old: new Map(),
      undone: new Set(),
      ...(undoes && { undoes }),
      ...(standingKey !== undefined && { standingKey }),
    };
    for (const slot of undoes?.slots ?? []) undoes?.undone.add(slot);
    counters.changes_permitted += 1;
    const repeats = standingKey !== undefined && standing.find(standingKey) !== undefined;
    const readFirst = new Set<TargetHandle>();
    for (const { effect, point } of weighed.intended.effects) {
      if (!repeats && point?.readBeforeWrite && effect.value !== undefined) readFirst.add(effect.target);
    }
    return { permitted: true, permit: tickets.issue<C>(ticket, [...readFirst], involvedDevices(weighed, change)) };
  }

  /** What stands against the change now that did not when it was judged. */
  function objectionNow(ticket: Ticket): WeighedDenial | undefined {
    const { weighed, caller, change } = ticket;
    if (weighed.by === 'never-gated') return undefined;
    const inventory = services.policy()?.inventory;
    if (!inventory || inventory !== ticket.inventory) {
      const { intended, verdicts } = weighed;
      const text = 'the inventory was replaced while the change waited; it may be sent again';
      return { permitted: false, intended, verdicts, reason: 'unknown-point', text };
    }
    const isFresh =
      ticket.epoch === services.epoch() &&
      clock.monotonic() - ticket.weighedAt <= PERMIT_MS &&
      clock.now() < weighed.validUntil;
    if (isFresh && !ticket.undoes) return scales.weighAgainLightly(caller, change, weighed, inventory);
    const again = ticket.weigh();
    if (!again.permitted) return again;
    ticket.weighed = again;
    ticket.epoch = services.epoch();
    ticket.weighedAt = clock.monotonic();
    return undefined;
  }

  function release(ticket: Ticket): void {
    for (const slot of ticket.undoes?.slots ?? []) ticket.undoes?.undone.delete(slot);
  }

  /** Permitted, but never sent: both rows, so that the record says what it was. Nothing waits for them. */
  function noteUnsent(ticket: Ticket, outcome: OutcomeRow['outcome']): void {
    release(ticket);
    journal.note(intentRow(ticket, keeper, false));
    journal.note(outcomeRow(ticket, keeper, outcome));
  }

  function withdraw<C>(ticket: Ticket, denied: WeighedDenial, isDurable: boolean): Redemption<C> {
    ticket.state = 'closed';
    counters.changes_withdrawn += 1;
    const outcome = { kind: 'withdrawn', reason: denied.reason } as const;
    if (isDurable) {
      release(ticket);
      keeper.keep(outcomeRow(ticket, keeper, outcome));
    } else noteUnsent(ticket, outcome);
    tell(ticket, 'warn', 'change.withdrawn', `withdrawn ${denied.reason}: ${denied.text}`);
    return { redeemed: false, denial: denialOf(denied, ticket.decision) };
  }

  /** One line for each change, as far as the peer's budget goes. */
  function tell(
    { caller, change, decision, weighed }: Ticket,
    level: 'info' | 'warn',
    event: string,
    what: string,
  ): void {
    const withheld = services.budget.take(caller.peer);
    if (withheld === undefined) {
      counters.log_lines_withheld += 1;
      return;
    }
    const who = whoIs(caller);
    const targets = weighed.intended.effects.slice(0, 8).map(({ id, effect }) => id ?? `handle:${effect.target}`);
    const fields = {
      decision,
      principal: who.principal,
      from: who.from,
      operation: change.operation,
      targets,
      withheld,
    };
    log.write(level, event, fields, `${describeWho(who)}: ${change.operation} of \`${targets.join(', ')}\` ${what}`);
  }

  function announce(ticket: Ticket): void {
    const { by, wouldDeny } = ticket.weighed;
    counters.changes_redeemed += 1;
    if (by === 'observed') {
      counters.changes_observed += 1;
      tell(ticket, 'warn', 'change.observed', `forwarded while observing; it would be denied ${wouldDeny}`);
    } else if (by === 'never-gated') {
      counters.changes_never_gated += 1;
      tell(ticket, 'warn', 'change.never-gated', 'forwarded: the site lists it as never gated');
    } else tell(ticket, 'info', 'change.forwarded', 'forwarded');
  }

  /** The intent on disk; `undefined`, or why not. */
  async function makeDurable(ticket: Ticket): Promise<string | undefined> {
    const row = intentRow(ticket, keeper, ticket.standingKey !== undefined);
    if (ticket.weighed.by === 'never-gated') {
      const written = journal.append(row, { reserved: true }).then(
        () => {},
        () => keeper.keep(row),
      );
      let timer: { cancel(): void } | undefined;
      const late = new Promise<void>((resolve) => {
        timer = timers.after(NEVER_GATED_WAIT_MS, resolve);
      });
      await Promise.race([written, late]);
      timer?.cancel();
      return undefined;
    }
    try {
      await journal.append(row, ticket.undoes && { reserved: true });
      return undefined;
    } catch (cause) {
      return cause instanceof Error ? cause.message : String(cause);
    }
  }

  function handOver<C>(ticket: Ticket): Redemption<C> {
    const { caller, change, weighed, standingKey } = ticket;
    const inventory = services.policy()?.inventory;
    ticket.state = 'redeemed';
    ticket.redeemedAt = clock.monotonic();
    for (const { point, rate, count } of changesIn(weighed.intended))
      for (let each = 0; each < count; each += 1) rates.count(point, rate);
    if (inventory && weighed.by !== 'never-gated')
      transfers.sent(caller, ticket.decision, change, weighed.intended, inventory);
    standing.touch(
      change.effects.map(({ target }) => nameOf(target, ticket.inventory)),
      standingKey,
    );
    announce(ticket);
    return { redeemed: true, change: change.what as C };
  }

  function opensStanding(ticket: Ticket, row: OutcomeRow): boolean {
    if (ticket.standingKey === undefined || row.outcome.kind !== 'acknowledged') return false;
    return standing.open({
      decision: ticket.decision,
      key: ticket.standingKey,
      targets: ticket.change.effects.map(({ target }) => nameOf(target, ticket.inventory)),
      redeemedAt: ticket.redeemedAt,
      ...(row.readBack && { readBack: row.readBack }),
    });
  }

  /** The gateway's own changes have no driver they came by. */
  function tellOfFrame({ caller, decision, weighed }: Ticket, outcome: Outcome): void {
    if (caller.driver === undefined || frameListeners.size === 0) return;
    const effects = weighed.intended.effects.flatMap(({ id, effect: { value, priority } }) =>
      id === undefined
        ? []
        : [{ target: id, ...(value !== undefined && { value }), ...(priority !== undefined && { priority }) }],
    );
    for (const listener of frameListeners) listener({ decision, outcome, effects });
  }

  function undo<C>(intent: IntentRow, undone: Set<string>, planned: Change<C>): Judgement<C> {
    const change = intent.job === undefined ? planned : { ...planned, job: intent.job };
    const caller = undoCaller(intent);
    const weigh = () => weighUndo(intent, caller, change, services.policy()?.inventory, transfers);
    const weighed = weigh();
    if (!weighed.permitted) return { permitted: false, denial: refuse(caller, change, weighed) };
    const slots = slotsOf(weighed.intended);
    const again = slots.find((slot) => undone.has(slot));
    if (again !== undefined) {
      const text = `\`${again}\` is being put back already, or was`;
      const denied = { ...weighed, permitted: false, reason: 'out-of-scope', text } as const;
      return { permitted: false, denial: refuse(caller, change, denied) };
    }
    return issue(caller, change, weighed, weigh, { undone, slots });
  }

  return {
    judge(caller, change) {
      const weighed = scales.weigh(caller, change);
      if (!weighed.permitted) return { permitted: false, denial: refuse(caller, change, weighed) };
      const state = journal.state();
      if (!state.writable && weighed.by !== 'never-gated') {
        return { permitted: false, denial: refuse(caller, change, unwritable(weighed, state.why)) };
      }
      return issue(caller, change, weighed, () => scales.weigh(caller, change));
    },
    async redeem<C>(permit: Permit<C>, old: Ticket['old']): Promise<Redemption<C>> {
      const ticket = tickets.advance(permit, 'issued', 'redeeming');
      ticket.old = old;
      const early = objectionNow(ticket);
      if (early) return withdraw(ticket, early, false);
      const stands = ticket.standingKey === undefined ? undefined : standing.find(ticket.standingKey);
      if (stands) {
        ticket.joined = stands;
        standing.join(stands);
        counters.changes_standing += 1;
        return handOver(ticket);
      }
      const failure = await makeDurable(ticket);
      if (failure !== undefined) {
        ticket.state = 'closed';
        release(ticket);
        return { redeemed: false, denial: refuse(ticket.caller, ticket.change, unwritable(ticket.weighed, failure)) };
      }
      const late = objectionNow(ticket);
      return late ? withdraw(ticket, late, true) : handOver(ticket);
    },
    settle(permit, outcome, readBack) {
      const ticket = tickets.advance(permit, 'redeemed', 'closed');
      const { joined } = ticket;
      transfers.settled(ticket.decision);
      const isAcknowledged = outcome.kind === 'acknowledged';
      if (!isAcknowledged) release(ticket);
      tellOfFrame(ticket, outcome);
      const row = outcomeRow(ticket, keeper, outcome, readBack);
      if (joined) {
        // A repeat that failed is no repeat: it gets rows of its own.
        if (!isAcknowledged) {
          keeper.keep(intentRow(ticket, keeper, false));
          keeper.keep(row);
        }
        standing.leave(joined, isAcknowledged);
      } else if (!opensStanding(ticket, row)) keeper.keep(row);
    },
    abandon(permit, why) {
      const ticket = tickets.advance(permit, 'issued', 'closed');
      noteUnsent(ticket, { kind: 'not-sent', why });
      tell(ticket, 'info', 'change.not-sent', `not sent: ${why}`);
    },
    onFrame(listener) {
      frameListeners.add(listener);
      return () => frameListeners.delete(listener);
    },
    undoPermit(permit, change) {
      const ticket = tickets.spent(permit);
      return undo(intentRow(ticket, keeper, false), ticket.undone, change);
    },
    undoRecorded: (intent, change) => undo(intent, new Set(), change),
    preview(caller, change) {
      const weighed = scales.weigh(caller, change);
      if (weighed.permitted) return undefined;
      const { decisionId: _unused, ...denial } = denialOf(weighed, decisionId(''));
      return denial;
    },
  };
}
