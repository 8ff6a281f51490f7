// Whatever is sent to whatever route: an answer of the API's own form, never a fault of ours, and nothing written.

import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Client, type HttpRig, startHttpRig } from './rig.ts';

let rig: HttpRig;
let carla: Client;
let routes: { readonly method: 'GET' | 'POST' | 'DELETE'; readonly path: string }[];
/** Streams end only with their asker; signing out would end the test. */
const LEFT_OUT = /\/live$|\/events$|sign-out$|sign-in/;

beforeAll(async () => {
  rig = await startHttpRig();
  carla = await rig.as('carla');
  routes = rig.routes
    .filter(
      ([method, path]) => /^(GET|POST|DELETE)$/.test(method) && path.startsWith('/api/v1/') && !LEFT_OUT.test(path),
    )
    .map(([method, path]) => ({ method: method as 'GET', path }));
});
afterAll(() => rig.stop());

const odd = fc.oneof(
  fc.string({ maxLength: 40, unit: 'binary' }),
  fc.constantFrom(
    '',
    '..',
    '%',
    '\0',
    'ahu1/sat-sp',
    '__proto__',
    'constructor',
    'a'.repeat(300),
    '-1',
    '1e309',
    'NaN',
  ),
);
const value = fc.oneof(odd, fc.integer(), fc.double(), fc.constant(null), fc.boolean(), fc.jsonValue());
const KEYS = [
  ...['rows', 'value', 'point', 'priority', 'overrideMs', 'action', 'targets', 'principal', 'address', 'minutes'],
  ...['devices', 'code', 'channel', 'note', 'decisionId', '__proto__'],
];
const row = fc.dictionary(fc.constantFrom(...KEYS), value, { maxKeys: 4 });
const body = fc.oneof(
  fc.jsonValue(),
  row,
  fc.record({ rows: fc.array(row, { maxLength: 4 }) }),
  fc.dictionary(fc.constantFrom(...KEYS), fc.oneof(value, fc.array(value, { maxLength: 3 })), { maxKeys: 5 }),
);
const QUERIES = ['cursor', 'limit', 'location', 'device', 'class', 'q', 'kind', 'since', 'until', 'target', 'open'];
const query = fc.array(fc.tuple(fc.constantFrom(...QUERIES), odd), { maxLength: 3 });

describe('every route', () => {
  it('answers in the API’s own form, whatever it is asked', async () => {
    expect(routes.length).toBeGreaterThan(20);
    await fc.assert(
      fc.asyncProperty(
        fc.nat(),
        odd,
        query,
        fc.option(body),
        fc.option(odd.map((text) => text.replace(/[^\x20-\x7e]/g, ''))),
        async (at, id, asked, sent, key) => {
          const route = routes[at % routes.length];
          if (!route) return;
          const path = route.path.replace(/:\w+/g, encodeURIComponent(id) || '%20');
          const search = asked.map(([name, text]) => `${name}=${encodeURIComponent(text)}`).join('&');
          const answer = await carla.ask(route.method, `${path}?${search}`, {
            ...(route.method === 'POST' && sent !== null && typeof sent === 'object' && { body: sent }),
            ...(key !== null && { headers: { 'idempotency-key': key } }),
          });
          expect([route.method, path, answer.status < 500, answer.text]).toEqual([
            route.method,
            path,
            true,
            answer.text,
          ]);
          if (answer.status < 400) return;
          expect(answer.headers['content-type']).toContain('application/problem+json');
          expect(answer.body).toMatchObject({ title: expect.any(String), status: answer.status });
          for (const { path: field, message } of (answer.body.errors ?? []) as unknown as {
            path: string;
            message: string;
          }[]) {
            expect([field !== '', message !== '' && !message.includes('undefined')]).toEqual([true, true]);
          }
        },
      ),
      { numRuns: 1500, interruptAfterTimeLimit: 8000 },
    );
    expect(rig.log.lines.filter(({ event }) => event === 'http.fault')).toEqual([]);
  });

  it.each([
    ['no JSON', '{"value": 1', 'application/json', 400],
    ['nothing at all', '', 'application/json', 400],
    ['a form', 'value=1', 'application/x-www-form-urlencoded', 415],
    ['text', '1', 'text/plain', 415],
    ['a key that poisons', '{"value":1,"__proto__":{"a":1}}', 'application/json', 400],
    ['too much', `{"value":"${'x'.repeat(140_000)}"}`, 'application/json', 413],
  ])('takes no body that is %s', async (_what, payload, type, status) => {
    const answer = await rig.app.inject({
      method: 'POST',
      url: '/api/v1/points/ahu1%2Fsat-sp/write',
      headers: {
        host: 'gateway.test',
        'user-agent': 'rig',
        'sec-fetch-site': 'same-origin',
        cookie: carla.cookie,
        'content-type': type,
      },
      payload,
    });
    expect([answer.statusCode, answer.headers['content-type']]).toEqual([
      status,
      expect.stringContaining('application/problem+json'),
    ]);
    expect(rig.plant.writesSeen()).toBe(0);
  });

  it('says of a value what it may be', async () => {
    for (const wrong of [{}, [], { whole: 1 }]) {
      const answer = await carla.ask('POST', '/api/v1/points/ahu1%2Fsat-sp/write', { body: { value: wrong } });
      expect([answer.status, answer.body.errors]).toMatchObject([422, [{ path: 'value' }]]);
      expect(answer.text).toContain('expected a number');
    }
    const inner = await carla.ask('POST', '/api/v1/points/ahu1%2Fsat-sp/write', { body: { value: { integer: 'x' } } });
    expect([inner.status, inner.body.errors]).toMatchObject([422, [{ path: 'value.integer' }]]);
    const none = await carla.ask('POST', '/api/v1/points/ahu1%2Fsat-sp/write', { body: {} });
    expect([none.status, none.body.errors]).toMatchObject([422, [{ path: 'value' }]]);
  });
});
