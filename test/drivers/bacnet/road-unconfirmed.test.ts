// Unconfirmed requests: searches, group writes, what devices and consoles say of themselves, and what nobody may say.

import { describe, expect, test } from 'vitest';
import { CONFIRMED, UNCONFIRMED } from '../../../simulators/bacnet/names.ts';
import { type ServiceRequest, say } from '../../../simulators/bacnet/requests.ts';
import { app } from '../../../simulators/bacnet/values.ts';
import { AHU, request, station, told, VAV } from './classify-stage.ts';
import { answerOf, BMS, type FakeStage, fakeStage, northAt } from './fake-sides.ts';

const settled = () => new Promise((resolve) => setImmediate(resolve));
const everywhere = { network: 'all' } as const;
const nobody = northAt('127.0.0.50');

/** Of device 1001 about analog-input,1. */
const event = Buffer.from('09011c020003e92c000000013e19013f4901590169058902b900', 'hex');
const cov = (process: string, device = '020003e9') =>
  Buffer.from(`09${process}1c${device}2c0080000139004e09552e44419800002f4f`, 'hex');

function confirmedEvent(): ServiceRequest {
  return { service: CONFIRMED['confirmed-event-notification'], payload: event };
}

const services = ({ sides }: FakeStage) => sides.told.map(({ request: one }) => one.service);

describe('searches', () => {
  test('what is found goes to who asked and may see it', async () => {
    const stage = await fakeStage();
    stage.road.unconfirmed(stage.anna, everywhere, told(say.whoIs(1001, 1001)));
    expect(stage.sides.said.map(({ to }) => to)).toEqual(['plant', 'other']);
    stage.road.unconfirmed(AHU, { network: 'plant' }, told(say.iAm(1001)));
    stage.road.unconfirmed(AHU, { network: 'plant' }, told(say.iAm(1002)));
    expect(stage.sides.told).toMatchObject([{ to: stage.anna, request: { service: 'i-am' } }]);
  });

  test('strangers who look take no place from who may be told', async () => {
    const stage = await fakeStage();
    stage.road.unconfirmed(stage.anna, everywhere, told(say.whoIs(1001, 1001)));
    const asked = stage.sides.said.length;
    for (let host = 0; host < 1100; host += 1)
      stage.road.unconfirmed(northAt(`127.1.${host >> 8}.${host & 255}`), everywhere, told(say.whoIs()));
    expect(stage.sides.said).toHaveLength(asked);
    stage.road.unconfirmed(AHU, { network: 'plant' }, told(say.iAm(1001)));
    expect(stage.sides.told).toMatchObject([{ to: stage.anna, request: { service: 'i-am' } }]);
  });

  test('however many look, so many a second go on to the plant', async () => {
    const grants = [{ to: 'anyone', permissions: ['device.view'], at: 'hq' }];
    const stage = await fakeStage({ grants });
    for (let host = 0; host < 200; host += 1)
      stage.road.unconfirmed(northAt(`127.1.0.${host}`), AHU, told(say.whoIs()));
    expect(stage.sides.said).toHaveLength(80);
    stage.time.pass(1000);
    for (let host = 0; host < 200; host += 1)
      stage.road.unconfirmed(northAt(`127.1.0.${host}`), AHU, told(say.whoIs()));
    expect(stage.sides.said).toHaveLength(120);
  });

  test('names are found by who may read them', async () => {
    const stage = await fakeStage();
    const found = (object: number) => ({
      service: 'i-have' as const,
      parameters: {
        deviceIdentifier: { type: 8, instance: 1001 },
        objectIdentifier: { type: 2, instance: object },
        objectName: { characterSet: 0, octets: Buffer.from('SP') },
      },
    });
    stage.road.unconfirmed(stage.anna, AHU, told(say.whoHas({ name: 'SP' })));
    stage.road.unconfirmed(AHU, { network: 'plant' }, found(1));
    expect(stage.sides.told).toHaveLength(1);
    stage.road.unconfirmed(stage.anna, AHU, told(say.whoHas({ object: 'analog-value,2' })));
    stage.road.unconfirmed(
      AHU,
      { network: 'plant' },
      {
        ...found(3),
        parameters: { ...found(3).parameters, objectName: { characterSet: 0, octets: Buffer.from('X') } },
      },
    );
    expect(stage.sides.told).toHaveLength(1);
    stage.road.unconfirmedNorth?.(AHU, nobody, found(1));
    expect(stage.sides.told).toHaveLength(1);
  });

  test('who may view nothing does not even search, and a flood ends', async () => {
    const stage = await fakeStage();
    stage.road.unconfirmed(nobody, everywhere, told(say.whoIs()));
    expect(stage.sides.said).toEqual([]);
    for (let count = 0; count < 100; count += 1) stage.road.unconfirmed(stage.anna, AHU, told(say.whoIs()));
    expect(stage.sides.said).toHaveLength(64);
    stage.time.pass(10_001);
    stage.road.unconfirmed(stage.anna, AHU, told(say.whoIs()));
    expect(stage.sides.said).toHaveLength(65);
  });

  test('a device that looks for its console finds it at the gateway; a plant instance is nobody else’s', async () => {
    const stage = await fakeStage();
    stage.road.unconfirmed(AHU, everywhere, told(say.whoIs(4000, 4000)));
    stage.road.unconfirmed(stage.anna, AHU, told(say.iAm(4000)));
    expect(stage.sides.said.filter(({ request: one }) => one.service === 'i-am')).toMatchObject([{ to: AHU }]);
    stage.road.unconfirmed(nobody, AHU, told(say.iAm(4000)));
    stage.road.unconfirmed(stage.anna, AHU, told(say.iAm(1002)));
    expect(stage.sides.said.filter(({ request: one }) => one.service === 'i-am')).toHaveLength(1);
    expect(stage.journal.rows('refusal')).toMatchObject([{ operation: 'i-am' }]);
  });
});

describe('events', () => {
  test('to everybody, to one, and to the gateway: who may see them, and only of a device’s own', async () => {
    const stage = await fakeStage();
    stage.sides.north.push(nobody);
    const unconfirmed = told({ service: UNCONFIRMED['unconfirmed-event-notification'], payload: event });
    stage.road.unconfirmed(AHU, { network: 'plant' }, unconfirmed);
    stage.road.unconfirmedNorth?.(AHU, stage.anna, unconfirmed);
    stage.road.unconfirmedNorth?.(AHU, nobody, unconfirmed);
    expect(stage.sides.told.map(({ to }) => to)).toEqual([stage.anna, stage.anna]);
    stage.road.unconfirmed(VAV, { network: 'plant' }, unconfirmed);
    expect(stage.sides.told).toHaveLength(2);
    const notification = { request: request(confirmedEvent()) };
    const to = (from: typeof AHU, station_: typeof nobody | 'gateway') =>
      stage.road.notification?.({ ...notification, from, to: station_ });
    expect(await to(AHU, 'gateway')).toEqual({ kind: 'simple-ack' });
    expect(await to(AHU, stage.anna)).toEqual({ kind: 'simple-ack' });
    expect(await to(AHU, nobody)).toMatchObject({ kind: 'error' });
    expect(await to(VAV, 'gateway')).toMatchObject({ kind: 'error' });
    stage.sides.north.length = 0;
    expect(await to(AHU, 'gateway')).toMatchObject({ kind: 'abort' });
  });

  test('keep the network priority they came with, by whichever way they are passed on', async () => {
    const grants = ['user:anna', 'application:bms'].map((to) => ({ to, permissions: ['alarm.view'], at: 'ahu2' }));
    const stage = await fakeStage({ grants });
    const unconfirmed = told({ service: UNCONFIRMED['unconfirmed-event-notification'], payload: event });
    const confirmed = request(confirmedEvent());
    stage.road.unconfirmed(AHU, { network: 'plant' }, unconfirmed, 3);
    stage.road.unconfirmedNorth?.(AHU, stage.anna, unconfirmed, 2);
    stage.road.unconfirmed(AHU, BMS, unconfirmed, 1);
    await stage.road.notification?.({ from: AHU, to: stage.anna, request: confirmed, priority: 3 });
    await stage.road.notification?.({ from: AHU, to: 'gateway', request: confirmed, priority: 2 });
    await answerOf(stage.road, { from: AHU, to: BMS, request: confirmed, priority: 3 });
    expect(stage.sides.priorities).toEqual([3, 2, 1, 3, 2, 3]);
  });

  test('of a device that cannot stop are left out and recorded, those of another are told', async () => {
    const stage = await fakeStage();
    const of = (device: string) =>
      told({
        service: UNCONFIRMED['unconfirmed-event-notification'],
        payload: Buffer.from(event.toString('hex').replace('020003e9', device), 'hex'),
      });
    for (let count = 0; count < 1000; count += 1) stage.road.unconfirmed(AHU, { network: 'plant' }, of('020003e9'));
    expect(stage.sides.told).toHaveLength(200);
    stage.road.unconfirmed(VAV, { network: 'plant' }, of('020003ea'));
    expect(stage.sides.told).toHaveLength(201);
    expect(stage.journal.rows('refusal')).toMatchObject([{ reason: 'rate-limited' }]);
    stage.time.pass(1000);
    stage.road.unconfirmed(AHU, { network: 'plant' }, of('020003e9'));
    expect(stage.sides.told).toHaveLength(202);
  });

  test('between plant networks they go to an application that may see them', async () => {
    const grants = [{ to: 'application:bms', permissions: ['alarm.view'], at: 'ahu2' }];
    const stage = await fakeStage({ grants });
    const told_ = (from: typeof AHU, to: typeof AHU) =>
      answerOf(stage.road, { from, to, request: request(confirmedEvent()) });
    expect(await told_(AHU, BMS)).toEqual({ kind: 'simple-ack' });
    expect(await told_(AHU, VAV)).toMatchObject({ kind: 'error' });
    expect(await told_(VAV, BMS)).toMatchObject({ kind: 'error' });
    expect(await stage.ask(stage.anna, confirmedEvent())).toMatchObject({ kind: 'error' });
    const unconfirmed = told({ service: UNCONFIRMED['unconfirmed-event-notification'], payload: event });
    stage.road.unconfirmed(AHU, BMS, unconfirmed);
    expect(stage.sides.said).toMatchObject([{ to: BMS }]);
    // Everywhere, and to the network it is on; what stays on its own network crosses to no other.
    stage.road.unconfirmed(AHU, everywhere, unconfirmed);
    stage.road.unconfirmed(AHU, { network: 'other' }, unconfirmed);
    stage.road.unconfirmed(AHU, { network: 'plant' }, unconfirmed);
    stage.road.unconfirmed(AHU, 'north', unconfirmed);
    expect(stage.sides.said.map(({ to }) => to)).toEqual([BMS, BMS, BMS]);
  });
});

describe('changes of value without a subscription', () => {
  test('pass on what everybody in it may read, of a device’s own only', async () => {
    const stage = await fakeStage();
    stage.sides.north.push(nobody);
    const notification = told({ service: UNCONFIRMED['unconfirmed-cov-notification'], payload: cov('00') });
    stage.road.unconfirmed(AHU, { network: 'plant' }, notification);
    stage.road.unconfirmed(VAV, { network: 'plant' }, notification);
    stage.road.unconfirmedNorth?.(AHU, nobody, notification);
    expect(services(stage)).toEqual(['unconfirmed-cov-notification']);
    const confirmed = request({ service: CONFIRMED['confirmed-cov-notification'], payload: cov('07') });
    expect(await stage.road.notification?.({ from: AHU, to: 'gateway', request: confirmed })).toMatchObject({
      kind: 'error',
    });
  });
});

describe('what changes something', () => {
  test('a permitted group write goes on once, to the device it was judged for', async () => {
    const stage = await fakeStage();
    stage.sides.answer = (asked) => {
      if (asked.service !== 'read-property') return { kind: 'reject', reason: 9 };
      const missing = { choice: 'plain', value: { errorClass: 2, errorCode: 32 } } as const;
      return { kind: 'error', error: { service: 'read-property', parameters: missing } };
    };
    const group = told(say.writeGroup(7, 10, [{ channel: 5, value: app.real(20) }]));
    stage.road.unconfirmed(stage.anna, AHU, group);
    await settled();
    // A device without an object list has nothing that could be told: refused.
    expect(stage.sides.said).toEqual([]);
    expect(stage.journal.rows('refusal')).toMatchObject([{ operation: 'write-group' }]);
  });

  test('time for all waits for every lane, and one that is full ends it', async () => {
    const stage = await fakeStage();
    stage.sides.known.pop();
    stage.road.unconfirmed(stage.anna, { network: 'plant' }, told(say.timeSynchronization(new Date(0))));
    await settled();
    expect(stage.sides.said).toMatchObject([{ to: 'plant' }]);
    expect(stage.journal.rows('outcome')).toMatchObject([{ outcome: { kind: 'unknown' } }]);
    stage.sides.lanes = 'full';
    stage.road.unconfirmed(stage.anna, { network: 'plant' }, told(say.timeSynchronization(new Date(0))));
    await settled();
    expect(stage.sides.said).toHaveLength(1);
    expect(stage.journal.rows('outcome')).toMatchObject([{}, { outcome: { kind: 'not-sent' } }]);
  });

  test('between devices of one network it is theirs; to another network it is judged', async () => {
    const stage = await fakeStage();
    const time = told(say.timeSynchronization(new Date(0)));
    stage.road.unconfirmed(AHU, { network: 'plant' }, time);
    await settled();
    expect(stage.journal.rows('refusal')).toEqual([]);
    stage.road.unconfirmed(station(2002, 'other'), everywhere, time);
    await settled();
    expect(stage.journal.rows('refusal')).toHaveLength(1);
    expect(stage.sides.said).toEqual([]);
  });

  test('to the technicians’ network it goes nowhere else: a search is heard there, the rest is refused', async () => {
    const grants = [{ to: 'application:bms', permissions: ['device.view', 'device.control'], at: 'hq' }];
    const stage = await fakeStage({ grants });
    stage.road.unconfirmed(BMS, 'north', told(say.whoIs(4000, 4000)));
    stage.road.unconfirmed(BMS, 'north', told(say.timeSynchronization(new Date(0))));
    stage.road.unconfirmed(BMS, 'north', told(say.writeGroup(7, 10, [{ channel: 5, value: app.real(20) }])));
    await settled();
    // Once, to the stations; to no network of the plant.
    expect(stage.sides.said.map(({ to }) => to)).toEqual(['broadcast']);
    expect(stage.journal.rows('refusal')).toMatchObject([
      { operation: 'time-synchronization' },
      { operation: 'write-group' },
    ]);
    expect(stage.road.counters().unconfirmed_dropped).toBe(2);
    expect(stage.journal.rows('intent')).toEqual([]);
  });

  test('text, audit and identity messages are refused', async () => {
    const stage = await fakeStage();
    for (const service of [12, 13, 14, 99])
      stage.road.unconfirmed(stage.anna, AHU, told({ service, payload: Buffer.alloc(0) }));
    await settled();
    expect(stage.sides.said).toEqual([]);
    expect(stage.road.counters().unconfirmed_dropped).toBe(4);
  });
});
