// What the gateway itself asks of devices: readings, planned changes, and what became of them.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { PointWrite } from '../../../src/contract/driver.ts';
import type { Caller } from '../../../src/contract/gate.ts';
import { principalId, type TargetHandle } from '../../../src/model/ids.ts';
import { isNonEmpty } from '../../../src/model/result.ts';
import { Rig } from './rig.ts';

let rig: Rig;
beforeEach(async () => {
  rig = await Rig.start();
});
afterEach(() => rig.stop());

const page: Caller = {
  principal: principalId('anna'),
  channel: 'local',
  proof: { kind: 'sign-in', session: 's' },
  from: 'page',
  peer: 'page',
};

function handle(id: string): TargetHandle {
  const found = rig.gate.policy()?.inventory.find(id);
  if (found === undefined) throw new Error(`no \`${id}\``);
  return found;
}

function plan(...writes: readonly (readonly [id: string, value: PointWrite['value']])[]) {
  const list = writes.map(([id, value]) => ({ target: handle(id), value }));
  if (!isNonEmpty(list)) throw new Error('nothing to plan');
  return rig.driver.plan(list);
}

async function write(...writes: readonly (readonly [id: string, value: PointWrite['value']])[]) {
  const planned = plan(...writes);
  if (!planned.ok) throw new Error(JSON.stringify(planned.fault));
  const judged = rig.gate.judge(page, planned.value);
  if (!judged.permitted) throw new Error(judged.denial.text);
  return rig.driver.perform(judged.permit);
}

test('writes nothing over what somebody wrote by its turn', async () => {
  const target = handle('ahu1/sat-sp');
  const judge = () => {
    const planned = plan(['ahu1/sat-sp', 21]);
    if (!planned.ok) throw new Error(JSON.stringify(planned.fault));
    const judged = rig.gate.judge(page, planned.value);
    if (!judged.permitted) throw new Error(judged.denial.text);
    return judged.permit;
  };
  const overtaken = await rig.driver.perform(judge(), new Map([[target, { value: 19 }]]));
  expect(overtaken).toMatchObject({ outcome: { kind: 'not-sent' }, overtaken: true });
  expect(rig.plant.devices.ahu1.bank.number('ahu1/sat-sp')).toBe(18);
  const theirs = await rig.driver.perform(judge(), new Map([[target, { value: 18, taken: () => 'theirs' }]]));
  expect(theirs).toMatchObject({ outcome: { kind: 'not-sent', why: 'theirs' }, overtaken: true });
  expect(rig.plant.devices.ahu1.bank.number('ahu1/sat-sp')).toBe(18);
  const ours = { value: 18, taken: () => undefined };
  const done = await rig.driver.perform(judge(), new Map([[target, ours]]));
  expect([done.outcome.kind, rig.plant.devices.ahu1.bank.number('ahu1/sat-sp')]).toEqual(['acknowledged', 21]);
});

test('reads points of every type, on every kind of line, neighbours together', async () => {
  const ids = [
    'ahu1/sat-sp',
    'ahu1/dsp-sp',
    'ahu1/occ-cmd',
    'ahu1/purge-cmd',
    'ahu1/service-date',
    'ahu1/asset-tag',
    'ahu1/fan-cmd',
    'ahu1/fan-status',
    'ahu1/rat',
    'chiller1/power-limit',
    'chiller1/rated-power',
    'meter1/serial',
  ];
  const readings = await rig.driver.read(ids.map(handle));
  expect(readings.map((reading) => (reading.ok ? reading.value : reading.why))).toEqual([
    18,
    250,
    true,
    false,
    20_260_914,
    'AHU-ROOF-EAST',
    true,
    true,
    22.5,
    120,
    412.5,
    20_418_811,
  ]);
  const again = await rig.driver.read([handle('ahu1/sat-sp'), handle('ahu1/sat-hi'), handle('ahu1/sat-lo')]);
  expect(again.every(({ ok }) => ok)).toBe(true);
  const reads = rig.plant.devices.ahu1.record.reads();
  expect(reads.at(-1)?.summary).toBe('read 6 holding registers from 100');
});

test('a target without an address, and a device that does not answer, are readings that say why', async () => {
  rig.plant.devices.ahu1.fail({ kind: 'silence' });
  const [device, point] = await rig.driver.read([handle('ahu1'), handle('ahu1/sat-sp')]);
  expect(device).toMatchObject({ ok: false, why: 'no point with a Modbus address' });
  expect(point).toMatchObject({ ok: false, why: 'no answer within 300 ms' });
});

describe('a planned change', () => {
  test.each<[id: string, value: PointWrite['value'], operation: string]>([
    ['ahu1/sat-sp', 19.5, 'writeMultipleRegisters'],
    ['ahu1/dsp-sp', 260, 'writeSingleRegister'],
    ['ahu1/econ-en', false, 'maskWriteRegister'],
    ['ahu1/fan-cmd', false, 'writeSingleCoil'],
    ['ahu1/asset-tag', 'ROOF', 'writeMultipleRegisters'],
    ['ahu1/service-date', 20_261_122, 'writeMultipleRegisters'],
  ])('%s = %s by %s', async (id, value, operation) => {
    const { outcome, readBack } = await write([id, value]);
    expect([outcome, [...(readBack ?? [])]]).toEqual([{ kind: 'acknowledged' }, [[handle(id), { value }]]]);
    expect(rig.plant.devices.ahu1.bank.get(id)).toBe(value);
    expect(rig.rows('intent')).toMatchObject([{ operation, effects: [{ target: id, new: value }] }]);
  });

  test('of several points is one decision, one lane turn, several requests', async () => {
    const { outcome } = await write(['ahu1/sat-sp', 20], ['ahu1/fan-cmd', false]);
    expect(outcome).toEqual({ kind: 'acknowledged' });
    expect(rig.plant.devices.ahu1.record.writesSeen()).toBe(2);
    expect(rig.rows('intent')).toMatchObject([{ operation: 'writeMultipleRegisters+writeSingleCoil' }]);
    expect(rig.rows('outcome')).toMatchObject([
      {
        outcome: { kind: 'acknowledged' },
        readBack: [
          { target: 'ahu1/fan-cmd', value: false },
          { target: 'ahu1/sat-sp', value: 20 },
        ],
      },
    ]);
  });

  test('that stops half way has an unknown outcome and is read back', async () => {
    rig.plant.devices.ahu1.fail({ kind: 'silence', carriedOut: false }, { on: 'write', times: 1 });
    const { outcome } = await write(['ahu1/sat-sp', 20], ['ahu1/fan-cmd', false]);
    expect(outcome.kind).toBe('unknown');
    expect(rig.rows('outcome')).toMatchObject([
      {
        readBack: [
          { target: 'ahu1/fan-cmd', value: true },
          { target: 'ahu1/sat-sp', value: 18 },
        ],
      },
    ]);
  });

  test('that the device refuses says how', async () => {
    rig.plant.devices.ahu1.fail({ kind: 'exception', code: 4 }, { on: 'write' });
    expect((await write(['ahu1/sat-sp', 20])).outcome).toEqual({ kind: 'refused-by-device', answer: 'exception 4' });
    rig.plant.devices.ahu1.fail({ kind: 'exception', code: 5 }, { on: 'write' });
    expect((await write(['ahu1/sat-sp', 20])).outcome.kind).toBe('unknown');
  });

  test.each<[id: string, value: PointWrite['value'], path: string]>([
    ['ahu1', 1, '0.target'],
    ['ahu1/sat', 20, '0.value'],
    ['ahu1/sat-sp', true, '0.value'],
    ['ahu1/sat-sp', null, '0.value'],
    ['ahu1/dsp-sp', 250.05, '0.value'],
    ['ahu1/fan-cmd', 1, '0.value'],
    ['chiller1/power-limit', 120, '0.value'],
  ])('of %s to %s cannot be planned', (id, value, path) => {
    const planned = plan([id, value]);
    expect(planned.ok ? [] : planned.fault.map((fault) => fault.path)).toEqual([path]);
  });

  test('is of one device and has no priority', () => {
    const planned = rig.driver.plan([
      { target: handle('ahu1/sat-sp'), value: 20 },
      { target: handle('chiller1/chw-sp'), value: 8, priority: 8 },
    ]);
    expect(planned.ok ? [] : planned.fault.map(({ path }) => path)).toEqual(['1.target', '1.priority']);
  });

  test('to a line that is down is not sent', async () => {
    const planned = plan(['ahu1/sat-sp', 20]);
    if (!planned.ok) throw new Error('not planned');
    const judged = rig.gate.judge(page, planned.value);
    if (!judged.permitted) throw new Error('denied');
    await rig.plant.lines.ahu.stop();
    expect((await rig.driver.perform(judged.permit)).outcome.kind).toBe('not-sent');
    expect(rig.plant.writesSeen()).toBe(0);
  });
});
