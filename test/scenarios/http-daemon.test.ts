// The page's side of the gateway as a process: its own certificate, passwords that came encrypted over the broker, a write that
// reaches the plant, an override that ends after a kill, and no broker needed for any of it once the policy is there.

import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { credentialsPart, encryptSecrets } from '../../simulators/cloud/credentials-part.ts';
import { hashPassword } from '../../simulators/cloud/password.ts';
import { demoBundle, GATEWAY } from '../../simulators/demo/policy.ts';
import { openGatewayKeys } from '../../src/cloud/gateway-keys.ts';
import { type Rig, startRig, until } from './daemon-rig.ts';
import { freePort } from './peers/program.ts';

const PASSWORD = 'a long enough password';
let rig: Rig;
let port: number;

beforeAll(async () => {
  port = await freePort();
  rig = await startRig({
    configure: (yaml) => `${yaml}http: { address: 127.0.0.1, port: ${port}, origin: "https://gateway.test" }\n`,
  });
  const { x } = (JSON.parse(readFileSync(join(rig.data, 'gateway-keys.json'), 'utf8')) as { encryption: { x: string } })
    .encryption;
  const kid = openGatewayKeys(rig.data, Date.now()).encryptionKid;
  const users = [{ id: 'anna', password: await hashPassword(PASSWORD) }];
  const jwe = await encryptSecrets({ users, applications: [] }, {
    encryption: { kty: 'OKP', crv: 'X25519', x, kid },
  } as Parameters<typeof encryptSecrets>[1]);
  await rig.console.push(GATEWAY, demoBundle(50), { credentials: credentialsPart(jwe) });
  const report = await rig.console.waitForReport(GATEWAY, 50);
  expect(report).toMatchObject({ state: 'active' });
});
afterAll(() => rig.stop());

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly cookie: string;
}

/** As a browser that trusts the gateway's certificate, and checks its name. */
function ask(
  method: string,
  path: string,
  { body, cookie = '' }: { body?: object; cookie?: string } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request(
      {
        host: '127.0.0.1',
        port,
        path,
        method,
        agent: false,
        ca: readFileSync(join(rig.data, 'http.pem')),
        servername: 'gateway.test',
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
    await until('it is released', () => bank.number('ahu1/sat-sp') === before, 15_000);
    const rows = await rig.rows();
    const [ended] = rows.filter(({ row }) => row.event === 'override-ended');
    expect(ended?.row.detail).toMatchObject({ state: 'released', owner: 'anna', target: 'ahu1/sat-sp' });
  });
});
