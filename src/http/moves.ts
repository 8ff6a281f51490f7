// Requests to move a device to another location: kept until a policy in force has it there. Invariants: 1. a request is in the
// record and on the shelf before it is answered; 2. the gateway moves nothing by itself, the console's next policy does.

import { randomUUID } from 'node:crypto';
import type { Clock } from '../contract/clock.ts';
import type { Journal } from '../contract/journal.ts';
import type { Log } from '../contract/log.ts';
import type { Shelf } from '../contract/shelf.ts';
import type { PolicySnapshot } from '../policy/rights.ts';
import { treeOf } from './place-tree.ts';

const KIND = 'move';
const MOST_KEPT = 500;
export const MOST_OPEN = 200;
/** Of one person, so that nobody takes the others' room. */
export const MOST_OPEN_EACH = 50;

export interface Move {
  readonly id: string;
  readonly device: string;
  readonly from: string;
  readonly to: string;
  /** The principal who asked. */
  readonly by: string;
  /** ms since 1970. */
  readonly at: number;
  readonly state: 'open' | 'fulfilled' | 'withdrawn';
  readonly endedAt?: number;
  readonly note?: string;
  readonly why?: string;
}

export interface Moves {
  /** The newest first. */
  list(): readonly Move[];
  get(id: string): Move | undefined;
  /** Rejects where it cannot be made durable. */
  request(asked: Pick<Move, 'device' | 'from' | 'to' | 'by' | 'note'>): Promise<Move>;
  /** `undefined`: it is not open. */
  withdraw(id: string, by: string): Promise<Move | undefined>;
  /** After a swap of the policy: what it fulfilled, and what it made senseless. */
  look(): void;
}

interface MoveServices {
  readonly shelf: Shelf;
  readonly journal: Pick<Journal, 'append' | 'note'>;
  readonly clock: Clock;
  readonly log: Log;
  policy(): PolicySnapshot | undefined;
}

export function createMoves({ shelf, journal, clock, log, policy }: MoveServices): Moves {
  const moves = new Map<string, Move>();
  for (const { id, body } of shelf.list(KIND)) moves.set(id, JSON.parse(body) as Move);

  async function save(move: Move): Promise<void> {
    await shelf.put(KIND, { id: move.id, at: move.at, body: JSON.stringify(move) });
  }

  function rowOf(event: string, { id, device, from, to, by, note, why }: Move, actor: string) {
    const said = { ...(note !== undefined && { note }), ...(why !== undefined && { why }) };
    const detail = { move: id, principal: actor, asker: by, targets: [device], from, to, ...said };
    return { kind: 'system', at: clock.now(), event, detail } as const;
  }

  function trim(): void {
    const ended = [...moves.values()].filter(({ state }) => state !== 'open').sort((a, b) => a.at - b.at);
    for (const { id } of ended.slice(0, Math.max(0, moves.size - MOST_KEPT))) {
      moves.delete(id);
      void shelf.remove(KIND, id).catch(() => undefined);
    }
  }

  /** Settled by a policy: after a restart it is looked at again, so a full disk does no harm. */
  function settle(move: Move, event: string, end: Pick<Move, 'state' | 'why'>): void {
    const settled: Move = { ...move, ...end, endedAt: clock.now() };
    moves.set(move.id, settled);
    journal.note(rowOf(event, settled, move.by));
    save(settled).catch((error: unknown) => {
      const fields = { move: move.id, why: String(error) };
      log.write('error', 'move.not-saved', fields, `move request \`${move.id}\` could not be saved: ${fields.why}`);
    });
  }

  return {
    list: () => [...moves.values()].sort((a, b) => b.at - a.at || (a.id < b.id ? -1 : 1)),
    get: (id) => moves.get(id),
    async request(asked) {
      const move: Move = { id: `m-${randomUUID()}`, ...asked, at: clock.now(), state: 'open' };
      // Known at once, so that nobody asks the same meanwhile.
      moves.set(move.id, move);
      try {
        await journal.append(rowOf('move-requested', move, move.by));
        await save(move);
      } catch (error) {
        moves.delete(move.id);
        throw error;
      }
      trim();
      return move;
    },
    async withdraw(id, by) {
      const move = moves.get(id);
      if (move?.state !== 'open') return undefined;
      const withdrawn: Move = { ...move, state: 'withdrawn', endedAt: clock.now() };
      moves.set(id, withdrawn);
      try {
        await journal.append(rowOf('move-withdrawn', withdrawn, by));
        await save(withdrawn);
      } catch (error) {
        moves.set(id, move);
        throw error;
      }
      return withdrawn;
    },
    look() {
      const snapshot = policy();
      if (!snapshot) return;
      const { inventory } = snapshot;
      for (const move of moves.values()) {
        if (move.state !== 'open') continue;
        const device = inventory.find(move.device);
        const to = inventory.find(move.to);
        if (device === undefined || to === undefined) {
          const why = `the policy holds \`${device === undefined ? move.device : move.to}\` no more`;
          settle(move, 'move-withdrawn', { state: 'withdrawn', why });
        } else if (treeOf(inventory).parent(device) === to) settle(move, 'move-fulfilled', { state: 'fulfilled' });
      }
    },
  };
}
