import { describe, expect, test } from 'vitest';
import { type ObjectText, PROPERTY, UNITS } from '../../../simulators/bacnet/names.ts';
import type { Peer } from '../../../simulators/bacnet/peer.ts';
import { BACNET_PLANT_DEVICES, plantInventory } from '../../../simulators/bacnet/plant.ts';
import { ask, say } from '../../../simulators/bacnet/requests.ts';
import { app, numberOf, textOf } from '../../../simulators/bacnet/values.ts';
import { startRig } from './rig.ts';

describe('the plant', () => {
  test('is found by a broadcast, each device at its own address with what it takes', async () => {
    const rig = await startRig();
    const found = [...(await rig.client.discover(3))].sort((one, other) => one.instance - other.instance);
    expect(found.map(({ instance, maxApdu, segmentation }) => [instance, maxApdu, segmentation])).toEqual([
      [1001, 1476, 0],
      [1002, 206, 3],
      [1003, 480, 0],
    ]);
    expect(new Set(found.map(({ peer }) => peer.endpoint.host))).toEqual(
      new Set(['127.0.1.21', '127.0.1.22', '127.0.1.23']),
    );
    rig.client.tell(say.whoHas({ name: 'Damper' }));
    await rig.client.until(() => rig.client.notifications.some(({ service }) => service === 'i-have'));
    expect(rig.client.notifications).toHaveLength(1);
  });

  test('has every point of its inventory where the inventory says, with its name, unit and limits', async () => {
    const rig = await startRig();
    const { devices, points } = plantInventory('plant-room');
    const peers: Readonly<Record<string, Peer>> = { ahu2: rig.ahu, vav1: rig.vav, ctl1: rig.ctl };
    expect(devices.map(({ id, location, address }) => [id, location, address.bacnet.instance])).toEqual([
      ['ahu2', 'plant-room', 1001],
      ['vav1', 'plant-room', 1002],
      ['ctl1', 'plant-room', 1003],
    ]);
    expect(new Set(points.map(({ id }) => id)).size).toBe(points.length);
    expect(points.filter(({ device }) => device === 'ctl1')).toHaveLength(200);
    for (const point of points.filter(
      ({ device, id }) => device !== 'ctl1' || id.endsWith('-001') || id.endsWith('001-sp'),
    )) {
      const device = rig.plant.devices[point.device];
      const object = device.object(point.address.object);
      const to = peers[point.device] ?? rig.ahu;
      const name = textOf((await rig.client.read(to, { object: point.address.object, property: 'object-name' }))[0]);
      if (point.address.property === undefined) expect(name).toBe(point.name);
      if (!point.address.object.startsWith('file,')) {
        const property = point.address.property ?? 'present-value';
        expect(await rig.client.read(to, { object: point.address.object, property })).not.toEqual([]);
      }
      if (point.unit !== undefined) {
        expect(object.number('units')).toBe(UNITS[point.unit as keyof typeof UNITS]);
      }
      if (point.address.property === undefined && point.limits?.min !== undefined) {
        expect([object.number('min-pres-value'), object.number('max-pres-value')]).toEqual([
          point.limits.min,
          point.limits.max,
        ]);
      }
    }
    for (const { involves = [] } of points) {
      for (const id of involves) expect(points.some((point) => point.id === id)).toBe(true);
    }
  });

  test('writes 200 objects of the controller in one request', async () => {
    const rig = await startRig();
    const writes = plantInventory()
      .points.filter(({ device }) => device === 'ctl1')
      .map(({ address }) => {
        const object: ObjectText = address.object;
        const value = object.startsWith('analog')
          ? app.real(23)
          : object.startsWith('binary')
            ? app.enumerated(1)
            : app.unsigned(2);
        return { object, value: [value], priority: 10 };
      });
    expect(await rig.ask(rig.ctl, ask.writePropertyMultiple(writes))).toBe('simple-ack');
    expect(rig.plant.devices.ctl1.record.applied()).toHaveLength(200);
    expect(rig.plant.writesSeen()).toBe(rig.plant.devices.ctl1.record.writesSeen());
  });

  test('goes on by itself: the room follows its set point, the supply air drifts', async () => {
    const rig = await startRig({ now: () => Date.UTC(2026, 10, 23, 9) });
    const write = ask.writeProperty({ object: 'analog-value,1', value: [app.real(24)], priority: 8 });
    expect(await rig.ask(rig.vav, write)).toBe('simple-ack');
    // The schedule moves the set point after the process has gone on, so the air follows a step later.
    rig.plant.advance(450);
    rig.plant.advance(450);
    expect(await rig.number(rig.vav, 'analog-input,1')).toBeGreaterThan(22);
    expect(await rig.number(rig.ahu, 'analog-input,1')).not.toBe(18);
  });

  test('logs every write with the point it was for, and starts again on the port it had', async () => {
    const lines: string[] = [];
    const rig = await startRig({ log: (line) => lines.push(line) });
    await rig.client.write(rig.ahu, { object: 'analog-value,1', value: [app.real(19)], priority: 9 });
    await rig.client.read(rig.ahu, { object: 'analog-value,1' });
    expect(lines).toEqual([
      `Air handling unit 2: write-property analog-value,1 present-value = 19 @9 (ahu2/sat-sp) from ${rig.client.endpoint.host}:${rig.client.endpoint.port}`,
    ]);
    await rig.plant.stop();
    const again = await startRig({ port: rig.plant.addresses.ahu2.port });
    expect(again.plant.addresses).toEqual(rig.plant.addresses);
    expect(BACNET_PLANT_DEVICES).toHaveLength(3);
    expect(numberOf((await again.client.read(again.ahu, { object: 'analog-value,1' }))[0])).toBe(18);
    expect(PROPERTY['present-value']).toBe(85);
  });
});
