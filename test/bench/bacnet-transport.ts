// How much the router's transport adds to a bare Node UDP forwarder: ReadProperty with 1, 8, 32 and 128 in flight, over one
// device and over 16, interleaved. The road lets everything through; what judging costs comes on top (bench:bacnet).
// Words: seconds per measurement (default 2), rounds (default 3).

import { type ChildProcess, fork } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { bacnetSection } from '../../drivers/bacnet/config.ts';
import { RunningBacnet } from '../../drivers/bacnet/running.ts';
import type { Gate } from '../../src/contract/gate.ts';
import { driverName } from '../../src/model/ids.ts';
import { OpenRoad } from '../drivers/bacnet/open-road.ts';

const DEVICES = 16;
const PLANT_PORT = 47_900;
const NORTH = { address: '127.9.0.1', port: 47_901 };
const FORWARDER = { address: '127.9.0.2', port: 47_902 };
const NETWORK = 20;
const deviceHost = (at: number): string => `127.9.1.${at + 1}`;

async function bound(address: string, port: number, shared = false): Promise<Socket> {
  const socket = createSocket({ type: 'udp4', reuseAddr: shared, recvBufferSize: 1 << 20 });
  socket.bind({ address, port });
  await once(socket, 'listening');
  return socket;
}

/** The quickest devices there can be: one canned answer to every ReadProperty. */
async function devices(): Promise<void> {
  const ear = await bound('127.255.255.255', PLANT_PORT, true);
  ear.setMaxListeners(DEVICES);
  for (let at = 0; at < DEVICES; at += 1) {
    const instance = at + 1;
    const socket = await bound(deviceHost(at), PLANT_PORT);
    const oid = [0xc4, 0x02, 0x00, instance >> 8, instance & 0xff];
    const values: { [property: number]: number[] } = {
      75: oid,
      62: [0x22, 0x05, 0xc4],
      107: [0x91, 0x00],
      120: [0x21, 0x63],
    };
    const present = [0x44, 0x42, 0x28, 0x00, 0x00];
    socket.on('message', (octets, from) => {
      // 81 0a len len 01 04 00 05 id 0c 0c object 19 property
      if ((octets[6] ?? 0) >> 4 !== 0 || octets[9] !== 0x0c) return;
      const object = octets.subarray(10, 17);
      const value = values[octets[16] ?? 0] ?? present;
      const answer = Buffer.from([0x81, 0x0a, 0, 0, 1, 0, 0x30, octets[8] ?? 0, 0x0c, ...object, 0x3e, ...value, 0x3f]);
      answer.writeUInt16BE(answer.length, 2);
      socket.send(answer, from.port, from.address);
    });
    ear.on('message', (octets, from) => {
      if (octets[7] !== 8 && octets[octets.length - 1] !== 8 && octets[6] !== 0x10) return;
      const iAm = Buffer.from([0x81, 0x0a, 0, 0, 1, 0, 0x10, 0, ...oid, 0x22, 0x05, 0xc4, 0x91, 0x00, 0x21, 0x63]);
      iAm.writeUInt16BE(iAm.length, 2);
      socket.send(iAm, from.port, from.address);
    });
  }
  process.send?.('ready');
}

/** What is between anyway: each client socket's datagrams to the devices in turn, answers back to who asked last. */
async function forwarder(): Promise<void> {
  const north = await bound(FORWARDER.address, FORWARDER.port);
  const souths: Socket[] = [];
  let client = { address: '', port: 0 };
  for (let at = 0; at < DEVICES; at += 1) {
    const south = await bound(FORWARDER.address, 0);
    south.on('message', (octets) => north.send(octets, client.port, client.address));
    souths.push(south);
  }
  north.on('message', (octets, from) => {
    client = from;
    // The last octet but two of the object says which device; it stands for the MAC.
    const at = (octets[octets.length - 3] ?? 0) % DEVICES;
    souths[at]?.send(octets, PLANT_PORT, deviceHost(at));
  });
  process.send?.('ready');
}

async function gateway(): Promise<void> {
  const section = bacnetSection.parse({
    north: { networkNumber: 10, ...NORTH },
    networks: {
      plant: { networkNumber: NETWORK, address: '127.9.0.3', port: PLANT_PORT, inFlight: Number(process.argv[3] ?? 8) },
    },
  });
  const gate: Pick<Gate, 'onStanding'> = { onStanding: () => () => undefined };
  const driver = new RunningBacnet(
    driverName('bacnet'),
    section,
    {
      gate: gate as Gate,
      log: { write: () => undefined },
      clock: { now: () => Date.now(), monotonic: () => performance.now(), sure: () => true },
      timers: {
        after: (ms, run) => {
          const timer = setTimeout(run, ms);
          return { cancel: () => clearTimeout(timer) };
        },
      },
    },
    (services) => {
      const road = new OpenRoad(services);
      road.requests.push = () => 0;
      return road;
    },
  );
  await driver.listen();
  setTimeout(() => process.send?.('ready'), 1500);
}

interface Measure {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  /** µs of processor time of what is between, for each request. */
  readonly busy: number;
}

/** Processor time of a process so far, in ms. */
function processorMs(pid: number | undefined): number {
  if (pid === undefined) return 0;
  const words = readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ');
  return 10 * (Number(words[13]) + Number(words[14]));
}

/** Keeps `inFlight` ReadProperty requests under way, each to the next device, and counts what comes back. */
async function measure(
  through: 'gateway' | 'forwarder',
  inFlight: number,
  spread: number,
  ms: number,
  pid?: number,
): Promise<Measure> {
  const socket = await bound('127.9.0.9', 0);
  const times: number[] = [];
  const began = new Float64Array(256 * DEVICES);
  let next = 0;
  let done = false;
  const to = through === 'gateway' ? NORTH : FORWARDER;
  const send = (): void => {
    const at = next % spread;
    const invokeId = Math.floor(next / spread) & 0xff;
    next += 1;
    const npdu =
      through === 'gateway'
        ? [1, 0x24, 0, NETWORK, 6, 127, 9, 1, at + 1, PLANT_PORT >> 8, PLANT_PORT & 0xff, 255]
        : [1, 4];
    const frame = Buffer.from([0x81, 0x0a, 0, 0, ...npdu, 0x02, 0x75, invokeId, 0x0c, 0x0c, 0, 0x80, 0, at, 0x19, 85]);
    frame.writeUInt16BE(frame.length, 2);
    began[at * 256 + invokeId] = performance.now();
    socket.send(frame, to.port, to.address);
  };
  socket.on('message', (octets) => {
    const apdu = through === 'gateway' ? 15 : 6;
    if (octets[apdu] !== 0x30) return;
    const at = octets[apdu + 7] ?? 0;
    times.push(performance.now() - (began[at * 256 + (octets[apdu + 1] ?? 0)] ?? 0));
    if (!done) send();
  });
  const busyBefore = processorMs(pid);
  const start = performance.now();
  for (let count = 0; count < inFlight; count += 1) send();
  await new Promise((resolve) => setTimeout(resolve, ms));
  done = true;
  const seconds = (performance.now() - start) / 1000;
  const count = times.length;
  const busy = (1000 * (processorMs(pid) - busyBefore)) / count;
  await new Promise((resolve) => setTimeout(resolve, 100));
  socket.close();
  times.sort((a, b) => a - b);
  return {
    perSecond: Math.round(count / seconds),
    p50: times[Math.floor(times.length / 2)] ?? 0,
    p99: times[Math.floor(times.length * 0.99)] ?? 0,
    busy,
  };
}

async function main(): Promise<void> {
  const seconds = Number(process.argv[2] ?? 2);
  const rounds = Number(process.argv[3] ?? 3);
  const program = fileURLToPath(import.meta.url);
  const children: ChildProcess[] = [];
  for (const role of ['devices', 'forwarder', 'gateway']) {
    const child = fork(program, [role, ...process.argv.slice(4)]);
    await once(child, 'message');
    children.push(child);
  }
  for (const spread of [DEVICES, 1]) {
    for (const inFlight of [1, 8, 32, 128]) {
      const got: { [way: string]: Measure[] } = { gateway: [], forwarder: [] };
      for (let round = 0; round < rounds; round += 1) {
        for (const way of ['forwarder', 'gateway'] as const)
          got[way]?.push(
            await measure(way, inFlight, spread, seconds * 1000, children[way === 'gateway' ? 2 : 1]?.pid),
          );
      }
      const best = (way: string): Measure => (got[way] ?? []).reduce((a, b) => (b.perSecond > a.perSecond ? b : a));
      const [a, b] = [best('forwarder'), best('gateway')];
      const ratio = (b.perSecond / a.perSecond).toFixed(2);
      const shown = ({ perSecond, p50, p99, busy }: Measure): string =>
        `${String(perSecond).padStart(6)}/s p50 ${p50.toFixed(2)} p99 ${p99.toFixed(2)} ms, ${busy.toFixed(1)} µs`;
      process.stdout.write(
        `${spread} devices, ${inFlight} in flight: forwarder ${shown(a)} | gateway ${shown(b)} | ratio ${ratio}\n`,
      );
    }
  }
  for (const child of children) child.kill();
}

/** One measurement through a gateway that runs already: in flight, devices, ms. For profiling. */
async function load(): Promise<void> {
  const [inFlight = 32, spread = DEVICES, ms = 3000] = process.argv.slice(3).map(Number);
  const measured = await measure(process.argv[6] === 'forwarder' ? 'forwarder' : 'gateway', inFlight, spread, ms);
  process.stdout.write(`${JSON.stringify(measured)}\n`);
}

const roles: { [role: string]: () => Promise<void> } = {
  load,
  devices,
  forwarder,
  gateway,
};
process.on('SIGTERM', () => process.exit());
await (roles[process.argv[2] ?? ''] ?? main)();
