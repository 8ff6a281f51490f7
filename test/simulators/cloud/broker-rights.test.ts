// The rights that Mosquitto is to give a gateway and the console: complete by the table of topics, enough in practice, no more.

import { chmod, copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connectAsync } from 'mqtt';
import { afterEach, describe, expect, it } from 'vitest';
import { createConsole } from '../../../simulators/cloud/console.ts';
import { TOPICS } from '../../../src/cloud/topics.ts';
import { startGateway } from '../../cloud/gateway.ts';
import { KEYS } from '../../cloud/road.ts';
import { siteBundle } from '../../cloud/site-bundle.ts';
import { startMosquitto } from '../../scenarios/peers/mosquitto.ts';
import { have, run } from '../../scenarios/peers/program.ts';

const EXAMPLE = fileURLToPath(new URL('../../../simulators/cloud/mosquitto.acl', import.meta.url));

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

it('the example has a line for every topic, in its direction', async () => {
  const lines = (await readFile(EXAMPLE, 'utf8')).split('\n').filter((line) => line.startsWith('pattern '));
  const expected = Object.values(TOPICS).map(
    ({ name, way }) => `pattern ${way === 'up' ? 'write' : 'read'} gatehouse/v1/%u/${name}`,
  );
  expect(lines.sort()).toEqual(expected.sort());
});

describe.runIf(have('mosquitto'))('Mosquitto with the example', () => {
  it('lets a gateway do its work, and neither read nor write for another', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'gatehouse-acl-'));
    closers.push(() => rm(folder, { recursive: true, force: true }));
    const at = (name: string) => join(folder, name);
    await copyFile(EXAMPLE, at('acl'));
    await chmod(at('acl'), 0o600);
    for (const [index, user] of ['site-1', 'site-2', 'cloud'].entries()) {
      await run('mosquitto_passwd', ['-b', ...(index === 0 ? ['-c'] : []), at('passwords'), user, `of ${user}`]);
    }
    await writeFile(at('password'), 'of site-1\n', { mode: 0o600 });
    const configuration = [
      'user root',
      'allow_anonymous false',
      `password_file ${at('passwords')}`,
      `acl_file ${at('acl')}`,
    ];
    const broker = await startMosquitto({ configuration });
    closers.push(() => broker.stop());

    const mqtt = { username: 'cloud', password: 'of cloud' };
    const console = await createConsole({ brokerUrl: broker.url, policyKey: KEYS.policy, locksKey: KEYS.locks, mqtt });
    closers.push(() => console.close());
    const settings = { url: broker.url, username: 'site-1', passwordFile: at('password') };
    const gateway = await startGateway('site-1', settings, undefined, { setLocks: () => {} });
    closers.push(() => gateway.cloud.stop());
    await console.push('site-1', siteBundle({ revision: 1, gateway: 'site-1' }));
    expect(await console.waitForReport('site-1', 1)).toMatchObject({ state: 'active' });
    await console.lock('site-1', 1, []);
    await expect.poll(() => gateway.cloud.status().locks).toMatchObject({ revision: 1 });
    expect(gateway.logged.filter(({ event }) => event === 'cloud.publish-denied')).toEqual([]);

    const other = await connectAsync(broker.url, { username: 'site-2', password: 'of site-2', protocolVersion: 5 });
    closers.push(() => other.endAsync(true));
    const heard: string[] = [];
    other.on('message', (topic) => void heard.push(topic));
    await other.subscribeAsync('gatehouse/#', { qos: 1 }).catch(() => {});
    await other.subscribeAsync('gatehouse/v1/site-1/policy/desired', { qos: 1 }).catch(() => {});
    await expect(other.publishAsync('gatehouse/v1/site-1/state', 'x', { qos: 1 })).rejects.toThrow(/Not authorized/);
    await expect(other.publishAsync('gatehouse/v1/site-2/command/1', 'x', { qos: 1 })).rejects.toThrow(
      /Not authorized/,
    );
    await other.publishAsync('gatehouse/v1/site-2/state', '{}', { qos: 1 });
    expect(heard).toEqual([]);
  });
});
