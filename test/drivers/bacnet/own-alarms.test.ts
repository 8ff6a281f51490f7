// Alarms that devices hold, as the gateway lists and acknowledges them.

import { describe, expect, it } from 'vitest';
import { alarmProperties, pointObject } from '../../../simulators/bacnet/object-kinds.ts';
import { app } from '../../../simulators/bacnet/values.ts';
import type { ActiveAlarm, AlarmDriver } from '../../../src/contract/alarms.ts';
import type { Caller } from '../../../src/contract/gate.ts';
import { principalId } from '../../../src/model/ids.ts';
import { RoadRig } from './road-rig.ts';

function alarmsOf(rig: RoadRig): AlarmDriver {
  if (rig.driver.alarms === undefined) throw new Error('the driver tells no alarms');
  return rig.driver.alarms;
}

async function listed(rig: RoadRig): Promise<readonly ActiveAlarm[]> {
  const alarms = await alarmsOf(rig).list(rig.handle('ahu2'));
  if (!alarms.ok) throw new Error(alarms.fault);
  return alarms.value;
}

const caller = (person: string): Caller => ({
  principal: principalId(person),
  channel: 'local',
  proof: { kind: 'sign-in', session: 'rig' },
  from: `page of ${person}`,
  peer: `page of ${person}`,
});

async function acknowledge(rig: RoadRig, alarm: ActiveAlarm, person: string) {
  const planned = alarmsOf(rig).planAcknowledge(alarm, person);
  if (!planned.ok) return planned.fault;
  const judgement = rig.gate.judge(caller(person), planned.value);
  if (!judgement.permitted) return judgement.denial.reason;
  return (await rig.driver.perform(judgement.permit)).outcome.kind;
}

/** Every transition of the air handler's alarms asks to be acknowledged. */
async function startRig(): Promise<RoadRig> {
  const rig = await RoadRig.start();
  const { ahu2 } = rig.plant.devices;
  ahu2.object('notification-class,1').set('ack-required', [app.bits([true, true, true])]);
  return rig;
}

describe('an alarm', () => {
  it('is listed with its point, its state and since when, is acknowledged once, and ends', async () => {
    const rig = await startRig();
    const { ahu2 } = rig.plant.devices;
    expect(await listed(rig)).toEqual([]);
    const before = Date.now();
    ahu2.measure('analog-input,1', 40);
    const [high, ...more] = await listed(rig);
    expect(more).toEqual([]);
    const device = rig.handle('ahu2');
    const target = rig.handle('ahu2/sat');
    expect(high).toMatchObject({ device, target, state: 'high-limit', acknowledged: false });
    // BACnet tells times in hundredths of a second.
    expect(high?.since).toBeGreaterThan(before - 10);
    expect(high?.since).toBeLessThanOrEqual(Date.now());
    if (high === undefined) throw new Error('no alarm');
    expect(await acknowledge(rig, high, 'carla')).toBe('no-permission');
    expect(await acknowledge(rig, high, 'anna')).toBe('acknowledged');
    expect(await listed(rig)).toEqual([{ ...high, acknowledged: true }]);
    const [row] = rig.rows('intent');
    expect(row).toMatchObject({ operation: 'acknowledge-alarm', effects: [{ target: 'ahu2/sat' }] });

    ahu2.measure('analog-input,1', 18);
    const [gone, ...others] = await listed(rig);
    expect(others).toEqual([]);
    expect(gone).toMatchObject({ state: 'normal', acknowledged: false });
    if (gone === undefined) throw new Error('nothing is left to acknowledge');
    expect(await acknowledge(rig, gone, 'anna')).toBe('acknowledged');
    expect(await listed(rig)).toEqual([]);
  });

  it('that came and went is two things to acknowledge; one of another time is refused by the device', async () => {
    const rig = await startRig();
    const { ahu2 } = rig.plant.devices;
    ahu2.measure('analog-input,1', 5);
    const [first] = await listed(rig);
    ahu2.measure('analog-input,1', 18);
    const both = await listed(rig);
    expect(both.map(({ state, key }) => [state, key.split(' ')[1]])).toEqual([
      ['normal', '2'],
      ['normal', '0'],
    ]);
    expect(new Set(both.map(({ key }) => key)).size).toBe(2);
    for (const one of both) expect(await acknowledge(rig, one, 'anna')).toBe('acknowledged');
    if (first === undefined) throw new Error('no alarm');
    const other = {
      ...first,
      key: first.key.replace(/(..)(..)$/, (_, hundredths, end) => `${hundredths === '00' ? '01' : '00'}${end}`),
    };
    expect(await acknowledge(rig, other, 'anna')).toBe('refused-by-device');
    for (const key of ['', '0,1 3 -', '0,1 3 zz', '0,1 3 00'])
      expect(await acknowledge(rig, { ...first, key }, 'anna')).toBe('the key is of no alarm that can be acknowledged');
  });

  it('is one of many: the device is asked until it has told all', async () => {
    const rig = await startRig();
    const { ahu2 } = rig.plant.devices;
    for (let instance = 10; instance < 35; instance += 1) {
      const extra = alarmProperties({ low: 10, high: 28, deadband: 1, notificationClass: 1 });
      ahu2.state.add(pointObject(`analog-input,${instance}`, `Input ${instance}`, 20, { extra }));
      ahu2.measure(`analog-input,${instance}`, 30);
    }
    const all = await listed(rig);
    expect(all).toHaveLength(25);
    expect(all.every(({ target, state }) => target === undefined && state === 'high-limit')).toBe(true);
    const [one] = all;
    if (one === undefined) throw new Error('no alarm');
    // No point of the inventory: the device itself is asked for.
    expect(await acknowledge(rig, one, 'ben')).toBe('no-permission');
    expect(await acknowledge(rig, one, 'anna')).toBe('acknowledged');
  });

  it('is told by GetAlarmSummary where the device has nothing else', async () => {
    const rig = await startRig();
    const { ahu2 } = rig.plant.devices;
    ahu2.measure('analog-input,1', 40);
    const [expected] = await listed(rig);
    ahu2.failInTurn([{ kind: 'reject', reason: 9 }]);
    expect(await listed(rig)).toEqual([expected]);
    ahu2.failInTurn([
      { kind: 'reject', reason: 9 },
      { kind: 'reject', reason: 9 },
    ]);
    expect(await alarmsOf(rig).list(rig.handle('ahu2'))).toEqual({ ok: false, fault: 'reject 9' });
  });

  it('is told in the device’s own time, where it says how far that is from UTC', async () => {
    const rig = await startRig();
    const { ahu2 } = rig.plant.devices;
    ahu2.measure('analog-input,1', 40);
    const [utc] = await listed(rig);
    ahu2.state.device.set('utc-offset', [app.signed(-60)]);
    const [local] = await listed(rig);
    expect((utc?.since ?? 0) - (local?.since ?? 0)).toBe(3_600_000);
  });
});

describe('a device that', () => {
  it('does not answer is said so', async () => {
    const rig = await startRig();
    rig.plant.devices.ahu2.powerOff();
    expect(await alarmsOf(rig).list(rig.handle('ahu2'))).toEqual({ ok: false, fault: 'the device did not answer' });
  });

  it('is no device of the plant has nothing to tell', async () => {
    const rig = await startRig();
    expect(await alarmsOf(rig).list(rig.handle('ahu2/sat'))).toMatchObject({ ok: false });
    const alarm = { device: rig.handle('ahu2/sat'), key: '', state: '', acknowledged: false };
    expect(alarmsOf(rig).planAcknowledge(alarm, 'anna')).toMatchObject({ ok: false });
  });
});
