// Images by the API: announced, uploaded in pieces, gone on with, removed; by who may update firmware somewhere.

import { request } from 'node:https';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newSigningKey } from '../../simulators/cloud/signing.ts';
import { until } from '../scenarios/daemon-rig.ts';
import { digestOf, imageBytes, manifestFor, signedManifest } from '../store/image-rig.ts';
import { type Client, type HttpRig, startHttpRig } from './rig.ts';

const octets = imageBytes(3_000_000);
const id = digestOf(octets);
let rig: HttpRig;
let anna: Client;
let eve: Client;
let ben: Client;
let carla: Client;

beforeAll(async () => {
  rig = await startHttpRig({
    changes: {
      grants: [
        { to: 'user:carla', role: 'chief', at: 'root' },
        { to: 'user:carla', role: 'admin', at: 'root' },
        { to: 'user:carla', role: 'updater', at: 'root' },
        { to: 'user:anna', role: 'updater', at: 'ahu1' },
        { to: 'user:eve', role: 'updater', at: 'hq' },
        { to: 'user:ben', role: 'viewer', at: 'hq' },
      ],
    },
  });
  [anna, eve, ben, carla] = await Promise.all([rig.as('anna'), rig.as('eve'), rig.as('ben'), rig.as('carla')]);
});
afterAll(() => rig.stop());

const announce = (client: Client, manifest: string) => client.ask('POST', '/api/v1/images', { body: { manifest } });
const upload = (client: Client, offset: number | string, piece: Uint8Array, image = id) =>
  client.ask('PUT', `/api/v1/images/${image}/content`, {
    body: Buffer.from(piece),
    headers: { 'content-type': 'application/octet-stream', 'upload-offset': String(offset) },
  });

describe('an image', () => {
  it('is announced by a signed manifest alone', async () => {
    const refused = await announce(anna, signedManifest(manifestFor(octets), newSigningKey('stranger')));
    expect([refused.status, refused.body.title]).toEqual([422, 'image-key-unknown']);
    expect((await announce(anna, 'nonsense')).body.title).toBe('image-unsigned');
    const large = await announce(anna, signedManifest(manifestFor(octets, { size: 2 ** 40 })));
    expect([large.status, large.body.title]).toEqual([413, 'image-too-large']);
    const announced = await announce(anna, signedManifest(manifestFor(octets, { minimumVersion: '1.0' })));
    expect([announced.status, announced.body]).toEqual([
      201,
      {
        id,
        vendor: 'Acme',
        model: 'AHU-X1',
        version: '2.1.0',
        minimumVersion: '1.0',
        permitsDowngrade: false,
        size: 3_000_000,
        received: 0,
        state: 'receiving',
        key: 'vendor-1',
        addedAt: expect.any(Number),
        addedBy: 'Anna',
        own: true,
      },
    ]);
    const full = imageBytes(6_000_000, 5);
    expect((await announce(anna, signedManifest(manifestFor(full)))).status).toBe(507);
  });

  it('is uploaded in pieces larger than any JSON may be; whoever lost count is told where to go on', async () => {
    const first = await upload(anna, 0, octets.subarray(0, 1_000_000));
    expect(first.body).toMatchObject({ received: 1_000_000, state: 'receiving' });
    const lost = await upload(anna, 0, octets.subarray(0, 1_000_000));
    expect([lost.status, lost.headers['upload-offset'], lost.body.title]).toEqual([409, '1000000', 'image-offset']);
    const long = await upload(anna, 1_000_000, octets.subarray(0, 2_000_001));
    expect([long.status, long.body.title]).toEqual([413, 'image-too-large']);
    for (const offset of ['-1', 'x', '1.5']) expect((await upload(anna, offset, octets)).status).toBe(422);
    const done = await upload(eve, 1_000_000, octets.subarray(1_000_000));
    expect(done.body).toMatchObject({ received: 3_000_000, state: 'ready', own: false });
    expect(done.body.addedBy).toBe(undefined);
    expect((await carla.ask('GET', `/api/v1/images/${id}`)).body.addedBy).toBe('Anna');
    expect((await rig.images.open(id)).ok).toBe(true);
  });

  it('keeps what arrived when the line breaks, and takes the rest', async () => {
    const whole = imageBytes(2_000_000, 4);
    const path = `/api/v1/images/${digestOf(whole)}`;
    await announce(anna, signedManifest(manifestFor(whole)));
    const port = await rig.listen();
    const headers = {
      cookie: anna.cookie,
      'user-agent': 'rig',
      'sec-fetch-site': 'same-origin',
      'content-type': 'application/octet-stream',
      'content-length': String(whole.length),
      'upload-offset': '0',
    };
    const sending = request({
      host: '127.0.0.1',
      port,
      method: 'PUT',
      path: `${path}/content`,
      headers,
      rejectUnauthorized: false,
    });
    sending.on('error', () => {});
    sending.write(whole.subarray(0, 500_000));
    await until('a part has arrived', () => (rig.images.get(digestOf(whole))?.received ?? 0) > 0);
    sending.destroy();
    await until('the break was noticed', async () => {
      const { received } = (await anna.ask('GET', path)).body;
      const rest = await upload(anna, Number(received), whole.subarray(Number(received)), digestOf(whole));
      return rest.body.state === 'ready';
    });
    expect((await rig.images.open(digestOf(whole))).ok).toBe(true);
    expect((await anna.ask('DELETE', path)).status).toBe(204);
  });

  it('is the only thing that is taken as octets', async () => {
    const headers = { 'content-type': 'application/octet-stream' };
    for (const path of ['/api/v1/images', '/api/v1/jobs', '/api/v1/batches']) {
      expect((await anna.ask('POST', path, { body: Buffer.from('{}'), headers })).status).toBe(415);
    }
    const json = await anna.ask('PUT', `/api/v1/images/${id}/content`, { body: {}, headers: { 'upload-offset': '0' } });
    expect(json.status).toBe(400);
    const foreign = await anna.ask('PUT', `/api/v1/images/${id}/content`, {
      body: Buffer.from('x'),
      headers: { ...headers, 'upload-offset': '0', 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' },
    });
    expect(foreign.status).toBe(403);
  });

  it('is for who may update firmware somewhere, and for nobody else', async () => {
    for (const [client, status] of [
      [anna, 200],
      [eve, 200],
      [carla, 200],
      [ben, 403],
      [rig.withToken(), 403],
    ] as const) {
      const list = await client.ask('GET', '/api/v1/images');
      expect(list.status).toBe(status);
      if (status === 403) expect(list.body).toMatchObject({ denied: [{ needed: 'firmware.update' }] });
      else expect(list.items).toMatchObject([{ id }]);
      const unknown = await client.ask('GET', `/api/v1/images/${'0'.repeat(64)}`);
      expect(unknown.status).toBe(status === 403 ? 403 : 404);
    }
    expect((await announce(ben, signedManifest(manifestFor(octets)))).status).toBe(403);
    expect((await upload(ben, 0, octets.subarray(0, 5))).status).toBe(403);
    expect((await ben.ask('DELETE', `/api/v1/images/${id}`)).status).toBe(403);
    expect((await ben.ask('POST', `/api/v1/images/${id}/fetch`, { body: { url: 'https://a.b/' } })).status).toBe(403);
    expect((await anna.ask('GET', '/api/v1/images/..%2F..%2Fetc')).status).toBe(422);
  });

  it('is not fetched by what is no HTTPS address, nor from where nobody answers', async () => {
    const small = imageBytes(5000, 3);
    await announce(eve, signedManifest(manifestFor(small)));
    const path = `/api/v1/images/${digestOf(small)}/fetch`;
    for (const url of ['http://127.0.0.1/x', 'https://u:p@127.0.0.1/x']) {
      const answer = await eve.ask('POST', path, { body: { url } });
      expect([answer.status, answer.body.title]).toEqual([422, 'image-unreachable']);
    }
    expect((await eve.ask('POST', path, { body: { url: 'file:///etc/passwd' } })).status).toBe(422);
    for (const url of ['https://no-such-host.invalid/x', 'https://127.0.0.1/x', 'https://127.0.0.1:2/x']) {
      const answer = await eve.ask('POST', path, { body: { url } });
      expect([answer.status, answer.body.title]).toEqual([422, 'image-host-denied']);
      expect(answer.body.detail).toContain('`images.hosts`');
    }
    const begun = await eve.ask('POST', path, { body: { url: 'https://127.0.0.1:1/x' } });
    expect([begun.status, begun.body.fetching]).toEqual([202, { url: 'https://127.0.0.1:1/x' }]);
    const busy = await eve.ask('POST', path, { body: { url: 'https://127.0.0.1:1/y' } });
    expect([busy.status, busy.body.title]).toEqual([409, 'image-in-use']);
    expect((await eve.ask('DELETE', `/api/v1/images/${digestOf(small)}`)).status).toBe(204);
  });

  it('is removed by who added it or an administrator, and what came and went is in the record', async () => {
    expect((await eve.ask('DELETE', `/api/v1/images/${id}`)).body).toMatchObject({
      status: 403,
      denied: [{ needed: 'admin.manage' }],
    });
    expect((await carla.ask('DELETE', `/api/v1/images/${id}`)).status).toBe(204);
    expect((await carla.ask('DELETE', `/api/v1/images/${id}`)).status).toBe(404);
    await until('both are recorded', async () => {
      const events = (await carla.ask('GET', '/api/v1/journal?kind=system&limit=50')).items.map(({ row }) => row);
      const seen = JSON.stringify(events);
      return seen.includes('image-announced') && seen.includes('image-removed');
    });
  });
});
