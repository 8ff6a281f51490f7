// Jobs that write and are cut off: by who aborts, by faults, by a restart. No device is left without an end.

import { beforeEach, describe, expect, it } from 'vitest';
import type { JobOrder } from '../../src/contract/jobs.ts';
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

describe('a device that never says what became of a write', () => {
  it('is not waited for for ever: the job ends, and so does the gateway', async () => {
    all.driver.perform = () => new Promise(() => {});
    const id = await begin(copy);
    await settle();
    expect(statesOf(jobs.get(id))).toEqual(['applying', 'applying']);
    all.stage.time.pass(20 * 60_000);
    await settle();
    expect(jobs.get(id)).toMatchObject({
      state: 'failed',
      devices: [{ why: expect.stringContaining('never said') }, {}],
    });
    expect(all.shelf.list('batch')).toHaveLength(1);
    const again = await begin({ ...limits, devices: ['c1'] });
    await settle();
    expect(statesOf(jobs.get(again))).toEqual(['applying']);
    const stopping = jobs.stop();
    await settle();
    all.stage.time.pass(10_000);
    await stopping;
    expect(statesOf(jobs.get(again))).toEqual(['applying']);
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
    await site.reopen();
    jobs = site.jobs;
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

  it('goes on for who aborts while something is still put back', async () => {
    const id = await cutOff('applying', true);
    const aborting = jobs.abort(all.stage.as('anna'), id, 'enough');
    await settle();
    await aborting;
    expect(statesOf(jobs.get(id))).toEqual(['verifying', 'verifying']);
    for (const [point, value] of [
      ['c2/kp', 1],
      ['c3/kp', 2],
      ['c3/ti', 30],
    ] as const)
      put(point, value);
    await all.shelf.remove('batch', id);
    all.stage.time.pass(3000);
    await settle();
    expect(statesOf(jobs.get(id))).toEqual(['rolled-back', 'rolled-back']);
  });

  it('does not wait for ever for what the devices hold', async () => {
    const id = await cutOff('applying', true);
    all.driver.slots = () => new Promise(() => {});
    await all.shelf.remove('batch', id);
    all.stage.time.pass(3000);
    await settle();
    expect(statesOf(jobs.get(id))).toEqual(['verifying', 'verifying']);
    all.stage.time.pass(20 * 60_000);
    await settle();
    expect(jobs.get(id)).toMatchObject({
      state: 'failed',
      devices: [{ why: 'the devices could not be asked in time' }, {}],
    });
  });

  it('looks again at what was being checked', async () => {
    expect(statesOf(jobs.get(await cutOff('checking', false)))).toEqual(['done', 'done']);
  });
});
