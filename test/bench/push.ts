// From the last byte published to the first decision under it, for a change of rights alone (issue: 100 000 points, p99 at most
// 1 s through Mosquitto, of it at most 10 ms after the last byte came in). The daemon's own compile step and store; real disk.
// `--points N` and `--runs N` change the question.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MqttClient } from 'mqtt';
import { createConsole } from '../../simulators/cloud/console.ts';
import { Acceptance } from '../../src/cloud/acceptance.ts';
import { openClock, systemSource } from '../../src/cloud/clock.ts';
import { startCloud } from '../../src/cloud/cloud.ts';
import { type PushedPolicy, pushedCompiler, selfTest } from '../../src/daemon/compile-pushed.ts';
import { decide } from '../../src/policy/decide.ts';
import { openPolicyStore } from '../../src/store/policy-store.ts';
import { realTimers } from '../cloud/gateway.ts';
import { KEYS, trustedRoot } from '../cloud/road.ts';
import { siteBundle } from '../cloud/site-bundle.ts';
import { startMosquitto } from '../scenarios/peers/mosquitto.ts';

const MOST_MS = 1000;
const MOST_AFTER_LAST_BYTE_MS = 10;

function wordAfter(flag: string, usual: number): number {
  const at = process.argv.indexOf(flag);
  return at < 0 ? usual : Number(process.argv[at + 1]);
}

const points = wordAfter('--points', 100_000);
const runs = wordAfter('--runs', 100);
const folder = await mkdtemp(join(tmpdir(), 'gatehouse-push-'));
const broker = await startMosquitto({ configuration: ['set_tcp_nodelay true', 'max_inflight_messages 100'] });
const store = await openPolicyStore(join(folder, 'policy.db'));
const console = await createConsole({ brokerUrl: broker.url, policyKey: KEYS.policy });

let publishedAt = 0;
const { publish } = MqttClient.prototype;
MqttClient.prototype.publish = function (this: MqttClient, ...args: Parameters<typeof publish>) {
  // The manifest goes last: the parts it names lie with the broker by then.
  if (args[0].endsWith('/policy/desired')) publishedAt = performance.now();
  return publish.apply(this, args);
} as typeof publish;
let lastByteAt = 0;
const chunk = Acceptance.prototype.chunk;
Acceptance.prototype.chunk = function (...args) {
  lastByteAt = performance.now();
  chunk.apply(this, args);
};
let enforced: ((at: number) => void) | undefined;
const cloud = await startCloud<PushedPolicy>({
  gateway: 'site-1',
  root: await trustedRoot(),
  store,
  clock: openClock(store, systemSource(true)),
  timers: realTimers,
  log: { write() {} },
  compile: pushedCompiler([]),
  selfTest,
  activate({ snapshot: { snapshot } }) {
    const holder = snapshot.header.revision % 2 === 0 ? 'ben' : 'anna';
    const request = {
      principal: holder,
      action: 'point.write',
      targets: ['ahu0/point-0'],
      channel: 'local',
      at: Date.now(),
    };
    if (decide(snapshot, request).decision !== 'permit') throw new Error('the new right is not in force');
    enforced?.(performance.now());
  },
  torn: (error) => {
    throw error;
  },
  broker: { url: broker.url },
  version: 'bench',
});

const push = async (revision: number): Promise<{ all: number; after: number }> => {
  const bundle = siteBundle({ revision, gateway: 'site-1', points, operator: revision % 2 === 0 ? 'ben' : 'anna' });
  const done = new Promise<number>((resolve) => {
    enforced = resolve;
  });
  await console.push('site-1', bundle);
  const end = await done;
  await console.waitForReport('site-1', revision, 60_000);
  return { all: end - publishedAt, after: end - lastByteAt };
};

await push(1);
const taken: { all: number; after: number }[] = [];
for (let i = 0; i < runs; i += 1) taken.push(await push(i + 2));
const quantile = (values: readonly number[], q: number): number =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * q))] ?? Number.NaN;
const figures = (values: readonly number[]) => ({
  p50: Number(quantile(values, 0.5).toFixed(2)),
  p99: Number(quantile(values, 0.99).toFixed(2)),
  most: Number(Math.max(...values).toFixed(2)),
});
const result = {
  points,
  runs,
  publishedToEnforcedMs: figures(taken.map(({ all }) => all)),
  lastByteToEnforcedMs: figures(taken.map(({ after }) => after)),
};
process.stdout.write(`${JSON.stringify(result)}\n`);
await cloud.stop();
await console.close();
await store.close();
await broker.stop();
await rm(folder, { recursive: true, force: true });
const met = result.publishedToEnforcedMs.p99 <= MOST_MS && result.lastByteToEnforcedMs.p99 <= MOST_AFTER_LAST_BYTE_MS;
process.exitCode = met ? 0 : 1;
