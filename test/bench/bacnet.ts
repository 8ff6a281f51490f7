// What the gate costs a BACnet client: ReadProperty and WriteProperty with 1, 8, 32 and 128 in flight, over 16 devices and over
// one, through the gateway and through a bare Node UDP forwarder, in turns within one run; then a segmented
// WritePropertyMultiple of 200 objects. Client, devices, forwarder and gateway are processes of their own. Ratios are medians
// over pairs of rounds; processor time for each request tells the same where the machine is busy with other things.
// It prints and judges nothing.

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { BacnetClient } from '../../simulators/bacnet/client.ts';
import { macOf } from '../../simulators/bacnet/framing.ts';
import type { Peer } from '../../simulators/bacnet/peer.ts';
import { CTL_ROWS } from '../../simulators/bacnet/plant-boxes.ts';
import { ask } from '../../simulators/bacnet/requests.ts';
import { app } from '../../simulators/bacnet/values.ts';
import {
  BIG,
  BIG_NETWORK,
  bound,
  CLIENT,
  DEVICES,
  deviceHost,
  FORWARDER,
  NETWORK,
  NORTH,
  PLANT_PORT,
  runDevices,
  runForwarder,
  runGateway,
  runPlant,
} from './bacnet-roles.ts';

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 5);
const ROUND_MS = Number(process.env.BENCH_ROUND_MS ?? 1000);
const IN_FLIGHT = [1, 8, 32, 128] as const;

type Way = 'forwarder' | 'gateway';
type Service = 'ReadProperty' | 'WriteProperty';

interface Figures {
  readonly times: number[];
  ms: number;
  refused: number;
  lost: number;
}

/** One round of one way. */
interface Round {
  readonly rate: number;
  /** µs of processor time, of all threads of what is between, for each request. */
  readonly busy: number;
}

const place: { readonly [way in Way]: { readonly address: string; readonly port: number } } = {
  forwarder: FORWARDER,
  gateway: NORTH,
};

function frameFor(way: Way, service: Service, at: number, invokeId: number, turn: number): Buffer {
  const mac = [...deviceHost(at).split('.').map(Number), PLANT_PORT >> 8, PLANT_PORT & 0xff];
  const npdu = way === 'gateway' ? [1, 0x24, 0, NETWORK, 6, ...mac, 255] : [1, 4];
  const object = [0x0c, 0x00, 0x80, 0x00, at, 0x19, 85];
  const value = Buffer.alloc(4);
  value.writeFloatBE(turn % 50_000);
  const apdu =
    service === 'ReadProperty'
      ? [0x00, 0x05, invokeId, 12, ...object]
      : [0x00, 0x05, invokeId, 15, ...object, 0x3e, 0x44, ...value, 0x3f, 0x49, 8];
  const frame = Buffer.from([0x81, 0x0a, 0, 0, ...npdu, ...apdu]);
  frame.writeUInt16BE(frame.length, 2);
  return frame;
}

/** Where the APDU of an answer begins: through the gateway the answer carries the device's network and MAC. */
function apduAt(octets: Buffer): number {
  const control = octets[5] ?? 0;
  return (control & 0x08) !== 0 ? 6 + 3 + (octets[8] ?? 0) : 6;
}

let turns = 0;

const between = new Map<string, ChildProcess>();

/** Processor time a process has used so far, in µs. */
async function usageOf(way: Way): Promise<number> {
  const child = between.get(way);
  if (child === undefined) throw new Error(`the ${way} does not run`);
  child.send('usage');
  const [used] = await once(child, 'message');
  return Number(used);
}

/** Keeps so many requests under way for a while, each to the next device. */
async function round(way: Way, service: Service, inFlight: number, spread: number, figures: Figures): Promise<Round> {
  const countBefore = figures.times.length;
  const socket = await bound(CLIENT, 0);
  const free = Array.from({ length: 256 }, (_, id) => id);
  const began = new Map<number, number>();
  let isDone = false;
  const send = (): void => {
    const invokeId = free.shift();
    if (invokeId === undefined) return;
    turns += 1;
    began.set(invokeId, performance.now());
    const { address, port } = place[way];
    socket.send(frameFor(way, service, turns % spread, invokeId, turns), port, address);
  };
  socket.on('message', (octets) => {
    const at = apduAt(octets);
    const kind = (octets[at] ?? 0) >> 4;
    const invokeId = octets[at + 1] ?? 0;
    const start = began.get(invokeId);
    if (start === undefined || kind < 2) return;
    began.delete(invokeId);
    free.push(invokeId);
    if (!isDone) {
      figures.times.push(performance.now() - start);
      if (kind > 3) figures.refused += 1;
      send();
    }
  });
  const usedBefore = await usageOf(way);
  const start = performance.now();
  for (let count = 0; count < inFlight; count += 1) send();
  await new Promise((resolve) => setTimeout(resolve, ROUND_MS));
  isDone = true;
  const ms = performance.now() - start;
  const used = (await usageOf(way)) - usedBefore;
  figures.ms += ms;
  for (let waits = 0; began.size > 0 && waits < 20; waits += 1) await new Promise((resolve) => setTimeout(resolve, 50));
  figures.lost += began.size;
  socket.close();
  const count = figures.times.length - countBefore;
  return { rate: (count * 1000) / ms, busy: used / count };
}

const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;

const median = (values: readonly number[]): number =>
  quantile(
    values.toSorted((a, b) => a - b),
    0.5,
  );

function line(name: string, { times, ms, refused, lost }: Figures, busy?: number): { p50: number; p99: number } {
  const sorted = times.sort((a, b) => a - b);
  const got = { p50: quantile(sorted, 0.5), p99: quantile(sorted, 0.99) };
  const rate = Math.round((sorted.length * 1000) / ms);
  const cost = busy === undefined ? '' : `  ${busy.toFixed(1)} µs`;
  const trouble = `${refused > 0 ? `  REFUSED ${refused}` : ''}${lost > 0 ? `  LOST ${lost}` : ''}`;
  console.log(
    `  ${name.padEnd(10)} p50 ${got.p50.toFixed(3)} ms  p99 ${got.p99.toFixed(3)} ms  ${rate}/s${cost}${trouble}`,
  );
  return got;
}

async function compare(service: Service, inFlight: number, spread: number): Promise<void> {
  console.log(`${service}, ${inFlight} in flight, ${spread === 1 ? 'one device' : `${spread} devices`}`);
  const figures = (): Figures => ({ times: [], ms: 0, refused: 0, lost: 0 });
  const all = { forwarder: figures(), gateway: figures() };
  const rounds: { readonly [way in Way]: Round[] } = { forwarder: [], gateway: [] };
  for (const way of ['forwarder', 'gateway'] as const) await round(way, service, inFlight, spread, figures());
  for (let turn = 0; turn < ROUNDS; turn += 1) {
    const ways = ['forwarder', 'gateway'] as const;
    for (const way of turn % 2 === 0 ? ways : ways.toReversed())
      rounds[way].push(await round(way, service, inFlight, spread, all[way]));
  }
  const busy = (way: Way): number => median(rounds[way].map((one) => one.busy));
  const bare = line('forwarder', all.forwarder, busy('forwarder'));
  const gated = line('gateway', all.gateway, busy('gateway'));
  const pairs = rounds.gateway.map(({ rate }, turn) => rate / (rounds.forwarder[turn]?.rate ?? Number.NaN));
  const ratio = median(pairs).toFixed(2);
  const range = `${Math.min(...pairs).toFixed(2)}–${Math.max(...pairs).toFixed(2)}`;
  const byTime = (busy('forwarder') / busy('gateway')).toFixed(2);
  console.log(
    `  ratio      throughput ${ratio} × (${range})  by processor time ${byTime} ×  added p50 ${(gated.p50 - bare.p50).toFixed(3)} ms  p99 ${(gated.p99 / bare.p99).toFixed(2)} ×`,
  );
}

/** 200 objects in one request of several segments: to the device itself, and through the gateway. */
async function large(): Promise<void> {
  console.log('WritePropertyMultiple of 200 objects, segmented, one at a time');
  const mac = macOf({ host: BIG.host.replace(/\d+$/, '23'), port: BIG.port });
  const ways: readonly (readonly [string, Peer, object])[] = [
    ['direct', { endpoint: { host: BIG.host.replace(/\d+$/, '23'), port: BIG.port } }, { peerMaxApdu: 480 }],
    ['gateway', { endpoint: { host: NORTH.address, port: NORTH.port }, route: { network: BIG_NETWORK, mac } }, {}],
  ];
  const client = await BacnetClient.open({ host: CLIENT, port: 0, broadcastAddress: 'none', apduTimeoutMs: 10_000 });
  for (const [name, peer, options] of ways) {
    const figures: Figures = { times: [], ms: 0, refused: 0, lost: 0 };
    for (let turn = 0; turn < 20; turn += 1) {
      const request = ask.writePropertyMultiple(
        CTL_ROWS.flatMap(({ point }) =>
          point === undefined
            ? []
            : [{ object: point.address.object, value: [valueFor(point.address.object, turn)], priority: 8 }],
        ),
      );
      const start = performance.now();
      const outcome = await client.request(peer, request, options);
      figures.times.push(performance.now() - start);
      figures.ms += performance.now() - start;
      if (outcome.kind !== 'simple-ack') figures.refused += 1;
    }
    line(name, figures);
  }
  await client.stop();
}

function valueFor(object: string, turn: number) {
  if (object.startsWith('analog')) return app.real(18 + (turn % 6));
  return object.startsWith('binary') ? app.enumerated(turn % 2) : app.unsigned(1 + (turn % 3));
}

const roles: { readonly [role: string]: () => Promise<void> } = {
  devices: runDevices,
  forwarder: runForwarder,
  plant: runPlant,
  gateway: runGateway,
};

async function measure(): Promise<void> {
  const children: ChildProcess[] = [];
  const [, file = ''] = process.argv;
  try {
    for (const role of Object.keys(roles)) {
      const child = fork(file, [role]);
      children.push(child);
      between.set(role, child);
      const [ready] = await Promise.race([once(child, 'message'), once(child, 'exit')]);
      if (ready !== 'ready') throw new Error(`the ${role} did not start`);
    }
    for (const service of ['ReadProperty', 'WriteProperty'] as const)
      for (const spread of [DEVICES, 1]) for (const inFlight of IN_FLIGHT) await compare(service, inFlight, spread);
    await large();
  } finally {
    for (const child of children) child.kill();
  }
}

const run = roles[process.argv[2] ?? ''];
if (run === undefined) await measure();
else {
  process.on('SIGTERM', () => process.exit());
  process.on('disconnect', () => process.exit());
  process.on('message', () => {
    const { user, system } = process.cpuUsage();
    process.send?.(user + system);
  });
  await run();
  process.send?.('ready');
}
