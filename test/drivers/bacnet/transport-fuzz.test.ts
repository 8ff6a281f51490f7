// Frames that kill others, and mutations of valid ones, into the live sockets of both sides: no exception, no hang, no growth.

import { expect, it } from 'vitest';
import { ask as service } from '../../../simulators/bacnet/requests.ts';
import { app } from '../../../simulators/bacnet/values.ts';
import { ask, eventually, TransportRig } from './transport-rig.ts';

const KILLERS = [
  '810a000a010050810f0d',
  '810a000b0100420100d801',
  '810a001501040005060a0e1c008000070f1e09552e',
  '810400040100',
  '81',
  '',
  '810c0004',
  '81ff0004',
  '810a00060120',
  '810a0007012000',
  '810a0006018f',
  '810a0008018000ff',
];
const frames = 20_000;

/** Small, and the same numbers in every run. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function mutated(frame: Buffer, below: (most: number) => number): Buffer {
  let octets = Buffer.from(frame);
  for (let times = 1 + below(4); times > 0; times -= 1) {
    const at = below(octets.length);
    switch (below(5)) {
      case 0:
        octets[at] = below(256);
        break;
      case 1:
        octets[at] = (octets[at] ?? 0) ^ (1 << below(8));
        break;
      case 2:
        octets = octets.subarray(0, Math.max(1, at));
        break;
      case 3:
        octets = Buffer.concat([octets.subarray(0, at), Buffer.from([below(256)]), octets.subarray(at)]);
        break;
      default:
        octets = Buffer.concat([octets, octets.subarray(at)]).subarray(0, 1500);
    }
  }
  // Mostly with a true length, or nothing gets past the first check.
  if (octets.length >= 4 && below(8) > 0) octets.writeUInt16BE(octets.length, 2);
  return octets;
}

it('outlives killer frames and mutations on both sides, and grows by nothing', async () => {
  const rig = await TransportRig.start({ network: { timeoutMs: 50, retries: 0, segmentTimeoutMs: 50 } });
  const tool = await rig.client({ maxApdu: 128 });
  const ahu = rig.device('ahu2');
  await tool.discover(3);
  await ask(tool, ahu, service.writeProperty({ object: 'analog-value,1', value: [app.real(20)], priority: 10 }));
  await ask(tool, ahu, service.subscribeCov(1, 'analog-value,1', false, 60));
  await ask(tool, rig.device('ctl1'), service.readProperty({ object: 'device,1003', property: 'object-list' }));
  const seeds = [
    ...KILLERS.map((hex) => Buffer.from(hex, 'hex')),
    ...tool.datagrams.map(({ bytes }) => bytes),
    Buffer.from('81050006003c', 'hex'),
    Buffer.from('810b000c0120ffff00ff1008', 'hex'),
  ];
  const fuzzer = await rig.client({ maxApdu: 50 });
  const southern = await rig.client({ port: rig.plantSide.port });
  for (const seed of seeds) for (const to of [rig.north, rig.plantSide]) fuzzer.sendRaw(seed, to);
  const below = randomFrom(20_261_122);
  const began = performance.now();
  for (let sent = 0; sent < frames; sent += 1) {
    const frame = mutated(seeds[below(seeds.length)] ?? Buffer.alloc(1), below);
    if (below(3) > 0) fuzzer.sendRaw(frame, rig.north);
    else southern.sendRaw(frame, rig.plantSide);
    if (sent % 50 > 0) continue;
    fuzzer.datagrams.length = 0;
    southern.datagrams.length = 0;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  expect(rig.counter('own_faults')).toBe(0);
  expect(rig.counter('north_frames_broken')).toBeGreaterThan(100);
  await eventually(() => rig.counter('north_under_way') === 0);
  expect(rig.counter('north_stations')).toBeLessThanOrEqual(3);
  expect(rig.counter('plant_devices')).toBeLessThanOrEqual(5);
  // Complaints are bounded, whatever came and however long it took.
  const seconds = (performance.now() - began) / 1000;
  expect(rig.road.refusals.length).toBeLessThan(100 + 50 * (seconds + 2));
  expect(
    await ask(tool, rig.device('vav1'), service.readProperty({ object: 'device,1002', property: 'vendor-identifier' })),
  ).toBe('complex-ack');
});
