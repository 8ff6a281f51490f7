// Jobs by the API, as every kind of principal, held to the reference evaluator: who may start, who sees, who acts, what is left out.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RawBundle } from '../reference/bundle.ts';
import { evaluate } from '../reference/evaluator.ts';
import { until } from '../scenarios/daemon-rig.ts';
import { digestOf, imageBytes, inPieces, manifestFor, signedManifest } from '../store/image-rig.ts';
import { BOOT_DEVICES, bootInventory, DeviceStage } from './device-stage.ts';
import { type Answer, type Client, type HttpRig, startHttpRig } from './rig.ts';

const PRINCIPALS = ['carla', 'anna', 'ben', 'tom', 'eve', 'optimizer'] as const;
type Principal = (typeof PRINCIPALS)[number];
const octets = imageBytes(2000);
const image = digestOf(octets);
const grants = [
  { to: 'user:carla', role: 'chief', at: 'root' },
  { to: 'user:carla', role: 'updater', at: 'root' },
  { to: 'user:carla', role: 'admin', at: 'root' },
  { to: 'user:anna', role: 'updater', at: 'hq' },
  { to: 'user:ben', role: 'overseer', at: 'hq' },
  { to: 'user:eve', role: 'updater', at: 'attic' },
  { to: 'user:eve', role: 'viewer', at: 'd4' },
  { to: 'application:optimizer', role: 'operator', at: 'chiller1' },
];

const stage = new DeviceStage();
let rig: HttpRig;
const clients = new Map<Principal, Client>();
const as = (principal: Principal): Client => clients.get(principal) as Client;

beforeAll(async () => {
  const { devices, points = [] } = bootInventory();
  const alone = { id: 'd4/time', name: 'Time', device: 'd4', class: 'parameter', address: { time: 1 } };
  const inventory = { devices, points: [...points, alone] };
  rig = await startHttpRig({ changes: { grants, inventory }, drivers: stage.drivers });
  for (const each of PRINCIPALS) clients.set(each, each === 'optimizer' ? rig.withToken() : await rig.as(each));
  await rig.images.announce(signedManifest(manifestFor(octets, { model: 'X1', version: '2.0' })), 'carla');
  await rig.images.receive(image, 0, inPieces(octets));
});
afterAll(() => rig.stop());

const firmware = (...devices: string[]) => ({
  kind: 'firmware',
  image,
  devices,
  rollout: { canary: false, atOnce: 1 },
});
const later = () => ({ from: Date.now() + 3_600_000, until: Date.now() + 7_200_000 });

function may(principal: string, action: string, ...targets: string[]): boolean {
  return targets.every(
    (target) =>
      evaluate(rig.bundle as unknown as RawBundle, {
        principal,
        action,
        targets: [target],
        channel: 'local',
        at: Date.now(),
      }).decision === 'permit',
  );
}

async function ended(id: string): Promise<void> {
  await until('the job has ended', () => rig.jobs.get(id)?.endedAt !== undefined);
}

async function abort(client: Client, { body }: Answer): Promise<void> {
  const path = `/api/v1/jobs/${body.id}/abort`;
  const answer = await client.ask('POST', path, { body: { why: 'enough' } });
  expect([answer.status, answer.text]).toEqual([200, expect.any(String)]);
  await ended(String(body.id));
}

describe.each(PRINCIPALS)('%s', (principal) => {
  it.each([
    ['firmware.update', firmware('d1', 'd2'), ['d1', 'd2']],
    ['firmware.update', firmware('d1', 'd3'), ['d1', 'd3']],
    ['firmware.update', firmware('d3'), ['d3']],
    ['device.configure', { kind: 'configuration', source: 'd1', devices: ['d2'] }, ['d1', 'd2', 'd2/gain']],
    ['alarm.threshold', { kind: 'alarm-thresholds', devices: ['d1'], values: [{ key: 'high', value: 28 }] }, ['ahu1']],
  ] as const)(
    'starts %s where every device is permitted, and learns why not elsewhere',
    async (action, order, devices) => {
      const client = as(principal);
      const seen = may(principal, 'device.view', ...devices);
      const expected = !seen ? 404 : may(principal, action, ...devices) ? 201 : 403;
      const body = { ...order, window: later() };
      const check = await client.ask('POST', '/api/v1/jobs/check', { body });
      const first = await client.ask('POST', '/api/v1/jobs', { body });
      expect([principal, first.status, first.text]).toEqual([principal, expected, expect.any(String)]);
      if (expected === 404) {
        expect(check.body.ok).toBe(false);
        const gone = await client.ask('POST', '/api/v1/jobs', { body: { ...body, devices: ['nowhere'] } });
        expect(JSON.stringify(first.body.errors)).toContain('no such device, or you may not see it');
        expect(gone.body.detail).toBe(first.body.detail);
        return;
      }
      expect(check.body).toMatchObject({ ok: expected === 201, faults: [] });
      if (expected === 403) {
        expect(first.body).toMatchObject({ policyRevision: 1, decisionId: expect.any(String) });
        expect(first.body.denied).toContainEqual(expect.objectContaining({ needed: action }));
        const unhappy = JSON.stringify(check.body.devices);
        expect(unhappy).toContain(action);
        for (const hidden of BOOT_DEVICES.filter((id) => !may(principal, 'device.view', id))) {
          expect(first.text).not.toContain(`"${hidden}"`);
        }
        return;
      }
      await abort(client, first);
    },
  );
});

it('the check of a copy names what has no partner', async () => {
  const of = async (source: string, device: string) => {
    const body = { kind: 'configuration', source, devices: [device] };
    return (await as('carla').ask('POST', '/api/v1/jobs/check', { body })).body.devices;
  };
  const pair = (device: string) => [expect.objectContaining({ point: `${device}/gain` })];
  expect(await of('d4', 'd2')).toMatchObject([{ rows: pair('d2'), unmatched: ['d4/time'] }]);
  const whole = await of('d2', 'd4');
  expect(whole).toMatchObject([{ rows: pair('d4') }]);
  expect(JSON.stringify(whole)).not.toContain('unmatched');
});

describe('a job of somebody else', () => {
  let job: string;
  let configuration: string;
  beforeAll(async () => {
    const started = await as('anna').ask('POST', '/api/v1/jobs', {
      body: { ...firmware('d4', 'd3'), window: later(), note: 'spring' },
    });
    job = String(started.body.id);
    const copy = await as('anna').ask('POST', '/api/v1/jobs', {
      body: { kind: 'configuration', source: 'd2', devices: ['d1'], window: later() },
    });
    expect([copy.status, copy.text]).toEqual([201, expect.any(String)]);
    configuration = String(copy.body.id);
  });
  afterAll(async () => {
    for (const id of [job, configuration].filter((each) => rig.jobs.get(each)?.endedAt === undefined)) {
      await rig.jobs.abort(caller('carla'), id, 'over');
      await ended(id);
    }
  });
  const caller = (principal: string) => ({
    principal: principal as never,
    channel: 'local' as const,
    proof: { kind: 'none' as const },
    from: '',
    peer: '',
  });

  it('is there for its starter and who has the same right on every device; for nobody else', async () => {
    for (const principal of PRINCIPALS) {
      const client = as(principal);
      const seen = principal === 'anna' || may(principal, 'firmware.update', 'd4', 'd3');
      const answer = await client.ask('GET', `/api/v1/jobs/${job}`);
      const nothing = await client.ask('GET', '/api/v1/jobs/j-nothing');
      expect([principal, answer.status]).toEqual([principal, seen ? 200 : 404]);
      if (!seen) expect(answer.text).toBe(nothing.text);
      const listed = (await client.ask('GET', '/api/v1/jobs?kind=firmware&ended=false')).items.map(({ id }) => id);
      expect(listed.includes(job)).toBe(seen);
      for (const act of ['pause', 'resume', 'abort', 'retry', 'approval']) {
        if (seen) continue;
        const body = act === 'approval' ? { verdict: 'approved' } : {};
        const tried = await client.ask('POST', `/api/v1/jobs/${job}/${act}`, { body });
        expect([principal, act, tried.status]).toEqual([principal, act, 404]);
      }
    }
  });

  it('is found page by page, each once, and by state and kind', async () => {
    const client = as('carla');
    const all = (await client.ask('GET', '/api/v1/jobs')).items.map(({ id }) => id);
    const paged: unknown[] = [];
    let cursor = '';
    do {
      const { items, body } = await client.ask('GET', `/api/v1/jobs?limit=2${cursor}`);
      paged.push(...items.map(({ id }) => id));
      cursor = typeof body.next === 'string' ? `&cursor=${body.next}` : '';
    } while (cursor !== '');
    expect(paged).toEqual(all);
    expect(all.length).toBeGreaterThan(3);
    const waiting = await client.ask('GET', '/api/v1/jobs?state=waiting-window&kind=configuration');
    expect(waiting.items).toMatchObject([{ id: configuration }]);
    expect((await client.ask('GET', '/api/v1/jobs?state=sleeping')).status).toBe(422);
  });

  it('names its starter to who may see names', async () => {
    const own = await as('anna').ask('GET', `/api/v1/jobs/${job}`);
    expect(own.body).toMatchObject({
      own: true,
      starter: 'Anna',
      note: 'spring',
      partial: false,
      counts: expect.anything(),
    });
    expect(own.body.may).toEqual(['pause', 'abort']);
    expect((await as('carla').ask('GET', `/api/v1/jobs/${job}`)).body).toMatchObject({ own: false, starter: 'Anna' });
  });

  it('that copies a configuration is read by who may read those of others, and by that alone', async () => {
    for (const principal of PRINCIPALS) {
      const answer = await as(principal).ask('GET', `/api/v1/jobs/${configuration}`);
      const acts = may(principal, 'device.configure', 'd2', 'd1');
      const reads = acts || may(principal, 'deviceConfig.read', 'd1');
      expect([principal, answer.status]).toEqual([principal, reads ? 200 : 404]);
      if (reads && !acts) {
        expect(answer.body).toMatchObject({ may: [], own: false });
        expect(answer.body.starter).toBe(undefined);
        const tried = await as(principal).ask('POST', `/api/v1/jobs/${configuration}/pause`, { body: {} });
        expect([tried.status, tried.body.title]).toEqual([403, 'denied']);
      }
    }
  });

  it('leaves out devices that may no longer be viewed, and does not name them', async () => {
    const why = 'until `d3` is mended';
    await rig.jobs.pause(caller('carla'), job, why);
    expect((await as('anna').ask('GET', `/api/v1/jobs/${job}`)).body).toMatchObject({ paused: { why } });
    await rig.activate({
      revision: 2,
      inventory: bootInventory(),
      grants: [...grants.filter(({ to }) => to !== 'user:anna'), { to: 'user:anna', role: 'viewer', at: 'd4' }],
    });
    const own = await as('anna').ask('GET', `/api/v1/jobs/${job}`);
    expect(own.body).toMatchObject({ partial: true, devices: [{ device: { id: 'd4' } }] });
    expect(own.body).toMatchObject({ paused: { why: 'the reason names something that may not be seen' } });
    expect(own.text).not.toContain('d3');
    await rig.activate({ revision: 3, inventory: bootInventory(), grants });
  });
});

describe('an order', () => {
  it.each<[string, object, number, string]>([
    ['of no device', firmware(), 422, 'devices'],
    ['of a device twice', firmware('d1', 'd1'), 422, 'devices.1'],
    ['of an unknown device', firmware('d1', 'nowhere'), 404, 'devices.1'],
    ['of an unknown image', { ...firmware('d1'), image: '0'.repeat(64) }, 422, 'image'],
    ['that ends before it begins', { ...firmware('d1'), window: { from: 2, until: 1 } }, 422, 'window.until'],
    ['for many at once', { ...firmware('d1'), rollout: { atOnce: 33 } }, 422, 'rollout.atOnce'],
    ['with something unknown', { ...firmware('d1'), force: true }, 422, 'body'],
    ['of another kind', { kind: 'format', devices: ['d1'] }, 422, 'kind'],
    ['of an unknown point', { kind: 'batch', rows: [{ point: 'd1/none', value: 1 }] }, 404, 'rows.0.point'],
  ])('%s is refused at its place, and begins nothing', async (_name, body, status, path) => {
    const before = rig.jobs.list().length;
    const answer = await as('carla').ask('POST', '/api/v1/jobs', { body });
    expect([answer.status, answer.text]).toEqual([status, expect.stringContaining(path)]);
    expect(rig.jobs.list()).toHaveLength(before);
  });

  it('is carried out once for one key, and its devices are free for no other job meanwhile', async () => {
    const body = { ...firmware('d1'), window: later() };
    const headers = { 'idempotency-key': 'spring-1' };
    const first = await as('carla').ask('POST', '/api/v1/jobs', { body, headers });
    const again = await as('carla').ask('POST', '/api/v1/jobs', { body, headers });
    expect([first.status, again.status, again.body.id]).toEqual([201, 201, first.body.id]);
    const other = await as('anna').ask('POST', '/api/v1/jobs', { body: firmware('d2', 'd1') });
    expect([other.status, JSON.stringify(other.body.errors)]).toEqual([409, expect.stringContaining('devices.1')]);
    const using = await as('carla').ask('DELETE', `/api/v1/images/${image}`);
    expect([using.status, using.body.title]).toEqual([409, 'image-in-use']);
    const paused = await as('carla').ask('POST', `/api/v1/jobs/${first.body.id}/pause`, { body: { why: 'lunch' } });
    expect(paused.body).toMatchObject({ paused: { by: 'Carla', why: 'lunch' }, may: ['resume', 'abort'] });
    expect((await as('carla').ask('POST', `/api/v1/jobs/${first.body.id}/pause`, { body: {} })).status).toBe(409);
    expect((await as('carla').ask('POST', `/api/v1/jobs/${first.body.id}/resume`)).status).toBe(200);
    await abort(as('carla'), first);
    expect((await as('carla').ask('GET', `/api/v1/jobs/${first.body.id}`)).body).toMatchObject({
      state: 'aborted',
      may: ['retry'],
      devices: [{ state: 'aborted' }],
    });
  });

  it('of firmware is carried out, with progress', async () => {
    const started = await as('anna').ask('POST', '/api/v1/jobs', { body: firmware('d2') });
    expect(started.status).toBe(201);
    await ended(String(started.body.id));
    const done = await as('anna').ask('GET', `/api/v1/jobs/${started.body.id}`);
    expect(done.body).toMatchObject({
      state: 'done',
      image: { version: '2.0' },
      octets: { sent: 2000, total: 2000 },
      counts: { done: 1 },
      devices: [{ state: 'done', oldVersion: '1.0', newVersion: '2.0' }],
    });
  });
});

describe('a job that a second person must approve', () => {
  it('waits, is approved by somebody else with the same right, and says by whom', async () => {
    await rig.activate({ revision: 4, inventory: bootInventory(), grants, approvals: { 'firmware.update': 1 } });
    const body = { ...firmware('d1', 'd3'), window: later() };
    const check = await as('anna').ask('POST', '/api/v1/jobs/check', { body });
    expect(check.body).toMatchObject({ ok: true, approvals: 1 });
    const started = await as('anna').ask('POST', '/api/v1/jobs', { body });
    expect(started.body).toMatchObject({ state: 'waiting-approval', approvals: { needed: 1, given: [] } });
    const path = `/api/v1/jobs/${started.body.id}/approval`;
    const own = await as('anna').ask('POST', path, { body: { verdict: 'approved' } });
    expect(own.status).toBe(409);
    expect((await as('carla').ask('GET', `/api/v1/jobs/${started.body.id}`)).body.may).toContain('approve');
    expect((await as('eve').ask('POST', path, { body: { verdict: 'approved' } })).status).toBe(404);
    const approved = await as('carla').ask('POST', path, { body: { verdict: 'approved', comment: 'seen' } });
    expect([approved.status, approved.body.approvals]).toEqual([
      200,
      { needed: 1, given: [{ by: 'Carla', own: true, verdict: 'approved', comment: 'seen', at: expect.any(Number) }] },
    ]);
    await abort(as('anna'), started);
  });

  it('is refused by somebody whose name is for those alone who may see names', async () => {
    const started = await as('anna').ask('POST', '/api/v1/jobs', { body: { ...firmware('d2'), window: later() } });
    const path = `/api/v1/jobs/${started.body.id}`;
    const body = { verdict: 'refused', comment: 'not in winter' };
    expect((await as('carla').ask('POST', `${path}/approval`, { body })).status).toBe(200);
    await ended(String(started.body.id));
    const shown = await as('anna').ask('GET', path);
    expect(shown.body).toMatchObject({
      state: 'refused',
      devices: [{ state: 'refused', why: 'somebody refused: not in winter' }],
      approvals: { given: [{ verdict: 'refused', comment: 'not in winter', own: false }] },
    });
    expect(shown.text.toLowerCase()).not.toContain('carla');
    expect((await as('carla').ask('GET', path)).text).toContain('carla refused: not in winter');
  });

  it('is said of a point beside the right to write it', async () => {
    await rig.activate({ revision: 5, inventory: bootInventory(), grants, approvals: { 'device.configure': 1 } });
    const ask = async (who: Principal) => (await as(who).ask('GET', '/api/v1/points/d1%2Fgain')).body.write;
    expect(await ask('anna')).toMatchObject({ permitted: true, approvals: 1 });
    expect(await ask('carla')).toMatchObject({ permitted: true, approvals: 0 });
    expect(await ask('ben')).toMatchObject({ permitted: false, approvals: 0 });
    const written = await as('anna').ask('POST', '/api/v1/points/d1%2Fgain/write', { body: { value: 1 } });
    expect(written.status).not.toBe(200);
  });
});

describe('a batch that a second person must approve', () => {
  it('is told so row by row, is sent as a job, and shows who approves what it is about', async () => {
    await rig.activate({ revision: 6, inventory: bootInventory(), grants, approvals: { 'device.configure': 1 } });
    const rows = [
      { point: 'd1/gain', value: 3 },
      { point: 'd2/gain', value: 4, overrideMs: 3_600_000 },
    ];
    const ask = async (who: Principal, body: object) =>
      (await as(who).ask('POST', '/api/v1/batches/check', { body })).body;
    expect(await ask('anna', { rows })).toMatchObject({
      ok: false,
      approvals: 1,
      rows: [
        { verdict: 'needs-approval', denied: [] },
        { verdict: 'needs-approval', denied: [], lastsMs: 3_600_000 },
      ],
    });
    expect(await ask('anna', { rows: [...rows, { point: 'd1/high', value: 3 }] })).toMatchObject({
      approvals: 1,
      rows: [{}, {}, { verdict: 'denied', denied: [{ needed: 'alarm.threshold' }] }],
    });
    expect(await ask('carla', { rows })).toMatchObject({ ok: true, approvals: 0 });
    expect((await as('anna').ask('POST', '/api/v1/batches', { body: { rows } })).status).toBe(403);
    const body = { kind: 'batch', rows, note: 'steadier', window: later() };
    const started = await as('anna').ask('POST', '/api/v1/jobs', { body });
    expect(started.body).toMatchObject({ state: 'waiting-approval', approvals: { needed: 1 } });
    const seen = await as('carla').ask('GET', `/api/v1/jobs/${started.body.id}`);
    expect(seen.body).toMatchObject({
      may: ['pause', 'abort', 'approve'],
      note: 'steadier',
      rows: [
        { point: { id: 'd1/gain', name: 'Gain' }, device: { id: 'd1' }, value: 3 },
        { point: { id: 'd2/gain' }, value: 4, lastsMs: 3_600_000 },
      ],
    });
    await abort(as('anna'), started);
  });
});

describe('a copy of alarm limits alone', () => {
  it('is a configuration all the same: not for who may change limits and nothing else', async () => {
    const own = {
      to: 'user:ben',
      permissions: ['device.view', 'point.read', 'alarm.view', 'alarm.threshold'],
      at: 'hq',
    };
    const others = grants.filter(({ to }) => to !== 'user:ben');
    await rig.activate({ revision: 7, inventory: bootInventory(), grants: [...others, own] });
    const body = { kind: 'configuration', source: 'd2', devices: ['d1'], classes: ['alarm-limit'], window: later() };
    const started = await as('carla').ask('POST', '/api/v1/jobs', { body });
    expect([started.status, started.text]).toEqual([201, expect.any(String)]);
    expect((await as('ben').ask('GET', `/api/v1/jobs/${started.body.id}`)).status).toBe(404);
    await abort(as('carla'), started);
  });
});
