// Idempotency keys: the same write with the same key is carried out once, also over a restart. Invariants: 1. a key is durable
// before its write begins; 2. the same key with another body is a fault; 3. a key whose write was cut off says so; 4. whoever uses
// many keys makes the gateway forget the oldest of those, and nobody else's.

import { createHash } from 'node:crypto';
import type { Clock } from '../contract/clock.ts';
import type { Shelf } from '../contract/shelf.ts';
import { FairShares } from './fair-shares.ts';
import { Problem, tooMany } from './problem.ts';
import type { ApiProblem } from './schema-shared.ts';

const KIND = 'reply';
const PLACES = { ofOne: 2000, ofAll: 10_000 } as const;
const KEPT_MS = 86_400_000;

interface Stored {
  /** Whose key it is. */
  readonly principal: string;
  readonly body: string;
  readonly status?: number;
  readonly reply?: unknown;
}

export interface Replies {
  /** Runs the work, or gives what it gave before. Without a key it just runs. */
  once<T>(principal: string, key: string | undefined, route: string, body: unknown, work: () => Promise<T>): Promise<T>;
}

export function createReplies(shelf: Shelf, clock: Clock): Replies {
  const underWay = new Set<string>();
  const shares = new FairShares(PLACES);
  for (const { id, body } of shelf.list(KIND)) shares.add((JSON.parse(body) as Stored).principal, id);

  async function keep(id: string, stored: Stored): Promise<void> {
    await shelf.put(KIND, { id, at: clock.now(), body: JSON.stringify(stored) });
    const gone = shares.add(stored.principal, id);
    if (gone !== undefined) await shelf.remove(KIND, gone);
    if (gone === id) throw tooMany('others’ keys take every place there is', 3600);
  }

  return {
    async once(principal, key, route, body, work) {
      if (key === undefined) return work();
      if (!/^[\x21-\x7e]{1,128}$/.test(key)) {
        throw problem(400, 'invalid idempotency key', 'expected 1 to 128 printable characters without spaces');
      }
      const id = digest(`${principal}\n${route}\n${key}`);
      const fingerprint = digest(JSON.stringify(body));
      if (underWay.has(id)) throw problem(409, 'still at work', 'the first request with this key is not done yet');
      const before = shelf.get(KIND, id);
      if (before && clock.now() - before.at < KEPT_MS) {
        const stored = JSON.parse(before.body) as Stored;
        if (stored.body !== fingerprint) {
          throw problem(422, 'idempotency key reused', 'this key came with another body before');
        }
        if (stored.status === undefined) {
          throw problem(409, 'outcome unknown', 'the gateway stopped during the first request: see the record');
        }
        if (stored.status >= 400) throw new Problem(stored.reply as ApiProblem);
        // Made by this very route from the same schema.
        return stored.reply as Awaited<ReturnType<typeof work>>;
      }
      underWay.add(id);
      try {
        await keep(id, { principal, body: fingerprint });
        const reply = await work();
        await keep(id, { principal, body: fingerprint, status: 200, reply });
        return reply;
      } catch (error) {
        if (error instanceof Problem && error.body.status >= 500) {
          shares.drop(id);
          await shelf.remove(KIND, id);
        } else if (error instanceof Problem) {
          await keep(id, { principal, body: fingerprint, status: error.body.status, reply: error.body });
        }
        throw error;
      } finally {
        underWay.delete(id);
      }
    },
  };
}

const digest = (text: string): string => createHash('sha256').update(text).digest('base64url');
const problem = (status: number, title: string, detail: string): Problem => new Problem({ title, status, detail });
