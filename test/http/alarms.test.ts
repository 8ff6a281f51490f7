// Alarms as devices report them, for who may view them, and acknowledging one in one's own name.

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BOOT_DEVICES, bootInventory, DeviceStage } from './device-stage.ts';
import { type Client, type HttpRig, startHttpRig } from './rig.ts';

const grants = [
  { to: 'user:carla', role: 'chief', at: 'root' },
  { to: 'user:anna', role: 'updater', at: 'hq' },
  { to: 'user:ben', role: 'viewer', at: 'hq' },
  { to: 'user:eve', role: 'updater', at: 'attic' },
];
let rig: HttpRig;
let stage: DeviceStage;

beforeEach(async () => {
  stage = new DeviceStage();
  rig = await startHttpRig({ changes: { grants, inventory: bootInventory() }, drivers: stage.drivers });
  for (const id of BOOT_DEVICES) {
    stage.alarms.set(id, [
      { key: 'ai-1:to-offnormal', state: 'high-limit', acknowledged: false, point: `${id}/high` },
      { key: 'dev:fault', state: 'fault', acknowledged: true },
    ]);
  }
});
afterEach(() => rig.stop());

const acknowledge = (client: Client, device: string, key: string, headers = {}) =>
  client.ask('POST', '/api/v1/alarms/acknowledge', { body: { device, key }, headers });

describe('alarms', () => {
  it('are listed for devices whose alarms may be viewed, page by page, and say who may acknowledge', async () => {
    const anna = await rig.as('anna');
    const all = await anna.ask('GET', '/api/v1/alarms');
    expect(all.items).toHaveLength(8);
    expect(all.items[0]).toEqual({
      device: { id: 'd1', name: 'Device d1' },
      point: { id: 'd1/high', name: 'High limit' },
      key: 'ai-1:to-offnormal',
      state: 'high-limit',
      acknowledged: false,
      mayAcknowledge: true,
    });
    expect(all.items[1]).toMatchObject({ key: 'dev:fault', mayAcknowledge: false });
    const ben = await rig.as('ben');
    expect((await ben.ask('GET', '/api/v1/alarms')).items[0]).toMatchObject({ mayAcknowledge: false });
    const eve = await rig.as('eve');
    expect((await eve.ask('GET', '/api/v1/alarms')).items.map(({ device }) => device)).toEqual([
      { id: 'd3', name: 'Device d3' },
      { id: 'd3', name: 'Device d3' },
    ]);
    expect((await (await rig.as('tom')).ask('GET', '/api/v1/alarms')).items).toEqual([]);
    expect((await anna.ask('GET', '/api/v1/alarms?device=d2')).items).toHaveLength(2);
    expect((await anna.ask('GET', '/api/v1/alarms?location=attic')).items).toHaveLength(2);
    expect((await eve.ask('GET', '/api/v1/alarms?device=d1')).status).toBe(404);
    expect((await eve.ask('GET', '/api/v1/alarms?location=tenant-root')).status).toBe(404);
    expect((await anna.ask('GET', '/api/v1/alarms?cursor=bm93aGVyZQ')).status).toBe(422);
  });

  it('of a device that does not answer are missing, and it is said', async () => {
    stage.silent = 'd2';
    const { body, items } = await (await rig.as('anna')).ask('GET', '/api/v1/alarms');
    expect(items).toHaveLength(6);
    expect(body.unreachable).toEqual([{ device: { id: 'd2', name: 'Device d2' }, why: 'no answer' }]);
    expect((await acknowledge(await rig.as('anna'), 'd2', 'ai-1:to-offnormal')).status).toBe(502);
  });

  it('are acknowledged in one’s own name, once, by who may', async () => {
    const anna = await rig.as('anna');
    const headers = { 'idempotency-key': 'a1' };
    const done = await acknowledge(anna, 'd1', 'ai-1:to-offnormal', headers);
    expect(done).toMatchObject({ status: 200, body: { state: 'done', decisionId: expect.any(String) } });
    expect((await acknowledge(anna, 'd1', 'ai-1:to-offnormal', headers)).body).toEqual(done.body);
    expect(stage.acknowledgedBy).toEqual(['Anna']);
    expect((await acknowledge(anna, 'd1', 'ai-1:to-offnormal')).body.detail).toBe('it is acknowledged');
    const refused = await acknowledge(await rig.as('ben'), 'd2', 'ai-1:to-offnormal');
    expect(refused).toMatchObject({
      status: 403,
      body: { decisionId: expect.any(String), denied: [{ needed: 'alarm.acknowledge' }] },
    });
    for (const [device, key] of [
      ['d1', 'none'],
      ['nowhere', 'x'],
      ['tenant-vav', 'x'],
    ]) {
      expect((await acknowledge(anna, String(device), String(key))).status).toBe(404);
    }
    expect((await acknowledge(await rig.as('eve'), 'd1', 'dev:fault')).status).toBe(404);
    expect((await acknowledge(await rig.as('tom'), 'd1', 'dev:fault')).status).toBe(404);
    expect(stage.acknowledgedBy).toEqual(['Anna']);
  });

  it.each([
    [
      { kind: 'refused-by-device', answer: 'unknown object' },
      { state: 'refused-by-device', why: 'unknown object' },
    ],
    [
      { kind: 'unknown', why: 'no answer' },
      { state: 'unknown', why: 'no answer' },
    ],
    [
      { kind: 'not-sent', why: 'gone' },
      { state: 'not-sent', why: 'gone' },
    ],
  ] as const)('say what became of it: %j', async (outcome, expected) => {
    stage.outcome = outcome;
    expect((await acknowledge(await rig.as('anna'), 'd1', 'ai-1:to-offnormal')).body).toMatchObject(expected);
  });

  it('that ask for none cannot be acknowledged', async () => {
    stage.alarms.set('d1', [{ key: 'stuck', state: 'fault', acknowledged: false }]);
    expect((await acknowledge(await rig.as('anna'), 'd1', 'stuck')).body).toMatchObject({
      status: 409,
      detail: 'it asks for none',
    });
  });
});
