// Signing in: passwords, limits, sessions, foreign pages, headers.

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { hashPassword } from '../../simulators/cloud/password.ts';
import { createAttempts } from '../../src/http/attempts.ts';
import { parseHash } from '../../src/http/password.ts';
import { type HttpRig, ShiftedTime, startHttpRig } from './rig.ts';
import { PASSWORD } from './site-bundle.ts';

/** What every derivation of a key costs. */
const derived = vi.hoisted((): object[] => []);
vi.mock('node:crypto', async (importOriginal) => {
  const crypto = await importOriginal<typeof import('node:crypto')>();
  const scrypt = (...words: Parameters<typeof crypto.scrypt>): void => {
    const [, , octets, cost] = words;
    derived.push({ octets, ...cost });
    crypto.scrypt(...words);
  };
  return { ...crypto, scrypt };
});

let rig: HttpRig;
beforeEach(async () => {
  rig = await startHttpRig();
});
afterEach(() => rig.stop());

const attempt = (login: string, password: string, from = '127.0.0.1') =>
  rig.client().ask('POST', '/api/v1/sign-in', { body: { login, password }, from });

describe('a session', () => {
  it('is a strict, secure, http-only host cookie, and its value is kept nowhere', async () => {
    const answer = await attempt('anna@acme.example', PASSWORD);
    const cookie = String(answer.headers['set-cookie']);
    expect(cookie).toMatch(/^__Host-gatehouse=[\w-]{43}; Path=\/; HttpOnly; Secure; SameSite=Strict$/);
    const value = /=([\w-]{43})/.exec(cookie)?.[1] ?? '';
    expect(JSON.stringify(rig.context.sessions.list())).not.toContain(value);
  });

  it('ends idle, at its longest, with another browser, and by sign-out', async () => {
    const idle = await rig.as('anna');
    rig.time.shift += 31 * 60_000;
    expect((await idle.ask('GET', '/api/v1/me')).status).toBe(401);

    const busy = await rig.as('anna');
    for (let passed = 0; passed < 12 * 60; passed += 20) {
      expect((await busy.ask('GET', '/api/v1/me')).status).toBe(200);
      rig.time.shift += 20 * 60_000;
    }
    expect((await busy.ask('GET', '/api/v1/me')).status).toBe(401);

    const stolen = await rig.as('anna');
    const elsewhere = await stolen.ask('GET', '/api/v1/me', { headers: { 'user-agent': 'another' } });
    expect(elsewhere.status).toBe(401);
    expect((await stolen.ask('GET', '/api/v1/me')).status).toBe(401);

    const done = await rig.as('anna');
    const { cookie } = done;
    expect((await done.ask('POST', '/api/v1/sign-out')).status).toBe(204);
    expect((await rig.client({ cookie }).ask('GET', '/api/v1/me')).status).toBe(401);
  });

  it('is listed to its owner and to who manages users at home, and can be ended there', async () => {
    const anna = await rig.as('anna');
    const carla = await rig.as('carla');
    const tom = await rig.as('tom');
    const own = await anna.ask('GET', '/api/v1/sessions');
    expect(own.items).toMatchObject([{ principal: 'anna', own: true, current: true }]);
    const all = (await carla.ask('GET', '/api/v1/sessions')).items;
    expect(all.map((each) => each.principal).sort()).toEqual(['anna', 'carla']);
    const id = String(own.items[0]?.id);
    expect((await tom.ask('DELETE', `/api/v1/sessions/${id}`)).status).toBe(404);
    expect((await carla.ask('DELETE', `/api/v1/sessions/${id}`)).status).toBe(204);
    expect((await anna.ask('GET', '/api/v1/me')).status).toBe(401);
  });

  it('bites on the next request when a person is revoked or locked', async () => {
    const anna = await rig.as('anna');
    await rig.activate({ revision: 2, locks: [{ id: 'stop', why: 'test', principal: 'anna' }] });
    expect((await anna.ask('GET', '/api/v1/points')).status).toBe(401);
    await rig.activate({ revision: 3 });
    expect((await anna.ask('GET', '/api/v1/points')).status).toBe(401);
    const again = await rig.as('anna');
    await rig.activate({ revision: 4, grants: [] });
    const left = await again.ask('GET', '/api/v1/points');
    expect([left.status, left.items]).toEqual([200, []]);
  });
});

describe('a password', () => {
  it('is checked by its own parameters; other forms and costs beyond measure are nobody’s', async () => {
    const text = (await hashPassword('x', 12)).replace('r=8,p=1', 'r=4,p=2');
    expect(parseHash(text)).toMatchObject({ logN: 12, r: 4, p: 2 });
    for (const bad of [
      '$scrypt$',
      text.replace('ln=12', 'ln=30'),
      text.replace('r=4', 'r=99'),
      text.replace('p=2', 'p=0'),
    ]) {
      expect(parseHash(bad)).toBeUndefined();
    }
  });

  it('fails alike for a wrong password and a login nobody has, in answer and in what it costs', async () => {
    const costOf = async (login: string): Promise<readonly object[]> => {
      derived.length = 0;
      await attempt(login, 'wrong');
      return [...derived];
    };
    const known = await costOf('anna@acme.example');
    expect(known).toHaveLength(1);
    expect(await costOf('nobody')).toEqual(known);
    const [wrong, nobody] = [await attempt('ben@acme.example', 'wrong'), await attempt('nobody', 'wrong')];
    expect([wrong.status, wrong.text]).toEqual([401, nobody.text]);
  });

  it('is not taken after many failures, until time has passed; from a familiar address it is', async () => {
    await rig.as('anna');
    for (let n = 0; n < 8; n += 1) await attempt('anna@acme.example', 'wrong', '10.1.1.1');
    const stranger = await attempt('anna@acme.example', PASSWORD, '10.2.2.2');
    expect(stranger.status).toBe(429);
    expect(Number(stranger.headers['retry-after'])).toBeGreaterThan(0);
    expect((await attempt('anna@acme.example', PASSWORD)).status).toBe(200);
    rig.time.shift += 16 * 60_000;
    expect((await attempt('anna@acme.example', PASSWORD, '10.2.2.2')).status).toBe(200);
  });

  it('is not tried by one address more than twenty times in ten minutes, whatever the login', async () => {
    const statuses = [];
    for (let n = 0; n < 22; n += 1) statuses.push((await attempt(`someone${n}`, 'wrong', '10.3.3.3')).status);
    expect(statuses.filter((status) => status === 401)).toHaveLength(20);
    expect(statuses.slice(20)).toEqual([429, 429]);
    expect((await attempt('anna@acme.example', PASSWORD, '10.3.3.4')).status).toBe(200);
  });

  it('never waits longer than a quarter of an hour', () => {
    const time = new ShiftedTime();
    const attempts = createAttempts(time);
    for (let n = 0; n < 100; n += 1) attempts.failed(`10.9.${n}.1`, 'anna');
    expect(attempts.wait('10.8.8.8', 'anna')).toBeLessThanOrEqual(900);
    time.shift += 900_000;
    expect(attempts.wait('10.8.8.8', 'anna')).toBe(0);
  });
});

describe('a page of somebody else', () => {
  it('can neither sign anybody in nor change anything', async () => {
    const anna = await rig.as('anna');
    const body = { value: 20 };
    const path = '/api/v1/points/ahu1%2Fsat-sp/write';
    for (const headers of [
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'none' },
      { origin: 'https://evil.example' },
      { 'sec-fetch-site': 'same-origin', origin: 'https://evil.example' },
      { 'sec-fetch-site': 'same-origin', origin: 'null' },
    ]) {
      expect([headers, (await anna.ask('POST', path, { body, headers })).status]).toEqual([headers, 403]);
      const signing = await rig.client().ask('POST', '/api/v1/sign-in', {
        headers,
        body: { login: 'anna@acme.example', password: PASSWORD },
      });
      expect(signing.status).toBe(403);
    }
    const ok = await anna.ask('POST', path, { body, headers: { origin: 'https://gateway.test' } });
    expect(ok.status).toBe(200);
    expect(rig.plant.writesSeen()).toBe(1);
  });

  it('gains nothing by another spelling of a path', async () => {
    const headers = { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' };
    const body = { login: 'anna@acme.example', password: PASSWORD };
    for (const path of ['/%61pi/v1/sign-in', '/api/v1/sign%2Din', 'https://gateway.test/api/v1/sign-in']) {
      const signing = await rig.client().ask('POST', path, { headers, body });
      expect([path, signing.status, signing.headers['set-cookie']]).toEqual([path, 403, undefined]);
    }
    const own = await (await rig.as('anna')).ask('GET', '/%61pi/v1/me');
    expect([own.status, own.headers['cache-control']]).toEqual([200, 'no-store']);
    expect(rig.context.sessions.size).toBe(1);
  });

  it('cannot send a form', async () => {
    const anna = await rig.as('anna');
    const answer = await rig.app.inject({
      method: 'POST',
      url: '/api/v1/points/ahu1%2Fsat-sp/write',
      headers: {
        host: 'gateway.test',
        cookie: anna.cookie,
        'user-agent': 'rig',
        'sec-fetch-site': 'same-origin',
        'content-type': 'text/plain',
      },
      payload: '{"value":20}',
    });
    expect(answer.statusCode).toBe(415);
  });
});

describe('every answer', () => {
  it('carries the headers that keep a browser safe', async () => {
    for (const path of ['/api/v1/me', '/api/v1/sign-in', '/nothing']) {
      const { headers } = await rig.client().ask('GET', path);
      expect(headers['content-security-policy']).toContain("default-src 'none'");
      expect(headers['content-security-policy']).not.toContain('unsafe');
      expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'x-frame-options': 'DENY' });
    }
  });

  it('says at the field what is wrong, and bounds what it takes', async () => {
    const anna = await rig.as('anna');
    const path = '/api/v1/points/ahu1%2Fsat-sp/write';
    const faulty = await anna.ask('POST', path, { body: { value: 20, priority: 17, more: 1 } });
    expect(faulty.status).toBe(422);
    expect(faulty.headers['content-type']).toContain('application/problem+json');
    expect(faulty.text).toContain('priority');
    const wrong = await anna.ask('POST', path, { body: { value: 'warm' } });
    expect([wrong.status, wrong.body.errors]).toMatchObject([422, [{ path: 'value' }]]);
    const large = await anna.ask('POST', path, { body: { value: 'x'.repeat(200_000) } });
    expect(large.status).toBe(413);
    const rows = Array.from({ length: 201 }, () => ({ point: 'ahu1/sat-sp', value: 20 }));
    expect((await anna.ask('POST', '/api/v1/batches', { body: { rows } })).status).toBe(422);
    expect((await anna.ask('GET', '/api/v1/points?limit=1000')).status).toBe(422);
    expect((await anna.ask('GET', '/api/v1/points?cursor=AAAA')).status).toBe(422);
  });
});
