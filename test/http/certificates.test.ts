// Applications by client certificate: real TLS, the site's own CA, beside tokens and sessions.

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SiteCa } from '../../src/cli/site-ca.ts';
import { type HttpRig, startHttpRig, TOKEN } from './rig.ts';

let folder: string;
let rig: HttpRig;
let port: number;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-certificates-'));
  const ca = await SiteCa.create(join(folder, 'ca'), 'Site', 30);
  for (const name of ['optimizer', 'carla', 'stranger']) await ca.issue({ name, days: 10 }, 'client', folder);
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
