// Start to ready, and resident memory, at 10 000 points (issue: at most 1.5 s and 120 MB): the compiled gateway as a process,
// its policy stored by an earlier run. `--points N` and `--runs N` change the question.

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { startBroker } from '../../simulators/cloud/broker.ts';
import { createConsole } from '../../simulators/cloud/console.ts';
import { type RunningGateway, startGateway } from '../../simulators/demo/gateway.ts';
import { openKeys } from '../../simulators/demo/keys.ts';
import { siteBundle } from '../drivers/gate-stage.ts';

const POINTS_PER_DEVICE = 20;
const UNITS_PER_LINE = 200;
const MOST_MS = 1500;
const MOST_MB = 120;

function wordAfter(flag: string, usual: number): number {
  const at = process.argv.indexOf(flag);
  return at < 0 ? usual : Number(process.argv[at + 1]);
}

function bundleOf(points: number, revision: number): { readonly [key: string]: unknown } {
  const count = Math.ceil(points / POINTS_PER_DEVICE);
  const numbers = Array.from({ length: count }, (_, index) => index);
  return siteBundle({
    revision,
    users: Array.from({ length: 500 }, (_, index) => ({ id: `user${index}`, name: `User ${index}`, home: 'acme' })),
    more: { audience: ['bench'] },
    devices: numbers.map((index) => ({
      id: `d${index}`,
      name: `Device ${index}`,
      location: 'hq',
      address: {
        modbus: { line: `line${Math.floor(index / UNITS_PER_LINE)}`, unit: (index % UNITS_PER_LINE) + 1 },
      },
    })),
    points: numbers.flatMap((device) =>
      Array.from({ length: POINTS_PER_DEVICE }, (_, point) => ({
        id: `d${device}/p${point}`,
        name: `Point ${point} of device ${device}`,
        device: `d${device}`,
        class: point % 4 === 0 ? 'set-point' : 'sensor',
        facts: { temp: true, ...(point % 4 === 0 ? { sp: true } : { sensor: true }) },
        unit: '°C',
        limits: { min: 10, max: 30 },
        address: { table: 'holding', register: point * 2, type: 'float32' },
      })),
    ),
    filters: [{ id: 'setpoints', expression: 'sp and not safety' }],
    roles: [{ id: 'operator', name: 'Operator', permissions: ['point.read', 'point.write'], filters: ['setpoints'] }],
    grants: Array.from({ length: 500 }, (_, index) => ({ to: `user:user${index}`, role: 'operator', at: 'hq' })),
  });
}

function configOf(lines: readonly number[], brokerUrl: string, rootFile: string, socket: string): string {
  const named = lines.map(
    (port, index) => `      line${index}: { tcp: { host: 127.0.0.1, port: ${port} }, kind: units }`,
  );
  const units = Array.from({ length: UNITS_PER_LINE }, (_, unit) => `      - { unit: ${unit + 1}, device: d${unit} }`);
  return `format: gatehouse.site/1
gateway: bench
data: data
cloud: { url: ${brokerUrl}, rootFile: ${rootFile} }
control: { socket: ${socket} }
log: { format: text }
clock: { trustSystem: true }
drivers:
  modbus:
    listen: [{ name: plant, address: 127.0.0.1, port: 0 }]
    lines:
${named.join('\n')}
    units:
${units.join('\n')}
`;
}

/** Accepts and never answers: what a line looks like before anybody asks. */
async function startLine(): Promise<Server> {
  const server = createServer((socket) => socket.on('error', () => socket.destroy()));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

function memoryOf(pid: number): { readonly now: number; readonly most: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const megabytes = (key: string): number => (Number(new RegExp(`${key}:\\s+(\\d+)`).exec(status)?.[1]) * 1024) / 1e6;
  return { now: megabytes('VmRSS'), most: megabytes('VmHWM') };
}

/** Programs of test/ are compiled into a place of their own; the gateway is the one that was built, run as its unit runs it. */
const launch = (configFile: string): Promise<RunningGateway> =>
  startGateway(
    configFile,
    () => {},
    { ...process.env, MALLOC_ARENA_MAX: '2', NODE_OPTIONS: '--max-semi-space-size=2' },
    resolve('dist/src/main.js'),
  );

const settle = (): Promise<void> => new Promise((done) => setTimeout(done, 7000));
const median = (numbers: readonly number[]): number =>
  [...numbers].sort((a, b) => a - b)[numbers.length >> 1] ?? Number.NaN;

const points = wordAfter('--points', 10_000);
const runs = wordAfter('--runs', 5);
const folder = await mkdtemp(join(tmpdir(), 'gatehouse-start-'));
const broker = await startBroker();
const lineCount = Math.ceil(points / POINTS_PER_DEVICE / UNITS_PER_LINE);
const lines = await Promise.all(Array.from({ length: lineCount }, startLine));
const keys = openKeys(folder);
const cloud = await createConsole({ brokerUrl: broker.url, policyKey: keys.policyKey });
try {
  const ports = lines.map((line) => (line.address() as AddressInfo).port);
  const configFile = join(folder, 'gatehouse.yaml');
  await writeFile(configFile, configOf(ports, broker.url, keys.rootFile, join(folder, 'control.sock')));
  const first = await launch(configFile);
  const began = performance.now();
  await cloud.push('bench', bundleOf(points, 1));
  const report = await cloud.waitForReport('bench', 1, 60_000);
  if (report.state !== 'active') throw new Error(JSON.stringify(report));
  const pushedMs = performance.now() - began;
  await settle();
  const pushed = memoryOf(first.pid);
  await first.stop();

  const times: number[] = [];
  const memory: number[] = [];
  for (let run = 0; run < runs; run += 1) {
    const start = performance.now();
    const gateway = await launch(configFile);
    times.push(performance.now() - start);
    await settle();
    memory.push(memoryOf(gateway.pid).now);
    await gateway.stop();
  }
  const verdict = (value: number, most: number): string => (value <= most ? 'within' : 'OVER');
  console.info(`${points} points, ${points / POINTS_PER_DEVICE} devices, ${runs} runs`);
  console.info(
    `start to ready      ${median(times).toFixed(0)} ms (${times.map((ms) => ms.toFixed(0)).join(', ')}), ${verdict(median(times), MOST_MS)} ${MOST_MS} ms`,
  );
  console.info(
    `resident memory     ${median(memory).toFixed(0)} MB (${memory.map((mb) => mb.toFixed(0)).join(', ')}), ${verdict(median(memory), MOST_MB)} ${MOST_MB} MB`,
  );
  console.info(
    `push to in force    ${pushedMs.toFixed(0)} ms; resident after it ${pushed.now.toFixed(0)} MB, at most ${pushed.most.toFixed(0)} MB`,
  );
} finally {
  await cloud.close();
  for (const line of lines) line.close();
  await broker.close();
  await rm(folder, { recursive: true, force: true });
}
process.exit();
