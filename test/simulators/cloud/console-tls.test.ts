// The program itself, as it is installed, against a broker that asks for a client certificate.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freePort } from '../../../simulators/free-port.ts';
import { SiteCa } from '../../../src/cli/site-ca.ts';
import { startMosquitto } from '../../scenarios/peers/mosquitto.ts';
import { have } from '../../scenarios/peers/program.ts';

const PROGRAM = fileURLToPath(new URL('../../../dist/simulators/cloud/console-main.js', import.meta.url));

const closers: (() => Promise<unknown>)[] = [];
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-console-'));
  closers.push(() => rm(folder, { recursive: true, force: true }));
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function program(home: string, ...words: string[]): Promise<{ code: number; out: string; err: string }> {
  const env = { ...process.env, GATEHOUSE_CONSOLE: join(folder, home) };
  const child = spawn(process.execPath, [PROGRAM, ...words], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const said = { out: '', err: '' };
  child.stdout.on('data', (text: Buffer) => {
    said.out += text.toString();
  });
  child.stderr.on('data', (text: Buffer) => {
    said.err += text.toString();
  });
  const [code] = (await once(child, 'close')) as [number];
  return { code, ...said };
}

describe('gatehouse-console as a program', () => {
  it('has help for every command, and exit codes', async () => {
    const help = await program('none', '--help');
    expect(help).toMatchObject({ code: 0, err: '' });
    expect(help.out).toContain('Exit codes: 0 done, 1 failed, 2 bad input, 3 denied.');
    expect((await program('none', 'policy', 'push', '--help')).out).toContain('--dry-run');
    expect((await program('none', 'dance')).code).toBe(2);
    expect(await program('none', 'fleet', 'status')).toMatchObject({
      code: 2,
      err: expect.stringContaining('holds no console'),
    });
  });
});

describe.runIf(have('mosquitto'))('a broker with TLS', () => {
  it('takes the console’s certificate, and nobody without one', async () => {
    const ca = join(folder, 'ca');
    await SiteCa.create(ca, 'Test CA', 2);
    const authority = await SiteCa.open(ca);
    const server = await authority.issue({ name: 'broker', days: 2, hosts: ['127.0.0.1'] }, 'server', folder);
    const client = await authority.issue({ name: 'cloud', days: 2 }, 'client', folder);
    const port = await freePort();
    const configuration = [
      `listener ${port} 127.0.0.1`,
      'user root',
      `cafile ${join(ca, 'ca.pem')}`,
      `certfile ${server.certificateFile}`,
      `keyfile ${server.keyFile}`,
      'require_certificate true',
    ];
    const broker = await startMosquitto({ configuration });
    closers.push(() => broker.stop());
    const init = (home: string, ...words: string[]) =>
      program(home, 'init', '--broker', `mqtts://127.0.0.1:${port}`, ...words);
    const trusted = ['--ca', join(ca, 'ca.pem')];
    await init('good', ...trusted, '--certificate', client.certificateFile, '--key', client.keyFile);
    expect(await program('good', 'fleet', 'status')).toEqual({
      code: 0,
      out: '0 gateways, 0 online, desired policy in force on 0\n',
      err: '',
    });
    await init('bare', ...trusted);
    expect((await program('bare', 'fleet', 'status')).code).toBe(1);
    await init('trusting', '--certificate', client.certificateFile, '--key', client.keyFile);
    expect(await program('trusting', 'fleet', 'status')).toMatchObject({
      code: 1,
      err: expect.stringMatching(/could not connect to .*(certificate|issuer)/),
    });
    await init('half', ...trusted, '--certificate', client.certificateFile);
    expect((await program('half', 'fleet', 'status')).code).toBe(2);
  });
});
