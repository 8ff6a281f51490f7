// A 2 MiB image to 20 simulated BACnet devices, 4 at a time: through the gateway's firmware steps (gate, journal on disk), and by a
// bare client loop to the same devices, in turns within one run; reads through the gateway idle and meanwhile; its memory.
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
const NORTH = { address: '127.9.7.1', port: 47_931 } as const;
const CHUNK = 1412;
const READ_PAUSE_MS = 2;
const READ_SHARES = [0.5, 0.9, 0.99];
const BUSY_MS = 50;

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
        devices: ids.map((id, at) => ({
          id,
          name: id,
          location: 'hq',
          address: { bacnet: { network: 'plant', instance: 2001 + at, firmware } },
        })),
        points: ids.map((id) => ({
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
    const judgement = gate.judge(anna, planned.value);
    if (!judgement.permitted) throw new Error(judgement.denial.text);
    const outcome = await steps.perform(judgement.permit, watch);
    if (outcome.kind !== 'acknowledged') throw new Error(JSON.stringify(outcome));
  };
  /** Reads one device after the other until told to end. */
  const reading = async (goesOn: () => boolean): Promise<number[]> => {
    const times: number[] = [];
    for (let at = 0; goesOn(); at += 1) {
      const began = performance.now();
      const [read] = await running.read(
        [points[at % points.length] ?? points[0] ?? handles[0]].flatMap((one) => one ?? []),
      );
      if (read?.ok !== true) throw new Error(read?.why ?? 'nothing was read');
      times.push(performance.now() - began);
      await new Promise((resolve) => setTimeout(resolve, READ_PAUSE_MS));
    }
    return times;
  };
  process.on('message', async (order: { readonly reads: boolean }) => {
    const end = performance.now() + 1500;
    const idle = order.reads ? await reading(() => performance.now() < end) : [];
    globalThis.gc?.();
    const rss = process.memoryUsage().rss;
    const began = performance.now();
    let isOver = false;
    const meanwhile = order.reads ? reading(() => !isOver) : Promise.resolve([]);
    await each(DEVICES, transfer);
    const ms = performance.now() - began;
    isOver = true;
    const busy = await meanwhile;
    process.send?.({
      ms,
      idle: READ_SHARES.map((share) => percentile(idle, share)),
      busy: READ_SHARES.map((share) => percentile(busy, share)),
      grown: process.memoryUsage().rss - rss,
    });
  });
}

interface Told {
  readonly ms: number;
  readonly idle?: readonly number[];
  readonly busy?: readonly number[];
  readonly grown?: number;
}

async function told(child: ChildProcess | undefined, order: object): Promise<Told> {
  child?.send(order);
  const [answer] = child === undefined ? [] : await once(child, 'message');
  return answer as Told;
}

const roles: { readonly [role: string]: () => Promise<void> } = {
  devices: runDevices,
  loop: runLoop,
  gateway: runGateway,
};

async function main(): Promise<void> {
  const file = fileURLToPath(import.meta.url);
  const children = new Map<string, ChildProcess>();
  try {
    for (const role of Object.keys(roles)) {
      const child = fork(file, [role, ...process.argv.slice(2)], { execArgv: ['--expose-gc'] });
      children.set(role, child);
      await once(child, 'message');
    }
    const rate = (ms: number): string => `${((DEVICES * OCTETS) / 1_048_576 / (ms / 1000)).toFixed(1)} MiB/s`;
    const ratios: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const loop = await told(children.get('loop'), {});
      const gateway = await told(children.get('gateway'), { reads: false });
      ratios.push(loop.ms / gateway.ms);
      const grown = `${((gateway.grown ?? 0) / 1_048_576).toFixed(0)} MiB`;
      const times = `loop ${rate(loop.ms)}, gateway ${rate(gateway.ms)}`;
      console.log(`round ${round + 1}: ${times}, ratio ${(loop.ms / gateway.ms).toFixed(2)}, memory grew by ${grown}`);
    }
    const { idle = [], busy = [] } = await told(children.get('gateway'), { reads: true });
    console.log(`median ratio ${percentile(ratios, 0.5).toFixed(2)}`);
    for (const [at, share] of READ_SHARES.entries()) {
      const [quiet = Number.NaN, meanwhile = Number.NaN] = [idle[at], busy[at]];
      const times = `idle ${quiet.toFixed(2)} ms, meanwhile ${meanwhile.toFixed(2)} ms`;
      console.log(`reads, p${share * 100}: ${times} (${(meanwhile / quiet).toFixed(2)})`);
    }
  } finally {
    for (const child of children.values()) child.kill();
  }
}

const role = roles[process.argv[2] ?? ''];
if (role === undefined) await main();
else {
  await role();
  process.send?.('ready');
}
