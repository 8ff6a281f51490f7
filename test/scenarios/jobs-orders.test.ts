// Orders to the real gateway from page, command line and cloud console: images that may not be sent, lists that are none, copies and
// limits written on every device or on none. What reached a device is what its own record says.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connectAsync } from 'mqtt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { shown } from '../../simulators/bacnet/values.ts';
import { newSigningKey, signCompact } from '../../simulators/cloud/signing.ts';
import { jobSchema } from '../../src/cloud/job-form.ts';
import { resultSchema } from '../../src/cloud/result-form.ts';
import type { ApiJob } from '../../src/http/schema-jobs.ts';
import { until } from './daemon-rig.ts';
import { SITE } from './jobs-policy.ts';
import { type ImageWords, JobsRig } from './jobs-rig.ts';

let rig: JobsRig;
beforeAll(async () => {
  rig = await JobsRig.start({ count: 4, confirmSeconds: 6 });
});
afterAll(() => rig.stop());

const writtenToAll = (): number[] => rig.ids.map((id) => rig.written(id));
const states = ({ devices }: ApiJob) => devices.map(({ state }) => state);
const slots = (id: string, object: string): string[] =>
  rig.plant
    .device(id)
    .object(object)
    .items('priority-array')
    .map((slot) => shown(slot));
const limitOf = (id: string) => rig.plant.device(id).object('analog-input,1').number('high-limit');

describe('an image', () => {
  const announce = (manifest: string) => rig.ask('anna', 'POST', '/api/v1/images', { manifest });
  const send = (id: unknown, octets: Uint8Array, offset = 0) =>
    rig.ask('anna', 'PUT', `/api/v1/images/${id}/content`, octets, { 'upload-offset': String(offset) });
  const order = (image: unknown, devices = ['fw1']) =>
    rig.ask('anna', 'POST', '/api/v1/jobs', { kind: 'firmware', image, devices });

  it('that is unsigned, of a stranger, too large, cut off, or not what it says reaches no device', async () => {
    const before = writtenToAll();
    const words = { version: '2.0.0' };
    const image = rig.image(words);
    const told = async (manifest: string) => {
      const { status, body } = await announce(manifest);
      return [status, body.title];
    };
    const [head, body] = rig.manifest(image, words).split('.');
    expect(await told(`${head}.${body}.${'A'.repeat(86)}`)).toEqual([422, 'image-unsigned']);
    const stranger = newSigningKey('stranger');
    expect(await told(rig.manifest(image, words, {}, stranger))).toEqual([422, 'image-key-unknown']);
    expect(await told(rig.manifest(image, words, { size: 2 ** 36 }))).toEqual([413, 'image-too-large']);

    const { id } = (await announce(rig.manifest(image, words))).body;
    expect((await send(id, image.subarray(0, 30_000))).body).toMatchObject({ state: 'receiving', received: 30_000 });
    const cut = await order(id);
    expect([cut.status, cut.text]).toEqual([422, expect.stringContaining('30000 of 60000 octets')]);
    const long = await send(id, Buffer.concat([image.subarray(30_000), Buffer.from('more')]), 30_000);
    expect([long.status, long.body.title]).toEqual([413, 'image-too-large']);
    const other = Buffer.from(image);
    other.writeUInt8(other.readUInt8(50_000) ^ 1, 50_000);
    const wrong = await send(id, other.subarray(30_000), 30_000);
    expect([wrong.status, wrong.body.title]).toEqual([422, 'image-digest']);
    expect((await order(id)).status).toBe(422);
    expect((await order('0'.repeat(64))).status).toBe(422);
    expect(writtenToAll()).toEqual(before);
    expect((await rig.ask('anna', 'DELETE', `/api/v1/images/${id}`)).status).toBe(204);
  });

  it('of another model, of an older version, or for newer devices only reaches no device; with a signed permit it may go back', async () => {
    const before = writtenToAll();
    const refused = async (words: ImageWords): Promise<string> => {
      const { status, text } = await order(await rig.upload(rig.image(words), words));
      return `${status} ${text}`;
    };
    expect(await refused({ version: '2.0.0', model: 'Zephyr' })).toMatch(/^409 .*expected `Zephyr`/);
    expect(await refused({ version: '0.9.0' })).toMatch(/^409 .*an image that permits to go back/);
    expect(await refused({ version: '3.0.0', minimumVersion: '2.0.0' })).toMatch(/^409 .*`2\.0\.0` or newer/);
    expect(writtenToAll()).toEqual(before);
    const words = { version: '0.8.0', permitsDowngrade: true };
    const job = await rig.ended(await rig.update('anna', await rig.upload(rig.image(words), words), ['fw1']));
    expect([states(job), rig.loader('fw1').wouldRun.version]).toEqual([['done'], '0.8.0']);
  });
});

describe('a list of devices', () => {
  it('that is empty, names one twice or an unknown one begins nothing', async () => {
    const words = { version: '2.0.0' };
    const image = await rig.upload(rig.image(words), words);
    const before = writtenToAll();
    const kinds = [
      { kind: 'firmware', image },
      { kind: 'configuration', source: 'fw1' },
      { kind: 'alarm-thresholds', values: [{ key: 'temp-hi', value: 27 }] },
    ];
    for (const kind of kinds) {
      const start = async (...devices: string[]) => {
        const { status, text } = await rig.ask('anna', 'POST', '/api/v1/jobs', { ...kind, devices });
        return `${status} ${text}`;
      };
      expect(await start()).toMatch(/^422 .*devices/);
      expect(await start('fw2', 'fw3', 'fw2')).toMatch(/^422 .*devices\.2/);
      expect(await start('fw2', 'nowhere')).toMatch(/^404 .*devices\.1/);
    }
    expect((await rig.ask('anna', 'POST', '/api/v1/jobs', { kind: 'batch', rows: [] })).status).toBe(422);
    expect(writtenToAll()).toEqual(before);
    expect((await rig.ask('anna', 'GET', '/api/v1/jobs?ended=false')).body.items).toEqual([]);
  });
});

describe('a configuration', () => {
  const copy = { kind: 'configuration', source: 'fw1', devices: ['fw2', 'fw3', 'fw4'], classes: ['parameter'] };
  const write = (point: string, value: number, priority?: number) =>
    rig.ask('anna', 'POST', `/api/v1/points/${encodeURIComponent(point)}/write`, {
      value,
      overrideMs: null,
      ...(priority !== undefined && { priority }),
    });

  it('is copied to every device, or each slot is given back what it held', async () => {
    expect((await write('fw1/gain', 7)).body).toMatchObject({ ok: true });
    expect((await write('fw2/gain', 3, 12)).body).toMatchObject({ ok: true });
    const before = rig.ids.map((id) => slots(id, 'analog-value,2'));
    rig.plant.device('fw4').fail({ kind: 'error', errorClass: 2, errorCode: 40 }, { on: 'write' });
    const started = await rig.ask('anna', 'POST', '/api/v1/jobs', copy);
    expect([started.status, started.text]).toEqual([201, expect.any(String)]);
    const failed = await rig.ended(String(started.body.id));
    expect([failed.state, ...states(failed)]).toEqual(['failed', 'rolled-back', 'rolled-back', 'failed']);
    expect(rig.ids.map((id) => slots(id, 'analog-value,2'))).toEqual(before);
    rig.plant.device('fw4').behave();
    expect((await rig.act('anna', failed.id, 'retry')).status).toBe(200);
    const done = await rig.ended(failed.id);
    expect([done.state, ...states(done)]).toEqual(['done', 'done', 'done', 'done']);
    expect(['fw3', 'fw4'].map((id) => rig.plant.device(id).object('analog-value,2').number('present-value'))).toEqual([
      7, 7,
    ]);
    const intents = rig.rows().flatMap(({ row }) => (row.kind === 'intent' && row.job === done.id ? [row] : []));
    const asked = new Set(intents.flatMap(({ effects }) => effects.map(({ target, action }) => `${action} ${target}`)));
    expect([...asked]).toEqual(
      expect.arrayContaining(['device.configure fw1', 'device.configure fw2', 'device.configure fw2/gain']),
    );
  });

  it('of who may not on the source, or one destination, is copied nowhere', async () => {
    const before = writtenToAll();
    for (const devices of [['fw1'], ['fw1', 'fw2']]) {
      const refused = await rig.ask('dora', 'POST', '/api/v1/jobs', { ...copy, source: 'fw3', devices });
      expect([refused.status, refused.text]).toEqual([403, expect.stringContaining('device.configure')]);
    }
    expect(writtenToAll()).toEqual(before);
  });
});

describe('the command line', () => {
  it('uploads, looks first, updates and says how it went; a refusal has its own exit code', async () => {
    const words = { version: '4.0.0' };
    const image = rig.image(words);
    const [file, manifest] = [join(rig.folder, 'image.bin'), join(rig.folder, 'image.manifest')];
    await Promise.all([writeFile(file, image), writeFile(manifest, rig.manifest(image, words))]);
    const uploaded = await rig.command('firmware', 'upload', file, '--manifest', manifest, '--json');
    expect(uploaded).toMatchObject({ code: 0, stderr: '' });
    const { id } = JSON.parse(uploaded.stdout) as { id: string };
    const before = writtenToAll();
    const update = ['firmware', 'update', '--image', id.slice(0, 12), '--device', 'fw2', '--device', 'fw3'];
    const looked = await rig.command(...update, '--dry-run');
    expect([looked.code, looked.stdout]).toEqual([0, expect.stringContaining('permitted')]);
    expect(writtenToAll()).toEqual(before);
    const done = await rig.command(...update, '--wait', '--json');
    expect(done).toMatchObject({ code: 0 });
    const job = JSON.parse(done.stdout.trim().split('\n').at(-1) ?? '') as ApiJob;
    expect([job.state, ...states(job)]).toEqual(['done', 'done', 'done']);
    expect(rig.loader('fw2').wouldRun.version).toBe('4.0.0');
    expect((await rig.command('firmware', 'status', '--all')).stdout).toContain(job.id);
    expect((await rig.command('firmware', 'update', '--image', id, '--device', 'nowhere')).code).toBe(2);
    await rig.push(['robot']);
    expect((await rig.command(...update)).code).not.toBe(0);
    await rig.push();
  });

  it('sets alarm limits, copies and batches', async () => {
    const devices = ['--device', 'fw1', '--device', 'fw2', '--device', 'fw3'];
    expect(await rig.command('alarm', 'set', ...devices, '--value', 'temp-hi=27', '--wait')).toMatchObject({ code: 0 });
    expect(['fw1', 'fw2', 'fw3', 'fw4'].map(limitOf)).toEqual([27, 27, 27, 28]);
    const copied = await rig.command(
      'config',
      'copy',
      '--from',
      'fw1',
      '--to',
      'fw4',
      '--class',
      'alarm-limit',
      '--wait',
    );
    expect(copied).toMatchObject({ code: 0 });
    expect(limitOf('fw4')).toBe(27);
    const rows = join(rig.folder, 'rows.csv');
    await writeFile(rows, 'point,value,priority,for\nfw1/sp,21,10,1h\nfw2/sp,22,10,1h\n');
    expect(await rig.command('batch', rows, '--wait')).toMatchObject({ code: 0 });
    expect(['fw1', 'fw2'].map((id) => rig.plant.device(id).object('analog-value,1').number('present-value'))).toEqual([
      21, 22,
    ]);
    await writeFile(rows, 'point,value\nfw1/sp,99\nfw2/sp,20\n');
    expect((await rig.command('batch', rows, '--wait')).code).not.toBe(0);
    expect(rig.plant.device('fw2').object('analog-value,1').number('present-value')).toBe(22);
  });
});

describe('limits on a list of devices', () => {
  it('are all as before where one device does not take them', async () => {
    const before = rig.ids.map(limitOf);
    rig.plant.device('fw3').fail({ kind: 'error', errorClass: 2, errorCode: 40 }, { on: 'write' });
    const order = { kind: 'alarm-thresholds', devices: ['fw1', 'fw2', 'fw3'], values: [{ key: 'temp-hi', value: 25 }] };
    const started = await rig.ask('ben', 'POST', '/api/v1/jobs', order);
    const job = await rig.ended(String(started.body.id));
    rig.plant.device('fw3').behave();
    expect([job.state, ...states(job)]).toEqual(['failed', 'rolled-back', 'rolled-back', 'failed']);
    expect(rig.ids.map(limitOf)).toEqual(before);
  });
});

describe('the cloud console', () => {
  it('orders an update by a signed command and hears on `jobs/{id}` how it goes', async () => {
    const words = { version: '5.0.0' };
    const image = await rig.upload(rig.image(words), words);
    const client = await connectAsync(rig.brokerUrl, { protocolVersion: 4 });
    const heard: { readonly topic: string; readonly json: unknown }[] = [];
    client.on('message', (topic, payload) => heard.push({ topic, json: JSON.parse(payload.toString()) }));
    await client.subscribeAsync(
      ['result/+', 'jobs/+'].map((name) => `gatehouse/v1/${SITE}/${name}`),
      { qos: 1 },
    );
    const command = async (jti: string, sub: string, operation: object) => {
      const iat = Date.now() / 1000;
      const payload = { format: 'gatehouse.command/1', jti, sub, aud: SITE, iat, exp: iat + 60, operation };
      const text = signCompact(payload, 'gatehouse.command+jws', rig.commandsKey);
      await client.publishAsync(`gatehouse/v1/${SITE}/command/${jti}`, text, { qos: 1 });
      const results = () =>
        heard.flatMap(({ topic, json }) => (topic.endsWith(`/result/${jti}`) ? [resultSchema.parse(json)] : []));
      await until(`command \`${jti}\` is answered`, () => results().some(({ state }) => state !== 'accepted'));
      return results().at(-1);
    };
    try {
      const order = { kind: 'firmware', image, devices: ['fw3', 'fw4'] };
      const before = writtenToAll();
      expect(await command('j-1', 'carla', { op: 'job', order })).toMatchObject({ state: 'refused', code: 'denied' });
      expect(await command('j-2', 'dora', { op: 'job', order })).toMatchObject({ state: 'refused', code: 'denied' });
      expect(await command('j-3', 'anna', { op: 'job', order, dryRun: true })).toMatchObject({ check: { ok: true } });
      expect(writtenToAll()).toEqual(before);
      const started = await command('j-4', 'anna', { op: 'job', order });
      expect(started).toMatchObject({ state: 'done', job: { id: expect.any(String) } });
      const id = started?.state === 'done' ? (started.job?.id ?? '') : '';
      const told = () =>
        heard.flatMap(({ topic, json }) => (topic.endsWith(`/jobs/${id}`) ? [jobSchema.parse(json)] : []));
      await until('its end is told', () => told().at(-1)?.endedAt !== undefined);
      expect(told().at(-1)).toMatchObject({ state: 'done', done: 2, total: 2, starter: 'anna', counts: { done: 2 } });
      expect(rig.loader('fw4').wouldRun.version).toBe('5.0.0');
      const intents = rig.rows().flatMap(({ row }) => (row.kind === 'intent' && row.job === id ? [row] : []));
      expect(new Set(intents.map(({ who }) => `${who.principal} ${who.channel}`))).toEqual(new Set(['anna remote']));
    } finally {
      await client.endAsync(true);
    }
  });
});
