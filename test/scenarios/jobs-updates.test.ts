// Firmware updates by the real gateway, ordered by people over HTTPS: approved, revoked, aborted, paused, hindered by the devices
// themselves. What reached a device is what its own record says.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BacnetClient, outcomeText } from '../../simulators/bacnet/client.ts';
import { macOf } from '../../simulators/bacnet/framing.ts';
import { ask } from '../../simulators/bacnet/requests.ts';
import type { ApiJob } from '../../src/http/schema-jobs.ts';
import { JobsRig, PLANT_NETWORK } from './jobs-rig.ts';

const LARGE = 1_500_000;
let rig: JobsRig;
let version = 1;
beforeAll(async () => {
  rig = await JobsRig.start({
    count: 5,
    confirmSeconds: 6,
    loader: () => ({ timeScale: 0.34 }),
    device: (id) => ({
      onRevoke: id === 'fw3' ? 'finish' : 'stop',
      ...(id === 'fw4' && { firmware: { raw: 'permit' } }),
    }),
  });
});
afterAll(() => rig.stop());

/** A newer image than all before, ready to be sent. */
async function newImage(size = 60_000): Promise<{ readonly id: string; readonly octets: Buffer; version: string }> {
  version += 1;
  const words = { version: `${version}.0.0`, size };
  const octets = rig.image(words);
  return { id: await rig.upload(octets, words), octets, version: words.version };
}

const states = ({ devices }: ApiJob) => devices.map(({ state }) => state);
const sent = ({ devices }: ApiJob): number => devices[0]?.progress?.octets ?? 0;
const digests = (...ids: string[]) => ids.map((id) => rig.loader(id).wouldRun.digest);
const writtenTo = (...ids: string[]) => ids.map((id) => rig.written(id));
const pieces = (id: string) =>
  rig.plant
    .device(id)
    .record.writes()
    .filter(({ service }) => service === 'atomic-write-file');
const rest = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const intentsOf = (job: string) =>
  rig.rows().flatMap(({ row }) => (row.kind === 'intent' && row.job === job ? [row] : []));
const eventsOf = (job: string, event: string) =>
  rig
    .rows()
    .flatMap(({ row }) => (row.kind === 'system' && row.event === event && row.detail.job === job ? [row.detail] : []));

describe('a person', () => {
  it('who needs another one waits for them; both are in the record of every step', async () => {
    const image = await newImage();
    const before = writtenTo('fw1', 'fw2');
    const id = await rig.update('eve', image.id, ['fw1', 'fw2']);
    await rig.until(id, ({ state }) => state === 'waiting-approval', 60_000, 'eve');
    expect(writtenTo('fw1', 'fw2')).toEqual(before);
    const approve = (who: Parameters<JobsRig['act']>[0]) =>
      rig.act(who, id, 'approval', { verdict: 'approved', comment: 'in spring' });
    expect((await approve('eve')).status).toBe(409);
    expect((await approve('carla')).status).toBe(404);
    expect((await approve('dora')).status).toBe(404);
    expect((await approve('ben')).body.approvals).toMatchObject({
      given: [{ verdict: 'approved', comment: 'in spring' }],
    });
    expect(states(await rig.ended(id))).toEqual(['done', 'done']);
    const intents = intentsOf(id);
    expect(intents.map(({ operation }) => operation).sort()).toEqual([
      ...['atomic-write-file', 'atomic-write-file'],
      ...['reinitialize-device', 'reinitialize-device'],
    ]);
    for (const { who, approvedBy, firmware } of intents) {
      expect([who.principal, approvedBy]).toEqual(['eve', ['ben']]);
      expect(firmware).toEqual({ image: image.id, oldVersion: '1.0.0', newVersion: image.version });
    }
  });

  it('who lacks the right on one device begins nothing on any', async () => {
    const image = await newImage();
    const before = writtenTo('fw1', 'fw2');
    const order = { kind: 'firmware', image: image.id, devices: ['fw1', 'fw2'] };
    const refused = await rig.ask('dora', 'POST', '/api/v1/jobs', order);
    expect(refused.status).toBe(403);
    for (const denied of refused.body.denied as readonly object[])
      expect(denied).toMatchObject({ device: 'fw2', needed: 'firmware.update' });
    expect((await rig.ask('carla', 'POST', '/api/v1/jobs', order)).status).toBe(403);
    await rest(300);
    expect(writtenTo('fw1', 'fw2')).toEqual(before);
    const refusals = rig.rows({ kind: 'refusal' }).map(({ row }) => row);
    expect(refusals.at(-1)).toMatchObject({ who: { principal: 'carla' } });
  });

  it('who is revoked meanwhile sends nothing more where the device says stop; elsewhere it is finished, and never activated', async () => {
    const image = await newImage(LARGE);
    const before = digests('fw1', 'fw3');
    const starts = rig.loader('fw3').history.length;
    const id = await rig.update('anna', image.id, ['fw1', 'fw3', 'fw4'], { atOnce: 2 });
    await rig.until(id, ({ devices }) => devices.slice(0, 2).every(({ progress }) => (progress?.octets ?? 0) > 0));
    expect(await rig.push(['anna'])).toMatchObject({ state: 'active' });
    const inForce = Date.now();
    const paused = await rig.until(id, ({ devices }) =>
      devices.every(({ state }) => state === 'rolled-back' || state === 'queued'),
    );
    expect(paused).toMatchObject({ state: 'paused', paused: { why: expect.any(String) } });
    expect(states(paused)).toEqual(['rolled-back', 'rolled-back', 'queued']);
    // One may have been on its way.
    expect(pieces('fw1').filter(({ at }) => at > inForce).length).toBeLessThan(2);
    expect(Math.max(...rig.loader('fw3').transfers.map(({ octets }) => octets))).toBe(LARGE);
    expect(pieces('fw4').at(-1)?.at ?? 0).toBeLessThan(inForce);
    expect(digests('fw1', 'fw3')).toEqual(before);
    expect(rig.loader('fw3').history.length).toBe(starts);
    expect(eventsOf(id, 'job-revoked')).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ target: 'fw1', onRevoke: 'stop' }),
        expect.objectContaining({ target: 'fw3', onRevoke: 'finish' }),
      ]),
    );
    expect((await rig.act('robot', id, 'abort', { why: 'over' })).status).toBe(200);
    expect(states(await rig.ended(id))).toEqual(['rolled-back', 'rolled-back', 'aborted']);
    expect(await rig.push()).toMatchObject({ state: 'active' });
  });

  it('who aborts has nothing sent any more, and what was staged dropped', async () => {
    const image = await newImage(LARGE);
    const [before] = digests('fw1');
    const id = await rig.update('anna', image.id, ['fw1']);
    await rig.until(id, (job) => sent(job) > 0);
    expect((await rig.act('anna', id, 'abort', { why: 'not today' })).status).toBe(200);
    const aborted = Date.now();
    const job = await rig.ended(id);
    expect([job.state, ...states(job)]).toEqual(['aborted', 'rolled-back']);
    // One may have been on its way.
    expect(pieces('fw1').filter(({ at }) => at > aborted).length).toBeLessThan(2);
    const last = pieces('fw1').at(-1)?.at ?? 0;
    await rest(1000);
    expect(pieces('fw1').at(-1)?.at).toBe(last);
    expect(digests('fw1')).toEqual([before]);
    expect(rig.plant.device('fw1').state.files.get(1)?.content.length).toBe(0);
  });

  it('who pauses goes on where it was, without a gap', async () => {
    const image = await newImage(LARGE);
    const id = await rig.update('ben', image.id, ['fw2']);
    await rig.until(id, (job) => sent(job) > 0);
    await rig.act('ben', id, 'pause', { why: 'lunch' });
    const paused = await rig.until(id, (job) => states(job)[0] === 'queued');
    expect(paused).toMatchObject({ state: 'paused', paused: { why: 'lunch' } });
    const last = pieces('fw2').at(-1)?.at;
    await rest(500);
    expect(pieces('fw2').at(-1)?.at).toBe(last);
    expect((await rig.act('ben', id, 'resume')).status).toBe(200);
    expect(states(await rig.ended(id))).toEqual(['done']);
    expect(rig.loader('fw2').wouldRun.version).toBe(image.version);
    const { octets = 0, gaps } = rig.loader('fw2').transfers.at(-1) ?? {};
    expect(gaps).toBe(0);
    expect(octets).toBeLessThan(LARGE + 20_000);
  });
});

describe('a device', () => {
  it('that fails as the canary keeps the others from being begun', async () => {
    const image = await newImage();
    rig.loader('fw1').fail({ kind: 'damage', at: 5 });
    const before = [...digests('fw1', 'fw2'), ...writtenTo('fw2', 'fw4')];
    const id = await rig.update('anna', image.id, ['fw1', 'fw2', 'fw4'], { canary: true, stopAtFailedPercent: 20 });
    const job = await rig.ended(id);
    expect([job.state, ...states(job)]).toEqual(['failed', 'rolled-back', 'aborted', 'aborted']);
    expect([...digests('fw1', 'fw2'), ...writtenTo('fw2', 'fw4')]).toEqual(before);
  });

  it('is of one job at a time, and of nobody’s raw frames meanwhile', async () => {
    const image = await newImage(LARGE);
    const id = await rig.update('anna', image.id, ['fw4']);
    await rig.until(id, (job) => sent(job) > 0);
    const order = { kind: 'firmware', image: image.id, devices: ['fw5', 'fw4'] };
    const second = await rig.ask('ben', 'POST', '/api/v1/jobs', order);
    expect([second.status, second.text]).toEqual([409, expect.stringContaining('devices.1')]);
    expect((await rig.ask('ben', 'POST', '/api/v1/tool-sessions', { minutes: 5 })).status).toBe(200);
    const [, host = '', port] = rig.gateway.lines.flatMap((line) => /bacnet north on (\S+):(\d+) /.exec(line) ?? []);
    const tool = await BacnetClient.open({ host: '127.0.0.1', port: Number(port) });
    try {
      const device = { network: PLANT_NETWORK, mac: macOf(rig.plant.endpoint('fw4')) };
      const to = { endpoint: { host, port: Number(port) }, route: device };
      const write = ask.writeFile(1, 0, Buffer.from('mine'));
      // device/configuration-in-progress
      expect(outcomeText(await tool.request(to, write))).toBe('error 0,2');
      // Set points go on.
      const setPoint = ask.readProperty({ object: 'analog-value,1' });
      expect(outcomeText(await tool.request(to, setPoint))).toContain('ack');
    } finally {
      await tool.stop();
    }
    expect(states(await rig.ended(id))).toEqual(['done']);
    expect(rig.loader('fw4').transfers.at(-1)).toMatchObject({ gaps: 0 });
    expect(rig.loader('fw4').wouldRun.version).toBe(image.version);
  });

  it('that restarts of itself, loses answers or stalls for a while is brought to its end; one that lies is brought back', async () => {
    const image = await newImage(200_000);
    const [old] = digests('fw5');
    rig.loader('fw1').fail({ kind: 'reboot', at: 4 });
    rig.loader('fw2').fail({ kind: 'lose-answers', every: 4 });
    rig.loader('fw4').fail({ kind: 'stall', at: 6 });
    rig.loader('fw5').fail({ kind: 'lie', version: '99.0.0' });
    const id = await rig.update('robot', image.id, ['fw1', 'fw2', 'fw4', 'fw5'], { atOnce: 4 });
    const isGivenUp = ({ devices: [, , stalled] }: ApiJob) => stalled?.state === 'checking' && stalled.tries > 0;
    await rig.until(id, isGivenUp);
    rig.loader('fw4').recover();
    const job = await rig.ended(id);
    expect(states(job).slice(0, 3)).toEqual(['done', 'done', 'done']);
    expect(rig.loader('fw4').wouldRun.version).toBe(image.version);
    expect(rig.loader('fw2').transfers.at(-1)?.again).toBe(0);
    const liar = job.devices[3];
    expect(liar?.state).not.toBe('done');
    expect(liar?.why).toContain('99.0.0');
    expect([old, image.id]).toContain(digests('fw5')[0]);
    rig.loader('fw5').recover();
  });
});
