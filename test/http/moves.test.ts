// Moves: the right at both places, a request in the record, open until a policy has the device there or somebody withdraws it.

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { snapshot } from '../gate/stage.ts';
import { until } from '../scenarios/daemon-rig.ts';
import { bootInventory, DeviceStage } from './device-stage.ts';
import { type Client, type HttpRig, startHttpRig } from './rig.ts';
import { siteBundle } from './site-bundle.ts';

const grants = [
  { to: 'user:carla', role: 'chief', at: 'root' },
  { to: 'user:carla', role: 'admin', at: 'root' },
  { to: 'user:carla', role: 'updater', at: 'root' },
  { to: 'user:anna', role: 'updater', at: 'hq' },
  { to: 'user:ben', role: 'viewer', at: 'hq' },
  { to: 'user:eve', role: 'updater', at: 'attic' },
  { to: 'user:eve', role: 'viewer', at: 'hq' },
];
let rig: HttpRig;

beforeEach(async () => {
  rig = await startHttpRig({
    changes: { grants, inventory: bootInventory() },
    drivers: new DeviceStage().drivers,
  });
});
afterEach(() => rig.stop());

const ask = (client: Client, device: string, to: string, headers = {}) =>
  client.ask('POST', '/api/v1/moves', { body: { device, to, note: 'rebuilt' }, headers });

describe('a move', () => {
  it('needs the right where the device is and where it goes; a refusal is recorded', async () => {
    const [anna, ben, eve, tom] = await Promise.all(['anna', 'ben', 'eve', 'tom'].map((each) => rig.as(each)));
    expect(await ask(anna as Client, 'd1', 'attic')).toMatchObject({
      status: 201,
      body: {
        device: { id: 'd1', name: 'Device d1' },
        from: { id: 'hq' },
        to: { id: 'attic', name: 'Attic' },
        state: 'open',
        own: true,
        by: 'Anna',
        note: 'rebuilt',
      },
    });
    const refused = await ask(eve as Client, 'd1', 'attic');
    expect(refused).toMatchObject({
      status: 403,
      body: { decisionId: expect.any(String), policyRevision: 1 },
    });
    expect(refused.body.denied).toContainEqual(expect.objectContaining({ location: 'hq', needed: 'device.move' }));
    expect((await ask(ben as Client, 'd1', 'attic')).status).toBe(403);
    for (const [client, device, to] of [
      [tom, 'd1', 'attic'],
      [anna, 'd1', 'tenant-root'],
      [anna, 'nowhere', 'attic'],
      [anna, 'd1', 'd2'],
    ] as const) {
      expect((await ask(client as Client, device, to)).status).toBe(404);
    }
    expect((await ask(anna as Client, 'd1', 'hq')).status).toBe(409);
    expect((await ask(anna as Client, 'd1', 'attic')).body.detail).toBe('this was asked for already');
    const carla = await rig.as('carla');
    await until('both are in the record', async () => {
      const text = (await carla.ask('GET', '/api/v1/journal?limit=100')).text;
      return text.includes('move-requested') && text.includes(String(refused.body.decisionId));
    });
  });

  it('is fulfilled by the policy that has the device there, also after a restart', async () => {
    const anna = await rig.as('anna');
    const { body } = await ask(anna, 'd1', 'attic', { 'idempotency-key': 'm1' });
    expect((await ask(anna, 'd1', 'attic', { 'idempotency-key': 'm1' })).body.id).toBe(body.id);
    await ask(anna, 'd2', 'attic');
    rig = await rig.restart();
    const again = await rig.as('carla');
    expect((await again.ask('GET', '/api/v1/moves?open=true')).items).toHaveLength(2);
    rig.gate.activate(snapshot(await siteBundle({ revision: 2, grants, inventory: bootInventory('attic') })));
    const list = (await again.ask('GET', '/api/v1/moves')).items;
    expect(list.find(({ id }) => id === body.id)).toMatchObject({ state: 'fulfilled', endedAt: expect.any(Number) });
    expect((await again.ask('GET', '/api/v1/moves?open=true')).items).toMatchObject([{ device: { id: 'd2' } }]);
    rig.gate.activate(snapshot(await siteBundle({ revision: 3, grants })));
    const last = (await again.ask('GET', '/api/v1/moves?limit=1')).body;
    expect(last.next).toBe(undefined);
    const own = (await (await rig.as('anna')).ask('GET', '/api/v1/moves')).items;
    expect(own.find(({ state }) => state === 'withdrawn')).toMatchObject({
      why: 'the policy holds `d2` no more',
    });
  });

  it('is withdrawn by who asked, or who could ask the same', async () => {
    const anna = await rig.as('anna');
    const eve = await rig.as('eve');
    const ben = await rig.as('ben');
    const first = (await ask(anna, 'd1', 'attic')).body.id;
    const second = (await ask(anna, 'd2', 'attic')).body.id;
    const withdraw = (client: Client, id: unknown) => client.ask('POST', `/api/v1/moves/${id}/withdraw`);
    expect((await withdraw(ben, first)).status).toBe(403);
    expect((await withdraw(eve, first)).status).toBe(403);
    expect((await withdraw(await rig.as('tom'), first)).status).toBe(404);
    expect((await withdraw(anna, first)).body).toMatchObject({ state: 'withdrawn', own: true });
    expect((await withdraw(anna, first)).status).toBe(409);
    expect((await withdraw(await rig.as('carla'), second)).body).toMatchObject({ state: 'withdrawn', by: 'Anna' });
    expect((await withdraw(anna, 'm-none')).status).toBe(404);
    // Ben sees what was asked, but no names.
    const [seen] = (await ben.ask('GET', '/api/v1/moves')).items;
    expect(seen).toMatchObject({ own: false, device: { id: expect.any(String) } });
    expect(seen?.by).toBe(undefined);
    expect((await (await rig.as('tom')).ask('GET', '/api/v1/moves')).items).toEqual([]);
  });

  it('heeds a lock on the device itself', async () => {
    await rig.activate({
      revision: 2,
      grants,
      inventory: bootInventory(),
      locks: [{ id: 'sealed', why: 'evidence', action: 'device.move', at: 'd1' }],
    });
    const refused = await ask(await rig.as('carla'), 'd1', 'attic');
    expect(refused).toMatchObject({ status: 403, body: { denied: [{ device: 'd1', reason: 'locked' }] } });
    expect((await ask(await rig.as('carla'), 'd2', 'attic')).status).toBe(201);
  });

  it('is asked for once, however many ask at the same time, and nobody takes the room of others', async () => {
    const [anna, carla] = (await Promise.all(['anna', 'carla'].map((each) => rig.as(each)))) as [Client, Client];
    const both = await Promise.all([anna, carla].map((each) => ask(each, 'd1', 'attic')));
    expect(both.map(({ status }) => status).sort()).toEqual([201, 409]);
    for (let more = 0; more < 60; more += 1) {
      const asked = { device: `gone${more}`, from: 'hq', to: 'attic', by: 'anna' };
      await rig.context.moves.request(asked);
    }
    expect((await ask(anna, 'd2', 'attic')).status).toBe(429);
    expect((await ask(carla, 'd2', 'attic')).status).toBe(201);
  });
});
