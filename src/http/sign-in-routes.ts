// Signing in and out, who one is, and the sessions of the page.

import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { ACTIONS } from '../model/action.ts';
import { type PrincipalId, principalId } from '../model/ids.ts';
import type { SessionRow } from '../model/journal-row.ts';
import { circumstancesOf } from '../policy/decide.ts';
import type { PolicySnapshot } from '../policy/rights.ts';
import { isLive } from '../policy/weigh.ts';
import { askedBy, holderOf, holdsSomewhere, mayIn, standsNow } from './asker.ts';
import { askerOfSession, SESSION_COOKIE, userAgentOf } from './authenticate.ts';
import { type App, askerOf, type Context, policyOf, sightOf } from './context.ts';
import { ProviderFault, TooManyBegun } from './identity-provider.ts';
import { originOf, peerOf } from './peer-address.ts';
import { noPolicy, notFound, notPermitted, notSignedIn, Problem, tooMany } from './problem.ts';
import { idText, problems } from './schema-shared.ts';
import { type ApiMe, meSchema, signInBody, waysSchema, webSessionSchema } from './schema-sign-in.ts';
import { sendBack, toldOnPage } from './way-back.ts';
import type { NewSession, WebSession } from './web-sessions.ts';

const PROVIDER_COOKIE = '__Host-gatehouse-provider';
const COOKIE = { path: '/', secure: true, httpOnly: true } as const;

export function signInRoutes(app: App, context: Context): void {
  const { options, sessions, attempts, passwords, providers } = context;
  const { gate, clock, journal, log } = options;

  function begin(
    request: FastifyRequest,
    reply: FastifyReply,
    person: Omit<NewSession, 'address' | 'userAgent'>,
  ): void {
    const address = peerOf(request);
    const opened = sessions.open({ ...person, address, userAgent: userAgentOf(request) });
    reply.setCookie(SESSION_COOKIE, opened.token, { ...COOKIE, sameSite: 'strict' });
    journal.note(sessionRow(context, 'opened', opened.session));
    request.asker = askerOfSession(opened.session, request);
  }

  app.route({
    method: 'GET',
    url: '/api/v1/sign-in',
    config: { open: true },
    schema: { summary: 'the ways to sign in', tags: ['sign-in'], response: { 200: waysSchema, ...problems } },
    handler: () => {
      const snapshot = gate.policy();
      const offered = snapshot ? providers.offered(snapshot) : [];
      return {
        password: true,
        providers: offered.map(({ id, name }) => ({
          organization: id,
          name,
          path: `/api/v1/sign-in/provider?organization=${encodeURIComponent(id)}`,
        })),
      };
    },
  });

  app.route({
    method: 'POST',
    url: '/api/v1/sign-in',
    config: { open: true },
    schema: {
      summary: 'sign in by password',
      tags: ['sign-in'],
      body: signInBody,
      response: { 200: meSchema, ...problems },
    },
    handler: async (request, reply) => {
      const snapshot = gate.policy();
      if (!snapshot) throw noPolicy();
      const { login, password } = request.body;
      const address = peerOf(request);
      const seconds = attempts.wait(address, login);
      if (seconds > 0) throw tooMany('too many failed sign-ins: wait', seconds);
      // Counted before the answer is known, so that many at once do not pass together.
      attempts.failed(address, login);
      const person = await passwords.check(snapshot.rights, login, password);
      if (person === 'busy') throw tooMany('too many sign-ins at once', 2);
      const now = policyOf(context);
      const caller = person && { ...bare(principalId(person.id)), from: originOf(request), peer: address };
      const standing = caller ? standsNow(now, caller, clock) : 'unknown';
      if (!person || standing === 'unknown') {
        log.write('warn', 'sign-in.failed', { from: originOf(request) }, `a sign-in from ${originOf(request)} failed`);
        // A login that nobody has may be a password in the wrong field.
        const known = snapshot.rights.people.has(login) ? { login } : {};
        const detail = { ...known, from: originOf(request) };
        journal.note({ kind: 'system', at: clock.now(), event: 'sign-in-failed', detail });
        throw notSignedIn('login and password do not belong together');
      }
      attempts.succeeded(address, login);
      if (standing === 'locked') throw new Problem({ title: 'locked', status: 403, detail: 'a lock is in force' });
      begin(request, reply, { principal: principalId(person.id), name: person.name });
      return meOf(context, request);
    },
  });

  app.route({
    method: 'GET',
    url: '/api/v1/sign-in/provider',
    config: { open: true },
    schema: {
      summary: 'go to the identity provider of an organization',
      tags: ['sign-in'],
      querystring: z.object({ organization: idText }),
      response: { 302: z.null().describe('to the provider'), ...problems },
    },
    errorHandler: toldOnPage(app),
    handler: async (request, reply) => {
      const offered = providers.offered(policyOf(context)).find(({ id }) => id === request.query.organization);
      if (!offered) throw notFound('identity provider');
      const started = await told(() => providers.begin(offered, callbackOf(context, request), peerOf(request)));
      // Lax: it must come along when the provider sends the browser back.
      reply.setCookie(PROVIDER_COOKIE, started.handle, { ...COOKIE, sameSite: 'lax', maxAge: 600 });
      return reply.redirect(started.url, 302);
    },
  });

  app.route({
    method: 'GET',
    url: '/api/v1/sign-in/provider/return',
    config: { open: true },
    schema: {
      summary: 'where the identity provider sends the browser back',
      tags: ['sign-in'],
      response: { 200: z.string(), ...problems },
    },
    errorHandler: toldOnPage(app),
    handler: async (request, reply) => {
      const handle = request.cookies[PROVIDER_COOKIE] ?? '';
      const [, query = ''] = request.url.split('?');
      const person = await told(() => providers.finish(policyOf(context), handle, query));
      const snapshot = policyOf(context);
      const caller = {
        ...bare(person.principal),
        identity: person.identity,
        from: originOf(request),
        peer: peerOf(request),
      };
      const standing = standsNow(snapshot, caller, clock);
      if (standing === 'unknown') {
        throw new Problem({
          title: 'no sign-in',
          status: 403,
          detail: 'your identity provider knows you, but the policy gives you neither a role nor a default role',
          denied: [{ reason: 'no-sign-in' }],
        });
      }
      if (standing === 'locked') throw new Problem({ title: 'locked', status: 403, detail: 'a lock is in force' });
      reply.clearCookie(PROVIDER_COOKIE, COOKIE);
      begin(request, reply, person);
      return sendBack(reply);
    },
  });

  app.route({
    method: 'POST',
    url: '/api/v1/sign-out',
    schema: {
      summary: 'sign out; ends the tool sessions claimed here',
      tags: ['sign-in'],
      response: { 204: z.null(), ...problems },
    },
    handler: (request, reply) => {
      const { session } = askerOf(request);
      if (session) sessions.end(session.id, 'signed out');
      reply.clearCookie(SESSION_COOKIE, COOKIE);
      reply.code(204);
      return null;
    },
  });

  app.route({
    method: 'GET',
    url: '/api/v1/me',
    schema: { summary: 'who you are', tags: ['sign-in'], response: { 200: meSchema, ...problems } },
    handler: (request) => meOf(context, request),
  });

  app.route({
    method: 'GET',
    url: '/api/v1/sessions',
    schema: {
      summary: 'open sessions of the page: yours, and with `user.manage` those of your organization',
      tags: ['sign-in'],
      response: { 200: z.object({ items: z.array(webSessionSchema) }), ...problems },
    },
    handler: (request) => {
      const asker = askerOf(request);
      const visible = sessions.list().filter((session) => mayManage(context, request, session));
      return {
        items: visible.map((session) => ({
          id: session.id,
          principal: session.principal,
          name: session.name,
          address: session.address,
          userAgent: session.userAgent,
          since: session.since,
          lastSeen: session.lastSeen,
          until: session.until,
          own: session.principal === asker.caller.principal,
          current: session.id === asker.session?.id,
        })),
      };
    },
  });

  app.route({
    method: 'DELETE',
    url: '/api/v1/sessions/:id',
    schema: {
      summary: 'end a session of the page',
      tags: ['sign-in'],
      params: z.object({ id: idText }),
      response: { 204: z.null(), ...problems },
    },
    handler: (request, reply) => {
      const session = sessions.list().find(({ id }) => id === request.params.id);
      if (!session || !mayManage(context, request, session)) throw notFound('session');
      sessions.end(session.id, `ended by \`${askerOf(request).caller.principal}\``);
      reply.code(204);
      return null;
    },
  });
}

/** One's own, or of somebody at home where one may manage users. */
function mayManage(context: Context, request: FastifyRequest, { principal, identity }: WebSession): boolean {
  const { caller } = askerOf(request);
  if (principal === caller.principal) return true;
  const snapshot = policyOf(context);
  const home = holderOf(snapshot, { ...bare(principal), from: '', peer: '', ...(identity && { identity }) })?.home;
  return home !== undefined && mayIn(snapshot, caller, context.options.clock, 'user.manage', home);
}

export function sessionRow(
  { options }: Context,
  event: SessionRow['event'],
  session: WebSession,
  why?: string,
): SessionRow {
  const { id, principal, address, until } = session;
  return {
    kind: 'session',
    at: options.clock.now(),
    event,
    session: id,
    principal,
    address,
    until,
    who: { principal, channel: 'local', proof: { kind: 'sign-in', session: id }, from: address },
    ...(why !== undefined && { why }),
  };
}

const bare = (principal: PrincipalId) => ({ principal, channel: 'local', proof: { kind: 'none' } }) as const;

function callbackOf({ options }: Context, { headers }: FastifyRequest): string {
  return `${options.settings.origin ?? `https://${headers.host}`}/api/v1/sign-in/provider/return`;
}

async function told<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof TooManyBegun) throw tooMany('too many sign-ins at once', 60);
    if (!(error instanceof ProviderFault)) throw error;
    throw new Problem({ title: 'identity provider failed', status: 502, detail: error.message });
  }
}

function meOf(context: Context, request: FastifyRequest): ApiMe {
  const { clock, settings } = context.options;
  const { caller, kind, name, session } = askerOf(request);
  const snapshot = policyOf(context);
  const holder = holderOf(snapshot, caller);
  if (!holder?.home) throw notPermitted('sign-in', snapshot.header.revision);
  const home = homeOf(snapshot, request, context);
  const can = Object.entries(ACTIONS).filter(([action, { level }]) =>
    level === 'site' ? holdsSomewhere(snapshot, caller, clock, action) : mayIn(snapshot, caller, clock, action),
  );
  return {
    principal: caller.principal,
    name,
    kind,
    organization: { id: holder.home.id, name: holder.home.name },
    can: can.map(([action]) => action),
    policyRevision: snapshot.header.revision,
    ...(home && { home }),
    ...(session && { session: { id: session.id, idleMs: settings.idleMs ?? 1_800_000, until: session.until } }),
  };
}

/** The home of the first role held that names one, where it may be seen. */
function homeOf(snapshot: PolicySnapshot, request: FastifyRequest, context: Context): ApiMe['home'] {
  const { caller } = askerOf(request);
  const holder = holderOf(snapshot, caller);
  const sight = sightOf(context, request);
  for (const organization of snapshot.rights.organizations) {
    const holding = holder?.in(organization);
    if (!holding) continue;
    const now = circumstancesOf(organization, holding, {
      ...askedBy(caller, context.options.clock),
      action: '',
      targets: [],
    });
    for (const held of holding.grants) {
      if (!isLive(now, held)) continue;
      const home = organization.roles.get(held.grant.role ?? '')?.home;
      const handle = home === undefined ? undefined : sight.location(home);
      if (home !== undefined && handle !== undefined) return { id: home, name: snapshot.inventory.nameOf(handle) };
    }
  }
  return undefined;
}
