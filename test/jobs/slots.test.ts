// Writing and putting back in a priority array, on a device that is an array of slots: slot-exact, only what still holds.

import { beforeEach, describe, expect, it } from 'vitest';
import type { RunningDriver } from '../../src/contract/driver.ts';
import type { WriteOrder, WriteResult } from '../../src/contract/work.ts';
import { createFoundOverrides } from '../../src/http/found-overrides.ts';
import type { createWriter } from '../../src/jobs/batch.ts';
import type { OverrideLedger } from '../../src/jobs/overrides.ts';
import { restores } from '../../src/jobs/put-back.ts';
import type { InventoryPoint, PointValue } from '../../src/model/point.ts';
import { isSameValue } from '../../src/model/same-value.ts';
import { HOUR, type Stage } from '../gate/stage.ts';
import type { MemoryShelf, SlotDriver } from './slot-driver.ts';
import { writerStage } from './writer-stage.ts';

let shelf: MemoryShelf;
let stage: Stage;
let driver: SlotDriver;
let writer: ReturnType<typeof createWriter>;
let overrides: OverrideLedger;
let drivers: Map<string, RunningDriver>;

beforeEach(() => {
  ({ shelf, stage, driver, drivers, writer, overrides } = writerStage());
});

const anna = () => stage.as('anna');
const slot = (id: string, priority = 8): PointValue => driver.array(stage.handle(id))[priority - 1] ?? null;
const statesOf = (result: WriteResult): unknown =>
  result.kind === 'carried-out' ? result.rows.map(({ point, state }) => [point, state]) : result;
const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};

describe('a batch in priority arrays', () => {
  it('gives each slot its own earlier value, or NULL, where a later device fails', async () => {
    driver.array(stage.handle('vav/sp'))[7] = 17;
    driver.failing.set(stage.handle('chiller/sp'), { kind: 'refused-by-device', answer: 'write-access-denied' });
    const result = await writer.write(anna(), {
      rows: [
        { point: 'ahu/sp', value: 20, priority: 8 },
        { point: 'vav/sp', value: 21, priority: 8 },
        { point: 'ahu/fan', value: 1, priority: 8 },
        { point: 'chiller/sp', value: 9, priority: 8 },
      ],
    });
    expect(statesOf(result)).toEqual([
      ['ahu/sp', 'put-back'],
      ['ahu/fan', 'left-written'],
      ['vav/sp', 'put-back'],
      ['chiller/sp', 'refused-by-device'],
    ]);
    expect([slot('ahu/sp'), slot('vav/sp'), slot('ahu/fan')]).toEqual([null, 17, 1]);
  });

  it('has its old values durable before the first write', async () => {
    await writer.write(anna(), {
      rows: [
        { point: 'ahu/sp', value: 20, priority: 8 },
        { point: 'vav/sp', value: 21, priority: 8 },
      ],
    });
    const kinds = stage.journal.durable.map((row) => (row.kind === 'system' ? row.event : row.kind));
    expect(kinds[0]).toBe('batch-begun');
    expect(stage.journal.durable[0]).toMatchObject({
      detail: { rows: [{ target: 'ahu/sp', old: null, new: 20, priority: 8 }, { target: 'vav/sp' }] },
    });
  });

  it('sends nothing where that cannot be recorded', async () => {
    stage.journal.failing = new Error('disk full');
    const rows = [
      { point: 'ahu/sp', value: 20 },
      { point: 'vav/sp', value: 21 },
    ] as const;
    expect(await writer.write(anna(), { rows })).toMatchObject({ kind: 'unrecorded', why: 'disk full' });
    expect(driver.arrays.size).toBeLessThanOrEqual(2);
    expect(slot('ahu/sp', 16)).toBeNull();
  });

  it('names the row that stands twice, and the one nobody reaches', async () => {
    const result = await writer.write(anna(), {
      rows: [
        { point: 'ahu/sp', value: 20 },
        { point: 'ahu/sp', value: 21 },
        { point: 'nowhere', value: 1 },
      ],
    });
    expect(result).toMatchObject({
      kind: 'faulty',
      rows: [
        { point: 'ahu/sp' },
        { fault: 'the same slot stands in another row' },
        { fault: 'no point of the policy in force' },
      ],
    });
  });
});

describe('a batch that a restart cut off', () => {
  const rows = [
    { point: 'ahu/sp', value: 20, priority: 8 },
    { point: 'vav/sp', value: 21, priority: 8 },
    { point: 'ahu/fan', value: 1, priority: 8 },
  ] as const;
  const ended = () => stage.journal.rows('system').filter(({ event }) => event.startsWith('batch-'));

  /** Written whole, and then as if the gateway had died before it could say so. */
  async function cutOff(order: WriteOrder = { rows }): Promise<void> {
    const result = await writer.write(anna(), order);
    if (result.kind !== 'carried-out') throw new Error(JSON.stringify(result));
    const decisions = [...new Set(result.rows.map(({ decision }) => decision))];
    await shelf.put('batch', {
      id: result.job,
      at: 1,
      body: JSON.stringify({ decisions: [...decisions, 'never-sent'] }),
    });
  }

  it('gives each slot its own earlier value or NULL, and says where a command stays as it is', async () => {
    driver.array(stage.handle('vav/sp'))[7] = 17;
    driver.array(stage.handle('vav/sp'))[15] = 3;
    await cutOff();
    await writer.putBackInterrupted();
    expect([slot('ahu/sp'), slot('vav/sp'), slot('vav/sp', 16), slot('ahu/fan')]).toEqual([null, 17, 3, 1]);
    expect(ended().at(-1)).toMatchObject({
      event: 'batch-ended',
      detail: {
        interrupted: true,
        rows: [
          { target: 'vav/sp', priority: 8, state: 'put-back' },
          { target: 'ahu/sp', state: 'put-back' },
          { target: 'ahu/fan', state: 'left-written', why: expect.stringContaining('does not permit') },
        ],
      },
    });
    expect(shelf.list('batch')).toEqual([]);
  });

  it('leaves what somebody else has written since, and says so', async () => {
    await cutOff();
    driver.array(stage.handle('ahu/sp'))[7] = 15;
    await writer.putBackInterrupted();
    expect([slot('ahu/sp'), slot('vav/sp')]).toEqual([15, null]);
    const [, row] = (ended().at(-1)?.detail.rows ?? []) as readonly object[];
    expect(row).toMatchObject({ state: 'left-written', why: 'it no longer holds what was written' });
  });

  it('waits for a device that does not answer yet, says so once, and does nothing twice', async () => {
    await cutOff();
    driver.failing.set(stage.handle('ahu/sp'), { kind: 'not-sent', why: 'the line is down' });
    await writer.putBackInterrupted();
    expect([slot('ahu/sp'), slot('vav/sp')]).toEqual([20, null]);
    for (let turn = 0; turn < 2; turn += 1) {
      stage.time.pass(30_000);
      await settled();
    }
    const waits = ended().filter(({ event }) => event === 'batch-waits');
    expect(waits).toMatchObject([{ detail: { rows: [{ state: 'put-back' }, { why: 'the line is down' }, {}] } }]);
    const writes = stage.journal.rows('intent').filter(({ effects }) => effects[0]?.target === 'vav/sp');
    expect(writes).toHaveLength(2);
    driver.failing.clear();
    stage.time.pass(30_000);
    await settled();
    expect([slot('ahu/sp'), slot('vav/sp')]).toEqual([null, null]);
    expect(ended().at(-1)).toMatchObject({ event: 'batch-ended' });
  });

  it('takes its overrides along', async () => {
    await cutOff({ rows: [rows[0], rows[1]], overrideMs: HOUR });
    await writer.putBackInterrupted();
    expect([overrides.list(), shelf.list('override')]).toEqual([[], []]);
  });

  it('puts nothing back of what a device refused', async () => {
    driver.failing.set(stage.handle('ahu/sp'), { kind: 'refused-by-device', answer: 'write-access-denied' });
    await cutOff();
    const before = stage.journal.rows('intent').length;
    await writer.putBackInterrupted();
    expect(stage.journal.rows('intent')).toHaveLength(before);
    expect(ended().at(-1)?.detail.rows).toMatchObject([
      { target: 'vav/sp', state: 'not-sent' },
      { state: 'refused-by-device' },
      { state: 'refused-by-device' },
    ]);
  });
});

describe('a write without a priority', () => {
  it('is of the slot that the driver takes it to, and put back there', async () => {
    driver.array(stage.handle('ahu/sp'))[15] = 18;
    const result = await writer.write(anna(), { rows: [{ point: 'ahu/sp', value: 22 }], overrideMs: HOUR });
    expect(result).toMatchObject({ rows: [{ state: 'done', old: 18, readBack: 22 }] });
    stage.time.pass(HOUR);
    await settled();
    expect([slot('ahu/sp', 16), overrides.list()]).toMatchObject([18, [{ state: 'released', priority: 16 }]]);
  });

  it('and one of another slot of the same point are two changes, each with its own old value', async () => {
    driver.array(stage.handle('ahu/sp'))[15] = 18;
    const result = await writer.write(anna(), {
      rows: [
        { point: 'ahu/sp', value: 22 },
        { point: 'ahu/sp', value: 23, priority: 8 },
      ],
    });
    expect(result).toMatchObject({
      ok: true,
      rows: [
        { old: 18, readBack: 22 },
        { old: null, readBack: 23 },
      ],
    });
  });
});

describe('a batch that names one priority and one end', () => {
  it('has them in each row that names none; a release has no end, and whoever held the slot holds it no more', async () => {
    const done = await writer.write(anna(), {
      rows: [
        { point: 'ahu/sp', value: 20 },
        { point: 'vav/sp', value: 21, priority: 16, overrideMs: null },
      ],
      priority: 8,
      overrideMs: HOUR,
    });
    expect(done).toMatchObject({ ok: true, rows: [{ until: stage.time.now() + HOUR }, {}] });
    expect([slot('ahu/sp'), slot('vav/sp', 16), overrides.list()]).toMatchObject([20, 21, [{ priority: 8 }]]);
    await writer.write(anna(), { rows: [{ point: 'ahu/sp', value: null }], priority: 8, overrideMs: HOUR });
    expect([slot('ahu/sp'), overrides.list()]).toMatchObject([null, [{ state: 'superseded' }]]);
    const asked = { rows: [{ point: 'ahu/sp', value: null, overrideMs: HOUR }] } as const;
    expect(await writer.write(anna(), asked)).toMatchObject({ kind: 'faulty', rows: [{ field: 'overrideMs' }] });
  });

  it('of which a row stands twice is judged row by row', () => {
    const rows = [
      { point: 'ahu/sp', value: 20, priority: 8 },
      { point: 'ahu/sp', value: 20, priority: 1 },
    ] as const;
    const [eighth, first] = writer.check(anna(), { rows });
    expect([eighth?.denial, first?.denial?.reason]).toMatchObject([undefined, expect.any(String)]);
    expect(writer.spanOf('nowhere')).toEqual({ mayEnd: false });
  });
});

describe('an override of a slot', () => {
  it('is relinquished on time, and the other slots stay', async () => {
    driver.array(stage.handle('ahu/sp'))[15] = 18;
    await writer.write(anna(), {
      rows: [{ point: 'ahu/sp', value: 22, priority: 8 }],
      overrideMs: 2 * HOUR,
    });
    expect([slot('ahu/sp'), slot('ahu/sp', 16)]).toEqual([22, 18]);
    stage.time.pass(2 * HOUR);
    await settled();
    expect([slot('ahu/sp'), slot('ahu/sp', 16)]).toEqual([null, 18]);
    expect(overrides.list()).toMatchObject([{ state: 'released' }]);
  });

  it('that the device does not take back is tried again now and then, not all the time', async () => {
    await writer.write(anna(), { rows: [{ point: 'ahu/sp', value: 22, priority: 8, overrideMs: HOUR }] });
    driver.failing.set(stage.handle('ahu/sp'), { kind: 'refused-by-device', answer: 'write-access-denied' });
    stage.time.pass(HOUR);
    await settled();
    for (let turn = 0; turn < 60; turn += 1) {
      stage.time.pass(30_000);
      await settled();
    }
    expect(overrides.list()).toMatchObject([{ state: 'releasing', why: 'write-access-denied' }]);
    // The write, and four tries within half an hour.
    expect(stage.journal.rows('intent')).toHaveLength(5);
    driver.failing.clear();
    stage.time.pass(600_000);
    await settled();
    expect([slot('ahu/sp'), overrides.list()]).toMatchObject([null, [{ state: 'released' }]]);
  });

  it('that somebody else has overwritten by then is left and said', async () => {
    await writer.write(anna(), { rows: [{ point: 'ahu/sp', value: 22, priority: 8 }], overrideMs: HOUR });
    driver.array(stage.handle('ahu/sp'))[7] = 15;
    stage.time.pass(HOUR);
    await settled();
    expect(slot('ahu/sp')).toBe(15);
    expect(overrides.list()).toMatchObject([{ state: 'left', why: 'it no longer holds what was written' }]);
  });
});

describe('a slot that somebody writes while it is put back', () => {
  const overtake = () => {
    driver.beforeTurn = () => {
      driver.array(stage.handle('ahu/sp'))[7] = 15;
      driver.beforeTurn = () => {};
    };
  };

  it('keeps their value when an override ends', async () => {
    await writer.write(anna(), { rows: [{ point: 'ahu/sp', value: 22, priority: 8, overrideMs: HOUR }] });
    overtake();
    stage.time.pass(HOUR);
    await settled();
    expect(slot('ahu/sp')).toBe(15);
    expect(overrides.list()).toMatchObject([{ state: 'left', why: 'it no longer holds what was written' }]);
  });

  it('keeps it when a batch is undone', async () => {
    const fail = { kind: 'refused-by-device', answer: 'write-access-denied' } as const;
    driver.failing.set(stage.handle('vav/sp'), fail);
    let turns = 0;
    driver.beforeTurn = () => {
      turns += 1;
      // The third is the one that undoes.
      if (turns === 3) driver.array(stage.handle('ahu/sp'))[7] = 15;
    };
    const result = await writer.write(anna(), {
      rows: [
        { point: 'ahu/sp', value: 20, priority: 8 },
        { point: 'vav/sp', value: 21, priority: 8 },
      ],
    });
    expect(result).toMatchObject({ rows: [{ state: 'left-written' }, { state: 'refused-by-device' }] });
    expect(slot('ahu/sp')).toBe(15);
  });
});

describe('an override from elsewhere', () => {
  it('is found on the device, with when it was first seen; the gateway’s own are not found again', async () => {
    driver.array(stage.handle('vav/sp'))[7] = 19;
    driver.array(stage.handle('chiller/sp'))[15] = 6;
    const found = createFoundOverrides({
      clock: stage.time,
      timers: stage.time,
      drivers,
      overrides,
      reader: { rows: () => [] },
      everyMs: HOUR,
      inventory: () => stage.gate.policy()?.inventory,
    });
    await writer.write(anna(), {
      rows: [{ point: 'ahu/sp', value: 22, priority: 8 }],
      overrideMs: 9 * HOUR,
    });
    stage.time.pass(HOUR);
    for (let point = 0; point < 20; point += 1) {
      await settled();
      stage.time.pass(200);
    }
    expect(found.list()).toMatchObject([{ id: 'found:vav/sp@8', point: 'vav/sp', priority: 8, value: 19 }]);
    found.stop();
  });
});

describe('what is put back', () => {
  const point = (more: Partial<InventoryPoint>): InventoryPoint =>
    ({ class: 'set-point', undo: true, ...more }) as InventoryPoint;

  it('is the old value, NULL in a slot, or nothing', () => {
    const slotted = { priority: 8 };
    const plain = {};
    expect(restores(point({}), { ...plain, before: 5 })).toEqual({ value: 5 });
    expect(restores(point({}), plain)).toBe('the value before is not known');
    expect(restores(point({ class: 'command', undo: false }), { ...plain, before: 5 })).toContain('does not permit');
    expect(restores(point({}), { ...slotted, before: 5 })).toEqual({ value: 5 });
    expect(restores(point({}), slotted)).toEqual({ value: null });
    expect(restores(point({ class: 'command', undo: false }), { ...slotted, before: 5 })).toEqual({ value: null });
    // A batch that is undone is exact: not NULL where something stood, nothing where that is not known.
    expect(restores(point({}), slotted, 'undo')).toBe('the value before is not known');
    expect(restores(point({}), { ...slotted, before: null }, 'undo')).toEqual({ value: null });
    expect(restores(point({ class: 'command', undo: false }), { ...slotted, before: null }, 'undo')).toContain(
      'does not',
    );
  });

  it('is looked for as registers hold it', () => {
    expect(isSameValue(24.1, Math.fround(24.1))).toBe(true);
    expect(isSameValue(5n, 5)).toBe(true);
    expect(isSameValue(Number.NaN, Number.NaN)).toBe(true);
    expect(isSameValue(5n, 6n)).toBe(false);
    expect(isSameValue(true, 1)).toBe(false);
    expect(isSameValue(null, 0)).toBe(false);
    expect(isSameValue(24.1, 24.2)).toBe(false);
  });
});
