// How a device takes firmware, as its address says it: what is read, every fault with its place, and what it makes of frames.

import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { ModbusIndex } from '../../../drivers/modbus/address.ts';
import { type Addressee, classify } from '../../../drivers/modbus/classify.ts';
import { decodeRequest } from '../../../drivers/modbus/wire/decode-request.ts';
import { faultsOf, indexOf } from './inventories.ts';

const version = { register: 600, length: 8 };
const command = { register: 500, start: 1, commit: 2, abort: 3 };
const status = { register: 501, values: { idle: 0, ready: 2, verified: 3, busy: 4, error: [5, 6] } };
const block = { data: 512, words: 64, number: 511 };
const registers = { method: 'registers', command, status, block, version };
const files = { method: 'file-record', firstFile: 4, command: { register: 500, commit: 2 }, version };

const site = (firmware: unknown, points = {}) => ({ devices: { d: { line: 'l', unit: 1, firmware } }, points });

async function placeOf(firmware: unknown) {
  return (await indexOf(site(firmware))).devices[0]?.firmware;
}

describe('an address with firmware', () => {
  it('by registers', async () => {
    const size = { register: 502, order: 'CDAB' };
    const checksum = { kind: 'crc16', register: 506 };
    const more = { size, checksum, received: { register: 7, table: 'input' }, confirmSeconds: 9, stallSeconds: 3 };
    expect(await placeOf({ ...registers, ...more, pollMs: 20, banks: 'single' })).toEqual({
      image: { kind: 'registers', register: 512, words: 64, number: { register: 511, first: 0 } },
      command,
      status: {
        at: { table: 'holding', register: 501, type: 'uint16', order: 'ABCD' },
        states: new Map([
          [0, 'idle'],
          [2, 'ready'],
          [3, 'verified'],
          [4, 'busy'],
          [5, 'error'],
          [6, 'error'],
        ]),
      },
      size: { table: 'holding', register: 502, type: 'uint32', order: 'CDAB' },
      received: { table: 'input', register: 7, type: 'uint32', order: 'ABCD' },
      checksum: { kind: 'crc16', at: { table: 'holding', register: 506, type: 'uint16', order: 'ABCD' } },
      version: { table: 'holding', register: 600, registers: 8, order: 'ABCD' },
      activate: 'command',
      banks: 'single',
      confirmMs: 9000,
      stallMs: 3000,
      pollMs: 20,
      written: [
        { from: 500, to: 501 },
        { from: 502, to: 504 },
        { from: 506, to: 507 },
        { from: 511, to: 512 },
        { from: 512, to: 576 },
      ],
    });
  });

  it('by file records, put into use by a restart', async () => {
    expect(await placeOf({ method: 'file-record', firstFile: 4, activate: 'restart', version })).toMatchObject({
      image: { kind: 'file-record', firstFile: 4, words: 121 },
      activate: 'restart',
      banks: 'dual',
      confirmMs: 120_000,
      stallMs: 60_000,
      pollMs: 100,
      written: [],
    });
  });

  const without = <T extends object>(whole: T, key: keyof T): object =>
    Object.fromEntries(Object.entries(whole).filter(([name]) => name !== key));

  it.each<[path: string, firmware: unknown]>([
    ['', 'yes'],
    ['.method', {}],
    ['.metod', { ...files, metod: 1 }],
    ['.block', { ...files, block }],
    ['.firstFile', { ...registers, firstFile: 1 }],
    ['.firstFile', without(files, 'firstFile')],
    ['.firstFile', { ...files, firstFile: 0 }],
    ['.words', { ...files, words: 122 }],
    ['.version', without(files, 'version')],
    ['.version.length', { ...files, version: { register: 1 } }],
    ['.command', without(files, 'command')],
    ['.command', { ...files, command: 7 }],
    ['.command.commit', { ...files, activate: 'restart' }],
    ['.command.commit', { ...files, command: { register: 1, start: 1 } }],
    ['.command.start', { ...registers, command: { register: 500, commit: 2 } }],
    ['.command.abort', { ...registers, command: { ...command, abort: 2 } }],
    ['.status', { ...files, command: { ...command, revert: 4 } }],
    ['.status', without(registers, 'status')],
    ['.status.values', { ...registers, status: { register: 1 } }],
    ['.status.values.idle', { ...registers, status: { register: 1, values: { ready: 1 } } }],
    ['.status.values.receiving', { ...registers, status: { register: 1, values: { idle: 1 } } }],
    ['.status.values.busy', { ...registers, status: { register: 1, values: { idle: 1, ready: 2, busy: [1, 3] } } }],
    ['.status.values.done', { ...registers, status: { register: 1, values: { idle: 1, ready: 2, done: 3 } } }],
    ['.received.order', { ...files, received: { register: 1, order: 'DBCA' } }],
    ['.received.register', { ...files, received: { register: 65_535 } }],
    ['.size.table', { ...files, size: { register: 1, table: 'input' } }],
    ['.checksum.kind', { ...files, checksum: { kind: 'md5', register: 1 } }],
    ['.block', without(registers, 'block')],
    ['.block.number', { ...registers, block: without(block, 'number') }],
    ['.block.words', { ...registers, block: { data: 512, words: 123, number: 511 } }],
    ['.block.data', { ...registers, block: { data: 65_500, words: 64, number: 511 } }],
    ['.block.first', { ...registers, received: { register: 1 }, block: { data: 512, words: 64, first: 1 } }],
    ['.size', { ...registers, size: { register: 500 } }],
    ['.command', { ...registers, block: { data: 490, words: 64, number: 511 } }],
    ['.stallSeconds', { ...files, stallSeconds: 0 }],
    ['.activate', { ...files, activate: 'never' }],
    ['.banks', { ...files, banks: 'three' }],
  ])('names a fault at `%s`', async (path, firmware) => {
    const paths = (await faultsOf(site(firmware))).map((fault) => fault.path.split('.modbus').at(-1));
    expect(paths).toContain(`.firmware${path}`);
  });

  it('is what the examples of the driver’s README show', async () => {
    const text = readFileSync(new URL('../../../drivers/modbus/README.md', import.meta.url), 'utf8');
    const examples = [...text.matchAll(/```yaml\n(.*?)```/gs)].map(([, yaml = '']) => parse(yaml));
    const methods = await Promise.all(
      examples.map(async ({ address: { modbus } }) => {
        const index = await indexOf({ devices: { d: modbus }, points: {} });
        return index.devices[0]?.firmware?.image.kind;
      }),
    );
    expect(methods).toEqual(['registers', 'file-record']);
  });

  it('keeps its registers from points of other classes', async () => {
    const at = (register: number, more = {}) => ({ table: 'holding', register, type: 'uint16', ...more });
    const points = {
      'd/command': at(500, { class: 'firmware' }),
      'd/status': at(501, { class: 'sensor' }),
      'd/version': at(600, { class: 'sensor' }),
      'd/data': at(530),
      'd/input': { ...at(530), table: 'input', class: 'sensor' },
    };
    const faults = await faultsOf(site(registers, points));
    expect(faults).toMatchObject([{ found: 'registers by which `d` takes firmware' }]);
    expect(faults[0]?.path).toContain('points');
  });
});

describe('what frames ask', () => {
  let one: Addressee;
  let all: Addressee;
  let index: ModbusIndex;
  beforeAll(async () => {
    index = await indexOf({
      devices: { d: { line: 'l', unit: 1, firmware: registers }, e: { line: 'l', unit: 2 } },
      points: {
        'd/go': { table: 'holding', register: 500, type: 'bool', bit: 1, class: 'firmware' },
        'd/text': { table: 'holding', register: 520, type: 'string', length: 4, class: 'firmware' },
        'd/near': { table: 'holding', register: 499, type: 'uint16' },
      },
    });
    const [d, e] = index.devices;
    if (d === undefined || e === undefined) throw new Error('two devices');
    one = { index, devices: [d], broadcast: false };
    all = { index, devices: [d, e], broadcast: true };
  });

  function asked(pdu: string, to = one, inTransfer = false, holds = false): string[] {
    const decoded = decodeRequest(Buffer.from(pdu.replaceAll(' ', ''), 'hex'));
    if (!decoded.ok) throw new Error(decoded.fault.message);
    const what = classify(decoded.value, to, () => undefined, undefined, {
      isUnderWay: () => inTransfer,
      mayHold: () => holds,
    });
    if (what.kind !== 'change') return [what.kind];
    const { effects, transfer } = what.change;
    const list = effects.map(({ target, asks }) => `${index.inventory.idOf(target)} ${asks}`);
    return transfer === undefined ? list : [...list, transfer.ends ? 'ends' : 'goes on'];
  }

  const update = 'd firmware.update';
  it.each<[name: string, pdu: string, effects: string[]]>([
    ['a register that is no point', '06 0200 0001', [update, 'goes on']],
    ['a register of bits, one of them a point', '06 01f4 0001', [update, 'd/go firmware.update', 'goes on']],
    ['a mask that touches the point', '16 01f4 fffd 0002', [update, 'd/go firmware.update', 'ends']],
    ['a mask to a register that is no point', '16 0200 0000 0001', [update, 'goes on']],
    ['a part of a point', '06 0208 0001', [update, 'd/text firmware.update', 'goes on']],
    ['a register beside them', '06 01f3 0001', ['d/near write']],
    ['a register that is read only', '06 01f5 0001', ['d engineering.modify']],
    [
      'more than them',
      '10 01f3 0003 06 0001 0002 0003',
      ['d/near write', update, 'd/go firmware.update', 'd engineering.modify', 'ends'],
    ],
    ['FC 21, whatever the method', '15 09 06 0001 0000 0001 1234', [update, 'goes on']],
    ['a restart', '08 0001 0000', ['d device.control']],
  ])('%s', (_name, pdu, effects) => {
    expect(asked(pdu)).toEqual(effects);
  });

  it('a restart within a transfer is its end', () => {
    expect(asked('08 0001 0000', one, true)).toEqual([update, 'ends']);
    expect(asked('08 0004 0000', one, true)).toEqual(['d device.control']);
  });

  it('nothing of it as a broadcast', () => {
    for (const pdu of ['06 0200 0001', '15 09 06 0001 0000 0001 1234'])
      expect(asked(pdu, all)).toEqual(['unsupported']);
    expect(asked('08 0001 0000', all, true)).toEqual(['unsupported']);
    expect(asked('08 0001 0000', all)).toEqual(['d device.control', 'e device.control']);
  });

  it('a restart of a device that may hold an image asks both rights, and is no transfer', () => {
    expect(asked('08 0001 0000', one, false, true)).toEqual(['d device.control', update]);
    expect(asked('08 0001 0000', one, true, true)).toEqual([update, 'ends']);
    expect(asked('08 0004 0000', one, false, true)).toEqual(['d device.control']);
    expect(asked('08 0001 0000', all, false, true)).toEqual(['unsupported']);
  });
});
