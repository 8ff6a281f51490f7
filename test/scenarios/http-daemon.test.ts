// The page's side of the gateway as a process: its own certificate, passwords that came encrypted over the broker, a write that
// reaches the plant, an override that ends after a kill, and no broker needed for any of it once the policy is there.

import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { credentialsPart, encryptSecrets } from '../../simulators/cloud/credentials-part.ts';
import { hashPassword } from '../../simulators/cloud/password.ts';
import { demoBundle, GATEWAY } from '../../simulators/demo/policy.ts';
import { SiteCa } from '../../src/cli/site-ca.ts';
import { openGatewayKeys } from '../../src/cloud/gateway-keys.ts';
import { type Rig, startRig, until } from './daemon-rig.ts';

const PASSWORD = 'a long enough password';
let rig: Rig;
let clients: string;
let ca: SiteCa;

beforeAll(async () => {
  clients = await mkdtemp(join(tmpdir(), 'gatehouse-clients-'));
  ca = await SiteCa.create(join(clients, 'ca'), 'Site', 30);
  await ca.issue({ name: 'supervisor', days: 10 }, 'client', clients);
  const clientFiles = `clientCaFile: ${clients}/ca/ca.pem, clientCrlFile: ${clients}/ca/crl.pem`;
  const section = `{ address: 127.0.0.1, port: 0, origin: "https://gateway.test", ${clientFiles} }`;
  rig = await startRig({ configure: (yaml) => `${yaml}http: ${section}\n` });
  const { x } = (JSON.parse(readFileSync(join(rig.data, 'gateway-keys.json'), 'utf8')) as { encryption: { x: string } })
    .encryption;
  const kid = openGatewayKeys(rig.data, Date.now()).encryptionKid;
  const users = [{ id: 'anna', password: await hashPassword(PASSWORD) }];
  const jwe = await encryptSecrets({ users, applications: [] }, {
    encryption: { kty: 'OKP', crv: 'X25519', x, kid },
  } as Parameters<typeof encryptSecrets>[1]);
  const bundle = demoBundle(50) as unknown as { applications: object[] };
  bundle.applications = bundle.applications.map((each) => ({ ...each, certificates: ['CN=supervisor'] }));
  await rig.console.push(GATEWAY, bundle as unknown as ReturnType<typeof demoBundle>, {
    credentials: credentialsPart(jwe),
  });
  const report = await rig.console.waitForReport(GATEWAY, 50);
  expect(report).toMatchObject({ state: 'active' });
});
afterAll(async () => {
  await rig.stop();
  await rm(clients, { recursive: true, force: true });
});

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly cookie: string;
}

/** As a browser that trusts the gateway's certificate, and checks its name. */
function ask(
  method: string,
  path: string,
  { body, cookie = '', certificate }: { body?: object; cookie?: string; certificate?: string } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request(
      {
        host: '127.0.0.1',
        port: rig.gateway().ports.get('http'),
        path,
        method,
        agent: false,
        ca: readFileSync(join(rig.data, 'http.pem')),
        servername: 'gateway.test',
        ...(certificate !== undefined && {
          cert: readFileSync(join(clients, `${certificate}.pem`)),
          key: readFileSync(join(clients, `${certificate}.key`)),
        }),
        headers: {
          host: 'gateway.test',
          'user-agent': 'scenario',
          'sec-fetch-site': 'same-origin',
          cookie,
          ...(body && { 'content-type': 'application/json' }),
        },
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          text += chunk;
        });
        response.on('end', () => {
          const [set = ''] = response.headers['set-cookie'] ?? [];
          resolve({ status: response.statusCode ?? 0, body: text, cookie: set.split(';')[0] ?? '' });
        });
      },
    );
    asked.on('error', reject);
    asked.end(body && JSON.stringify(body));
  });
}

const signIn = () => ask('POST', '/api/v1/sign-in', { body: { login: 'anna', password: PASSWORD } });

describe('the gateway with a page', () => {
  it('answers under its own certificate, and only to who is signed in', async () => {
    expect((await ask('GET', '/api/v1/points')).status).toBe(401);
    expect(JSON.parse((await ask('GET', '/api/openapi.json')).body)).toMatchObject({ openapi: '3.1.0' });
    const { status, cookie } = await signIn();
    expect(status).toBe(200);
    const points = await ask('GET', '/api/v1/points?device=ahu1', { cookie });
    expect(points.body).toContain('Supply air temperature set point');
  });

  it('knows an application’s certificate, until the site’s CA withdraws it: without a restart', async () => {
    const me = () => ask('GET', '/api/v1/me', { certificate: 'supervisor' });
    expect(JSON.parse((await me()).body)).toMatchObject({ principal: 'supervisor', kind: 'application' });
    await ca.revoke('supervisor');
    // A request on its way when the list is read ends with its connection.
    await until('it is nobody’s', async () => (await me().catch(() => undefined))?.status === 401);
    expect((await signIn()).status).toBe(200);
  });

  it('gives an override back although it was killed while it stood', async () => {
    const { cookie } = await signIn();
    const { bank } = rig.plant.devices.ahu1;
    const before = bank.number('ahu1/sat-sp');
    const body = { value: 23, overrideMs: 2000 };
    const written = await ask('POST', '/api/v1/points/ahu1%2Fsat-sp/write', { cookie, body });
    expect(JSON.parse(written.body)).toMatchObject({ ok: true });
    expect(bank.number('ahu1/sat-sp')).toBe(23);
    await rig.gateway().kill();
    await rig.restart();
    // Sessions of the page end with the process.
    expect((await ask('GET', '/api/v1/me', { cookie })).status).toBe(401);
    await until('it is released', () => bank.number('ahu1/sat-sp') === before);
    const rows = await rig.rows();
    const [ended] = rows.filter(({ row }) => row.event === 'override-ended');
    expect(ended?.row.detail).toMatchObject({ state: 'released', owner: 'anna', target: 'ahu1/sat-sp' });
  });
});
