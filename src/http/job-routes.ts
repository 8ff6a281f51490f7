// Work on several devices: looked at first, started, followed, paused, ended, approved. Whether it may is the gate's.

import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { JobAct, JobCheck, JobStart } from '../contract/jobs.ts';
import { type App, askerOf, type Context, cursorOf, fromCursor, sightOf } from './context.ts';
import { shownDenial, shownText } from './denial-shown.ts';
import { type OrderFault, orderOf, seenPart, unseenIn } from './job-order.ts';
import { isEnded, isOver, shownJob, shownSummary } from './job-shown.ts';
import { denied, invalid, notFound, Problem } from './problem.ts';
import { reasonIn } from './said.ts';
import {
  type ApiJob,
  type ApiJobCheck,
  approvalBody,
  type GivenJobOrder,
  jobCheckSchema,
  jobSchema,
  jobSummarySchema,
  jobsQuery,
  orderBody,
  whyBody,
} from './schema-jobs.ts';
import { idText, pageOf, problems } from './schema-shared.ts';
import { shownValue } from './shown-value.ts';
import type { Sight } from './sight.ts';
import { keyHeader, keyOf } from './write-routes.ts';

export function jobRoutes(app: App, context: Context): void {
  const { options, replies } = context;
  const { jobs } = options;
  const tags = ['jobs'];
  const params = z.object({ id: idText });

  app.route({
    method: 'POST',
    url: '/api/v1/jobs/check',
    schema: {
      summary: 'what would become of each device; nothing is sent or recorded',
      tags,
      body: orderBody,
      response: { 200: jobCheckSchema, ...problems },
    },
    handler: async (request): Promise<ApiJobCheck> => {
      const before = sightOf(context, request);
      const unseen = unseenIn(request.body, before);
      const seen = unseen.length === 0 ? request.body : seenPart(request.body, before);
      if (!seen) return { ok: false, approvals: 0, faults: unseen, devices: [] };
      const check = await jobs.check(askerOf(request).caller, orderOf(seen));
      const shown = shownCheck(context, request, check);
      // Of an order that was shortened, the places of its faults are not those of the request.
      return unseen.length === 0 ? shown : { ...shown, ok: false, faults: unseen };
    },
  });

  app.route({
    method: 'POST',
    url: '/api/v1/jobs',
    schema: {
      summary: 'start a job: every device is permitted, or nothing is begun',
      tags,
      headers: keyHeader,
      body: orderBody,
      response: { 201: jobSchema, ...problems },
    },
    handler: async (request, reply) => {
      const { caller } = askerOf(request);
      const job = await replies.once(caller.principal, keyOf(request), 'job', request.body, async () => {
        refuseUnseen(unseenIn(request.body, sightOf(context, request)));
        return started(context, request, request.body, await jobs.start(caller, orderOf(request.body)));
      });
      reply.code(201);
      return job;
    },
  });

  app.route({
    method: 'GET',
    url: '/api/v1/jobs',
    schema: {
      summary: 'jobs, the newest first',
      tags,
      querystring: jobsQuery,
      response: { 200: pageOf(jobSummarySchema), ...problems },
    },
    handler: (request) => {
      const { cursor, limit, state, kind, ended } = request.query;
      const all = jobs
        .list()
        .filter((job) => state === undefined || job.state === state)
        .filter((job) => kind === undefined || job.order.kind === kind)
        .filter((job) => ended === undefined || isEnded(job) === ended)
        .flatMap((job) => shownSummary(context, askerOf(request), job) ?? []);
      const after = cursor === undefined ? -1 : all.findIndex(({ id }) => id === fromCursor(cursor));
      const items = all.slice(after + 1, after + 1 + limit);
      const last = items.at(-1);
      return { items, ...(last && all.at(-1) !== last && { next: cursorOf(last.id) }) };
    },
  });

  app.route({
    method: 'GET',
    url: '/api/v1/jobs/:id',
    schema: { summary: 'one job with its devices', tags, params, response: { 200: jobSchema, ...problems } },
    handler: (request) => visible(context, request, request.params.id),
  });

  app.route({
    method: 'POST',
    url: '/api/v1/jobs/:id/pause',
    schema: {
      summary: 'begin no further device; a transfer under way stops at a safe point',
      tags,
      params,
      body: whyBody,
      response: { 200: jobSchema, ...problems },
    },
    handler: (request) => act(context, request, (id) => jobs.pause(askerOf(request).caller, id, request.body.why)),
  });

  app.route({
    method: 'POST',
    url: '/api/v1/jobs/:id/resume',
    schema: { summary: 'go on with a paused job', tags, params, response: { 200: jobSchema, ...problems } },
    handler: (request) => act(context, request, (id) => jobs.resume(askerOf(request).caller, id)),
  });

  app.route({
    method: 'POST',
    url: '/api/v1/jobs/:id/abort',
    schema: {
      summary: 'end it: sending stops within a second, what can be rolled back is',
      tags,
      params,
      body: whyBody,
      response: { 200: jobSchema, ...problems },
    },
    handler: (request) => act(context, request, (id) => jobs.abort(askerOf(request).caller, id, request.body.why)),
  });

  app.route({
    method: 'POST',
    url: '/api/v1/jobs/:id/retry',
    schema: {
      summary: 'queue again what failed, was aborted or rolled back, in your name',
      tags,
      params,
      response: { 200: jobSchema, ...problems },
    },
    handler: (request) => act(context, request, (id) => jobs.retry(askerOf(request).caller, id)),
  });

  app.route({
    method: 'POST',
    url: '/api/v1/jobs/:id/approval',
    schema: {
      summary: 'approve or refuse a job of somebody else, with the same right on every device',
      tags,
      params,
      body: approvalBody,
      response: { 200: jobSchema, ...problems },
    },
    handler: (request) => {
      const { verdict, comment } = request.body;
      return act(context, request, (id) => jobs.answerApproval(askerOf(request).caller, id, verdict, comment));
    },
  });
}

/** @throws Problem 404 */
function visible(context: Context, request: FastifyRequest, id: string): ApiJob {
  const job = context.options.jobs.get(id);
  const shown = job && shownJob(context, askerOf(request), job, true);
  if (!shown) throw notFound('job');
  return shown;
}

async function act(
  context: Context,
  request: FastifyRequest<{ Params: { id: string } }>,
  work: (id: string) => Promise<JobAct>,
): Promise<ApiJob> {
  const { id } = request.params;
  visible(context, request, id);
  const done = await work(id);
  switch (done.kind) {
    case 'done':
      return visible(context, request, id);
    case 'unknown':
      throw notFound('job');
    case 'impossible':
      throw new Problem({ title: 'not possible', status: 409, detail: done.why, ...reasonIn(done.why) });
    case 'denied': {
      const sight = sightOf(context, request);
      const { revision } = done.denial;
      const shown = { sight, caller: askerOf(request).caller, clock: context.options.clock };
      throw denied(shownDenial(done.denial, shown), {
        detail: shownText(done.denial, shown),
        ...(revision !== undefined && { policyRevision: revision }),
      });
    }
  }
}

/** @throws Problem 404 */
function refuseUnseen(unseen: readonly OrderFault[]): void {
  if (unseen.length === 0) return;
  throw new Problem({
    title: 'not found',
    status: 404,
    detail: 'some devices or points do not exist, or you may not see them',
    errors: [...unseen],
  });
}

function started(context: Context, request: FastifyRequest, given: GivenJobOrder, start: JobStart): ApiJob {
  if (start.kind === 'started') {
    const shown = shownJob(context, askerOf(request), start.job, true);
    if (!shown) throw notFound('job');
    return shown;
  }
  if (start.kind === 'unrecorded') {
    throw new Problem({ title: 'not recorded', status: 503, detail: `nothing was begun: ${start.why}` });
  }
  const { check, denials } = start;
  const sight = sightOf(context, request);
  const { caller } = askerOf(request);
  const found = denials.length > 0 ? denials : check.devices.flatMap(({ denial }) => denial ?? []);
  const [first] = found;
  if (first) {
    const [recorded] = denials;
    throw denied(
      found.flatMap((denial) => shownDenial(denial, { sight, caller, clock: context.options.clock })),
      {
        detail: shownText(first, { sight, caller, clock: context.options.clock }),
        ...(recorded && { decisionId: recorded.decisionId }),
        ...(first.revision !== undefined && { policyRevision: first.revision }),
      },
    );
  }
  if (check.faults.some(({ code }) => code === 'too-many-jobs')) {
    const detail = faultsOf(check).map(({ message }) => message);
    throw new Problem({ title: 'too many jobs', status: 429, detail: detail.join('; ') });
  }
  if (check.faults.length > 0) {
    const { errors = [], ...body } = invalid(faultsOf(check)).body;
    // Another job has a device of it: the order is sound, and may be given again later.
    throw areTaken(context, given, sight, check)
      ? new Problem({ ...body, title: 'not possible', status: 409, errors })
      : invalid(errors);
  }
  const names = given.kind === 'batch' ? [] : given.devices;
  throw new Problem({
    title: 'not possible',
    status: 409,
    detail: 'nothing was begun: it cannot be done on every device',
    errors: check.devices.flatMap(({ device, fault, rows }) => {
      const at = names.indexOf(device);
      const message = fault ?? rows?.find((row) => row.fault !== undefined)?.fault;
      return message === undefined ? [] : [{ path: at < 0 ? device : `devices.${at}`, message, ...reasonIn(message) }];
    }),
  });
}

/** Nothing is wrong but that other jobs have these devices. */
function areTaken(
  { options }: Context,
  given: GivenJobOrder,
  { tree: { inventory } }: Sight,
  check: JobCheck,
): boolean {
  const open = options.jobs.list().filter((job) => !isEnded(job));
  const taken = new Set(
    open.flatMap((job) => job.devices.flatMap((each) => (isOver(each.state) ? [] : [each.device]))),
  );
  const deviceOf = (point: string): string | undefined => {
    const handle = inventory.find(point);
    const found = handle === undefined ? undefined : inventory.point(handle);
    return found && inventory.idOf(found.device);
  };
  return check.faults.every(({ path }) => {
    const [list, at] = path.split('.');
    const row = given.kind === 'batch' && list === 'rows' ? given.rows[Number(at)]?.point : undefined;
    const named = given.kind !== 'batch' && list === 'devices' ? given.devices[Number(at)] : undefined;
    return taken.has(named ?? (row === undefined ? '' : (deviceOf(row) ?? '')));
  });
}

const faultsOf = ({ faults }: JobCheck): OrderFault[] =>
  faults.map(({ path, found, expected }) => {
    const message = `got ${found}, expected ${expected}`;
    return { path, message, ...reasonIn(message) };
  });

function shownCheck(context: Context, request: FastifyRequest, check: JobCheck): ApiJobCheck {
  const sight = sightOf(context, request);
  const { caller } = askerOf(request);
  const { clock } = context.options;
  return {
    ok: check.ok,
    approvals: check.approvals,
    faults: faultsOf(check),
    devices: check.devices.flatMap(({ device, denial, fault, remark, version, rows, unmatched }) => {
      const handle = sight.device(device);
      if (handle === undefined) return [];
      const partnerless = unmatched?.filter((point) => sight.point(point) !== undefined) ?? [];
      return [
        {
          device: { id: device, name: sight.tree.inventory.nameOf(handle) },
          denied: denial ? shownDenial(denial, { sight, caller, clock }) : [],
          ...(fault !== undefined && { fault }),
          ...reasonIn(fault ?? remark),
          ...(version !== undefined && { version }),
          ...(remark !== undefined && { remark }),
          ...(rows && {
            rows: rows.flatMap((row) =>
              sight.point(row.point) === undefined
                ? []
                : [
                    {
                      point: row.point,
                      wanted: shownValue(row.wanted),
                      differs: row.differs,
                      ...(row.now !== undefined && { now: shownValue(row.now) }),
                      ...(row.fault !== undefined && { fault: row.fault }),
                      ...reasonIn(row.fault),
                    },
                  ],
            ),
          }),
          ...(partnerless.length > 0 && { unmatched: partnerless }),
        },
      ];
    }),
  };
}
