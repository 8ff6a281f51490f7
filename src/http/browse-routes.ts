// Locations → devices → points, and searching them: what the asker may see, and nothing else.

import { z } from 'zod';
import { type TargetHandle, targetHandle } from '../model/ids.ts';
import { type App, type Context, cursorOf, fromCursor, sightOf } from './context.ts';
import { wordsOf } from './place-tree.ts';
import { invalid, notFound } from './problem.ts';
import {
  type ApiDevice,
  type ApiFound,
  type ApiPoint,
  deviceSchema,
  devicesQuery,
  foundSchema,
  locationSchema,
  pointSchema,
  pointsQuery,
  searchQuery,
} from './schema-browse.ts';
import { idText, pageOf, pageQuery, problems } from './schema-shared.ts';
import { shownReading } from './shown-value.ts';
import type { Sight } from './sight.ts';

export function browseRoutes(app: App, context: Context): void {
  const tags = ['browse'];

  app.route({
    method: 'GET',
    url: '/api/v1/locations',
    schema: {
      summary: 'locations, above before below',
      tags,
      querystring: z.object(pageQuery),
      response: { 200: pageOf(locationSchema), ...problems },
    },
    handler: (request) => {
      const sight = sightOf(context, request);
      const { tree } = sight;
      const { items, next } = pageThrough(sight, request.query, everything(sight), (handle) => tree.isLocation(handle));
      return {
        ...next,
        items: items.map((handle) => {
          const parent = visibleAbove(sight, handle);
          return {
            ...placeOf(sight, handle),
            site: tree.isSite(handle),
            devices: count(sight, handle, (each) => tree.isDevice(each)),
            ...(parent !== undefined && { parent: parent.id }),
          };
        }),
      };
    },
  });

  app.route({
    method: 'GET',
    url: '/api/v1/devices',
    schema: {
      summary: 'devices, all or below a location',
      tags,
      querystring: devicesQuery,
      response: { 200: pageOf(deviceSchema), ...problems },
    },
    handler: (request) => {
      const sight = sightOf(context, request);
      const { location, q, model, ...page } = request.query;
      const range = location === undefined ? everything(sight) : below(sight, sight.location(location), 'location');
      const { tree } = sight;
      const words = wordsOf(q ?? '');
      const { items, next } = pageThrough(sight, page, range, (handle) => {
        if (!tree.isDevice(handle)) return false;
        if (model !== undefined && tree.inventory.device(targetHandle(handle))?.model !== model) return false;
        return words.length === 0 || tree.matches(handle, words);
      });
      return { ...next, items: items.map((handle) => shownDevice(context, sight, handle)) };
    },
  });

  app.route({
    method: 'GET',
    url: '/api/v1/devices/:id',
    schema: {
      summary: 'one device',
      tags,
      params: z.object({ id: idText }),
      response: { 200: deviceSchema, ...problems },
    },
    handler: (request) => {
      const sight = sightOf(context, request);
      const handle = sight.device(request.params.id);
      if (handle === undefined) throw notFound('device');
      return shownDevice(context, sight, handle);
    },
  });

  app.route({
    method: 'GET',
    url: '/api/v1/points',
    schema: {
      summary: 'points with the value read last; nothing is read for this',
      tags,
      querystring: pointsQuery,
      response: { 200: pageOf(pointSchema), ...problems },
    },
    handler: (request) => {
      const sight = sightOf(context, request);
      const { tree } = sight;
      const { location, device, q, class: wanted, ...page } = request.query;
      const range =
        device !== undefined
          ? below(sight, sight.device(device), 'device')
          : location !== undefined
            ? below(sight, sight.location(location), 'location')
            : everything(sight);
      const words = wordsOf(q ?? '');
      const { items, next } = pageThrough(sight, page, range, (handle) => {
        if (!tree.isPoint(handle)) return false;
        if (wanted !== undefined && tree.inventory.point(targetHandle(handle))?.class !== wanted) return false;
        return words.length === 0 || tree.matches(handle, words);
      });
      return { ...next, items: items.flatMap((handle) => shownPoint(context, sight, handle) ?? []) };
    },
  });

  app.route({
    method: 'GET',
    url: '/api/v1/search',
    schema: {
      summary: 'by name or id: every word has to occur, those that begin with it first',
      tags,
      querystring: searchQuery,
      response: { 200: z.object({ items: z.array(foundSchema) }), ...problems },
    },
    handler: (request) => {
      const sight = sightOf(context, request);
      const { q, limit } = request.query;
      return { items: search(sight, q.toLowerCase(), limit) };
    },
  });
}

function search(sight: Sight, query: string, limit: number): ApiFound[] {
  const { tree } = sight;
  const words = wordsOf(query);
  const ranks: number[][] = [[], [], []];
  const [first = []] = ranks;
  for (let handle = 0; handle < tree.inventory.handleCount && first.length < limit; handle += 1) {
    if (sight.sees(handle) && tree.matches(handle, words)) ranks[tree.rank(handle, query)]?.push(handle);
  }
  return ranks
    .flat()
    .slice(0, limit)
    .map((handle) => {
      const above = visibleAbove(sight, handle);
      return { kind: tree.kind(handle), ...placeOf(sight, targetHandle(handle)), ...(above && { in: above }) };
    });
}

interface Range {
  readonly first: number;
  readonly last: number;
}

const everything = ({ tree }: Sight): Range => ({ first: 0, last: tree.inventory.handleCount - 1 });

function below({ tree }: Sight, handle: TargetHandle | undefined, what: string): Range {
  if (handle === undefined) throw notFound(what);
  return { first: handle, last: tree.last(handle) };
}

/** A page of what is seen; the cursor is the id after which it goes on. */
function pageThrough(
  sight: Sight,
  { cursor, limit }: { readonly cursor?: string | undefined; readonly limit: number },
  { first, last }: Range,
  wanted: (handle: number) => boolean,
): { readonly items: TargetHandle[]; readonly next: { readonly next?: string } } {
  const { inventory } = sight.tree;
  const after = cursor === undefined ? undefined : inventory.find(fromCursor(cursor));
  // One that names what is not seen is no cursor of ours, whether or not it is there.
  if (cursor !== undefined && (after === undefined || !sight.sees(after))) {
    throw invalid([{ path: 'cursor', message: 'begin again: the inventory was replaced' }]);
  }
  const items: TargetHandle[] = [];
  for (let handle = after === undefined ? first : Math.max(first, after + 1); handle <= last; handle += 1) {
    if (!sight.sees(handle) || !wanted(handle)) continue;
    const [end] = items.length === limit ? items.slice(-1) : [];
    if (end !== undefined) return { items, next: { next: cursorOf(inventory.idOf(end)) } };
    items.push(targetHandle(handle));
  }
  return { items, next: {} };
}

function placeOf({ tree }: Sight, handle: TargetHandle): { id: string; name: string } {
  return { id: tree.inventory.idOf(handle), name: tree.inventory.nameOf(handle) };
}

/** The nearest place above that is seen. */
function visibleAbove(sight: Sight, handle: number): { id: string; name: string } | undefined {
  for (let above = sight.tree.parent(handle); above !== undefined; above = sight.tree.parent(above)) {
    if (sight.sees(above)) return placeOf(sight, above);
  }
  return undefined;
}

function count({ tree, sees }: Sight, handle: number, wanted: (handle: number) => boolean): number {
  let found = 0;
  for (let each = handle + 1; each <= tree.last(handle); each += 1) if (wanted(each) && sees(each)) found += 1;
  return found;
}

function shownDevice({ live }: Context, sight: Sight, handle: TargetHandle): ApiDevice {
  const { tree } = sight;
  const device = tree.inventory.device(handle);
  const protocol = device && live.driverOf(device)?.name;
  const location = visibleAbove(sight, handle);
  return {
    ...placeOf(sight, handle),
    points: count(sight, handle, (each) => tree.isPoint(each)),
    ...(location && { location }),
    ...(device?.vendor !== undefined && { vendor: device.vendor }),
    ...(device?.model !== undefined && { model: device.model }),
    ...(protocol !== undefined && { protocol }),
  };
}

export function shownPoint({ live }: Context, sight: Sight, handle: TargetHandle): ApiPoint | undefined {
  const point = sight.tree.inventory.point(handle);
  if (!point) return undefined;
  return {
    id: point.id,
    name: point.name,
    class: point.class,
    reading: shownReading(live.cached(point.id)),
    ...(point.unit !== undefined && { unit: point.unit }),
    ...(point.limits?.step !== undefined && { step: point.limits.step }),
    ...(sight.sees(point.device) && { device: placeOf(sight, point.device) }),
  };
}
