// How the gateway starts, fails to start, and stops: one clear sentence and an exit code, and never half a gateway.

import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { gatehouse } from '../../simulators/demo/gateway.ts';
import { Tool } from '../../simulators/demo/tool.ts';
import { freePort } from '../../simulators/free-port.ts';
import { type Rig, startRig, until } from './daemon-rig.ts';
import { accepts } from './peers/program.ts';

const closers: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

let rig: Rig;
let deadPort: number;
beforeAll(async () => {
  deadPort = await freePort();
  // The chiller's line leads to a port where nobody listens.
  rig = await startRig({
    configure: (yaml) => yaml.replace(/chiller: \{.*\}/, `chiller: { tcp: { host: 127.0.0.1, port: ${deadPort} } }`),
  });
});
afterAll(() => rig.stop());

/** Runs a gateway of its own with the rig's configuration changed, to its end. */
async function runWith(
  change: (yaml: string) => string,
): Promise<{ readonly code: number | null; readonly text: string }> {
  const file = join(rig.folder, 'other.yaml');
  const yaml = (await readFile(rig.configFile, 'utf8'))
    .replace('data: data', 'data: other-data')
    .replace(/socket: .*/, `socket: ${join(rig.folder, 'other.sock')}`)
    .replace(/(health:\n.*\n {2}port:) \d+/, '$1 0');
  await writeFile(file, change(yaml));
  const { code, stdout, stderr } = await gatehouse(['run', '--config', file]);
  return { code, text: `${stdout}${stderr}` };
}

describe('a line that leads nowhere', () => {
  test('answers 0B before a tool gives up, and the other devices do not wait for it', async () => {
    const tool = await Tool.connect('127.0.0.1', rig.port('plant'));
    const other = await Tool.connect('127.0.0.1', rig.port('plant'));
    closers.push(
      () => tool.close(),
      () => other.close(),
    );
    const dead = tool.read(2, 'input', 0, 2);
    expect(await other.read(1, 'input', 0, 2)).toHaveProperty('registers');
    expect(await dead).toEqual({ exception: 0x0b });
    expect((await rig.ask('status')).stdout).toMatch(/line +modbus chiller: down \(.*ECONNREFUSED/);
    expect((await rig.health('/metrics')).text).toContain('gatehouse_line_up{driver="modbus",line="chiller"} 0');
  });

  test('so does a device that does not answer, and it is found again when it does', async () => {
    const tool = await Tool.connect('127.0.0.1', rig.port('plant'));
    closers.push(() => tool.close());
    rig.plant.devices.ahu1.fail({ kind: 'silence' });
    closers.push(() => rig.plant.devices.ahu1.behave());
    expect(await tool.read(1, 'input', 0, 2)).toEqual({ exception: 0x0b });
    rig.plant.devices.ahu1.behave();
    await until('the device is read again', async () => 'registers' in Object(await tool.read(1, 'input', 0, 2)));
  });
});

describe('what hinders the start', () => {
  test('a port in use', async () => {
    const taken = createServer();
    taken.listen(0, '127.0.0.1');
    await once(taken, 'listening');
    closers.push(() => taken.close());
    const address = taken.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const modbus = await runWith((yaml) => yaml.replace(/(name: plant\n.*\n {8}port:) 0/, `$1 ${port}`));
    expect(modbus.code, modbus.text).toBe(1);
    expect(modbus.text).toMatch(new RegExp(`\`plant\`.*${port}.*in use`));
    const health = await runWith((yaml) => yaml.replace(/(health:\n.*\n {2}port:) 0/, `$1 ${port}`));
    expect(health.code, health.text).toBe(1);
    expect(health.text).toMatch(new RegExp(`127\\.0\\.0\\.1:${port}.*in use`));
  });

  test('another gateway on the same socket', async () => {
    const { code, text } = await runWith((yaml) => yaml.replace(/socket: .*/, `socket: ${rig.socket}`));
    expect([code, text.includes('another gateway answers on')]).toEqual([1, true]);
    expect((await rig.ask('status')).code).toBe(0);
  });

  test('another gateway on the same data folder', async () => {
    const { code, text } = await runWith((yaml) => yaml.replace('data: other-data', `data: ${rig.data}`));
    expect([code, text]).toEqual([1, expect.stringContaining('another gateway works in')]);
    expect((await rig.journal('verify')).code).toBe(0);
  });

  test('a trusted root that is missing, broken, or another one than before', async () => {
    const missing = await runWith((yaml) => yaml.replace(/rootFile: .*/, 'rootFile: nowhere.json'));
    expect([missing.code, missing.text]).toEqual([1, expect.stringContaining('cannot read the trusted root')]);
    await writeFile(join(rig.folder, 'broken.json'), '{"payload":"x"}');
    const broken = await runWith((yaml) => yaml.replace(/rootFile: .*/, 'rootFile: broken.json'));
    expect([broken.code, broken.text]).toEqual([1, expect.stringContaining('is refused')]);
  });

  test('a configuration with faults: every one, by path, and exit code 2', async () => {
    const faulty = await runWith((yaml) => `${yaml.replace('level: info', 'level: loud')}colour: green\n`);
    expect(faulty.code).toBe(2);
    expect(faulty.text).toMatch(/log\.level: found `"loud"`, expected one of `debug`/);
    expect(faulty.text).toMatch(/colour/);
    const broken = await runWith((yaml) => yaml.replace('drivers:', 'drivers: ['));
    expect(broken.code).toBe(2);
    expect(broken.text).toMatch(/line \d+, column \d+/);
  });

  test('a data folder that cannot be made', async () => {
    const file = join(rig.folder, 'a-file');
    await writeFile(file, '');
    const { code, text } = await runWith((yaml) => yaml.replace('data: other-data', `data: ${file}/below`));
    expect([code, text]).toEqual([1, expect.stringContaining('cannot make the data folder')]);
  });
});

describe('the end', () => {
  test('SIGTERM, and once more meanwhile: connections end, the record is closed, exit code 0; a dead socket’s file hinders no start', async () => {
    // Ports that nobody else has once it has stopped.
    const free = await Promise.all([freePort(), freePort(), freePort()]);
    const configure = (yaml: string) => free.reduce((text, port) => text.replace('port: 0', `port: ${port}`), yaml);
    const stopping = await startRig({ configure });
    closers.push(() => stopping.stop());
    const tool = await Tool.connect('127.0.0.21', stopping.port('plant'));
    closers.push(() => tool.close());
    expect(await tool.write(2, 6, [80])).toBe('done');
    const ports = [...stopping.gateway().ports.values()];
    expect(new Set(ports)).toEqual(new Set(free));
    const gateway = stopping.gateway();
    const stopped = gateway.stop();
    while (!gateway.lines.some((line) => line.includes(' daemon.stopping: '))) await new Promise(setImmediate);
    expect(await Promise.all([stopped, gateway.stop()])).toEqual([0, 0]);
    expect(await Promise.all(ports.map((port) => accepts(port)))).toEqual(ports.map(() => false));
    const rows = await stopping.rows();
    expect(rows.at(-1)?.row).toMatchObject({ kind: 'system', event: 'gateway-stopped' });
    expect((await stopping.journal('verify')).code).toBe(0);
    const absent = await stopping.ask('status');
    expect([absent.code, absent.stderr]).toEqual([1, expect.stringContaining('is the gateway running?')]);
    await stopping.restart();
    await stopping.gateway().kill();
    await stopping.restart();
    expect((await stopping.ask('status')).code).toBe(0);
  });
});
