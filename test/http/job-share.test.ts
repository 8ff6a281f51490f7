// A person's share of the jobs that may be open: who has it all is told so by the API, and others still find a place.

import { afterAll, beforeAll, expect, it } from 'vitest';
import { BootLoader } from '../jobs/boot-loader.ts';
import { digestOf, imageBytes, inPieces, manifestFor, signedManifest } from '../store/image-rig.ts';
import { bootInventory, DeviceStage } from './device-stage.ts';
import { type Client, type HttpRig, startHttpRig } from './rig.ts';

const octets = imageBytes(2000);
const image = digestOf(octets);
const ids = Array.from({ length: 21 }, (_, at) => `x${at + 1}`);
const grants = [
  { to: 'user:carla', role: 'updater', at: 'root' },
  { to: 'user:anna', role: 'updater', at: 'hq' },
];
const stage = new DeviceStage();
let rig: HttpRig;
let carla: Client;
let anna: Client;

beforeAll(async () => {
  const { devices: [one] = [] } = bootInventory();
  const devices = ids.map((id) => ({ ...one, id, name: id, address: { boot: { id } } }));
  for (const id of ids) stage.devices.set(id, new BootLoader());
  rig = await startHttpRig({ changes: { grants, inventory: { devices, points: [] } }, drivers: stage.drivers });
  [carla, anna] = [await rig.as('carla'), await rig.as('anna')];
  await rig.images.announce(signedManifest(manifestFor(octets, { model: 'X1', version: '2.0' })), 'carla');
  await rig.images.receive(image, 0, inPieces(octets));
});
afterAll(() => rig.stop());

const orderOf = (id: string) => ({
  kind: 'firmware',
  image,
  devices: [id],
  rollout: { canary: false, atOnce: 1 },
  window: { from: Date.now() + 3_600_000, until: Date.now() + 7_200_000 },
});
const start = (client: Client, id: string) =>
  client.ask('POST', '/api/v1/jobs', { body: orderOf(id), headers: { 'idempotency-key': `key-of-job-${id}` } });

it('is twenty jobs; the next is refused by a code of its own until one of them has ended', async () => {
  const statuses: number[] = [];
  for (const id of ids.slice(0, 20)) statuses.push((await start(anna, id)).status);
  expect(statuses).toEqual(Array(20).fill(201));
  const looked = await anna.ask('POST', '/api/v1/jobs/check', { body: orderOf('x21') });
  const message = 'got 20 jobs of your own that have not ended, expected at most 19';
  expect(looked.body).toMatchObject({ ok: false, faults: [{ path: '', message }] });
  const refused = await start(anna, 'x21');
  expect([refused.status, refused.body]).toEqual([
    429,
    { type: 'https://gatehouse.invalid/problems/too-many-jobs', title: 'too many jobs', status: 429, detail: message },
  ]);
  expect((await start(carla, 'x21')).status).toBe(201);
});
