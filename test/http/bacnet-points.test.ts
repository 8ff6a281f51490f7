// The page on BACnet devices, through the real driver: command slots, overrides from elsewhere, slot-exact undoing, values that
// devices tell of by themselves.

import { afterEach, expect, it } from 'vitest';
import { driver } from '../../drivers/bacnet/driver.ts';
import { BacnetClient } from '../../simulators/bacnet/client.ts';
import { macOf } from '../../simulators/bacnet/framing.ts';
import { plantInventory, type RunningBacnetPlant, startPlant } from '../../simulators/bacnet/plant.ts';
import { app as application } from '../../simulators/bacnet/values.ts';
import type { RunningDriver } from '../../src/contract/driver.ts';
import { ownHost, ownHostBase, PLANT_NETWORK, rigSection } from '../drivers/bacnet/transport-rig.ts';
import { until } from '../scenarios/daemon-rig.ts';
import { type HttpRig, startHttpRig } from './rig.ts';

let plant: RunningBacnetPlant;
let rig: HttpRig;
let bacnet: RunningDriver;

async function open(lookMs = 0): Promise<void> {
  plant = await startPlant({ hostBase: ownHostBase() });
  rig = await startHttpRig({
    changes: { inventory: plantInventory('hq') },
    settings: { lookMs },
    async drivers(services, current) {
      const compiled = await driver.compileAddresses(current.inventory, async () => {});
      if (!compiled.ok) throw new Error(JSON.stringify(compiled.fault));
      bacnet = await driver.start(rigSection(plant.addresses.ahu2.port), compiled.value.index, services);
      return new Map([['bacnet', bacnet]]);
    },
  });
  await devicesFound();
}

const devicesFound = (): Promise<void> =>
  until('the devices are found', () =>
    bacnet.status().lines.every(({ state, why }) => state === 'up' && why === undefined),
  );
afterEach(async () => {
  await rig.stop();
  await plant.stop();
});

const SP = '/api/v1/points/ahu2%2Fsat-sp';
type Slots = readonly { readonly priority: number; readonly value: unknown; readonly by?: string }[];

/** Somebody at the device itself. */
function atDevice(priority: number, value: number): void {
  plant.devices.ahu2.object('analog-value,1').command(priority, [application.real(value)]);
}

it('shows the sixteen slots in words, with who holds them where that came through the gateway', async () => {
  await open();
  const carla = await rig.as('carla');
  const written = await carla.ask('POST', `${SP}/write`, { body: { value: 20, priority: 8 } });
  expect(written.body).toMatchObject({ ok: true, rows: [{ state: 'done', old: null, readBack: 20 }] });
  const before = (await carla.ask('GET', SP)).body.slots as unknown as Slots;
  expect(before).toHaveLength(16);
  expect(before[7]).toMatchObject({ priority: 8, meaning: 'manual-operator', value: 20, by: 'Carla' });
  expect(before[0]).toMatchObject({ meaning: 'manual-life-safety', value: null });
  atDevice(8, 23);
  const after = (await carla.ask('GET', SP)).body.slots as unknown as Slots;
  expect([after[7]?.value, after[7]?.by]).toEqual([23, undefined]);
});

it('points tools at its own side, never at the plant’s', async () => {
  await open();
  const { pointAt } = (await (await rig.as('carla')).ask('GET', '/api/v1/tool-sessions')).body as unknown as {
    readonly pointAt: { readonly listeners: readonly { readonly driver: string; readonly name: string }[] };
  };
  expect(pointAt.listeners.map(({ driver: by, name }) => `${by} ${name}`)).toEqual(['modbus north', 'bacnet north']);
});

it('lists overrides found on devices to who may see the point', async () => {
  await open(50);
  atDevice(5, 15);
  const carla = await rig.as('carla');
  const found = async () =>
    (await carla.ask('GET', '/api/v1/overrides')).items.filter(({ origin }) => origin === 'found');
  await until('it is found', async () => (await found()).length > 0);
  expect(await found()).toMatchObject([
    { point: { id: 'ahu2/sat-sp' }, priority: 5, value: 15, own: false, state: 'active' },
  ]);
  expect((await (await rig.as('tom')).ask('GET', '/api/v1/overrides')).items).toEqual([]);
});

it('ends an override in its own slot', async () => {
  await open();
  atDevice(16, 19);
  const carla = await rig.as('carla');
  const written = await carla.ask('POST', `${SP}/write`, { body: { value: 21, priority: 8, overrideMs: 3_600_000 } });
  const id = String((written.body.rows as unknown as readonly { override: string }[])[0]?.override);
  const released = await carla.ask('POST', `/api/v1/overrides/${id}/release`);
  expect(released.body).toMatchObject({ state: 'released', priority: 8 });
  const slots = (await carla.ask('GET', SP)).body.slots as unknown as Slots;
  expect(slots.filter(({ value }) => value !== null)).toMatchObject([{ priority: 16, value: 19 }]);
});

it('ends an override where somebody’s BACnet tool writes its slot, also the same value; another slot is nobody’s business', async () => {
  await open();
  const carla = await rig.as('carla');
  const host = ownHost();
  const north = bacnet.status().listening.find(({ name }) => name === 'north');
  await carla.ask('POST', '/api/v1/tool-sessions', { body: {}, from: host });
  const tool = await BacnetClient.open({ host, port: north?.port ?? 0 });
  const to = {
    endpoint: { host: north?.address ?? '', port: north?.port ?? 0 },
    route: { network: PLANT_NETWORK, mac: macOf(plant.addresses.ahu2) },
  };
  const write = (priority: number) =>
    tool.write(to, { object: 'analog-value,1', value: [application.real(21)], priority });
  try {
    await carla.ask('POST', `${SP}/write`, { body: { value: 21, priority: 8, overrideMs: 3_600_000 } });
    const ledger = async () => (await carla.ask('GET', '/api/v1/overrides')).items;
    await write(10);
    expect(await ledger()).toMatchObject([{ state: 'active' }]);
    await write(8);
    await until('the ledger says it', async () => (await ledger())[0]?.state === 'superseded');
    rig.time.shift += 3_600_001;
    rig = await rig.restart();
    await devicesFound();
    const slots = (await (await rig.as('carla')).ask('GET', SP)).body.slots as unknown as Slots;
    expect(slots.filter(({ value }) => value !== null)).toMatchObject([
      { priority: 8, value: 21 },
      { priority: 10, value: 21 },
    ]);
  } finally {
    await tool.stop();
  }
});

it('puts a batch back into its slots after a restart, although the slot was written under other priorities before', async () => {
  await open();
  atDevice(8, 17);
  const carla = await rig.as('carla');
  await carla.ask('POST', `${SP}/write`, { body: { value: 16 } });
  const written = await carla.ask('POST', `${SP}/write`, { body: { value: 21, priority: 8 } });
  expect(written.body.rows).toMatchObject([{ state: 'done', old: 17, readBack: 21 }]);
  const decision = (written.body.rows as unknown as readonly { decisionId: string }[])[0]?.decisionId ?? '';
  await rig.shelf.put('batch', { id: 'j', at: 1, body: JSON.stringify({ decisions: [decision] }) });
  rig = await rig.restart();
  await until('it is put back', () => rig.shelf.list('batch').length === 0);
  const slots = (await (await rig.as('carla')).ask('GET', SP)).body.slots as unknown as Slots;
  expect(slots.filter(({ value }) => value !== null)).toMatchObject([
    { priority: 8, value: 17 },
    { priority: 16, value: 16 },
  ]);
});

it('hears from the device what changed, and reads it only now and then', async () => {
  await open();
  const heard: unknown[] = [];
  const forget = rig.context.live.subscribe(['ahu2/sat-sp'], (_id, value) => heard.push(value));
  await until('it is told of', () =>
    plant.devices.ahu2.record.all().some(({ service }) => service === 'subscribe-cov'),
  );
  await until('it was heard', () => heard.length > 0);
  const reads = () => plant.devices.ahu2.record.reads().length;
  const before = reads();
  for (let value = 20.5; value < 30; value += 1) {
    atDevice(8, value);
    await until('the change was heard', () => JSON.stringify(heard.at(-1)).includes(`${value}`));
  }
  // One may have been under way.
  expect(reads() - before).toBeLessThan(2);
  forget();
});
