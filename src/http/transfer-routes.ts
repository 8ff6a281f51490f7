// Transfers of firmware, files and configuration that hold a device, by somebody's tool or by a job: seen, and ended by who has
// `device.control` there. Invariant: what is ended is looked up and judged in one tick.

import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Transfer } from '../contract/tool-session.ts';
import { seesOthers } from '../policy/ask-whom.ts';
import { decide } from '../policy/decide.ts';
import { type Asker, askedBy } from './asker.ts';
import { type App, askerOf, type Context, sightOf } from './context.ts';
import { shownDenial } from './denial-shown.ts';
import { jobSight } from './job-sight.ts';
import { personName } from './person-name.ts';
import { denied, notFound } from './problem.ts';
import { type ApiTransfer, transferSchema, whyBody } from './schema-jobs.ts';
import { idText, problems } from './schema-shared.ts';
import type { Sight } from './sight.ts';

const ACTION = 'device.control';

export function transferRoutes(app: App, context: Context): void {
  const { gate } = context.options;
  const tags = ['transfers'];

  app.route({
    method: 'GET',
    url: '/api/v1/transfers',
    schema: {
      summary: 'devices in a transfer, or held by a job: of those you may view',
      tags,
      response: { 200: z.object({ items: z.array(transferSchema) }), ...problems },
    },
    handler: (request) => {
      const sight = sightOf(context, request);
      const items = gate.transfers().flatMap((held) => shownTransfer(context, askerOf(request), sight, held) ?? []);
      return { items };
    },
  });

  app.route({
    method: 'POST',
    url: '/api/v1/transfers/:id/end',
    schema: {
      summary: 'end the transfer to a device, or the hold of a job: needs `device.control` there',
      tags,
      params: z.object({ id: idText.describe('the device') }),
      body: whyBody,
      response: { 200: transferSchema, ...problems },
    },
    handler: (request: FastifyRequest<{ Params: { id: string }; Body: { why: string } }>) => {
      const asker = askerOf(request);
      const sight = sightOf(context, request);
      const held = gate.transfers().find(({ device }) => device === request.params.id);
      const shown = held && shownTransfer(context, asker, sight, held);
      if (!held || !shown) throw notFound('transfer');
      demandControl(context, asker, sight, held);
      const ended = gate.endTransfer(asker.caller, held.device, request.body.why || `ended by \`${ACTION}\``);
      // Between the two looks its time may have come.
      if (!ended.ok) throw notFound('transfer');
      return shown;
    },
  });
}

/** @throws Problem 403, recorded as a refusal */
function demandControl({ options }: Context, { caller }: Asker, sight: Sight, { device }: Transfer): void {
  const { gate, clock } = options;
  const decision = decide(sight.snapshot, { ...askedBy(caller, clock), action: ACTION, targets: [device] });
  if (decision.decision === 'permit') return;
  const { reason, verdicts, revision, target } = decision;
  const handle = sight.device(device);
  const text = `\`${ACTION}\` is needed to end a transfer to \`${device}\``;
  const decisionId = gate.refuse(caller, {
    operation: 'end-transfer',
    reason,
    detail: text,
    ...(handle !== undefined && { target: handle }),
  });
  const denial = { reason, verdicts, text, ...(target !== undefined && { target }) };
  throw denied(shownDenial(denial, { sight, caller, clock }), { detail: text, decisionId, policyRevision: revision });
}

/** `undefined`: for this asker there is no such transfer. */
function shownTransfer(context: Context, { caller }: Asker, sight: Sight, held: Transfer): ApiTransfer | undefined {
  const { device, principal, begunAt, job: id } = held;
  const { clock, jobs } = context.options;
  const handle = sight.device(device);
  if (handle === undefined) return undefined;
  const asked = { ...askedBy(caller, clock), targets: [device] };
  const own = principal === caller.principal;
  const isNamed = own || seesOthers(sight.snapshot, { ...asked, action: 'device.view' }, device);
  const job = id === undefined ? undefined : jobs.get(id);
  const isSeen = job !== undefined && jobSight(context, caller, sight, job) !== undefined;
  return {
    device: { id: device, name: sight.tree.inventory.nameOf(handle) },
    by: id === undefined ? 'tool' : 'job',
    since: begunAt,
    own,
    mayEnd: decide(sight.snapshot, { ...asked, action: ACTION }).decision === 'permit',
    ...(isNamed && principal !== null && { holder: personName(context, principal) }),
    ...(isSeen && { job: job.id }),
  };
}
