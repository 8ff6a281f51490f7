// The whole road over brokers: the embedded one (MQTT 3.1.1) and the real Mosquitto (MQTT 5).

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectAsync, MqttClient } from 'mqtt';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { startBroker } from '../../simulators/cloud/broker.ts';
import { type CloudConsole, createConsole } from '../../simulators/cloud/console.ts';
import { freePort } from '../../simulators/free-port.ts';
import { Connection, USUAL_TIMING } from '../../src/cloud/connection.ts';
import type { FastLock } from '../../src/policy/lock.ts';
import { openPolicyStore } from '../../src/store/policy-store.ts';
import { startMosquitto } from '../scenarios/peers/mosquitto.ts';
import { have, run } from '../scenarios/peers/program.ts';
import { realTimers, startGateway, type TestGateway } from './gateway.ts';
import { MemoryDisk, openMemoryStore } from './memory-policy-store.ts';
import { KEYS } from './road.ts';
import { siteBundle } from './site-bundle.ts';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function consoleAt(brokerUrl: string): Promise<CloudConsole> {
  const console = await createConsole({ brokerUrl, policyKey: KEYS.policy, locksKey: KEYS.locks });
  closers.push(() => console.close());
  return console;
}

async function gatewayAt(...args: Parameters<typeof startGateway>): Promise<TestGateway> {
  const gateway = await startGateway(...args);
  closers.push(() => gateway.cloud.stop());
  return gateway;
}

async function retainedTopics(url: string): Promise<string[]> {
  const client = await connectAsync(url, { protocolVersion: 4 });
  const topics: string[] = [];
  const end = new Promise<void>((resolve) => {
    client.on('message', (topic, payload) => {
      if (topic === 'end/of/list') resolve();
      else if (payload.length > 0) topics.push(topic);
    });
  });
  await client.subscribeAsync('gatehouse/#', { qos: 1 });
  await client.subscribeAsync('end/of/list', { qos: 1 });
  await client.publishAsync('end/of/list', 'x', { qos: 1 });
  await end;
  await client.endAsync(true);
  return topics.sort();
}

interface Running {
  readonly url: string;
  readonly port: number;
  stop(): Promise<void>;
}

const brokers: readonly { name: string; mqtt: string; here: boolean; start(port?: number): Promise<Running> }[] = [
  {
    name: 'the embedded broker',
    mqtt: '3.1.1',
    here: true,
    async start(port = 0) {
      const { url, port: bound, close } = await startBroker(port);
      return { url, port: bound, stop: close };
    },
  },
  {
    name: 'Mosquitto',
    mqtt: '5',
    here: have('mosquitto'),
    start: (port) => startMosquitto(port === undefined ? {} : { port }),
  },
];

for (const { name, mqtt, here, start } of brokers) {
  if (!here) process.stdout.write(`policy over ${name} is not tested: the program is not installed\n`);
  describe.skipIf(!here)(`policy over ${name}`, () => {
    const begin = async (): Promise<Running> => {
      const broker = await start();
      closers.push(() => broker.stop());
      return broker;
    };

    it('is in force after a push, refused with its code, and the broker is left tidy', async () => {
      const broker = await begin();
      const console = await consoleAt(broker.url);
      const gateway = await gatewayAt('site-1', { url: broker.url });
      expect(await console.waitForStatus('site-1', 'online')).toMatchObject({ version: '0.0.0-test' });
      expect(gateway.cloud.status().link).toEqual({ is: 'connected', mqtt });

      await console.push('site-1', siteBundle({ revision: 1, gateway: 'site-1' }));
      expect(await console.waitForReport('site-1', 1)).toMatchObject({ state: 'active', code: null });
      expect([gateway.mayWrite('anna'), gateway.mayWrite('ben')]).toEqual([true, false]);

      const second = await console.push('site-1', siteBundle({ revision: 2, gateway: 'site-1', operator: 'ben' }));
      expect(await console.waitForReport('site-1', 2)).toMatchObject({ state: 'active' });
      expect([gateway.mayWrite('anna'), gateway.mayWrite('ben')]).toEqual([false, true]);
      expect(second.messages).toBe(2);

      await console.push('site-1', siteBundle({ revision: 3, gateway: 'site-1', operator: 'nobody' }));
      const refused = await console.waitForReport('site-1', 3);
      expect(refused).toMatchObject({ state: 'refused', code: 'refused-bundle' });
      expect(refused.faults[0]?.path).toBe('organizations.0.grants.0.to');
      expect([gateway.mayWrite('anna'), gateway.mayWrite('ben')]).toEqual([false, true]);

      const topics = (await retainedTopics(broker.url)).filter((topic) => topic.includes('/parts/'));
      expect(topics).toHaveLength(3);
    });

    it('finds what was pushed while it was away, and boots without a broker', async () => {
      const broker = await begin();
      const console = await consoleAt(broker.url);
      await console.push('site-2', siteBundle({ revision: 7, gateway: 'site-2' }));
      const disk = new MemoryDisk();
      const first = await startGateway('site-2', { url: broker.url }, openMemoryStore(disk));
      expect(await console.waitForReport('site-2', 7)).toMatchObject({ state: 'active' });
      await first.cloud.stop();
      expect(await console.waitForStatus('site-2', 'offline')).toMatchObject({ revision: 7 });
      await broker.stop();
      const again = await gatewayAt('site-2', { url: broker.url }, openMemoryStore(disk));
      expect(again.mayWrite('anna')).toBe(true);
      expect(again.cloud.status().active).toMatchObject({ revision: 7 });
      await expect.poll(() => again.cloud.status().link.is).toBe('waiting');
    });

    it('has locks in force beside the policy', async () => {
      const broker = await begin();
      const console = await consoleAt(broker.url);
      const lists: (readonly FastLock[])[] = [];
      const change = { setLocks: (locks: readonly FastLock[]) => void lists.push(locks) };
      const gateway = await gatewayAt('site-7', { url: broker.url }, undefined, change);
      const until = new Date(Date.now() + 3_600_000).toISOString();
      await console.lock('site-7', 1, [{ id: 'ben', why: 'left today', principal: 'ben', until }]);
      await expect.poll(() => lists).toMatchObject([[{ principal: 'ben', until: Date.parse(until) }]]);
      expect(gateway.cloud.status().locks).toEqual({ epoch: 1, revision: 1, count: 1 });
    });

    // Once is enough, over the real broker where there is one.
    const large = mqtt === '5' || !have('mosquitto');
    it(large ? 'takes 100 000 points' : 'takes 5 000 points', async () => {
      const broker = await begin();
      const console = await consoleAt(broker.url);
      await gatewayAt('site-3', { url: broker.url });
      const pushed = await console.push(
        'site-3',
        siteBundle({ revision: 1, gateway: 'site-3', points: large ? 100_000 : 5_000 }),
      );
      expect(pushed.messages).toBeGreaterThan(large ? 10 : 3);
      expect(await console.waitForReport('site-3', 1, 50_000)).toMatchObject({ state: 'active' });
    });

    it('comes back after the broker did, with a jittered pause', async () => {
      const broker = await begin();
      const console = await consoleAt(broker.url);
      const gateway = await gatewayAt('site-4', { url: broker.url });
      await console.push('site-4', siteBundle({ revision: 1, gateway: 'site-4' }));
      await console.waitForReport('site-4', 1);
      await broker.stop();
      await expect.poll(() => gateway.cloud.status().link.is).toBe('waiting');
      const back = await start(broker.port);
      closers.push(() => back.stop());
      await expect.poll(() => gateway.cloud.status().link.is).toBe('connected');
      await console.push('site-4', siteBundle({ revision: 2, gateway: 'site-4', operator: 'ben' }));
      expect(await console.waitForReport('site-4', 2)).toMatchObject({ state: 'active' });
      expect(gateway.mayWrite('anna')).toBe(false);
      expect(gateway.logged.map(({ event }) => event)).toContain('cloud.lost');
    });

    it('refuses a retained message larger than the bound once, and everything else goes on', async () => {
      const broker = await begin();
      const client = await connectAsync(broker.url, { protocolVersion: 4 });
      closers.push(() => client.endAsync(true));
      const huge = Buffer.alloc(1_000_000, 'a');
      for (const key of ['policy/desired', 'policy/locks', 'root']) {
        await client.publishAsync(`gatehouse/v1/site-5/${key}`, huge, { qos: 1, retain: true });
      }
      const gateway = await gatewayAt('site-5', { url: broker.url });
      const refusals = () =>
        gateway.logged.flatMap(({ event, text }) =>
          event === 'policy.refused' && /too-large/.test(text) ? [text] : [],
        );
      // MQTT 5 lets the gateway say its bound, and the broker keeps such a message to itself.
      const expected = mqtt === '3.1.1' ? 1 : 0;
      await expect.poll(() => gateway.cloud.status().link.is).toBe('connected');
      await expect.poll(() => refusals()).toHaveLength(expected);
      const console = await consoleAt(broker.url);
      await console.push('site-5', siteBundle({ revision: 1, gateway: 'site-5' }));
      expect(await console.waitForReport('site-5', 1)).toMatchObject({ state: 'active' });
      expect(refusals()).toHaveLength(expected);
      expect(gateway.logged.map(({ event }) => event)).not.toContain('cloud.lost');
    });

    it('asks for the chunks of many parts at most eight filters at a time', async () => {
      const broker = await begin();
      const asked: number[] = [];
      const { subscribe } = MqttClient.prototype;
      const spy = vi.spyOn(MqttClient.prototype, 'subscribe').mockImplementation(function (this: MqttClient, ...args) {
        asked.push(Array.isArray(args[0]) ? args[0].length : 1);
        return subscribe.apply(this, args);
      });
      closers.push(async () => spy.mockRestore());
      const heard: string[] = [];
      const line = new Connection({
        settings: { url: broker.url },
        clientId: 'gatehouse-many',
        timing: { ...USUAL_TIMING, firstMs: 20 },
        timers: realTimers,
        log: { write() {} },
        random: Math.random,
        will: { topic: 'gatehouse/v1/many/state', payload: '' },
        subscriptions: [],
        message: (topic) => heard.push(topic),
      });
      closers.push(() => line.stop());
      const topics = Array.from({ length: 20 }, (_, index) => `gatehouse/v1/many/policy/parts/${index}/0`);
      line.subscribeAlso(topics);
      line.start();
      await expect.poll(() => line.state().is).toBe('connected');
      const client = await connectAsync(broker.url, { protocolVersion: 4 });
      closers.push(() => client.endAsync(true));
      for (const topic of topics) await client.publishAsync(topic, 'x', { qos: 1, retain: true });
      await expect.poll(() => new Set(heard).size).toBe(20);
      expect(asked).toEqual([8, 8, 4]);
    });
  });
}

describe('a broker with rights of its own', () => {
  it.skipIf(!have('mosquitto'))('that denies publishing: policy comes down all the same, the log says so', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'gatehouse-acl-'));
    closers.push(() => rm(folder, { recursive: true, force: true }));
    const rights = 'topic read gatehouse/#\nuser console\ntopic readwrite gatehouse/#\n';
    await writeFile(join(folder, 'acl'), rights, { mode: 0o600 });
    const broker = await startMosquitto({ configuration: ['user root', `acl_file ${join(folder, 'acl')}`] });
    closers.push(() => broker.stop());
    const mqtt = { username: 'console' };
    const console = await createConsole({ brokerUrl: broker.url, policyKey: KEYS.policy, mqtt });
    closers.push(() => console.close());
    const gateway = await gatewayAt('site-8', { url: broker.url });
    await console.push('site-8', siteBundle({ revision: 1, gateway: 'site-8' }));
    await expect.poll(() => gateway.mayWrite('anna')).toBe(true);
    expect(gateway.logged.map(({ event }) => event)).toContain('cloud.publish-denied');
  });

  it('that denies the subscription: the gateway says so and tries again', async () => {
    const broker = await startBroker(0, '127.0.0.1', {
      authorizeSubscribe: (_client, _subscription, done) => done(null, null),
    });
    closers.push(() => broker.close());
    const gateway = await gatewayAt('site-9', { url: broker.url });
    const denied = () => gateway.logged.filter(({ text }) => /policy\/desired|subscription/.test(text));
    await expect.poll(() => denied().length).toBeGreaterThan(1);
  });
});

describe.skipIf(!have('mosquitto'))('Mosquitto with TLS', () => {
  it('needs the client certificate and the password; the policy is kept in the real store', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'gatehouse-tls-'));
    closers.push(() => rm(folder, { recursive: true, force: true }));
    const at = (file: string) => join(folder, file);
    const openssl = async (...args: string[]) => {
      const result = await run('openssl', args);
      if (result.code !== 0) throw new Error(result.stderr);
    };
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    await openssl('req', '-x509', ...key, '-keyout', at('ca.key'), '-out', at('ca.pem'), '-subj', '/CN=Test CA');
    for (const [name, subject] of [
      ['server', '/CN=127.0.0.1'],
      ['client', '/CN=site-6'],
    ] as const) {
      await writeFile(at(`${name}.ext`), 'subjectAltName=IP:127.0.0.1\n');
      await openssl('req', ...key, '-keyout', at(`${name}.key`), '-out', at(`${name}.csr`), '-subj', subject);
      const authority = ['-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-CAcreateserial', '-extfile', at(`${name}.ext`)];
      await openssl('x509', '-req', '-in', at(`${name}.csr`), ...authority, '-out', at(`${name}.pem`));
    }
    await run('mosquitto_passwd', ['-b', '-c', at('passwords'), 'site-6', 'not a secret']);
    await writeFile(at('password'), 'not a secret\n');
    const port = await freePort();
    const broker = await startMosquitto({
      configuration: [
        `listener ${port} 127.0.0.1`,
        'user root',
        `cafile ${at('ca.pem')}`,
        `certfile ${at('server.pem')}`,
        `keyfile ${at('server.key')}`,
        'require_certificate true',
        `password_file ${at('passwords')}`,
      ],
    });
    closers.push(() => broker.stop());
    const console = await consoleAt(broker.url);
    await console.push('site-6', siteBundle({ revision: 1, gateway: 'site-6' }));

    const url = `mqtts://127.0.0.1:${port}`;
    const certificate = { certificateFile: at('client.pem'), keyFile: at('client.key') };
    const password = { username: 'site-6', passwordFile: at('password') };
    await writeFile(at('wrong'), 'guess\n');
    const failures = [
      { url, caFile: at('ca.pem'), ...password },
      { url, ...certificate, ...password },
      { url, caFile: at('ca.pem'), ...certificate, ...password, passwordFile: at('wrong') },
    ];
    for (const settings of failures) {
      const stranger = await startGateway('site-6', settings);
      await expect.poll(() => stranger.cloud.status().link.is).toBe('waiting');
      await stranger.cloud.stop();
    }

    const store = await openPolicyStore(at('policy.db'));
    closers.push(() => store.close());
    const gateway = await gatewayAt('site-6', { url, caFile: at('ca.pem'), ...certificate, ...password }, store);
    expect(await console.waitForReport('site-6', 1)).toMatchObject({ state: 'active' });
    expect(gateway.mayWrite('anna')).toBe(true);
    expect(store.floor()).toMatchObject({ epoch: 1, revision: 1 });
  });
});
