// A gateway's life with its cloud, over the real broker: enrolled, governed, commanded, audited, killed and started again.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectAsync } from 'mqtt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CloudConsole, createConsole } from '../../simulators/cloud/console.ts';
import { newSigningKey, rootPayload, signCompact, signRoot } from '../../simulators/cloud/signing.ts';
import { gatehouse, type RunningGateway, startGateway } from '../../simulators/demo/gateway.ts';
import { gatewayConfig } from '../../simulators/demo/gateway-config.ts';
import { demoBundle, GATEWAY } from '../../simulators/demo/policy.ts';
import { startPlant } from '../../simulators/modbus/plant.ts';
import { type AuditBatch, batchSchema } from '../../src/cloud/audit-form.ts';
import { type CommandResult, resultSchema } from '../../src/cloud/result-form.ts';
import { until } from './daemon-rig.ts';
import { startMosquitto } from './peers/mosquitto.ts';
import { have } from './peers/program.ts';

const keys = {
  root: [newSigningKey('root-1'), newSigningKey('root-2')],
  policy: newSigningKey('policy-1'),
  commands: newSigningKey('commands-1'),
  audit: newSigningKey('audit-1'),
};
const POINT = 'chiller1/demand-limit';

const here = have('mosquitto');
if (!here) process.stdout.write('the gateway with its cloud is not tested: mosquitto is not installed\n');

describe.skipIf(!here)('a gateway and its cloud', () => {
  const closers: (() => Promise<unknown>)[] = [];
  const results: CommandResult[] = [];
  const batches: AuditBatch[] = [];
  let configFile = '';
  let brokerUrl = '';
  let folder = '';
  let socket = '';
  let gateway: RunningGateway;
  let console: CloudConsole;
  let publish: (name: string, text: string) => Promise<unknown>;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gatehouse-cloud-'));
    closers.push(() => rm(folder, { recursive: true, force: true }));
    const broker = await startMosquitto({ configuration: ['set_tcp_nodelay true'] });
    closers.push(() => broker.stop());
    brokerUrl = broker.url;
    const plant = await startPlant();
    closers.push(() => plant.stop());
    socket = join(folder, 'control.sock');
    configFile = join(folder, 'gatehouse.yaml');
    const ports = { modbus: 0, meters: 0, secure: 0, health: 0 };
    const text = gatewayConfig({ rootFile: '', socket, brokerUrl, plant: plant.lines, ports });
    // Which cloud it is, the enrolment says.
    await writeFile(configFile, text.replace(/cloud:\n.*\n.*\n/, ''));
    const payload = rootPayload({
      issuedAt: new Date().toISOString(),
      root: keys.root,
      policy: [keys.policy],
      commands: [keys.commands],
      audit: [keys.audit],
    });
    await writeFile(join(folder, 'root.json'), signRoot(payload, keys.root));
    const client = await connectAsync(brokerUrl, { protocolVersion: 5 });
    closers.push(() => client.endAsync(true));
    client.on('message', (topic, message) => {
      const json: unknown = JSON.parse(message.toString());
      if (topic.includes('/result/')) results.push(resultSchema.parse(json));
      if (topic.endsWith('/audit/batch')) batches.push(batchSchema.parse(json));
    });
    await client.subscribeAsync(
      ['result/+', 'audit/batch'].map((name) => `gatehouse/v1/${GATEWAY}/${name}`),
      { qos: 1 },
    );
    publish = (name, text2) => client.publishAsync(`gatehouse/v1/${GATEWAY}/${name}`, text2, { qos: 1 });
    console = await createConsole({ brokerUrl, policyKey: keys.policy });
    closers.push(() => console.close());
  });

  afterAll(async () => {
    for (const close of closers.splice(0).reverse()) await close();
  });

  const enrol = (...words: string[]) =>
    gatehouse(['enrol', '--config', configFile, '--root', join(folder, 'root.json'), '--cloud', brokerUrl, ...words]);
  const status = async () => JSON.parse((await gatehouse(['status', '--json', '--socket', socket])).stdout);
  const rows = async () => {
    const { stdout } = await gatehouse(['journal', 'tail', '-n', '10000', '--json', '--data', join(folder, 'data')]);
    return stdout.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line).row]));
  };

  function command(jti: string, operation: object, change: object = {}): string {
    const iat = Date.now() / 1000;
    const payload = { format: 'gatehouse.command/1', jti, sub: 'anna', aud: GATEWAY, iat, exp: iat + 60, operation };
    return signCompact({ ...payload, ...change }, 'gatehouse.command+jws', keys.commands);
  }

  async function ask(jti: string, text: string): Promise<CommandResult> {
    const before = results.length;
    await publish(`command/${jti}`, text);
    let found: CommandResult | undefined;
    await until(`command \`${jti}\` is answered`, () => {
      found = results.slice(before).find(({ id, state }) => id === jti && state !== 'accepted');
      return found !== undefined;
    });
    if (!found) throw new Error('no result');
    return found;
  }

  it('is enrolled once, and again only when asked to', async () => {
    const first = await enrol('--json');
    expect(first).toMatchObject({ code: 0 });
    const shown = JSON.parse(first.stdout);
    expect(shown).toMatchObject({
      gateway: GATEWAY,
      replaced: false,
      connection: { is: 'connected' },
      root: { version: 1 },
    });
    expect(await enrol()).toMatchObject({ code: 1, stderr: expect.stringContaining('already-enrolled') });
    const replaced = JSON.parse((await enrol('--replace', '--json', '--no-connect')).stdout);
    expect(replaced).toMatchObject({ replaced: true, root: shown.root });
    expect(replaced.keys).not.toBe(shown.keys);
    expect(await rows()).toMatchObject([
      { event: 'enrolled', detail: { replaced: false } },
      { event: 'enrolled', detail: { replaced: true } },
    ]);
  });

  it('takes its policy, does what a person of the cloud may do, and nothing twice', async () => {
    gateway = await startGateway(configFile, () => {});
    closers.push(() => gateway.stop());
    expect(await enrol()).toMatchObject({ code: 1, stderr: expect.stringContaining('data-folder-in-use') });
    await console.push(GATEWAY, demoBundle(1));
    expect(await console.waitForReport(GATEWAY, 1)).toMatchObject({ state: 'active' });

    const text = command('c-1', { op: 'write', target: POINT, value: 70 }, { sub: 'supervisor' });
    const done = await ask('c-1', text);
    expect(done).toMatchObject({
      state: 'done',
      steps: [{ targets: [POINT], outcome: { kind: 'acknowledged' }, readBack: 70 }],
    });
    expect(await ask('c-1', text)).toEqual(done);
    expect(await ask('c-2', command('c-2', { op: 'write', target: POINT, value: 60 }, { sub: 'ben' }))).toMatchObject({
      state: 'refused',
      code: 'denied',
      denial: { target: POINT, reason: expect.stringMatching(/-/) },
    });
    expect(await ask('c-3', command('c-3', { op: 'read', targets: [POINT, 'gone'] }))).toMatchObject({
      readings: [
        { target: POINT, ok: true, value: 70 },
        { target: 'gone', ok: false, why: 'denied' },
      ],
    });
    const explained = await ask(
      'c-4',
      command('c-4', { op: 'explain', action: 'point.write', targets: [POINT] }, { sub: 'ben' }),
    );
    expect(explained).toMatchObject({ state: 'done', explanation: { decision: 'deny', target: POINT } });
    expect(await ask('c-5', command('c-5', { op: 'write', target: 'gone', value: 1 }))).toMatchObject({
      code: 'unknown-target',
    });

    await gateway.kill();
    gateway = await startGateway(configFile, () => {});
    expect(await ask('c-1', text)).toEqual(done);
    const intents = (await rows()).filter(({ kind, who }) => kind === 'intent' && who.proof.jti === 'c-1');
    expect(intents).toMatchObject([
      { who: { principal: 'supervisor', channel: 'remote', proof: { kind: 'command', key: 'commands-1' } } },
    ]);
  });

  it('takes a right away from the very next command', async () => {
    const bundle = demoBundle(2);
    const organizations = (bundle.organizations as { grants: { to: string }[] }[]).map((organization) => ({
      ...organization,
      grants: organization.grants.filter(({ to }) => to !== 'application:supervisor'),
    }));
    await console.push(GATEWAY, { ...bundle, organizations });
    expect(await console.waitForReport(GATEWAY, 2)).toMatchObject({ state: 'active' });
    const late = command('c-6', { op: 'write', target: POINT, value: 50 }, { sub: 'supervisor' });
    expect(await ask('c-6', late)).toMatchObject({ state: 'refused', code: 'denied' });
    const old = command('c-7', { op: 'explain', action: 'point.read', targets: [POINT] }, { minRevision: 3 });
    expect(await ask('c-7', old)).toMatchObject({ code: 'policy-too-old' });
  });

  it('sends its journal until all is acknowledged, and stops at a wrong head', async () => {
    const ack = (number: number, hash: string) => {
      const issuedAt = new Date().toISOString();
      const payload = { format: 'gatehouse.ack/1', gateway: GATEWAY, number, hash, issuedAt };
      return publish('audit/ack', signCompact(payload, 'gatehouse.ack+jws', keys.audit));
    };
    const numbers: number[] = [];
    await until(
      'every row is acknowledged',
      async () => {
        const last = batches.splice(0).at(-1)?.rows ?? [];
        for (const { number } of last) if (number === numbers.length + 1) numbers.push(number);
        const end = last.at(-1);
        if (end) await ack(end.number, end.hash);
        return (await status()).cloud.upload.unsent === 0;
      },
      15_000,
    );
    expect(numbers.length).toBeGreaterThan(10);
    const { state, upload } = (await status()).cloud;
    expect(state).toMatch(
      /^connected \(MQTT 5\), active epoch 1 revision 2 \(active\), .*0 journal rows unsent, root version 1 /,
    );
    await ack(upload.acked + 1, '0'.repeat(64));
    await until('the upload stops', async () => (await status()).cloud.upload.state === 'stopped');
    expect((await status()).cloud.state).toContain('upload STOPPED');
  });
});
