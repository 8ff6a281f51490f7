// Jobs and images on the live stream: as the lists show them, not too often, gone when they are no longer to be seen.

import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../scenarios/daemon-rig.ts';
import { digestOf, imageBytes, inPieces, manifestFor, signedManifest } from '../store/image-rig.ts';
import { bootInventory, DeviceStage } from './device-stage.ts';
import { type Client, type HttpRig, startHttpRig } from './rig.ts';

const octets = imageBytes(2000);
const image = digestOf(octets);
const grants = [
  { to: 'user:carla', role: 'updater', at: 'root' },
  { to: 'user:anna', role: 'updater', at: 'hq' },
  { to: 'user:ben', role: 'viewer', at: 'hq' },
];
const stage = new DeviceStage();
let rig: HttpRig;
let port: number;
let anna: Client;
let ben: Client;
let carla: Client;
const open: { destroy(): void }[] = [];

beforeAll(async () => {
  rig = await startHttpRig({ changes: { grants, inventory: bootInventory() }, drivers: stage.drivers });
  port = await rig.listen();
  [anna, ben, carla] = await Promise.all([rig.as('anna'), rig.as('ben'), rig.as('carla')]);
});
afterEach(() => {
  for (const each of open.splice(0)) each.destroy();
});
afterAll(() => rig.stop());

interface Heard {
  readonly event: string;
  readonly data: { readonly [key: string]: unknown };
}

async function listen({ cookie }: Client, query: string): Promise<Heard[]> {
  const path = `/api/v1/live?${query}`;
  const headers = { cookie, 'user-agent': 'rig' };
  const asked = request({ host: '127.0.0.1', port, path, agent: false, rejectUnauthorized: false, headers });
  open.push(asked);
  asked.on('error', () => {});
  asked.end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  expect(response.statusCode).toBe(200);
  const heard: Heard[] = [];
  let text = '';
  response.setEncoding('utf8');
  response.on('data', (chunk: string) => {
    const parts = (text + chunk).split('\n\n');
    text = parts.pop() ?? '';
    for (const part of parts) {
      const [, event, data] = /^event: (.*)\ndata: (.*)$/s.exec(part) ?? [];
      if (event !== undefined && data !== undefined) heard.push({ event, data: JSON.parse(data) });
    }
  });
  response.on('error', () => {});
  return heard;
}

const of = (heard: readonly Heard[], event: string) => heard.filter((each) => each.event === event);

describe('the live stream', () => {
  it('tells of images to who may update firmware somewhere', async () => {
    const [mine, others] = await Promise.all([listen(anna, 'work=true'), listen(ben, 'work=true')]);
    await rig.images.announce(signedManifest(manifestFor(octets, { model: 'X1', version: '2.0' })), 'carla');
    await rig.images.receive(image, 0, inPieces(octets, 100));
    await until('the image is ready', () => of(mine, 'image').some(({ data }) => data.state === 'ready'));
    // Twenty pieces came in a moment.
    expect(of(mine, 'image').length).toBeLessThan(5);
    expect(others).toEqual([]);
  });

  it('tells of a job as the lists show it, at most twice a second, and of its devices where it is named', async () => {
    const began = performance.now();
    const all = await listen(carla, 'work=true&points=ahu1%2Fsat');
    const others = await listen(ben, 'work=true');
    const order = { kind: 'firmware', image, devices: ['d1', 'd2'], rollout: { canary: false } };
    const started = await anna.ask('POST', '/api/v1/jobs', { body: order });
    expect(started.status).toBe(201);
    const id = String(started.body.id);
    const named = await listen(anna, `job=${id}`);
    await until('it is done', () => of(named, 'job').some(({ data }) => data.state === 'done'));
    await until('it is done for all', () => of(all, 'job').some(({ data }) => data.state === 'done'));
    expect(of(named, 'job').at(-1)?.data).toMatchObject({ id, devices: [{ state: 'done' }, { state: 'done' }] });
    expect(of(all, 'job').every(({ data }) => data.id === id && data.devices === undefined)).toBe(true);
    expect(others).toEqual([]);
    const revisions = of(all, 'job').map(({ data }) => Number(data.revision));
    expect(revisions).toEqual([...revisions].sort((a, b) => a - b));
    // When they were sent is not known here, but that they were within this time.
    expect(revisions.length).toBeLessThanOrEqual(1 + Math.ceil((performance.now() - began) / 500));
  });

  it('says at once what is under way, and what is gone', async () => {
    const window = { from: Date.now() + 3_600_000, until: Date.now() + 7_200_000 };
    const order = { kind: 'firmware', image, devices: ['d1', 'd3'], window };
    const started = await anna.ask('POST', '/api/v1/jobs', { body: order });
    const id = String(started.body.id);
    const peer = await listen(carla, 'work=true');
    const stranger = await listen(ben, `job=${id}`);
    const nothing = await listen(carla, 'job=j-nothing');
    await until('all are told', () => peer.length > 0 && stranger.length > 0 && nothing.length > 0);
    expect(of(peer, 'job')).toMatchObject([{ data: { id, counts: { 'waiting-window': 2 } } }]);
    expect(stranger).toMatchObject([{ event: 'gone', data: { kind: 'job', id } }]);
    expect(nothing).toMatchObject([{ event: 'gone', data: { kind: 'job', id: 'j-nothing' } }]);
    const fewer = [...grants.slice(1), { to: 'user:carla', role: 'updater', at: 'attic' }];
    await rig.activate({ revision: 2, inventory: bootInventory(), grants: fewer });
    await until('it is gone for who lost the right', () => of(peer, 'gone').some(({ data }) => data.id === id));
    expect(await anna.ask('POST', `/api/v1/jobs/${id}/abort`, { body: {} })).toMatchObject({ status: 200 });
  });

  it('must be asked for something', async () => {
    for (const query of ['', 'work=false', 'job=']) {
      expect((await anna.ask('GET', `/api/v1/live?${query}`)).status).toBe(422);
    }
  });
});
