// Every way round the gate that PROTOCOLS.md lists for BACnet, by its number: the frames. The devices' records are the witness.

import { createSocket } from 'node:dgram';
import { describe, expect, test } from 'vitest';
import { encodeApdu } from '../../simulators/bacnet/apci.ts';
import { BVLC, encodeBvlc, encodeNpdu, macOf } from '../../simulators/bacnet/framing.ts';
import { CONFIRMED, UNCONFIRMED } from '../../simulators/bacnet/names.ts';
import { ask, say } from '../../simulators/bacnet/requests.ts';
import { app } from '../../simulators/bacnet/values.ts';
import { RoadRig } from '../drivers/bacnet/road-rig.ts';
import { eventually, NORTH_NETWORK, ownHost, PLANT_NETWORK } from '../drivers/bacnet/transport-rig.ts';
import { arrivals, confirmed, datagram, fence, nothingArrives, sendRaw } from './bacnet-witness.ts';

const write = (value = 20) => ask.writeProperty({ object: 'analog-value,1', value: [app.real(value)], priority: 10 });
const EVERYWHERE = { network: 0xffff, mac: Buffer.alloc(0) };

describe('1: a write in a Forwarded-NPDU', () => {
  test('that names a permitted person’s address as its origin', async () => {
    const rig = await RoadRig.start();
    const { endpoint } = await rig.tool('anna');
    await nothingArrives(rig, async () => {
      await sendRaw(rig, 'nobody', confirmed(rig, write(), { bvlc: BVLC.forwarded, origin: endpoint }));
    });
    expect(rig.rows('intent')).toHaveLength(0);
  });
});

describe('2: broadcast management by anyone', () => {
  test('distribute, register, write and delete tables', async () => {
    const rig = await RoadRig.start();
    const inside = encodeNpdu({
      expectingReply: false,
      priority: 0,
      destination: EVERYWHERE,
      hops: 255,
      payload: encodeApdu({ kind: 'unconfirmed-request', ...say.timeSynchronization(new Date(0)) }),
    });
    const client = await rig.tool('nobody');
    await nothingArrives(rig, async () => {
      for (const frame of [
        encodeBvlc(BVLC.distributeBroadcast, inside),
        encodeBvlc(BVLC.registerForeignDevice, Buffer.from([0, 60])),
        encodeBvlc(BVLC.writeBroadcastTable, Buffer.concat([macOf(client.endpoint), Buffer.alloc(4, 0xff)])),
        encodeBvlc(BVLC.deleteForeignEntry, macOf(client.endpoint)),
      ])
        await sendRaw(rig, 'nobody', frame);
    });
    const results = client.controls.filter(({ function: code }) => code === BVLC.result);
    expect(results.length).toBeGreaterThan(0);
    for (const { payload } of results) expect(payload.readUInt16BE(0)).not.toBe(0);
  });
});

describe('3 and 4: headers that lie', () => {
  test.each([
    ['a BVLC length too short', (frame: Buffer) => patched(frame, 3, -1)],
    ['a BVLC length too long', (frame: Buffer) => patched(frame, 3, 1)],
    ['octets behind the length', (frame: Buffer) => Buffer.concat([frame, Buffer.from([0])])],
    ['no reply expected', (frame: Buffer) => masked(frame, 5, 0xfb, 0)],
    ['reserved bits of the NPDU', (frame: Buffer) => masked(frame, 5, 0xff, 0x40)],
    ['another protocol version', (frame: Buffer) => masked(frame, 4, 0, 2)],
    ['more segments, but no segment', (frame: Buffer) => masked(frame, apduAt, 0xff, 0x04)],
    ['reserved bits of the APDU', (frame: Buffer) => masked(frame, apduAt, 0xff, 0x01)],
    ['a PDU type that is none', (frame: Buffer) => masked(frame, apduAt, 0x0f, 0x90)],
  ])('%s', async (_name, spoil) => {
    const rig = await RoadRig.start();
    await nothingArrives(rig, async () => {
      await sendRaw(rig, 'anna', spoil(confirmed(rig, write())));
    });
    expect(rig.rows('intent')).toHaveLength(0);
  });
});

describe('5: a source that a client writes itself', () => {
  test.each([NORTH_NETWORK, PLANT_NETWORK, 7])('network %i', async (network) => {
    const rig = await RoadRig.start();
    const { endpoint } = await rig.tool('anna');
    const source = { network, mac: macOf(endpoint) };
    await nothingArrives(rig, async () => {
      await sendRaw(rig, 'nobody', confirmed(rig, write(), { npdu: { source } }));
      await sendRaw(rig, 'anna', confirmed(rig, write(), { npdu: { source } }));
    });
    expect(rig.rows('intent')).toHaveLength(0);
  });
});

describe('6: tags that are not canonical, and trailing octets', () => {
  const { payload } = write();
  const value = payload.indexOf(Buffer.from([0x44]));
  test.each([
    [
      'a value tag in extended length',
      Buffer.concat([payload.subarray(0, value), Buffer.from([0x45, 0x04]), payload.subarray(value + 1)]),
    ],
    ['a context tag in extended length', Buffer.concat([Buffer.from([0x0d, 0x04]), payload.subarray(1)])],
    ['a length of 254 form for little', Buffer.concat([Buffer.from([0x0d, 0xfe, 0x00, 0x04]), payload.subarray(1)])],
    ['a tag number in extended form', Buffer.concat([Buffer.from([0xfc, 0x00]), payload.subarray(1)])],
    ['trailing octets', Buffer.concat([payload, Buffer.from([0x49, 0x08])])],
    ['a second write behind it', Buffer.concat([payload, payload])],
    ['no end', payload.subarray(0, -3)],
  ])('%s', async (_name, spoiled) => {
    const rig = await RoadRig.start();
    await nothingArrives(rig, async () => {
      expect(await rig.ask('anna', { service: CONFIRMED['write-property'], payload: spoiled })).toMatch(/^reject/);
    });
    expect(rig.rows('intent')).toHaveLength(0);
  });
});

describe('16: segments', () => {
  const whole = ask.writePropertyMultiple([
    { object: 'analog-value,1', value: [app.real(20)], priority: 10 },
    { object: 'analog-value,2', value: [app.real(200)], priority: 10 },
  ]);
  const segment = (rig: RoadRig, sequence: number, more: boolean, window: number, part: Buffer) =>
    datagram(
      rig,
      encodeApdu({
        kind: 'confirmed-request',
        invokeId: 9,
        service: whole.service,
        payload: part,
        segmentedAnswerAccepted: true,
        maxSegments: 4,
        maxApdu: 5,
        segment: { more, sequence, window },
      }),
    );
  const half = whole.payload.length >> 1;
  const first = whole.payload.subarray(0, half);
  const last = whole.payload.subarray(half);

  test('of two stations never make one request', async () => {
    const rig = await RoadRig.start();
    await nothingArrives(rig, async () => {
      await sendRaw(rig, 'nobody', segment(rig, 0, true, 4, first));
      await sendRaw(rig, 'anna', segment(rig, 1, false, 4, last));
      await fence(rig);
      await sendRaw(rig, 'carla', segment(rig, 0, true, 4, first));
      await sendRaw(rig, 'nobody', segment(rig, 1, false, 4, last));
    });
    expect(rig.rows('intent')).toHaveLength(0);
  });

  test.each([
    ['the first one alone', [[0, true, 4]]],
    ['one that begins in the middle', [[1, false, 4]]],
    [
      'a gap',
      [
        [0, true, 4],
        [2, false, 4],
      ],
    ],
    [
      'a window of 0',
      [
        [0, true, 0],
        [1, false, 0],
      ],
    ],
    [
      'a window over 127',
      [
        [0, true, 200],
        [1, false, 200],
      ],
    ],
  ] as const)('%s', async (_name, parts) => {
    const rig = await RoadRig.start();
    await nothingArrives(rig, async () => {
      for (const [sequence, more, window] of parts)
        await sendRaw(rig, 'anna', segment(rig, sequence, more, window, sequence === 0 ? first : last));
    });
    expect(rig.rows('intent')).toHaveLength(0);
  });

  test('a segment that comes twice is taken once', async () => {
    const rig = await RoadRig.start();
    await sendRaw(rig, 'anna', segment(rig, 0, true, 1, first));
    await fence(rig);
    await sendRaw(rig, 'anna', segment(rig, 0, true, 1, first));
    await sendRaw(rig, 'anna', segment(rig, 1, false, 1, last));
    await sendRaw(rig, 'anna', segment(rig, 1, false, 1, last));
    await eventually(() => rig.rows('outcome').length > 0);
    await fence(rig);
    expect(rig.writes).toBe(1);
  });
});

describe('17: an invoke id again', () => {
  test('with other content is judged anew', async () => {
    const rig = await RoadRig.start();
    await sendRaw(rig, 'ben', confirmed(rig, write(20), { invokeId: 1 }));
    await eventually(() => rig.rows('outcome').length === 1);
    await nothingArrives(rig, async () => {
      await sendRaw(rig, 'ben', confirmed(rig, ask.writeProperty({ object: 'analog-value,4', value: [app.real(1)] })));
    });
    expect(rig.rows('refusal')).toHaveLength(1);
  });

  test('with the same octets is answered from memory, and the device hears it once', async () => {
    const rig = await RoadRig.start();
    await sendRaw(rig, 'ben', confirmed(rig, write(20)));
    await sendRaw(rig, 'ben', confirmed(rig, write(20)));
    await eventually(() => rig.rows('outcome').length === 1);
    await sendRaw(rig, 'ben', confirmed(rig, write(20)));
    await fence(rig);
    expect(rig.writes).toBe(1);
  });

  test('after another change it is judged anew', async () => {
    const rig = await RoadRig.start();
    await sendRaw(rig, 'ben', confirmed(rig, write(20)));
    await eventually(() => rig.rows('outcome').length === 1);
    expect(await rig.ask('anna', write(22))).toBe('simple-ack');
    rig.regrant([{ to: 'user:carla', role: 'viewer', at: 'hq' }]);
    await nothingArrives(rig, async () => {
      await sendRaw(rig, 'ben', confirmed(rig, write(20)));
    });
    expect(rig.plant.devices.ahu2.object('analog-value,1').number('present-value')).toBe(22);
  });
});

describe('18: words put into a device’s mouth', () => {
  test('I-Am, I-Am-Router, COV and events from the technicians’ side', async () => {
    const rig = await RoadRig.start();
    const anna = await rig.tool('anna');
    await nothingArrives(rig, async () => {
      for (const route of [EVERYWHERE, { network: PLANT_NETWORK, mac: Buffer.alloc(0) }]) {
        anna.tell(say.iAm(1001), { endpoint: rig.north, route }, 'local');
        for (const service of [
          UNCONFIRMED['unconfirmed-cov-notification'],
          UNCONFIRMED['unconfirmed-event-notification'],
        ])
          anna.tell({ service, payload: covNotification }, { endpoint: rig.north, route }, 'local');
      }
      await sendRaw(rig, 'anna', encodeBvlc(BVLC.broadcast, Buffer.from([1, 0x80, 1, 0, 200])));
      expect(
        await rig.ask('anna', { service: CONFIRMED['confirmed-cov-notification'], payload: covNotification }),
      ).toBe('error 5,29');
    });
    expect(await rig.ask('ben', write())).toBe('simple-ack');
  });

  test('forged answers from another address of the plant', async () => {
    const rig = await RoadRig.start();
    const plantSide = rig.driver.status().listening.find(({ name }) => name === 'plant');
    const liar = createSocket('udp4');
    const bound = new Promise<void>((resolve) => liar.bind(0, ownHost(), resolve));
    await bound;
    rig.plant.devices.ahu2.fail({ kind: 'silence', carriedOut: false }, { on: 'write' });
    const answer = rig.ask('ben', write());
    for (let invokeId = 0; invokeId < 256; invokeId += 1) {
      const apdu = encodeApdu({ kind: 'simple-ack', invokeId, service: CONFIRMED['write-property'] });
      const frame = encodeBvlc(BVLC.unicast, encodeNpdu({ expectingReply: false, priority: 0, payload: apdu }));
      await new Promise((resolve) => liar.send(frame, plantSide?.port ?? 0, plantSide?.address ?? '', resolve));
    }
    expect(await answer).toMatch(/^abort/);
    liar.close();
    await eventually(() => rig.rows('outcome').length === 1);
    expect(rig.rows('outcome')).toMatchObject([{ outcome: { kind: 'unknown' } }]);
  });
});

describe('19: confirmed requests to everybody', () => {
  test.each([
    ['DNET 65535', EVERYWHERE],
    ['the broadcast of the plant', { network: PLANT_NETWORK, mac: Buffer.alloc(0) }],
  ])('%s', async (_name, destination) => {
    const rig = await RoadRig.start();
    await nothingArrives(rig, async () => {
      await sendRaw(rig, 'anna', confirmed(rig, write(), { npdu: { destination } }));
      await sendRaw(rig, 'anna', confirmed(rig, write(), { npdu: { destination }, bvlc: BVLC.broadcast }));
    });
    expect(rig.rows('intent')).toHaveLength(0);
  });
});

describe('22: frames that kill', () => {
  const killers = ['810a000a010050810f0d', '810a000b0100420100d801', '810a001501040005060a0e1c008000070f1e09552e'];

  test('on both sides, and a second of mutations: no exception, no hang, and no octet without a permit', async () => {
    const rig = await RoadRig.start();
    const client = await rig.tool('nobody');
    const plantSide = rig.driver.status().listening.find(({ name }) => name === 'plant');
    const sides = [rig.north, { host: plantSide?.address ?? '', port: plantSide?.port ?? 0 }];
    await fence(rig);
    const before = arrivals(rig);
    for (const side of sides) for (const frame of killers) client.sendRaw(Buffer.from(frame, 'hex'), side);
    let seed = 1;
    const random = (below: number): number => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fff_ffff;
      return seed % below;
    };
    const seeds = [
      confirmed(rig, write()),
      confirmed(rig, ask.readProperty({ object: 'analog-input,1' })),
      ...killers.map((hex) => Buffer.from(hex, 'hex')),
    ];
    for (let count = 0; count < 2000; count += 1) {
      const frame = Buffer.from(seeds[random(seeds.length)] ?? '');
      for (let flips = random(4); flips >= 0; flips -= 1) frame.writeUInt8(random(256), random(frame.length));
      client.sendRaw(frame, sides[random(2)] ?? rig.north);
      if (count % 100 === 0) await fence(rig);
    }
    await fence(rig);
    expect(rig.writes).toBe(0);
    expect(arrivals(rig)).toBe(before);
    expect(rig.driver.status().counters.own_faults).toBe(0);
    expect(rig.log.of('own.fault')).toEqual([]);
  });
});

/** Where the APDU begins in a datagram for a device behind the router. */
const apduAt = 4 + 2 + 2 + 1 + 6 + 1;

function patched(frame: Buffer, at: number, by: number): Buffer {
  const copy = Buffer.from(frame);
  copy.writeUInt8((copy.readUInt8(at) + by) & 0xff, at);
  return copy;
}

function masked(frame: Buffer, at: number, keep: number, set: number): Buffer {
  const copy = Buffer.from(frame);
  copy.writeUInt8((copy.readUInt8(at) & keep) | set, at);
  return copy;
}

/** Process 1, device 1001, analog-input,1, no time left, present value 99. */
const covNotification = Buffer.from('09011c020003e92c0000000139004e09552e4442c600002f4f', 'hex');
