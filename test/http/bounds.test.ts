// What strangers may take of the page's side: connections, time, bodies; and that others are served meanwhile.

import { once } from 'node:events';
import { request } from 'node:https';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { until } from '../scenarios/daemon-rig.ts';
import { type HttpRig, startHttpRig } from './rig.ts';

const REQUEST_MS = 1500;
let rig: HttpRig;
let port: number;
const open: Socket[] = [];
const connections = { held: 40, pace: 10, burst: 60, paceOfAll: 20, burstOfAll: 100 };
async function listen(settings: { readonly requestMs?: number }): Promise<void> {
  rig = await startHttpRig({ settings: { ...settings, connections } });
  port = await rig.listen();
}
afterEach(async () => {
  for (const each of open.splice(0)) each.destroy();
  await rig.stop();
});

function dial(localAddress: string): Socket {
  const socket = connect({ host: '127.0.0.1', port, localAddress });
  socket.on('error', () => {});
  open.push(socket);
  return socket;
}

async function shake(localAddress: string): Promise<Socket> {
  const socket = connectTls({ socket: dial(localAddress), rejectUnauthorized: false });
  socket.on('error', () => {});
  open.push(socket);
  await once(socket, 'secureConnect');
  return socket;
}

async function served(localAddress: string): Promise<number> {
  const asked = request({
    host: '127.0.0.1',
    port,
    path: '/api/v1/sign-in',
    localAddress,
    agent: false,
    rejectUnauthorized: false,
  });
  asked.end();
  const [response] = await once(asked, 'response');
  response.resume();
  return response.statusCode as number;
}

async function flood(localAddress: string, count: number): Promise<Socket[]> {
  const sockets = Array.from({ length: count }, () => dial(localAddress).resume());
  await Promise.all(sockets.map((socket) => once(socket, 'connect')));
  return sockets;
}
const closedOf = (sockets: readonly Socket[]): number => sockets.filter(({ destroyed }) => destroyed).length;

const connected = (): Promise<number> =>
  new Promise((resolve) => rig.app.server.getConnections((_error, count) => resolve(count)));

describe('an address', () => {
  beforeEach(() => listen({}));

  it('holds so many connections and no more; others are served', async () => {
    const sockets = await flood('127.0.0.9', 80);
    await until('the rest is closed', () => closedOf(sockets) >= 40);
    expect(await connected()).toBeLessThanOrEqual(40);
    expect(await served('127.0.0.10')).toBe(200);
    for (const socket of sockets) socket.destroy();
    await until('they are gone', async () => (await connected()) === 0);
    expect(await served('127.0.0.9')).toBe(200);
  });

  it('begins so many within a second, and all together so many', async () => {
    // All of this within no time: each second more of them may begin.
    const at = rig.time.monotonic();
    rig.time.monotonic = () => at + rig.time.shift;
    for (let turn = 0; turn < 2; turn += 1) {
      for (const socket of await flood('127.0.0.9', 30)) socket.destroy();
      await until('they are gone', async () => (await connected()) === 0);
    }
    // Its sixty are used up; another has its own.
    const more = await flood('127.0.0.9', 1);
    await until('it is closed', () => closedOf(more) === 1);
    expect(await served('127.0.0.10')).toBe(200);
    const many = (await Promise.all([21, 22, 23].map((host) => flood(`127.0.0.${host}`, 20)))).flat();
    await until('what is too much for all is closed', () => closedOf(many) >= 20);
    rig.time.shift += 10_000;
    expect(await served('127.0.0.9')).toBe(200);
  });
});

describe('whoever takes their time', () => {
  beforeEach(() => listen({ requestMs: REQUEST_MS }));

  it.each([
    ['shakes no hands', async () => dial('127.0.0.9'), ''],
    ['says nothing', () => shake('127.0.0.9'), ''],
    ['never ends the headers', () => shake('127.0.0.9'), 'GET /api/v1/me HTTP/1.1\r\nhost: gateway.test\r\nx: '],
    [
      'never ends the body',
      () => shake('127.0.0.9'),
      'POST /api/v1/sign-in HTTP/1.1\r\nhost: gateway.test\r\ncontent-type: application/json\r\ncontent-length: 90\r\n\r\n{',
    ],
  ])('and %s is cut off', async (_what, dialled, said) => {
    const socket = await dialled();
    let over = false;
    socket.on('close', () => {
      over = true;
    });
    socket.resume();
    if (said !== '') socket.write(said);
    const drip = setInterval(() => said !== '' && socket.writable && socket.write('x'), 50);
    await until('it is closed', () => over).finally(() => clearInterval(drip));
    expect(await served('127.0.0.9')).toBe(200);
  });
});
