// What is refused before anything starts, who else must approve, and when a job may run.

import { describe, expect, it } from 'vitest';
import type { FirmwareOrder, JobStart } from '../../src/contract/jobs.ts';
import { HOUR } from '../gate/stage.ts';
import { DEVICES, JobStage, manifest, ROLLOUT } from './job-stage.ts';

const startOf = async (stage: JobStage, order: FirmwareOrder, who = 'anna'): Promise<JobStart> =>
  stage.through(stage.jobs.start(stage.as(who), order));

const faultsOf = (started: JobStart): unknown =>
  started.kind === 'not-started' ? started.check.faults.map(({ path, found }) => [path, found]) : started.kind;

describe('an order', () => {
  it('names each of its faults by its place', async () => {
    const stage = await JobStage.set();
    const none = { ...stage.order(), devices: [] as unknown as FirmwareOrder['devices'] };
    expect(faultsOf(await startOf(stage, none))).toEqual([['devices', 'an empty list']]);
    expect(faultsOf(await startOf(stage, stage.order(['d1', 'd2', 'd1', 'nowhere'])))).toEqual([
      ['devices.2', '`d1` again'],
      ['devices.3', '`"nowhere"`'],
    ]);
    expect(faultsOf(await startOf(stage, stage.order(['d1'], { image: 'none' })))).toEqual([['image', '`"none"`']]);
    const late = { from: 2, until: 1 };
    const rollout = { canary: false, atOnce: 0, stopAtFailedPercent: 101 };
    const odd = stage.order(['d1'], { rollout, window: late, note: 'x'.repeat(501) });
    expect(faultsOf(await startOf(stage, odd))).toEqual([
      ['rollout.atOnce', '`0`'],
      ['rollout.stopAtFailedPercent', '`101`'],
      ['window.until', '`1970-01-01T00:00:00.001Z`'],
      ['note', '501 characters'],
    ]);
    stage.imageFault = 'got digest `b`, expected `a`';
    expect(faultsOf(await startOf(stage, stage.order(['d1'])))).toEqual([['image', 'got digest `b`, expected `a`']]);
    expect(stage.jobs.list()).toEqual([]);
  });

  it('for a device that another job has is refused, naming both', async () => {
    const stage = await JobStage.set();
    const id = await stage.begin(['d1', 'd2']);
    expect(faultsOf(await startOf(stage, stage.order(['d3', 'd2'])))).toEqual([
      ['devices.1', `\`d2\` in job \`${id}\``],
    ]);
    const both = await Promise.all([startOf(stage, stage.order(['d4'])), startOf(stage, stage.order(['d4']))]);
    expect(both.map(({ kind }) => kind).sort()).toEqual(['not-started', 'started']);
    await stage.ended(id);
    expect(await startOf(stage, stage.order(['d1', 'd2']))).toMatchObject({ kind: 'started' });
  });

  it('is one too many where a fifth of all that may be open is its starter’s, and others still find a place', async () => {
    const stage = await JobStage.set({ more: 22 });
    const window = { from: stage.time.now() + HOUR, until: stage.time.now() + 2 * HOUR };
    const order = (number: number) => startOf(stage, stage.order([`x${number}`], { window }));
    const kinds: string[] = [];
    for (let number = 1; number <= 21; number += 1) kinds.push((await order(number)).kind);
    expect(kinds).toEqual([...Array(20).fill('started'), 'not-started']);
    const fault = {
      path: '',
      found: '20 jobs of your own that have not ended',
      expected: 'at most 19',
      code: 'too-many-jobs',
    };
    expect(await order(21)).toMatchObject({ check: { ok: false, faults: [fault] }, denials: [] });
    expect((await startOf(stage, stage.order(['x21'], { window }), 'dora')).kind).toBe('started');
    const id = stage.jobs.list()[0]?.id ?? '';
    expect(await stage.through(stage.jobs.abort(stage.as('dora'), id, 'mine'))).toMatchObject({ kind: 'done' });
    expect(await stage.through(stage.jobs.retry(stage.as('anna'), id))).toMatchObject({
      kind: 'impossible',
      why: expect.stringContaining('20 jobs of your own'),
    });
    await stage.through(stage.jobs.abort(stage.as('anna'), stage.jobs.list().at(-1)?.id ?? '', 'enough'));
    expect((await order(22)).kind).toBe('started');
  });

  it('is one too many where all that may be open are, whosever they are', async () => {
    const stage = await JobStage.set({ more: 1 });
    const id = await stage.begin(['x1'], {
      window: { from: stage.time.now() + HOUR, until: stage.time.now() + 2 * HOUR },
    });
    const [kept] = stage.shelf.list('job');
    if (kept === undefined) throw new Error('no document');
    for (let number = 1; number < 100; number += 1) {
      const other = `k-${number}`;
      const body = kept.body.replaceAll(id, other).replace('"principal":"anna"', `"principal":"p${number % 9}"`);
      await stage.shelf.put('job', { ...kept, id: other, body });
    }
    stage.kill();
    await stage.boot();
    expect(await startOf(stage, stage.order(['d1']), 'dora')).toMatchObject({
      kind: 'not-started',
      check: { faults: [{ found: '100 jobs that have not ended', code: 'too-many-jobs' }] },
    });
  });

  it('of who may not on every device starts nothing, and is in the record', async () => {
    const stage = await JobStage.set();
    const started = await startOf(stage, stage.order(), 'ben');
    expect(started).toMatchObject({ kind: 'not-started', check: { ok: false, faults: [] } });
    if (started.kind !== 'not-started') throw new Error(started.kind);
    expect(started.check.devices.every(({ denial }) => denial?.reason === 'no-permission')).toBe(true);
    expect(started.denials).toHaveLength(DEVICES.length);
    await stage.pass(61_000, 10_000);
    expect(stage.journal.rows('refusal').length).toBeGreaterThan(0);
    expect(stage.runs()).toEqual(['old', 'old', 'old', 'old', 'old']);
    expect(stage.intents()).toEqual([]);
  });

  it('shows a verdict for each device, and records nothing', async () => {
    const stage = await JobStage.set();
    stage.device('d2').fault = 'silent';
    stage.device('d3').runs = { image: 'x', version: '3.0' };
    stage.device('d4').busyUntil = 1_000_000;
    const check = await stage.through(stage.jobs.check(stage.as('anna'), stage.order()));
    expect(check).toEqual({
      faults: [],
      ok: false,
      approvals: 0,
      devices: [
        { device: 'd1', version: '1.0' },
        { device: 'd2', fault: 'no answer' },
        { device: 'd3', version: '3.0', fault: expect.stringContaining('expected one older than `2.0`') },
        { device: 'd4', fault: 'it activates or restarts' },
        { device: 'd5', version: '1.0' },
      ],
    });
    expect(stage.journal.durable).toEqual([]);
  });

  it('that cannot be recorded starts nothing', async () => {
    const stage = await JobStage.set();
    stage.isFull = true;
    expect(await startOf(stage, stage.order(['d1']))).toEqual({ kind: 'unrecorded', why: 'disk full' });
    expect(stage.rows('job-not-begun')).toMatchObject([{ job: stage.rows('job-started')[0]?.job, why: 'disk full' }]);
    stage.isFull = false;
    stage.journal.failing = new Error('journal full');
    expect(await startOf(stage, stage.order(['d1']))).toEqual({ kind: 'unrecorded', why: 'journal full' });
    stage.journal.failing = undefined;
    expect(stage.jobs.list()).toEqual([]);
    expect(stage.shelf.list('job')).toEqual([]);
    expect(await startOf(stage, stage.order(['d1']))).toMatchObject({ kind: 'started' });
  });

  it('that cannot be read any more hinders no start, and no other', async () => {
    const stage = await JobStage.set();
    const id = await stage.begin(['d1']);
    await stage.pass(500);
    stage.kill();
    const [whole] = stage.shelf.list('job');
    const torn = [
      '{"job":',
      'null',
      '[]',
      '{}',
      '{"job":{},"memory":{}}',
      whole?.body.replace(/"state":"\w+"/g, '"state":"x"'),
    ];
    // One under the name of another is none either.
    for (const [at, body] of [...torn, whole?.body].entries()) {
      await stage.shelf.put('job', { id: `torn-${at}`, at: 1, body: body ?? '' });
    }
    await stage.boot();
    expect(await stage.ended(id)).toMatchObject({ state: 'done' });
    expect(stage.log.of('job.unreadable')).toHaveLength(torn.length + 1);
    expect(stage.jobs.list()).toHaveLength(1);
  });

  it('waits where the shelf is full on the way, and goes on when it can be written', async () => {
    const stage = await JobStage.set();
    const id = await stage.begin(['d1']);
    await stage.pass(1000);
    stage.isFull = true;
    await stage.pass(10_000);
    expect(stage.runs()[0]).toBe('old');
    expect(stage.log.of('job.not-saved').length).toBeGreaterThan(0);
    stage.isFull = false;
    expect(await stage.ended(id)).toMatchObject({ state: 'done' });
  });
});

describe('an image', () => {
  const faultOf = async (image: Partial<typeof manifest>, runs = '1.0'): Promise<unknown> => {
    const stage = await JobStage.set();
    stage.manifest = { ...manifest, ...image };
    stage.device('d1').runs = { image: 'x', version: runs };
    const check = await stage.through(stage.jobs.check(stage.as('anna'), stage.order(['d1'])));
    return check.devices[0]?.fault;
  };

  it('fits vendor, model and versions, or nothing is sent', async () => {
    expect(await faultOf({})).toBeUndefined();
    expect(await faultOf({ model: 'X2' })).toBe('got model `X1`, expected `X2` as the image says');
    expect(await faultOf({ minimumVersion: '1.5' })).toBe('got version `1.0`, expected `1.5` or newer');
    expect(await faultOf({}, '2.0.1')).toContain('an image that permits to go back');
    expect(await faultOf({ permitsDowngrade: true }, '2.0.1')).toBeUndefined();
  });
});

describe('a job that needs another person', () => {
  const approvals = { 'firmware.update': 1 };
  const waiting = async (): Promise<[JobStage, string]> => {
    const stage = await JobStage.set({ approvals });
    const id = await stage.begin(['d1', 'd2']);
    await stage.pass(100);
    return [stage, id];
  };

  it('waits, and goes on in both names', async () => {
    const [stage, id] = await waiting();
    expect(stage.job(id)).toMatchObject({ state: 'waiting-approval', approvals: { needed: 1, given: [] } });
    const say = (who: string) => stage.through(stage.jobs.answerApproval(stage.as(who), id, 'approved', 'seen'));
    expect(await say('anna')).toEqual({ kind: 'impossible', why: 'who started it cannot approve it' });
    expect(await say('ben')).toMatchObject({ kind: 'denied' });
    expect(await say('dora')).toMatchObject({ kind: 'done' });
    expect(await say('dora')).toMatchObject({ kind: 'impossible' });
    const job = await stage.ended(id);
    expect(job).toMatchObject({
      state: 'done',
      approvals: { given: [{ by: { principal: 'dora' }, comment: 'seen' }] },
    });
    for (const intent of stage.journal.rows('intent')) expect(intent.approvedBy).toEqual(['dora']);
    expect(stage.rows('job-approved')).toMatchObject([
      { job: id, principal: 'dora', comment: 'seen', starter: 'anna' },
    ]);
  });

  it('waits on where an application with the same right approves: that would never count', async () => {
    const [stage, id] = await waiting();
    const say = (who: string) => stage.through(stage.jobs.answerApproval(stage.as(who), id, 'approved', ''));
    expect(await say('optimizer')).toEqual({ kind: 'impossible', why: 'an application cannot approve' });
    await stage.pass(1000);
    expect(stage.job(id)).toMatchObject({ state: 'waiting-approval', approvals: { given: [] } });
    expect(await say('dora')).toMatchObject({ kind: 'done' });
    expect(await stage.ended(id)).toMatchObject({ state: 'done' });
  });

  it('is refused by them, and nothing is sent', async () => {
    const [stage, id] = await waiting();
    await stage.through(stage.jobs.answerApproval(stage.as('dora'), id, 'refused', 'not this week'));
    const job = await stage.ended(id);
    expect(job).toMatchObject({ state: 'refused' });
    expect(job.devices[0]?.why).toBe('dora refused: not this week');
    expect(stage.intents()).toEqual([]);
    expect(await stage.through(stage.jobs.answerApproval(stage.as('dora'), id, 'approved', ''))).toMatchObject({
      kind: 'impossible',
    });
  });

  it('is refused by them also where a restart found it queued', async () => {
    const [stage] = await waiting();
    const [document] = stage.shelf.list('job');
    if (document === undefined) throw new Error('no document');
    const { job, memory } = JSON.parse(document.body);
    const by = { principal: 'dora', channel: 'local', from: '' };
    const given = [{ by, verdict: 'refused', comment: 'no', at: 1 }];
    const devices = job.devices.map((device: object) => ({ ...device, state: 'queued' }));
    stage.kill();
    const body = JSON.stringify({ job: { ...job, devices, approvals: { ...job.approvals, given } }, memory });
    await stage.shelf.put('job', { ...document, body });
    await stage.boot();
    expect(await stage.ended(job.id, 60_000)).toMatchObject({ state: 'refused' });
    expect(stage.log.of('job.fault')).toEqual([]);
  });

  it('is refused when nobody answers in a day', async () => {
    const [stage, id] = await waiting();
    await stage.pass(24 * HOUR, HOUR);
    expect(stage.job(id)).toMatchObject({ state: 'refused', devices: [{ why: 'nobody approved in time' }, {}] });
  });

  it('asks anew when it is retried: who approved may not start what they approved', async () => {
    const [stage, id] = await waiting();
    await stage.through(stage.jobs.answerApproval(stage.as('dora'), id, 'refused', 'no'));
    await stage.ended(id);
    expect(await stage.through(stage.jobs.retry(stage.as('dora'), id))).toMatchObject({ kind: 'done' });
    await stage.pass(100);
    expect(stage.job(id)).toMatchObject({
      state: 'waiting-approval',
      approvals: { given: [] },
      starter: { principal: 'dora' },
    });
    await stage.through(stage.jobs.answerApproval(stage.as('anna'), id, 'approved', ''));
    expect(await stage.ended(id)).toMatchObject({ state: 'done' });
  });

  it('still waits after a restart', async () => {
    const [stage, id] = await waiting();
    stage.kill();
    await stage.boot();
    await stage.pass(100);
    expect(stage.job(id).state).toBe('waiting-approval');
    await stage.pass(24 * HOUR, HOUR);
    expect(stage.job(id).state).toBe('refused');
  });
});

describe('a window', () => {
  it('is waited for; after it no device is begun', async () => {
    const stage = await JobStage.set();
    const from = stage.time.now() + HOUR;
    const id = await stage.begin(undefined, {
      window: { from, until: from + 3000 },
      rollout: { ...ROLLOUT, atOnce: 1 },
    });
    await stage.pass(1000);
    expect(stage.job(id).state).toBe('waiting-window');
    expect(stage.intents()).toEqual([]);
    const job = await stage.ended(id, 3 * HOUR);
    expect(job.state).toBe('aborted');
    expect(job.devices.map(({ state }) => state)).toEqual(['done', 'aborted', 'aborted', 'aborted', 'aborted']);
    expect(job.devices[1]?.why).toBe('the window is over');
  });

  it('is not open while the time is not sure', async () => {
    const stage = await JobStage.set();
    stage.time.isSure = false;
    const id = await stage.begin(['d1'], { window: { until: stage.time.now() + HOUR } });
    await stage.pass(60_000, 1000);
    expect(stage.job(id).state).toBe('waiting-window');
    stage.time.isSure = true;
    expect(await stage.ended(id)).toMatchObject({ state: 'done' });
  });
});

describe('a fault of our own while a job is looked at', () => {
  it('is said, and the job is looked at again', async () => {
    const stage = await JobStage.set();
    const now = stage.time.now();
    const id = await stage.begin(['d1'], { window: { from: now + 1000, until: now + HOUR } });
    const { gate } = stage.life;
    const { policy } = gate;
    gate.policy = () => {
      throw new Error('a fault of our own');
    };
    await stage.pass(40_000, 1000);
    expect(stage.log.of('job.fault').length).toBeGreaterThan(0);
    gate.policy = policy;
    expect(await stage.ended(id, 120_000)).toMatchObject({ state: 'done' });
  });
});
