// Kill -9 at random instants, under a load of changes and while policies are pushed: afterwards the record verifies, holds
// every change that reached a device, and the policy in force is at least the last one that was acknowledged.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { BundleJson } from '../../simulators/cloud/bundle-parts.ts';
import { GATEHOUSE } from '../../simulators/demo/gateway.ts';
import { SUPERVISOR_ADDRESS } from '../../simulators/demo/policy.ts';
import { type Rig, type Row, startRig, until } from './daemon-rig.ts';

const KILLS = 10;
const KILLS_DURING_START = 3;
const CONNECTIONS = 3;
/** `ahu1/sat-ti`: 16 bits without limits, so that every write can have a value of its own. */
const REGISTER = 109;
const POINT = 'ahu1/sat-ti';

let rig: Rig;
beforeAll(async () => {
  rig = await startRig({ policy: false });
});
afterAll(() => rig.stop());

/** The station may change parameters here, so that no session has to be opened after every kill. */
function grantedToStation(bundle: BundleJson): BundleJson {
  const [organization] = bundle.organizations as { readonly grants: readonly object[] }[];
  const grants = [...(organization?.grants ?? []), { to: 'application:supervisor', role: 'chief', at: 'hq' }];
  return { ...bundle, organizations: [{ ...organization, grants }] };
}

/** Writes value after value, each once the one before was answered, until the connection ends. */
function hammer(port: number, next: () => number): Socket {
  const socket = createConnection({ host: '127.0.0.1', port, localAddress: SUPERVISOR_ADDRESS });
  const send = (): void => {
    const frame = Buffer.from([0, 1, 0, 0, 0, 6, 1, 6, 0, REGISTER, 0, 0]);
    frame.writeUInt16BE(next(), 10);
    socket.write(frame);
  };
  socket.on('connect', send);
  socket.on('data', send);
  socket.on('error', () => socket.destroy());
  return socket;
}

function valuesOf(rows: readonly Row[]): Set<unknown> {
  const intents = rows.flatMap(({ row }) => (row.kind === 'intent' ? [row] : []));
  const effects = intents.flatMap(({ effects }) => effects as { readonly target: string; readonly new?: unknown }[]);
  return new Set(effects.filter(({ target }) => target === POINT).map((effect) => effect.new));
}

async function revisionInForce(): Promise<number> {
  return JSON.parse((await rig.ask('status', '--json')).stdout).policy.revision;
}

test('nothing that reached a device is missing from the record, whenever the gateway is killed', async () => {
  let value = 0;
  let acknowledged = 0;
  const next = (): number => {
    value += 1;
    return value & 0xffff;
  };
  const push = async (): Promise<void> => {
    const report = await rig.push([], grantedToStation);
    if (report.state === 'active') acknowledged = Math.max(acknowledged, report.revision ?? 0);
  };
  await push();
  for (let kill = 0; kill < KILLS; kill += 1) {
    const sockets = Array.from({ length: CONNECTIONS }, () => hammer(rig.port('plant'), next));
    const before = rig.plant.writesSeen();
    await until('changes flow', () => rig.plant.writesSeen() > before + CONNECTIONS);
    const pushed = kill % 2 === 0 ? push() : Promise.resolve();
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 300));
    const mustBeInForce = acknowledged;
    await rig.gateway().kill();
    for (const socket of sockets) socket.destroy();
    await rig.restart();
    const ready = rig.gateway().lines.find((line) => line.includes('daemon.ready'));
    const revision = Number(/policy revision (\d+)/.exec(ready ?? '')?.[1]);
    expect(revision, ready).toBeGreaterThanOrEqual(mustBeInForce);
    await pushed;
  }
  await until('the last policy is in force', async () => (await revisionInForce()) === acknowledged);

  for (let kill = 0; kill < KILLS_DURING_START; kill += 1) {
    await rig.gateway().kill();
    const child = spawn(process.execPath, [GATEHOUSE, 'run', '--config', rig.configFile], { stdio: 'ignore' });
    await new Promise((resolve) => setTimeout(resolve, 100 + Math.random() * 400));
    child.kill('SIGKILL');
    await once(child, 'close');
    await rig.restart();
    expect(await revisionInForce()).toBe(acknowledged);
  }
  expect(await rig.journal('verify')).toMatchObject({ code: 0, stderr: '' });
  const rows = await rig.rows();
  const recorded = valuesOf(rows);
  const arrived = rig.plant.devices.ahu1.record.writes().map(({ bytes }) => bytes.readUInt16BE(bytes.length - 2));
  expect(arrived.length).toBeGreaterThan(KILLS * CONNECTIONS);
  expect(arrived.filter((written) => !recorded.has(written))).toEqual([]);
  expect(new Set(arrived).size).toBe(arrived.length);

  const outcomes = new Map<unknown, number>();
  for (const { row } of rows)
    if (row.kind === 'outcome') outcomes.set(row.decision, (outcomes.get(row.decision) ?? 0) + 1);
  const open = rows.filter(({ row }) => row.kind === 'intent' && outcomes.get(row.decision) !== 1);
  expect(open).toEqual([]);
  console.info(
    `${KILLS + KILLS_DURING_START} kills: ${arrived.length} changes reached the device, ${recorded.size} intents, ${rows.length} rows`,
  );
});
