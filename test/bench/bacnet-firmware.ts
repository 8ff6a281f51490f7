// A 2 MiB image to 20 simulated BACnet devices, 4 at a time: through the gateway's firmware steps (gate, journal on disk), and by a
// bare client loop to the same devices, in turns within one run; reads through the gateway, in turns too; its memory.
// Devices, loop and gateway are processes of their own. `--devices N`, `--rounds N`, `--mib N`; `--segmented`: devices
// that take segments; `--real-time`: devices that take their time over each piece. It prints and judges nothing.

import { type ChildProcess, fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { driver } from '../../drivers/bacnet/driver.ts';
import { FIRMWARE_MODEL, startFirmwarePlant } from '../../simulators/bacnet/firmware-plant.ts';
import { VENDOR } from '../../simulators/bacnet/plant.ts';
import { buildImage } from '../../simulators/firmware-image.ts';
import { principalId } from '../../src/model/ids.ts';
import { openBenched } from './gateway-core.ts';

function wordAfter(flag: string, usual: number): number {
  const at = process.argv.indexOf(flag);
  return at < 0 ? usual : Number(process.argv[at + 1]);
}

const DEVICES = wordAfter('--devices', 20);
const ROUNDS = wordAfter('--rounds', 5);
const OCTETS = wordAfter('--mib', 2) * 1_048_576;
const AT_ONCE = 4;
const PORT = 47_930;
const FIRST_HOST = '127.9.8.1';
const OTHER_HOST = '127.9.8.201';
const OTHER_INSTANCE = 3001;
const NORTH = { address: '127.9.7.1', port: 47_931 } as const;
const CHUNK = 1412;
const READ_PAUSE_MS = 2;
const READ_SHARES = [0.5, 0.9, 0.99];
const JOB = 'bench';
const BUSY_MS = 50;
const MEMORY_MS = 100;
const IDLE_MS = 3000;

const imageOf = (version: string): Buffer =>
  buildImage({ vendor: VENDOR, model: FIRMWARE_MODEL, version, size: OCTETS });
const hostOf = (at: number): string => `127.9.8.${at + 1}`;
const percentile = (times: readonly number[], share: number): number =>
  [...times].sort((one, other) => one - other)[Math.floor(times.length * share)] ?? Number.NaN;

/** Every item of work, so many at a time. */
async function each(count: number, work: (at: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) {
      next += 1;
      await work(next - 1);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

async function runDevices(): Promise<void> {
  const segmented = process.argv.includes('--segmented');
  await startFirmwarePlant({
    count: DEVICES,
    hostBase: FIRST_HOST,
    port: PORT,
    loader: { timeScale: process.argv.includes('--real-time') ? 1 : 0 },
    device: { keptFrames: 10, ...(segmented ? {} : { segmentation: 'none' }) },
  });
}

/** A device of a process of its own, which no image goes to: reads of it show what the gateway alone costs. */
async function runOther(): Promise<void> {
  await startFirmwarePlant({ count: 1, hostBase: OTHER_HOST, port: PORT, device: { instance: OTHER_INSTANCE } });
}

/** One request after the other to each device, and nothing else: what a client can reach. */
async function runLoop(): Promise<void> {
  const image = imageOf('3.0.0');
  const transfer = async (at: number): Promise<void> => {
    const socket = createSocket('udp4');
    socket.bind(0, '127.9.7.9');
    await once(socket, 'listening');
    await new Promise<void>((resolve, reject) => {
      let sent = 0;
      let invokeId = 0;
      const send = (service: number, body: readonly Uint8Array[]): void => {
        invokeId = (invokeId + 1) & 0xff;
        const head = Buffer.from([0x81, 0x0a, 0, 0, 1, 4, 0x00, 0x05, invokeId, service]);
        head.writeUInt16BE(
          body.reduce((sum, part) => sum + part.length, head.length),
          2,
        );
        socket.send([head, ...body], PORT, hostOf(at));
      };
      const again = (): void => {
        sent = Math.max(0, sent - CHUNK);
        next();
      };
      const next = (): void => {
        const data = image.subarray(sent, sent + CHUNK);
        const middle = Buffer.from([0xc4, 0x02, 0x80, 0, 1, 0x0e, 0x34, 0, 0, 0, 0, 0x65, 254, 0, 0]);
        middle.writeInt32BE(sent, 7);
        middle.writeUInt16BE(data.length, 13);
        send(7, [middle, data, Buffer.from([0x0f])]);
        sent += data.length;
      };
      socket.on('message', (octets) => {
        const type = (octets[6] ?? 0) >> 4;
        if (octets[7] !== invokeId) return;
        // It erases: the same piece again.
        if (type === 5) setTimeout(again, BUSY_MS);
        else if (type > 5) reject(new Error(`the device answered ${octets.toString('hex')}`));
        else if (sent < image.length) next();
        else resolve();
      });
      send(15, [Buffer.from([0x0c, 0x02, 0x80, 0, 1, 0x19, 42, 0x3e, 0x21, 0, 0x3f])]);
    });
    socket.close();
  };
  process.on('message', async () => {
    const began = performance.now();
    await each(DEVICES, transfer);
    process.send?.({ ms: performance.now() - began });
  });
}

async function runGateway(): Promise<void> {
  const ids = Array.from({ length: DEVICES }, (_, at) => `fw${at + 1}`);
  const firmware = { file: 1 };
  const bundle = {
    format: 'gatehouse.policy/1',
    revision: 1,
    audience: ['bench'],
    issuedAt: new Date().toISOString(),
    users: [{ id: 'anna', name: 'Anna', home: 'acme' }],
    applications: [{ id: 'bms', name: 'Station', home: 'acme' }],
    organizations: [
      {
        id: 'acme',
        name: 'Acme',
        model: { siteAccess: 'all', roleHierarchy: 'flat', rolesPerUser: 'many' },
        locations: [
          { id: 'root', name: 'Acme', kind: 'organization' },
          { id: 'hq', name: 'HQ', parent: 'root', kind: 'site' },
        ],
        devices: [...ids, 'other'].map((id, at) => ({
          id,
          name: id,
          location: 'hq',
          address: { bacnet: { network: 'plant', instance: id === 'other' ? OTHER_INSTANCE : 2001 + at, firmware } },
        })),
        points: [...ids, 'other'].map((id) => ({
          id: `${id}/sp`,
          name: 'Set point',
          device: id,
          class: 'set-point',
          address: { object: 'analog-value,1' },
        })),
        roles: [{ id: 'admin', name: 'Admin', permissions: ['device.view', 'point.read', 'firmware.update'] }],
        grants: [{ to: 'user:anna', role: 'admin', at: 'hq' }],
      },
    ],
  };
  const { running, gate, inventory } = await openBenched(driver, bundle, '127.9.7.8', {
    north: { networkNumber: 10, ...NORTH },
    networks: { plant: { networkNumber: 20, address: '127.9.7.3', port: PORT } },
  });
  await new Promise((resolve) => setTimeout(resolve, 4000));
  const octets = imageOf('4.0.0');
  const image = {
    id: createHash('sha256').update(octets).digest('hex'),
    size: octets.length,
    vendor: VENDOR,
    model: FIRMWARE_MODEL,
    version: '4.0.0',
    read: async (offset: number, length: number) => octets.subarray(offset, offset + length),
  };
  const from = 'page of anna';
  const proof = { kind: 'sign-in', session: 'bench' } as const;
  const anna = { principal: principalId('anna'), channel: 'local', proof, from, peer: from } as const;
  const handles = ids.flatMap((id) => inventory.find(id) ?? []);
  const points = ids.flatMap((id) => inventory.find(`${id}/sp`) ?? []);
  const watch = { signal: new AbortController().signal, progress: () => undefined };
  const transfer = async (at: number): Promise<void> => {
    const [device, steps] = [handles[at], running.firmware];
    if (device === undefined || steps === undefined) throw new Error('no such device');
    const planned = steps.plan(device, { kind: 'transfer', image, goesOn: false });
    if (!planned.ok) throw new Error(planned.fault);
    // As a job of the gateway does it.
    const held = gate.holdDevice(anna, device, JOB);
    if (!held.ok) throw new Error(held.fault);
    const judgement = gate.judge(anna, { ...planned.value, job: JOB });
    if (!judgement.permitted) throw new Error(judgement.denial.text);
    const outcome = await steps.perform(judgement.permit, watch);
    if (outcome.kind !== 'acknowledged') throw new Error(JSON.stringify(outcome));
  };
  const other = inventory.find('other/sp');
  /** Reads until told to end: of the other device alone, or of one device after the other. */
  const reading = async (ofOther: boolean, goesOn: () => boolean): Promise<number[]> => {
    const times: number[] = [];
    for (let at = 0; goesOn(); at += 1) {
      const began = performance.now();
      const [read] = await running.read([ofOther ? other : points[at % points.length]].flatMap((one) => one ?? []));
      if (read?.ok !== true) throw new Error(read?.why ?? 'nothing was read');
      times.push(performance.now() - began);
      await new Promise((resolve) => setTimeout(resolve, READ_PAUSE_MS));
    }
    return times;
  };
  let isReading = false;
  let times: Promise<number[]> = Promise.resolve([]);
  process.on('message', async ({ kind }: GatewayOrder) => {
    if (kind === 'read' || kind === 'read other') {
      isReading = true;
      times = reading(kind === 'read other', () => isReading);
      return;
    }
    if (kind === 'stop reading') {
      isReading = false;
      process.send?.({ times: await times });
      return;
    }
    globalThis.gc?.();
    const memory = [process.memoryUsage().rss];
    const watch = setInterval(() => memory.push(process.memoryUsage().rss), MEMORY_MS);
    const began = performance.now();
    await each(DEVICES, transfer);
    const ms = performance.now() - began;
    clearInterval(watch);
    process.send?.({ ms, memory: [...memory, process.memoryUsage().rss] });
  });
}

interface GatewayOrder {
  readonly kind: 'transfer' | 'read' | 'read other' | 'stop reading';
}

async function told<T>(child: ChildProcess | undefined, order: GatewayOrder = { kind: 'transfer' }): Promise<T> {
  if (child === undefined) throw new Error('no such process');
  child.send(order);
  const [answer] = await once(child, 'message');
  return answer as T;
}

const roles: { readonly [role: string]: () => Promise<void> } = {
  devices: runDevices,
  other: runOther,
  loop: runLoop,
  gateway: runGateway,
};

async function measureRates(loop: ChildProcess | undefined, gateway: ChildProcess | undefined): Promise<void> {
  const rate = (ms: number): string => `${((DEVICES * OCTETS) / 1_048_576 / (ms / 1000)).toFixed(1)} MiB/s`;
  const ratios: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const bare = await told<Transferred>(loop);
    const { ms, memory = [] } = await told<Transferred>(gateway);
    ratios.push(bare.ms / ms);
    const [first, most, last] = [memory[0], Math.max(...memory), memory.at(-1)].map((rss = 0) => rss / 1_048_576);
    const resident = `resident ${first?.toFixed(0)} MiB, at most ${most?.toFixed(0)}, in the end ${last?.toFixed(0)}`;
    const ratio = (bare.ms / ms).toFixed(2);
    console.log(`round ${round + 1}: loop ${rate(bare.ms)}, gateway ${rate(ms)}, ratio ${ratio}; ${resident}`);
  }
  console.log(`median ratio ${percentile(ratios, 0.5).toFixed(2)}`);
}

/** Reads through the gateway: idle, while it transfers, and while only the bare loop does: what the devices themselves cost. */
async function measureReads(
  kind: 'read' | 'read other',
  loop: ChildProcess | undefined,
  gateway: ChildProcess | undefined,
): Promise<void> {
  const read = { idle: [] as number[][], transfer: [] as number[][], loop: [] as number[][] };
  const meanwhile = async (work: () => Promise<unknown>): Promise<number[]> => {
    gateway?.send({ kind } satisfies GatewayOrder);
    await work();
    return (await told<{ times: number[] }>(gateway, { kind: 'stop reading' })).times;
  };
  for (let round = 0; round < ROUNDS; round += 1) {
    read.idle.push(await meanwhile(() => new Promise((resolve) => setTimeout(resolve, IDLE_MS))));
    read.transfer.push(await meanwhile(() => told(gateway)));
    read.loop.push(await meanwhile(() => told(loop)));
  }
  for (const share of READ_SHARES) {
    const [idle = 0, transfer = 0, bare = 0] = [read.idle, read.transfer, read.loop].map((rounds) =>
      percentile(
        rounds.map((times) => percentile(times, share)),
        0.5,
      ),
    );
    const ratios = `(${(transfer / idle).toFixed(2)} and ${(bare / idle).toFixed(2)} of idle)`;
    const spans = [idle, transfer, bare].map((ms) => `${ms.toFixed(2)} ms`);
    console.log(
      `${kind}, median of p${share * 100}: idle ${spans[0]}, beside transfers ${spans[1]}, beside the loop's ${spans[2]} ${ratios}`,
    );
  }
}

interface Transferred {
  readonly ms: number;
  readonly memory?: readonly number[];
}

async function main(): Promise<void> {
  const file = fileURLToPath(import.meta.url);
  const children = new Map<string, ChildProcess>();
  try {
    for (const role of Object.keys(roles)) {
      const child = fork(file, [role, ...process.argv.slice(2)], { execArgv: ['--expose-gc'] });
      children.set(role, child);
      await once(child, 'message');
    }
    const [loop, gateway] = [children.get('loop'), children.get('gateway')];
    await measureRates(loop, gateway);
    await measureReads('read', loop, gateway);
    await measureReads('read other', loop, gateway);
  } finally {
    for (const child of children.values()) child.kill();
  }
}

const role = roles[process.argv[2] ?? ''];
if (role === undefined) await main();
else {
  process.on('disconnect', () => process.exit());
  await role();
  process.send?.('ready');
}
