// Part of "record": how many lines one peer may cause. Invariants: 1. a peer's first lines always show; 2. what is withheld is
// counted and said with the peer's next line; 3. the number of peers remembered is bounded: the rest share one budget.

import type { Clock } from '../contract/clock.ts';

const BURST = 20;
const REFILL_MS = 1000;
const MOST_PEERS = 1024;

interface Budget {
  lines: number;
  filledAt: number;
  withheld: number;
}

export interface LogBudget {
  /** `undefined`: withhold the line; else how many were withheld since the last one. */
  take(peer: string): number | undefined;
}

export function createLogBudget(clock: Clock): LogBudget {
  const peers = new Map<string, Budget>();
  const others: Budget = { lines: BURST, filledAt: 0, withheld: 0 };

  function refill(budget: Budget): void {
    const now = clock.monotonic();
    const gained = Math.floor((now - budget.filledAt) / REFILL_MS);
    if (gained <= 0) return;
    budget.lines = Math.min(BURST, budget.lines + gained);
    budget.filledAt += gained * REFILL_MS;
  }

  function budgetOf(peer: string): Budget {
    const known = peers.get(peer);
    if (known) return known;
    if (peers.size >= MOST_PEERS) {
      for (const [name, budget] of peers) {
        refill(budget);
        if (budget.lines === BURST) peers.delete(name);
      }
    }
    if (peers.size >= MOST_PEERS) return others;
    const budget: Budget = { lines: BURST, filledAt: clock.monotonic(), withheld: 0 };
    peers.set(peer, budget);
    return budget;
  }

  return {
    take(peer) {
      const budget = budgetOf(peer);
      refill(budget);
      if (budget.lines === 0) {
        budget.withheld += 1;
        return undefined;
      }
      budget.lines -= 1;
      const { withheld } = budget;
      budget.withheld = 0;
      return withheld;
    },
  };
}
