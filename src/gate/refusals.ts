// Part of "record": refusals, folded so that a flood of them neither fills the journal nor grows memory.
// Invariants: 1. the first refusal of a (peer, operation, reason, target) is written at once, later ones of the same minute become
// one row with their count; 2. the sum of all counts is the number of refusals; 3. a peer has a bounded number of keys, all peers
// together too, and what is beyond shares a row.

import type { Caller } from '../contract/gate.ts';
import type { DenialReason } from '../model/decision.ts';
import { type DecisionId, decisionId } from '../model/ids.ts';
import type { RefusalRow } from '../model/journal-row.ts';
import type { Counters } from './counters.ts';
import { describeWho, whoIs } from './describe.ts';
import { createExpiring } from './expiring.ts';
import type { Keeper } from './keeper.ts';
import type { LogBudget } from './log-budget.ts';
import type { GateOptions } from './options.ts';

const MINUTE_MS = 60_000;
const KEYS_OF_A_PEER = 64;
const KEYS = 1024;

/** A refusal before it is folded. */
interface Refused {
  readonly caller: Caller;
  readonly operation: string;
  readonly reason: DenialReason;
  readonly target?: string;
  /** Made only where a row or a line shows them. */
  effects(): RefusalRow['effects'];
  readonly revision?: number;
  /** One line for a person. */
  readonly detail: string;
}

const SEVERAL_TARGETS = { detail: 'several targets, not told apart' };
const SEVERAL_PEERS = {
  who: { principal: null, proof: { kind: 'none' }, from: 'several peers' },
  detail: 'several peers, not told apart',
} as const;

interface Fold {
  readonly row: RefusalRow;
  readonly peer: string;
  /** How many folds its peer has. */
  readonly keys: { count: number };
  later: number;
  since: number;
}

export interface Refusals {
  /** Writes or folds, and logs. The id is that of the row a person will find: the first one of its fold. */
  record(refused: Refused): DecisionId;
  flush(): void;
}

export function createRefusals(options: GateOptions, keeper: Keeper, counters: Counters, budget: LogBudget): Refusals {
  const { journal, log, clock, timers } = options;
  const keysOfPeer = new Map<string, Fold['keys']>();

  const folds = createExpiring<Fold>(MINUTE_MS, clock, timers, ({ row, peer, keys, later, since }) => {
    keys.count -= 1;
    if (keys.count === 0) keysOfPeer.delete(peer);
    if (later > 0) journal.note({ ...row, ...keeper.stamp(), count: later, since });
  });

  function tell({ caller, operation, reason, target, effects, revision, detail }: Refused, decision: string): void {
    const withheld = budget.take(caller.peer);
    if (withheld === undefined) {
      counters.log_lines_withheld += 1;
      return;
    }
    const who = whoIs(caller);
    const fields = {
      decision,
      principal: who.principal,
      proof: who.proof.kind,
      from: who.from,
      operation,
      reason,
      target,
      effects: effects().slice(0, 8),
      revision,
      detail,
      ...(withheld > 0 && { withheld }),
    };
    const what = target === undefined ? operation : `${operation} of \`${target}\``;
    const text = `${describeWho(who)}: ${what} denied ${reason}: ${detail}`;
    log.write('warn', 'change.refused', fields, text);
  }

  function begin(key: string, peer: string, refused: Refused, shared?: Partial<RefusalRow>): Fold {
    const { caller, operation, reason, target, revision, detail } = refused;
    const row: RefusalRow = {
      kind: 'refusal',
      ...keeper.stamp(),
      decision: options.newId('decision'),
      who: whoIs(caller),
      operation,
      reason,
      ...(target !== undefined && !shared && { target }),
      effects: shared ? [] : refused.effects(),
      ...(revision !== undefined && { revision }),
      detail,
      count: 1,
      ...shared,
    };
    const keys = keysOfPeer.get(peer) ?? { count: 0 };
    keys.count += 1;
    keysOfPeer.set(peer, keys);
    const folded: Fold = { row, peer, keys, later: 0, since: row.at };
    folds.add(key, folded);
    journal.note(row);
    return folded;
  }

  function foldIn(folded: Fold): Fold {
    if (folded.later === 0) folded.since = clock.now();
    folded.later += 1;
    counters.refusals_folded += 1;
    return folded;
  }

  /** The fold this refusal belongs to: its own, or where there are too many, one for each reason of this peer, else of all peers. */
  function place(refused: Refused): Fold {
    const { operation, reason, target = '' } = refused;
    const { peer } = refused.caller;
    // What was asked is part of it: an auditor looks for who was refused what. Octets behind the operation's name are not.
    const exact = `${peer}\n${reason}\n${operation.split(' ', 1)[0]}\n${target}`;
    const own = folds.get(exact);
    if (own) return foldIn(own);
    const hasRoom = folds.size < KEYS;
    if (hasRoom && (keysOfPeer.get(peer)?.count ?? 0) < KEYS_OF_A_PEER) return begin(exact, peer, refused);
    const whose = hasRoom ? peer : '';
    const key = `${whose}\n${reason}\n several`;
    const several = folds.get(key);
    if (several) return foldIn(several);
    return begin(key, whose, refused, hasRoom ? SEVERAL_TARGETS : SEVERAL_PEERS);
  }

  return {
    record(refused) {
      counters.changes_refused += 1;
      const decision = decisionId(place(refused).row.decision);
      tell(refused, decision);
      return decision;
    },
    flush() {
      folds.expireAll();
    },
  };
}
