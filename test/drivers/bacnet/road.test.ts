// The plain road: a tool on the technicians' side asks, the gate judges, the device answers, and back.

import { describe, expect, test } from 'vitest';
import { ask } from '../../../simulators/bacnet/requests.ts';
import { app } from '../../../simulators/bacnet/values.ts';
import { RoadRig } from './road-rig.ts';

const setPoint = (value: number, priority?: number) =>
  ask.writeProperty({
    object: 'analog-value,1',
    value: [app.real(value)],
    ...(priority !== undefined && { priority }),
  });

describe('writing', () => {
  test('a permitted write arrives once, with old value, intent and outcome in the record', async () => {
    const rig = await RoadRig.start();
    expect(await rig.ask('ben', setPoint(21, 8))).toBe('simple-ack');
    expect(rig.writesAt('ahu2')).toBe(1);
    expect(rig.plant.devices.ahu2.object('analog-value,1').number('present-value')).toBe(21);
    expect(rig.rows('intent')).toMatchObject([
      { operation: 'write-property', effects: [{ target: 'ahu2/sat-sp', old: null, new: 21, priority: 8 }] },
    ]);
    expect(rig.rows('outcome')).toMatchObject([{ outcome: { kind: 'acknowledged' } }]);
  });

  test('who may not write is answered write-access-denied, and nothing arrives', async () => {
    const rig = await RoadRig.start();
    expect(await rig.ask('carla', setPoint(21, 8))).toMatch(/^error 2,40/);
    expect(await rig.ask('nobody', setPoint(21, 8))).toMatch(/^error 2,40/);
    expect(rig.writes).toBe(0);
    expect(rig.rows('refusal')).toMatchObject([{ reason: 'no-permission' }, { reason: 'unattributed' }]);
  });

  test('a value out of limits is answered value-out-of-range', async () => {
    const rig = await RoadRig.start();
    expect(await rig.ask('ben', setPoint(90))).toMatch(/^error 2,37/);
    expect(rig.writes).toBe(0);
  });

  test('a WritePropertyMultiple with one refused property is refused whole, and names it', async () => {
    const rig = await RoadRig.start();
    const request = ask.writePropertyMultiple([
      { object: 'analog-value,1', value: [app.real(20)], priority: 10 },
      { object: 'analog-value,4', value: [app.real(30)] },
    ]);
    expect(await rig.ask('ben', request)).toMatch(/^error 2,40/);
    expect(rig.writes).toBe(0);
    expect(await rig.ask('anna', request)).toBe('simple-ack');
    expect(rig.plant.devices.ahu2.object('analog-value,4').number('present-value')).toBe(30);
  });
});

describe('reading', () => {
  test('who may read gets the value, who may not read-access-denied, and the device hears nothing of it', async () => {
    const rig = await RoadRig.start();
    const request = ask.readProperty({ object: 'analog-input,1' });
    expect(await rig.ask('carla', request)).toMatch(/^complex-ack/);
    const before = rig.plant.devices.ahu2.record.readsSeen();
    expect(await rig.ask('nobody', request)).toMatch(/^error 2,27/);
    expect(rig.plant.devices.ahu2.record.readsSeen()).toBe(before);
  });
});

describe('the gateway itself', () => {
  test('reads points together and one by one, and the slots of a commanded point', async () => {
    const rig = await RoadRig.start();
    expect(await rig.ask('ben', setPoint(21, 8))).toBe('simple-ack');
    const ids = ['ahu2/sat-sp', 'ahu2/occupied', 'ahu2/sat-hi', 'vav1/room', 'ahu2/firmware'];
    const values = await rig.driver.read(ids.map((id) => rig.handle(id)));
    expect(values).toMatchObject([
      { ok: true, value: 21 },
      { ok: true, value: 1 },
      { ok: true, value: 28 },
      { ok: true, value: 21 },
      { ok: false, why: expect.stringContaining('unknown-property') },
    ]);
    const slots = await rig.driver.slots?.(rig.handle('ahu2/sat-sp'));
    expect(slots?.map((slot) => slot ?? '-').join('')).toBe(`${'-'.repeat(7)}21${'-'.repeat(8)}`);
    expect(await rig.driver.slots?.(rig.handle('ahu2/sat'))).toBeUndefined();
    expect(await rig.driver.slots?.(rig.handle('ahu2/sat-hi'))).toBeUndefined();
  });
});
