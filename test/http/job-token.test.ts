// A job that an application started with its bearer token, and what becomes of it once the policy withdraws that token.

import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ApiJob } from '../../src/http/schema-jobs.ts';
import { until } from '../scenarios/daemon-rig.ts';
import { digestOf, imageBytes, inPieces, manifestFor, signedManifest } from '../store/image-rig.ts';
import { bootInventory, DeviceStage } from './device-stage.ts';
import { type HttpRig, startHttpRig } from './rig.ts';

const octets = imageBytes(20_000);
const image = digestOf(octets);
const grants = [
  { to: 'user:carla', role: 'updater', at: 'root' },
  { to: 'application:optimizer', role: 'updater', at: 'hq' },
];
const changes = { grants, inventory: bootInventory() };
const stage = new DeviceStage();
let rig: HttpRig;

beforeAll(async () => {
  rig = await startHttpRig({ changes, drivers: stage.drivers });
  await rig.images.announce(signedManifest(manifestFor(octets, { model: 'X1', version: '2.0' })), 'carla');
  await rig.images.receive(image, 0, inPieces(octets));
});
afterAll(() => rig.stop());

it('stops in the transfer and begins with no further device; its answers are no longer given', async () => {
  const [carla, optimizer] = [await rig.as('carla'), rig.withToken()];
  const body = { kind: 'firmware', image, devices: ['d1', 'd2'], rollout: { canary: false, atOnce: 1 } };
  const headers = { 'idempotency-key': 'a-key-of-a-whole-job' };
  const started = await optimizer.ask('POST', '/api/v1/jobs', { body, headers });
  expect(started.status).toBe(201);
  const job = `/api/v1/jobs/${(JSON.parse(started.text) as ApiJob).id}`;
  const states = async (): Promise<string[]> => {
    const { devices } = JSON.parse((await carla.ask('GET', job)).text) as ApiJob;
    return devices.map(({ state }) => state);
  };
  await until('the first device takes it', async () => (await states())[0] === 'transferring');
  const people = { optimizer: { tokens: [`sha256:${'0'.repeat(64)}`] } };
  await rig.activate({ ...changes, revision: 2, people });
  await until('the first device is as before', async () => (await states())[0] === 'rolled-back');
  expect(await states()).toEqual(['rolled-back', 'queued']);
  expect((await carla.ask('GET', job)).body).toMatchObject({
    state: 'paused',
    paused: { why: expect.stringMatching(/^the policy has withdrawn the token of .* that it was started with$/) },
  });
  expect((await optimizer.ask('GET', job)).status).toBe(401);
});
