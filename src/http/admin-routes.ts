// For the administrators of a site: the record with search and export, how the gateway stands, unknown peers, explanations.

import { Readable } from 'node:stream';
import { z } from 'zod';
import type { JournalQuery, StoredRow } from '../contract/journal.ts';
import { isActionName } from '../model/action.ts';
import { explain, formatExplanation } from '../policy/explain.ts';
import { ownerOf } from '../policy/rights.ts';
import { askedBy, mayIn, mayOnWholeSite } from './asker.ts';
import { type App, askerOf, type Context, cursorOf, demand, fromCursor, policyOf, sightOf } from './context.ts';
import { invalid, notFound, notPermitted } from './problem.ts';
import { type RecordSight, recordSight } from './record-sight.ts';
import {
  type ApiJournalRow,
  explainBody,
  explanationSchema,
  healthSchema,
  journalQuery,
  journalRowSchema,
  standingSchema,
  unknownPeerSchema,
} from './schema-admin.ts';
import { pageOf, problems } from './schema-shared.ts';
import { standingSeen } from './standing-sight.ts';

/** How many rows one request looks through at most. */
const MOST_LOOKED = 20_000;
const AT_ONCE = 500;
const DAY_MS = 86_400_000;

export function adminRoutes(app: App, context: Context): void {
  const { options, sessions, streams } = context;
  const { reader, clock, gate } = options;
  const tags = ['administration'];

  const intentOf = (decision: string) => reader.rows({ decision, kind: 'intent', limit: 1 })[0]?.row;
  const auditSight = (request: Parameters<typeof askerOf>[0]): RecordSight => {
    const snapshot = policyOf(context);
    const sight = recordSight(snapshot, askerOf(request).caller, clock, intentOf);
    if (!sight.something) throw notPermitted('audit.read', snapshot.header.revision);
    return sight;
  };

  app.route({
    method: 'GET',
    url: '/api/v1/health',
    schema: {
      summary: 'what everybody who works here should know',
      tags,
      response: { 200: healthSchema, ...problems },
    },
    handler: () => {
      const { ready, policy, journal, clockSure, now } = options.standing();
      return {
        ready,
        warnings: [
          ...(policy ? [] : (['no-policy'] as const)),
          ...(policy?.mode === 'observe' ? (['observing'] as const) : []),
          ...(policy?.expiresAt !== undefined && policy.expiresAt <= now ? (['policy-expired'] as const) : []),
          ...(journal.writable ? [] : (['journal-unavailable'] as const)),
          ...(clockSure ? [] : (['clock-unsure'] as const)),
        ],
        ...(policy && { policyRevision: policy.revision, mode: policy.mode }),
        ...(policy?.expiresAt !== undefined && { changesExpireAt: policy.expiresAt }),
      };
    },
  });

  app.route({
    method: 'GET',
    url: '/api/v1/standing',
    schema: {
      summary: 'policy, drivers, connections, record, of what you may see: needs `admin.manage`',
      tags,
      response: { 200: standingSchema, ...problems },
    },
    handler: (request) => {
      const snapshot = demand(context, request, 'admin.manage');
      const wholeSite = mayOnWholeSite(snapshot, askerOf(request).caller, clock, 'admin.manage');
      const standing = standingSeen(options.standing(), options.drivers, sightOf(context, request), wholeSite);
      const { policy, cloud, ...rest } = standing;
      return {
        ...rest,
        ...(policy && { policy }),
        ...(cloud && { cloud: cloud.state }),
        streams: streams.size,
        webSessions: sessions.size,
        toolSessions: gate.sessions().length,
      };
    },
  });

  app.route({
    method: 'GET',
    url: '/api/v1/journal',
    schema: {
      summary: 'the record, newest first: needs `audit.read`',
      tags,
      querystring: journalQuery,
      response: { 200: pageOf(journalRowSchema), ...problems },
    },
    handler: (request) => {
      const sight = auditSight(request);
      const { cursor, limit, ...wanted } = request.query;
      const before = cursor === undefined ? undefined : Number(fromCursor(cursor));
      if (before !== undefined && !Number.isSafeInteger(before)) {
        throw invalid([{ path: 'cursor', message: 'expected `next` of the page before' }]);
      }
      const query = { ...given(wanted), ...(before !== undefined && { before }) };
      const items: ApiJournalRow[] = [];
      let [last, looked] = [0, 0];
      for (const stored of rowsFor(reader, query)) {
        if (items.length === limit) return { items, next: cursorOf(String(last)) };
        last = stored.number;
        looked += 1;
        if (sight.shows(stored.row)) items.push(shownRow(stored, sight));
      }
      // A page may hold few rows, or none, where most are not the asker's to see.
      return { items, ...(looked === MOST_LOOKED && { next: cursorOf(String(last)) }) };
    },
  });

  app.route({
    method: 'GET',
    url: '/api/v1/journal/export',
    schema: {
      summary: 'the record as JSON lines, newest first, up to 20 000 rows: needs `audit.read`',
      tags,
      querystring: journalQuery.omit({ cursor: true, limit: true }),
      produces: ['application/x-ndjson'],
      response: { 200: z.unknown(), ...problems },
    },
    handler: (request, reply) => {
      const sight = auditSight(request);
      const rows = rowsFor(reader, given(request.query));
      function* lines(): Generator<string> {
        for (const stored of rows) if (sight.shows(stored.row)) yield `${JSON.stringify(shownRow(stored, sight))}\n`;
      }
      return reply
        .type('application/x-ndjson')
        .header('content-disposition', 'attachment; filename="journal.ndjson"')
        .send(Readable.from(lines()));
    },
  });

  app.route({
    method: 'GET',
    url: '/api/v1/unknown-peers',
    schema: {
      summary: 'who was refused within a day and is nobody the policy knows: needs `audit.read`',
      tags,
      response: { 200: z.object({ items: z.array(unknownPeerSchema) }), ...problems },
    },
    handler: (request) => {
      if (!auditSight(request).everything) throw notPermitted('audit.read', policyOf(context).header.revision);
      return { items: unknownPeers(rowsFor(reader, { kind: 'refusal', since: clock.now() - DAY_MS })) };
    },
  });

  app.route({
    method: 'POST',
    url: '/api/v1/explain',
    schema: {
      summary: 'who, what, where: the verdict with every rule. About others: needs `audit.read` where the targets are',
      tags,
      body: explainBody,
      response: { 200: explanationSchema, ...problems },
    },
    handler: (request) => {
      const { caller } = askerOf(request);
      const sight = sightOf(context, request);
      const { snapshot } = sight;
      const { principal, action, targets, channel, priority } = request.body;
      const aboutSelf = principal === undefined || principal === caller.principal;
      for (const id of targets) {
        const handle = sight.tree.inventory.find(id);
        if (handle === undefined || !sight.sees(handle)) throw notFound('target');
        const owner = ownerOf(snapshot.rights, handle);
        if (!aboutSelf && !mayIn(snapshot, caller, clock, 'audit.read', owner)) {
          throw notPermitted('audit.read', snapshot.header.revision);
        }
      }
      if (!aboutSelf && !recordSight(snapshot, caller, clock, intentOf).everything && targets.length === 0) {
        throw notPermitted('audit.read', snapshot.header.revision);
      }
      const asked = aboutSelf
        ? askedBy(caller, clock)
        : { ...askedBy({ ...caller, principal: null }, clock), principal };
      const { identity: _theirs, ...bare } = { identity: undefined, ...asked };
      const explanation = explain(snapshot, {
        ...(aboutSelf ? asked : { ...bare, principal }),
        action,
        targets,
        channel,
        ...(priority !== undefined && { priority }),
      });
      const { decision } = explanation;
      const mayHear = (target: string): boolean => {
        const handle = sight.tree.inventory.find(target);
        return handle !== undefined && sight.sees(handle);
      };
      // Locks on others are for who may read the record there.
      const told = explanation.targets
        .filter(({ verdict }) => mayHear(verdict.target))
        .map((each) => {
          const organization = snapshot.rights.organizationsById.get(each.organization ?? '');
          const isAuditor = organization !== undefined && mayIn(snapshot, caller, clock, 'audit.read', organization);
          return isAuditor ? each : { ...each, locks: each.locks.filter(({ matches }) => matches) };
        });
      return {
        decision: decision.decision,
        policyRevision: decision.revision,
        text: formatExplanation({ ...explanation, targets: told }),
        ...(decision.decision === 'permit' && decision.approvals > 0 && { approvals: decision.approvals }),
        ...(decision.decision === 'deny' && { reason: decision.reason }),
        ...(decision.decision === 'deny' &&
          decision.target !== undefined &&
          mayHear(decision.target) && { target: decision.target }),
        targets: told.map(({ verdict, name, locks, checks }) => ({
          target: verdict.target,
          permitted: verdict.permitted,
          locks: [...locks],
          checks: checks.map((check) => ({ action: check.action, grants: [...check.grants] })),
          ...(name !== undefined && { name }),
          ...(verdict.permitted ? { grant: verdict.grant } : { reason: verdict.reason, missing: verdict.missing }),
        })),
      };
    },
  });

  app.route({
    method: 'GET',
    url: '/api/v1/actions',
    schema: {
      summary: 'every action the policy here knows, for the explain form',
      tags,
      response: { 200: z.object({ items: z.array(z.object({ name: z.string(), own: z.boolean() })) }), ...problems },
    },
    handler: (request) => {
      const { organizationsById, people } = policyOf(context).rights;
      const { caller } = askerOf(request);
      const home = organizationsById.get(caller.identity?.organization ?? people.get(caller.principal)?.home ?? '');
      return { items: [...(home?.words.all() ?? [])].map(({ name }) => ({ name, own: !isActionName(name) })) };
    },
  });
}

type Filter = Omit<JournalQuery, 'limit' | 'newestFirst' | 'after'>;

/** Without the keys that were not given. */
function given(query: { readonly [key: string]: unknown }): Filter {
  return Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined)) as Filter;
}

/** Newest first, a few at a time, up to a bound. */
function* rowsFor(reader: Context['options']['reader'], query: Filter): Generator<StoredRow> {
  let { before } = query;
  for (let looked = 0; looked < MOST_LOOKED; looked += AT_ONCE) {
    const rows = reader.rows({ ...query, ...(before !== undefined && { before }), limit: AT_ONCE, newestFirst: true });
    yield* rows;
    before = rows.at(-1)?.number;
    if (rows.length < AT_ONCE || before === undefined) return;
  }
}

function shownRow({ number, hash, row }: StoredRow, sight: RecordSight): ApiJournalRow {
  return { number, hash, row: { ...sight.told(row) } };
}

function unknownPeers(rows: Iterable<StoredRow>): z.output<typeof unknownPeerSchema>[] {
  const peers = new Map<string, z.output<typeof unknownPeerSchema>>();
  for (const { row } of rows) {
    if (row.kind !== 'refusal' || row.who.principal !== null) continue;
    const from = row.who.from.replace(/:\d+$/, '');
    const first = row.since ?? row.at;
    const peer = peers.get(from) ?? { from, count: 0, first, last: row.at, operations: [] };
    peer.count += row.count;
    peer.first = Math.min(peer.first, first);
    peer.last = Math.max(peer.last, row.at);
    if (!peer.operations.includes(row.operation) && peer.operations.length < 10) peer.operations.push(row.operation);
    peers.set(from, peer);
  }
  return [...peers.values()].sort((a, b) => b.last - a.last);
}
