// Writing: one point, several as one, overrides and their early release. Everything here goes through the gate by the writer.

import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Override, RowCheck, WriteOrder, WriteResult, WriteRow } from '../contract/work.ts';
import { isNonEmpty, type NonEmpty } from '../model/result.ts';
import { type App, askerOf, type Context, cursorOf, fromCursor, sightOf } from './context.ts';
import { shownDenial, shownText } from './denial-shown.ts';
import type { FoundOverride } from './found-overrides.ts';
import { personName } from './person-name.ts';
import { seesName } from './point-routes.ts';
import { denied, invalid, notFound, Problem } from './problem.ts';
import { reasonIn } from './said.ts';
import { type ApiProblem, idText, pageOf, pageQuery, problems } from './schema-shared.ts';
import {
  type ApiCheck,
  type ApiOverride,
  type ApiWriteResult,
  batchBody,
  checkSchema,
  overrideSchema,
  type rowSchema,
  writeBody,
  writeResultSchema,
} from './schema-work.ts';
import { givenValue, shownValue } from './shown-value.ts';

type GivenRow = z.output<typeof rowSchema>;
type GivenBatch = z.output<typeof batchBody>;

export const keyHeader = z.object({ 'idempotency-key': z.string().max(128).optional() });

export function keyOf({ headers }: Pick<FastifyRequest, 'headers'>): string | undefined {
  const key = headers['idempotency-key'];
  return typeof key === 'string' ? key : undefined;
}

export function writeRoutes(app: App, context: Context): void {
  const { options, replies, live } = context;
  const { writer, overrides, clock } = options;
  const tags = ['writing'];

  /** `fieldOf`: where in the request a fault of a row stands. */
  async function write(
    request: FastifyRequest,
    given: GivenBatch,
    fieldOf: (row: number, field: string) => string,
  ): Promise<ApiWriteResult> {
    const { caller } = askerOf(request);
    const rows = visibleRows(context, request, given.rows);
    const result = await writer.write(caller, { rows, ...whole(given) });
    live.touch(rows.map(({ point }) => point));
    return answerOf(context, request, result, fieldOf);
  }

  app.route({
    method: 'POST',
    url: '/api/v1/points/:id/write',
    schema: {
      summary: 'write a point; what can be put back ends by itself, after `overrideMs` or by default',
      tags,
      headers: keyHeader,
      params: z.object({ id: idText }),
      body: writeBody,
      response: { 200: writeResultSchema, ...problems },
    },
    handler: (request) => {
      const point = request.params.id;
      const rows = [{ point, ...request.body }];
      return replies.once(askerOf(request).caller.principal, keyOf(request), `write ${point}`, request.body, () =>
        write(request, { rows }, (_row, field) => field),
      );
    },
  });

  app.route({
    method: 'POST',
    url: '/api/v1/batches/check',
    schema: {
      summary: 'what would become of each row; nothing is sent or recorded',
      tags,
      body: batchBody,
      response: { 200: checkSchema, ...problems },
    },
    handler: (request): ApiCheck => {
      const sight = sightOf(context, request);
      const { caller } = askerOf(request);
      const known = request.body.rows.filter(({ point }) => sight.point(point) !== undefined).map(writeRow);
      const checks = isNonEmpty(known) ? [...writer.check(caller, { rows: known, ...whole(request.body) })] : [];
      let needed = 0;
      const rows = request.body.rows.map(({ point }): ApiCheck['rows'][number] => {
        const check = sight.point(point) === undefined ? undefined : checks.shift();
        if (!check) return { point, verdict: 'unknown', denied: [] };
        const { fault, field, lastsMs, denial, approvals = 0 } = check;
        if (fault !== undefined)
          return { point, verdict: 'faulty', fault, ...reasonIn(fault), ...(field && { field }), denied: [] };
        needed = Math.max(needed, approvals);
        const isDenied = denial !== undefined && approvals === 0;
        return {
          point,
          verdict: isDenied ? 'denied' : approvals > 0 ? 'needs-approval' : 'permitted',
          ...(lastsMs !== undefined && { lastsMs }),
          denied: isDenied ? shownDenial(denial, { sight, caller, clock }) : [],
        };
      });
      return { ok: rows.every(({ verdict }) => verdict === 'permitted'), approvals: needed, rows };
    },
  });

  app.route({
    method: 'POST',
    url: '/api/v1/batches',
    schema: {
      summary: 'write several points: all or nothing; what was written is put back where a device fails half-way',
      tags,
      headers: keyHeader,
      body: batchBody,
      response: { 200: writeResultSchema, ...problems },
    },
    handler: (request) =>
      replies.once(askerOf(request).caller.principal, keyOf(request), 'batch', request.body, () =>
        write(request, request.body, (row, field) => `rows.${row}.${field}`),
      ),
  });

  app.route({
    method: 'GET',
    url: '/api/v1/overrides',
    schema: {
      summary: 'the override ledger: open ones, the newest that ended, then those found on devices',
      tags,
      querystring: z.object({ ...pageQuery, open: z.stringbool().optional() }),
      response: { 200: pageOf(overrideSchema), ...problems },
    },
    handler: (request) => {
      const { cursor, limit, open } = request.query;
      const sight = sightOf(context, request);
      const isSeen = ({ point }: { readonly point: string }): boolean => sight.point(point) !== undefined;
      const all = [
        ...overrides
          .list()
          .filter((each) => (open === undefined || open === isOpen(each.state)) && isSeen(each))
          .map((each) => ({ id: each.id, show: () => shownOverride(context, request, each) })),
        ...(open === false ? [] : context.found.list())
          .filter(isSeen)
          .map((each) => ({ id: each.id, show: () => shownFound(context, request, each) })),
      ];
      const after = cursor === undefined ? -1 : all.findIndex(({ id }) => id === fromCursor(cursor));
      if (cursor !== undefined && after < 0) {
        throw invalid([{ path: 'cursor', message: 'begin again: the ledger has gone on' }]);
      }
      const page = all.slice(after + 1, after + 1 + limit);
      const last = page.at(-1);
      return {
        items: page.flatMap(({ show }) => show() ?? []),
        ...(last && all.at(-1) !== last && { next: cursorOf(last.id) }),
      };
    },
  });

  app.route({
    method: 'POST',
    url: '/api/v1/overrides/:id/release',
    schema: {
      summary: 'release an override now: its owner, or who may write the point',
      tags,
      headers: keyHeader,
      params: z.object({ id: idText }),
      response: { 200: overrideSchema, ...problems },
    },
    handler: (request) => {
      const { id } = request.params;
      const { caller } = askerOf(request);
      return replies.once(caller.principal, keyOf(request), `release ${id}`, null, async () => {
        const known = overrides.get(id);
        if (!known || !shownOverride(context, request, known)) throw notFound('override');
        const released = await overrides.release(caller, id);
        if (released.kind === 'unknown') {
          throw new Problem({ title: 'already ended', status: 409, detail: `the override is ${known.state}` });
        }
        if (released.kind === 'denied') {
          const sight = sightOf(context, request);
          const { decisionId, revision } = released.denial;
          throw denied(shownDenial(released.denial, { sight, caller, clock }), {
            detail: shownText(released.denial, { sight, caller, clock }),
            decisionId,
            ...(revision !== undefined && { policyRevision: revision }),
          });
        }
        live.touch([known.point]);
        const shown = shownOverride(context, request, released.override);
        if (!shown) throw notFound('override');
        return shown;
      });
    },
  });
}

const isOpen = (state: Override['state']): boolean =>
  state === 'pending' || state === 'active' || state === 'releasing';

export const whole = ({ priority, overrideMs }: Omit<GivenBatch, 'rows'>): Omit<WriteOrder, 'rows'> => ({
  ...(priority !== undefined && { priority }),
  ...(overrideMs !== undefined && { overrideMs }),
});

export function writeRow({ point, value, ...row }: GivenRow): WriteRow {
  return { point, value: givenValue(value), ...whole(row) };
}

/** @throws Problem 404 where a row names what the asker may not see, or nobody knows */
function visibleRows(context: Context, request: FastifyRequest, given: readonly GivenRow[]): NonEmpty<WriteRow> {
  const sight = sightOf(context, request);
  const errors = given.flatMap(({ point }, at) =>
    sight.point(point) === undefined
      ? [{ path: `rows.${at}.point`, message: 'no such point, or you may not see it' }]
      : [],
  );
  const rows = given.map(writeRow);
  if (given.length === 1 && errors.length === 1) throw notFound('point');
  if (errors.length > 0 || !isNonEmpty(rows)) {
    throw new Problem({
      title: 'not found',
      status: 404,
      detail: 'some points do not exist, or you may not see them',
      errors,
    });
  }
  return rows;
}

function answerOf(
  context: Context,
  request: FastifyRequest,
  result: WriteResult,
  fieldOf: (row: number, field: string) => string,
): ApiWriteResult {
  const sight = sightOf(context, request);
  const { caller } = askerOf(request);
  const { clock } = context.options;
  switch (result.kind) {
    case 'faulty':
      throw invalid(faultsOf(result.rows, fieldOf));
    case 'unrecorded':
      throw new Problem({ title: 'not recorded', status: 503, detail: `nothing was sent: ${result.why}` });
    case 'denied': {
      const [first] = result.denials;
      throw denied(
        result.denials.flatMap((denial) => shownDenial(denial, { sight, caller, clock })),
        {
          detail: shownText(first, { sight, caller, clock }),
          decisionId: first.decisionId,
          ...(first.revision !== undefined && { policyRevision: first.revision }),
        },
      );
    }
    case 'carried-out':
      return {
        job: result.job,
        ok: result.ok,
        rows: result.rows.map(({ point, device, state, decision, wanted, old, readBack, why, override, until }) => {
          const seen = sight.point(point) !== undefined;
          return {
            point,
            state,
            decisionId: decision,
            wanted: shownValue(wanted),
            ...(sight.device(device) !== undefined && { device }),
            ...(seen && old !== undefined && { old: shownValue(old) }),
            ...(seen && readBack !== undefined && { readBack: shownValue(readBack) }),
            ...(why !== undefined && { why, ...reasonIn(why) }),
            ...(override !== undefined && { override }),
            ...(until !== undefined && { until }),
          };
        }),
      };
  }
}

function faultsOf(
  rows: readonly RowCheck[],
  fieldOf: (row: number, field: string) => string,
): NonNullable<ApiProblem['errors']> {
  return rows.flatMap(({ fault, field = 'value' }, at) =>
    fault === undefined ? [] : [{ path: fieldOf(at, field), message: fault, ...reasonIn(fault) }],
  );
}

function shownOverride(context: Context, request: FastifyRequest, entry: Override): ApiOverride | undefined {
  const sight = sightOf(context, request);
  const asker = askerOf(request);
  const handle = sight.point(entry.point);
  const point = handle === undefined ? undefined : sight.tree.inventory.point(handle);
  if (!point) return undefined;
  const device = sight.device(entry.device);
  const { owner, value, before, priority, why, since, until, state, id } = entry;
  return {
    id,
    point: { id: point.id, name: point.name },
    own: owner === asker.caller.principal,
    origin: 'gateway',
    value: shownValue(value),
    since,
    until,
    state,
    ...(device !== undefined && { device: { id: entry.device, name: sight.tree.inventory.nameOf(device) } }),
    ...(seesName(context, asker, sight, owner, point) && {
      owner: personName(context, owner),
    }),
    ...(before !== undefined && { before: shownValue(before) }),
    ...(point.unit !== undefined && { unit: point.unit }),
    ...(point.limits?.step !== undefined && { step: point.limits.step }),
    ...(priority !== undefined && { priority }),
    ...(why !== undefined && { why, ...reasonIn(why) }),
  };
}

function shownFound(
  context: Context,
  request: FastifyRequest,
  { id, point, device, priority, value, since, by }: FoundOverride,
): ApiOverride | undefined {
  const sight = sightOf(context, request);
  const asker = askerOf(request);
  const handle = sight.point(point);
  const { inventory } = sight.tree;
  const place = handle === undefined ? undefined : inventory.point(handle);
  if (!place) return undefined;
  const above = sight.device(device);
  return {
    id,
    point: { id: point, name: place.name },
    own: by === asker.caller.principal,
    origin: 'found',
    value: shownValue(value),
    priority,
    since,
    state: 'active',
    ...(by !== undefined && seesName(context, asker, sight, by, place) && { owner: personName(context, by) }),
    ...(place.unit !== undefined && { unit: place.unit }),
    ...(place.limits?.step !== undefined && { step: place.limits.step }),
    ...(above !== undefined && { device: { id: device, name: inventory.nameOf(above) } }),
  };
}
