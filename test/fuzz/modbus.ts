// `npm run fuzz:modbus -- --seconds 60 --seed N`: mutated frames into the decoders, then into the live gateway between
// people with few rights and the simulated plant. It must not throw, hang or grow, and (the point) no byte may reach a
// device that no permit covered. Exit 0 or 1.

import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { decodeRequest } from '../../drivers/modbus/wire/decode-request.ts';
import { decodeResponse } from '../../drivers/modbus/wire/decode-response.ts';
import { encodeRequest } from '../../drivers/modbus/wire/encode-request.ts';
import { MbapFramer } from '../../drivers/modbus/wire/mbap.ts';
import type { Request } from '../../drivers/modbus/wire/request.ts';
import { RtuFramer } from '../../drivers/modbus/wire/rtu.ts';
import type { ArrivedFrame } from '../../simulators/modbus/record.ts';
import { AHU, adu, CHILLER, METER1, METER2, type Person, type RawClient, Rig } from '../drivers/modbus/rig.ts';
import { requests } from '../properties/modbus-arbitraries.ts';
import { Chance, fuzzOptions, liveHeap, mutate } from './mutate.ts';

/** Longest time one frame may hold the event loop, and one healthy read may take while the fuzzing goes on. */
const LONGEST_DECODE_MS = 100;
const LONGEST_READ_MS = 5_000;
const MOST_GROWTH = 48 * 1024 * 1024;

/** The bit points of the air handling unit's register 120; the other bits are nobody's. */
const REGISTER_120 = { 0: 'ahu1/occ-cmd', 1: 'ahu1/econ-en', 2: 'ahu1/purge-cmd', 8: 'ahu1/frost-en' };

const faults: string[] = [];

function seeds(seed: number): Uint8Array[] {
  const made = fc.sample(requests, { numRuns: 400, seed }).flatMap((request) => {
    const encoded = encodeRequest(request);
    return encoded.ok ? [encoded.value] : [];
  });
  // Frames about registers that exist, permitted ones among them, so that mutations come near what matters.
  const near = ['0310 0064 0002', '1000640002044120 0000', '05 0000 ff00', '06 0068 00c8', '0f 0000 0004 01 0f']
    .concat([
      '16 0078 fffe 0001',
      '17 0064 0002 0064 0002 04 41a00000',
      '2b0e0100',
      '08 0001 ff00',
      '15 07 06 0001 0000 0000',
    ])
    .map((hex) => Buffer.from(hex.replace(/\s/g, ''), 'hex'));
  return [...made, ...near, ...near, ...near];
}

/** How long all that reads a frame takes with it. */
function decodeMs(frame: Uint8Array, request: Request): number {
  const begun = performance.now();
  try {
    decodeRequest(frame);
    decodeResponse(request, frame);
    for (const framer of [new MbapFramer(), new RtuFramer(request)]) {
      framer.push(frame);
      for (let next = framer.next(); next !== undefined; next = framer.next()) if (next.kind === 'fault') break;
    }
  } catch (error) {
    faults.push(`decoding \`${Buffer.from(frame).toString('hex')}\` threw: ${String(error)}`);
  }
  return performance.now() - begun;
}

function fuzzDecoders(frames: readonly Uint8Array[], chance: Chance, untilMs: number): number {
  let count = 0;
  const known = frames.flatMap((frame) => {
    const decoded = decodeRequest(frame);
    return decoded.ok ? [decoded.value] : [];
  });
  while (performance.now() < untilMs) {
    const frame = mutate(chance.one(frames), chance);
    const request = chance.one(known);
    // A machine that is busy elsewhere is slow once; a frame that is slow is slow every time.
    let took = decodeMs(frame, request);
    for (let again = 0; took > LONGEST_DECODE_MS && again < 3; again += 1)
      took = Math.min(took, decodeMs(frame, request));
    if (took > LONGEST_DECODE_MS) faults.push(`decoding \`${frame.toString('hex')}\` took ${took.toFixed(0)} ms`);
    count += 1;
  }
  return count;
}

/** One attacker: frames in one piece, in pieces, several at once; a new connection whenever the last one was closed. */
async function attack(
  rig: Rig,
  person: Person,
  frames: readonly Uint8Array[],
  chance: Chance,
  untilMs: number,
): Promise<number> {
  let client: RawClient | undefined;
  let count = 0;
  while (performance.now() < untilMs) {
    if (client === undefined || client.closed) client = await rig.client(person).catch(() => undefined);
    if (client === undefined) {
      await sleep(20);
      continue;
    }
    const unit = chance.one([0, AHU, AHU, AHU, CHILLER, METER1, METER2, 255, chance.below(256)]);
    const whole = adu(count & 0xffff, unit, Buffer.from(chance.one(frames)).toString('hex'));
    const octets = chance.below(3) === 0 ? whole : mutate(whole, chance);
    const cut = chance.below(3) === 0 ? chance.below(octets.length + 1) : octets.length;
    client.send(octets.subarray(0, cut));
    if (cut < octets.length) client.send(octets.subarray(cut));
    count += 1;
    if (count % 16 === 0) await sleep(1);
  }
  await client?.end();
  return count;
}

/** A person who only reads, and must go on being answered. */
async function healthyReader(rig: Rig, untilMs: number): Promise<number> {
  let slowest = 0;
  const client = await rig.client('anna');
  while (performance.now() < untilMs) {
    const begun = performance.now();
    const answer = await Promise.race([
      client.ask(AHU, '03 0064 0002'),
      sleep(LONGEST_READ_MS, 'late', { ref: false }),
    ]);
    slowest = Math.max(slowest, performance.now() - begun);
    if (answer === 'late' || answer === 'closed') {
      faults.push(`a healthy read was ${answer}`);
      break;
    }
    await sleep(5);
  }
  await client.end();
  return slowest;
}

/** The points of a write; of a mask write those whose bits the And-mask leaves open, not all of the register. */
function touched(frame: ArrivedFrame): string[] {
  if (frame.functionCode !== 22) return [...frame.points];
  const andMask = frame.bytes.readUInt16BE(10);
  return Object.entries(REGISTER_120).flatMap(([bit, point]) => (((andMask >> Number(bit)) & 1) === 0 ? [point] : []));
}

/** What arrived at the devices against what was permitted: each write by one intent of the same points, nothing else. */
function compareRecords(rig: Rig): string {
  const intents = rig.journal.durable.flatMap((row) => (row.kind === 'intent' ? [row] : []));
  for (const intent of intents) {
    if (intent.who.principal !== 'ben') faults.push(`an intent of \`${intent.who.principal}\`, who may change nothing`);
  }
  let writes = 0;
  for (const [name, device] of Object.entries(rig.plant.devices)) {
    for (const { bytes, summary } of device.record.others())
      faults.push(`${name} got \`${bytes.toString('hex')}\`: ${summary}`);
    if (name !== 'ahu1' && device.record.writesSeen() > 0)
      faults.push(`${name} got ${device.record.writesSeen()} writes nobody may send`);
    writes += device.record.writesSeen();
  }
  const permitted = new Set(
    intents.map(({ effects }) =>
      effects
        .map(({ target }) => target)
        .sort()
        .join(' '),
    ),
  );
  for (const frame of rig.plant.devices.ahu1.record.writes()) {
    const points = touched(frame).sort().join(' ');
    if (!permitted.has(points))
      faults.push(`ahu1 got a write of \`${points}\` (${frame.summary}) that no intent covers`);
  }
  if (writes > intents.length) faults.push(`${writes} writes arrived, ${intents.length} intents were recorded`);
  return `${writes} writes arrived, ${intents.length} intents, ${rig.journal.notes.length} folded refusals`;
}

async function main(): Promise<number> {
  const { seconds, seed } = fuzzOptions(process.argv.slice(2));
  console.log(`seed ${seed}, ${seconds} s`);
  const chance = new Chance(seed);
  const frames = seeds(seed);
  process.on('uncaughtException', (error) => faults.push(`uncaught: ${error.stack}`));
  process.on('unhandledRejection', (error) => faults.push(`unhandled: ${String(error)}`));

  const decoded = fuzzDecoders(frames, chance, performance.now() + seconds * 300);
  console.log(`decoders: ${decoded} frames`);

  const rig = await Rig.start();
  const until = performance.now() + seconds * 700;
  const attackers: readonly Person[] = ['ben', 'carla', 'nobody'];
  // The simulators' records and the journal's stage are bounded and full by a third of the time.
  const warm = sleep(seconds * 250).then(liveHeap);
  const [before, slowest, ...sent] = await Promise.all([
    warm,
    healthyReader(rig, until),
    ...attackers.map((person, index) => attack(rig, person, frames, new Chance(seed + index + 1), until)),
  ]);
  await sleep(500);
  const growth = liveHeap() - before;
  console.log(
    `sockets: ${sent.reduce((sum, count) => sum + count, 0)} frames, slowest healthy read ${slowest.toFixed(0)} ms`,
  );
  console.log(compareRecords(rig));
  console.log(`live heap grew by ${(growth / 1_048_576).toFixed(1)} MiB`);
  if (growth > MOST_GROWTH) faults.push(`live heap grew by ${growth} bytes, expected at most ${MOST_GROWTH}`);
  await rig.stop();
  for (const fault of faults.slice(0, 20)) console.log(`FAULT ${fault}`);
  console.log(faults.length === 0 ? 'no fault' : `${faults.length} faults`);
  return faults.length === 0 ? 0 : 1;
}

process.exitCode = await main();
