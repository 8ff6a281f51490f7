// Asking that a device stands elsewhere: the right at both locations, recorded for the console, open until a policy does it.

import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { seesOthers } from '../policy/ask-whom.ts';
import { decide } from '../policy/decide.ts';
import { type Asker, askedBy } from './asker.ts';
import { type App, askerOf, type Context, cursorOf, fromCursor, sightOf } from './context.ts';
import { shownDenial } from './denial-shown.ts';
import { MOST_OPEN, MOST_OPEN_EACH, type Move } from './moves.ts';
import { personName } from './person-name.ts';
import { denied, notFound, Problem, tooMany } from './problem.ts';
import { type ApiMove, moveBody, moveSchema, movesQuery } from './schema-jobs.ts';
import { idText, pageOf, problems } from './schema-shared.ts';
import type { Sight } from './sight.ts';
import { keyHeader, keyOf } from './write-routes.ts';

const ACTION = 'device.move';

export function moveRoutes(app: App, context: Context): void {
  const { moves, replies } = context;
  const tags = ['moves'];

  app.route({
    method: 'GET',
    url: '/api/v1/moves',
    schema: {
      summary: 'requests to move devices, the newest first',
      tags,
      querystring: movesQuery,
      response: { 200: pageOf(moveSchema), ...problems },
    },
    handler: (request) => {
      const { cursor, limit, open } = request.query;
      const sight = sightOf(context, request);
      const all = moves
        .list()
        .filter(({ state }) => open === undefined || (state === 'open') === open)
        .flatMap((move) => shownMove(context, askerOf(request), sight, move) ?? []);
      const after = cursor === undefined ? -1 : all.findIndex(({ id }) => id === fromCursor(cursor));
      const items = all.slice(after + 1, after + 1 + limit);
      const last = items.at(-1);
      return { items, ...(last && all.at(-1) !== last && { next: cursorOf(last.id) }) };
    },
  });

  app.route({
    method: 'POST',
    url: '/api/v1/moves',
    schema: {
      summary: 'ask that a device is moved: needs `device.move` where it is and where it goes; the next policy does it',
      tags,
      headers: keyHeader,
      body: moveBody,
      response: { 201: moveSchema, ...problems },
    },
    handler: async (request, reply) => {
      const asker = askerOf(request);
      const { principal } = asker.caller;
      const move = await replies.once(principal, keyOf(request), 'move', request.body, async () => {
        const sight = sightOf(context, request);
        const { device, to, note } = request.body;
        const handle = sight.device(device);
        const destination = sight.location(to);
        const parent = handle === undefined ? undefined : sight.tree.parent(handle);
        if (handle === undefined || parent === undefined) throw notFound('device');
        if (destination === undefined) throw notFound('location');
        const from = sight.tree.inventory.idOf(parent);
        demandMove(context, asker, sight, { device, from, to });
        if (from === to) throw conflict('the device is there already');
        const open = moves.list().filter(({ state }) => state === 'open');
        if (open.some((each) => each.device === device && each.to === to)) throw conflict('this was asked for already');
        const own = open.filter(({ by }) => by === principal).length;
        if (own >= MOST_OPEN_EACH) throw tooMany('too many of your requests to move devices are open', 600);
        if (open.length >= MOST_OPEN) throw tooMany('too many requests to move devices are open', 600);
        const asked = { device, from, to, by: principal, ...(note !== undefined && { note }) };
        return shownMove(context, asker, sight, await recorded(() => moves.request(asked)));
      });
      if (!move) throw notFound('move');
      reply.code(201);
      return move;
    },
  });

  app.route({
    method: 'POST',
    url: '/api/v1/moves/:id/withdraw',
    schema: {
      summary: 'withdraw a request: who asked, or who could ask the same',
      tags,
      params: z.object({ id: idText }),
      response: { 200: moveSchema, ...problems },
    },
    handler: async (request: FastifyRequest<{ Params: { id: string } }>) => {
      const asker = askerOf(request);
      const sight = sightOf(context, request);
      const move = moves.get(request.params.id);
      if (!move || !shownMove(context, asker, sight, move)) throw notFound('move');
      if (move.by !== asker.caller.principal) demandMove(context, asker, sight, move);
      const withdrawn = await recorded(() => moves.withdraw(move.id, asker.caller.principal));
      if (!withdrawn) throw conflict(`the request is ${move.state}`);
      const shown = shownMove(context, asker, sightOf(context, request), withdrawn);
      if (!shown) throw notFound('move');
      return shown;
    },
  });
}

const conflict = (detail: string): Problem => new Problem({ title: 'not possible', status: 409, detail });

async function recorded<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new Problem({ title: 'not recorded', status: 503, detail: String(error) });
  }
}

/**
 * Both locations are targets, and the device itself, so that locks and tags of the device count as well.
 * @throws Problem 403, recorded as a refusal
 */
function demandMove(
  { options }: Context,
  { caller }: Asker,
  sight: Sight,
  { device, from, to }: Pick<Move, 'device' | 'from' | 'to'>,
): void {
  const { gate, clock } = options;
  const { snapshot } = sight;
  const decision = decide(snapshot, { ...askedBy(caller, clock), action: ACTION, targets: [device, from, to] });
  if (decision.decision === 'permit') return;
  const { reason, target, verdicts, revision } = decision;
  const handle = target === undefined ? undefined : sight.tree.inventory.find(target);
  const text = `\`${ACTION}\` is needed where the device is and where it goes`;
  const decisionId = gate.refuse(caller, {
    operation: 'move-device',
    reason,
    detail: `${text}: \`${device}\` from \`${from}\` to \`${to}\``,
    ...(handle !== undefined && { target: handle }),
  });
  const denial = { reason, verdicts, text, ...(target !== undefined && { target }) };
  throw denied(shownDenial(denial, { sight, caller, clock }), { detail: text, decisionId, policyRevision: revision });
}

/** `undefined`: for this asker there is no such request. */
function shownMove(context: Context, { caller }: Asker, sight: Sight, move: Move): ApiMove | undefined {
  const { id, device, from, to, by, at, state, endedAt, note, why } = move;
  const own = by === caller.principal;
  const { inventory } = sight.tree;
  const place = (target: string): { id: string; name: string } | undefined => {
    const handle = inventory.find(target);
    return handle !== undefined && sight.sees(handle) ? { id: target, name: inventory.nameOf(handle) } : undefined;
  };
  const seenDevice = place(device);
  const seenTo = place(to);
  const seenFrom = place(from);
  if (!own && (!seenDevice || !seenTo)) return undefined;
  const asked = { ...askedBy(caller, context.options.clock), action: ACTION, targets: [] };
  const isNamed = own || seesOthers(sight.snapshot, asked, device);
  return {
    id,
    device: seenDevice ?? { id: device, name: device },
    to: seenTo ?? { id: to, name: to },
    state,
    requestedAt: at,
    own,
    ...(seenFrom && { from: seenFrom }),
    ...(endedAt !== undefined && { endedAt }),
    ...(isNamed && { by: personName(context, by) }),
    ...(note !== undefined && { note }),
    ...(why !== undefined && { why }),
  };
}
