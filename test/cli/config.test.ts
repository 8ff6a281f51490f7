// `gatehouse config …` and what every command has in common: every fault by path, the schema for editors from the same
// definition, and exit codes.

import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { gatewayConfig } from '../../simulators/demo/gateway-config.ts';
import { command, folderWith } from './command.ts';
import { violations } from './json-schema.ts';

const line = { host: '127.0.0.1', port: 5020 };
const places = { chiller: line, ahu: { ...line, port: 5021 }, meters: { ...line, port: 5022 } };
const demo = gatewayConfig({
  rootFile: 'root.json',
  socket: 'control.sock',
  brokerUrl: 'mqtt://127.0.0.1:1883',
  plant: places as unknown as Parameters<typeof gatewayConfig>[0]['plant'],
  ports: { modbus: 1502, meters: 1503, secure: 1802, health: 9464 },
  certificates: '/certificates',
});

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function check(text: string) {
  const { path, remove } = await folderWith({ 'gatehouse.yaml': text });
  closers.push(remove);
  const { code, stdout } = await command(['config', 'check', path('gatehouse.yaml'), '--json']);
  return {
    code,
    ...(JSON.parse(stdout) as { accepted: boolean; faults: { path: string; found: string; expected: string }[] }),
  };
}

type Tree = Record<string, unknown>;
function changed(
  change: (tree: Tree & { drivers: { modbus: Tree & { listen: Tree[]; units: Tree[]; lines: Tree } } }) => void,
): string {
  const tree = parse(demo);
  change(tree);
  return stringify(tree);
}

describe('config check', () => {
  it('accepts the demo’s configuration', async () => {
    expect(await check(demo)).toEqual({ code: 0, accepted: true, faults: [] });
  });

  it('names every fault by path, found and expected', async () => {
    const { code, faults } = await check(
      changed((tree) => {
        tree.colour = 'green';
        tree.gateway = 'no spaces allowed';
        tree.cloud = { url: 'http://broker', rootFile: '' };
        tree.drivers.modbus.listen[0] = { name: 'plant', address: 'everywhere', port: 70_000 };
      }),
    );
    expect(code).toBe(2);
    const paths = faults.map(({ path }) => path).sort();
    expect(paths).toEqual(
      [
        'cloud.rootFile',
        'cloud.url',
        'colour',
        'drivers.modbus.listen.0.address',
        'drivers.modbus.listen.0.port',
        'gateway',
      ].sort(),
    );
    for (const { found, expected } of faults) expect([found, expected]).not.toContain('');
  });

  it('says of a serial line what is wrong with the serial line, and of a number which one fits', async () => {
    const { faults } = await check(
      changed((tree) => {
        tree.health = { address: '127.0.0.1', port: 99_999 };
        tree.drivers.modbus.lines.meters = { serial: { path: '/dev/ttyUSB0', baudRate: 1, parity: 'evenn' } };
      }),
    );
    expect(faults).toEqual([
      { path: 'health.port', found: '`99999`', expected: 'at most 65535' },
      { path: 'drivers.modbus.lines.meters.serial.baudRate', found: '`1`', expected: 'at least 300' },
      {
        path: 'drivers.modbus.lines.meters.serial.parity',
        found: '`"evenn"`',
        expected: 'one of `none`, `even`, `odd`',
      },
    ]);
  });

  it('aliases within aliases: a fault, whoever reads the file', async () => {
    const levels = Array.from(
      { length: 8 },
      (_, level) => `k${level}: &a${level} [${'x,'.repeat(9).replaceAll('x', level === 0 ? 'x' : `*a${level - 1}`)}]`,
    );
    const bomb = levels.join('\n');
    expect(await check(bomb)).toMatchObject({
      code: 2,
      faults: [{ path: '', expected: expect.stringContaining('aliases') }],
    });
    const { path, remove } = await folderWith({ 'bundle.yaml': bomb });
    closers.push(remove);
    const { code, stderr } = await command(['policy', 'check', path('bundle.yaml')]);
    expect([code, stderr]).toEqual([2, expect.stringContaining('expected aliases')]);
  });

  it('knows what a schema cannot say: names that lead nowhere, two things in one place', async () => {
    const { code, faults } = await check(
      changed((tree) => {
        tree.drivers.modbus.units[0] = { listener: 'nowhere', unit: 1, device: 'ahu1' };
        tree.drivers.modbus.lines.ahu = { tcp: line };
        tree.drivers.modbus.listen[1] = { ...tree.drivers.modbus.listen[1], port: 1502 };
      }),
    );
    expect(code).toBe(2);
    expect(faults.map(({ path }) => path)).toEqual(
      expect.arrayContaining(['drivers.modbus.units.0.listener', 'drivers.modbus.listen.1.port']),
    );
    expect(faults.some(({ path }) => path.startsWith('drivers.modbus.lines.'))).toBe(true);
  });

  it('broken YAML, a key twice, no driver, no file', async () => {
    expect((await check('drivers: [')).faults[0]?.path).toMatch(/^line \d+, column \d+$/);
    expect((await check(`${demo}\ngateway: again\n`)).faults[0]?.found).toMatch(/unique/i);
    expect((await check(changed((tree) => Object.assign(tree, { drivers: {} })))).faults).toMatchObject([
      { path: 'drivers' },
    ]);
    const absent = await command(['config', 'check', '/nowhere/gatehouse.yaml']);
    expect([absent.code, absent.stderr]).toEqual([2, expect.stringContaining('/nowhere/gatehouse.yaml')]);
  });
});

describe('config schema', () => {
  let schema: unknown;
  beforeAll(async () => {
    schema = JSON.parse((await command(['config', 'schema'])).stdout);
  });

  it('accepts what the gateway accepts', () => {
    expect(violations(schema, parse(demo))).toEqual([]);
  });

  it('refuses, at the same places, what the gateway’s own definition refuses', async () => {
    const changes: Parameters<typeof changed>[0][] = [
      (tree) => Object.assign(tree, { colour: 1 }),
      (tree) => Object.assign(tree, { format: 'gatehouse.site/2' }),
      (tree) => Object.assign(tree, { gateway: 7 }),
      (tree) => Object.assign(tree, { log: { level: 'loud' } }),
      (tree) => Object.assign(tree, { journal: { maxBytes: 10 } }),
      (tree) => delete tree.data,
      (tree) => Object.assign(tree.drivers.modbus, { listen: [] }),
      (tree) => Object.assign(tree.drivers.modbus.listen[0] ?? {}, { idleSeconds: -1 }),
      (tree) => Object.assign(tree.drivers.modbus.lines, { ahu: { tcp: { host: 'x', port: 0 } } }),
    ];
    for (const change of changes) {
      const text = changed(change);
      const own = await check(text);
      expect(own.accepted, text).toBe(false);
      const first = own.faults[0]?.path.replaceAll('.', '/') ?? '';
      const found = violations(schema, parse(text));
      expect(found.length, text).toBeGreaterThan(0);
      expect(
        found.some((path) => `/${first}`.startsWith(path)),
        `${first} among ${found}`,
      ).toBe(true);
    }
  });
});

describe('every command', () => {
  it('help and version exit 0; unknown words, missing ones and options nobody knows exit 2 and say so', async () => {
    const rows = [
      [0, ['--help']],
      [0, ['--version']],
      [0, ['journal', '--help']],
      [2, []],
      [2, ['jornal']],
      [2, ['run']],
      [2, ['status', '--colour']],
      [2, ['policy', 'check']],
      [2, ['session', 'open', '--as', 'anna']],
    ] as const;
    const answers = await Promise.all(rows.map(([, words]) => command(words)));
    expect(answers.map(({ code }) => code)).toEqual(rows.map(([code]) => code));
    for (const { stdout, stderr } of answers) expect(`${stdout}${stderr}`).not.toBe('');
  });

  it('a gateway that does not run, a record that is not there: exit 1 with what to do', async () => {
    const socket = ['--socket', '/nowhere/control.sock'];
    const asked = await Promise.all([command(['status', ...socket]), command(['session', 'list', ...socket])]);
    for (const { code, stderr } of asked)
      expect([code, stderr]).toEqual([1, expect.stringContaining('is the gateway running?')]);
    const tail = await command(['journal', 'tail', '--data', '/nowhere']);
    expect([tail.code, tail.stderr]).toEqual([1, expect.stringContaining('/nowhere')]);
    expect((await command(['journal', 'tail', '--data', '/nowhere', '--kind', 'gossip'])).code).not.toBe(0);
  });

  it('a reader that goes away ends it quietly', async () => {
    const { GATEHOUSE } = await import('../../simulators/demo/gateway.ts');
    const { run } = await import('../scenarios/peers/program.ts');
    const piped = await run('sh', ['-c', '"$0" "$1" config schema | head -c 10', process.execPath, GATEHOUSE]);
    expect([piped.code, piped.stdout.length, piped.stderr]).toEqual([0, 10, '']);
  });
});
