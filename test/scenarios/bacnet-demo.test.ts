// The demo's BACnet half as a user meets it: the small tool, a survey and a decoded frame against the running site.

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { gatehouse } from '../../simulators/demo/gateway.ts';
import { ANY_PORTS } from '../../simulators/demo/options.ts';
import { type DemoSite, startSite } from '../../simulators/demo/site.ts';
import { until } from './daemon-rig.ts';
import { run } from './peers/program.ts';

const TOOL = new URL('../../dist/simulators/bacnet/tool.js', import.meta.url).pathname;

let folder: string;
let site: DemoSite;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-bacnet-demo-'));
  site = await startSite({ folder, ports: ANY_PORTS }, { line: () => {}, say: () => {} });
  await site.push();
  await until('the plant has been found', async () => (await status()).drivers.bacnet.lines[0].state === 'up');
});
afterAll(async () => {
  await site.stop();
  await rm(folder, { recursive: true, force: true });
});

async function status() {
  const { stdout } = await gatehouse(['status', '--json', '--socket', site.socket]);
  return JSON.parse(stdout);
}

function tool(from: string, ...words: string[]) {
  const port = String(site.gateway().ports.get('bacnet-north'));
  return run(process.execPath, [TOOL, '--from', from, '--port', port, ...words]);
}

const setPoint = (): number | undefined => site.bacnet.devices.ahu2.object('analog-value,1').number('present-value');

test('the small tool reads, is refused, writes once there is a session, and says the error', async () => {
  const read = await tool('127.0.0.66', 'read', '1001', 'analog-value,1');
  expect(read).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+(\.\d+)?\n$/) });
  const words = ['write', '1001', 'analog-value,1', '20', '--priority', '8'];
  expect(await tool('127.0.0.62', ...words)).toMatchObject({ code: 1, stdout: 'error 2,40 (write-access-denied)\n' });
  const session = ['session', 'open', '--as', 'anna', '--from', '127.0.0.62', '--for', '5m', '--socket', site.socket];
  expect((await gatehouse(session)).code).toBe(0);
  expect(await tool('127.0.0.62', ...words)).toMatchObject({ code: 0, stdout: 'done\n' });
  expect(setPoint()).toBe(20);
  expect(await tool('127.0.0.62', 'write', '1001', 'analog-value,1', 'null', '--priority', '8')).toMatchObject({
    code: 0,
  });
  const found = async () => (await tool('127.0.0.66', 'who-is')).stdout.match(/^device 100[123] at .* network 200/gm);
  await until('all are found', async () => (await found())?.length === 3);
  expect(await tool('127.0.0.66', 'read', 'x')).toMatchObject({ code: 1, stderr: 'got `x`, expected a number\n' });
  expect((await tool('127.0.0.66', '--help')).stdout).toContain('who-is');
});

test('discover writes an inventory of the whole plant', async () => {
  const out = join(folder, 'found.yaml');
  const words = ['discover', 'bacnet', '--network', 'plant', '--location', 'hq', '--out', out, '--socket', site.socket];
  const before = site.bacnet.writesSeen();
  const said = await gatehouse(words);
  expect(said).toMatchObject({ code: 0, stdout: expect.stringContaining('wrote 3 devices') });
  expect(parse(await readFile(out, 'utf8')).devices.map(({ id }: { id: string }) => id)).toEqual([
    'ahu2',
    'vav1',
    'ctl1',
  ]);
  expect(site.bacnet.writesSeen()).toBe(before);
  const unknown = await gatehouse(['discover', 'bacnet', '--network', 'attic', '--socket', site.socket]);
  expect(unknown).toMatchObject({ code: 2, stderr: expect.stringContaining('expected one of `plant`') });
  expect(await gatehouse(['discover', 'bacnet', '--network', 'plant', '--instances', 'x'])).toMatchObject({ code: 2 });
});

test('decode asks the running gateway, which knows whose MAC it is', async () => {
  const { host, port } = site.bacnet.addresses.ahu2;
  const mac = Buffer.from([...host.split('.').map(Number), port >> 8, port & 255]).toString('hex');
  const frame = `810a0024 0124 00c8 06 ${mac} ff 0245010f 0c00800001 1955 3e 4441ac0000 3f 4908`;
  const asked = (principal: string) => gatehouse(['decode', frame, '--principal', principal, '--socket', site.socket]);
  const anna = await asked('anna');
  expect(anna).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/ahu2\/sat-sp .*value 21\.5 at priority 8 → permit/),
  });
  expect(await asked('ben')).toMatchObject({ code: 3, stdout: expect.stringContaining('ben: deny: no-permission') });
  expect(await gatehouse(['decode', '00', '--socket', site.socket])).toMatchObject({ code: 2 });
});
