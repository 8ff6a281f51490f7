// The HTTP side as one thing: TLS, headers, hooks, routes, the page. Invariants: 1. every answer carries the security headers;
// 2. bodies, headers, connections and time are bounded; 3. a fault of ours tells the peer nothing but that there is one.

import { networkInterfaces } from 'node:os';
import cookie from '@fastify/cookie';
import files from '@fastify/static';
import swagger from '@fastify/swagger';
import fastify, { type FastifyError } from 'fastify';
import {
  hasZodFastifySchemaValidationErrors,
  jsonSchemaTransform,
  jsonSchemaTransformObject,
  serializerCompiler,
  validatorCompiler,
  type ZodTypeProvider,
} from 'fastify-type-provider-zod';
import { StartFault } from '../contract/driver.ts';
import { AddressMissing } from '../contract/late-opening.ts';
import { adminRoutes } from './admin-routes.ts';
import { alarmRoutes } from './alarm-routes.ts';
import { createAttempts } from './attempts.ts';
import { authenticate, isProvenStill } from './authenticate.ts';
import { browseRoutes } from './browse-routes.ts';
import { boundConnections, USUAL_BOUNDS } from './connections.ts';
import type { App, Context } from './context.ts';
import { createEventStreams } from './event-streams.ts';
import { createFoundOverrides } from './found-overrides.ts';
import { createIdentityProviders } from './identity-provider.ts';
import { imageRoutes } from './image-routes.ts';
import { jobRoutes } from './job-routes.ts';
import { createJournalTail } from './journal-tail.ts';
import { createLiveValues } from './live-values.ts';
import { moveRoutes } from './move-routes.ts';
import { createMoves } from './moves.ts';
import type { HttpOptions, RunningHttp } from './options.ts';
import { createPasswords } from './password.ts';
import { pointRoutes } from './point-routes.ts';
import { invalid, Problem } from './problem.ts';
import { createReplies } from './replies.ts';
import { createSights } from './sight.ts';
import { sessionRow, signInRoutes } from './sign-in-routes.ts';
import { contextOf, type TlsFiles, watchClients } from './tls-files.ts';
import { createToolClaims } from './tool-claims.ts';
import { toolRoutes } from './tool-routes.ts';
import { transferRoutes } from './transfer-routes.ts';
import { createTrends } from './trend.ts';
import { createWebSessions, type WebSession, type WebSessions } from './web-sessions.ts';
import { createWorkEvents } from './work-events.ts';
import { writeRoutes } from './write-routes.ts';

const BODY_BYTES = 131_072;
const CONNECTIONS = 1024;
const REQUEST_MS = 10_000;
const SWEEP_MS = 30_000;

const SECURITY_HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), microphone=(), geolocation=()',
  'strict-transport-security': 'max-age=31536000',
} as const;

interface BuiltHttp {
  readonly app: App;
  readonly context: Context;
  /** Method and path of everything that is served. */
  readonly routes: readonly (readonly [method: string, path: string])[];
  renew(files: TlsFiles): boolean;
  close(): Promise<void>;
}

/** The application with everything registered, not listening yet: for `createHttp` and for tests of its routes. */
export async function buildHttp(options: HttpOptions): Promise<BuiltHttp> {
  const { settings, gate, timers, log } = options;
  const { requestMs = REQUEST_MS } = settings;
  const app: App = fastify({
    https: {
      ...contextOf(settings),
      handshakeTimeout: requestMs,
      connectionsCheckingInterval: requestMs / 4,
      // People show none, so that what was shown is looked at for each request.
      ...(settings.clientCa !== undefined && { requestCert: true, rejectUnauthorized: false }),
    },
    bodyLimit: BODY_BYTES,
    requestTimeout: requestMs,
    connectionTimeout: 0,
    keepAliveTimeout: 15_000,
    routerOptions: { maxParamLength: 300, ignoreTrailingSlash: false },
    forceCloseConnections: true,
    exposeHeadRoutes: false,
  }).withTypeProvider<ZodTypeProvider>();
  app.server.maxConnections = CONNECTIONS;
  app.server.headersTimeout = requestMs;
  boundConnections(app.server, options.clock, settings.connections ?? USUAL_BOUNDS);
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);

  const context = contextFor(options);
  const clients = watchClients(app.server, settings, timers, (socket) => context.streams.endOn(socket, 'revoked'));
  const routes: [string, string][] = [];
  app.addHook('onRoute', ({ method, url }) => {
    for (const each of [method].flat()) routes.push([each, url]);
  });
  await app.register(cookie);
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Gatehouse', version: '1', description: 'The API of the gateway; the page uses nothing else.' },
      servers: [{ url: '/' }],
      components: {
        securitySchemes: {
          session: { type: 'apiKey', in: 'cookie', name: '__Host-gatehouse' },
          token: { type: 'http', scheme: 'bearer' },
        },
      },
      security: [{ session: [] }, { token: [] }],
    },
    transform: jsonSchemaTransform,
    transformObject: jsonSchemaTransformObject,
  });

  // JSON and nothing else: a form from elsewhere never becomes a change.
  app.removeContentTypeParser('text/plain');
  app.decorateRequest('asker', null);
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(SECURITY_HEADERS);
    // The route that was found, and not only the text of the address, which has many spellings.
    const paths = [request.url, request.is404 ? '' : (request.routeOptions.url ?? '/api/')];
    if (!paths.some((path) => path.startsWith('/api/'))) return;
    reply.header('cache-control', 'no-store');
    if (!request.is404) authenticate(context, request);
  });
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const problem = problemOf(error);
    if (problem.body.status >= 500 && !(error instanceof Problem)) {
      const where = { route: request.routeOptions.url ?? 'unknown', cause: error.stack ?? String(error) };
      log.write('error', 'http.fault', where, `a request to \`${where.route}\` failed`);
    }
    return reply
      .code(problem.body.status)
      .headers(problem.headers)
      .type('application/problem+json')
      .serializer(JSON.stringify)
      .send(problem.body);
  });
  app.setNotFoundHandler((request, reply) => {
    // The page's own addresses (`/points/…`): the page looks at them itself.
    const isPage =
      options.pages !== undefined && request.method === 'GET' && /^\/(?!api\/)[^.?]*(\?|$)/.test(request.url);
    if (isPage) return reply.sendFile('index.html');
    return reply
      .code(404)
      .type('application/problem+json')
      .send({ type: 'about:blank', title: 'not found', status: 404, detail: 'there is no such resource' });
  });

  signInRoutes(app, context);
  browseRoutes(app, context);
  pointRoutes(app, context);
  writeRoutes(app, context);
  toolRoutes(app, context);
  moveRoutes(app, context);
  transferRoutes(app, context);
  alarmRoutes(app, context);
  jobRoutes(app, context);
  await imageRoutes(app, context);
  adminRoutes(app, context);
  app.route({
    method: 'GET',
    url: '/api/openapi.json',
    config: { open: true },
    schema: { hide: true },
    handler: (_request, reply) => reply.type('application/json').send(JSON.stringify(app.swagger())),
  });
  if (options.pages !== undefined) {
    await app.register(files, {
      root: options.pages,
      index: ['index.html'],
      wildcard: true,
      dotfiles: 'ignore',
      preCompressed: true,
      cacheControl: false,
      // What lies under assets/ is named by its content; everything else is asked for anew.
      setHeaders: (response, path) =>
        response.setHeader('cache-control', path.includes('/assets/') ? 'max-age=31536000, immutable' : 'no-cache'),
    });
  }
  await app.ready();

  context.moves.look();
  const forget = gate.onStanding(() => {
    sweep(context);
    context.moves.look();
    context.streams.lookAgain();
  });
  let timer = timers.after(SWEEP_MS, every);
  function every(): void {
    context.sessions.sweep();
    timer = timers.after(SWEEP_MS, every);
  }
  return {
    app,
    context,
    routes,
    renew: (files) => clients.renew(files),
    async close() {
      forget();
      timer.cancel();
      context.streams.stop();
      context.tail.stop();
      context.found.stop();
      context.live.stop();
      context.work.stop();
      await app.close();
    },
  };
}

/** Tool sessions that the gate has ended are known no more. */
function sweep({ sessions, options }: Context): void {
  const open = new Set<string>(options.gate.sessions().map(({ id }) => id));
  for (const { tools } of sessions.list()) for (const tool of tools) if (!open.has(tool)) tools.delete(tool);
}

function contextFor(options: HttpOptions): Context {
  const { gate, clock, timers, settings, drivers, reader, journal, shelf, log, jobs, images } = options;
  const policy = () => gate.policy();
  const trends = createTrends();
  const ended = (session: WebSession, why: string): void => {
    journal.note(sessionRow(context, 'ended', session, why));
    context.streams.endOf(session.id);
    for (const tool of session.tools) {
      const by = {
        principal: session.principal,
        proof: { kind: 'sign-in', session: session.id },
        from: session.address,
      } as const;
      gate.endSession(tool as Parameters<typeof gate.endSession>[0], by, why);
    }
  };
  const sessions: WebSessions = createWebSessions(
    clock,
    { idleMs: settings.idleMs ?? 1_800_000, longestMs: settings.longestMs ?? 43_200_000 },
    ended,
  );
  const context: Context = {
    options,
    sessions,
    trends,
    headers: SECURITY_HEADERS,
    sights: createSights(policy, clock),
    streams: createEventStreams({
      clock,
      timers,
      policy,
      most: settings.mostStreams ?? 256,
      isProven: (asker) => isProvenStill({ sessions, options }, asker),
    }),
    live: createLiveValues({
      clock,
      timers,
      drivers,
      trends,
      pollMs: settings.pollMs ?? 2000,
      sampleMs: settings.sampleMs ?? 60_000,
      inventory: () => gate.policy()?.inventory,
    }),
    found: createFoundOverrides({
      clock,
      timers,
      drivers,
      overrides: options.overrides,
      reader,
      everyMs: settings.lookMs ?? 300_000,
      inventory: () => gate.policy()?.inventory,
    }),
    attempts: createAttempts(clock),
    passwords: createPasswords(),
    providers: createIdentityProviders(settings.providers, clock),
    replies: createReplies(shelf, clock),
    claims: createToolClaims(clock),
    tail: createJournalTail(reader, timers),
    moves: createMoves({ shelf, journal, clock, log, policy }),
    work: createWorkEvents(jobs, images, timers),
  };
  return context;
}

function problemOf(error: FastifyError): Problem {
  if (error instanceof Problem) return error;
  if (hasZodFastifySchemaValidationErrors(error)) {
    const errors = error.validation.map(({ instancePath, message }) => ({
      path: instancePath.replace(/^\//, '').replaceAll('/', '.') || 'body',
      message: faultText(message ?? 'invalid'),
    }));
    return invalid(errors);
  }
  const status = error.statusCode ?? 500;
  if (status >= 400 && status < 500) return new Problem({ title: 'bad request', status, detail: error.message });
  return new Problem({ title: 'internal fault', status: 500, detail: 'the gateway could not answer this' });
}

/** As messages are here: lower case, what was got last. */
function faultText(message: string): string {
  const [, expected, got] = /^Invalid input: expected (.+), received (\w+)$/.exec(message) ?? [];
  if (expected !== undefined) return `expected ${expected}, got ${got === 'undefined' ? 'nothing' : got}`;
  return message.charAt(0).toLowerCase() + message.slice(1);
}

/**
 * With everything registered, for `listen`.
 * @throws StartFault `tls-file-invalid`
 */
export async function createHttp(options: HttpOptions): Promise<RunningHttp> {
  const { address, port } = options.settings;
  let built: BuiltHttp;
  try {
    built = await buildHttp(options);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new StartFault('tls-file-invalid', `the page cannot be served (http): ${why}`, { cause });
  }
  const { app, close, renew } = built;
  return {
    async listen() {
      try {
        await app.listen({ host: address, port });
      } catch (error) {
        const cause = error as NodeJS.ErrnoException;
        if (cause.code === 'EADDRNOTAVAIL') throw new AddressMissing('http.address', address, networkInterfaces());
        const why = cause.code === 'EADDRINUSE' ? 'the port is in use' : cause.message;
        throw new StartFault('http-port', `cannot listen on \`${address}:${port}\` (http): ${why}`, { cause });
      }
      const bound = app.server.address();
      const own = typeof bound === 'object' && bound ? bound.port : port;
      return { name: 'http', address, port: own, transport: 'tls' };
    },
    renew,
    stop: close,
  };
}
