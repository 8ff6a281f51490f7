// One point whole, its trend, and live values as a stream.

import { z } from 'zod';
import { ACTION_OF_WRITING } from '../model/action.ts';
import type { TargetHandle } from '../model/ids.ts';
import type { InventoryPoint } from '../model/point.ts';
import { seesOthers } from '../policy/ask-whom.ts';
import { decide } from '../policy/decide.ts';
import { ownerOf } from '../policy/rights.ts';
import { type Asker, askedBy, mayIn } from './asker.ts';
import { shownPoint } from './browse-routes.ts';
import { type App, askerOf, type Context, sightOf } from './context.ts';
import { shownDenial } from './denial-shown.ts';
import { eventText } from './event-streams.ts';
import type { LiveValue } from './live-values.ts';
import { personName } from './person-name.ts';
import { notFound, notPermitted } from './problem.ts';
import { type ApiPointDetail, type ApiSlot, liveQuery, pointDetailSchema, trendSchema } from './schema-browse.ts';
import { idText, problems } from './schema-shared.ts';
import { shownReading, shownValue } from './shown-value.ts';
import type { Sight } from './sight.ts';
import { slotHolders } from './slot-holder.ts';
import { followWork } from './work-stream.ts';

const FRESH_MS = 2000;
/** ISO 16484-5, 19.2.2: what the standard reserves priorities for. */
const MEANINGS: { readonly [priority: number]: string } = {
  1: 'manual-life-safety',
  2: 'automatic-life-safety',
  5: 'critical-equipment',
  6: 'minimum-on-off',
  8: 'manual-operator',
};

export function pointRoutes(app: App, context: Context): void {
  /** A value is put into words once for everybody who hears it. */
  const texts = new WeakMap<LiveValue, string>();
  const textOf = (id: string, value: LiveValue): string => {
    const text = texts.get(value) ?? eventText('value', { id, ...shownReading(value) });
    texts.set(value, text);
    return text;
  };
  const { live, trends, streams, options } = context;
  const { clock } = options;

  app.route({
    method: 'GET',
    url: '/api/v1/points/:id',
    schema: {
      summary: 'one point, read now if it was not read within two seconds',
      tags: ['points'],
      params: z.object({ id: idText }),
      response: { 200: pointDetailSchema, ...problems },
    },
    handler: async (request) => {
      const { id } = request.params;
      if (sightOf(context, request).point(id) === undefined) throw notFound('point');
      await live.fresh(id, FRESH_MS);
      const slots = await readSlots(context, request, id);
      // The policy may have been replaced while the device answered.
      const sight = sightOf(context, request);
      const handle = sight.point(id);
      const detail = handle === undefined ? undefined : shownDetail(context, askerOf(request), sight, handle);
      if (!detail) throw notFound('point');
      return { ...detail, ...(slots && { slots }) };
    },
  });

  app.route({
    method: 'GET',
    url: '/api/v1/points/:id/trend',
    schema: {
      summary: 'the last day, as far as the gateway has read it',
      tags: ['points'],
      params: z.object({ id: idText }),
      response: { 200: trendSchema, ...problems },
    },
    handler: (request) => {
      const sight = sightOf(context, request);
      const handle = sight.point(request.params.id);
      if (handle === undefined) throw notFound('point');
      if (!sight.trends(handle)) throw notPermitted('trend.view', sight.snapshot.header.revision);
      const unit = sight.tree.inventory.point(handle)?.unit;
      return {
        stepMs: trends.stepMs,
        samples: trends.of(request.params.id, clock.now()),
        ...(unit !== undefined && { unit }),
      };
    },
  });

  app.route({
    method: 'GET',
    url: '/api/v1/live',
    schema: {
      summary: 'live values as server-sent events: `value` {id, …reading}, `job`, `image`, `gone` {id}, `end` {why}',
      description:
        'a `value` comes when the value or its quality changed, and again with its new time while it stays the same: about every ten seconds, every minute where the device tells of changes by itself; `end` says `signed-out`, `revoked`, `no-policy` or `stopping`. `job` (JobSummary; of the job that is named: Job without rows) and `image` (Image) come at most twice a second each; their `gone` has a `kind`',
      tags: ['points'],
      querystring: liveQuery,
      produces: ['text/event-stream'],
      response: { 200: z.string(), ...problems },
    },
    handler: (request, reply) => {
      const asker = askerOf(request);
      const { points = [], work = false, job } = request.query;
      const seesNow = (id: string): boolean => context.sights.of(asker.caller)?.point(id) !== undefined;
      const stream = streams.open(asker, reply.raw, context.headers);
      reply.hijack();
      const shown = points.filter(seesNow);
      const gone = new Set(points.filter((id) => !shown.includes(id)));
      for (const id of gone) stream.send('gone', { id });
      for (const id of shown) stream.sendText(textOf(id, live.cached(id)));
      const isGone = (id: string): boolean => {
        if (!gone.has(id) && !seesNow(id)) {
          gone.add(id);
          stream.send('gone', { id });
        }
        return gone.has(id);
      };
      const forget = live.subscribe(shown, (id, value) => {
        if (!isGone(id)) stream.sendText(textOf(id, value));
      });
      stream.onEnd(forget);
      followWork(context, stream, { all: work, job });
      stream.onLook(() => {
        for (const id of shown) isGone(id);
      });
    },
  });
}

function shownDetail(context: Context, asker: Asker, sight: Sight, handle: TargetHandle): ApiPointDetail | undefined {
  const { options } = context;
  const { clock } = options;
  const summary = shownPoint(context, sight, handle);
  const point = sight.tree.inventory.point(handle);
  if (!summary || !point) return undefined;
  const action = ACTION_OF_WRITING[point.class];
  const request = { ...askedBy(asker.caller, clock), action, targets: [point.id] };
  const decision = decide(sight.snapshot, request);
  const lastChange = lastChangeOf(context, asker, sight, point);
  const { limits } = point;
  return {
    ...summary,
    undo: point.undo,
    write: {
      action,
      ...options.writer.spanOf(point.id),
      permitted: decision.decision === 'permit',
      approvals: decision.decision === 'permit' ? decision.approvals : 0,
      denied:
        decision.decision === 'permit'
          ? []
          : shownDenial(
              {
                reason: decision.reason,
                verdicts: decision.verdicts,
                text: decision.reason,
                ...(decision.target !== undefined && { target: decision.target }),
              },
              { sight, caller: asker.caller, clock },
            ),
    },
    overrides: options.overrides
      .list()
      .filter(({ point: held, state }) => held === point.id && (state === 'active' || state === 'releasing'))
      .map(({ id }) => id),
    ...(limits && {
      limits: {
        ...limits,
        ...(limits.values && { values: limits.values.map(shownValue) }),
      } as ApiPointDetail['limits'],
    }),
    ...(lastChange && { lastChange }),
  };
}

/** One's own name, or where a role lets the asker see others, or who may read the record. */
export function seesName(
  context: Context,
  asker: Asker,
  sight: Sight,
  name: string | null,
  point: InventoryPoint,
): boolean {
  const { clock } = context.options;
  const { snapshot } = sight;
  if (name === asker.caller.principal) return true;
  const request = { ...askedBy(asker.caller, clock), action: 'point.read', targets: [point.id] };
  if (seesOthers(snapshot, request, point.id)) return true;
  return mayIn(snapshot, asker.caller, clock, 'audit.read', ownerOf(snapshot.rights, point.handle));
}

function lastChangeOf(
  context: Context,
  asker: Asker,
  sight: Sight,
  point: InventoryPoint,
): ApiPointDetail['lastChange'] | undefined {
  const { reader } = context.options;
  const [found] = reader.rows({ kind: 'intent', target: point.id, limit: 1, newestFirst: true });
  if (found?.row.kind !== 'intent') return undefined;
  const { row } = found;
  const effect = row.effects.find(({ target }) => target === point.id);
  const [outcome] = reader.rows({ kind: 'outcome', decision: row.decision, limit: 1 });
  const by = row.who.principal;
  return {
    at: row.at,
    ...(effect?.new !== undefined && { value: effect.new }),
    ...(outcome?.row.kind === 'outcome' && { outcome: outcome.row.outcome.kind }),
    ...(by !== null && seesName(context, asker, sight, by, point) && { by: personName(context, by) }),
  };
}

/** The sixteen slots in words, where the driver gives them; who holds a slot, from the record. */
async function readSlots(
  context: Context,
  request: Parameters<typeof askerOf>[0],
  id: string,
): Promise<ApiSlot[] | undefined> {
  const before = sightOf(context, request);
  const handle = before.point(id);
  const point = handle === undefined ? undefined : before.tree.inventory.point(handle);
  const device = point && before.tree.inventory.device(point.device);
  const driver = device && context.live.driverOf(device)?.driver;
  if (!point || !driver?.slots) return undefined;
  const values = await driver.slots(point.handle).catch(() => undefined);
  if (!values) return undefined;
  const sight = sightOf(context, request);
  const holderAt = slotHolders(context.options.reader, id);
  return values.map((value, at) => {
    const priority = at + 1;
    const holder = holderAt(priority, value);
    const by = holder?.who.principal ?? null;
    const isNamed = by !== null && seesName(context, askerOf(request), sight, by, point);
    return {
      priority,
      meaning: MEANINGS[priority] ?? 'available',
      value: shownValue(value),
      ...(holder && { since: holder.at }),
      ...(isNamed && { by: personName(context, by) }),
    };
  });
}
