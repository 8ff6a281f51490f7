// The console against a broker and gateways that lag, refuse, say nothing or are not there: every end has its exit code.

import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectAsync, type MqttClient } from 'mqtt';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type RunningBroker, startBroker } from '../../../simulators/cloud/broker.ts';
import { freePort } from '../../../simulators/free-port.ts';
import { commandSchema } from '../../../src/cloud/command-form.ts';
import { openRoot } from '../../../src/cloud/root.ts';
import { openCompact } from '../../../src/cloud/signed-text.ts';
import { startMosquitto } from '../../scenarios/peers/mosquitto.ts';
import { have } from '../../scenarios/peers/program.ts';
import { type ConsoleWords, consoleIn } from './console-words.ts';

let folder: string;
let broker: RunningBroker;
let site: MqttClient;
let cloud: ConsoleWords;
const PASSWORD = 'opens the broker';
const closers: (() => Promise<unknown>)[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-console-'));
  broker = await startBroker(0, '127.0.0.1', {
    authenticate: (_client, username, password, done) =>
      done(null, username === 'site' || (username === 'cloud' && password?.toString() === PASSWORD)),
  });
  site = await connectAsync(broker.url, { username: 'site' });
  const passwordFile = join(folder, 'password');
  await writeFile(passwordFile, `${PASSWORD}\n`);
  cloud = consoleIn(join(folder, 'console'));
  await cloud('init', '--broker', broker.url, '--username', 'cloud', '--password-file', passwordFile);
  for (const key of ['root-1', 'root-2']) await cloud('root', 'sign', '--key', key);
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  await site.endAsync(true);
  await broker.close();
  await rm(folder, { recursive: true, force: true });
});

const retain = (name: string, value: unknown): Promise<unknown> =>
  site.publishAsync(`gatehouse/v1/${name}`, typeof value === 'string' ? value : JSON.stringify(value), {
    qos: 1,
    retain: true,
  });

const manifest = (revision: number): string =>
  `e.${Buffer.from(JSON.stringify({ epoch: 1, revision })).toString('base64url')}.s`;

const report = (revision: number, state: string, code: string | null = null) => ({
  epoch: 1,
  revision,
  manifestSha256: '',
  state,
  code,
  faults: code === null ? [] : [{ path: 'organizations.0', found: 'this', expected: 'that' }],
  notices: [],
  at: '2026-11-22T08:00:00Z',
});

const state = (status: string, revision: number | null) => ({
  status,
  startedAt: '2026-11-22T08:00:00Z',
  version: '1.2.3',
  epoch: revision === null ? null : 1,
  revision,
});

/** Answers every command to `site-1` with these results. */
async function answering(...results: object[]): Promise<string[]> {
  const commands: string[] = [];
  site.on('message', (topic, payload) => {
    const id = topic.split('/').at(-1) ?? '';
    commands.push(payload.toString());
    for (const result of results) {
      site.publish(`gatehouse/v1/site-1/result/${id}`, JSON.stringify({ format: 'gatehouse.result/1', id, ...result }));
    }
  });
  await site.subscribeAsync('gatehouse/v1/site-1/command/+', { qos: 1 });
  return commands;
}

describe('where policies stand', () => {
  it('says who lags, who refused and why, and ends with 1 while anybody does', async () => {
    for (const gateway of ['a', 'b', 'c', 'd']) await retain(`${gateway}/policy/desired`, manifest(2));
    await retain('a/state', state('online', 2));
    await retain('a/policy/reported', report(2, 'active'));
    await retain('b/state', state('offline', 1));
    await retain('b/policy/reported', report(1, 'active'));
    await retain('c/state', state('online', 1));
    await retain('c/policy/reported', report(2, 'refused', 'refused-bundle'));
    await retain('d/state', state('online', 2));
    await retain('d/policy/reported', report(2, 'stale'));
    await retain('e/state', state('online', null));
    const status = await cloud('policy', 'status', '--all');
    expect(status.exit).toBe(1);
    expect(status.out.split('\n')).toEqual([
      'a: in-force, desired 1/2, active 1/2, online',
      'b: lags, desired 1/2, active 1/1, offline',
      'c: refused, desired 1/2, active 1/1, online, `refused-bundle` at 2026-11-22T08:00:00Z',
      '  organizations.0: found this, expected that',
      'd: stale, desired 1/2, active 1/2, online',
      'e: none, nothing desired, nothing active, online',
      '',
    ]);
    expect(await cloud('policy', 'status', 'a')).toMatchObject({ exit: 0 });
    expect(await cloud('policy', 'status')).toMatchObject({ exit: 2, err: expect.stringContaining('--all') });
    expect((await cloud('fleet', 'status')).out).toContain('5 gateways, 4 online, desired policy in force on 1');
  });

  it('is not misled by nonsense on the broker', async () => {
    await retain('a/state', 'nonsense');
    await retain('a/policy/desired', 'nonsense');
    expect((await cloud('policy', 'status', '--all')).out).toBe('a: none, nothing desired, nothing active, offline\n');
  });
});

describe('a command', () => {
  it('is what a gateway takes: signed for it, for now, in that name', async () => {
    const commands = await answering({ state: 'accepted' }, { state: 'done', steps: [] });
    const words = ['--as', 'anna', '--priority', '8', '--min-revision', '3'];
    expect((await cloud('command', 'site-1', 'write', 'ahu1/sp', '-21.5', ...words)).exit).toBe(0);
    const root = await openRoot(readFileSync(join(folder, 'console', 'root.json'), 'utf8'));
    if (!root.ok) throw new Error('no root');
    const opened = await openCompact(commands[0] ?? '', 'gatehouse.command+jws', (kid) =>
      root.value.keyFor('commands', kid),
    );
    if (!opened.ok) throw new Error(opened.fault);
    const command = commandSchema.parse(JSON.parse(Buffer.from(opened.value.payload).toString()));
    expect(command).toMatchObject({
      sub: 'anna',
      aud: 'site-1',
      minRevision: 3,
      operation: { op: 'write', target: 'ahu1/sp', value: -21.5, priority: 8 },
    });
    expect(command.exp - command.iat).toBe(60);
  });

  it.each([
    [
      3,
      'denied: locked at ahu1/sp',
      { state: 'refused', code: 'denied', text: 'x', denial: { reason: 'locked', target: 'ahu1/sp' } },
    ],
    [1, 'refused: `policy-too-old`', { state: 'refused', code: 'policy-too-old', text: 'x' }],
    [
      1,
      'ahu1/sp: refused-by-device (busy)',
      { state: 'done', steps: [{ targets: ['ahu1/sp'], outcome: { kind: 'refused-by-device', answer: 'busy' } }] },
    ],
    [0, 'ahu1/sp = 3', { state: 'done', readings: [{ target: 'ahu1/sp', ok: true, value: 3 }] }],
    [1, 'ahu1/sp: no-role', { state: 'done', readings: [{ target: 'ahu1/sp', ok: false, why: 'no-role' }] }],
    [3, 'because', { state: 'done', explanation: { decision: 'deny', text: 'because' } }],
  ])('ends with %i: %s', async (exit, text, result) => {
    await answering(result);
    const said = await cloud('command', 'site-1', 'release', 'ahu1/sp', '--as', 'anna');
    expect([said.exit, said.out + said.err]).toEqual([exit, expect.stringContaining(text)]);
  });

  it('that nobody answers has expired, and says so', async () => {
    const said = await cloud('command', 'site-1', 'read', 'ahu1/sp', '--as', 'anna', '--for', '1s');
    expect([said.exit, said.err]).toEqual([1, expect.stringContaining('said nothing within 1 s')]);
  });

  it.each([
    [['write', 'p'], 'other than a point and a value'],
    [['write', 'p', '{}'], 'expected a number'],
    [['release', 'p', '3'], 'more than a point'],
    [['dance', 'p'], 'expected write, release, read or explain'],
    [['read', 'p', '--for', '2h'], 'at most `1h`'],
    [['read', 'p', '--for', 'soon'], 'got duration `soon`'],
    [['write', 'p', '1', '--priority', '0'], 'expected a whole number from 1'],
  ])('%j is bad input', async (words, why) => {
    const said = await cloud('command', 'site-1', ...words, '--as', 'anna');
    expect([said.exit, said.err]).toEqual([2, expect.stringContaining(why)]);
  });
});

describe('a lock', () => {
  it('that no gateway confirms is said, and kept for those who come later', async () => {
    await retain('a/state', state('offline', null));
    const locked = await cloud('lock', 'ops', '--group', '--why', 'drill', '--wait', '1s');
    expect([locked.exit, locked.out]).toEqual([1, expect.stringContaining('not confirmed yet by a')]);
    const [entry] = await cloud.json<{ group: string; until: string }[]>(0, 'locks');
    expect(entry).toMatchObject({ group: 'ops', why: 'drill' });
    expect((await cloud('unlock', 'anna')).exit).toBe(2);
    expect((await cloud('lock', 'anna', '--why', 'x', '--for', '8d')).err).toContain('at most `7d`');
    expect((await cloud('lock', 'anna', '--why', 'x', '--group', '--role')).err).toContain('expected one of them');
  });

  it('that a gateway refuses ends with 1', async () => {
    await retain('a/state', state('online', null));
    site.on('message', () => {
      void retain('a/policy/locks/reported', { epoch: 1, revision: 1, state: 'refused', code: 'below-floor' });
    });
    await site.subscribeAsync('gatehouse/v1/a/policy/locks', { qos: 1 });
    const locked = await cloud('lock', 'anna', '--why', 'x');
    expect([locked.exit, locked.out]).toEqual([1, expect.stringContaining('refused by a')]);
  });
});

describe.runIf(have('mosquitto'))('a large fleet', () => {
  it('is seen whole through a broker that queues only a thousand messages for one listener', async () => {
    const mosquitto = await startMosquitto();
    closers.push(() => mosquitto.stop());
    const client = await connectAsync(mosquitto.url);
    closers.push(() => client.endAsync(true));
    const many = Array.from({ length: 3000 }, (_, index) => `gatehouse/v1/site-${index}/state`);
    const text = JSON.stringify(state('online', null));
    await Promise.all(many.map((topic) => client.publishAsync(topic, text, { qos: 1, retain: true })));
    const other = consoleIn(join(folder, 'large'));
    await other('init', '--broker', mosquitto.url);
    const { gateways, online } = await other.json<{ gateways: number; online: number }>(1, 'fleet', 'status');
    expect([gateways, online]).toEqual([3000, 3000]);
  });
});

describe('a broker', () => {
  it('that is not there or lets nobody in is said plainly', async () => {
    const other = consoleIn(join(folder, 'other'));
    await other('init', '--broker', `mqtt://127.0.0.1:${await freePort()}`);
    expect(await other('fleet', 'status')).toMatchObject({
      exit: 1,
      err: expect.stringContaining('could not connect to'),
    });
    const stranger = consoleIn(join(folder, 'stranger'));
    await stranger('init', '--broker', broker.url);
    expect(await stranger('fleet', 'status')).toMatchObject({
      exit: 1,
      err: expect.stringContaining('could not connect to'),
    });
    const missing = consoleIn(join(folder, 'missing'));
    await missing('init', '--broker', broker.url, '--ca', 'none.pem');
    expect(await missing('fleet', 'status')).toMatchObject({ exit: 2, err: expect.stringContaining('none.pem') });
  });

  it('and a gateway’s name that is no topic level is bad input', async () => {
    for (const name of ['a/b', '+', '#', '..', '']) {
      expect((await cloud('gateway', 'trust', name)).exit).toBe(2);
    }
    expect((await cloud('gateway', 'trust', 'silent')).err).toContain('has not said its keys');
  });
});
