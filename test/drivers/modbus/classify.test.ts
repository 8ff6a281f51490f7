// The classification table, a row a request: what it reads, what it would change with which value, and what is refused.

import { beforeAll, describe, expect, test } from 'vitest';
import type { ModbusIndex } from '../../../drivers/modbus/address.ts';
import { type Addressee, classify, readVerdict, type SitePermits } from '../../../drivers/modbus/classify.ts';
import { exceptionFor, exceptionForRead } from '../../../drivers/modbus/refuse.ts';
import { decodeRequest } from '../../../drivers/modbus/wire/decode-request.ts';
import type { Request } from '../../../drivers/modbus/wire/request.ts';
import type { Reader } from '../../../src/contract/gate.ts';
import { GATE_REASONS, POLICY_REASONS } from '../../../src/model/decision.ts';
import { indexOf } from './inventories.ts';

const holding = (register: number, type: string, more: object = {}) => ({ table: 'holding', register, type, ...more });

let index: ModbusIndex;
let d: Addressee;
let all: Addressee;

beforeAll(async () => {
  index = await indexOf({
    devices: { d: { line: 'l', unit: 1 }, e: { line: 'l', unit: 2 } },
    points: {
      'd/coil0': { table: 'coil', register: 0, type: 'bool' },
      'd/coil1': { table: 'coil', register: 1, type: 'bool' },
      'd/in': { table: 'discrete', register: 0, type: 'bool', class: 'sensor' },
      'd/int': holding(0, 'int16', { scale: 0.1, offset: 5 }),
      'd/float': holding(1, 'float32', { class: 'parameter' }),
      'd/bit0': holding(5, 'bool', { bit: 0 }),
      'd/bit3': holding(5, 'bool', { bit: 3 }),
      'd/flag': holding(6, 'bool'),
      'd/bcd': holding(7, 'bcd16'),
      'd/ro': holding(8, 'uint16', { access: 'read' }),
      'd/text': holding(10, 'string', { length: 2 }),
      'd/sf': holding(20, 'int16', { class: 'parameter' }),
      'd/scaled': holding(21, 'uint16', { scaleRegister: 20 }),
      'd/scaled2': holding(22, 'uint16', { scaleRegister: 20, access: 'read' }),
      'd/orphan': holding(23, 'uint16', { scaleRegister: 30 }),
      'd/fw': holding(40, 'uint16', { class: 'firmware' }),
      'd/big': holding(50, 'uint64', { scale: 0.5 }),
      'd/reg': { table: 'input', register: 0, type: 'float32', class: 'sensor' },
      'e/int': holding(0, 'int16'),
    },
  });
  const [first, second] = index.devices;
  if (first === undefined || second === undefined) throw new Error('two devices');
  d = { index, devices: [first], broadcast: false };
  all = { index, devices: [first, second], broadcast: true };
});

const permitNothing: SitePermits = () => undefined;

function request(pdu: string): Request {
  const decoded = decodeRequest(Buffer.from(pdu.replace(/\s/g, ''), 'hex'));
  if (!decoded.ok) throw new Error(decoded.fault.message);
  return decoded.value;
}

function effectsOf(pdu: string, to: Addressee, exponents?: ReadonlyMap<number, number | undefined>): string[] {
  const what = classify(request(pdu), to, permitNothing, exponents);
  if (what.kind !== 'change') return [what.kind];
  return what.change.effects.map(({ target, asks, value }) => {
    const shown = value === undefined ? '' : ` = ${value}`;
    return `${index.inventory.idOf(target)} ${asks}${shown}`;
  });
}

const foreign = ['d engineering.modify'];

describe('what a write would change', () => {
  test.each<[name: string, pdu: string, effects: string[]]>([
    ['5: a coil', '05 0001 ff00', ['d/coil1 write = true']],
    ['5: a coil nobody mapped', '05 0002 ff00', foreign],
    ['6: a scaled value', '06 0000 00fa', ['d/int write = 30']],
    ['6: half a float', '06 0001 4148', [...foreign, 'd/float write = NaN']],
    ['6: no point', '06 0009 0001', foreign],
    ['6: a register of bits, its own bits only', '06 0005 0008', ['d/bit0 write = false', 'd/bit3 write = true']],
    [
      '6: a register of bits, one that is nobody’s',
      '06 0005 0019',
      ['d/bit0 write = true', 'd/bit3 write = true', ...foreign],
    ],
    ['6: a flag', '06 0006 0001', ['d/flag write = true']],
    ['6: a flag that is neither 0 nor 1', '06 0006 0002', [...foreign, 'd/flag write = NaN']],
    ['6: BCD', '06 0007 1234', ['d/bcd write = 1234']],
    ['6: BCD with a digit above 9', '06 0007 123a', [...foreign, 'd/bcd write = NaN']],
    ['6: a point that is only read', '06 0008 0001', ['d/ro engineering.modify = 1']],
    ['15: all coils', '0f 0000 0002 01 02', ['d/coil0 write = false', 'd/coil1 write = true']],
    ['15: one coil too many', '0f 0000 0003 01 02', ['d/coil0 write = false', 'd/coil1 write = true', ...foreign]],
    ['16: neighbours', '10 0000 0003 06 0000 4148 0000', ['d/int write = 5', 'd/float write = 12.5']],
    ['16: a text', '10 000a 0002 04 41420000', ['d/text write = AB']],
    ['16: a text that is none', '10 000a 0002 04 ff420000', [...foreign, 'd/text write = NaN']],
    [
      '16: a gap before and behind',
      '10 0004 0006 0c 0000 0001 0000 0001 0002 0000',
      [
        ...foreign,
        'd/bit0 write = true',
        'd/bit3 write = false',
        'd/flag write = false',
        'd/bcd write = 1',
        'd/ro engineering.modify = 2',
      ],
    ],
    ['16: from the middle of a point', '10 0002 0001 02 0000', [...foreign, 'd/float write = NaN']],
    ['16: NaN as it is', '10 0001 0002 04 7fc0 0000', ['d/float write = NaN']],
    ['16: more than scaling can tell', '10 0032 0004 08 ffff ffff ffff ffff', [...foreign, 'd/big write = NaN']],
    [
      '16: a scale register and what it scales',
      '10 0014 0002 04 0001 0078',
      ['d/sf write = 1', 'd/scaled write = 1200', 'd/scaled2 device.configure'],
    ],
    [
      '16: a scale register that is none',
      '10 0014 0002 04 8000 0078',
      ['d/sf write = -32768', ...foreign, 'd/scaled write = NaN', 'd/scaled2 device.configure'],
    ],
    ['6: a scale register that is no point', '06 001e 0001', [...foreign, 'd/orphan engineering.modify']],
    ['22: one bit', '16 0005 fff7 0008', ['d/bit3 write = true']],
    ['22: a bit that is nobody’s', '16 0005 ffef 0000', foreign],
    ['22: a mask that keeps all', '16 0005 ffff 0000', ['d/bit0 write = false', 'd/bit3 write = false', ...foreign]],
    ['22: part of a value', '16 0000 ff00 0001', [...foreign, 'd/int write = NaN']],
    ['22: a whole value', '16 0000 0000 0064', ['d/int write = 15']],
    ['22: half a float', '16 0001 0000 4148', [...foreign, 'd/float write = NaN']],
    ['22: no point', '16 0009 0000 0001', foreign],
    [
      '22: a scale register',
      '16 0014 0000 0001',
      ['d/sf write = 1', 'd/scaled device.configure', 'd/scaled2 device.configure'],
    ],
    ['23: both halves', '17 0000 0001 0006 0001 02 0001', ['d/flag write = true', 'd/int point.read']],
    [
      '23: reads what is no point',
      '17 0000 0006 0006 0001 02 0001',
      [
        'd/flag write = true',
        'd/int point.read',
        'd/float point.read',
        'd/bit0 point.read',
        'd/bit3 point.read',
        'd point.read',
      ],
    ],
    ['21: a file', '15 09 06 0001 0000 0001 1234', ['d firmware.update']],
    ['8/1: restart', '08 0001 0000', ['d device.control']],
    ['8/2: a register nobody calls a read', '08 0002 0000', ['d device.control']],
  ])('%s', (_name, pdu, effects) => {
    expect(effectsOf(pdu, d)).toEqual(effects);
  });

  test('a scaled point without its exponent names the register and asks for the rights alone', () => {
    const what = classify(request('10 0015 0003 06 0001 0002 0003'), d, permitNothing);
    if (what.kind !== 'change') throw new Error(what.kind);
    expect([...what.needed]).toEqual([20, 30]);
    expect(effectsOf('10 0015 0003 06 0001 0002 0003', d)).toEqual([
      'd/scaled point.write',
      'd/scaled2 engineering.modify',
      'd/orphan point.write',
    ]);
  });

  test('with its exponent it gets its value, without a sense it gets none', () => {
    const exponents = new Map([
      [20, -1],
      [30, undefined],
    ]);
    expect(effectsOf('10 0015 0003 06 0001 0002 0003', d, exponents)).toEqual([
      'd/scaled write = 0.1',
      'd/scaled2 engineering.modify = 0.2',
      'd engineering.modify',
      'd/orphan write = NaN',
    ]);
  });

  test.each([
    ['06 0000 00fa', 'device d 06000000fa'],
    ['17 0000 0001 0006 0001 02 0001', undefined],
    ['15 09 06 0001 0000 0001 1234', undefined],
  ])('%s says by what it is the same', (pdu, sameness) => {
    const what = classify(request(pdu), d, permitNothing);
    expect(what.kind === 'change' ? what.change.sameness : 'no change').toBe(sameness);
  });

  test.each(['15 09 06 0001 0000 0001 1234', '06 0028 0001'])('%s is a frame of a firmware transfer', (pdu) => {
    const what = classify(request(pdu), d, permitNothing);
    expect(what).toMatchObject({ change: { rawImage: true, transfer: { device: d.devices[0].handle, ends: false } } });
  });
});

describe('a broadcast', () => {
  test('is a change of every device', () => {
    expect(effectsOf('06 0000 00fa', all)).toEqual(['d/int write = 30', 'e/int write = 250']);
    const what = classify(request('06 0000 00fa'), all, permitNothing);
    expect(what).toMatchObject({ change: { sameness: 'line l 06000000fa', what: { broadcast: true } } });
  });

  test('has no exponents', () => {
    expect(effectsOf('06 0015 0001', all)).toEqual([
      'd engineering.modify',
      'd/scaled write = NaN',
      'e engineering.modify',
    ]);
  });

  test.each(['03 0000 0001', '17 0000 0001 0006 0001 02 0001', '41', '08 0000 1234'])('%s is unsupported', (pdu) => {
    expect(classify(request(pdu), all, () => 'engineering.modify').kind).toBe('unsupported');
  });
});

describe('what is refused by default', () => {
  const named: SitePermits = (device, functionCode, selector) =>
    device === d.devices[0] && `${functionCode} ${selector}` === '65 undefined' ? 'device.configure' : undefined;

  test.each(['42', '2b 0d 00', '08 0005 0000', '80', '00'])('%s', (pdu) => {
    expect(classify(request(pdu), d, named).kind).toBe('unsupported');
  });

  test('the site names one with the action it asks', () => {
    const what = classify(request('41 01'), d, named);
    expect(what).toMatchObject({
      kind: 'change',
      change: { operation: 'function65 4101', effects: [{ target: d.devices[0].handle, asks: 'device.configure' }] },
    });
    const canopen = classify(request('2b 0d 00'), d, () => 'engineering.modify');
    expect(canopen).toMatchObject({ change: { operation: 'function43/13 2b0d00' } });
  });
});

test('a function that the site names as a firmware update is a frame of a transfer', () => {
  const { handle } = d.devices[0];
  expect(classify(request('41 01'), d, () => 'firmware.update')).toMatchObject({
    change: { rawImage: true, transfer: { device: handle, ends: false }, effects: [{ target: handle }] },
  });
  const asked = classify(request('41 01'), d, () => 'device.configure');
  expect(asked.kind === 'change' && 'rawImage' in asked.change).toBe(false);
  const broken = { kind: 'unsupported', functionCode: 65, data: Buffer.alloc(253) } as const;
  expect(classify(broken, d, () => 'device.configure')).toMatchObject({ kind: 'unsupported' });
});

describe('a request that no decoder lets through', () => {
  test('without a register has no target', () => {
    const what = classify(
      { kind: 'writeMultipleRegisters', address: 0, quantity: 0, values: Buffer.alloc(0) },
      d,
      permitNothing,
    );
    expect(what).toMatchObject({ kind: 'unsupported', detail: expect.stringContaining('without a target') });
  });

  test('that cannot be encoded is the same as nothing', () => {
    const what = classify({ kind: 'writeSingleRegister', address: 70_000, value: 0 }, d, permitNothing);
    expect(what.kind === 'change' && what.change.sameness).toBeUndefined();
  });
});

describe('what is read', () => {
  const reader = (...ids: string[]): Reader => {
    const handles = new Set(ids.map((id) => index.inventory.find(id)));
    return { permits: (target) => handles.has(target) };
  };

  test.each<[pdu: string, may: string[], denied: number, onlyUnmapped: boolean]>([
    ['01 0000 0002', ['d/coil0', 'd/coil1'], 0, false],
    ['01 0000 0002', ['d/coil0'], 1, false],
    ['02 0000 0001', ['d/in'], 0, false],
    ['02 0000 0001', [], 1, false],
    ['03 0000 0003', ['d/int', 'd/float'], 0, false],
    ['03 0001 0001', ['d/float'], 0, false],
    ['03 0000 0006', ['d/int', 'd/float', 'd/bit0', 'd/bit3'], 1, true],
    ['03 0000 0006', ['d/int', 'd/float', 'd/bit0', 'd/bit3', 'd'], 0, false],
    ['03 0000 0006', ['d/int'], 4, false],
    ['03 0009 0001', ['d/int'], 1, true],
    ['04 0000 0003', ['d/reg'], 1, true],
    ['18 0000', ['d/int'], 0, false],
    ['18 0000', [], 1, false],
    ['07', ['d'], 0, false],
    ['07', ['d/int'], 1, false],
    ['0b', [], 1, false],
    ['11', ['d'], 0, false],
    ['2b 0e 01 00', ['d'], 0, false],
    ['14 07 06 0001 0000 0001', [], 1, false],
    ['08 0000 1234', ['d'], 0, false],
  ])('%s by one who may read %j', (pdu, may, denied, onlyUnmapped) => {
    expect(classify(request(pdu), d, permitNothing).kind).toBe('observation');
    const verdict = readVerdict(request(pdu), index, d.devices[0], reader(...may));
    expect(verdict).toEqual({ denied, onlyUnmapped });
    if (denied > 0) expect(exceptionForRead(verdict)).toBe(onlyUnmapped ? 2 : 1);
  });
});

test('every reason has the exception the documents ask for', () => {
  const codes = Object.fromEntries(
    [...POLICY_REASONS, ...GATE_REASONS].map((reason) => [reason, exceptionFor(reason)]),
  );
  expect(codes).toMatchObject({
    'no-permission': 1,
    locked: 1,
    unsupported: 1,
    'approval-required': 1,
    'unknown-target': 2,
    'unknown-point': 2,
    'out-of-limits': 3,
    'journal-unavailable': 4,
    'rate-limited': 6,
    'transfer-in-progress': 6,
  });
  expect(Object.values(codes).every((code) => code >= 1 && code <= 6)).toBe(true);
});
