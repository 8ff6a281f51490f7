import { describe, expect, test } from 'vitest';
import { destinationOf } from '../../../simulators/bacnet/alarms.ts';
import type { HeardNotification } from '../../../simulators/bacnet/client.ts';
import { parseElements } from '../../../simulators/bacnet/elements.ts';
import { ask, say } from '../../../simulators/bacnet/requests.ts';
import { app, shown } from '../../../simulators/bacnet/values.ts';
import { expectWellFormed, inside, openClient, startRig } from './rig.ts';

const monday = Date.UTC(2026, 10, 23, 9);

const named = (all: readonly HeardNotification[], service: string): readonly HeardNotification[] =>
  all.filter((one) => one.service === service);

describe('changes of value', () => {
  test('both kinds of subscriber are told at once and at every change by the increment, until they end it', async () => {
    let now = monday;
    const rig = await startRig({ now: () => now });
    const { client, plant } = rig;
    expect(await rig.ask(rig.ahu, ask.subscribeCov(1, 'analog-input,2', true, 300))).toBe('simple-ack');
    expect(await rig.ask(rig.ahu, ask.subscribeCov(2, 'analog-input,2', false, 60))).toBe('simple-ack');
    const confirmed = () => named(client.notifications, 'confirmed-cov-notification');
    const unconfirmed = () => named(client.notifications, 'unconfirmed-cov-notification');
    await client.until(() => confirmed().length === 1 && unconfirmed().length === 1);
    plant.devices.ahu2.measure('analog-input,2', 22.3);
    plant.devices.ahu2.measure('analog-input,2', 23);
    await client.until(() => confirmed().length === 2 && unconfirmed().length === 2);
    expect(shown(inside(confirmed()[1]?.parameters ?? [], 4))).toBe('[0]55 [2]{23} [0]6f [2]{0400}');
    expect(await rig.shown(rig.ahu, 'device,1001', 'active-cov-subscriptions')).toContain('[3]012c');
    now += 61_000;
    plant.devices.ahu2.measure('analog-input,2', 25);
    await client.until(() => confirmed().length === 3);
    expect(unconfirmed()).toHaveLength(2);
    expect(await rig.ask(rig.ahu, ask.subscribeCov(1, 'analog-input,2'))).toBe('simple-ack');
    expect(plant.devices.ahu2.cov.size).toBe(0);
    await expectWellFormed(rig);
  });

  test('a property is watched by an increment of the subscriber’s own', async () => {
    const rig = await startRig();
    const watched = { object: 'analog-input,1', property: 'high-limit' } as const;
    expect(await rig.ask(rig.ahu, ask.subscribeCovProperty(3, watched, false, 60, 2))).toBe('simple-ack');
    const told = () =>
      named(rig.client.notifications, 'unconfirmed-cov-notification').map((one) => shown(inside(one.parameters, 4)));
    for (const limit of [29, 31]) {
      expect(await rig.ask(rig.ahu, ask.writeProperty({ ...watched, value: [app.real(limit)] }))).toBe('simple-ack');
    }
    await rig.client.until(() => told().length === 2);
    expect(told().map((text) => /\{([\d.]+)\}/.exec(text)?.[1])).toEqual(['28', '31']);
    expect(
      await rig.ask(
        rig.ahu,
        ask.subscribeCovProperty(3, { object: 'analog-input,1', property: 'schedule-default' }, false, 60),
      ),
    ).toBe('error 2,32');
    expect(await rig.ask(rig.ahu, ask.subscribeCov(4, 'file,1', false, 60))).toBe('error 5,45');
    await expectWellFormed(rig);
  });
});

describe('alarms', () => {
  test('a value beyond its limit tells the recipients, is listed, acknowledged and over', async () => {
    const rig = await startRig({ now: () => monday });
    const { client, plant } = rig;
    const list = { object: 'notification-class,1', property: 'recipient-list' } as const;
    const recipients = [...destinationOf(client.endpoint, 4, true), ...destinationOf(client.endpoint, 5, false)];
    expect(await rig.ask(rig.ahu, ask.addListElement(list, recipients))).toBe('simple-ack');
    plant.devices.ahu2.measure('analog-input,1', 30);
    const events = () => client.notifications.filter(({ service }) => service.endsWith('event-notification'));
    await client.until(() => events().length === 2);
    expect(shown(events()[0]?.parameters ?? [])).toContain('[6]05 [7]');
    expect(await rig.number(rig.ahu, 'analog-input,1', 'event-state')).toBe(3);
    expect(shown(parseElements(await client.acknowledged(rig.ahu, ask.getAlarmSummary())))).toBe('00000001 3 0560');
    expect(shown(parseElements(await client.acknowledged(rig.ahu, ask.getEventInformation())))).toContain(
      '[0]00000001 [1]03 [2]0560',
    );
    expect(await rig.ask(rig.ahu, ask.getEnrollmentSummary())).toBe('complex-ack');
    const stamp = await client.read(rig.ahu, { object: 'analog-input,1', property: 'event-time-stamps', index: 1 });
    expect(await rig.ask(rig.ahu, ask.acknowledgeAlarm('analog-input,1', 0, stamp, 'ops'))).toBe('error 5,14');
    expect(await rig.ask(rig.ahu, ask.acknowledgeAlarm('analog-input,1', 3, stamp, 'ops'))).toBe('simple-ack');
    await client.until(() => events().length === 4);
    plant.devices.ahu2.measure('analog-input,1', 27.5);
    expect(await rig.number(rig.ahu, 'analog-input,1', 'event-state')).toBe(3);
    plant.devices.ahu2.measure('analog-input,1', 26);
    await client.until(() => events().length === 6);
    expect(await rig.shown(rig.ahu, 'analog-input,1', 'acked-transitions')).toBe('05e0');
    expect(await rig.ask(rig.ahu, ask.acknowledgeAlarm('analog-value,1', 0, stamp, 'ops'))).toBe('error 1,74');
    await expectWellFormed(rig);
  });

  test('a recipient that is a device is asked for by its instance first', async () => {
    const rig = await startRig({ alarmsTo: [7001] });
    const console = await openClient(rig.plant);
    rig.plant.devices.ahu2.measure('analog-input,1', 5);
    await rig.client.until(() => rig.client.notifications.some(({ service }) => service === 'who-is'));
    console.tell(say.iAm(7001), rig.ahu);
    await console.until(() => console.notifications.some(({ service }) => service === 'confirmed-event-notification'));
    expect(rig.client.notifications.filter(({ service }) => service.endsWith('event-notification'))).toEqual([]);
  });

  test('a time delay that is not over keeps the alarm back', async () => {
    const rig = await startRig();
    const device = rig.plant.devices.ahu2;
    const delay = { object: 'analog-input,1', property: 'time-delay', value: [app.unsigned(30)] } as const;
    expect(await rig.ask(rig.ahu, ask.writeProperty(delay))).toBe('simple-ack');
    device.measure('analog-input,1', 40);
    const state = () => device.object('analog-input,1').number('event-state');
    expect(state()).toBe(0);
    device.advance(10);
    expect(state()).toBe(0);
    device.measure('analog-input,1', 40);
    device.advance(25);
    expect(state()).toBe(3);
  });
});

describe('trend logs', () => {
  test('are read whole, by position, by sequence and by time; the oldest leaves a full buffer', async () => {
    let now = monday;
    const rig = await startRig({ now: () => now });
    const log = { object: 'trend-log,1', property: 'log-buffer' } as const;
    for (let minute = 0; minute < 5; minute += 1) {
      now += 60_000;
      rig.plant.advance(60);
    }
    const read = async (range?: Parameters<typeof ask.readRange>[1]) => {
      const items = parseElements(await rig.client.acknowledged(rig.ahu, ask.readRange(log, range)));
      return shown(items.filter((item) => item.kind === 'context').slice(2));
    };
    expect(await rig.ask(rig.ahu, ask.readProperty(log))).toBe('error 2,27');
    expect(await read()).toBe('[3]05c0 [4]05 [6]01');
    expect(await read({ by: 'position', from: 2, count: 2 })).toBe('[3]0500 [4]02');
    expect(await read({ by: 'sequence', from: 5, count: -3 })).toBe('[3]0540 [4]03 [6]03');
    expect(await read({ by: 'time', from: new Date(monday + 150_000), count: 9 })).toBe('[3]0540 [4]03 [6]03');
    expect(await read({ by: 'position', from: 9, count: 2 })).toBe('[3]0500 [4]00');
    const size = { object: 'trend-log,1', property: 'buffer-size', value: [app.unsigned(3)] } as const;
    expect(await rig.ask(rig.ahu, ask.writeProperty(size))).toBe('simple-ack');
    rig.plant.advance(60);
    expect(await read()).toBe('[3]05c0 [4]03 [6]04');
    const clear = { object: 'trend-log,1', property: 'record-count', value: [app.unsigned(0)] } as const;
    expect(await rig.ask(rig.ahu, ask.writeProperty(clear))).toBe('simple-ack');
    expect(await read()).toBe('[3]0500 [4]00');
    await expectWellFormed(rig);
  });
});

describe('what moves more than itself', () => {
  test('one write to a channel reaches its members, in another device too', async () => {
    const rig = await startRig();
    expect(await rig.ask(rig.ahu, ask.writeProperty({ object: 'channel,1', value: [app.real(19)], priority: 7 }))).toBe(
      'simple-ack',
    );
    expect(await rig.number(rig.ahu, 'analog-value,1')).toBe(19);
    await until(() => rig.plant.devices.vav1.record.writesSeen() === 1);
    expect(rig.plant.devices.vav1.record.writes()[0]?.summary).toBe(
      'write-property analog-value,1 present-value = 19 @7 (vav1/room-sp)',
    );
    rig.client.tell(
      say.writeGroup(7, 9, [
        { channel: 5, value: app.unsigned(20), priority: 6 },
        { channel: 6, value: app.real(1) },
      ]),
      rig.ahu,
    );
    rig.client.tell(say.writeGroup(7, 7, [{ channel: 5, value: app.unsigned(20) }]), rig.ahu);
    expect(await rig.number(rig.ahu, 'analog-value,1')).toBe(20);
    await expectWellFormed(rig);
  });

  test('a command does its steps, a schedule moves its set point, a loop its valve', async () => {
    let now = monday;
    const rig = await startRig({ now: () => now });
    expect(await rig.ask(rig.ahu, ask.writeProperty({ object: 'command,1', value: [app.unsigned(2)] }))).toBe(
      'simple-ack',
    );
    expect(await rig.number(rig.ahu, 'binary-output,1')).toBe(0);
    expect(await rig.number(rig.ahu, 'multi-state-value,1')).toBe(1);
    rig.plant.advance(1);
    expect(await rig.number(rig.ahu, 'analog-value,1')).toBe(20);
    expect(await rig.number(rig.ahu, 'analog-output,1')).toBeGreaterThan(10);
    now = Date.UTC(2026, 10, 22, 12);
    rig.plant.advance(1);
    expect(await rig.number(rig.ahu, 'analog-value,1')).toBe(16);
    const otherwise = { object: 'schedule,1', property: 'schedule-default', value: [app.real(15)] } as const;
    expect(await rig.ask(rig.ahu, ask.writeProperty(otherwise))).toBe('simple-ack');
    expect(await rig.number(rig.ahu, 'analog-value,1')).toBe(15);
    await expectWellFormed(rig);
  });
});

/** Waits for something that no datagram to the tool announces. */
async function until(ready: () => boolean): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!ready()) {
    if (Date.now() > deadline) throw new Error('it did not come about');
    await new Promise((resolve) => setImmediate(resolve));
  }
}
