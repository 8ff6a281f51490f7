// Alarms that devices hold themselves, as they report them now, and acknowledging one: judged by the gate like any change.

import type { z } from 'zod';
import type { ActiveAlarm, AlarmDriver } from '../contract/alarms.ts';
import type { Performed, RunningDriver } from '../contract/driver.ts';
import type { TargetHandle } from '../model/ids.ts';
import { decide } from '../policy/decide.ts';
import { type Asker, askedBy } from './asker.ts';
import { type App, askerOf, type Context, cursorOf, fromCursor, sightOf } from './context.ts';
import { shownDenial, shownText } from './denial-shown.ts';
import { denied, invalid, notFound, Problem } from './problem.ts';
import {
  type ApiAcknowledged,
  type ApiAlarm,
  type ApiAlarms,
  acknowledgeBody,
  acknowledgedSchema,
  alarmsQuery,
  alarmsSchema,
} from './schema-jobs.ts';
import { problems } from './schema-shared.ts';
import type { Sight } from './sight.ts';
import { keyHeader, keyOf } from './write-routes.ts';

/** Devices asked side by side; each has a lane of its own. */
const AT_ONCE = 8;
/** After so long a page ends, however few alarms it holds. */
const LONGEST_MS = 4000;

interface Holding {
  readonly handle: TargetHandle;
  readonly running: RunningDriver;
  readonly alarms: AlarmDriver;
}

export function alarmRoutes(app: App, context: Context): void {
  const { replies } = context;
  const { gate, clock } = context.options;
  const tags = ['alarms'];

  app.route({
    method: 'GET',
    url: '/api/v1/alarms',
    schema: {
      summary: 'what devices report as in alarm or not acknowledged; a page ends between two devices',
      tags,
      querystring: alarmsQuery,
      response: { 200: alarmsSchema, ...problems },
    },
    handler: async (request): Promise<ApiAlarms> => {
      const asker = askerOf(request);
      const { cursor, limit, device, location } = request.query;
      const began = clock.monotonic();
      const ids = devicesWithAlarms(context, asker, sightOf(context, request), { device, location });
      const from = cursor === undefined ? 0 : ids.indexOf(fromCursor(cursor)) + 1;
      if (cursor !== undefined && from === 0) {
        throw invalid([{ path: 'cursor', message: 'begin again: the devices are others now' }]);
      }
      const items: ApiAlarm[] = [];
      const unreachable: ApiAlarms['unreachable'] = [];
      for (let at = from; at < ids.length; at += AT_ONCE) {
        const round = ids.slice(at, at + AT_ONCE);
        const found = await Promise.all(round.map((id) => alarmsOf(context, asker, id)));
        for (const each of found) {
          items.push(...each.items);
          unreachable.push(...each.unreachable);
        }
        const last = round.at(-1);
        const isFull = items.length >= limit || clock.monotonic() - began > LONGEST_MS;
        if (isFull && last !== undefined && at + AT_ONCE < ids.length) {
          return { items, unreachable, next: cursorOf(last) };
        }
      }
      return { items, unreachable };
    },
  });

  app.route({
    method: 'POST',
    url: '/api/v1/alarms/acknowledge',
    schema: {
      summary: 'acknowledge an alarm in your name',
      tags,
      headers: keyHeader,
      body: acknowledgeBody,
      response: { 200: acknowledgedSchema, ...problems },
    },
    handler: (request) => {
      const asker = askerOf(request);
      const { caller, name } = asker;
      return replies.once(
        caller.principal,
        keyOf(request),
        'alarm',
        request.body,
        async (): Promise<ApiAcknowledged> => {
          const { device, key } = request.body;
          if (holderOf(context, asker, device) === undefined) throw notFound('device');
          const found = await listOf(context, asker, device);
          // The policy may have been replaced while the device answered: everything is looked up anew, in one tick.
          const holder = holderOf(context, asker, device);
          if (!holder || !found) throw notFound('device');
          if (typeof found === 'string') throw unreachableNow(found);
          const alarm = found.find((each) => each.key === key && seesAlarm(context, asker, each));
          if (!alarm) throw notFound('alarm');
          if (alarm.acknowledged)
            throw new Problem({ title: 'not possible', status: 409, detail: 'it is acknowledged' });
          const planned = holder.alarms.planAcknowledge(alarm, name);
          if (!planned.ok) throw new Problem({ title: 'not possible', status: 409, detail: planned.fault });
          const judged = gate.judge(caller, planned.value);
          if (!judged.permitted) {
            const sight = sightOf(context, request);
            const { decisionId, revision } = judged.denial;
            throw denied(shownDenial(judged.denial, { sight, caller, clock }), {
              detail: shownText(judged.denial, { sight, caller, clock }),
              decisionId,
              ...(revision !== undefined && { policyRevision: revision }),
            });
          }
          const { decisionId } = judged.permit;
          return answerOf(decisionId, await holder.running.perform(judged.permit));
        },
      );
    },
  });
}

const unreachableNow = (detail: string): Problem => new Problem({ title: 'not reachable', status: 502, detail });

function answerOf(decisionId: string, { outcome }: Performed): ApiAcknowledged {
  switch (outcome.kind) {
    case 'acknowledged':
      return { state: 'done', decisionId };
    case 'refused-by-device':
      return { state: outcome.kind, decisionId, why: outcome.answer };
    case 'withdrawn':
      return { state: outcome.kind, decisionId, why: outcome.reason };
    case 'unknown':
    case 'stopped':
    case 'not-sent':
      return { state: outcome.kind, decisionId, why: outcome.why };
  }
}

/** Ids, in the order of the inventory, of devices whose alarms the asker may view and whose driver knows of alarms. */
function devicesWithAlarms(
  { options, live }: Context,
  { caller }: Asker,
  sight: Sight,
  { device, location }: Pick<z.output<typeof alarmsQuery>, 'device' | 'location'>,
): string[] {
  const { tree } = sight;
  const only = device === undefined ? undefined : sight.device(device);
  const place = location === undefined ? undefined : sight.location(location);
  if (device !== undefined && only === undefined) throw notFound('device');
  if (location !== undefined && place === undefined) throw notFound('location');
  const reader = options.gate.reader(caller, 'alarm.view');
  const ids: string[] = [];
  for (const each of tree.inventory.devices()) {
    const { handle, id } = each;
    if (only !== undefined && handle !== only) continue;
    if (place !== undefined && (handle < place || handle > tree.last(place))) continue;
    if (sight.sees(handle) && reader.permits(handle) && live.driverOf(each)?.driver.alarms) ids.push(id);
  }
  return ids;
}

/** The driver of a device whose alarms the asker may view now. */
function holderOf({ options, live, sights }: Context, { caller }: Asker, id: string): Holding | undefined {
  const sight = sights.of(caller);
  const handle = sight?.device(id);
  if (!sight || handle === undefined || !options.gate.reader(caller, 'alarm.view').permits(handle)) return undefined;
  const device = sight.tree.inventory.device(handle);
  const running = device && live.driverOf(device)?.driver;
  return running?.alarms && { handle, running, alarms: running.alarms };
}

/** `undefined`: not for this asker; a text: why it could not be asked. */
async function listOf(
  context: Context,
  asker: Asker,
  id: string,
): Promise<readonly ActiveAlarm[] | string | undefined> {
  const holder = holderOf(context, asker, id);
  if (!holder) return undefined;
  try {
    const listed = await holder.alarms.list(holder.handle);
    // Handles of an inventory that was replaced meanwhile mean nothing any more.
    if (holderOf(context, asker, id)?.handle !== holder.handle) return 'the policy was replaced meanwhile';
    return listed.ok ? listed.value : listed.fault;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** The thing in alarm may be a point of its own rights. */
function seesAlarm({ options }: Context, { caller }: Asker, { device, target, monitored = [] }: ActiveAlarm): boolean {
  const reader = options.gate.reader(caller, 'alarm.view');
  return [device, ...(target === undefined ? [] : [target]), ...monitored].every((one) => reader.permits(one));
}

async function alarmsOf(
  context: Context,
  asker: Asker,
  id: string,
): Promise<{ readonly items: readonly ApiAlarm[]; readonly unreachable: ApiAlarms['unreachable'] }> {
  const found = await listOf(context, asker, id);
  const sight = context.sights.of(asker.caller);
  const handle = sight?.device(id);
  if (found === undefined || !sight || handle === undefined) return { items: [], unreachable: [] };
  const { inventory } = sight.tree;
  const device = { id, name: inventory.nameOf(handle) };
  if (typeof found === 'string') return { items: [], unreachable: [{ device, why: found }] };
  const mayAcknowledge = (target: string): boolean =>
    decide(sight.snapshot, {
      ...askedBy(asker.caller, context.options.clock),
      action: 'alarm.acknowledge',
      targets: [target],
    }).decision === 'permit';
  const items = found
    .filter((alarm) => seesAlarm(context, asker, alarm))
    .map(({ target, key, state, since, acknowledged }): ApiAlarm => {
      const point = target !== undefined && sight.sees(target) ? target : undefined;
      const about = target === undefined ? id : inventory.idOf(target);
      return {
        device,
        key,
        state,
        acknowledged,
        mayAcknowledge: !acknowledged && mayAcknowledge(about),
        ...(point !== undefined && { point: { id: inventory.idOf(point), name: inventory.nameOf(point) } }),
        ...(since !== undefined && { since }),
      };
    });
  return { items, unreachable: [] };
}
