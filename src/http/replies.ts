// Idempotency keys: the same write with the same key is carried out once, also over a restart. Invariants: 1. a key is durable
// before its write begins; 2. the same key with another body is a fault; 3. a key whose write was cut off says so.

import { createHash } from 'node:crypto';
import type { Clock } from '../contract/clock.ts';
import type { Shelf } from '../contract/shelf.ts';
import { Problem } from './problem.ts';
import type { ApiProblem } from './schema-shared.ts';

const KIND = 'reply';
const MOST_KEPT = 2000;
const KEPT_MS = 86_400_000;
const TRIM_EVERY = 50;

interface Stored {
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
  let written = 0;

  async function keep(id: string, stored: Stored): Promise<void> {
    await shelf.put(KIND, { id, at: clock.now(), body: JSON.stringify(stored) });
    written += 1;
    if (written % TRIM_EVERY === 0) await shelf.trim(KIND, MOST_KEPT);
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
        await keep(id, { body: fingerprint });
        const reply = await work();
        await keep(id, { body: fingerprint, status: 200, reply });
        return reply;
      } catch (error) {
        if (error instanceof Problem && error.body.status >= 500) await shelf.remove(KIND, id);
        else if (error instanceof Problem) {
          await keep(id, { body: fingerprint, status: error.body.status, reply: error.body });
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
