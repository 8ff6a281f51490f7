// SunSpec models: registers follow each other, groups repeat, scale registers involve what they scale.

import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { compileAddresses } from '../../drivers/modbus/address.ts';
import { importSunSpec } from '../../drivers/modbus/import-sunspec.ts';
import { runProgram } from '../../src/cli/program.ts';
import { describeFault } from '../../src/model/fault.ts';
import { siteBundle } from '../drivers/gate-stage.ts';
import { snapshot } from '../gate/stage.ts';
import { folderWith } from './command.ts';

const MODEL = {
  id: 999,
  group: {
    name: 'inverter',
    label: 'Inverter',
    type: 'group',
    points: [
      { name: 'ID', type: 'uint16', size: 1, value: 999, static: 'S' },
      { name: 'L', type: 'uint16', size: 1, static: 'S' },
      { name: 'W', label: 'Watts', type: 'int16', size: 1, sf: 'W_SF', units: 'W' },
      { name: 'W_SF', type: 'sunssf', size: 1 },
      { name: 'WMax', label: 'Most power', type: 'uint32', size: 2, sf: 'W_SF', units: 'W', access: 'RW' },
      {
        name: 'Conn',
        type: 'enum16',
        size: 1,
        access: 'RW',
        symbols: [
          { name: 'OFF', value: 0 },
          { name: 'ON', value: 1 },
        ],
      },
      { name: 'Sn', label: 'Serial', type: 'string', size: 4 },
      { name: 'Pad', type: 'pad', size: 1 },
      { name: 'Tmp', type: 'int16', size: 1, sf: -1, units: 'C' },
      { name: 'Curve', type: 'uint16', size: 1, access: 'RW' },
      { name: 'Nom', type: 'uint16', size: 1, access: 'RW', static: 'S', units: 'V' },
      { name: 'Addr', type: 'ipv6addr', size: 8 },
    ],
    groups: [
      {
        name: 'module',
        type: 'group',
        count: 'N',
        points: [
          { name: 'V', type: 'uint16', size: 1, sf: 'V_SF' },
          { name: 'P', type: 'uint16', size: 1, sf: 'W_SF' },
          { name: 'V_SF', type: 'sunssf', size: 1, access: 'RW' },
        ],
      },
    ],
  },
};
const WORDS = { device: 'pv', line: 'roof', unit: '3', base: '40070', repeat: '2' };

const run = (model: unknown, words: Record<string, string | undefined> = WORDS) =>
  importSunSpec({ files: { main: Buffer.from(typeof model === 'string' ? model : JSON.stringify(model)) }, words });

function draftOf(model: unknown) {
  const result = run(model);
  if (!result.ok) throw new Error(result.fault.map(describeFault).join('\n'));
  const [device] = result.value;
  if (device === undefined) throw new Error('no device');
  return device;
}

const faultsOf = (model: unknown, words?: Record<string, string | undefined>): string[] => {
  const result = run(model, words);
  return result.ok ? [] : result.fault.map(describeFault);
};

describe('a SunSpec model', () => {
  const device = draftOf(MODEL);
  const point = (id: string) => device.points.find((one) => one.id === `pv/${id}`);

  test('puts each point where its registers are', () => {
    const places = device.points.map(({ id, address }) => [id, address.register, address.type]);
    expect(places).toEqual([
      ['pv/ID', 40070, 'uint16'],
      ['pv/L', 40071, 'uint16'],
      ['pv/W', 40072, 'int16'],
      ['pv/W_SF', 40073, 'int16'],
      ['pv/WMax', 40074, 'uint32'],
      ['pv/Conn', 40076, 'uint16'],
      ['pv/Sn', 40077, 'string'],
      ['pv/Tmp', 40082, 'int16'],
      ['pv/Curve', 40083, 'uint16'],
      ['pv/Nom', 40084, 'uint16'],
      ['pv/module-1/V', 40093, 'uint16'],
      ['pv/module-1/P', 40094, 'uint16'],
      ['pv/module-1/V_SF', 40095, 'int16'],
      ['pv/module-2/V', 40096, 'uint16'],
      ['pv/module-2/P', 40097, 'uint16'],
      ['pv/module-2/V_SF', 40098, 'int16'],
    ]);
    expect(device).toMatchObject({ name: 'Inverter', address: { modbus: { line: 'roof', unit: 3 } } });
    expect(device.remarks[0]).toContain('29 registers long');
  });

  test('a scale register is named by what it scales, and involves it', () => {
    expect(point('W')?.address).toMatchObject({ scaleRegister: 40073, access: 'read' });
    expect(point('W_SF')?.involves).toEqual(['pv/W', 'pv/WMax', 'pv/module-1/P', 'pv/module-2/P']);
    expect(point('module-2/V')?.address).toMatchObject({ scaleRegister: 40098 });
    expect(point('module-2/V_SF')).toMatchObject({ class: 'parameter', involves: ['pv/module-2/V'] });
    expect(point('Tmp')?.address).toMatchObject({ scale: 0.1 });
  });

  test.each([
    ['W', 'sensor'],
    ['WMax', 'set-point'],
    ['Conn', 'command'],
    ['Curve', 'parameter'],
    ['Nom', 'parameter'],
  ])('%s is guessed %s', (id, is) => expect(point(id)?.class).toBe(is));

  test('states of a writable enumeration are its limits', () =>
    expect(point('Conn')?.limits).toEqual({ values: [0, 1] }));
});

describe('faults', () => {
  const withPoint = (change: object) => ({
    id: 1,
    group: { name: 'g', type: 'group', points: [{ name: 'A', type: 'uint16', size: 1, ...change }] },
  });

  test.each([
    ['{', 'expected well-formed JSON'],
    [{ id: 1 }, 'expected a SunSpec model'],
    [withPoint({ size: 2 }), 'group.points.0.size: found `2`, expected 1 for the type `uint16`'],
    [withPoint({ size: 0 }), 'group.points.0.size: found `0`'],
    [withPoint({ type: 'colour' }), 'group.points.0.type: found `"colour"`, expected a type of SunSpec'],
    [withPoint({ name: 1 }), 'group.points.0: found'],
    [withPoint({ sf: 'No_SF' }), 'group.points.0.sf: found `"No_SF"`'],
    [{ id: 1, group: { points: {} } }, 'group.points: found `{}`, expected a list of points'],
    [{ id: 1, group: { groups: {} } }, 'group.groups: found `{}`'],
    [{ id: 1, group: { groups: [{}] } }, 'group.groups.0: found `{}`, expected a group with a name'],
    [withPoint({ type: 'string', size: 65_000 }), '--base: found registers up to'],
  ])('%j', (model, expected) => expect(faultsOf(model).join('\n')).toContain(expected));

  test('words that are missing, and a group whose number nobody says', () => {
    expect(faultsOf(MODEL, {})).toHaveLength(4);
    const { repeat: _repeat, ...without } = WORDS;
    expect(faultsOf(MODEL, without)).toEqual([expect.stringContaining('group.groups.0.count: found `"N"`')]);
  });
});

describe('gatehouse inventory import', () => {
  async function cli(...words: string[]) {
    const said = { out: '', err: '', exit: 0 };
    await runProgram(words, {
      out: (text) => (said.out += text),
      err: (text) => (said.err += text),
      setExit: (code) => (said.exit = code),
    });
    return said;
  }
  const options = [
    '--device',
    'pv',
    '--line',
    'roof',
    '--unit',
    '3',
    '--base',
    '40070',
    '--repeat',
    '2',
    '--location',
    'hq',
  ];

  test('writes YAML that the policy takes, with --out to a file', async () => {
    const folder = await folderWith({ 'model.json': JSON.stringify(MODEL) });
    try {
      const file = folder.path('model.json');
      const printed = await cli('inventory', 'import', '--sunspec', file, ...options);
      expect(printed).toMatchObject({ err: '', exit: 0 });
      const bundle = siteBundle(parse(printed.out));
      expect(await compileAddresses(snapshot(bundle).inventory, async () => undefined)).toMatchObject({ ok: true });
      const written = await cli('inventory', 'import', '--sunspec', file, ...options, '--out', folder.path('out.yaml'));
      expect(written.out).toContain('wrote 1 devices, 16 points');
      expect((await cli('inventory', 'import', '--sunspec', file, ...options, '--json')).out).toContain(
        '"scaleRegister":40073',
      );
    } finally {
      await folder.remove();
    }
  });

  test('says what is wrong: 2 for bad input', async () => {
    const folder = await folderWith({ 'model.json': '{}' });
    try {
      const file = folder.path('model.json');
      expect(await cli('inventory', 'import', ...options)).toMatchObject({
        exit: 2,
        err: expect.stringContaining('--ede FILE'),
      });
      expect(await cli('inventory', 'import', '--sunspec', `${file}x`, ...options)).toMatchObject({ exit: 2 });
      expect(await cli('inventory', 'import', '--sunspec', file, ...options)).toMatchObject({
        exit: 2,
        err: expect.stringContaining('refused: 1 fault'),
      });
      await writeFile(file, JSON.stringify(MODEL));
      const nowhere = join(folder.path('no'), 'where');
      expect(await cli('inventory', 'import', '--sunspec', file, ...options, '--out', nowhere)).toMatchObject({
        exit: 1,
      });
      await rm(file);
    } finally {
      await folder.remove();
    }
  });
});
