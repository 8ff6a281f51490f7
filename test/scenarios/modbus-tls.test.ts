// Modbus/TCP Security with openssl's own client: who a certificate is, what its role narrows, and what ends its socket.

import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { SiteCa } from '../../src/cli/site-ca.ts';
import { AHU, adu, Rig, type RigOptions, rigBundle } from '../drivers/modbus/rig.ts';
import { opensslExchange, opensslHandshake, type TlsTarget } from './peers/openssl.ts';
import { have } from './peers/program.ts';

let folder: string;
let ca: SiteCa;
let rig: Rig;

const at = (...names: string[]): string => join(folder, ...names);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-tls-'));
  ca = await SiteCa.create(at('ca'), 'Site', 30);
  await ca.issue({ name: 'gateway', days: 10, hosts: ['127.0.0.1'] }, 'server', at('out'));
  for (const name of ['anna', 'ben', 'stranger', 'eve']) await ca.issue({ name, days: 10 }, 'client', at('out'));
  await ca.issue({ name: 'carla', role: 'viewer', days: 10 }, 'client', at('out'));
  const other = await SiteCa.create(at('other'), 'Other', 30);
  await other.issue({ name: 'anna', days: 10 }, 'client', at('foreign'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const secure: RigOptions['section'] = (section) => ({
  ...section,
  listen: [
    {
      name: 'secure',
      address: '127.0.0.1',
      port: 0,
      tls: {
        certificateFile: at('out', 'gateway.pem'),
        keyFile: at('out', 'gateway.key'),
        caFile: at('ca', 'ca.pem'),
        crlFile: at('ca', 'crl.pem'),
      },
    },
  ],
});

beforeEach(async () => {
  const users = ['anna', 'ben', 'carla', 'eve'].map((id) => ({
    id,
    name: id,
    home: 'acme',
    certificates: [`CN=${id}`],
  }));
  const grants = [
    { to: 'user:anna', role: 'admin', at: 'hq' },
    { to: 'user:ben', role: 'operator', at: 'ahu1' },
    { to: 'user:carla', role: 'viewer', at: 'hq' },
    { to: 'user:carla', role: 'admin', at: 'hq' },
    { to: 'user:eve', role: 'admin', at: 'hq' },
  ];
  rig = await Rig.start({ section: secure, bundle: rigBundle({ grants, more: { users } }) });
});
afterEach(() => rig.stop());

function target(name: string, folderName = 'out', options: readonly string[] = []): TlsTarget {
  return {
    host: '127.0.0.1',
    port: rig.portOf('secure'),
    ca: at('ca', 'ca.pem'),
    certificate: at(folderName, `${name}.pem`),
    key: at(folderName, `${name}.key`),
    options,
  };
}

const write = adu(1, AHU, '06 006a 0a28');
const read = adu(2, AHU, '04 0000 0002');

function openSocket(name: string, session?: Buffer): Promise<TLSSocket> {
  const socket = connect({
    host: '127.0.0.1',
    port: rig.portOf('secure'),
    ca: readFileSync(at('ca', 'ca.pem')),
    cert: readFileSync(at('out', `${name}.pem`)),
    key: readFileSync(at('out', `${name}.key`)),
    ...(session !== undefined && { session }),
  });
  socket.on('error', () => undefined);
  return once(socket, 'secureConnect').then(() => socket);
}

async function ask(socket: TLSSocket, frame: Buffer): Promise<string> {
  socket.write(frame);
  return new Promise((resolve, reject) => {
    socket.once('data', (answer: Buffer) => resolve(answer.toString('hex').slice(14)));
    socket.once('close', () => reject(new Error('the connection was closed without an answer')));
  });
}

describe.runIf(have('openssl'))('openssl s_client', () => {
  test('a person is who their certificate says', async () => {
    const ben = await opensslExchange(target('ben'), write, 12);
    expect(ben.received.toString('hex')).toBe('00010000000601' + '06006a0a28');
    expect(rig.rows('intent')).toMatchObject([
      { who: { principal: 'ben', channel: 'tls', proof: { kind: 'certificate', subject: 'CN=ben' } } },
    ]);
  });

  test('a role in the certificate narrows what the person may do', async () => {
    const answer = await opensslExchange(target('carla'), Buffer.concat([write, read]), 9 + 13);
    const text = answer.received.toString('hex');
    expect(text).toContain('000100000003018601');
    expect(text).toContain('00020000000701040441900000');
    expect(rig.plant.writesSeen()).toBe(0);
  });

  test.each([
    ['no certificate', () => ({ host: '127.0.0.1', port: rig.portOf('secure'), ca: at('ca', 'ca.pem') })],
    ['a certificate of another authority', () => target('anna', 'foreign')],
    ['a certificate that stands for nobody', () => target('stranger')],
    ['TLS 1.1', () => target('anna', 'out', ['-tls1_1', '-cipher', 'ALL:@SECLEVEL=0'])],
    ['the listener’s own certificate', () => target('gateway')],
  ])('%s gets no answer', async (_name, to) => {
    const answer = await opensslExchange(to(), read, 13);
    expect(answer.received.length).toBe(0);
    expect(answer.closed).toBe(true);
    expect(rig.plant.lines.ahu.conversation.bytesArrived).toBe(0);
    expect(rig.rows('refusal')).toMatchObject([{ reason: 'unattributed' }]);
  });

  test('plain Modbus on the secure port is no handshake', async () => {
    const { connect: plainly } = await import('node:net');
    const socket = plainly({ host: '127.0.0.1', port: rig.portOf('secure') });
    const received: Buffer[] = [];
    socket.on('data', (chunk) => received.push(chunk));
    socket.write(write);
    await once(socket, 'close');
    expect(rig.plant.writesSeen()).toBe(0);
    expect(rig.rows('refusal')).toMatchObject([{ operation: 'handshake' }]);
  });

  test('a session that is resumed keeps its person', async () => {
    const file = at('session.pem');
    await opensslHandshake(target('ben', 'out', ['-tls1_2', '-sess_out', file]));
    expect(existsSync(file)).toBe(true);
    const again = await opensslExchange(target('ben', 'out', ['-tls1_2', '-sess_in', file]), write, 12);
    expect(again.received.toString('hex')).toBe('00010000000601' + '06006a0a28');
    expect(rig.rows('intent')).toMatchObject([{ who: { principal: 'ben' } }]);
  });
});

test('a certificate that is revoked loses its open socket, its sessions, and nobody else theirs', async () => {
  const eve = await openSocket('eve');
  const session = new Promise<Buffer>((resolve) => eve.once('session', resolve));
  const anna = await openSocket('anna');
  expect(await ask(eve, read)).toBe('040441900000');
  const ticket = await session;
  const ended = once(eve, 'close');
  await ca.revoke('eve');
  await ended;
  expect(await ask(anna, read)).toBe('040441900000');
  const resumed = connect({
    host: '127.0.0.1',
    port: rig.portOf('secure'),
    session: ticket,
    rejectUnauthorized: false,
  });
  resumed.on('error', () => undefined);
  resumed.write(read);
  const heard: Buffer[] = [];
  resumed.on('data', (chunk) => heard.push(chunk));
  await new Promise<void>((resolve) => resumed.once('close', () => resolve()));
  expect(heard).toEqual([]);
  anna.destroy();
});

test('a list that cannot be read leaves the old one in force, and the log says so', async () => {
  const anna = await openSocket('anna');
  const good = readFileSync(at('ca', 'crl.pem'));
  const said = new Promise<void>((resolve) => {
    const look = (): void => {
      if (rig.log.of('tls.reload-failed').length > 0) resolve();
      else setTimeout(look, 20);
    };
    look();
  });
  writeFileSync(at('ca', 'crl.pem'), 'nothing');
  await said;
  expect(await ask(anna, read)).toBe('040441900000');
  writeFileSync(at('ca', 'crl.pem'), good);
  anna.destroy();
});

test('a person locked out by the policy loses the open socket at once', async () => {
  const ben = await openSocket('ben');
  expect(await ask(ben, read)).toBe('040441900000');
  const ended = once(ben, 'close');
  rig.regrant([{ to: 'user:anna', role: 'admin', at: 'hq' }], 3);
  await ask(ben, read).then(
    (answer) => expect(answer).toBe('8401'),
    () => undefined,
  );
  ben.destroy();
  await ended;
});
