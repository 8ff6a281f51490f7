// Jobs that write: a configuration copied, alarm thresholds, a batch. All devices or none, what was shown or nothing.

import { beforeEach, describe, expect, it } from 'vitest';
import type { ConfigurationOrder, Job, JobOrder } from '../../src/contract/jobs.ts';
import type { RunningJobs } from '../../src/jobs/create-jobs.ts';
import type { PointValue } from '../../src/model/point.ts';
import type { WriterStage } from './writer-stage.ts';
import { copy, limits, settle, statesOf, WritingStage } from './writing-stage.ts';

let site: WritingStage;
let all: WriterStage;
let jobs: RunningJobs;

async function open(approvals: object = {}): Promise<void> {
  site = await WritingStage.set(approvals);
  ({ all, jobs } = site);
}
beforeEach(() => open());

const put = (id: string, value: PointValue): void => site.put(id, value);
const held = (id: string): PointValue => site.held(id);
const begin = (order: JobOrder): Promise<string> => site.begin(order);
const carried = (order: JobOrder): Promise<Job | undefined> => site.carried(order);

describe('a configuration copy', () => {
  it('shows each difference, and writes only those; the devices are targets beside the points', async () => {
    const check = await jobs.check(all.stage.as('anna'), copy);
    expect(check).toMatchObject({ ok: true, approvals: 0, faults: [] });
    expect(check.devices).toEqual([
      {
        device: 'c2',
        rows: [
          { point: 'c2/kp', wanted: 5, now: 1, differs: true },
          { point: 'c2/ti', wanted: 60, now: 60, differs: false },
        ],
      },
      {
        device: 'c3',
        rows: [
          { point: 'c3/kp', wanted: 5, now: 2, differs: true },
          { point: 'c3/ti', wanted: 60, now: 30, differs: true },
        ],
      },
    ]);
    const job = await carried(copy);
    expect(job).toMatchObject({ state: 'done' });
    expect(['c2/kp', 'c2/ti', 'c3/kp', 'c3/ti'].map(held)).toEqual([5, 60, 5, 60]);
    const intents = all.stage.journal.rows('intent');
    expect(intents.map(({ effects }) => effects.map(({ target, action }) => `${action} ${target}`))).toEqual([
      ['device.configure c2/kp', 'device.configure c1', 'device.configure c2'],
      ['device.configure c3/kp', 'device.configure c3/ti', 'device.configure c1', 'device.configure c3'],
    ]);
    expect(intents.every((row) => row.job === job?.id)).toBe(true);
    expect(job?.devices[1]?.rows).toMatchObject([
      { point: 'c3/kp', state: 'done', old: 2 },
      { point: 'c3/ti', state: 'done', old: 30 },
    ]);
    expect(all.stage.gate.transfers()).toEqual([]);
  });

  it('asks the right on a device that holds everything already with the first change', async () => {
    put('c2/kp', 5);
    await carried(copy);
    const [intent] = all.stage.journal.rows('intent');
    expect(intent?.effects.map(({ target }) => target)).toEqual(['c3/kp', 'c3/ti', 'c1', 'c2', 'c3']);
  });

  it('is done without a write where nothing differs', async () => {
    for (const id of ['c2/kp', 'c3/kp']) put(id, 5);
    put('c3/ti', 60);
    expect(await carried(copy)).toMatchObject({ state: 'done' });
    expect(all.stage.journal.rows('intent')).toEqual([]);
  });

  it('needs the right on the source too', async () => {
    const emil = all.stage.as('emil');
    const toAhu: ConfigurationOrder = { ...copy, devices: ['ahu'] };
    const started = await jobs.start(emil, toAhu);
    expect(started).toMatchObject({
      kind: 'not-started',
      check: { ok: false, devices: [{ device: 'ahu' }] },
    });
    put('ahu/kp', 1);
    const check = await jobs.check(emil, { ...toAhu, source: 'c1' });
    expect(check.devices[0]?.denial).toMatchObject({ reason: 'out-of-scope', target: 'c1' });
  });

  it('names what does not match, and what the limits deny', async () => {
    expect(await jobs.check(all.stage.as('anna'), { ...copy, devices: ['chiller'] })).toMatchObject({
      ok: false,
      devices: [{ device: 'chiller', fault: 'no point of it matches one of `c1`' }],
    });
    put('c1/kp', 11);
    const check = await jobs.check(all.stage.as('anna'), copy);
    expect(check).toMatchObject({ ok: false, devices: [{ denial: { reason: 'out-of-limits', target: 'c2/kp' } }, {}] });
    const twice = await jobs.check(all.stage.as('anna'), { ...copy, devices: ['c1', 'c2', 'nowhere'] });
    expect(twice.faults.map(({ path }) => path)).toEqual(['devices.0', 'devices.2']);
  });

  it('gives everything back where one device does not take it', async () => {
    all.driver.failing.set(all.stage.handle('c3/kp'), { kind: 'refused-by-device', answer: 'write-access-denied' });
    const job = await carried(copy);
    expect(job).toMatchObject({ state: 'failed' });
    expect(statesOf(job)).toEqual(['rolled-back', 'failed']);
    expect(job?.devices[1]?.why).toContain('write-access-denied');
    expect(['c2/kp', 'c3/kp', 'c3/ti'].map(held)).toEqual([1, 2, 30]);
  });

  it('writes what was shown, or nothing: the source changed while it waited', async () => {
    const { stage } = all;
    const from = stage.time.now() + 60_000;
    const id = await begin({ ...copy, window: { from, until: from + 60_000 } });
    await settle();
    put('c1/kp', 6);
    stage.time.pass(60_000);
    await settle();
    expect(jobs.get(id)).toMatchObject({ state: 'failed' });
    expect(jobs.get(id)?.devices[0]?.why).toBe('`c2/kp` would now be given `6`, and `5` was shown when the job began');
    expect(stage.journal.rows('intent')).toEqual([]);
  });

  it('pauses before the first write where the right was withdrawn', async () => {
    const { stage } = all;
    const from = stage.time.now() + 60_000;
    const id = await begin({ ...copy, window: { from, until: from + 600_000 } });
    await settle();
    stage.gate.setFastLocks([{ id: 'stop', why: 'leaving', principal: 'anna', until: from + 3_600_000 }]);
    stage.time.pass(60_000);
    await settle();
    expect(jobs.get(id)).toMatchObject({ state: 'paused', paused: { by: 'gateway' } });
    stage.gate.setFastLocks([]);
    expect(await jobs.resume(stage.as('anna'), id)).toMatchObject({ kind: 'done' });
    await settle();
    expect(jobs.get(id)).toMatchObject({ state: 'done' });
  });

  it('waits for another person where the policy asks for one', async () => {
    await open({ 'device.configure': 1 });
    const id = await begin(copy);
    await settle();
    expect(jobs.get(id)).toMatchObject({ state: 'waiting-approval', approvals: { needed: 1 } });
    expect(await jobs.answerApproval(all.stage.as('dora'), id, 'approved', '')).toMatchObject({ kind: 'done' });
    await settle();
    expect(jobs.get(id)).toMatchObject({ state: 'done' });
    for (const row of all.stage.journal.rows('intent')) expect(row.approvedBy).toEqual(['dora']);
  });
});

describe('alarm thresholds', () => {
  it('are written on every device of the list, by key or by name', async () => {
    expect(await carried(limits)).toMatchObject({ state: 'done' });
    expect(['c1/hi', 'c2/hi'].map(held)).toEqual([30, 30]);
    expect(await carried({ ...limits, values: [{ key: 'High limit', value: 31 }] })).toMatchObject({ state: 'done' });
    expect(held('c1/hi')).toBe(31);
  });

  it('need every device to have them', async () => {
    const check = await jobs.check(all.stage.as('anna'), { ...limits, devices: ['c1', 'vav'] });
    expect(check).toMatchObject({ ok: false, devices: [{}, { fault: 'it has no alarm limit `hi`' }] });
  });
});

describe('a batch as a job', () => {
  it('is written as one, each row under its own priority', async () => {
    const job = await carried({
      kind: 'batch',
      rows: [
        { point: 'ahu/sp', value: 20, priority: 8 },
        { point: 'vav/sp', value: 21 },
      ],
      overrideMs: null,
    });
    expect(job).toMatchObject({ state: 'done', devices: [{ device: 'ahu' }, { device: 'vav' }] });
    expect(all.driver.array(all.stage.handle('ahu/sp'))[7]).toBe(20);
    expect(held('vav/sp')).toBe(21);
  });

  it('of who may not on one device starts nothing, shows nothing, and is in the record', async () => {
    const rows = [
      { point: 'ahu/sp', value: 20, priority: 8 },
      { point: 'vav/sp', value: 21, priority: 8 },
    ] as const;
    const started = await jobs.start(all.stage.as('emil'), { kind: 'batch', rows });
    expect(started).toMatchObject({
      kind: 'not-started',
      check: { devices: [{ device: 'ahu' }, { device: 'vav', denial: { reason: 'out-of-scope' } }] },
      denials: [{ reason: 'out-of-scope', target: 'vav/sp' }],
    });
    const early = await jobs.check(all.stage.as('emil'), { kind: 'batch', rows: [{ ...rows[0], priority: 3 }] });
    expect(early.devices[0]?.denial?.reason).toBe('priority-reserved');
    const copied = await jobs.check(all.stage.as('emil'), copy);
    expect(copied.devices.every(({ denial, rows: shown }) => denial !== undefined && shown === undefined)).toBe(true);
    expect(all.stage.journal.rows('intent')).toEqual([]);
  });

  it('names the row nobody reaches', async () => {
    const check = await jobs.check(all.stage.as('anna'), { kind: 'batch', rows: [{ point: 'nowhere', value: 1 }] });
    expect(check.faults).toEqual([
      { path: 'rows.0', found: '`"nowhere"`', expected: 'a point of the policy in force' },
    ]);
  });
});
