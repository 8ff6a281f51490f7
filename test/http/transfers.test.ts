// Devices that somebody's tool or a job holds: who sees that, who holds them, and who may end it.

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Caller } from '../../src/contract/gate.ts';
import { principalId, type TargetHandle } from '../../src/model/ids.ts';
import { until } from '../scenarios/daemon-rig.ts';
import { digestOf, imageBytes, inPieces, manifestFor, signedManifest } from '../store/image-rig.ts';
import { bootInventory, DeviceStage } from './device-stage.ts';
import { type HttpRig, startHttpRig } from './rig.ts';

const stage = new DeviceStage();
let rig: HttpRig;
beforeEach(async () => {
  rig = await startHttpRig({
    changes: {
      grants: [
        { to: 'user:carla', role: 'chief', at: 'root' },
        { to: 'user:carla', permissions: ['device.view', 'device.control'], at: 'attic' },
        { to: 'user:carla', permissions: ['device.view', 'device.control'], at: 'd1' },
        { to: 'user:anna', role: 'updater', at: 'hq' },
        { to: 'user:ben', role: 'viewer', at: 'd2' },
      ],
      inventory: bootInventory(),
    },
    drivers: stage.drivers,
  });
});
afterEach(() => rig.stop());

const path = '/api/v1/transfers';
const handleOf = (id: string): TargetHandle => {
  const handle = rig.gate.policy()?.inventory.find(id);
  if (handle === undefined) throw new Error(`no \`${id}\``);
  return handle;
};
const anna: Caller = {
  principal: principalId('anna'),
  channel: 'local',
  proof: { kind: 'none' },
  from: '127.0.0.1:1',
  peer: '127.0.0.1',
};

/** As a tool's first frame begins it. */
async function transferTo(id: string): Promise<void> {
  const device = handleOf(id);
  const judged = rig.gate.judge(anna, {
    what: 'frame',
    operation: 'atomicWriteFile',
    effects: [{ target: device, asks: 'firmware.update' }],
    transfer: { device, ends: false },
  });
  if (!judged.permitted) throw new Error(judged.denial.text);
  await rig.gate.redeem(judged.permit, new Map());
  rig.gate.settle(judged.permit, { kind: 'acknowledged' });
}

describe('a transfer', () => {
  it('is listed to who may view its device, with its holder for who may see names', async () => {
    await transferTo('d1');
    await transferTo('d2');
    const own = await (await rig.as('anna')).ask('GET', path);
    expect(own.items).toEqual([
      {
        device: { id: 'd1', name: 'Device d1' },
        by: 'tool',
        since: expect.any(Number),
        own: true,
        mayEnd: false,
        holder: 'Anna',
      },
      {
        device: { id: 'd2', name: 'Device d2' },
        by: 'tool',
        since: expect.any(Number),
        own: true,
        mayEnd: false,
        holder: 'Anna',
      },
    ]);
    const named = await (await rig.as('carla')).ask('GET', path);
    expect(named.items).toMatchObject([
      { device: { id: 'd1' }, own: false, mayEnd: true, holder: 'Anna' },
      { device: { id: 'd2' }, mayEnd: false },
    ]);
    const ben = await (await rig.as('ben')).ask('GET', path);
    expect(ben.items).toMatchObject([{ device: { id: 'd2' }, own: false, mayEnd: false }]);
    expect(ben.text.toLowerCase()).not.toContain('anna');
    expect((await (await rig.as('tom')).ask('GET', path)).items).toEqual([]);
  });

  it('is ended by who has `device.control` there, with why; refused and recorded for others, absent for who sees nothing', async () => {
    await transferTo('d1');
    await transferTo('d2');
    const [carla, ben] = [await rig.as('carla'), await rig.as('ben')];
    const refused = await ben.ask('POST', `${path}/d2/end`, { body: {} });
    expect([refused.status, refused.body]).toMatchObject([
      403,
      { decisionId: expect.any(String), denied: [{ needed: 'device.control', device: 'd2' }] },
    ]);
    const hidden = await ben.ask('POST', `${path}/d1/end`, { body: {} });
    const nothing = await ben.ask('POST', `${path}/nowhere/end`, { body: {} });
    expect([hidden.status, hidden.text]).toEqual([404, nothing.text]);
    expect((await carla.ask('POST', `${path}/d2/end`, { body: {} })).status).toBe(403);
    expect((await carla.ask('POST', `${path}/d1/end`, { body: { why: 'x'.repeat(501) } })).status).toBe(422);
    const ended = await carla.ask('POST', `${path}/d1/end`, { body: { why: 'fire drill' } });
    expect([ended.status, ended.body]).toMatchObject([200, { device: { id: 'd1' }, by: 'tool' }]);
    expect(rig.gate.transfers().map(({ device }) => device)).toEqual(['d2']);
    expect((await carla.ask('POST', `${path}/d1/end`, { body: {} })).status).toBe(404);
    const { reader } = rig.context.options;
    const endOf = () =>
      reader.rows({ kind: 'system', limit: 50 }).find(({ row }) => 'event' in row && row.event === 'transfer-ended');
    await until('its end is in the record', () => endOf() !== undefined);
    expect(endOf()?.row).toMatchObject({ detail: { device: 'd1', by: { principal: 'carla' }, why: 'fire drill' } });
  });

  it('of a job names the job to who may see that, and the job does not go on with the device', async () => {
    const octets = imageBytes(2000);
    const image = digestOf(octets);
    await rig.images.announce(signedManifest(manifestFor(octets, { model: 'X1', version: '2.0' })), 'carla');
    await rig.images.receive(image, 0, inPieces(octets));
    const d1 = stage.devices.get('d1');
    if (d1) d1.fault = 'stalls';
    const client = await rig.as('anna');
    const body = { kind: 'firmware', image, devices: ['d1'], rollout: { canary: false } };
    const started = await client.ask('POST', '/api/v1/jobs', { body });
    expect([started.status, started.text]).toEqual([201, expect.any(String)]);
    await until('it is being sent', () => rig.jobs.list()[0]?.devices[0]?.state === 'transferring');
    expect((await client.ask('GET', path)).items).toMatchObject([{ by: 'job', job: started.body.id, own: true }]);
    const carla = await rig.as('carla');
    const seen = await carla.ask('GET', path);
    expect(seen.items).toMatchObject([{ by: 'job', holder: 'Anna', mayEnd: true }]);
    expect(seen.text).not.toContain(String(started.body.id));
    expect((await carla.ask('POST', `${path}/d1/end`, { body: {} })).status).toBe(200);
    await until('the job let go', () => rig.jobs.list()[0]?.endedAt !== undefined);
    expect(rig.jobs.list()[0]?.devices[0]?.state).not.toBe('done');
    expect(rig.gate.transfers()).toEqual([]);
    if (d1) d1.fault = undefined;
  });
});
