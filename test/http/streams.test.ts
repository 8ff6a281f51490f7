// Event streams over real TLS: values as they change, revocation that closes, bounds in number and in what a slow reader holds.

import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { connect as connectPlain } from 'node:net';
import { connect } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { whoIs } from '../../src/gate/describe.ts';
import { driverName } from '../../src/model/ids.ts';
import type { JournalRow } from '../../src/model/journal-row.ts';
import { RawClient } from '../drivers/modbus/rig.ts';
import { until } from '../scenarios/daemon-rig.ts';
import { type HttpRig, startHttpRig } from './rig.ts';
import { OTHER_POINT, TOKEN } from './site-bundle.ts';

let rig: HttpRig;
let port: number;
const open: { destroy(): void }[] = [];
let chunks = 0;
const LOST = { kind: 'unknown', why: 'no answer' } as const;
beforeEach(async () => {
  rig = await startHttpRig({ settings: { mostStreams: 12 } });
  port = await rig.listen();
});
afterEach(async () => {
  for (const each of open.splice(0)) each.destroy();
  await rig.stop();
});

interface Heard {
  readonly status: number;
  readonly events: { readonly event: string; readonly data: { readonly [key: string]: unknown } }[];
  readonly isOver: () => boolean;
}

async function listen(cookie: string, path: string, headers: { readonly [name: string]: string } = {}): Promise<Heard> {
  const asked = request({
    host: '127.0.0.1',
    port,
    path,
    agent: false,
    rejectUnauthorized: false,
    headers: { cookie, 'user-agent': 'rig', ...headers },
  });
  open.push(asked);
  asked.on('error', () => {});
  asked.end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  const events: Heard['events'] = [];
  let over = false;
  let text = '';
  response.setEncoding('utf8');
  response.on('data', (chunk: string) => {
    chunks += 1;
    text += chunk;
    const parts = text.split('\n\n');
    text = parts.pop() ?? '';
    for (const part of parts) {
      const [, event, data] = /^event: (.*)\ndata: (.*)$/s.exec(part) ?? [];
      if (event !== undefined && data !== undefined) events.push({ event, data: JSON.parse(data) });
    }
  });
  response.on('close', () => {
    over = true;
  });
  response.on('error', () => {});
  return { status: response.statusCode ?? 0, events, isOver: () => over };
}

const live = (...points: string[]): string => `/api/v1/live?points=${points.map(encodeURIComponent).join(',')}`;

describe('live values', () => {
  it('come when they change, and what may not be seen is gone like what does not exist', async () => {
    const anna = await rig.as('anna');
    const heard = await listen(anna.cookie, live('ahu1/sat-sp', OTHER_POINT, 'nowhere/nothing'));
    await until('the first value is heard', () => heard.events.some(({ data }) => data.value === 18));
    const gone = heard.events.filter(({ event }) => event === 'gone').map(({ data }) => data.id);
    expect(gone).toEqual([OTHER_POINT, 'nowhere/nothing']);
    await anna.ask('POST', '/api/v1/points/ahu1%2Fsat-sp/write', { body: { value: 21 } });
    await until('the change is heard', () => heard.events.some(({ data }) => data.value === 21));
  });

  it('are read once for everybody, and not when nobody looks', async () => {
    const anna = await rig.as('anna');
    const ben = await rig.as('ben');
    const streams = await Promise.all([anna, anna, ben, ben].map(({ cookie }) => listen(cookie, live('ahu1/sat'))));
    await until('all hear', () => streams.every(({ events }) => events.some(({ data }) => 'value' in data)));
    const { record } = rig.plant.devices.ahu1;
    const before = record.readsSeen();
    const began = Date.now();
    await until('some rounds pass', () => record.readsSeen() > before + 3);
    expect(record.readsSeen() - before).toBeLessThanOrEqual((Date.now() - began) / 50 + 2);
    expect(rig.context.live.looked).toBe(1);
    for (const each of open.splice(0)) each.destroy();
    await until('nobody looks', () => rig.context.live.looked === 0);
  });

  it('say bad, with the old value, while the device is silent', async () => {
    const anna = await rig.as('anna');
    const heard = await listen(anna.cookie, live('ahu1/sat-sp'));
    await until('a value is heard', () => heard.events.some(({ data }) => data.quality === 'good'));
    rig.plant.devices.ahu1.fail({ kind: 'silence' });
    await until('it is bad', () => heard.events.some(({ data }) => data.quality === 'bad' && data.value === 18));
  });
});

describe('a stream', () => {
  it('ends at once with the person: locked, revoked, signed out', async () => {
    const ends = async (heard: Heard): Promise<unknown> => {
      await until('it is over', heard.isOver);
      return heard.events.at(-1);
    };
    const anna = await rig.as('anna');
    const locked = await listen(anna.cookie, live('ahu1/sat'));
    await rig.activate({ revision: 2, locks: [{ id: 'stop', why: 'test', principal: 'anna' }] });
    expect(await ends(locked)).toMatchObject({ event: 'end', data: { why: 'revoked' } });
    await rig.activate({ revision: 3 });
    const ben = await rig.as('ben');
    const left = await listen(ben.cookie, live('ahu1/sat'));
    await ben.ask('POST', '/api/v1/sign-out');
    expect(await ends(left)).toMatchObject({ event: 'end', data: { why: 'signed-out' } });
  });

  it.each<[string, string, () => Promise<unknown>]>([
    ['who is disabled', 'revoked', () => rig.activate({ revision: 2, people: { ben: { disabled: true } } })],
    [
      'whose session an administrator ended',
      'signed-out',
      async () => {
        const carla = await rig.as('carla');
        const { items } = await carla.ask('GET', '/api/v1/sessions');
        const theirs = items.find(({ principal }) => principal === 'ben');
        return carla.ask('DELETE', `/api/v1/sessions/${theirs?.id}`);
      },
    ],
    [
      'who was idle',
      'signed-out',
      async () => {
        rig.time.shift += 1_800_000;
        rig.context.streams.lookAgain();
      },
    ],
    [
      'whose group was locked from a time on',
      'revoked',
      async () => {
        const from = new Date(rig.time.now() + 60_000).toISOString();
        await rig.activate({ revision: 2, locks: [{ id: 'later', why: 'test', principal: 'ben', from }] });
        rig.time.shift += 60_001;
        rig.context.streams.lookAgain();
      },
    ],
  ])('ends with the person %s, and so does what it follows of a tool', async (_what, why, happens) => {
    const ben = await rig.as('ben');
    const claimed = await ben.ask('POST', '/api/v1/tool-sessions', { body: {}, from: '127.0.0.43' });
    const { id } = claimed.body.session as unknown as { readonly id: string };
    const heard = [
      await listen(ben.cookie, live('ahu1/sat')),
      await listen(ben.cookie, `/api/v1/tool-sessions/${id}/events`),
    ];
    expect(heard.map(({ status }) => status)).toEqual([200, 200]);
    await happens();
    await until('both are over', () => heard.every(({ isOver }) => isOver()));
    for (const each of heard) expect(each.events.at(-1)).toMatchObject({ event: 'end', data: { why } });
    expect((await ben.ask('GET', '/api/v1/me')).status).toBe(401);
    expect(rig.gate.sessions()).toEqual([]);
  });

  it('of an application ends with its token', async () => {
    const bearer = { authorization: `Bearer ${TOKEN}` };
    const heard = await listen('', live('chiller1/load'), bearer);
    await rig.activate({ revision: 2, people: { optimizer: { tokens: [`sha256:${'0'.repeat(64)}`] } } });
    await until('it is over', heard.isOver);
    expect(heard.events.at(-1)).toMatchObject({ event: 'end', data: { why: 'signed-out' } });
    expect((await listen('', live('chiller1/load'), bearer)).status).toBe(401);
  });

  it('takes what one turn brought as one write', async () => {
    const anna = await rig.as('anna');
    const heard = await listen(anna.cookie, live('ahu1/sat'));
    const [stream] = rig.context.streams.all();
    await new Promise((resolve) => setImmediate(resolve));
    const before = chunks;
    for (let n = 0; n < 50; n += 1) stream?.send('value', { n });
    await until('they are heard', () => heard.events.filter(({ data }) => 'n' in data).length === 50);
    // The plant's own values may come in between.
    expect(chunks - before).toBeLessThan(5);
  });

  it('hears no more of a point whose right was taken away', async () => {
    const anna = await rig.as('anna');
    const heard = await listen(anna.cookie, live('ahu1/sat-sp'));
    await until('a value is heard', () => heard.events.some(({ data }) => 'value' in data));
    await rig.activate({ revision: 2, grants: [{ to: 'user:anna', role: 'viewer', at: 'chiller1' }] });
    await until('it is gone', () => heard.events.some(({ event }) => event === 'gone'));
    rig.plant.devices.ahu1.bank.set('ahu1/sat-sp', 23);
    const { record } = rig.plant.devices.ahu1;
    const reads = record.readsSeen();
    await until('it was read again', () => record.readsSeen() > reads + 2);
    expect(heard.events.at(-1)).toMatchObject({ event: 'gone', data: { id: 'ahu1/sat-sp' } });
  });

  it('is one of few: eight for a person, and a bound for all', async () => {
    const anna = await rig.as('anna');
    const ben = await rig.as('ben');
    const statuses: number[] = [];
    for (let n = 0; n < 10; n += 1) statuses.push((await listen(anna.cookie, live('ahu1/sat'))).status);
    for (let n = 0; n < 6; n += 1) statuses.push((await listen(ben.cookie, live('ahu1/sat'))).status);
    const fits = (n: number) => Array.from({ length: n }, () => 200);
    expect(statuses).toEqual([...fits(8), 429, 429, ...fits(4), 429, 429]);
    const tooLong = await anna.ask('GET', live(...Array.from({ length: 257 }, (_, n) => `p${n}`)));
    expect(tooLong.status).toBe(422);
  });

  it('of somebody who never reads is dropped', async () => {
    const anna = await rig.as('anna');
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false });
    open.push(socket);
    socket.on('error', () => {});
    await once(socket, 'secureConnect');
    socket.pause();
    socket.write(
      `GET ${live('ahu1/sat')} HTTP/1.1\r\nhost: gateway.test\r\nuser-agent: rig\r\ncookie: ${anna.cookie}\r\n\r\n`,
    );
    await until('the stream is open', () => rig.context.streams.size === 1);
    const [stream] = rig.context.streams.all();
    const large = 'x'.repeat(60_000);
    for (let n = 0; n < 400 && rig.context.streams.size > 0; n += 1) {
      stream?.send('value', { large });
      if (n % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    expect(rig.context.streams.size).toBe(0);
  });

  it('is not for nobody', async () => {
    expect((await listen('', live('ahu1/sat'))).status).toBe(401);
  });
});

describe('what a tool does', () => {
  it('is heard live by its owner, with the outcome, until the session is over', async () => {
    const anna = await rig.as('anna');
    const claimed = await anna.ask('POST', '/api/v1/tool-sessions', { body: {}, from: '127.0.0.41' });
    const { id } = claimed.body.session as unknown as { readonly id: string };
    const heard = await listen(anna.cookie, `/api/v1/tool-sessions/${id}/events`);
    const ben = await rig.as('ben');
    expect((await listen(ben.cookie, `/api/v1/tool-sessions/${id}/events`)).status).toBe(404);
    const { pointAt } = (await anna.ask('GET', '/api/v1/tool-sessions')).body as unknown as {
      pointAt: { listeners: readonly { port: number }[] };
    };
    const socket = connectPlain({
      host: '127.0.0.1',
      port: pointAt.listeners[0]?.port ?? 0,
      localAddress: '127.0.0.41',
    });
    await once(socket, 'connect');
    const tool = new RawClient(socket);
    expect(await tool.ask(1, '06 00 6e 01 90')).toMatch(/^06/);
    await tool.end();
    const kinds = () => heard.events.map(({ data }) => (data.row as { readonly kind?: string } | undefined)?.kind);
    await until('intent and outcome are heard', () => kinds().includes('intent') && kinds().includes('outcome'));
    await anna.ask('DELETE', `/api/v1/tool-sessions/${id}`);
    await until('the end is heard', () => heard.events.some(({ event }) => event === 'over'));
  });

  it('is no way to names and values for who only looks after sessions, nor by a refusal or an outcome', async () => {
    const grants = [
      { to: 'user:anna', role: 'operator', at: 'ahu1' },
      { to: 'user:eve', permissions: ['user.manage'], at: 'root' },
    ];
    await rig.activate({ revision: 2, grants });
    const anna = await rig.as('anna');
    const eve = await rig.as('eve');
    const claimed = await anna.ask('POST', '/api/v1/tool-sessions', { body: {}, from: '127.0.0.44' });
    const { id } = claimed.body.session as unknown as { readonly id: string };
    const looking = await listen(eve.cookie, `/api/v1/tool-sessions/${id}/events`);
    const owner = await listen(anna.cookie, `/api/v1/tool-sessions/${id}/events`);
    expect([looking.status, owner.status]).toEqual([200, 200]);
    const peer = { driver: driverName('modbus'), listener: 'north', address: '127.0.0.44', port: 1 };
    const who = whoIs(rig.gate.callerOf(peer));
    const rows: JournalRow[] = [];
    const at = rig.time.now();
    const effects = [{ target: 'ahu1/sat-sp', action: 'point.write' }];
    const intent = { kind: 'intent', at, who, operation: 'w', effects, revision: 2, by: 'permit' } as const;
    const readBack = [{ target: 'ahu1/sat-sp', value: 22 }];
    rows.push({ ...intent, decision: 'd-1' }, { kind: 'outcome', at, decision: 'd-1', outcome: LOST, readBack });
    const refusal = { kind: 'refusal', at, who, operation: 'r', reason: 'unsupported', effects: [], count: 1 } as const;
    rows.push({ ...refusal, decision: 'd-2', target: 'chiller1', detail: '' });
    rows.push({ ...refusal, decision: 'd-3', target: 'ahu1', detail: '' });
    for (const row of rows) await rig.journal.append(row);
    await anna.ask('DELETE', `/api/v1/tool-sessions/${id}`);
    const isOver = ({ events }: Heard) => events.some(({ event }) => event === 'over');
    await until('both hear the end', () => isOver(looking) && isOver(owner));
    const decisions = ({ events }: Heard) =>
      events.map(({ data }) => (data.row as { readonly decision?: string } | undefined)?.decision);
    // The chiller is not Anna's to see.
    expect(decisions(owner)).toEqual(['d-1', 'd-1', 'd-3', undefined]);
    expect(decisions(looking)).toEqual([undefined]);
  });
});
