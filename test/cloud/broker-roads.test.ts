// Roots, keys, commands and the journal's upload over brokers: the embedded one (MQTT 3.1.1) and the real Mosquitto (MQTT 5).

import { connectAsync } from 'mqtt';
import { afterEach, describe, expect, it } from 'vitest';
import { startBroker } from '../../simulators/cloud/broker.ts';
import { createConsole } from '../../simulators/cloud/console.ts';
import { newSigningKey, rootPayload, signCompact, signRoot } from '../../simulators/cloud/signing.ts';
import { openGatewayKeys } from '../../src/cloud/gateway-keys.ts';
import { sha256Hex } from '../../src/cloud/manifest.ts';
import type { SystemRow } from '../../src/model/journal-row.ts';
import { ok } from '../../src/model/result.ts';
import { openJournal } from '../../src/store/journal.ts';
import { openJournalReader } from '../../src/store/journal-reader.ts';
import { startMosquitto } from '../scenarios/peers/mosquitto.ts';
import { have } from '../scenarios/peers/program.ts';
import { temporaryFolder } from '../store/store-rig.ts';
import { startGateway } from './gateway.ts';
import { openMemoryCommands } from './memory-commands.ts';
import { MemoryDisk, openMemoryStore } from './memory-policy-store.ts';
import { KEYS, rootTextOf } from './road.ts';
import { siteBundle } from './site-bundle.ts';

const GATEWAY = 'site-1';
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const brokers = [
  { name: 'the embedded broker', here: true, start: () => startBroker() },
  {
    name: 'Mosquitto',
    here: have('mosquitto'),
    async start() {
      const { url, stop } = await startMosquitto({ configuration: ['set_tcp_nodelay true'] });
      return { url, close: stop };
    },
  },
];

for (const { name, here, start } of brokers) {
  if (!here) process.stdout.write(`the roads over ${name} are not tested: the program is not installed\n`);
  describe.skipIf(!here)(`over ${name}`, () => {
    async function begin() {
      const broker = await start();
      closers.push(() => broker.close());
      const folder = temporaryFolder();
      const journal = await openJournal({ file: `${folder}/journal.db` });
      closers.push(() => journal.close());
      const reader = openJournalReader(`${folder}/journal.db`);
      closers.push(() => reader.close());
      const disk = new MemoryDisk();
      disk.root = rootTextOf();
      const executed: string[] = [];
      const recorded: SystemRow[] = [];
      const { cloud, mayWrite, logged } = await startGateway(GATEWAY, { url: broker.url }, openMemoryStore(disk), {
        keys: openGatewayKeys(folder, Date.now()),
        journal: reader,
        record: (row) => recorded.push(row),
        setLocks: () => {},
        uploadTiming: { pollMs: 20, ackMs: 500 },
        commands: {
          memory: openMemoryCommands(new Map()),
          work: async ({ jti }) => {
            executed.push(jti);
            return ok({});
          },
        },
      });
      closers.push(() => cloud.stop());
      const client = await connectAsync(broker.url, { protocolVersion: 4 });
      closers.push(() => client.endAsync(true));
      const heard = new Map<string, string[]>();
      client.on('message', (topic, payload) => {
        const key = topic.slice(`gatehouse/v1/${GATEWAY}/`.length);
        heard.set(key, [...(heard.get(key) ?? []), payload.toString()]);
      });
      await client.subscribeAsync(`gatehouse/v1/${GATEWAY}/#`, { qos: 1 });
      const publish = (key: string, text: string, retain = false) =>
        client.publishAsync(`gatehouse/v1/${GATEWAY}/${key}`, text, { qos: 1, retain });
      const last = (key: string) => JSON.parse(heard.get(key)?.at(-1) ?? 'null');
      return { broker, journal, reader, cloud, mayWrite, executed, recorded, logged, heard, publish, last };
    }

    it('commands are answered, the journal goes up, and every acknowledgement moves the cursor', async () => {
      const { broker, journal, reader, cloud, executed, heard, publish, last } = await begin();
      const console = await createConsole({ brokerUrl: broker.url, policyKey: KEYS.policy });
      closers.push(() => console.close());
      await console.push(GATEWAY, siteBundle({ revision: 1, gateway: GATEWAY }));
      await console.waitForReport(GATEWAY, 1);
      const iat = Date.now() / 1000;
      const operation = { op: 'write', target: 'ahu0/point-0', value: 20 };
      const order = {
        format: 'gatehouse.command/1',
        jti: 'c-1',
        sub: 'anna',
        aud: GATEWAY,
        iat,
        exp: iat + 60,
        operation,
      };
      const text = signCompact(order, 'gatehouse.command+jws', KEYS.commands);
      await publish('command/c-1', text);
      await publish('command/c-1', text);
      await expect.poll(() => heard.get('result/c-1')?.length).toBeGreaterThan(2);
      expect(heard.get('result/c-1')?.map((result) => JSON.parse(result).state)).toEqual(['accepted', 'done', 'done']);
      expect(executed).toEqual(['c-1']);

      for (let i = 0; i < 5; i += 1) {
        await journal.append({ kind: 'system', at: Date.now(), event: 'x', detail: { i } });
      }
      const issuedAt = new Date().toISOString();
      const acknowledged = async () => {
        const { number, hash } = last('audit/batch').rows.at(-1);
        const ack = { format: 'gatehouse.ack/1', gateway: GATEWAY, number, hash, issuedAt };
        await publish('audit/ack', signCompact(ack, 'gatehouse.ack+jws', KEYS.audit));
        return cloud.acknowledged();
      };
      await expect.poll(acknowledged, { interval: 100 }).toEqual(reader.head());
      expect(cloud.status().upload).toEqual({ state: 'idle', acked: 5, unsent: 0, why: null });
    });

    it('what is refused is recorded once, a flood in one row with its count', async () => {
      const { cloud, publish, logged, recorded } = await begin();
      await expect.poll(() => cloud.status().link.is).toBe('connected');
      for (const key of ['policy/desired', 'policy/locks', 'root']) {
        for (const text of ['x', 'x', 'y', 'z']) await publish(key, text, true);
      }
      for (const refused of ['policy.refused', 'locks.refused', 'root.refused']) {
        await expect.poll(() => logged.filter(({ event }) => event === refused)).toHaveLength(3);
      }
      await cloud.stop();
      const of = (event: string) => recorded.filter((row) => row.event === event).map(({ detail }) => detail);
      const sha256 = sha256Hex('x');
      const text = expect.any(String);
      const since = expect.any(Number);
      for (const [event, code] of [
        ['policy-refused', 'bad-signature'],
        ['locks-refused', 'bad-signature'],
        ['root-refused', 'malformed'],
      ] as const) {
        expect(of(event)).toEqual([
          { code, text, sha256 },
          { code, count: 2, since },
        ]);
      }
    });

    it('a new root comes retained, is reported, and the public keys name it', async () => {
      const { cloud, publish, last, heard, broker, mayWrite } = await begin();
      await expect.poll(() => last('root/reported')).toMatchObject({ state: 'active', version: 1 });
      const policy = newSigningKey('policy-2');
      const root = [newSigningKey('root-9')];
      const plan = { version: 2, issuedAt: '2026-11-22T07:00:00Z', root, policy: [policy], locks: [KEYS.locks] };
      await publish('root', signRoot(rootPayload(plan), [...root, ...KEYS.root]), true);
      await expect.poll(() => last('root/reported')).toMatchObject({ state: 'active', version: 2 });
      expect(cloud.status().root.version).toBe(2);
      await expect.poll(() => heard.get('key')?.length).toBeGreaterThan(1);
      const key = Buffer.from(heard.get('key')?.at(-1)?.split('.')[1] ?? '', 'base64url').toString();
      expect(JSON.parse(key)).toMatchObject({ format: 'gatehouse.key/1', gateway: GATEWAY });
      const console = await createConsole({ brokerUrl: broker.url, policyKey: policy, locksKey: KEYS.locks });
      closers.push(() => console.close());
      await console.push(GATEWAY, siteBundle({ revision: 1, gateway: GATEWAY }));
      expect(await console.waitForReport(GATEWAY, 1)).toMatchObject({ state: 'active' });
      expect(mayWrite('anna')).toBe(true);
      await publish('root', 'x', true);
      const refused = { state: 'refused', code: 'malformed', version: 2 };
      await expect.poll(() => last('root/reported')).toMatchObject(refused);
    });
  });
}
