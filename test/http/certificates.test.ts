// Applications by client certificate: real TLS, the site's own CA, beside tokens and sessions.

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SiteCa } from '../../src/cli/site-ca.ts';
import { until } from '../scenarios/daemon-rig.ts';
import { type HttpRig, startHttpRig } from './rig.ts';
import { TOKEN } from './site-bundle.ts';

let folder: string;
let ca: SiteCa;
let rig: HttpRig;
let port: number;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-certificates-'));
  ca = await SiteCa.create(join(folder, 'ca'), 'Site', 30);
  for (const name of ['optimizer', 'carla', 'stranger']) await ca.issue({ name, days: 10 }, 'client', folder);
  await ca.issue({ name: 'optimizer', days: 10 }, 'client', join(folder, 'second'));
  const other = await SiteCa.create(join(folder, 'other'), 'Other', 30);
  await other.issue({ name: 'optimizer', days: 10 }, 'client', join(folder, 'foreign'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

beforeEach(async () => {
  rig = await startHttpRig({ settings: { clientCa: readFileSync(join(folder, 'ca', 'ca.pem'), 'utf8') } });
  port = await rig.listen();
});
afterEach(() => rig.stop());

interface Asked {
  readonly name?: string;
  readonly path?: string;
  readonly headers?: { readonly [name: string]: string };
  readonly body?: object;
}

async function ask({ name, path = '/api/v1/points/chiller1%2Fchw-sp', headers = {}, body }: Asked = {}) {
  const pair = name === undefined ? {} : { cert: file(`${name}.pem`), key: file(`${name}.key`) };
  const outgoing = request({
    host: '127.0.0.1',
    port,
    path,
    method: body ? 'POST' : 'GET',
    headers: { ...headers, ...(body && { 'content-type': 'application/json' }) },
    rejectUnauthorized: false,
    agent: false,
    ...pair,
  });
  outgoing.end(body && JSON.stringify(body));
  const [response] = await once(outgoing, 'response');
  response.resume();
  return response.statusCode as number;
}
const file = (name: string): Buffer => readFileSync(join(folder, name));

describe('a client certificate', () => {
  it('of an application is that application, from the first request to the change that its policy permits', async () => {
    expect(await ask({ name: 'optimizer' })).toBe(200);
    const write = '/api/v1/points/chiller1%2Fchw-sp/write';
    expect(await ask({ name: 'optimizer', path: write, body: { value: 7 } })).toBe(200);
    const [intent] = rig.context.options.reader.rows({ kind: 'intent', limit: 1, newestFirst: true });
    expect(intent?.row).toMatchObject({
      who: { principal: 'optimizer', channel: 'local', proof: { kind: 'certificate', subject: 'CN=optimizer' } },
    });
    expect(await ask({ name: 'optimizer', path: '/api/v1/points/ahu1%2Fsat-sp' })).toBe(404);
  });

  it.each([
    ['none', {}],
    ['one of another CA', { name: 'foreign/optimizer' }],
    ['one the policy does not know', { name: 'stranger' }],
    ['one of a person, who signs in', { name: 'carla' }],
  ])('%s is nobody', async (_what, asked) => {
    expect(await ask(asked)).toBe(401);
  });

  it('does not make a wrong token good, and is not needed beside a right one', async () => {
    const headers = { authorization: `Bearer ${'x'.repeat(40)}` };
    expect(await ask({ name: 'optimizer', headers })).toBe(401);
    expect(await ask({ headers: { authorization: `Bearer ${TOKEN}` } })).toBe(200);
  });

  it('counts for no change that another page leads to', async () => {
    const path = '/api/v1/points/chiller1%2Fchw-sp/write';
    const headers = { 'sec-fetch-site': 'cross-site', origin: 'https://elsewhere.example' };
    expect(await ask({ name: 'optimizer', path, headers, body: { value: 7 } })).toBe(403);
    expect(rig.plant.writesSeen()).toBe(0);
  });
});

/** A stream and a connection kept open, both by one certificate. */
async function follow(name: string) {
  const pair = { cert: file(`${name}.pem`), key: file(`${name}.key`) };
  const agent = new Agent({ keepAlive: true, maxSockets: 1, rejectUnauthorized: false, ...pair });
  const where = { host: '127.0.0.1', port, headers: { 'user-agent': 'rig' }, rejectUnauthorized: false, ...pair };
  const asked = request({ ...where, path: '/api/v1/live?points=chiller1%252Fchw-sp', agent: false });
  asked.on('error', () => {});
  asked.end();
  const [stream] = (await once(asked, 'response')) as [IncomingMessage];
  const heard = { status: stream.statusCode, text: '', isOver: false };
  stream.setEncoding('utf8').on('data', (chunk: string) => {
    heard.text += chunk;
  });
  stream.on('close', () => {
    heard.isOver = true;
  });
  stream.on('error', () => {});
  const again = async (): Promise<number | 'closed'> => {
    const outgoing = request({ ...where, path: '/api/v1/me', agent });
    outgoing.end();
    try {
      const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
      response.resume();
      await once(response, 'end');
      return response.statusCode ?? 0;
    } catch {
      return 'closed';
    }
  };
  const stop = (): void => {
    asked.destroy();
    agent.destroy();
  };
  return { heard, again, stop };
}

describe('a certificate that is withdrawn', () => {
  const clientCa = (): string => file('ca/ca.pem').toString();

  it('has no stream and no connection from then on; another of the same name goes on', async () => {
    rig.renew({ clientCa: clientCa(), clientCrl: file('ca/crl.pem').toString() });
    const [first, second] = [await follow('optimizer'), await follow('second/optimizer')];
    expect([first.heard.status, second.heard.status]).toEqual([200, 200]);
    expect([await first.again(), await second.again()]).toEqual([200, 200]);
    const issued = JSON.parse(file('ca/issued.json').toString()) as {
      issued: readonly { subject: string; serial: string }[];
    };
    await ca.revoke(issued.issued.find(({ subject }) => subject === 'CN=optimizer')?.serial ?? '');
    rig.renew({ clientCa: clientCa(), clientCrl: file('ca/crl.pem').toString() });
    await until('the stream is over', () => first.heard.isOver);
    expect(first.heard.text).toContain('event: end\ndata: {"why":"revoked"}');
    // By the connection it had, or a new one that resumes it: nobody.
    for (let turn = 0; turn < 3; turn += 1) expect([401, 'closed']).toContain(await first.again());
    expect(await ask({ name: 'optimizer' })).toBe(401);
    expect([await second.again(), second.heard.isOver, await ask({ name: 'second/optimizer' })]).toEqual([
      200,
      false,
      200,
    ]);
    first.stop();
    second.stop();
  });

  it('is nobody as well where its CA is another now; people are signed in still', async () => {
    const [one, anna] = [await follow('second/optimizer'), await rig.as('anna')];
    expect(await one.again()).toBe(200);
    rig.renew({ clientCa: file('other/ca.pem').toString() });
    await until('the stream is over', () => one.heard.isOver);
    expect(await ask({ name: 'second/optimizer' })).toBe(401);
    expect(await ask({ name: 'foreign/optimizer' })).toBe(200);
    expect((await anna.ask('GET', '/api/v1/me')).status).toBe(200);
    one.stop();
  });

  it('and files that cannot be used leave the old ones in force', async () => {
    const one = await follow('second/optimizer');
    expect(() => rig.renew({ clientCa: clientCa(), clientCrl: 'nothing' })).toThrow('no `X509 CRL` block');
    expect(() => rig.renew({ clientCa: clientCa(), key: 'nothing' })).toThrow();
    expect(rig.renew({ clientCa: clientCa() })).toBe(false);
    expect([await one.again(), one.heard.isOver]).toEqual([200, false]);
    one.stop();
  });

  it('or past its time has no stream either', async () => {
    const one = await follow('second/optimizer');
    rig.time.shift += 11 * 86_400_000;
    rig.context.streams.lookAgain();
    await until('the stream is over', () => one.heard.isOver);
    expect(await one.again()).toBe(401);
    one.stop();
  });
});
