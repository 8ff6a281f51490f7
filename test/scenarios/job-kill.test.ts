// Kill -9 at random instants of firmware updates: every device ends with exactly the old or the new image, no job hangs, and the
// record explains each step. JOB_KILLS=200 for a long night.

import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { digestOf } from '../../simulators/bacnet/firmware-image.ts';
import { FIRMWARE_MODEL, type FirmwarePlant, startFirmwarePlant } from '../../simulators/bacnet/firmware-plant.ts';
import { VENDOR } from '../../simulators/bacnet/plant.ts';
import type { BundleJson } from '../../simulators/cloud/bundle-parts.ts';
import { imageJwk, signImage } from '../../simulators/cloud/image-commands.ts';
import { newSigningKey } from '../../simulators/cloud/signing.ts';
import { bacnetSection } from '../../simulators/demo/bacnet-part.ts';
import { SiteCa } from '../../src/cli/site-ca.ts';
import { type Rig, startRig, until } from './daemon-rig.ts';
import { freePort } from './peers/program.ts';

const KILLS = Number(process.env.JOB_KILLS ?? 4);
const DEVICES = ['fw1', 'fw2', 'fw3', 'fw4'];
const SIZE = 200_000;
const LONGEST_RUN_MS = 1500;

let plant: FirmwarePlant;
let rig: Rig;
let folder: string;
let port: number;
const key = newSigningKey('images-1');

interface ApiJob {
  readonly id: string;
  readonly state: string;
  readonly endedAt?: number;
  readonly devices: readonly { readonly device: string | { readonly id: string }; readonly state: string }[];
}

beforeAll(async () => {
  plant = await startFirmwarePlant({
    count: DEVICES.length,
    hostBase: '127.0.9.1',
    loader: { timeScale: 0.2 },
    firmware: { staging: true, confirmSeconds: 15 },
  });
  port = await freePort();
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-job-kill-'));
  const ca = await SiteCa.create(join(folder, 'ca'), 'Site', 30);
  await ca.issue({ name: 'supervisor', days: 10 }, 'client', folder);
  const http = `{ address: 127.0.0.1, port: ${port}, clientCaFile: ${folder}/ca/ca.pem, clientCrlFile: ${folder}/ca/crl.pem }`;
  const bacnet = bacnetSection({ port: 0, plantPort: plant.port });
  rig = await startRig({
    policy: false,
    configure: (yaml) => `${yaml.replace('drivers:\n', `drivers:\n${bacnet}`)}http: ${http}\n`,
  });
  expect(await rig.push([], withUpdates)).toMatchObject({ state: 'active' });
}, 60_000);
afterAll(async () => {
  await rig.stop();
  await plant.stop();
  await rm(folder, { recursive: true, force: true });
}, 30_000);

/** The devices beside the others, the key of their vendor, and a supervisor that may update them. */
function withUpdates(bundle: BundleJson): BundleJson {
  const [organization] = bundle.organizations as { readonly [list: string]: readonly object[] }[];
  const { devices, points } = plant.inventory('hq');
  const role = { id: 'updater', name: 'Updater', permissions: ['device.view', 'point.read', 'firmware.update'] };
  const applications = bundle.applications as readonly { readonly id: string }[];
  return {
    ...bundle,
    keys: { images: [imageJwk(key)] },
    applications: applications.map((each) =>
      each.id === 'supervisor' ? { ...each, certificates: ['CN=supervisor'] } : each,
    ),
    organizations: [
      {
        ...organization,
        devices: [...(organization?.devices ?? []), ...devices],
        points: [...(organization?.points ?? []), ...points],
        roles: [...(organization?.roles ?? []), role],
        grants: [...(organization?.grants ?? []), { to: 'application:supervisor', role: 'updater', at: 'hq' }],
      },
    ],
  } as BundleJson;
}

function ask(
  method: string,
  path: string,
  body?: object | Buffer,
  more = {},
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const octets = body instanceof Buffer;
    const asked = request(
      {
        host: '127.0.0.1',
        port,
        path: `/api/v1/${path}`,
        method,
        agent: false,
        rejectUnauthorized: false,
        cert: readFileSync(join(folder, 'supervisor.pem')),
        key: readFileSync(join(folder, 'supervisor.key')),
        headers: {
          'user-agent': 'scenario',
          ...(body && { 'content-type': octets ? 'application/octet-stream' : 'application/json' }),
          ...more,
        },
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          text += chunk;
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text }));
      },
    );
    asked.on('error', reject);
    asked.end(body && (octets ? body : JSON.stringify(body)));
  });
}

async function upload(version: string): Promise<Buffer> {
  const image = plant.image(version, SIZE);
  const sha256 = digestOf(image);
  const manifest = signImage({ size: image.length, sha256 }, { vendor: VENDOR, model: FIRMWARE_MODEL, version }, key);
  expect(await ask('POST', 'images', { manifest })).toMatchObject({ status: 201 });
  const sent = await ask('PUT', `images/${sha256}/content`, image, { 'upload-offset': '0' });
  expect(JSON.parse(sent.body)).toMatchObject({ state: 'ready' });
  return image;
}

async function begin(image: Buffer): Promise<string> {
  const rollout = { canary: false, atOnce: 2, stopAtFailedPercent: 100 };
  const started = await ask('POST', 'jobs', { kind: 'firmware', image: digestOf(image), devices: DEVICES, rollout });
  expect(started, started.body).toMatchObject({ status: 201 });
  return (JSON.parse(started.body) as ApiJob).id;
}

const jobNow = async (id: string): Promise<ApiJob> => JSON.parse((await ask('GET', `jobs/${id}`)).body) as ApiJob;

test(
  'every device ends with the old or the new image, whenever the gateway is killed',
  async () => {
    let [version, kills] = [1, 0];
    const ends = new Map<string, number>();
    let running = new Map(DEVICES.map((id) => [id, plant.first]));
    const jobs: string[] = [];
    while (kills < KILLS) {
      version += 1;
      const image = await upload(`${version}.0.0`);
      const id = await begin(image);
      jobs.push(id);
      let job = await jobNow(id);
      while (job.endedAt === undefined && kills < KILLS) {
        await new Promise((resolve) => setTimeout(resolve, Math.random() * LONGEST_RUN_MS));
        await rig.gateway().kill();
        kills += 1;
        await rig.restart();
        job = await jobNow(id);
      }
      await until('the job ends', async () => (await jobNow(id)).endedAt !== undefined, 120_000);
      job = await jobNow(id);
      running = new Map(
        DEVICES.map((device, at): [string, Buffer] => {
          const state = job.devices[at]?.state ?? '';
          const before = running.get(device) ?? plant.first;
          ends.set(state, (ends.get(state) ?? 0) + 1);
          const bank = plant.device(device).loader.bank(before, image);
          expect(bank, `${device} ${state}`).toBe(state === 'done' ? 'new' : 'old');
          return [device, bank === 'new' ? image : before];
        }),
      );
    }
    expect(ends.get('done')).toBeGreaterThan(0);

    expect(await rig.journal('verify')).toMatchObject({ code: 0, stderr: '' });
    const rows = await rig.rows();
    const outcomes = new Set(rows.flatMap(({ row }) => (row.kind === 'outcome' ? [row.decision] : [])));
    const intents = rows.flatMap(({ row }) => (row.kind === 'intent' ? [row] : []));
    expect(intents.filter(({ decision }) => !outcomes.has(decision))).toEqual([]);
    expect(intents.every(({ job }) => jobs.includes(job as string))).toBe(true);
    const steps = rows.flatMap(({ row }) =>
      row.kind === 'system' ? [row as { event?: string; detail?: object }] : [],
    );
    const ended = steps
      .filter(({ event }) => event === 'job-ended')
      .map(({ detail }) => (detail as { job: string }).job);
    expect([...new Set(ended)].sort()).toEqual([...jobs].sort());
    console.info(`${kills} kills in ${jobs.length} updates: ${JSON.stringify([...ends])}, ${rows.length} rows`);
  },
  120_000 + KILLS * 20_000,
);
