// The hook before every route: who asks, and whether the browser was led here by somebody else. Invariants: 1. a route that does
// not say `open` is answered only to who is signed in and stands now; 2. a cookie counts for a change only from our own page;
// 3. a bearer token is compared as a hash, and one that is nobody's is not made good by a certificate.
import { createHash, timingSafeEqual } from 'node:crypto';
import '@fastify/cookie';
import type { FastifyRequest } from 'fastify';
import { principalId } from '../model/ids.ts';
import type { Person, PolicySnapshot } from '../policy/rights.ts';
import { hasToken } from '../policy/token.ts';
import { type Asker, standsNow } from './asker.ts';
import { byCertificate, ownerOf as ownerOfCertificate } from './by-certificate.ts';
import type { Context } from './context.ts';
import { originOf, peerOf } from './peer-address.ts';
import { noPolicy, notSignedIn, Problem } from './problem.ts';
import type { WebSession } from './web-sessions.ts';

export const SESSION_COOKIE = '__Host-gatehouse';
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);

export function authenticate(context: Context, request: FastifyRequest): void {
  const { gate, clock } = context.options;
  const isOpen = request.routeOptions.config.open === true;
  const bearer = bearerOf(request);
  const cookie = request.cookies[SESSION_COOKIE];
  // Also before signing in: nobody is to be signed in by somebody else's page.
  if (!SAFE.has(request.method) && bearer === undefined)
    refuseForeign(request, cookie !== undefined, context.options.settings.origin);
  if (isOpen && bearer === undefined && cookie === undefined) return;
  const snapshot = gate.policy();
  if (!snapshot) {
    if (isOpen) return;
    throw noPolicy();
  }
  const asker =
    bearer !== undefined
      ? byToken(snapshot, request, bearer)
      : (bySession(context, request, cookie) ?? byCertificate(snapshot, gate, clock, request));
  if (!asker) {
    if (isOpen) return;
    throw notSignedIn();
  }
  const standing = standsNow(snapshot, asker.caller, clock);
  if (standing !== 'stands') {
    if (asker.session) context.sessions.end(asker.session.id, standing === 'locked' ? 'a lock is in force' : 'revoked');
    if (isOpen) return;
    throw notSignedIn(standing === 'locked' ? 'a lock is in force' : undefined);
  }
  request.asker = asker;
}

function bySession(context: Context, request: FastifyRequest, cookie: string | undefined): Asker | undefined {
  const session = cookie === undefined ? undefined : context.sessions.use(cookie, userAgentOf(request));
  return session && askerOfSession(session, request);
}

export function askerOfSession(session: WebSession, request: FastifyRequest): Asker {
  const { principal, identity, name } = session;
  return {
    kind: identity ? 'provider' : 'user',
    name,
    session,
    caller: {
      principal,
      channel: 'local',
      proof: { kind: 'sign-in', session: session.id },
      from: originOf(request),
      peer: peerOf(request),
      ...(identity && { identity }),
    },
  };
}

function byToken({ rights }: PolicySnapshot, request: FastifyRequest, token: string): Asker | undefined {
  const found = ownerOf(rights.people.values(), token);
  if (!found) return undefined;
  return {
    kind: 'application',
    name: found.name,
    caller: {
      principal: principalId(found.id),
      channel: 'local',
      proof: { kind: 'token', token: hashOf(token).toString('hex').slice(0, 12) },
      from: originOf(request),
      peer: peerOf(request),
    },
  };
}

/** Whose token it is: the policy holds `sha256:<hex>` of each. */
function ownerOf(people: Iterable<Person>, token: string): Person | undefined {
  const hash = hashOf(token);
  let found: Person | undefined;
  for (const person of people) {
    if (person.kind !== 'application' || person.disabled) continue;
    for (const entry of person.tokens) {
      const [, hex] = /^sha256:([0-9a-f]{64})$/i.exec(entry) ?? [];
      if (hex !== undefined && timingSafeEqual(Buffer.from(hex, 'hex'), hash)) found ??= person;
    }
  }
  return found;
}

/** The asker of a stream: its session is open still, or the policy still knows its token or certificate. */
export function isProvenStill(context: Pick<Context, 'sessions' | 'options'>, { session, caller }: Asker): boolean {
  if (session) return context.sessions.isOpen(session.id);
  const { proof, principal } = caller;
  const { gate, clock } = context.options;
  if (caller.until !== undefined && clock.now() >= caller.until) return false;
  if (proof.kind === 'certificate') return ownerOfCertificate(gate, proof, caller.peer, 0) === principal;
  return proof.kind === 'token' && hasToken(gate.policy()?.rights.people.get(principal), proof.token);
}

const hashOf = (token: string): Buffer => createHash('sha256').update(token).digest();

function bearerOf({ headers }: FastifyRequest): string | undefined {
  const [, token] = /^Bearer +([A-Za-z0-9._~+/-]{16,512}=*)$/i.exec(headers.authorization ?? '') ?? [];
  if (headers.authorization !== undefined && token === undefined) throw notSignedIn('expected `Bearer` and a token');
  return token;
}

export function userAgentOf({ headers }: FastifyRequest): string {
  return (headers['user-agent'] ?? '').slice(0, 300);
}

/** `Sec-Fetch-Site` where the browser says it, else `Origin`; with a cookie one of them has to be there. */
function refuseForeign({ headers }: FastifyRequest, hasCookie: boolean, known: string | undefined): void {
  const site = headers['sec-fetch-site'];
  const { origin, host } = headers;
  const isNamed =
    origin !== undefined && [known, `https://${host}`].some((own) => own?.toLowerCase() === origin.toLowerCase());
  const isOwn = site !== undefined ? site === 'same-origin' : origin === undefined ? !hasCookie : isNamed;
  if (isOwn && (origin === undefined || isNamed)) return;
  const detail = 'changes are taken from the gateway’s own page only';
  throw new Problem({ title: 'foreign origin', status: 403, detail });
}
