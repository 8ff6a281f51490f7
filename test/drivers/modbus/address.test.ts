// Addresses of a bundle: every fault with its path, and spans that hold exactly the points they touch.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compileAddresses } from '../../../drivers/modbus/address.ts';
import { tables } from '../../../drivers/modbus/point-address.ts';
import { type Address, faultsOf, indexOf, inventoryOf } from './inventories.ts';

const line = { line: 'l', unit: 1 };

describe('the address of a device', () => {
  test.each([
    [{ unit: 1 }, 'line'],
    [{ line: '', unit: 1 }, 'line'],
    [{ line: 7, unit: 1 }, 'line'],
    [{ line: 'l' }, 'unit'],
    [{ line: 'l', unit: 256 }, 'unit'],
    [{ line: 'l', unit: -1 }, 'unit'],
    [{ line: 'l', unit: 1.5 }, 'unit'],
    [{ line: 'l', unit: 1, port: 502 }, 'port'],
  ])('%j', async (address, key) => {
    expect(await faultsOf({ devices: { d: address }, points: {} })).toMatchObject([
      { path: `organizations.0.devices.0.address.modbus.${key}` },
    ]);
  });

  test('two devices on one unit of one line', async () => {
    const inventory = inventoryOf({
      devices: { a: line, b: { line: 'l', unit: 2 }, c: { line: 'm', unit: 1 } },
      points: {},
    });
    const devices = [...inventory.devices()].map((device) => ({
      ...device,
      address: { modbus: { line: device.id === 'c' ? 'm' : 'l', unit: 1 } },
    }));
    const view = {
      deviceCount: 3,
      pointCount: 0,
      devices: () => devices.values(),
      points: () => inventory.points(),
      find: (id: string) => inventory.find(id),
      idOf: inventory.idOf.bind(inventory),
      nameOf: inventory.nameOf.bind(inventory),
      device: inventory.device.bind(inventory),
      point: inventory.point.bind(inventory),
      pathOf: inventory.pathOf.bind(inventory),
    };
    const compiled = await compileAddresses(view, async () => undefined);
    expect(compiled.ok ? [] : compiled.fault).toEqual([
      {
        path: 'organizations.0.devices.1.address.modbus',
        found: 'unit `1` of line `l`, which is `a`',
        expected: 'a line and unit of its own',
      },
    ]);
  });

  test('a device without one, or a point without one, is no fault and is not reached', async () => {
    const index = await indexOf({
      devices: { a: line, b: undefined },
      points: { 'a/p': {}, 'b/p': { table: 'coil', register: 0, type: 'bool' } },
    });
    const [a, b] = [index.inventory.find('a'), index.inventory.find('b')];
    const p = index.inventory.find('b/p');
    if (a === undefined || b === undefined || p === undefined) throw new Error('not found');
    expect([index.device(a) !== undefined, index.device(b), index.entryOf(p), index.entryOf(a)]).toEqual([
      true,
      undefined,
      undefined,
      undefined,
    ]);
    expect(() => index.shapeOf(0)).toThrow(RangeError);
  });
});

const good: Address = { table: 'holding', register: 0, type: 'uint16' };

describe('the address of a point', () => {
  test.each<[Address, string]>([
    [{ ...good, table: 'memory' }, 'table'],
    [{ register: 0, type: 'uint16' }, 'table'],
    [{ ...good, register: 65_536 }, 'register'],
    [{ ...good, register: '1' }, 'register'],
    [{ ...good, type: 'int8' }, 'type'],
    [{ ...good, order: 'ABDC' }, 'order'],
    [{ ...good, bit: 3 }, 'bit'],
    [{ ...good, type: 'bool', bit: 16 }, 'bit'],
    [{ ...good, type: 'bool', order: 'ABCD' }, 'order'],
    [{ ...good, type: 'bool', scale: 2 }, 'scale'],
    [{ ...good, length: 2 }, 'length'],
    [{ ...good, type: 'string' }, 'length'],
    [{ ...good, type: 'string', length: 124 }, 'length'],
    [{ ...good, type: 'string', length: 2, order: 'CDAB' }, 'order'],
    [{ ...good, type: 'string', length: 2, offset: 1 }, 'offset'],
    [{ ...good, scale: 0 }, 'scale'],
    [{ ...good, scale: 'x' }, 'scale'],
    [{ ...good, offset: null }, 'offset'],
    [{ ...good, scaleRegister: 65_536 }, 'scaleRegister'],
    [{ ...good, access: 'none' }, 'access'],
    [{ ...good, colour: 'red' }, 'colour'],
    [{ table: 'coil', register: 0, type: 'uint16' }, 'type'],
    [{ table: 'coil', register: 0, type: 'bool', bit: 1 }, 'bit'],
    [{ table: 'discrete', register: 0, type: 'bool', order: 'ABCD' }, 'order'],
    [{ ...good, register: 65_535, type: 'float32' }, 'register'],
  ])('%j', async (address, key) => {
    const faults = await faultsOf({ devices: { d: line }, points: { 'd/p': address } });
    expect(faults.map(({ path }) => path)).toEqual([`organizations.0.points.0.address.${key}`]);
  });

  test.each<[string, Address, Address, boolean]>([
    ['the same register', good, { ...good, type: 'int16' }, true],
    ['the second half of a float', { ...good, type: 'float32' }, { ...good, register: 1 }, true],
    ['a point inside a text', { ...good, type: 'string', length: 9 }, { ...good, register: 8 }, true],
    ['the same bit', { ...good, type: 'bool', bit: 1, access: 'read' }, { ...good, type: 'bool', bit: 1 }, true],
    ['a bit and its whole register', { ...good, type: 'bool', bit: 1 }, good, true],
    ['two bits', { ...good, type: 'bool', bit: 1 }, { ...good, type: 'bool', bit: 2 }, false],
    ['neighbours', good, { ...good, register: 1 }, false],
    ['another table', good, { ...good, table: 'input' }, false],
  ])('%s', async (_name, first, second, isFault) => {
    const faults = await faultsOf({ devices: { d: line }, points: { 'd/a': first, 'd/b': second } });
    expect(faults.length > 0).toBe(isFault);
    if (isFault) expect(faults[0]?.path).toMatch(/^organizations\.0\.points\.[01]\.address$/);
  });

  test('a long point hides a neighbour behind a short one', async () => {
    const points = {
      'd/long': { ...good, type: 'string', length: 10 },
      'd/b': { ...good, register: 2 },
      'd/c': { ...good, register: 6 },
    };
    expect(await faultsOf({ devices: { d: line }, points })).toHaveLength(2);
  });
});

test('a span holds every point it touches and no other, in order', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.tuple(fc.nat(3), fc.nat(40)), {
        selector: ([table, slot]) => table * 100 + slot,
        maxLength: 60,
      }),
      fc.nat(3),
      fc.nat(130),
      fc.integer({ min: 1, max: 20 }),
      async (slots, table, register, count) => {
        const points = Object.fromEntries(
          slots.map(([at, slot]) => {
            const isBit = at < 2;
            const address = {
              table: tables[at],
              register: slot * 3,
              type: isBit ? 'bool' : slot % 2 ? 'float32' : 'int16',
            };
            return [`d/p${at}-${slot}`, address];
          }),
        );
        const index = await indexOf({
          devices: { c: { line: 'l', unit: 2 }, d: line },
          points: { 'c/x': good, ...points },
        });
        const device = index.devices.find(({ unit }) => unit === 1);
        if (device === undefined) throw new Error('no device');
        const { from, to } = index.span(device, table, register, count);
        const found = Array.from({ length: to - from }, (_, at) => index.inventory.idOf(index.handleOf(from + at)));
        const expected = slots
          .filter(([at, slot]) => {
            const length = at >= 2 && slot % 2 ? 2 : 1;
            return at === table && slot * 3 < register + count && slot * 3 + length > register;
          })
          .sort(([, a], [, b]) => a - b)
          .map(([at, slot]) => `d/p${at}-${slot}`);
        expect(found).toEqual(expected);
        for (let entry = from; entry < to; entry += 1) expect(index.tableOf(device, entry)).toBe(tables[table]);
      },
    ),
    { numRuns: 60 },
  );
});

test('a large inventory is compiled in slices', async () => {
  const points = Object.fromEntries(
    Array.from({ length: 5000 }, (_, register) => [`d/p${register}`, { ...good, register }]),
  );
  let pauses = 0;
  const compiled = await compileAddresses(inventoryOf({ devices: { d: line }, points }), async () => {
    pauses += 1;
  });
  expect(compiled.ok).toBe(true);
  expect(pauses).toBeGreaterThanOrEqual(5);
});
