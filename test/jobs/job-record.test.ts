// The documents of jobs beside the record, whenever the gateway is cut off: none says more than the record, and none shows an end
// too early.

import { expect, it } from 'vitest';
import { JobStage } from './job-stage.ts';

const kept = (stage: JobStage, id: string) => JSON.parse(stage.shelf.get('job', id)?.body ?? '{}');

it('no document is ahead of the record', async () => {
  const stage = await JobStage.set();
  const id = await stage.begin(['d1']);
  const before = kept(stage, id).job.devices[0].state;
  stage.journal.auto = false;
  await stage.pass(5000);
  expect(stage.job(id).devices[0]?.state).not.toBe(before);
  expect(kept(stage, id).job.devices[0].state).toBe(before);
  stage.journal.auto = true;
  stage.journal.flush();
  await stage.settle();
  expect(kept(stage, id).job.devices[0].state).not.toBe(before);
  await stage.ended(id);
});

it('an end that was not recorded any more is recorded at the next start, once', async () => {
  const stage = await JobStage.set();
  const id = await stage.begin(['d1']);
  await stage.ended(id);
  await stage.settle();
  const { memory, ...rest } = kept(stage, id);
  expect(memory.endRecorded).toBe(true);
  const { endRecorded: _endRecorded, ...cut } = memory;
  await stage.shelf.put('job', { id, at: 1, body: JSON.stringify({ ...rest, memory: cut }) });
  for (let start = 0; start < 2; start += 1) {
    await stage.boot();
    await stage.settle();
    expect(stage.rows('job-ended')).toHaveLength(2);
  }
  const [first, again] = stage.rows('job-ended');
  expect(again).toEqual(first);
});

it('nobody sees an end before it is recorded and the devices are free', async () => {
  const stage = await JobStage.set();
  const id = await stage.begin(['d1']);
  const held: number[] = [];
  const seen = () => {
    if (stage.jobs.get(id)?.endedAt !== undefined) held.push(stage.life.gate.transfers().length);
  };
  const append = stage.journal.append.bind(stage.journal);
  stage.journal.append = async (row, options) => {
    if (row.kind === 'system' && row.event === 'job-ended') expect(stage.jobs.get(id)?.endedAt).toBeUndefined();
    const appended = await append(row, options);
    seen();
    return appended;
  };
  const whole = await stage.ended(id);
  seen();
  expect(whole.state).toBe('done');
  expect(held.length).toBeGreaterThan(0);
  expect(Math.max(...held)).toBe(0);
});

it('nor where the last two devices end at once', async () => {
  const stage = await JobStage.set();
  const id = await stage.begin(['d1', 'd2']);
  const recorded: number[] = [];
  stage.jobs.onChange(({ endedAt }) => endedAt !== undefined && recorded.push(stage.rows('job-ended').length));
  const append = stage.journal.append.bind(stage.journal);
  stage.journal.append = async (row, options) => {
    if (row.kind === 'system' && row.event === 'job-ended') {
      // A slow disk.
      await stage.pass(1000);
      expect(stage.jobs.get(id)?.endedAt).toBeUndefined();
    }
    return append(row, options);
  };
  expect((await stage.ended(id)).state).toBe('done');
  await stage.settle();
  expect(recorded).toEqual([1]);
});
