// Subscriptions held on a client's behalf: shared, renewed, ended with time, right, session and device, and bounded.

import { describe, expect, test } from 'vitest';
import type { PlantDevice } from '../../../drivers/bacnet/seam.ts';
import type { ConfirmedRequest } from '../../../drivers/bacnet/wire/confirmed-service.ts';
import { ask } from '../../../simulators/bacnet/requests.ts';
import { app } from '../../../simulators/bacnet/values.ts';
import { AHU, value } from './classify-stage.ts';
import { answerOf, BMS, type FakeStage, fakeStage, northAt } from './fake-sides.ts';

const settled = () => new Promise((resolve) => setImmediate(resolve));
const subscribe = (confirmed = false, lifetime?: number) => ask.subscribeCov(7, 'analog-value,1', confirmed, lifetime);

function southProcess({ sides }: FakeStage): number {
  const asked = sides.sent.at(-1)?.request;
  if (asked?.service !== 'subscribe-cov') throw new Error('no subscription went to the device');
  return asked.parameters.subscriberProcessIdentifier;
}

function notification(process: number, instance = 1001, object = 1): ConfirmedRequest {
  return {
    service: 'confirmed-cov-notification',
    parameters: {
      subscriberProcessIdentifier: process,
      initiatingDeviceIdentifier: { type: 8, instance },
      monitoredObjectIdentifier: { type: 2, instance: object },
      timeRemaining: 100,
      listOfValues: [{ propertyIdentifier: 85, value: value(app.real(20)) }],
    },
  };
}

async function notify(stage: FakeStage, request: ConfirmedRequest, from: PlantDevice = AHU): Promise<string> {
  const answer = await stage.road.notification?.({ from, to: 'gateway', request });
  await settled();
  return answer?.kind ?? 'nothing';
}

describe('a subscription', () => {
  test('goes to the device as the gateway’s own, and comes back as the subscriber’s', async () => {
    const stage = await fakeStage();
    expect(await stage.ask(stage.anna, subscribe(false, 60))).toEqual({ kind: 'simple-ack' });
    const process = southProcess(stage);
    expect(process).not.toBe(7);
    expect(await notify(stage, notification(process))).toBe('simple-ack');
    expect(stage.sides.told).toMatchObject([
      {
        to: stage.anna,
        request: {
          service: 'unconfirmed-cov-notification',
          parameters: { subscriberProcessIdentifier: 7, timeRemaining: 60 },
        },
      },
    ]);
  });

  test('is believed only from its own device, of itself, about what was subscribed to', async () => {
    const stage = await fakeStage();
    await stage.ask(stage.anna, subscribe(true));
    const process = southProcess(stage);
    expect(await notify(stage, notification(process), BMS)).toBe('error');
    expect(await notify(stage, notification(process, 1002))).toBe('error');
    expect(await notify(stage, notification(process, 1001, 2))).toBe('error');
    expect(await notify(stage, notification(7))).toBe('error');
    expect(stage.sides.told).toEqual([]);
    expect(await notify(stage, notification(process))).toBe('simple-ack');
    expect(stage.sides.told).toMatchObject([
      { request: { service: 'confirmed-cov-notification', parameters: { timeRemaining: 0 } } },
    ]);
  });

  test('is renewed, and ends with its time', async () => {
    const stage = await fakeStage();
    await stage.ask(stage.anna, subscribe(false, 200));
    expect(stage.sides.sent).toHaveLength(1);
    stage.time.pass(120_000);
    await settled();
    expect(stage.sides.sent).toHaveLength(2);
    stage.time.pass(80_000);
    const process = southProcess(stage);
    await notify(stage, notification(process));
    expect(stage.sides.told).toEqual([]);
    expect(stage.road.counters().subscriptions).toBe(0);
    expect(stage.sides.sent.at(-1)?.request).not.toHaveProperty('parameters.lifetime');
    stage.time.pass(600_000);
    expect(stage.sides.sent).toHaveLength(3);
  });

  test('ends with the session: whoever works from the address next has not subscribed', async () => {
    const stage = await fakeStage();
    await stage.ask(stage.anna, subscribe());
    expect(stage.road.counters().subscriptions).toBe(1);
    const [session] = stage.gate.sessions();
    if (session === undefined) throw new Error('no session');
    await stage.gate.endSession(session.id, { principal: null, proof: { kind: 'none' }, from: 'test' }, 'sign-out');
    expect(stage.road.counters().subscriptions).toBe(0);
  });

  test('outlives a device that is away, and ends with one that became another', async () => {
    const stage = await fakeStage();
    const device = { ...AHU };
    stage.sides.known[0] = device;
    await stage.ask(stage.anna, subscribe(), device);
    const sent = stage.sides.sent.length;
    const becomes = (instance: number | undefined): void => {
      Object.assign(device, { instance });
      for (const listener of stage.sides.listeners) listener(device);
    };
    becomes(undefined);
    expect(stage.road.counters().subscriptions).toBe(1);
    becomes(1001);
    expect(stage.sides.sent).toHaveLength(sent + 1);
    becomes(1002);
    expect(stage.road.counters().subscriptions).toBe(0);
  });

  test('the device’s answer is the subscriber’s, and a lifetime alone is rejected', async () => {
    const stage = await fakeStage();
    stage.sides.answer = () => ({ kind: 'no-answer' });
    expect(await stage.ask(stage.anna, subscribe())).toEqual({ kind: 'abort', reason: 10 });
    stage.sides.answer = () => ({ kind: 'unreachable', why: 'closed', abort: 4 });
    expect(await stage.ask(stage.anna, subscribe())).toEqual({ kind: 'abort', reason: 4 });
    stage.sides.answer = () => ({ kind: 'reject', reason: 9 });
    expect(await stage.ask(stage.anna, subscribe())).toEqual({ kind: 'reject', reason: 9 });
    expect(stage.road.counters().subscriptions).toBe(0);
    expect(await stage.ask(stage.anna, ask.subscribeCov(7, 'analog-value,1', undefined, 60))).toEqual({
      kind: 'reject',
      reason: 5,
    });
    expect(await stage.ask(stage.anna, ask.subscribeCov(7, 'analog-value,1'))).toEqual({ kind: 'simple-ack' });
  });

  test('one station cannot hold more than its share', async () => {
    const stage = await fakeStage();
    for (let process = 0; process < 1024; process += 1)
      await stage.ask(stage.anna, ask.subscribeCov(process, 'analog-value,1', false, 60));
    expect(await stage.ask(stage.anna, ask.subscribeCov(5000, 'analog-value,1', false, 60))).toMatchObject({
      kind: 'error',
      error: { parameters: { value: { errorClass: 3, errorCode: 19 } } },
    });
    expect(await stage.ask(stage.anna, ask.subscribeCov(5, 'analog-value,1', false, 60))).toEqual({
      kind: 'simple-ack',
    });
    expect((await stage.ask(northAt('127.0.0.50'), subscribe())).kind).toBe('error');
  });

  test('of several properties is the subscriber’s alone, and names what may not be read', async () => {
    const grants = [{ to: 'user:anna', permissions: ['point.read'], at: 'ahu2/sat-sp' }];
    const stage = await fakeStage({ grants });
    const specification = (instance: number) => ({
      monitoredObjectIdentifier: { type: 2, instance },
      listOfCovReferences: [{ monitoredProperty: { propertyIdentifier: 85 }, timestamped: false }],
    });
    const multiple = (...instances: readonly number[]): ConfirmedRequest => ({
      service: 'subscribe-cov-property-multiple',
      parameters: {
        subscriberProcessIdentifier: 9,
        issueConfirmedNotifications: true,
        lifetime: 60,
        maxNotificationDelay: 5,
        listOfCovSubscriptionSpecifications: instances.map(specification),
      },
    });
    const asked = (request: ConfirmedRequest) => answerOf(stage.road, { from: stage.anna, to: AHU, request });
    expect(await asked(multiple(1, 2))).toMatchObject({
      kind: 'error',
      error: { parameters: { value: { value: { monitoredObjectIdentifier: { instance: 2 } } } } },
    });
    expect(await asked(multiple(1))).toEqual({ kind: 'simple-ack' });
    const south = stage.sides.sent.at(-1)?.request;
    if (south?.service !== 'subscribe-cov-property-multiple') throw new Error('no subscription');
    const told: ConfirmedRequest = {
      service: 'confirmed-cov-notification-multiple',
      parameters: {
        subscriberProcessIdentifier: south.parameters.subscriberProcessIdentifier,
        initiatingDeviceIdentifier: { type: 8, instance: 1001 },
        timeRemaining: 60,
        listOfCovNotifications: [
          {
            monitoredObjectIdentifier: { type: 2, instance: 1 },
            listOfValues: [{ propertyIdentifier: 85, value: value(app.real(1)) }],
          },
        ],
      },
    };
    expect(await notify(stage, told)).toBe('simple-ack');
    expect(stage.sides.told).toMatchObject([{ request: { service: 'confirmed-cov-notification-multiple' } }]);
  });
});
