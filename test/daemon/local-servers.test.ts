// The daemon's two local doors, each by itself: the control socket for administrators of the box, and health for supervisors.

import { existsSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { type IncomingMessage, request } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { askDaemon } from '../../src/cli/control-client.ts';
import { EXIT } from '../../src/cli/exit.ts';
import { AddressMissing } from '../../src/contract/late-opening.ts';
import { ControlFault, type ControlRoute, startControlServer } from '../../src/daemon/control-server.ts';
import { holdDataFolder } from '../../src/daemon/data-folder.ts';
import { createHealthServer } from '../../src/daemon/health-server.ts';

let folder: string;
const closers: (() => Promise<unknown> | unknown)[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-local-'));
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  await rm(folder, { recursive: true, force: true });
});

const said: string[] = [];
const log = { write: (_level: string, event: string) => void said.push(event) };

const routes: readonly ControlRoute[] = [
  { method: 'GET', path: '/v1/hello', run: () => ({ hello: 'there' }) },
  { method: 'POST', path: '/v1/echo', run: (body) => body },
  { method: 'DELETE', path: '/v1/things/:id', run: (_body, id) => ({ ended: id }) },
  {
    method: 'GET',
    path: '/v1/denied',
    run: () => {
      throw new ControlFault(403, 'not you');
    },
  },
  {
    method: 'GET',
    path: '/v1/broken',
    run: () => {
      throw new Error('oh dear');
    },
  },
];

async function startControl(): Promise<string> {
  const socket = join(folder, 'control.sock');
  const server = await startControlServer(socket, routes, log);
  closers.push(() => server.close());
  return socket;
}

function raw(socketPath: string, path: string, body: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const call = request({ socketPath, path, method: 'POST', agent: false }, (response: IncomingMessage) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode));
    });
    call.on('error', reject);
    call.end(body);
  });
}

describe('the control socket', () => {
  it('is the owner’s and the group’s alone, and answers JSON', async () => {
    const socket = await startControl();
    expect(statSync(socket).mode & 0o777).toBe(0o660);
    expect(await askDaemon(socket, 'GET', '/v1/hello')).toEqual({ hello: 'there' });
    expect(await askDaemon(socket, 'POST', '/v1/echo', { a: [1] })).toEqual({ a: [1] });
    expect(await askDaemon(socket, 'DELETE', '/v1/things/a%20b')).toEqual({ ended: 'a b' });
  });

  it('tells a denial from bad input and from a fault of its own', async () => {
    const socket = await startControl();
    await expect(askDaemon(socket, 'GET', '/v1/denied')).rejects.toMatchObject({
      exitCode: EXIT.denied,
      message: 'not you',
    });
    await expect(askDaemon(socket, 'GET', '/v1/nothing')).rejects.toMatchObject({ exitCode: EXIT.badInput });
    await expect(askDaemon(socket, 'POST', '/v1/hello')).rejects.toMatchObject({ exitCode: EXIT.badInput });
    await expect(askDaemon(socket, 'DELETE', '/v1/things/%zz')).rejects.toMatchObject({ exitCode: EXIT.badInput });
    await expect(askDaemon(socket, 'GET', '/v1/broken')).rejects.toMatchObject({ exitCode: EXIT.failed });
    expect(said).toContain('control.fault');
  });

  it('bounds a body and wants JSON', async () => {
    const socket = await startControl();
    expect(await raw(socket, '/v1/echo', 'no JSON')).toBe(400);
    expect(await raw(socket, '/v1/echo', JSON.stringify('x'.repeat(300_000)))).toBe(400);
  });

  it('replaces the file of a daemon that died, and gives way to one that lives', async () => {
    const socket = await startControl();
    await expect(startControlServer(socket, routes, log)).rejects.toMatchObject({ code: 'control-socket-in-use' });
    renameSync(socket, `${socket}.kept`);
    for (const close of closers.splice(0)) await close();
    renameSync(`${socket}.kept`, socket);
    expect(existsSync(await startControl())).toBe(true);
  });

  it('leaves a file alone that is no socket', async () => {
    const precious = join(folder, 'root.json');
    writeFileSync(precious, 'precious');
    await expect(startControlServer(precious, routes, log)).rejects.toMatchObject({ code: 'control-socket' });
    expect(readFileSync(precious, 'utf8')).toBe('precious');
  });

  it('says that a path is longer than a socket’s can be', async () => {
    const long = join(folder, 'x'.repeat(120));
    await expect(startControlServer(long, routes, log)).rejects.toThrow(/at most 107 bytes/);
  });
});

describe('health', () => {
  it('is ready when nothing hinders it, live always, and renders counters and gauges', async () => {
    let hindrances: readonly string[] = ['no policy is in force'];
    const metrics = new Map([
      ['b_total{line="x"}', 2],
      ['b_total{line="y"}', 3],
      ['a', 1],
    ]);
    const server = createHealthServer(
      { address: '127.0.0.1', port: 0 },
      { notReady: () => hindrances, metrics: () => metrics },
    );
    closers.push(() => server.close());
    const { port } = await server.listen();
    const get = async (path: string, method = 'GET') => {
      const response = await fetch(`http://127.0.0.1:${port}${path}`, { method });
      return [response.status, await response.text()];
    };
    expect(await get('/readyz')).toEqual([503, 'no policy is in force\n']);
    expect(await get('/livez?verbose')).toEqual([200, 'live\n']);
    hindrances = [];
    expect(await get('/readyz')).toEqual([200, 'ready\n']);
    const text = '# TYPE a gauge\na 1\n# TYPE b_total counter\nb_total{line="x"} 2\nb_total{line="y"} 3\n';
    expect(await get('/metrics')).toEqual([200, text]);
    expect([(await get('/'))[0], (await get('/livez', 'POST'))[0]]).toEqual([404, 405]);
  });

  it('a port in use is a start fault with the address', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    closers.push(() => taken.close());
    const address = taken.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const source = { notReady: () => [], metrics: () => new Map() };
    await expect(createHealthServer({ address: '127.0.0.1', port }, source).listen()).rejects.toMatchObject({
      code: 'health-port',
      message: expect.stringContaining(`127.0.0.1:${port}`),
    });
  });

  it('an address that is not there yet can be waited for', async () => {
    const source = { notReady: () => [], metrics: () => new Map() };
    const server = createHealthServer({ address: '203.0.113.1', port: 0 }, source);
    for (let tries = 0; tries < 2; tries += 1) await expect(server.listen()).rejects.toBeInstanceOf(AddressMissing);
  });
});

describe('the data folder', () => {
  it('is made, kept from others, and anybody’s again after the release', () => {
    const data = join(folder, 'a', 'b');
    const held = holdDataFolder(data);
    expect(statSync(data).mode & 0o777).toBe(0o750);
    expect(() => holdDataFolder(data)).toThrow(/another gateway works in/);
    held.release();
    holdDataFolder(data).release();
  });

  it('a place where there can be none is a start fault', () => {
    writeFileSync(join(folder, 'file'), '');
    expect(() => holdDataFolder(join(folder, 'file', 'below'))).toThrow(/cannot make the data folder/);
    writeFileSync(join(folder, 'lock.db'), 'this is no database, and somebody may need it as it is');
    expect(() => holdDataFolder(folder)).toThrow(/cannot work in/);
  });
});
