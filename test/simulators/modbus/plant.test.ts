import { afterEach, describe, expect, test } from 'vitest';
import {
  PLANT_DEVICES,
  PLANT_LINES,
  plantInventory,
  type RunningPlant,
  startPlant,
} from '../../../simulators/modbus/plant.ts';
import { widthOf } from '../../../simulators/modbus/values.ts';

let plant: RunningPlant | undefined;
afterEach(async () => {
  await plant?.stop();
  plant = undefined;
});

describe('the inventory', () => {
  const { devices, points } = plantInventory('site-a');

  test('names the four devices, where they are and how they are reached', () => {
    expect(
      devices.map(({ id, location, address }) => [id, location, address.modbus.line, address.modbus.unit]),
    ).toEqual([
      ['chiller1', 'site-a', 'chiller', 1],
      ['ahu1', 'site-a', 'ahu', 1],
      ['meter1', 'site-a', 'meters', 11],
      ['meter2', 'site-a', 'meters', 12],
    ]);
    expect(new Set(devices.map((device) => device.address.modbus.line))).toEqual(new Set(PLANT_LINES));
  });

  test('ids are unique and begin with their device, and nothing refers to what is not there', () => {
    const ids = points.map((point) => point.id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const point of points) {
      expect(point.id.startsWith(`${point.device}/`)).toBe(true);
      for (const involved of point.involves ?? []) expect(ids).toContain(involved);
    }
  });

  test('no two points share a place, bits of one register excepted', () => {
    const owners = new Map<string, string>();
    for (const { id, device, address } of points) {
      for (let index = 0; index < widthOf(address); index += 1) {
        const place = `${device} ${address.table} ${address.register + index}`;
        const bit = address.bit === undefined ? '' : ` bit ${address.bit}`;
        expect(owners.get(place), `${id} at ${place}`).toBeUndefined();
        expect(owners.get(place + bit), `${id} at ${place}${bit}`).toBeUndefined();
        owners.set(place + bit, id);
      }
    }
  });

  test('has every kind of point and type there is but firmware', () => {
    expect(new Set(points.map((point) => point.class)).size).toBe(5);
    const types = new Set(points.map((point) => point.address.type));
    expect([...types].sort()).toEqual(
      [
        'bcd16',
        'bcd32',
        'bool',
        'float32',
        'float64',
        'int16',
        'int32',
        'int64',
        'string',
        'uint16',
        'uint32',
        'uint64',
      ].sort(),
    );
    expect(new Set(points.map((point) => point.address.order ?? 'ABCD')).size).toBe(4);
    for (const id of PLANT_DEVICES) {
      const own = points.filter((point) => point.device === id);
      expect(own.length).toBeGreaterThanOrEqual(10);
      expect(own.length).toBeLessThanOrEqual(26);
    }
  });

  test('an alarm limit lies right behind the set point that the demo writes', () => {
    const at = (id: string) => points.find((point) => point.id === id);
    expect(at('ahu1/sat-sp')).toMatchObject({ class: 'set-point', address: { table: 'holding', register: 100 } });
    expect(at('ahu1/sat-hi')).toMatchObject({ class: 'alarm-limit', address: { table: 'holding', register: 102 } });
  });
});

describe('the running plant', () => {
  test('starts every point at its initial value', async () => {
    plant = await startPlant();
    const { ahu1, chiller1, meter1 } = plant.devices;
    expect(ahu1.bank.get('ahu1/model')).toBe('Boreas 9000-X');
    expect(ahu1.bank.get('ahu1/service-date')).toBe(20_260_914);
    expect(ahu1.bank.number('ahu1/dsp-sp')).toBeCloseTo(250, 6);
    expect(ahu1.bank.read('holding', 120, 1)).toEqual([0x0103]);
    expect(chiller1.bank.number('chiller1/power-limit')).toBeCloseTo(120, 6);
    expect(chiller1.bank.read('holding', 20, 3)).toEqual([0xffff, 1200, 842]);
    expect(meter1.bank.get('meter1/energy-import')).toBe(48_211_377_204n);
  });

  test('sensors follow the set points, alarms follow the limits, energy is counted', async () => {
    plant = await startPlant();
    const { ahu1, chiller1, meter1 } = plant.devices;
    ahu1.bank.set('ahu1/sat-sp', 22);
    ahu1.bank.set('ahu1/sat-hi', 20);
    chiller1.bank.set('chiller1/start', false);
    for (let second = 0; second < 600; second += 1) plant.advance(1);
    expect(ahu1.bank.number('ahu1/sat')).toBeGreaterThan(21.8);
    expect(ahu1.bank.get('ahu1/sat-alarm')).toBe(true);
    expect(chiller1.bank.number('chiller1/chw-supply')).toBeGreaterThan(11);
    expect(chiller1.bank.get('chiller1/running')).toBe(false);
    expect(meter1.bank.number('meter1/energy-import') - 48_211_377_204).toBeGreaterThan(13_000);
    ahu1.bank.set('ahu1/sat-hi', 28);
    ahu1.bank.set('ahu1/alarm-reset', true);
    meter1.bank.set('meter1/energy-reset', true);
    plant.advance(1);
    expect(ahu1.bank.get('ahu1/sat-alarm')).toBe(false);
    expect(ahu1.bank.get('ahu1/alarm-reset')).toBe(false);
    expect(meter1.bank.get('meter1/energy-trip')).toBe(0);
  });

  test('a scale register changes what its neighbours mean', async () => {
    plant = await startPlant();
    const { bank } = plant.devices.chiller1;
    bank.write('holding', 20, [0]);
    expect(bank.get('chiller1/power-limit')).toBe(1200);
  });

  test('lines can have addresses of their own, and a port in use starts nothing', async () => {
    plant = await startPlant({ hostBase: '127.0.0.21', separateHosts: true });
    const { chiller, ahu, meters } = plant.lines;
    expect([chiller.host, ahu.host, meters.host]).toEqual(['127.0.0.21', '127.0.0.22', '127.0.0.23']);
    await expect(startPlant({ hostBase: '127.0.0.22', ports: { ahu: ahu.port } })).rejects.toThrow('EADDRINUSE');
  });
});
