// The processes of the firmware benchmark: simulated devices, a bare client loop, the gateway with the real gate, the journal and
// the image on disk, and a tool that reads through the gateway. Each is a process of its own.

import { createHash } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { driver } from '../../drivers/bacnet/driver.ts';
import { FIRMWARE_MODEL, startFirmwarePlant } from '../../simulators/bacnet/firmware-plant.ts';
import { VENDOR } from '../../simulators/bacnet/plant.ts';
import { buildImage } from '../../simulators/firmware-image.ts';
import type { ImageSource } from '../../src/contract/firmware.ts';
import { principalId } from '../../src/model/ids.ts';
import { ImageFiles } from '../../src/store/image-files.ts';
import { inPieces } from '../../src/store/image-pieces.ts';
import { siteBundle } from '../drivers/gate-stage.ts';
import { openBenched } from './gateway-core.ts';

function wordAfter(flag: string, usual: number): number {
  const at = process.argv.indexOf(flag);
  return at < 0 ? usual : Number(process.argv[at + 1]);
}

export const DEVICES = wordAfter('--devices', 20);
export const ROUNDS = wordAfter('--rounds', 5);
/** Processes the devices are spread over, one after the other. */
export const DEVICE_PROCESSES = wordAfter('--device-processes', 2);
export const OCTETS = wordAfter('--mib', 2) * 1_048_576;
export const AT_ONCE = 4;
const PORT = 47_930;
const OTHER_HOST = '127.9.8.201';
const OTHER_INSTANCE = 3001;
const NORTH = { address: '127.9.7.1', port: 47_931 } as const;
const TOOL = '127.9.7.8';
const NETWORK = 20;
const CHUNK = 1412;
const READ_EVERY_MS = 2;
const JOB = 'bench';
const BUSY_MS = 50;
const MEMORY_MS = 100;

const imageOf = (version: string): Buffer =>
  buildImage({ vendor: VENDOR, model: FIRMWARE_MODEL, version, size: OCTETS });
const hostOf = (at: number): string => `127.9.8.${at + 1}`;
const instanceOf = (at: number): number => 2001 + at;

/** To the devices of one batch, all at once; how many ms it took. */
async function batch(first: number, work: (at: number) => Promise<void>): Promise<number> {
  const began = performance.now();
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, DEVICES - first) }, (_, at) => work(first + at)));
  return performance.now() - began;
}

/** The share of the devices that this process has: `--share N`. */
async function runDevices(): Promise<void> {
  const segmented = process.argv.includes('--segmented');
  for (let at = wordAfter('--share', 0); at < DEVICES; at += DEVICE_PROCESSES)
    await startFirmwarePlant({
      count: 1,
      hostBase: hostOf(at),
      port: PORT,
      loader: { timeScale: process.argv.includes('--real-time') ? 1 : 0 },
      device: { instance: instanceOf(at), keptFrames: 10, ...(segmented ? {} : { segmentation: 'none' }) },
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
  process.on('message', async (order: Order) => {
    if (order.kind === 'transfer') process.send?.({ ms: await batch(order.first, transfer), memory: [] });
  });
}

/** As the image store gives it: verified piece by piece, from the disk. */
async function storedImage(version: string): Promise<ImageSource> {
  const octets = imageOf(version);
  const id = createHash('sha256').update(octets).digest('hex');
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-bench-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, `${id}.image`), octets);
  const files = new ImageFiles(folder);
  const { size, pieces } = await files.digest(id, 'ready');
  const read = inPieces((offset, length) => files.read(id, offset, length), size, pieces);
  return { id, size, vendor: VENDOR, model: FIRMWARE_MODEL, version, read };
}

function bundle(): object {
  const ids = [...Array.from({ length: DEVICES }, (_, at) => `fw${at + 1}`), 'other'];
  const instance = (id: string, at: number): number => (id === 'other' ? OTHER_INSTANCE : instanceOf(at));
  return siteBundle({
    users: [{ id: 'anna', name: 'Anna', home: 'acme' }],
    applications: [{ id: 'bms', name: 'Station', home: 'acme' }],
    devices: ids.map((id, at) => ({
      id,
      name: id,
      location: 'hq',
      address: { bacnet: { network: 'plant', instance: instance(id, at), firmware: { file: 1 } } },
    })),
    points: ids.map((id) => ({
      id: `${id}/sp`,
      name: 'Set point',
      device: id,
      class: 'set-point',
      address: { object: 'analog-value,1' },
    })),
    roles: [
      { id: 'admin', name: 'Admin', permissions: ['device.view', 'point.read', 'firmware.update'] },
      { id: 'viewer', name: 'Viewer', permissions: ['device.view', 'point.read'] },
    ],
    grants: [
      { to: 'user:anna', role: 'admin', at: 'hq' },
      { to: 'application:bms', role: 'viewer', at: 'hq' },
    ],
  });
}

async function runGateway(): Promise<void> {
  const { running, gate, inventory } = await openBenched(driver, bundle(), TOOL, {
    north: { networkNumber: 10, ...NORTH },
    networks: { plant: { networkNumber: NETWORK, address: '127.9.7.3', port: PORT } },
  });
  await new Promise((resolve) => setTimeout(resolve, 4000));
  const image = await storedImage('4.0.0');
  const from = 'page of anna';
  const proof = { kind: 'sign-in', session: 'bench' } as const;
  const anna = { principal: principalId('anna'), channel: 'local', proof, from, peer: from } as const;
  const watch = { signal: new AbortController().signal, progress: () => undefined };
  const transfer = async (at: number): Promise<void> => {
    const [device, steps] = [inventory.find(`fw${at + 1}`), running.firmware];
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
  process.on('message', async (order: Order) => {
    if (order.kind !== 'transfer') return;
    const memory = [process.memoryUsage.rss()];
    const looking = setInterval(() => memory.push(process.memoryUsage.rss()), MEMORY_MS);
    const ms = await batch(order.first, transfer);
    clearInterval(looking);
    process.send?.({ ms, memory: [...memory, process.memoryUsage.rss()] });
  });
}

/**
 * ReadProperty through the gateway, every two ms whatever becomes of the one before: of a device that images go to, and of the one
 * they do not, in turns.
 */
async function runTool(): Promise<void> {
  const socket = createSocket('udp4');
  socket.bind(0, TOOL);
  await once(socket, 'listening');
  const waiting = new Map<number, { readonly since: number; readonly of: 'updated' | 'other' }>();
  let times: { updated: number[]; other: number[] } = { updated: [], other: [] };
  let number = 0;
  const ask = (): void => {
    number += 1;
    const of = number % 2 === 0 ? 'updated' : 'other';
    const host = of === 'other' ? OTHER_HOST : hostOf((number >> 1) % DEVICES);
    const invokeId = number & 0xff;
    if (waiting.has(invokeId)) throw new Error('a read was not answered');
    const mac = [...host.split('.').map(Number), PORT >> 8, PORT & 0xff];
    const apdu = [0x00, 0x05, invokeId, 12, 0x0c, 0x00, 0x80, 0, 1, 0x19, 85];
    const frame = Buffer.from([0x81, 0x0a, 0, 0, 1, 0x24, 0, NETWORK, 6, ...mac, 255, ...apdu]);
    frame[3] = frame.length;
    waiting.set(invokeId, { since: performance.now(), of });
    socket.send(frame, NORTH.port, NORTH.address);
  };
  socket.on('message', (octets) => {
    const [type = 0, invokeId = 0] = [octets[15], octets[16]];
    const asked = waiting.get(invokeId);
    // An I-Am is no answer.
    if (asked === undefined || octets[8] !== 6 || type >> 4 === 1) return;
    if (type >> 4 !== 3) throw new Error(`a read was answered with ${octets.toString('hex')}`);
    waiting.delete(invokeId);
    times[asked.of].push(performance.now() - asked.since);
  });
  let timer: NodeJS.Timeout | undefined;
  process.on('message', ({ kind }: Order) => {
    if (kind === 'read') timer = setInterval(ask, READ_EVERY_MS);
    if (kind !== 'stop reading') return;
    clearInterval(timer);
    process.send?.(times);
    times = { updated: [], other: [] };
  });
}

/** `first`: of the batch. */
export type Order =
  | { readonly kind: 'transfer'; readonly first: number }
  | { readonly kind: 'read' | 'stop reading' | 'cpu' };

/** By name; each resolves once it is ready for orders. */
export const roles: { readonly [role: string]: () => Promise<void> } = {
  devices: runDevices,
  other: runOther,
  loop: runLoop,
  gateway: runGateway,
  tool: runTool,
};
