// The peers themselves: that each starts, does what the scenarios rely on, tells failure from success, and leaves nothing behind.

import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import { connectAsync } from 'mqtt';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { freePort } from '../../../simulators/free-port.ts';
import { startMosquitto } from './mosquitto.ts';
import { opensslExchange, opensslHandshake } from './openssl.ts';
import { accepts, have, run, start } from './program.ts';
import { havePymodbus, pymodbusClient, startPymodbusServer } from './pymodbus.ts';
import { startPtyPair } from './socat.ts';

const cleanups: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});

describe('programs', () => {
  test('what is absent is said once, with its name', () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    cleanups.push(
      () => warn.mockRestore(),
      () => vi.unstubAllEnvs(),
    );
    vi.stubEnv('GATEHOUSE_REQUIRE_PEERS', '');
    expect([have('no-such-program'), have('no-such-program'), have('sh')]).toEqual([false, false, true]);
    expect(warn.mock.calls).toEqual([['`no-such-program` is not installed: what needs it does not run here']]);
    vi.stubEnv('GATEHOUSE_REQUIRE_PEERS', '1');
    expect(() => have('no-such-program')).toThrow('GATEHOUSE_REQUIRE_PEERS=1');
  });

  test('a run gives both outputs and the exit code, and ends in its time', async () => {
    const result = await run('sh', ['-c', 'cat; echo no >&2; exit 3'], { input: 'yes' });
    expect(result).toEqual({ code: 3, stdout: 'yes', stderr: 'no\n', timedOut: false });
    expect(await run('sleep', ['30'], { timeoutMs: 50 })).toMatchObject({ code: null, timedOut: true });
    await expect(run('no-such-program', [])).rejects.toThrow('ENOENT');
  });

  test('a start that fails says what the program printed', async () => {
    await expect(start('sh', ['-c', 'echo broken; exit 1'], () => false)).rejects.toThrow('broken');
    await expect(start('sleep', ['30'], () => false, 50)).rejects.toThrow('did not become ready');
    await expect(start('no-such-program', [], () => false)).rejects.toThrow('ENOENT');
  });
});

describe.runIf(have('mosquitto'))('mosquitto', () => {
  test('carries a retained message and is gone after stop', async () => {
    const broker = await startMosquitto();
    cleanups.push(() => broker.stop());
    const client = await connectAsync(broker.url, { reconnectPeriod: 0 });
    cleanups.push(() => client.endAsync());
    const arrived = new Promise<string>((resolve) =>
      client.once('message', (_topic, payload) => resolve(payload.toString())),
    );
    await client.publishAsync('site/a', 'hello', { qos: 1, retain: true });
    await client.subscribeAsync('site/#', { qos: 1 });
    expect(await arrived).toBe('hello');
    await client.endAsync();
    await broker.stop();
    expect(await accepts(broker.port)).toBe(false);
  });

  test('comes back on the port it had', async () => {
    const port = await freePort();
    const first = await startMosquitto({ port });
    await first.stop();
    const second = await startMosquitto({ port });
    cleanups.push(() => second.stop());
    expect(await accepts(port)).toBe(true);
  });
});

describe.runIf(await havePymodbus())('pymodbus as a device', () => {
  test('holds what was written to one unit only', async () => {
    const server = await startPymodbusServer({ units: [1, 2], size: 20, value: 7 });
    cleanups.push(() => server.stop());
    const [written, one, two, beyond] = await pymodbusClient(server, [
      { method: 'write_registers', args: [3, [1, 2]] },
      { method: 'read_holding_registers', args: [2, 4] },
      { method: 'read_holding_registers', args: [2, 4], unit: 2 },
      { method: 'read_holding_registers', args: [18, 4] },
    ]);
    expect(written).toMatchObject({ ok: true });
    expect(one).toMatchObject({ registers: [7, 1, 2, 7] });
    expect(two).toMatchObject({ registers: [7, 7, 7, 7] });
    expect(beyond).toMatchObject({ ok: false, exception: 2 });
  });
});

describe.runIf(have('socat'))('socat', () => {
  test('joins two paths, which go with it', async () => {
    const pair = await startPtyPair();
    expect([existsSync(pair.near), existsSync(pair.far)]).toEqual([true, true]);
    await pair.stop();
    expect([existsSync(pair.near), existsSync(pair.far)]).toEqual([false, false]);
  });
});

describe.runIf(have('openssl'))('openssl s_client', () => {
  async function echoServer(folder: string): Promise<{ port: number; ca: string }> {
    const [key, ca] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'];
    const made = await run('openssl', [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-keyout',
      key,
      '-out',
      ca,
      ...subject,
    ]);
    expect(made.code).toBe(0);
    const server = createServer(
      { key: await readFile(key), cert: await readFile(ca), minVersion: 'TLSv1.2' },
      (socket) => {
        socket.on('error', () => socket.destroy());
        socket.on('data', (bytes: Buffer) => (bytes[0] === 0xff ? socket.destroy() : socket.write(bytes)));
      },
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    cleanups.push(() => new Promise((resolve) => server.close(resolve)));
    const address = server.address();
    return { port: typeof address === 'object' && address !== null ? address.port : 0, ca };
  }

  test('sends bytes as they are, sees the close, and fails where it does not trust', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'gatehouse-openssl-'));
    cleanups.push(() => rm(folder, { recursive: true, force: true }));
    const { port, ca } = await echoServer(folder);
    const target = { host: '127.0.0.1', port, ca };
    // 0x51 and 0x52 are letters that s_client takes for commands in its interactive mode.
    const bytes = Buffer.from('5152000000060a0d0003', 'hex');
    expect(await opensslExchange(target, bytes, bytes.length)).toMatchObject({ received: bytes, closed: false });
    expect(await opensslExchange(target, Buffer.from([0xff]), 1)).toMatchObject({
      received: Buffer.alloc(0),
      closed: true,
    });
    expect((await opensslHandshake(target)).code).toBe(0);
    expect((await opensslHandshake({ ...target, options: ['-tls1_1'] })).code).not.toBe(0);
  });

  test('a port where nobody listens fails the handshake', async () => {
    const port = await freePort();
    expect((await opensslHandshake({ host: '127.0.0.1', port, ca: '/dev/null' })).code).not.toBe(0);
    expect(await accepts(port)).toBe(false);
  });
});
