// From the last byte published to the first decision under it, for a change of rights alone (issue: 100 000 points, p99 at most
// 1 s through Mosquitto, of it at most 10 ms after the last byte came in). The daemon's own compile step and store; real disk;
// the console is a process of its own. `--points N` and `--runs N` change the question.

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MqttClient } from 'mqtt';
import { createConsole } from '../../simulators/cloud/console.ts';
import {
  newSigningKey,
  rootPayload,
  signingKeyFromPem,
  signingKeyPem,
  signRoot,
} from '../../simulators/cloud/signing.ts';
import { Acceptance } from '../../src/cloud/acceptance.ts';
import { openClock, systemSource } from '../../src/cloud/clock.ts';
import { startCloud } from '../../src/cloud/cloud.ts';
import { openRoot } from '../../src/cloud/root.ts';
import { type PushedPolicy, pushedCompiler, selfTest } from '../../src/daemon/compile-pushed.ts';
import { decide } from '../../src/policy/decide.ts';
import { openPolicyStore } from '../../src/store/policy-store.ts';
import { realTimers } from '../cloud/gateway.ts';
import { siteBundle } from '../cloud/site-bundle.ts';
import { startMosquitto } from '../scenarios/peers/mosquitto.ts';

const GATEWAY = 'site-1';

/** ms on a clock that both processes share. */
const now = (): number => performance.timeOrigin + performance.now();
const operatorOf = (revision: number): string => (revision % 2 === 0 ? 'ben' : 'anna');

function wordAfter(flag: string, usual: number): number {
  const at = process.argv.indexOf(flag);
  return at < 0 ? usual : Number(process.argv[at + 1]);
}

/** The other process: pushes the revision it is told, and says when the manifest, the last message, was handed over. */
async function beConsole(brokerUrl: string, pem: string, points: number): Promise<void> {
  let publishedAt = 0;
  const { publish } = MqttClient.prototype;
  MqttClient.prototype.publish = function (this: MqttClient, ...args: Parameters<typeof publish>) {
    if (args[0].endsWith('/policy/desired')) publishedAt = now();
    return publish.apply(this, args);
  } as typeof publish;
  const cloud = await createConsole({ brokerUrl, policyKey: signingKeyFromPem('policy-1', pem) });
  process.on('message', async (revision: number) => {
    await cloud.push(GATEWAY, siteBundle({ revision, gateway: GATEWAY, points, operator: operatorOf(revision) }));
    await cloud.waitForReport(GATEWAY, revision, 60_000);
    process.send?.(publishedAt);
  });
  process.once('disconnect', () => void cloud.close());
  process.send?.('ready');
}

async function measure(points: number, runs: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-push-'));
  const broker = await startMosquitto({ configuration: ['set_tcp_nodelay true'] });
  const store = await openPolicyStore(join(folder, 'policy.db'));
  const key = newSigningKey('policy-1');
  const rootKey = newSigningKey('root-1');
  const issuedAt = new Date().toISOString();
  const root = await openRoot(signRoot(rootPayload({ issuedAt, root: [rootKey], policy: [key] }), [rootKey]));
  if (!root.ok) throw new Error('the root does not hold');

  let lastByteAt = 0;
  const { chunk } = Acceptance.prototype;
  Acceptance.prototype.chunk = function (...args) {
    lastByteAt = now();
    chunk.apply(this, args);
  };
  let enforcedAt = 0;
  const cloud = await startCloud<PushedPolicy>({
    gateway: GATEWAY,
    root: root.value,
    store,
    clock: openClock(store, systemSource(true)),
    timers: realTimers,
    log: { write() {} },
    compile: pushedCompiler([]),
    selfTest,
    activate({ snapshot: { snapshot } }) {
      const principal = operatorOf(snapshot.header.revision);
      const request = { principal, action: 'point.write', targets: ['ahu0/point-0'], channel: 'local', at: Date.now() };
      if (decide(snapshot, request).decision !== 'permit') throw new Error('the new right is not in force');
      enforcedAt = now();
    },
    torn: (error) => {
      throw error;
    },
    broker: { url: broker.url },
    version: 'bench',
  });
  const other = fork(fileURLToPath(import.meta.url), ['--console', broker.url, signingKeyPem(key), String(points)]);
  await once(other, 'message');
  const taken: { all: number; after: number }[] = [];
  for (let revision = 1; revision <= runs + 1; revision += 1) {
    other.send(revision);
    const [publishedAt] = (await once(other, 'message')) as [number];
    if (revision > 1) taken.push({ all: enforcedAt - publishedAt, after: enforcedAt - lastByteAt });
  }
  const published = figures(taken.map(({ all }) => all));
  const lastByte = figures(taken.map(({ after }) => after));
  process.stdout.write(
    `${JSON.stringify({ points, runs, publishedToEnforcedMs: published, lastByteToEnforcedMs: lastByte })}\n`,
  );
  other.disconnect();
  await once(other, 'exit');
  await cloud.stop();
  await store.close();
  await broker.stop();
  await rm(folder, { recursive: true, force: true });
}

function figures(values: readonly number[]): { readonly p50: number; readonly p99: number; readonly most: number } {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) =>
    Number((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN).toFixed(2));
  return { p50: at(0.5), p99: at(0.99), most: at(1) };
}

const [, , role, brokerUrl = '', pem = '', points = ''] = process.argv;
if (role === '--console') await beConsole(brokerUrl, pem, Number(points));
else await measure(wordAfter('--points', 100_000), wordAfter('--runs', 200));
