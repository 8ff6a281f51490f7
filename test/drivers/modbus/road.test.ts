// The plain road: Modbus/TCP in, judged, out to a device, and back.

import { afterEach, describe, expect, test } from 'vitest';
import { AHU, CHILLER, METER1, Rig, type RigOptions } from './rig.ts';

const rigs: Rig[] = [];
async function rigged(options?: RigOptions): Promise<Rig> {
  const rig = await Rig.start(options);
  rigs.push(rig);
  return rig;
}
afterEach(async () => {
  for (const rig of rigs.splice(0)) await rig.stop();
});

describe('the road of a frame', () => {
  test('a permitted read comes back with the device’s values', async () => {
    const rig = await rigged();
    const carla = await rig.client('carla');
    expect(await carla.ask(AHU, '04 0000 0002')).toBe('040441900000');
    expect(await carla.ask(METER1, '03 0000 0002')).toBe('030401900005');
  });

  test('a read of one without rights is answered 01 and never reaches the device', async () => {
    const rig = await rigged();
    const nobody = await rig.client('nobody');
    expect(await nobody.ask(AHU, '04 0000 0002')).toBe('8401');
    expect(rig.plant.lines.ahu.conversation.bytesArrived).toBe(0);
  });

  test('a permitted write arrives once, with old value, intent and outcome in the record', async () => {
    const rig = await rigged();
    const ben = await rig.client('ben');
    // 19.5 °C as float32, order CDAB.
    expect(await ben.ask(AHU, '10 0064 0002 04 0000 419c')).toBe('1000640002');
    expect(rig.plant.devices.ahu1.record.writesSeen()).toBe(1);
    expect(rig.plant.devices.ahu1.bank.get('ahu1/sat-sp')).toBe(19.5);
    expect(rig.rows('intent')).toMatchObject([
      { operation: 'writeMultipleRegisters', effects: [{ target: 'ahu1/sat-sp', old: 18, new: 19.5 }] },
    ]);
    expect(rig.rows('outcome')).toMatchObject([{ outcome: { kind: 'acknowledged' } }]);
  });

  test('a write whose span touches one unpermitted point is refused whole', async () => {
    const rig = await rigged();
    const ben = await rig.client('ben');
    expect(await ben.ask(AHU, '10 0064 0004 08 0000 419c 0000 41e0')).toBe('9001');
    expect(rig.plant.writesSeen()).toBe(0);
    expect(rig.rows('refusal')).toMatchObject([{ target: 'ahu1/sat-hi', reason: 'no-permission' }]);
  });

  test('a function that the site names is judged as its action, sent once, and its octets are in the record', async () => {
    const permit = [
      { device: 'ahu1', functionCode: 65, action: 'device.configure' },
      { device: 'ahu1', functionCode: 66, action: 'firmware.update' },
    ];
    const rig = await rigged({ section: (section) => ({ ...section, permit }) });
    const { record } = rig.plant.devices.ahu1;
    const [anna, ben] = [await rig.client('anna'), await rig.client('ben')];
    expect(await ben.ask(AHU, '41 0102ff')).toBe('c101');
    expect(await anna.ask(CHILLER, '41 0102ff')).toBe('c101');
    expect(await anna.ask(AHU, '43 0102ff')).toBe('c301');
    expect(await anna.ask(AHU, '42 0102ff')).toBe('c201');
    expect(record.othersSeen()).toBe(0);
    // The simulator knows no such function, and says so.
    expect(await anna.ask(AHU, '41 0102ff')).toBe('c101');
    expect(record.others().map(({ bytes }) => bytes.subarray(7).toString('hex'))).toEqual(['410102ff']);
    expect(rig.rows('intent')).toMatchObject([
      { operation: 'function65 410102ff', effects: [{ target: 'ahu1', action: 'device.configure' }] },
    ]);
    expect(rig.rows('refusal').map(({ reason }) => reason)).toContain('image-unverified');
  });

  test('a value out of limits is answered 03', async () => {
    const rig = await rigged();
    const ben = await rig.client('ben');
    expect(await ben.ask(AHU, '10 0064 0002 04 0000 42c8')).toBe('9003');
    expect(rig.plant.writesSeen()).toBe(0);
  });

  test('a scaled point is judged with the exponent its device holds', async () => {
    const rig = await rigged();
    const anna = await rig.client('anna');
    expect(await anna.ask(CHILLER, '06 0015 05dc')).toBe('06001505dc');
    expect(rig.plant.devices.chiller1.bank.get('chiller1/power-limit')).toBe(150);
    expect(await anna.ask(CHILLER, '06 0015 05dd')).toBe('8603');
    expect(rig.rows('intent')).toMatchObject([{ effects: [{ target: 'chiller1/power-limit', old: 120, new: 150 }] }]);
  });
});
