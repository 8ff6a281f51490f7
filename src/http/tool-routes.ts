// Working with one's own tool: claims for the address one works from, what the tool just did, and asking for a right.

import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { ToolSession } from '../contract/tool-session.ts';
import { type TargetId, targetHandle, targetId } from '../model/ids.ts';
import type { JournalRow, Who } from '../model/journal-row.ts';
import { seesOthers } from '../policy/ask-whom.ts';
import type { OrganizationRights, PolicySnapshot } from '../policy/rights.ts';
import { type Asker, askedBy, mayIn } from './asker.ts';
import { type App, askerOf, type Context, policyOf, sightOf } from './context.ts';
import { isAddress, peerOf, plainAddress } from './peer-address.ts';
import { personName } from './person-name.ts';
import { invalid, notFound, Problem, tooMany } from './problem.ts';
import { recordSight } from './record-sight.ts';
import { idText, problems } from './schema-shared.ts';
import {
  type ApiClaimed,
  type ApiToolSession,
  askBody,
  claimBody,
  claimedSchema,
  confirmBody,
  pointAtSchema,
  toolSessionSchema,
} from './schema-work.ts';

const CONFLICTS = new Set(['address-in-use', 'application-address', 'too-many-sessions']);
/** What of a claim is wrong where the gate says so. */
const FIELD_OF: { readonly [reason: string]: string } = {
  'bad-duration': 'minutes',
  'bad-address': 'address',
  'unknown-device': 'devices',
};
const ASKS_AN_HOUR = 20;

export function toolRoutes(app: App, context: Context): void {
  const { options, claims, streams, tail } = context;
  const { gate, clock } = options;
  const tags = ['tools'];

  app.route({
    method: 'GET',
    url: '/api/v1/tool-sessions',
    schema: {
      summary: 'open tool sessions: yours, and with `user.manage` everybody’s',
      tags,
      response: { 200: z.object({ items: z.array(toolSessionSchema), pointAt: pointAtSchema }), ...problems },
    },
    handler: (request) => ({
      items: gate
        .sessions()
        .filter((session) => mayHandle(context, askerOf(request), session))
        .map((session) => shownSession(context, askerOf(request), session)),
      pointAt: pointAt(context, request),
    }),
  });

  app.route({
    method: 'POST',
    url: '/api/v1/tool-sessions',
    schema: {
      summary: 'claim the address you work from, or one to be confirmed from there',
      tags,
      body: claimBody,
      response: { 200: claimedSchema, ...problems },
    },
    handler: (request): Promise<ApiClaimed> | ApiClaimed => {
      const { address: typed, minutes, devices } = request.body;
      const asker = askerOf(request);
      const address = typed === undefined ? peerOf(request) : plainAddress(typed);
      if (!isAddress(address)) throw invalid([{ path: 'address', message: 'expected an IPv4 or IPv6 address' }]);
      const unseen = devices?.findIndex((id) => sightOf(context, request).device(id) === undefined) ?? -1;
      if (unseen >= 0) throw invalid([{ path: `devices.${unseen}`, message: 'no such device, or you may not see it' }]);
      const claim = { asker, address, forMs: minutes * 60_000, ...(devices && { devices }) };
      if (address === peerOf(request)) return open(context, claim);
      const { code, until } = claims.begin(claim);
      return { confirm: { code, path: `/confirm#${code}`, address, until } };
    },
  });

  app.route({
    method: 'POST',
    url: '/api/v1/tool-sessions/confirm',
    config: { open: true },
    schema: {
      summary: 'confirm a claim, from the address it is for; nobody has to be signed in there',
      tags,
      body: confirmBody,
      response: { 200: z.object({ until: z.int() }), ...problems },
    },
    handler: async (request) => {
      const address = peerOf(request);
      const seconds = context.attempts.wait(address, '\ntool-code');
      if (seconds > 0) throw tooMany('too many wrong codes: wait', seconds);
      const claim = claims.confirm(request.body.code, address);
      const isStill = claim?.asker.session === undefined || context.sessions.isOpen(claim.asker.session.id);
      if (!claim || !isStill) {
        context.attempts.failed(address, '\ntool-code');
        throw notFound('claim for this address');
      }
      const { session } = await open(context, claim);
      return { until: session?.until ?? clock.now() };
    },
  });

  app.route({
    method: 'DELETE',
    url: '/api/v1/tool-sessions/:id',
    schema: {
      summary: 'end a tool session',
      tags,
      params: z.object({ id: idText }),
      response: { 204: z.null(), ...problems },
    },
    handler: (request, reply) => {
      const asker = askerOf(request);
      const session = gate.sessions().find(({ id }) => id === request.params.id);
      if (!session || !mayHandle(context, asker, session)) throw notFound('tool session');
      // By whom, the record says to those who may read it.
      const isOwn = session.principal === asker.caller.principal;
      gate.endSession(session.id, whoOf(asker), isOwn ? 'ended by its owner' : 'ended by an administrator');
      claims.forget(session.id);
      reply.code(204);
      return null;
    },
  });

  app.route({
    method: 'GET',
    url: '/api/v1/tool-sessions/:id/events',
    schema: {
      summary: 'what the tool does, live: server-sent events `row` (a row of the record), `over`, `end` {why}',
      tags,
      params: z.object({ id: idText }),
      produces: ['text/event-stream'],
      response: { 200: z.string(), ...problems },
    },
    handler: (request, reply) => {
      const asker = askerOf(request);
      const session = gate.sessions().find(({ id }) => id === request.params.id);
      if (!session || !mayHandle(context, asker, session)) throw notFound('tool session');
      const stream = streams.open(asker, reply.raw, context.headers);
      reply.hijack();
      const decisions = new Set<string>();
      stream.onEnd(
        tail.follow(({ number, row }) => {
          // Who looks after somebody else's session may be so no longer.
          if (!mayHandle(context, asker, session)) return;
          if (row.kind === 'session' && row.session === session.id) {
            if (row.event === 'ended') stream.send('over', { why: row.why });
          } else if (isOf(row, session.id, decisions) && seesRow(context, asker, row)) {
            if (row.kind === 'intent') decisions.add(row.decision);
            stream.send('row', { number, row });
          }
        }),
      );
    },
  });

  const asks = new Map<string, number[]>();
  app.route({
    method: 'POST',
    url: '/api/v1/access-requests',
    schema: {
      summary: 'ask for a right: recorded for the console',
      tags: ['writing'],
      body: askBody,
      response: { 201: z.object({ number: z.int() }), ...problems },
    },
    handler: async (request, reply) => {
      const { caller } = askerOf(request);
      const sight = sightOf(context, request);
      const { action, targets, note, decisionId } = request.body;
      const unseen = targets.findIndex((id) => {
        const handle = sight.tree.inventory.find(id);
        return handle === undefined || !sight.sees(handle);
      });
      if (unseen >= 0) throw notFound('target');
      const hour = clock.monotonic() - 3_600_000;
      const recent = (asks.get(caller.principal) ?? []).filter((at) => at > hour);
      if (recent.length >= ASKS_AN_HOUR) throw tooMany('you have asked often within the last hour', 600);
      if (asks.size > 2000) asks.clear();
      asks.set(caller.principal, [...recent, clock.monotonic()]);
      const detail = {
        principal: caller.principal,
        action,
        targets,
        ...(note && { note }),
        ...(decisionId && { decisionId }),
      };
      try {
        const row = { kind: 'system', at: clock.now(), event: 'access-requested', detail } as const;
        const { number } = await options.journal.append(row);
        reply.code(201);
        return { number };
      } catch (error) {
        throw new Problem({ title: 'not recorded', status: 503, detail: String(error) });
      }
    },
  });
}

async function open(
  context: Context,
  { asker, address, forMs, devices }: { asker: Asker; address: string; forMs: number; devices?: readonly string[] },
): Promise<ApiClaimed> {
  const { gate } = context.options;
  const { principal, identity } = asker.caller;
  const opened = await gate.openSession({
    principal,
    address,
    forMs,
    by: whoOf(asker),
    ...(identity && { identity }),
    ...(devices && { devices: devices.map((id): TargetId => targetId(id)) }),
  });
  if (!opened.ok) {
    const { reason, holder, text } = opened.fault;
    const field = FIELD_OF[reason];
    if (field !== undefined) throw invalid([{ path: field, message: text }]);
    const held = gate.sessions().find((session) => session.address === address);
    if (reason === 'address-in-use' && held) context.claims.contest(held.id);
    const mayName = held !== undefined && held.principal === holder && seesHolder(context, asker, held);
    throw new Problem({
      title: reason,
      status: CONFLICTS.has(reason) ? 409 : reason === 'journal-unavailable' ? 503 : 403,
      detail:
        reason === 'address-in-use'
          ? `\`${address}\` is in use by ${mayName ? `\`${holder}\`` : 'somebody else'}`
          : text,
      denied: [{ reason }],
      ...(mayName && holder !== undefined && { holder }),
    });
  }
  // A sign-out while the row was written ends it as well.
  if (asker.session && !context.sessions.isOpen(asker.session.id)) {
    gate.endSession(opened.value.id, whoOf(asker), 'signed out');
    throw new Problem({ title: 'not signed in', status: 401, detail: 'signed out meanwhile' });
  }
  asker.session?.tools.add(opened.value.id);
  return { session: shownSession(context, asker, opened.value) };
}

function whoOf({ caller }: Asker): Who {
  const { principal, channel, proof, from } = caller;
  return { principal, channel, proof, from };
}

function mayHandle(context: Context, { caller }: Asker, session: ToolSession): boolean {
  if (session.principal === caller.principal) return true;
  const snapshot = policyOf(context);
  const home = homeOf(snapshot, session);
  return home !== undefined && mayIn(snapshot, caller, context.options.clock, 'user.manage', home);
}

function homeOf(snapshot: PolicySnapshot, { principal, identity }: ToolSession): OrganizationRights | undefined {
  const { people, organizationsById } = snapshot.rights;
  return organizationsById.get(identity?.organization ?? people.get(principal)?.home ?? '');
}

/** Whether the asker may see the people of the organization that this one is of. */
function seesHolder(context: Context, { caller }: Asker, session: ToolSession): boolean {
  const snapshot = policyOf(context);
  const home = homeOf(snapshot, session);
  const request = { ...askedBy(caller, context.options.clock), action: 'user.view', targets: [] };
  return home !== undefined && seesOthers(snapshot, request, snapshot.inventory.idOf(targetHandle(home.root)));
}

function shownSession(context: Context, asker: Asker, session: ToolSession): ApiToolSession {
  const { id, principal, address, openedAt, until, devices, shared } = session;
  const contestedAt = context.claims.contestedAt(id);
  return {
    id,
    own: principal === asker.caller.principal,
    owner: personName(context, principal),
    address,
    since: openedAt,
    until,
    shared,
    ...(devices && { devices: devices.filter((device) => sightOf(context, { asker }).device(device) !== undefined) }),
    ...(contestedAt !== undefined && { contestedAt }),
  };
}

function pointAt({ options }: Context, request: FastifyRequest): z.output<typeof pointAtSchema> {
  const listeners = [...options.drivers].flatMap(([driver, running]) =>
    running.status().listening.flatMap(({ name, address, port, transport, faces }) =>
      faces === 'plant'
        ? []
        : {
            driver,
            name,
            // One that listens everywhere is reached where the page was reached.
            address: isEverywhere(address) ? plainAddress(request.socket.localAddress ?? address) : address,
            port,
            transport,
          },
    ),
  );
  return { listeners, yourAddress: peerOf(request) };
}

const isEverywhere = (address: string): boolean => address === '0.0.0.0' || address === '::';

/** A row of this session, or the outcome of an intent that was shown. */
function isOf(row: JournalRow, session: string, shown: ReadonlySet<string>): boolean {
  if (row.kind === 'outcome') return shown.has(row.decision);
  if (row.kind !== 'intent' && row.kind !== 'refusal') return false;
  return row.who.proof.kind === 'tool-session' && row.who.proof.session === session;
}

/** What of the record names targets is shown where all of them may be seen. */
function seesRow(context: Context, { caller }: Asker, row: JournalRow): boolean {
  const sight = context.sights.of(caller);
  if (!sight) return false;
  const record = recordSight(sight.snapshot, caller, context.options.clock, () => undefined);
  return (
    record.shows(row) ||
    targetsOf(row).every((target) => {
      const handle = sight.tree.inventory.find(target);
      return handle === undefined ? target.startsWith('handle:') : sight.sees(handle);
    })
  );
}

function targetsOf(row: JournalRow): readonly string[] {
  switch (row.kind) {
    case 'intent':
      return row.effects.map(({ target }) => target);
    case 'refusal':
      return [...row.effects.map(({ target }) => target), ...(row.target === undefined ? [] : [row.target])];
    case 'outcome':
      return (row.readBack ?? []).map(({ target }) => target);
    default:
      return [];
  }
}
