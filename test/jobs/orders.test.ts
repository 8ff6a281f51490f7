// Orders of jobs: what they ask besides their rows, whose id they bear, how they are stopped and watched.

import { beforeEach, describe, expect, it, test } from 'vitest';
import type { Change } from '../../src/contract/gate.ts';
import type { RowResult, WriteOrder, WriteResult } from '../../src/contract/work.ts';
import { driverName } from '../../src/model/ids.ts';
import { fakeStage } from '../drivers/bacnet/fake-sides.ts';
import { Rig } from '../drivers/modbus/rig.ts';
import type { Stage } from '../gate/stage.ts';
import type { SlotDriver } from './slot-driver.ts';
import { type WriterStage, writerStage } from './writer-stage.ts';

const rows: WriteOrder['rows'] = [
  { point: 'ahu/kp', value: 2, priority: 8 },
  { point: 'vav/kp', value: 3, priority: 8 },
];
const copy: WriteOrder = {
  rows,
  alsoAsks: ['chiller', 'ahu', 'vav'].map((target) => ({ target, asks: 'device.configure' as const })),
};

let all: WriterStage;
let stage: Stage;
let driver: SlotDriver;
let writer: WriterStage['writer'];
beforeEach(() => {
  all = writerStage();
  ({ stage, driver, writer } = all);
});

const statesOf = (result: WriteResult): unknown =>
  result.kind === 'carried-out' ? result.rows.map(({ point, state }) => [point, state]) : result;
const slot = (id: string) => driver.array(stage.handle(id))[7];

describe('what an order asks besides its rows', () => {
  it('stands behind the points in the change of every device', async () => {
    expect(await writer.write(stage.as('anna'), copy)).toMatchObject({ kind: 'carried-out', ok: true });
    const asked = stage.journal
      .rows('intent')
      .map(({ effects }) => effects.map(({ target, action }) => `${action} ${target}`));
    const besides = ['device.configure chiller', 'device.configure ahu', 'device.configure vav'];
    expect(asked).toEqual([
      ['device.configure ahu/kp', ...besides],
      ['device.configure vav/kp', ...besides],
    ]);
  });

  it('stands in the change of the device it names, and in every one where that has no row', async () => {
    const alsoAsks = [
      { target: 'ahu', asks: 'device.configure', with: 'ahu' },
      { target: 'vav', asks: 'device.configure', with: 'vav' },
      { target: 'chiller', asks: 'device.configure', with: 'chiller' },
    ] as const;
    expect(await writer.write(stage.as('anna'), { rows, alsoAsks })).toMatchObject({ ok: true });
    expect(stage.journal.rows('intent').map(({ effects }) => effects.map(({ target }) => target))).toEqual([
      ['ahu/kp', 'chiller', 'ahu'],
      ['vav/kp', 'chiller', 'vav'],
    ]);
    const emil = writer.check(stage.as('emil'), { rows: [rows[0]], alsoAsks: [alsoAsks[1]] });
    expect(emil).toMatchObject([{ denial: { target: 'vav' } }]);
  });

  it('refuses everything where one right is missing anywhere, and says so in every row before', async () => {
    const emil = stage.as('emil');
    const own: WriteOrder = { ...copy, rows: [rows[0]] };
    expect(await writer.write(emil, { rows: own.rows })).toMatchObject({ kind: 'carried-out', ok: true });
    expect(await writer.write(emil, own)).toMatchObject({
      kind: 'denied',
      denials: [{ reason: 'out-of-scope', target: 'chiller' }],
    });
    expect(writer.check(emil, own)).toMatchObject([
      { point: 'ahu/kp', denial: { reason: 'out-of-scope', target: 'chiller' } },
    ]);
    expect(
      writer.check(stage.as('anna'), copy).every(({ denial, fault }) => denial === undefined && fault === undefined),
    ).toBe(true);
  });

  it.each(['nowhere', 'hq', 'ahu/kp'])('is faulty where `%s` is no device', async (target) => {
    const order: WriteOrder = { rows, alsoAsks: [{ target, asks: 'device.configure' }] };
    const fault = { fault: `\`${target}\` is no device of the policy in force` };
    expect(await writer.write(stage.as('anna'), order)).toMatchObject({ kind: 'faulty', rows: [fault, fault] });
    expect(writer.check(stage.as('anna'), order)).toMatchObject([fault, fault]);
    expect(stage.journal.rows('intent')).toEqual([]);
  });
});

describe('an order of a job', () => {
  it('bears its id in every row of the record, and passes where that job holds the device', async () => {
    const anna = stage.as('anna');
    for (const device of ['ahu', 'vav']) stage.gate.holdDevice(anna, stage.handle(device), 'job-77');
    expect(writer.check(anna, { rows })).toMatchObject([{ denial: { reason: 'transfer-in-progress' } }, {}]);
    expect(await writer.write(anna, { rows })).toMatchObject({ kind: 'denied' });
    const order: WriteOrder = { ...copy, job: 'job-77' };
    expect(writer.check(anna, order).map(({ denial }) => denial)).toEqual([undefined, undefined]);
    expect(await writer.write(anna, order)).toMatchObject({ kind: 'carried-out', job: 'job-77' });
    expect(stage.journal.rows('intent').map(({ job }) => job)).toEqual(['job-77', 'job-77']);
  });

  it('puts back under its own hold what it wrote before a device failed', async () => {
    const anna = stage.as('anna');
    driver.array(stage.handle('ahu/kp'))[7] = 1;
    driver.failing.set(stage.handle('vav/kp'), { kind: 'refused-by-device', answer: 'no' });
    for (const device of ['ahu', 'vav']) stage.gate.holdDevice(anna, stage.handle(device), 'job-77');
    expect(statesOf(await writer.write(anna, { ...copy, job: 'job-77' }))).toEqual([
      ['ahu/kp', 'put-back'],
      ['vav/kp', 'refused-by-device'],
    ]);
    expect(slot('ahu/kp')).toBe(1);
  });
});

describe('an order that is stopped', () => {
  it('begins no further device and puts back what was written; progress is told device by device', async () => {
    driver.array(stage.handle('ahu/kp'))[7] = 1;
    const stop = new AbortController();
    const told: (readonly RowResult[])[] = [];
    const order: WriteOrder = {
      rows,
      signal: stop.signal,
      progress(sofar) {
        told.push(sofar);
        stop.abort();
      },
    };
    expect(await writer.write(stage.as('anna'), order)).toMatchObject({
      kind: 'carried-out',
      ok: false,
      rows: [
        { state: 'put-back', readBack: 1 },
        { state: 'not-sent', why: 'the batch was stopped before it' },
      ],
    });
    expect([slot('ahu/kp'), slot('vav/kp')]).toEqual([1, null]);
    expect(told.map((each) => each.map(({ point, state }) => [point, state]))).toEqual([[['ahu/kp', 'done']]]);
    expect(stage.journal.rows('outcome').at(-1)).toBeDefined();
    expect(all.shelf.list('batch')).toEqual([]);
  });

  it('before it began writes nothing, of one device too; after all was written it stays', async () => {
    const stopped = AbortSignal.abort();
    for (const some of [rows, [rows[0]]] as const) {
      const result = await writer.write(stage.as('anna'), { rows: some, signal: stopped });
      expect(statesOf(result)).toEqual(some.map(({ point }) => [point, 'not-sent']));
    }
    expect(slot('ahu/kp')).toBeNull();
    const stop = new AbortController();
    const told: number[] = [];
    const order: WriteOrder = {
      rows,
      signal: stop.signal,
      progress(sofar) {
        told.push(sofar.length);
        if (sofar.length === 2) stop.abort();
      },
    };
    expect(await writer.write(stage.as('anna'), order)).toMatchObject({ ok: true });
    expect([told, slot('ahu/kp'), slot('vav/kp')]).toEqual([[1, 2], 2, 3]);
  });
});

describe('a device that stopped half-way', () => {
  it('may hold a part of it: its outcome is not known, and it is put back where it does', async () => {
    driver.failing.set(stage.handle('vav/kp'), { kind: 'stopped', why: 'aborted' });
    const result = await writer.write(stage.as('anna'), { rows });
    expect(result).toMatchObject({
      rows: [{ state: 'put-back' }, { state: 'put-back', why: 'aborted' }],
    });
    if (result.kind !== 'carried-out') throw new Error(result.kind);
    const decisions = result.rows.map(({ decision }) => decision);
    driver.failing.clear();
    driver.array(stage.handle('vav/kp'))[7] = 3;
    await all.shelf.put('batch', { id: 'cut', at: 1, body: JSON.stringify({ decisions: [decisions[1]] }) });
    await writer.putBackInterrupted();
    expect(slot('vav/kp')).toBeNull();
  });
});

/** As the writer hands it to the gate: the points first, the devices behind them. */
function withDevices<C>(change: Change<C>, devices: readonly Change<C>['effects'][number]['target'][]): Change<C> {
  const [first, ...others] = change.effects;
  const besides = devices.map((target) => ({ target, asks: 'device.configure' as const }));
  return { ...change, effects: [first, ...others, ...besides] };
}

describe('what is asked besides, by the protocols', () => {
  test('Modbus: the device of the points gets the bytes', async () => {
    const rig = await Rig.start();
    try {
      const handles = ['chiller1', 'ahu1']
        .map((id) => rig.gate.policy()?.inventory.find(id))
        .flatMap((each) => each ?? []);
      const point = rig.gate.policy()?.inventory.find('ahu1/sat-sp');
      if (point === undefined) throw new Error('no point');
      const planned = rig.driver.plan([{ target: point, value: 19 }]);
      if (!planned.ok) throw new Error(JSON.stringify(planned.fault));
      const [session] = rig.gate.sessions();
      const caller = rig.gate.callerOf({
        driver: driverName('modbus'),
        listener: 'north',
        address: session?.address ?? '',
        port: 1,
      });
      const judged = rig.gate.judge(caller, withDevices(planned.value, handles));
      if (!judged.permitted) throw new Error(judged.denial.text);
      const performed = await rig.driver.perform(judged.permit);
      expect(performed.outcome).toEqual({ kind: 'acknowledged' });
      expect([...(performed.readBack ?? [])]).toEqual([[point, { value: 19 }]]);
      expect(
        rig
          .rows('intent')
          .at(-1)
          ?.effects.map(({ target }) => target),
      ).toEqual(['ahu1/sat-sp', 'chiller1', 'ahu1']);
    } finally {
      await rig.stop();
    }
  });

  test('BACnet: the device of the points gets the request', async () => {
    const bacnet = await fakeStage();
    const planned = bacnet.road.plan([{ target: bacnet.handle('ahu2/sat-sp'), value: 21, priority: 8 }]);
    if (!planned.ok) throw new Error(JSON.stringify(planned.fault));
    const change = withDevices(planned.value, [bacnet.handle('vav1'), bacnet.handle('ahu2')]);
    const judged = bacnet.gate.judge(bacnet.gate.callerOf(bacnet.anna.peer), change);
    if (!judged.permitted) throw new Error(judged.denial.text);
    expect((await bacnet.road.perform(judged.permit)).outcome).toEqual({ kind: 'acknowledged' });
    expect(bacnet.sides.changes).toMatchObject([{ service: 'write-property', parameters: { priority: 8 } }]);
    expect(
      bacnet.journal
        .rows('intent')
        .at(-1)
        ?.effects.map(({ target }) => target),
    ).toEqual(['ahu2/sat-sp', 'vav1', 'ahu2']);
  });
});
