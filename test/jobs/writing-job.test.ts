// Jobs that write: a configuration copied, alarm thresholds, a batch. All devices or none, what was shown or nothing.

import { beforeEach, describe, expect, it } from 'vitest';
import type { ConfigurationOrder, Job, JobOrder, ThresholdsOrder } from '../../src/contract/jobs.ts';
import { createJobs, type RunningJobs } from '../../src/jobs/create-jobs.ts';
import type { PointValue } from '../../src/model/point.ts';
import { fail } from '../../src/model/result.ts';
import { bundle } from '../gate/stage.ts';
import { type WriterStage, writerStage } from './writer-stage.ts';

let all: WriterStage;
let jobs: RunningJobs;

/** Three controllers of the same kind, and one of another. */
function plantBundle(approvals = {}): object {
  const document = bundle() as {
    organizations: [{ devices: object[]; points: object[]; roles: { approvals?: object }[] }];
  };
  const [{ devices, points, roles }] = document.organizations;
  for (const id of ['c1', 'c2', 'c3']) {
    devices.push({ id, name: id, location: 'hq' });
    points.push(
      { id: `${id}/kp`, name: 'Gain', device: id, class: 'parameter', limits: { min: 0, max: 10 } },
      { id: `${id}/ti`, name: 'Time', device: id, class: 'parameter' },
      { id: `${id}/hi`, name: 'High limit', device: id, class: 'alarm-limit' },
    );
  }
  for (const role of roles) role.approvals = approvals;
  return document;
}

function open(): void {
  const { stage, shelf, drivers, writer } = all;
  let ids = 0;
  jobs = createJobs({
    gate: stage.gate,
    journal: stage.journal,
    shelf,
    clock: stage.time,
    timers: stage.time,
    log: stage.log,
    drivers,
    inventory: () => stage.gate.policy()?.inventory,
    images: { get: () => undefined, open: async () => fail({ code: 'image-unknown', text: 'none' }) },
    writer,
    newId: () => {
      ids += 1;
      return `j-${ids}`;
    },
    intentOf: (decision) => stage.journal.rows('intent').find((row) => row.decision === decision),
  });
}

beforeEach(async () => {
  all = writerStage(plantBundle());
  open();
  await jobs.takeUp();
  for (const [id, value] of [
    ['c1/kp', 5],
    ['c1/ti', 60],
    ['c2/kp', 1],
    ['c2/ti', 60],
    ['c3/kp', 2],
    ['c3/ti', 30],
  ] as const)
    put(id, value);
});

const put = (id: string, value: PointValue): void => {
  all.driver.array(all.stage.handle(id))[15] = value;
};
const held = (id: string): PointValue => all.driver.array(all.stage.handle(id))[15] ?? null;
const copy: ConfigurationOrder = { kind: 'configuration', source: 'c1', devices: ['c2', 'c3'], classes: ['parameter'] };
const limits: ThresholdsOrder = { kind: 'alarm-thresholds', devices: ['c1', 'c2'], values: [{ key: 'hi', value: 30 }] };

async function settle(): Promise<void> {
  for (let turn = 0; turn < 30; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

async function begin(order: JobOrder, who = 'anna'): Promise<string> {
  const started = await jobs.start(all.stage.as(who), order);
  if (started.kind !== 'started') throw new Error(JSON.stringify(started));
  return started.job.id;
}

async function carried(order: JobOrder): Promise<Job | undefined> {
  const id = await begin(order);
  await settle();
  return jobs.get(id);
}

const statesOf = (job: Job | undefined) => job?.devices.map(({ state }) => state);

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
      ['device.configure c2/kp', 'device.configure c1', 'device.configure c2', 'device.configure c3'],
      [
        'device.configure c3/kp',
        'device.configure c3/ti',
        'device.configure c1',
        'device.configure c2',
        'device.configure c3',
      ],
    ]);
    expect(intents.every((row) => row.job === job?.id)).toBe(true);
    expect(job?.devices[1]?.rows).toMatchObject([
      { point: 'c3/kp', state: 'done', old: 2 },
      { point: 'c3/ti', state: 'done', old: 30 },
    ]);
    expect(all.stage.gate.transfers()).toEqual([]);
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
    all = writerStage(plantBundle({ 'device.configure': 1 }));
    open();
    await jobs.takeUp();
    put('c1/kp', 5);
    put('c1/ti', 60);
    const id = await begin(copy);
    await settle();
    expect(jobs.get(id)).toMatchObject({ state: 'waiting-approval', approvals: { needed: 1 } });
    expect(await jobs.answerApproval(all.stage.as('dora'), id, 'approved', '')).toMatchObject({ kind: 'done' });
    await settle();
    expect(jobs.get(id)).toMatchObject({ state: 'done' });
    for (const row of all.stage.journal.rows('intent')) expect(row.approvedBy).toEqual(['dora']);
  });
});

describe('somebody who aborts', () => {
  /** Each device waits to be written until the test lets it. */
  function heldUp(): () => void {
    const { driver } = all;
    const perform = driver.perform.bind(driver);
    const waiting: (() => void)[] = [];
    driver.perform = async (permit) => {
      await new Promise<void>((resolve) => waiting.push(resolve));
      return perform(permit);
    };
    return () => waiting.shift()?.();
  }

  it('has what was written put back, and the rest not begun', async () => {
    const next = heldUp();
    const id = await begin(copy);
    await settle();
    expect(statesOf(jobs.get(id))).toEqual(['applying', 'applying']);
    const aborting = jobs.abort(all.stage.as('anna'), id, 'wrong source');
    for (let turn = 0; turn < 4; turn += 1) {
      next();
      await settle();
    }
    await aborting;
    expect(jobs.get(id)).toMatchObject({ state: 'aborted', stopping: { by: 'anna' } });
    expect(statesOf(jobs.get(id))).toEqual(['rolled-back', 'aborted']);
    expect(['c2/kp', 'c3/kp', 'c3/ti'].map(held)).toEqual([1, 2, 30]);
    expect(jobs.get(id)?.devices[0]?.rows).toMatchObject([{ point: 'c2/kp', state: 'put-back' }]);
  });

  it('may retry the whole', async () => {
    const next = heldUp();
    const id = await begin(limits);
    await settle();
    const aborting = jobs.abort(all.stage.as('anna'), id, '');
    await settle();
    for (let turn = 0; turn < 4; turn += 1) {
      next();
      await settle();
    }
    await aborting;
    expect(await jobs.retry(all.stage.as('dora'), id)).toMatchObject({ kind: 'done' });
    for (let turn = 0; turn < 6; turn += 1) {
      next();
      await settle();
    }
    expect(jobs.get(id)).toMatchObject({ state: 'done', starter: { principal: 'dora' } });
    expect(['c1/hi', 'c2/hi'].map(held)).toEqual([30, 30]);
  });

  it('before it was begun has nothing written', async () => {
    const id = await begin({
      ...copy,
      window: { from: all.stage.time.now() + 1000, until: all.stage.time.now() + 2000 },
    });
    await settle();
    await jobs.abort(all.stage.as('anna'), id, '');
    await settle();
    expect(jobs.get(id)).toMatchObject({ state: 'aborted' });
    expect(all.stage.journal.rows('intent')).toEqual([]);
  });
});

describe('a writer that', () => {
  it('cannot keep the old values has nothing written', async () => {
    const id = await begin({
      ...copy,
      window: { from: all.stage.time.now() + 1000, until: all.stage.time.now() + 90_000 },
    });
    await settle();
    const append = all.stage.journal.append.bind(all.stage.journal);
    all.stage.journal.append = (row, options) =>
      row.kind === 'system' && row.event === 'batch-begun'
        ? Promise.reject(new Error('no room'))
        : append(row, options);
    all.stage.time.pass(31_000);
    await settle();
    expect(jobs.get(id)).toMatchObject({ state: 'failed', devices: [{ why: 'no room' }, {}] });
    expect(['c2/kp', 'c3/kp'].map(held)).toEqual([1, 2]);
  });

  it('meets devices that do not answer the check ends failed', async () => {
    const id = await begin({
      ...copy,
      window: { from: all.stage.time.now() + 1000, until: all.stage.time.now() + 90_000 },
    });
    await settle();
    all.driver.read = () => new Promise(() => {});
    all.stage.time.pass(31_000);
    await settle();
    expect(statesOf(jobs.get(id))).toEqual(['checking', 'checking']);
    all.stage.time.pass(400_000);
    await settle();
    expect(jobs.get(id)).toMatchObject({ state: 'failed' });
  });

  it('breaks leaves no device without an end', async () => {
    const id = await begin({
      ...copy,
      window: { from: all.stage.time.now() + 1000, until: all.stage.time.now() + 90_000 },
    });
    await settle();
    all.driver.perform = () => Promise.reject(new Error('a fault of our own'));
    all.stage.time.pass(31_000);
    await settle();
    expect(jobs.get(id)).toMatchObject({ state: 'failed', devices: [{ why: 'a fault of our own' }, {}] });
    expect(all.stage.log.of('job.fault')).toHaveLength(1);
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

describe('a restart', () => {
  const cutOff = async (state: string, batch: boolean): Promise<string> => {
    const id = await begin(copy);
    const [document] = all.shelf.list('job');
    await settle();
    await jobs.stop();
    if (document === undefined) throw new Error('no document');
    await all.shelf.put('job', {
      ...document,
      body: document.body.replaceAll(/"state":"(queued|checking)"/g, `"state":"${state}"`),
    });
    if (batch) await all.shelf.put('batch', { id, at: 1, body: '{"decisions":[]}' });
    open();
    await jobs.takeUp();
    await settle();
    return id;
  };

  it('finds everything written: done', async () => {
    expect(statesOf(jobs.get(await cutOff('applying', false)))).toEqual(['done', 'done']);
  });

  it('waits for what the writer still puts back, and says how each device stands', async () => {
    const id = await cutOff('applying', true);
    expect(statesOf(jobs.get(id))).toEqual(['verifying', 'verifying']);
    put('c3/kp', 2);
    put('c3/ti', 30);
    await all.shelf.remove('batch', id);
    all.stage.time.pass(3000);
    await settle();
    expect(statesOf(jobs.get(id))).toEqual(['failed', 'rolled-back']);
    expect(jobs.get(id)?.devices[0]?.why).toContain('it holds the new values');
  });

  it('does not wait for ever', async () => {
    const id = await cutOff('applying', true);
    for (let hours = 0; hours < 2; hours += 1) {
      all.stage.time.pass(3_600_000);
      await settle();
    }
    expect(statesOf(jobs.get(id))).toEqual(['failed', 'failed']);
  });

  it('looks again at what was being checked', async () => {
    expect(statesOf(jobs.get(await cutOff('checking', false)))).toEqual(['done', 'done']);
  });
});
