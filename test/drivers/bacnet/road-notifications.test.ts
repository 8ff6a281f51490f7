// What devices say: changes of value and alarms reach who may see them, and only those; nothing is silenced.

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { describe, expect, onTestFinished, test } from 'vitest';
import { destinationOf } from '../../../simulators/bacnet/alarms.ts';
import { BVLC, encodeBvlc, encodeNpdu } from '../../../simulators/bacnet/framing.ts';
import { CONFIRMED, UNCONFIRMED } from '../../../simulators/bacnet/names.ts';
import { ask, say } from '../../../simulators/bacnet/requests.ts';
import { app } from '../../../simulators/bacnet/values.ts';
import { captured, expectJudged } from '../../simulators/bacnet/rig.ts';
import { RoadRig } from './road-rig.ts';
import { eventually, ownHost } from './transport-rig.ts';

const write = (value: number) =>
  ask.writeProperty({ object: 'analog-value,1', value: [app.real(value)], priority: 10 });
const viewers = [{ to: 'user:carla', role: 'viewer', at: 'hq' }];

describe('changes of value', () => {
  test.each([false, true])(
    'confirmed %s: the first notification and every change reach the subscriber',
    async (isConfirmed) => {
      const rig = await RoadRig.start();
      const carla = await rig.tool('carla');
      expect(await rig.ask('carla', ask.subscribeCov(7, 'analog-value,1', isConfirmed, 600))).toBe('simple-ack');
      await carla.until(() => carla.notifications.length >= 1);
      expect(await rig.ask('ben', write(21))).toBe('simple-ack');
      await carla.until(() => carla.notifications.length >= 2);
      const [first] = carla.notifications;
      expect(first?.service).toBe(isConfirmed ? 'confirmed-cov-notification' : 'unconfirmed-cov-notification');
      expect(first?.peer.route?.network).toBe(200);
      // The process identifier is the subscriber's own.
      expect(first?.parameters[0]).toMatchObject({ tag: 0, octets: Buffer.from([7]) });
    },
  );

  test('two subscribers share one subscription at the device; the second gets its first notification too', async () => {
    const rig = await RoadRig.start();
    const carla = await rig.tool('carla');
    const ben = await rig.tool('ben');
    expect(await rig.ask('carla', ask.subscribeCov(1, 'analog-value,1', false, 600))).toBe('simple-ack');
    await carla.until(() => carla.notifications.length === 1);
    expect(await rig.ask('ben', ask.subscribeCov(1, 'analog-value,1', false, 600))).toBe('simple-ack');
    await ben.until(() => ben.notifications.length === 1);
    expect(rig.plant.devices.ahu2.cov.active()).toHaveLength(1);
    expect(rig.driver.status().counters.subscriptions).toBe(2);
    expect(await rig.ask('carla', ask.subscribeCov(1, 'analog-value,1'))).toBe('simple-ack');
    expect(rig.driver.status().counters.subscriptions).toBe(1);
    expect(await rig.ask('ben', ask.subscribeCov(1, 'analog-value,1'))).toBe('simple-ack');
    await eventually(() => rig.plant.devices.ahu2.cov.active().length === 0);
  });

  test('who may not read is refused, and the device hears nothing', async () => {
    const rig = await RoadRig.start();
    expect(await rig.ask('nobody', ask.subscribeCov(1, 'analog-value,1', false, 600))).toBe('error 5,29');
    expect(await rig.ask('ben', ask.subscribeCov(1, 'analog-value,1', true, 60), 'vav1')).toBe('error 5,29');
    expect(rig.plant.devices.ahu2.cov.active()).toHaveLength(0);
  });

  test('another inventory with the same rights ends none: they are looked at by its own numbers', async () => {
    const grants = [{ to: 'user:ben', role: 'operator', at: 'ahu2/sat-sp' }];
    const rig = await RoadRig.start({ bundle: { grants } });
    const ben = await rig.tool('ben');
    expect(await rig.ask('ben', ask.subscribeCov(7, 'analog-value,1', false, 600))).toBe('simple-ack');
    await ben.until(() => ben.notifications.length >= 1);
    const before = { id: 'a0', name: 'Before all others', location: 'hq' };
    await rig.replace({ grants, revision: 2, devices: (devices) => [before, ...devices] });
    expect(rig.driver.status().counters.subscriptions).toBe(1);
    expect(await rig.ask('ben', write(21))).toBe('simple-ack');
    await ben.until(() => ben.notifications.length >= 2);
  });

  test('revocation ends it at once', async () => {
    const rig = await RoadRig.start();
    const ben = await rig.tool('ben');
    await rig.ask('ben', ask.subscribeCov(1, 'analog-value,1', false, 600));
    await ben.until(() => ben.notifications.length === 1);
    rig.regrant([...viewers, { to: 'user:anna', role: 'admin', at: 'hq' }]);
    expect(rig.driver.status().counters.subscriptions).toBe(0);
    expect(await rig.ask('anna', write(22))).toBe('simple-ack');
    await eventually(() => rig.plant.devices.ahu2.cov.active().length === 0);
    expect(ben.notifications).toHaveLength(1);
  });

  test('of one property, with the device’s own error where it has none', async () => {
    const rig = await RoadRig.start();
    const carla = await rig.tool('carla');
    const of = (property: 'present-value' | 'description') =>
      ask.subscribeCovProperty(3, { object: 'analog-input,1', property }, false, 600, 0.5);
    expect(await rig.ask('carla', of('present-value'))).toBe('simple-ack');
    await carla.until(() => carla.notifications.length >= 1);
    expect(await rig.ask('carla', ask.subscribeCov(3, 'trend-log,1', false, 600))).toMatch(/^error/);
  });
});

describe('alarms', () => {
  test('an alarm that a recipient list sends to the gateway reaches every station that may see it', async () => {
    const rig = await RoadRig.start();
    const carla = await rig.tool('carla');
    await rig.ask('carla', ask.readProperty({ object: 'analog-input,1' }));
    const nobody = await rig.tool('nobody');
    await rig.ask('nobody', ask.readProperty({ object: 'analog-input,1' }));
    const side = rig.driver.status().listening.find(({ name }) => name === 'plant');
    const recipient = destinationOf({ host: side?.address ?? '', port: side?.port ?? 0 }, 1, true);
    const list = { object: 'notification-class,1', property: 'recipient-list' } as const;
    expect(await rig.ask('ben', ask.addListElement(list, recipient))).toBe('error 2,40');
    expect(await rig.ask('anna', ask.addListElement(list, recipient))).toBe('simple-ack');
    rig.plant.devices.ahu2.measure('analog-input,1', 35);
    rig.plant.advance(60);
    await carla.until(() => carla.notifications.length >= 1);
    expect(carla.notifications[0]?.service).toBe('confirmed-event-notification');
    expect(nobody.notifications).toEqual([]);
    expect(rig.driver.status().counters.alarms_withheld).toBeGreaterThan(0);
  });

  test('a station that never acknowledges does not keep the others’ acknowledgement from the device', async () => {
    const rig = await RoadRig.start({ north: { timeoutMs: 60_000 } });
    const carla = await rig.tool('carla');
    await rig.ask('carla', ask.readProperty({ object: 'analog-input,1' }));
    const dead = ownHost();
    await rig.claim('ben', dead);
    const deaf = createSocket('udp4');
    onTestFinished(() => void deaf.close());
    await new Promise<void>((resolve) => deaf.bind(0, dead, resolve));
    const { payload } = say.whoIs();
    const whoIs = encodeNpdu({
      expectingReply: false,
      priority: 0,
      destination: { network: 0xffff, mac: Buffer.alloc(0) },
      payload: Buffer.concat([Buffer.from([0x10, 8]), payload]),
    });
    deaf.send(encodeBvlc(BVLC.unicast, whoIs), rig.north.port, rig.north.host);
    await once(deaf, 'message');
    const side = rig.driver.status().listening.find(({ name }) => name === 'plant');
    const event = Buffer.from('09011c020003e92c000000013e19013f4901590169058902b900', 'hex');
    const { ahu2 } = rig.plant.devices;
    const before = ahu2.record.othersSeen();
    ahu2.state.outbound.confirmed(
      { endpoint: { host: side?.address ?? '', port: side?.port ?? 0 } },
      CONFIRMED['confirmed-event-notification'],
      event,
    );
    await once(deaf, 'message');
    await carla.until(() => carla.notifications.length === 1);
    await eventually(() => ahu2.record.othersSeen() > before);
    expect(ahu2.record.others().at(-1)?.bytes.subarray(-3).toString('hex')).toMatch(/^20..02$/);
  });

  test('a life-safety message stays one: the frame passed on has the network priority of the one that came', async () => {
    const rig = await RoadRig.start();
    const carla = await rig.tool('carla');
    await rig.ask('carla', ask.readProperty({ object: 'analog-input,1' }));
    const side = rig.driver.status().listening.find(({ name }) => name === 'plant');
    const endpoint = { host: side?.address ?? '', port: side?.port ?? 0 };
    const event = Buffer.from('09011c020003e92c000000013e19013f4901590169058902b900', 'hex');
    const { outbound } = rig.plant.devices.ahu2.state;
    const passedOn: number[] = [];
    for (const priority of [0, 1, 2, 3]) {
      for (const way of ['unconfirmed', 'confirmed'] as const) {
        const before = carla.notifications.length;
        const service =
          way === 'confirmed'
            ? CONFIRMED['confirmed-event-notification']
            : UNCONFIRMED['unconfirmed-event-notification'];
        outbound?.[way]({ endpoint, priority }, service, event);
        await carla.until(() => carla.notifications.length > before);
        const frame = carla.datagrams.filter(({ direction }) => direction === 'in').at(-1);
        passedOn.push((frame?.bytes[5] ?? 0) & 0x03);
      }
    }
    expect(passedOn).toEqual([0, 0, 1, 1, 2, 2, 3, 3]);
    expect(await rig.ask('carla', ask.readProperty({ object: 'analog-input,1' }))).toBe('complex-ack');
    expect((carla.datagrams.at(-1)?.bytes[5] ?? 3) & 0x03).toBe(0);
    await expectJudged(captured([...carla.datagrams], carla.endpoint, undefined));
  });

  test('summaries show what may be seen', async () => {
    const rig = await RoadRig.start();
    rig.plant.devices.ahu2.measure('analog-input,1', 35);
    rig.plant.advance(60);
    for (const request of [ask.getEventInformation(), ask.getAlarmSummary(), ask.getEnrollmentSummary()]) {
      expect(await rig.ask('carla', request)).toBe('complex-ack');
      expect(await rig.ask('nobody', request)).toBe('error 5,29');
    }
    const carla = await rig.tool('carla');
    const all = await carla.acknowledged(rig.device('ahu2'), ask.getEventInformation());
    rig.regrant([{ to: 'user:carla', permissions: ['alarm.view'], at: 'ahu2/sat-sp' }]);
    const none = await carla.acknowledged(rig.device('ahu2'), ask.getEventInformation());
    expect(all.length).toBeGreaterThan(none.length);
    expect(none.toString('hex')).toBe('0e0f1900');
  });

  test('acknowledging is judged and recorded', async () => {
    const rig = await RoadRig.start();
    rig.plant.devices.ahu2.measure('analog-input,1', 35);
    rig.plant.advance(60);
    const request = ask.acknowledgeAlarm(
      'analog-input,1',
      3,
      [{ kind: 'context', tag: 1, octets: Buffer.from([1]) }],
      'x',
    );
    expect(await rig.ask('carla', request)).toBe('error 5,29');
    expect(rig.writes).toBe(0);
    expect(await rig.ask('anna', request)).not.toBe('error 5,29');
    expect(rig.rows('intent')).toMatchObject([{ operation: 'acknowledge-alarm' }]);
  });
});
