// Sessions of the page, in memory: a restart ends them all. Invariants: 1. only a hash of the cookie is kept; 2. a session ends
// idle, at its longest, on sign-out, and with another browser's name; 3. how many there are is bounded.

import { createHash, randomBytes } from 'node:crypto';
import type { Clock } from '../contract/clock.ts';
import type { ProviderIdentity } from '../model/decision.ts';
import type { PrincipalId } from '../model/ids.ts';

const MOST_SESSIONS = 2048;
const MOST_PER_PERSON = 16;

export interface WebSession {
  /** Public: shown in lists and in the record. */
  readonly id: string;
  readonly principal: PrincipalId;
  readonly identity?: ProviderIdentity;
  readonly name: string;
  readonly address: string;
  readonly userAgent: string;
  /** ms since 1970. */
  readonly since: number;
  readonly until: number;
  /** Tool sessions claimed in it end with it. */
  readonly tools: Set<string>;
}

interface Held extends WebSession {
  readonly key: string;
  readonly endsAt: number;
  seenAt: number;
  lastSeen: number;
}

export interface NewSession {
  readonly principal: PrincipalId;
  readonly identity?: ProviderIdentity;
  readonly name: string;
  readonly address: string;
  readonly userAgent: string;
}

export interface WebSessions {
  /** The cookie's value is given once. */
  open(session: NewSession): { readonly session: WebSession; readonly token: string };
  /** The session of a cookie, kept awake. */
  use(token: string, userAgent: string): WebSession | undefined;
  /** Still open, without keeping it awake. */
  isOpen(id: string): boolean;
  list(): readonly (WebSession & { readonly lastSeen: number })[];
  end(id: string, why: string): boolean;
  /** Ends what is idle or has become too old. */
  sweep(): void;
  readonly size: number;
}

export function createWebSessions(
  clock: Clock,
  { idleMs, longestMs }: { readonly idleMs: number; readonly longestMs: number },
  ended: (session: WebSession, why: string) => void,
): WebSessions {
  const byKey = new Map<string, Held>();
  const byId = new Map<string, Held>();

  function close(session: Held, why: string): void {
    byKey.delete(session.key);
    byId.delete(session.id);
    ended(session, why);
  }

  function overdue(session: Held): string | undefined {
    const now = clock.monotonic();
    if (now >= session.endsAt) return 'its time is up';
    return now - session.seenAt >= idleMs ? 'it was idle' : undefined;
  }

  return {
    open(session) {
      const own = [...byKey.values()].filter(({ principal }) => principal === session.principal);
      if (own.length >= MOST_PER_PERSON && own[0]) close(own[0], 'the person has too many sessions');
      const [oldest] = byKey.values();
      if (byKey.size >= MOST_SESSIONS && oldest) close(oldest, 'there are too many sessions');
      const token = randomBytes(32).toString('base64url');
      const now = clock.now();
      const held: Held = {
        ...session,
        id: `w-${randomBytes(9).toString('base64url')}`,
        key: keyOf(token),
        since: now,
        until: now + longestMs,
        endsAt: clock.monotonic() + longestMs,
        seenAt: clock.monotonic(),
        lastSeen: now,
        tools: new Set(),
      };
      byKey.set(held.key, held);
      byId.set(held.id, held);
      return { session: held, token };
    },
    use(token, userAgent) {
      const session = byKey.get(keyOf(token));
      if (!session) return undefined;
      const why = overdue(session) ?? (session.userAgent === userAgent ? undefined : 'another browser came with it');
      if (why !== undefined) {
        close(session, why);
        return undefined;
      }
      session.seenAt = clock.monotonic();
      session.lastSeen = clock.now();
      return session;
    },
    isOpen(id) {
      const session = byId.get(id);
      return session !== undefined && overdue(session) === undefined;
    },
    list: () => [...byId.values()],
    end(id, why) {
      const session = byId.get(id);
      if (session) close(session, why);
      return session !== undefined;
    },
    sweep() {
      for (const session of [...byId.values()]) {
        const why = overdue(session);
        if (why !== undefined) close(session, why);
      }
    },
    get size() {
      return byId.size;
    },
  };
}

const keyOf = (token: string): string => createHash('sha256').update(token).digest('hex');
