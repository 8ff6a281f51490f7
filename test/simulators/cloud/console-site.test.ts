// The console and a whole gateway, as people use them: enrol, trust, publish, command, lock, audit, passwords, rotation.
// One site, one story; every step stands on the one before.

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startBroker } from '../../../simulators/cloud/broker.ts';
import type { BundleJson } from '../../../simulators/cloud/bundle-parts.ts';
import { gatehouse, type RunningGateway, startGateway } from '../../../simulators/demo/gateway.ts';
import { gatewayConfig } from '../../../simulators/demo/gateway-config.ts';
import { demoBundle, GATEWAY } from '../../../simulators/demo/policy.ts';
import { type RunningPlant, startPlant } from '../../../simulators/modbus/plant.ts';
import { startMosquitto } from '../../scenarios/peers/mosquitto.ts';
import { have } from '../../scenarios/peers/program.ts';
import { type ConsoleWords, consoleIn, type Said } from './console-words.ts';

const closers: (() => Promise<unknown>)[] = [];
afterAll(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

interface Enrolled {
  readonly keys: string;
  readonly root: { readonly fingerprint: string };
}

let folder: string;
let cloud: ConsoleWords;
let plant: RunningPlant;
let gateway: RunningGateway;
let socket: string;
let enrolled: Enrolled;
let config: string;
/** A second window in which the record is followed all the time. */
let following: Promise<Said>;
let interrupt: () => void = () => {};

const policyFile = async (change: (bundle: BundleJson) => BundleJson = (bundle) => bundle): Promise<string> => {
  const file = join(folder, 'policy.json');
  await writeFile(file, JSON.stringify(change(demoBundle(1))));
  return file;
};

/** Anna no longer has the role that lets her write. */
const withoutAnna = (bundle: BundleJson): BundleJson => {
  const [acme] = bundle.organizations as { readonly grants: readonly { readonly to: string }[] }[];
  return { ...bundle, organizations: [{ ...acme, grants: acme?.grants.filter(({ to }) => to !== 'user:anna') }] };
};

const holds = (point: string): unknown => plant.devices.ahu1.bank.get(point);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-console-'));
  closers.push(() => rm(folder, { recursive: true, force: true }));
  let url: string;
  if (have('mosquitto')) {
    const broker = await startMosquitto();
    closers.push(() => broker.stop());
    url = broker.url;
  } else {
    const broker = await startBroker();
    closers.push(() => broker.close());
    url = broker.url;
  }
  const home = join(folder, 'console');
  cloud = consoleIn(home, { secret: 'correct horse battery' });
  await cloud('init', '--broker', url);
  await cloud('root', 'sign', '--key', 'root-1');
  await cloud('root', 'sign', '--key', 'root-2');

  plant = await startPlant();
  closers.push(() => plant.stop());
  socket = join(folder, 'control.sock');
  const ports = { modbus: 0, meters: 0, secure: 0, health: 0 };
  const rootFile = join(home, 'root.json');
  config = join(folder, 'gatehouse.yaml');
  await writeFile(config, gatewayConfig({ rootFile, socket, brokerUrl: url, plant: plant.lines, ports }));
  const { code, stdout, stderr } = await gatehouse([
    'enrol',
    '--config',
    config,
    '--root',
    rootFile,
    '--cloud',
    url,
    '--json',
  ]);
  expect([code, stderr]).toEqual([0, '']);
  enrolled = JSON.parse(stdout) as Enrolled;
});

describe('a site under a console', () => {
  it('is trusted by the fingerprint its people saw, and by no other', async () => {
    expect((await cloud('root', 'show')).out).toContain(enrolled.root.fingerprint);
    expect((await cloud('gateway', 'trust', GATEWAY)).out).toContain(enrolled.keys);
    const wrong = await cloud('gateway', 'trust', GATEWAY, '--fingerprint', '00'.repeat(32));
    expect([wrong.exit, wrong.err]).toEqual([3, expect.stringContaining(enrolled.keys)]);
    expect((await cloud('journal', 'follow', GATEWAY)).exit).toBe(2);
    expect((await cloud('gateway', 'trust', GATEWAY, '--fingerprint', enrolled.keys)).exit).toBe(0);

    const interrupted = new Promise<void>((resolve) => {
      interrupt = resolve;
    });
    following = consoleIn(join(folder, 'console'), { interrupted })('journal', 'follow', GATEWAY);
    gateway = await startGateway(config, () => {});
    closers.push(() => gateway.stop());
  });

  it('gets a policy, and the console says where it stands', async () => {
    const pushed = await cloud('policy', 'push', GATEWAY, await policyFile());
    expect(pushed).toMatchObject({ exit: 0, err: '' });
    expect(pushed.out).toContain('in force: revision 1 is active');
    expect(await cloud('policy', 'status', '--all')).toMatchObject({
      exit: 0,
      out: `${GATEWAY}: in-force, desired 1/1, active 1/1, online\n`,
    });
    expect((await cloud('fleet', 'status')).out).toMatch(/demo: online, version .*, policy in-force \(1\/1\).*root 1/);
  });

  it('does what a permitted person commands, and tells a denied one why', async () => {
    const done = await cloud('command', GATEWAY, 'write', 'ahu1/sat-sp', '21.5', '--as', 'anna');
    expect(done).toMatchObject({ exit: 0, out: expect.stringMatching(/^ahu1\/sat-sp: acknowledged, until .*\n$/) });
    expect(holds('ahu1/sat-sp')).toBe(21.5);
    const read = await cloud('command', GATEWAY, 'read', 'ahu1/sat-sp', '--as', 'ben');
    expect(read).toMatchObject({ exit: 0, out: 'ahu1/sat-sp = 21.5\n' });
    const denied = await cloud('command', GATEWAY, 'write', 'ahu1/sat-sp', '19', '--as', 'ben');
    expect(denied).toMatchObject({ exit: 3, err: expect.stringContaining('denied: no-permission at ahu1/sat-sp') });
    const why = await cloud('command', GATEWAY, 'explain', 'point.write', 'ahu1/sat-sp', '--as', 'ben');
    expect(why.exit).toBe(3);
    expect(why.out).toContain('no-permission');
    expect(holds('ahu1/sat-sp')).toBe(21.5);
  });

  it('does work on devices by jobs: looked at, started, followed to its end', async () => {
    const order = join(folder, 'limits.yaml');
    await writeFile(order, 'kind: alarm-thresholds\ndevices: [ahu1]\nvalues: [{key: sat-hi, value: 27}]\n');
    const before = holds('ahu1/sat-hi');
    const looked = await cloud('job', 'start', GATEWAY, order, '--as', 'carla', '--dry-run');
    expect(looked).toMatchObject({ exit: 0, out: expect.stringContaining('ahu1: permitted, 1 of 1 values differ') });
    const denied = await cloud('job', 'start', GATEWAY, order, '--as', 'anna', '--dry-run');
    expect(denied).toMatchObject({ exit: 3, out: expect.stringContaining('ahu1: denied: no-permission') });
    const refused = await cloud('job', 'start', GATEWAY, order, '--as', 'anna');
    expect(refused).toMatchObject({ exit: 3, err: expect.stringContaining('denied: no-permission') });
    expect(holds('ahu1/sat-hi')).toBe(before);
    const done = await cloud('job', 'start', GATEWAY, order, '--as', 'carla', '--follow');
    expect(done).toMatchObject({ exit: 0, out: expect.stringMatching(/alarm-thresholds done, 1 of 1 ended\n$/) });
    expect(holds('ahu1/sat-hi')).toBe(27);
    const image = '0'.repeat(64);
    const none = await cloud('job', 'firmware', GATEWAY, '--image', image, '--device', 'ahu1', '--as', 'carla');
    expect(none).toMatchObject({ exit: 1, err: expect.stringContaining('job-impossible') });
    for (const act of ['pause', 'approve']) {
      expect(await cloud('job', act, GATEWAY, 'j-none', '--as', 'carla', '--why', 'so')).toMatchObject({
        exit: 1,
        err: expect.stringContaining('job-unknown'),
      });
    }
    expect(
      (await cloud('job', 'firmware', GATEWAY, '--image', image, '--device', 'x', '--as', 'a', '--from', 'now')).exit,
    ).toBe(2);
  });

  it('is stopped by a lock at once, and freed again', async () => {
    const locked = await cloud('lock', 'anna', '--why', 'left today', '--for', '2h');
    expect(locked).toMatchObject({ exit: 0, out: expect.stringContaining('in force on 1 of 1 gateways') });
    expect((await cloud('locks')).out).toMatch(/^anna until .*: left today\n$/);
    const denied = await cloud('command', GATEWAY, 'write', 'ahu1/sat-sp', '18', '--as', 'anna');
    expect(denied).toMatchObject({ exit: 3, err: expect.stringContaining('locked') });
    expect((await cloud('unlock', 'anna')).exit).toBe(0);
    expect((await cloud('command', GATEWAY, 'write', 'ahu1/sat-sp', '20', '--as', 'anna')).exit).toBe(0);
    expect(holds('ahu1/sat-sp')).toBe(20);
  });

  it('sends its record, which is held to the chain, kept and acknowledged', async () => {
    const { stdout } = await gatehouse(['journal', 'verify', '--json', '--data', join(folder, 'data')]);
    const { rows } = JSON.parse(stdout) as { readonly rows: number };
    const kept = async (): Promise<number[]> =>
      (await cloud('journal', 'show', GATEWAY, '--json', '-n', '100000')).out
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { readonly number: number }).number);
    await expect.poll(async () => (await kept()).length).toBeGreaterThanOrEqual(rows);
    interrupt();
    const followed = await following;
    expect(followed).toMatchObject({ exit: 0, err: '' });
    expect(followed.out).toMatch(/ intent .*"principal":"anna"/);
    const numbers = await kept();
    expect(numbers).toEqual(numbers.map((_number, index) => index + 1));
    const status = async () => (await gatehouse(['status', '--json', '--socket', socket])).stdout;
    await expect.poll(async () => await status()).toContain(`"acked":${numbers.at(-1)}`);
    expect((await cloud('journal', 'follow', GATEWAY, '--until', '1')).exit).toBe(0);
  });

  it('is shown what another policy would have changed, before it is sent', async () => {
    const file = await policyFile(withoutAnna);
    const seen = await cloud('policy', 'push', GATEWAY, file, '--dry-run');
    expect(seen.exit).toBe(0);
    expect(seen.out).toContain('- organizations/acme/grants/to user:anna role operator at hq');
    expect(seen.out).toMatch(/row \d+: anna point\.write ahu1\/sat-sp: permit → deny no-permission/);
    expect(seen.out).toContain('nothing was sent');
    expect((await cloud('policy', 'status', GATEWAY)).out).toContain('active 1/1');
    const pushed = await cloud.json<{ revision: number; messages: number; report: { state: string } }>(
      0,
      'policy',
      'push',
      GATEWAY,
      file,
    );
    // A change of rights is the manifest and one part: the inventory is not sent again.
    expect(pushed).toMatchObject({ revision: 2, messages: 2, report: { state: 'active' } });
    expect((await cloud('command', GATEWAY, 'write', 'ahu1/sat-sp', '18', '--as', 'anna')).exit).toBe(3);
  });

  it('never sends what `gatehouse policy check` refuses', async () => {
    const file = await policyFile((bundle) => ({ ...bundle, organizations: [{ id: 'acme' }] }));
    const refused = await cloud('policy', 'push', GATEWAY, file);
    expect(refused.exit).toBe(2);
    expect(refused.err).toContain('organizations.0.name');
    expect(refused.err).toContain('nothing was sent');
  });

  it('gets a password that nobody can read on the broker', async () => {
    const set = await cloud('credentials', 'set-password', 'anna');
    expect(set).toMatchObject({
      exit: 0,
      out: expect.stringContaining('revision 3 with the new password of anna: active'),
    });
    const secret = await readFile(join(folder, 'console', 'passwords.json'), 'utf8');
    expect(secret).toMatch(/"anna": "\$scrypt\$ln=15,r=8,p=1\$/);
    const short = consoleIn(join(folder, 'console'), { secret: 'short' });
    expect((await short('credentials', 'set-password', 'anna')).exit).toBe(2);
    expect((await cloud('credentials', 'set-password', 'nobody')).exit).toBe(2);
  });

  it('follows its cloud to other keys without a visit', async () => {
    await cloud('key', 'rotate', 'policy');
    await cloud('root', 'sign', '--key', 'root-2');
    expect((await cloud('root', 'sign', '--key', 'root-3')).out).toContain('root version 2 is in force');
    expect((await cloud('root', 'push', '--all')).exit).toBe(0);
    await expect.poll(async () => (await cloud('fleet', 'status')).out).toContain('root 2');
    const pushed = await cloud('policy', 'push', GATEWAY, await policyFile());
    expect(pushed.out).toContain('in force: revision 4 is active');
  });
});
