// Addresses of the policy: every fault by its place, and the point a property is.

import { expect, it } from 'vitest';
import { compileAddresses, parseDeviceAddress, parsePointAddress } from '../../../drivers/bacnet/address.ts';
import type { InventoryView } from '../../../src/model/point.ts';
import { snapshot } from '../../gate/stage.ts';
import { siteBundle } from '../gate-stage.ts';

const good = { object: 'analog-value,1' };

it('reads a point by names or numbers, and present-value where none is named', () => {
  const read = (address: object) => {
    const parsed = parsePointAddress({ ...address }, 'p');
    return parsed.ok ? parsed.value : parsed.fault.map(({ path }) => path);
  };
  expect(read(good)).toEqual({ objectType: 2, instance: 1, property: 85 });
  expect(read({ object: '2,1', property: 104, index: 3 })).toEqual({
    objectType: 2,
    instance: 1,
    property: 104,
    index: 3,
  });
  expect(read({ object: 'device,4194302', property: 'object-name' })).toMatchObject({ objectType: 8, property: 77 });
});

it.each([
  [{}, ['p.object']],
  [{ object: 'analog-value' }, ['p.object']],
  [{ object: 'analog-value,01' }, ['p.object']],
  [{ object: 'analog-value,4194303' }, ['p.object']],
  [{ object: 'toString,1' }, ['p.object']],
  [{ object: '1024,1' }, ['p.object']],
  [{ ...good, property: 'presentvalue' }, ['p.property']],
  [{ ...good, property: 'constructor' }, ['p.property']],
  [{ ...good, property: -1 }, ['p.property']],
  [{ ...good, index: 1.5 }, ['p.index']],
  [{ ...good, indx: 1, property: 2 ** 32 }, ['p.indx', 'p.property']],
])('does not take %j', (address, paths) => {
  const parsed = parsePointAddress({ ...address }, 'p');
  expect(parsed.ok ? [] : parsed.fault.map(({ path }) => path)).toEqual(paths);
});

it.each([
  [{ network: 'plant', instance: 4_194_303 }, ['d.instance']],
  [{ network: '', instance: '7' }, ['d.network', 'd.instance']],
  [{ network: 'plant', instance: 7, mac: '01' }, ['d.mac']],
])('does not take the device address %j', (address, paths) => {
  const parsed = parseDeviceAddress({ ...address }, 'd');
  expect(parsed.ok ? [] : parsed.fault.map(({ path }) => path)).toEqual(paths);
});

it('reads how a device takes firmware, with what is usual where nothing is said', () => {
  const read = (firmware: object) => {
    const parsed = parseDeviceAddress({ network: 'plant', instance: 7, firmware }, 'd');
    return parsed.ok ? parsed.value.firmware : parsed.fault.map(({ path }) => path);
  };
  expect(read({ file: 1 })).toEqual({
    file: 1,
    activate: 'activate-changes',
    version: 'firmware-revision',
    confirmMs: 120_000,
    stallMs: 60_000,
    staging: false,
  });
  const all = {
    file: 0,
    activate: 'cold-restart',
    password: 'filters',
    version: 'application-software-version',
    confirmSeconds: 5,
    stallSeconds: 2,
    chunk: 512,
    staging: true,
  };
  const { confirmSeconds: _confirm, stallSeconds: _stall, ...same } = all;
  expect(read(all)).toEqual({ ...same, confirmMs: 5000, stallMs: 2000 });
});

it.each([
  ['file 1', ['d.firmware']],
  [null, ['d.firmware']],
  [[1], ['d.firmware']],
  [{}, ['d.firmware.file']],
  [{ file: 4_194_303 }, ['d.firmware.file']],
  [{ file: '1' }, ['d.firmware.file']],
  [{ file: 1, activate: 'restart' }, ['d.firmware.activate']],
  [
    { file: 1, version: 'model-name', confirmSeconds: 0, stallSeconds: 601 },
    ['version', 'confirmSeconds', 'stallSeconds'],
  ],
  [{ file: 1, chunk: 15, staging: 'yes', burn: true }, ['burn', 'chunk', 'staging']],
  [{ file: 1, password: '' }, ['d.firmware.password']],
  [{ file: 1, password: 'x'.repeat(21) }, ['d.firmware.password']],
])('does not take the firmware %j, and tells no password', (firmware, paths) => {
  const parsed = parseDeviceAddress({ network: 'plant', instance: 7, firmware }, 'd');
  const faults = parsed.ok ? [] : parsed.fault;
  expect(faults.map(({ path }) => path)).toEqual(
    paths.map((path) => (path.startsWith('d.') ? path : `d.firmware.${path}`)),
  );
  expect(JSON.stringify(faults)).not.toContain('xxxx');
});

const device = (id: string, address?: object) => ({
  id,
  name: id,
  location: 'hq',
  tags: [],
  ...(address && { address: { bacnet: address } }),
});
const point = (id: string, of: string, address: object) => ({ id, name: id, device: of, class: 'set-point', address });

const sameAsFirst = { bacnet: { network: 'plant', instance: 1 } };

async function compile(
  devices: readonly object[],
  points: readonly object[],
  seenAs: (inventory: InventoryView) => InventoryView = (inventory) => inventory,
) {
  const bundle = siteBundle({ devices, points });
  let pauses = 0;
  const compiled = await compileAddresses(seenAs(snapshot(bundle).inventory), async () => {
    pauses += 1;
  });
  return { compiled, pauses };
}

it('finds points by device, object, property and index', async () => {
  const { compiled } = await compile(
    [
      device('d1', { network: 'plant', instance: 1 }),
      device('d2', { network: 'plant', instance: 2 }),
      device('elsewhere'),
    ],
    [
      point('whole', 'd1', { object: 'schedule,1', property: 'weekly-schedule' }),
      point('monday', 'd1', { object: 'schedule,1', property: 'weekly-schedule', index: 1 }),
      point('other', 'd2', { object: 'schedule,1', property: 'weekly-schedule' }),
    ],
  );
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.fault));
  const { index } = compiled.value;
  const d1 = index.deviceAt('plant', 1);
  if (d1 === undefined) throw new Error('the device is there');
  const at = (...place: [number, number, number, number?]): string | undefined => {
    const found = index.pointAt(d1, ...place);
    return found === undefined ? undefined : index.inventory.idOf(found);
  };
  expect(at(17, 1, 123)).toBe('whole');
  expect(at(17, 1, 123, 1)).toBe('monday');
  expect(at(17, 1, 123, 2)).toBe('whole');
  expect(at(17, 2, 123)).toBeUndefined();
  expect(at(17, 1, 85)).toBeUndefined();
  expect([...index.pointsOf(d1, 17, 1)].map((handle) => index.inventory.idOf(handle))).toEqual(['whole', 'monday']);
  expect([...index.pointsOf(d1, 17, 9)]).toEqual([]);
  expect(index.deviceAt('plant', 3)).toBeUndefined();
  expect(index.deviceAt('b', 1)).toBeUndefined();
  expect(index.place(d1.points[1] ?? d1.handle)).toMatchObject({ objectType: 17, index: 1 });
  expect(index.device(d1.handle)).toBe(d1);
});

it('lists every fault by its place in the bundle', async () => {
  const { compiled } = await compile(
    [
      device('d1', { network: 'plant', instance: 1 }),
      device('d2', { network: 'plant', instance: 2 }),
      device('d3', { network: 'plant' }),
    ],
    [point('a', 'd1', good), point('b', 'd1', { object: '2,1', property: 85 }), point('c', 'd1', { object: 'x' })],
    // A bundle with the same address twice does not come as far as this; the driver relies on nobody for it.
    (inventory) =>
      new Proxy(inventory, {
        get: (view, key) =>
          key === 'devices'
            ? () =>
                [...view.devices()].map((one) => (one.id === 'd2' ? { ...one, address: sameAsFirst } : one)).values()
            : Reflect.get(view, key, view).bind?.(view),
      }),
  );
  expect(compiled.ok ? [] : compiled.fault.map(({ path }) => path)).toEqual([
    'organizations.0.devices.1.address.bacnet',
    'organizations.0.devices.2.address.bacnet.instance',
    'organizations.0.points.1.address',
    'organizations.0.points.2.address.object',
  ]);
});

it('wants the class `firmware` for a point of the file that takes firmware', async () => {
  const owner = device('d1', { network: 'plant', instance: 1, firmware: { file: 3 } });
  const points = [point('image', 'd1', { object: 'file,3' }), point('other', 'd1', { object: 'file,4' })];
  const { compiled } = await compile([owner], points);
  expect(compiled.ok ? [] : compiled.fault).toEqual([
    {
      path: 'organizations.0.points.0.class',
      found: '`set-point` for the file that `d1` takes firmware by',
      expected: '`firmware`',
    },
  ]);
});

it('pauses while it works', async () => {
  const points = Array.from({ length: 2500 }, (_, at) => point(`p${at}`, 'd1', { object: `analog-value,${at}` }));
  const { compiled, pauses } = await compile([device('d1', { network: 'plant', instance: 1 })], points);
  expect(compiled.ok).toBe(true);
  expect(pauses).toBe(2);
});
