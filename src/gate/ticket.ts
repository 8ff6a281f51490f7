// The step "Permit": what stands behind a permit, kept where nobody outside the gate can reach it.
// Invariants: 1. a permit that was not made here has no ticket; 2. states only go forward, each once.

import type { Caller, Change, OldValue, Permit } from '../contract/gate.ts';
import type { DecisionId, PolicyRevision, TargetHandle } from '../model/ids.ts';
import type { InventoryView } from '../model/point.ts';
import type { NonEmpty } from '../model/result.ts';
import { InvariantViolation } from './options.ts';
import type { StandingIntent } from './standing-intents.ts';
import type { Weighed, WeighedPermit } from './weigh.ts';

type TicketState = 'issued' | 'redeeming' | 'redeemed' | 'closed';

export interface Ticket {
  readonly caller: Caller;
  readonly change: Change<unknown>;
  readonly decision: DecisionId;
  readonly inventory: InventoryView | undefined;
  readonly revision: PolicyRevision;
  /** Judges the same change anew. */
  readonly weigh: () => Weighed;
  weighed: WeighedPermit;
  /** Of everybody's standing when it was weighed. */
  epoch: number;
  /** On the monotonic clock. */
  weighedAt: number;
  redeemedAt: number;
  state: TicketState;
  old: ReadonlyMap<TargetHandle, OldValue>;
  /** Slots of this permit that are being, or have been, put back. */
  readonly undone: Set<string>;
  /** Of a permit that undoes: the other permit's `undone`, and which of its slots. */
  readonly undoes?: { readonly undone: Set<string>; readonly slots: readonly string[] };
  /** Key of a standing intent it may open or join. */
  readonly standingKey?: string;
  joined?: StandingIntent;
}

interface Tickets {
  /** A permit that nobody outside can make. */
  issue<C>(ticket: Ticket, readFirst: readonly TargetHandle[], involves: NonEmpty<TargetHandle>): Permit<C>;
  /** Takes it on to the next state. Throws an `InvariantViolation` for a permit of somebody else's making or in another state. */
  advance(permit: Permit<unknown>, from: TicketState, to: TicketState): Ticket;
  /** Throws for a permit that was never redeemed. */
  spent(permit: Permit<unknown>): Ticket;
}

export function createTickets(): Tickets {
  const tickets = new WeakMap<object, Ticket>();

  function find(permit: Permit<unknown>): Ticket {
    const ticket = tickets.get(permit);
    if (!ticket) throw new InvariantViolation('got a permit that this gate did not issue');
    return ticket;
  }

  return {
    issue<C>(ticket: Ticket, readFirst: readonly TargetHandle[], involves: NonEmpty<TargetHandle>) {
      const permit = Object.freeze({
        decisionId: ticket.decision,
        readFirst,
        effects: ticket.change.effects,
        involves,
      });
      tickets.set(permit, ticket);
      // The brand exists for the compiler only; this is the one place that gives it.
      return permit as unknown as Permit<C>;
    },
    advance(permit, from, to) {
      const ticket = find(permit);
      if (ticket.state !== from) {
        throw new InvariantViolation(
          `got permit \`${ticket.decision}\` in state \`${ticket.state}\`, expected \`${from}\``,
        );
      }
      ticket.state = to;
      return ticket;
    },
    spent(permit) {
      const ticket = find(permit);
      if (ticket.redeemedAt === Number.NEGATIVE_INFINITY) {
        throw new InvariantViolation(`got permit \`${ticket.decision}\`, which was never redeemed`);
      }
      return ticket;
    },
  };
}
