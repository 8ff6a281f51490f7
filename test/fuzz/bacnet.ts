// `npm run fuzz:bacnet -- --seconds 60 --seed N`: mutated frames into the decoders, then into the live gateway between people
// with few rights and the simulated plant, from both sides. It must not throw, hang or grow, and (the point) no byte may reach
// a device that no permit covered. Exit 0 or 1.

import { setTimeout as sleep } from 'node:timers/promises';
import { decodeFrame } from '../../drivers/bacnet/wire/frame.ts';
import type { BacnetClient } from '../../simulators/bacnet/client.ts';
import { ask, type ServiceRequest } from '../../simulators/bacnet/requests.ts';
import { app } from '../../simulators/bacnet/values.ts';
import { type Attacker, BacnetFuzzRig } from './bacnet-rig.ts';
import { bacnetSeeds, confirmedFrame } from './bacnet-seeds.ts';
import { Chance, fuzzOptions, liveHeap, mutate } from './mutate.ts';

const LONGEST_DECODE_MS = 100;
const LONGEST_READ_MS = 5_000;
const MOST_GROWTH = 64 * 1024 * 1024;

const faults: string[] = [];

function decodeMs(frame: Buffer): number {
  const begun = performance.now();
  try {
    decodeFrame(frame);
  } catch (error) {
    faults.push(`decoding \`${frame.toString('hex')}\` threw: ${String(error)}`);
  }
  return performance.now() - begun;
}

function fuzzDecoders(frames: readonly Uint8Array[], chance: Chance, untilMs: number): number {
  let count = 0;
  while (performance.now() < untilMs) {
    const frame = trueLength(mutate(chance.one(frames), chance), chance);
    // A machine that is busy elsewhere is slow once; a frame that is slow is slow every time.
    let took = decodeMs(frame);
    for (let again = 0; took > LONGEST_DECODE_MS && again < 3; again += 1) took = Math.min(took, decodeMs(frame));
    if (took > LONGEST_DECODE_MS) faults.push(`decoding \`${frame.toString('hex')}\` took ${took.toFixed(0)} ms`);
    count += 1;
  }
  return count;
}

/** Mostly, or nothing would get past the first check. */
function trueLength(octets: Buffer, chance: Chance): Buffer {
  const whole = octets.subarray(0, 1500);
  if (whole.length >= 4 && chance.below(8) > 0) whole.writeUInt16BE(whole.length, 2);
  return whole;
}

/** One attacker: frames as they are and mutated, bursts, to the technicians' side or to the plant's. */
async function attack(
  client: BacnetClient,
  rig: BacnetFuzzRig,
  who: Attacker,
  chance: Chance,
  untilMs: number,
): Promise<number> {
  const frames = bacnetSeeds(rig.macs);
  const to = who === 'plant' ? rig.plantSide : rig.north;
  let count = 0;
  while (performance.now() < untilMs) {
    for (let burst = 1 + chance.below(8); burst > 0; burst -= 1) {
      const seed = chance.one(frames);
      const octets = chance.below(4) === 0 ? Buffer.from(seed) : trueLength(mutate(seed, chance), chance);
      client.sendRaw(octets, to);
      count += 1;
    }
    await sleep(1);
  }
  return count;
}

/** A person who only reads, and must go on being answered. */
async function healthyReader(rig: BacnetFuzzRig, untilMs: number): Promise<number> {
  let slowest = 0;
  const client = rig.client('carla');
  while (performance.now() < untilMs) {
    const begun = performance.now();
    const request = ask.readProperty({ object: 'analog-value,1' });
    const outcome = await client.request(rig.device('ahu2'), request, { timeoutMs: LONGEST_READ_MS });
    slowest = Math.max(slowest, performance.now() - begun);
    if (outcome.kind !== 'complex-ack') {
      faults.push(`a healthy read ended as ${JSON.stringify(outcome)}`);
      break;
    }
    await sleep(10);
  }
  return slowest;
}

/** What arrived at the devices against what was permitted: each write by one intent of the same points, nothing else. */
function compareRecords(rig: BacnetFuzzRig): string {
  const intents = rig.journal.durable.flatMap((row) => (row.kind === 'intent' ? [row] : []));
  for (const intent of intents)
    if (intent.who.principal !== 'ben') faults.push(`an intent of \`${intent.who.principal}\`, who may change nothing`);
  const permitted = new Map<string, number>();
  for (const { effects } of intents) {
    const targets = [...new Set(effects.map(({ target }) => target))].sort().join(' ');
    permitted.set(targets, (permitted.get(targets) ?? 0) + 1);
  }
  let writes = 0;
  for (const [name, device] of Object.entries(rig.plant.devices)) {
    for (const frame of device.record.writes()) {
      // What the gateway asks on its own account changes no value: it subscribes where tools have subscribed.
      if (/^(subscribe-cov|confirmed service 30)/.test(frame.summary)) continue;
      writes += 1;
      if (!frame.peer.startsWith(`${rig.plantSide.host}:`)) {
        faults.push(`${name} got \`${frame.bytes.toString('hex')}\` from ${frame.peer}, not from the gateway`);
        continue;
      }
      const points = [...new Set(frame.points)].sort().join(' ');
      const left = permitted.get(points) ?? 0;
      if (left <= 0) faults.push(`${name} got a write of \`${points}\` (${frame.summary}) that no intent covers`);
      permitted.set(points, left - 1);
    }
  }
  if (writes > intents.length) faults.push(`${writes} writes arrived, ${intents.length} intents were recorded`);
  return `${writes} writes arrived, ${intents.length} intents, ${rig.journal.notes.length} folded refusals`;
}

const permittedWrites: readonly ServiceRequest[] = [
  ask.writeProperty({ object: 'analog-value,1', value: [app.real(20)], priority: 10 }),
  ask.writeProperty({ object: 'analog-output,1', value: [app.real(50)], priority: 12 }),
];

/** Frames must be able to get through, or that nothing came through would say nothing. */
async function provePassage(rig: BacnetFuzzRig): Promise<void> {
  for (const request of permittedWrites) {
    const outcome = await rig.client('ben').request(rig.device('ahu2'), request);
    if (outcome.kind !== 'simple-ack') faults.push(`a permitted write ended as ${JSON.stringify(outcome)}`);
  }
}

async function main(): Promise<number> {
  const { seconds, seed } = fuzzOptions(process.argv.slice(2));
  console.log(`seed ${seed}, ${seconds} s`);
  const chance = new Chance(seed);
  process.on('uncaughtException', (error) => faults.push(`uncaught: ${error.stack}`));
  process.on('unhandledRejection', (error) => faults.push(`unhandled: ${String(error)}`));
  const mac = Buffer.from('7f000115bac0', 'hex');
  const seeds = [
    ...bacnetSeeds([mac]),
    confirmedFrame(mac, ask.readProperty({ object: 'device,1', property: 'object-list' })),
  ];
  const decoded = fuzzDecoders(seeds, chance, performance.now() + seconds * 300);
  console.log(`decoders: ${decoded} frames`);

  const rig = await BacnetFuzzRig.start();
  await provePassage(rig);
  const until = performance.now() + seconds * 700;
  const attackers: readonly Attacker[] = ['ben', 'carla', 'nobody', 'plant'];
  const clients = await Promise.all(attackers.map((who) => rig.attacker(who)));
  // The simulators' records and the journal's stage are bounded and full by half of the time.
  const warm = sleep(seconds * 400).then(liveHeap);
  const [before, slowest, ...sent] = await Promise.all([
    warm,
    healthyReader(rig, until),
    ...clients.map((client, at) => {
      const who = attackers[at] ?? 'nobody';
      return attack(client, rig, who, new Chance(seed + at + 1), until);
    }),
  ]);
  for (const client of clients) client.datagrams.length = 0;
  await sleep(2_000);
  const growth = liveHeap() - before;
  console.log(
    `sockets: ${sent.reduce((sum, count) => sum + count, 0)} frames, slowest healthy read ${slowest.toFixed(0)} ms`,
  );
  console.log(compareRecords(rig));
  console.log(`live heap grew by ${(growth / 1_048_576).toFixed(1)} MiB`);
  if (growth > MOST_GROWTH) faults.push(`live heap grew by ${growth} bytes, expected at most ${MOST_GROWTH}`);
  await Promise.all(clients.map((client) => client.stop()));
  await rig.stop();
  for (const fault of faults.slice(0, 20)) console.log(`FAULT ${fault}`);
  console.log(faults.length === 0 ? 'no fault' : `${faults.length} faults`);
  return faults.length === 0 ? 0 : 1;
}

process.exitCode = await main();
