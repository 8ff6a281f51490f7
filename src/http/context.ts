// What every route has at hand, and the one shape in which routes are registered.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Server } from 'node:https';
import type { FastifyBaseLogger, FastifyInstance, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { PolicySnapshot } from '../policy/rights.ts';
import { type Asker, mayIn } from './asker.ts';
import type { Attempts } from './attempts.ts';
import type { EventStreams } from './event-streams.ts';
import type { FoundOverrides } from './found-overrides.ts';
import type { IdentityProviders } from './identity-provider.ts';
import type { JournalTail } from './journal-tail.ts';
import type { LiveValues } from './live-values.ts';
import type { Moves } from './moves.ts';
import type { HttpOptions } from './options.ts';
import type { Passwords } from './password.ts';
import { noPolicy, notPermitted, notSignedIn } from './problem.ts';
import type { Replies } from './replies.ts';
import type { Sight, Sights } from './sight.ts';
import type { ToolClaims } from './tool-claims.ts';
import type { Trends } from './trend.ts';
import type { WebSessions } from './web-sessions.ts';
import type { WorkEvents } from './work-events.ts';

export type App = FastifyInstance<Server, IncomingMessage, ServerResponse, FastifyBaseLogger, ZodTypeProvider>;

declare module 'fastify' {
  interface FastifyRequest {
    /** `null` before, and where nobody is signed in. */
    asker: Asker | null;
  }
  interface FastifyContextConfig {
    /** Anybody may ask; default: only who is signed in. */
    open?: true;
  }
}

export interface Context {
  readonly options: HttpOptions;
  readonly sights: Sights;
  readonly sessions: WebSessions;
  readonly streams: EventStreams;
  readonly live: LiveValues;
  readonly trends: Trends;
  readonly found: FoundOverrides;
  readonly attempts: Attempts;
  readonly passwords: Passwords;
  readonly providers: IdentityProviders;
  readonly replies: Replies;
  readonly claims: ToolClaims;
  readonly tail: JournalTail;
  readonly moves: Moves;
  readonly work: WorkEvents;
  readonly headers: { readonly [name: string]: string };
}

/** The signed-in one; the hook before has seen to it. */
export function askerOf(request: Pick<FastifyRequest, 'asker'>): Asker {
  if (!request.asker) throw notSignedIn();
  return request.asker;
}

export function policyOf({ options }: Context): PolicySnapshot {
  const snapshot = options.gate.policy();
  if (!snapshot) throw noPolicy();
  return snapshot;
}

export function sightOf({ sights }: Context, request: Pick<FastifyRequest, 'asker'>): Sight {
  const sight = sights.of(askerOf(request).caller);
  if (!sight) throw noPolicy();
  return sight;
}

/** @throws Problem 403 where the right is not held in the asker's own organization */
export function demand(context: Context, request: Pick<FastifyRequest, 'asker'>, action: string): PolicySnapshot {
  const snapshot = policyOf(context);
  const { caller } = askerOf(request);
  if (!mayIn(snapshot, caller, context.options.clock, action)) {
    throw notPermitted(action, snapshot.header.revision);
  }
  return snapshot;
}

/** The cursor of a list: where the next page begins, told to nobody. */
export const cursorOf = (text: string): string => Buffer.from(text, 'utf8').toString('base64url');
export const fromCursor = (cursor: string): string => Buffer.from(cursor, 'base64url').toString('utf8');
