// Firmware images: announced by their manifest, uploaded in pieces or fetched, removed. For who may update firmware somewhere.
// Invariants: 1. octets go straight to disk; 2. only this one route takes anything but JSON.

import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { ImageFault, ImageFaultCode, StoredImage } from '../contract/images.ts';
import type { Result } from '../model/result.ts';
import { seesOthers } from '../policy/ask-whom.ts';
import { type Asker, askedBy, holdsSomewhere, mayIn } from './asker.ts';
import { type App, askerOf, type Context, cursorOf, fromCursor, policyOf } from './context.ts';
import { personName } from './person-name.ts';
import { notFound, notPermitted, Problem } from './problem.ts';
import { type ApiImage, fetchBody, imageIdText, imageSchema, manifestBody } from './schema-jobs.ts';
import { pageOf, pageQuery, problems } from './schema-shared.ts';

const STATUS: Readonly<Record<ImageFaultCode, number>> = {
  'image-malformed': 422,
  'image-unsigned': 422,
  'image-key-unknown': 422,
  'image-too-large': 413,
  'image-quota': 507,
  'image-unknown': 404,
  'image-incomplete': 400,
  'image-digest': 422,
  'image-offset': 409,
  'image-in-use': 409,
  'image-unreachable': 422,
  'image-host-denied': 422,
  'image-unwritable': 503,
};
const params = z.object({ id: imageIdText });

export async function imageRoutes(app: App, context: Context): Promise<void> {
  const { images, journal, clock } = context.options;
  const tags = ['images'];

  /** @throws Problem 403 where firmware may be updated nowhere */
  const demandUpdater = (request: FastifyRequest): Asker => {
    const asker = askerOf(request);
    if (!mayUpdate(context, asker)) throw notPermitted('firmware.update', policyOf(context).header.revision);
    return asker;
  };

  const known = (request: FastifyRequest<{ Params: { id: string } }>): StoredImage => {
    demandUpdater(request);
    const image = images.get(request.params.id);
    if (!image) throw notFound('image');
    return image;
  };

  const note = (event: string, { id, manifest: { vendor, model, version } }: StoredImage, principal: string): void =>
    journal.note({ kind: 'system', at: clock.now(), event, detail: { image: id, vendor, model, version, principal } });

  app.route({
    method: 'GET',
    url: '/api/v1/images',
    schema: {
      summary: 'firmware images, the newest first: needs `firmware.update` somewhere',
      tags,
      querystring: z.object(pageQuery),
      response: { 200: pageOf(imageSchema), ...problems },
    },
    handler: (request) => {
      const asker = demandUpdater(request);
      const { cursor, limit } = request.query;
      const all = images.list();
      const after = cursor === undefined ? -1 : all.findIndex(({ id }) => id === fromCursor(cursor));
      const items = all.slice(after + 1, after + 1 + limit).map((image) => shownImage(context, asker, image));
      const last = items.at(-1);
      return { items, ...(last && all.at(-1)?.id !== last.id && { next: cursorOf(last.id) }) };
    },
  });

  app.route({
    method: 'POST',
    url: '/api/v1/images',
    schema: {
      summary: 'announce an image by its signed manifest; its octets follow',
      tags,
      body: manifestBody,
      response: { 201: imageSchema, ...problems },
    },
    handler: async (request, reply) => {
      const asker = demandUpdater(request);
      const { principal } = asker.caller;
      const before = new Set(images.list().map(({ id, manifest }) => `${id} ${JSON.stringify(manifest)}`));
      const image = taken(await images.announce(request.body.manifest, principal));
      if (!before.has(`${image.id} ${JSON.stringify(image.manifest)}`)) note('image-announced', image, principal);
      reply.code(201);
      return shownImage(context, asker, image);
    },
  });

  app.route({
    method: 'GET',
    url: '/api/v1/images/:id',
    schema: { summary: 'one image', tags, params, response: { 200: imageSchema, ...problems } },
    handler: (request) => shownImage(context, askerOf(request), known(request)),
  });

  app.route({
    method: 'POST',
    url: '/api/v1/images/:id/fetch',
    schema: {
      summary:
        'let the gateway get it over HTTPS from one of the site’s `images.hosts`; it goes on after interruptions',
      tags,
      params,
      body: fetchBody,
      response: { 202: imageSchema, ...problems },
    },
    handler: async (request, reply) => {
      const { id } = known(request);
      const { url } = request.body;
      const fetched = images.fetch(id, url);
      // It goes on for long: only what hinders it at once is answered here.
      const begun = images.get(id);
      const image = begun?.fetching?.url === url && begun.fetching.why === undefined ? begun : taken(await fetched);
      reply.code(202);
      return shownImage(context, askerOf(request), image);
    },
  });

  app.route({
    method: 'DELETE',
    url: '/api/v1/images/:id',
    schema: {
      summary: 'remove an image: who added it, or `admin.manage`; not while a job needs it',
      tags,
      params,
      response: { 204: z.null(), ...problems },
    },
    handler: async (request, reply) => {
      const image = known(request);
      const { caller } = askerOf(request);
      const snapshot = policyOf(context);
      if (image.addedBy !== caller.principal && !mayIn(snapshot, caller, clock, 'admin.manage')) {
        throw notPermitted('admin.manage', snapshot.header.revision);
      }
      taken(await images.remove(image.id));
      note('image-removed', image, caller.principal);
      reply.code(204);
      return null;
    },
  });

  await app.register(async (scope) => {
    const uploads = scope as App;
    uploads.addContentTypeParser('application/octet-stream', (_request, payload, done) => done(null, payload));
    uploads.route({
      method: 'PUT',
      url: '/api/v1/images/:id/content',
      // Of the manifest: looked at before an octet is read, and again with every piece.
      bodyLimit: Number.MAX_SAFE_INTEGER,
      schema: {
        summary: 'octets from `upload-offset` on, as many as you like at a time: those that arrived count',
        description:
          'the body is `application/octet-stream`; a request may take ten seconds, so send pieces of 1 MiB or so',
        tags,
        consumes: ['application/octet-stream'],
        params,
        headers: z.object({ 'upload-offset': z.coerce.number().int().min(0) }),
        response: { 200: imageSchema, ...problems },
      },
      handler: async (request) => {
        const { id, manifest } = known(request);
        const offset = request.headers['upload-offset'];
        const { body } = request;
        if (!isOctets(body)) throw problemOf({ code: 'image-incomplete', text: 'got no octets' });
        const length = Number(request.headers['content-length'] ?? 0);
        if (offset + length > manifest.size) {
          const text = `got ${length} octets from ${offset} on, the manifest says ${manifest.size} in all`;
          throw problemOf({ code: 'image-too-large', text });
        }
        const received = await images.receive(id, offset, body);
        if (!received.ok) throw problemOf(received.fault, images.get(id));
        return shownImage(context, askerOf(request), received.value);
      },
    });
  });
}

/** Whether somebody sees images at all. */
export const mayUpdate = (context: Context, { caller }: Asker): boolean =>
  holdsSomewhere(policyOf(context), caller, context.options.clock, 'firmware.update');

export function shownImage(context: Context, { caller }: Asker, image: StoredImage): ApiImage {
  const { id, manifest, key, state, received, addedAt, addedBy, fetching } = image;
  const { vendor, model, version, minimumVersion, size, permitsDowngrade = false, notes } = manifest;
  const snapshot = policyOf(context);
  const own = addedBy === caller.principal;
  const asked = { ...askedBy(caller, context.options.clock), action: 'user.view', targets: [] };
  const isNamed = own || seesOthers(snapshot, asked, undefined);
  return {
    id,
    vendor,
    model,
    version,
    permitsDowngrade,
    size,
    received,
    state,
    key,
    addedAt,
    own,
    ...(minimumVersion !== undefined && { minimumVersion }),
    ...(notes !== undefined && { notes }),
    ...(isNamed && { addedBy: personName(context, addedBy) }),
    // What follows the path may be a key to that place.
    ...(fetching && { fetching: { ...fetching, url: own ? fetching.url : bareUrl(fetching.url) } }),
  };
}

function bareUrl(text: string): string {
  const { origin, pathname } = new URL(text);
  return `${origin}${pathname}`;
}

const isOctets = (body: unknown): body is AsyncIterable<Uint8Array> =>
  typeof body === 'object' && body !== null && Symbol.asyncIterator in body;

function taken<T>(result: Result<T, ImageFault>): T {
  if (!result.ok) throw problemOf(result.fault);
  return result.value;
}

/** `image`: how far it is, so that the sender knows where to go on. */
function problemOf({ code, text }: ImageFault, image?: StoredImage): Problem {
  const headers = image === undefined ? {} : { 'upload-offset': String(image.received) };
  return new Problem({ title: code, status: STATUS[code], detail: text }, headers);
}
