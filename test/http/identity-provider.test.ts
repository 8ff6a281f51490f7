// Signing in with a real OpenID Connect provider on loopback: code flow with PKCE, groups and roles by name, nobody without a role.

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { RawBundle } from '../reference/bundle.ts';
import { evaluate } from '../reference/evaluator.ts';
import { type ProviderStage, startProvider } from './provider-stage.ts';
import { type Answer, type Client, type HttpRig, startHttpRig } from './rig.ts';
import type { SiteChanges } from './site-bundle.ts';

const RETURN = 'https://gateway.test/api/v1/sign-in/provider/return';
let provider: ProviderStage;
let rig: HttpRig | undefined;

beforeAll(async () => {
  provider = await startProvider();
  provider.serve(RETURN);
});
afterAll(() => provider.stop());
afterEach(async () => {
  await rig?.stop();
  rig = undefined;
});

async function site(changes: SiteChanges): Promise<HttpRig> {
  rig = await startHttpRig({
    changes: { issuer: provider.issuer, ...changes },
    providers: [{ issuer: provider.issuer, groupsClaim: 'groups', roleClaim: 'role', scope: 'openid profile' }],
  });
  return rig;
}

/** What a browser does between the gateway and the provider; gives the address it is sent back to. */
async function throughProvider(url: string, person: string): Promise<string> {
  const jar = new Map<string, string>();
  let next = url;
  for (let hop = 0; hop < 10; hop += 1) {
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(next, { redirect: 'manual', headers: { cookie, 'x-person': person } });
    for (const each of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(each) ?? [];
      jar.set(name, value);
    }
    const location = response.headers.get('location');
    if (location === null) throw new Error(`${response.status} ${await response.text()}`);
    next = new URL(location, next).href;
    if (next.startsWith(RETURN)) return next;
  }
  throw new Error('the provider sends round and round');
}

async function signIn(person: string): Promise<{ client: Client; answer: Answer; back: string }> {
  const client = (rig as HttpRig).client({ 'sec-fetch-site': 'cross-site' });
  const begun = await client.ask('GET', '/api/v1/sign-in/provider?organization=acme');
  expect(begun.status).toBe(302);
  const back = (await throughProvider(String(begun.headers.location), person)).replace('https://gateway.test', '');
  return { client, back, answer: await client.ask('GET', back) };
}

describe('somebody of the identity provider', () => {
  it('without a role of that name or a default role does not come in', async () => {
    await site({});
    const offered = await (rig as HttpRig).client().ask('GET', '/api/v1/sign-in');
    expect(offered.body).toMatchObject({ providers: [{ organization: 'acme', name: 'Acme' }] });
    for (const person of ['gina', 'egon', 'otto']) {
      const { answer, client } = await signIn(person);
      expect([person, answer.status, answer.body.denied]).toMatchObject([person, 403, [{ reason: 'no-sign-in' }]]);
      expect((await client.ask('GET', '/api/v1/me')).status).toBe(401);
    }
  });

  it('in a browser comes back to the page, which says why; nothing of the address asked for is in the answer', async () => {
    await site({});
    const client = (rig as HttpRig).client({ 'sec-fetch-site': 'cross-site', accept: 'text/html,*/*;q=0.8' });
    const page = (word: string) => expect.stringContaining(`content="0;url=/#/sign-in/${word}"`);
    const begun = await client.ask('GET', '/api/v1/sign-in/provider?organization=acme');
    const back = (await throughProvider(String(begun.headers.location), 'otto')).replace('https://gateway.test', '');
    const type = 'text/html; charset=utf-8';
    const answer = await client.ask('GET', back);
    expect([answer.status, answer.headers['content-type'], answer.text]).toEqual([403, type, page('no-role')]);
    const again = await client.ask('GET', `${back}&next=//elsewhere.example`);
    expect([again.status, again.headers['content-type'], again.text]).toEqual([502, type, page('provider')]);
    expect(again.text).not.toContain('elsewhere');
    const unknown = await client.ask('GET', '/api/v1/sign-in/provider?organization=none');
    expect([unknown.status, unknown.text]).toEqual([404, page('provider')]);
  });

  it('has the role that matches by name, at the root', async () => {
    await site({});
    const { answer, client } = await signIn('rita');
    expect([answer.status, answer.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
    const me = await client.ask('GET', '/api/v1/me');
    expect(me.body).toMatchObject({ principal: `acme:${provider.issuer}#rita`, name: 'Rita', kind: 'provider' });
    const own = { 'sec-fetch-site': 'same-origin' };
    const written = await client.ask('POST', '/api/v1/points/ahu1%2Fsat-sp/write', {
      body: { value: 20 },
      headers: own,
    });
    expect(written.body).toMatchObject({ ok: true });
  });

  it('has the default role, and what the groups of that name are given', async () => {
    await site({ defaultRole: true });
    const guest = await signIn('gina');
    const engineer = await signIn('egon');
    const own = { 'sec-fetch-site': 'same-origin' };
    const write = (client: Client) =>
      client.ask('POST', '/api/v1/points/ahu1%2Fsat-sp/write', { body: { value: 20 }, headers: own });
    expect((await guest.client.ask('GET', '/api/v1/points/ahu1%2Fsat-sp')).status).toBe(200);
    expect((await write(guest.client)).status).toBe(403);
    expect((await write(engineer.client)).status).toBe(200);
    await (rig as HttpRig).activate({ issuer: provider.issuer, revision: 2 });
    expect((await guest.client.ask('GET', '/api/v1/me')).status).toBe(401);
  });

  it('holds overrides and tool sessions in a name of their own, which an administrator at home sees and ends', async () => {
    const { gate } = await site({});
    const { client: rita } = await signIn('rita');
    const own = { 'sec-fetch-site': 'same-origin' };
    const body = { value: 20 };
    const written = await rita.ask('POST', '/api/v1/points/ahu1%2Fsat-sp/write', { body, headers: own });
    const { override } = (written.body.rows as unknown as readonly { override: string }[])[0] ?? { override: '' };
    const claimed = await rita.ask('POST', '/api/v1/tool-sessions', { body: {}, headers: own, from: '127.0.0.44' });
    expect(claimed.body).toMatchObject({ session: { own: true, owner: 'Rita' } });
    const carla = await (rig as HttpRig).as('carla');
    const ledger = await carla.ask('GET', '/api/v1/overrides');
    expect(ledger.items).toMatchObject([{ id: override, owner: 'Rita', own: false }]);
    const tools = await carla.ask('GET', '/api/v1/tool-sessions');
    expect(tools.items).toMatchObject([{ owner: 'Rita', own: false, address: '127.0.0.44' }]);
    const ben = await (rig as HttpRig).as('ben');
    const [theirs] = (await carla.ask('GET', '/api/v1/sessions')).items.filter(({ name }) => name === 'Rita');
    for (const path of [`tool-sessions/${tools.items[0]?.id}`, `sessions/${theirs?.id}`]) {
      expect((await ben.ask('DELETE', `/api/v1/${path}`)).status).toBe(404);
    }
    expect((await ben.ask('GET', '/api/v1/overrides')).text).not.toContain('ita');
    expect((await carla.ask('DELETE', `/api/v1/tool-sessions/${tools.items[0]?.id}`)).status).toBe(204);
    expect(gate.sessions()).toEqual([]);
    await rita.ask('POST', '/api/v1/tool-sessions', { body: {}, headers: own, from: '127.0.0.44' });
    expect((await carla.ask('DELETE', `/api/v1/sessions/${theirs?.id}`)).status).toBe(204);
    // What was claimed in the session ends with it.
    expect([gate.sessions(), (await rita.ask('GET', '/api/v1/me')).status]).toEqual([[], 401]);
    expect((await carla.ask('POST', `/api/v1/overrides/${override}/release`)).body).toMatchObject({
      state: 'released',
    });
  });

  it.each([
    ['gina', { groups: [], role: undefined }],
    ['egon', { groups: ['Engineers', 'engineers', 'Unknown'], role: undefined }],
    ['rita', { groups: ['Engineers'], role: 'Operator' }],
  ])('sees, and may change, what the reference evaluator says: %s', async (person, { groups, role }) => {
    const { bundle } = await site({ defaultRole: true });
    const { client } = await signIn(person);
    const identity = { organization: 'acme', groups, ...(role !== undefined && { role }) };
    const principal = `acme:${provider.issuer}#${person}`;
    const may = (action: string, target: string): boolean =>
      evaluate(bundle as RawBundle, {
        principal,
        identity,
        action,
        targets: [target],
        channel: 'local',
        at: Date.now(),
      }).decision === 'permit';
    const { organizations } = bundle as {
      organizations: readonly { points: readonly { id: string; class: string }[] }[];
    };
    const points = organizations.flatMap((each) => each.points);
    const listed = (await client.ask('GET', '/api/v1/points?limit=500')).items.map(({ id }) => id);
    const expected = points.filter(({ id }) => may('point.read', id)).map(({ id }) => id);
    expect([...listed].sort()).toEqual([...expected].sort());
    const rows = points.filter(({ class: kind }) => kind === 'set-point').map(({ id }) => ({ point: id, value: 20 }));
    const check = await client.ask('POST', '/api/v1/batches/check', {
      body: { rows },
      headers: { 'sec-fetch-site': 'same-origin' },
    });
    for (const row of check.body.rows as unknown as readonly { point: string; verdict: string; denied: unknown[] }[]) {
      const word = !may('point.read', row.point) ? 'unknown' : may('point.write', row.point) ? 'permitted' : 'denied';
      if (row.verdict === 'faulty') {
        // It cannot be written at all: that is said to who sees it.
        expect([row.point, word]).not.toEqual([row.point, 'unknown']);
        continue;
      }
      // A value that is out of limits is the gate's to say, after the policy.
      const isOfValue = JSON.stringify(row.denied).includes('out-of-limits');
      expect([row.point, isOfValue ? 'permitted' : row.verdict]).toEqual([row.point, word]);
    }
  });

  it('comes back once, with the cookie it left with, and to nobody else', async () => {
    await site({ defaultRole: true });
    const { back, client } = await signIn('gina');
    expect((await client.ask('GET', back)).status).toBe(502);
    const other = (rig as HttpRig).client();
    await other.ask('GET', '/api/v1/sign-in/provider?organization=acme');
    const begun = await client.ask('GET', '/api/v1/sign-in/provider?organization=acme');
    const theirs = (await throughProvider(String(begun.headers.location), 'gina')).replace('https://gateway.test', '');
    expect((await other.ask('GET', theirs)).status).toBe(502);
    expect((await (rig as HttpRig).client().ask('GET', theirs)).status).toBe(502);
  });
});

describe('a provider that is not there', () => {
  it('is said so, and passwords go on', async () => {
    rig = await startHttpRig({
      changes: { issuer: 'http://127.0.0.1:9' },
      providers: [{ issuer: 'http://127.0.0.1:9', groupsClaim: 'groups', roleClaim: 'role', scope: 'openid' }],
    });
    const begun = await rig.client().ask('GET', '/api/v1/sign-in/provider?organization=acme');
    expect([begun.status, begun.body.title]).toEqual([502, 'identity provider failed']);
    expect((await rig.client().ask('GET', '/api/v1/sign-in/provider?organization=tenant')).status).toBe(404);
    await rig.as('anna');
  });
});
