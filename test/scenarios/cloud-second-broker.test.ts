// The whole road of policy over a second real broker, written by other people in another language: what Mosquitto happens
// to do is not taken for what MQTT says.

import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectAsync } from 'mqtt';
import { afterEach, describe, expect, it } from 'vitest';
import { createConsole } from '../../simulators/cloud/console.ts';
import type { FastLock } from '../../src/policy/lock.ts';
import { startGateway } from '../cloud/gateway.ts';
import { KEYS } from '../cloud/road.ts';
import { siteBundle } from '../cloud/site-bundle.ts';
import { EJABBERD_LOGIN, startEjabberd } from './peers/ejabberd.ts';
import { have } from './peers/program.ts';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function begin(site: string) {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-second-'));
  closers.push(() => rm(folder, { recursive: true, force: true }));
  const passwordFile = join(folder, 'password');
  writeFileSync(passwordFile, `${EJABBERD_LOGIN.password}\n`, { mode: 0o600 });
  const broker = await startEjabberd();
  closers.push(() => broker.stop());
  const console = await createConsole({
    brokerUrl: broker.url,
    policyKey: KEYS.policy,
    locksKey: KEYS.locks,
    mqtt: EJABBERD_LOGIN,
  });
  closers.push(() => console.close());
  const lists: (readonly FastLock[])[] = [];
  const settings = { url: broker.url, username: site, passwordFile };
  const gateway = await startGateway(site, settings, undefined, { setLocks: (locks) => void lists.push(locks) });
  closers.push(() => gateway.cloud.stop());
  return { broker, console, gateway, lists };
}

describe.runIf(have('ejabberdctl'))('policy over ejabberd', () => {
  it('is in force after a push, in MQTT 5; the next push is a delta; locks stand beside it', async () => {
    const { broker, console, gateway, lists } = await begin('site-1');
    expect(await console.waitForStatus('site-1', 'online')).toMatchObject({ revision: null });
    expect(gateway.cloud.status().link).toEqual({ is: 'connected', mqtt: '5' });
    await console.push('site-1', siteBundle({ revision: 1, gateway: 'site-1' }));
    expect(await console.waitForReport('site-1', 1)).toMatchObject({ state: 'active', code: null });
    const second = await console.push('site-1', siteBundle({ revision: 2, gateway: 'site-1', operator: 'ben' }));
    expect(second.messages).toBe(2);
    expect(await console.waitForReport('site-1', 2)).toMatchObject({ state: 'active' });
    expect([gateway.mayWrite('anna'), gateway.mayWrite('ben')]).toEqual([false, true]);

    const until = new Date(Date.now() + 3_600_000).toISOString();
    await console.lock('site-1', 1, [{ id: 'ben', why: 'left today', principal: 'ben', until }]);
    await expect.poll(() => lists).toMatchObject([[{ principal: 'ben' }]]);

    const client = await connectAsync(broker.url, EJABBERD_LOGIN);
    closers.push(() => client.endAsync(true));
    const topics = new Set<string>();
    client.on('message', (topic) => void topics.add(topic));
    await client.subscribeAsync('gatehouse/v1/site-1/#', { qos: 1 });
    await expect.poll(() => [...topics].filter((topic) => topic.includes('/parts/'))).toHaveLength(3);
  });

  it('a part of many chunks is whole', async () => {
    const { console } = await begin('site-2');
    const pushed = await console.push('site-2', siteBundle({ revision: 1, gateway: 'site-2', points: 20_000 }));
    expect(pushed.messages).toBeGreaterThan(5);
    expect(await console.waitForReport('site-2', 1, 30_000)).toMatchObject({ state: 'active' });
  });

  it('the gateway comes back after the broker did, and finds what is new', async () => {
    const { broker, console, gateway } = await begin('site-3');
    await console.push('site-3', siteBundle({ revision: 1, gateway: 'site-3' }));
    await console.waitForReport('site-3', 1);
    await broker.stop();
    await expect.poll(() => gateway.cloud.status().link.is).toBe('waiting');
    const back = await startEjabberd({ port: broker.port });
    closers.push(() => back.stop());
    await expect.poll(() => gateway.cloud.status().link.is).toBe('connected');
    await console.push('site-3', siteBundle({ revision: 2, gateway: 'site-3', operator: 'ben' }));
    expect(await console.waitForReport('site-3', 2)).toMatchObject({ state: 'active' });
    expect(gateway.mayWrite('anna')).toBe(false);
  });
});
