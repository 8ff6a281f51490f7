// A firmware update through its machine: what goes well, what the devices do wrong, and who may stop or take it over.

import { describe, expect, it } from 'vitest';
import { JobStage, ROLLOUT } from './job-stage.ts';

describe('an update', () => {
  it('brings every device to the new version, two at a time, each step with an intent of its own', async () => {
    const stage = await JobStage.set();
    const id = await stage.begin();
    await stage.pass(600);
    expect(stage.states(id)).toEqual(['transferring', 'transferring', 'queued', 'queued', 'queued']);
    const job = await stage.ended(id);
    expect(job).toMatchObject({ state: 'done', endedAt: expect.any(Number) });
    expect(stage.runs()).toEqual(['new', 'new', 'new', 'new', 'new']);
    for (const device of job.devices) {
      expect(device).toMatchObject({ oldVersion: '1.0', newVersion: '2.0', tries: 1 });
      expect(device.decisions).toHaveLength(2);
      expect(device.deadline).toBeUndefined();
    }
    const decisions = job.devices.flatMap((device) => device.decisions);
    expect(stage.intents().sort()).toEqual([...decisions].sort());
    const firmware = { image: 'new', oldVersion: '1.0', newVersion: '2.0' };
    for (const intent of stage.journal.rows('intent')) expect(intent).toMatchObject({ job: id, firmware });
    const path = stage.rows('job-step').flatMap((row) => (row.target === 'd1' ? [row.to] : []));
    expect(path).toEqual(['checking', 'transferring', 'verifying', 'activating', 'confirming', 'done']);
    expect(stage.rows('job-ended')).toMatchObject([{ job: id, state: 'done', image: 'new' }]);
    expect(stage.life.gate.transfers()).toEqual([]);
  });

  it('is listed, the newest first, and keeps its image from being removed', async () => {
    const stage = await JobStage.set();
    const first = await stage.begin(['d1']);
    const second = await stage.begin(['d2']);
    expect(stage.jobs.list().map(({ id }) => id)).toEqual([second, first]);
    expect([stage.jobs.usingImage('new'), stage.jobs.usingImage('other')]).toEqual([first, undefined]);
    await stage.ended(first);
    await stage.ended(second);
    expect(stage.jobs.usingImage('new')).toBeUndefined();
  });

  it('is not hindered by who looks on', async () => {
    const stage = await JobStage.set();
    const end = stage.jobs.onChange(() => {
      throw new Error('the page is gone');
    });
    expect(await stage.ended(await stage.begin(['d1']))).toMatchObject({ state: 'done' });
    expect(stage.log.of('job.fault')[0]).toContain('the page is gone');
    end();
  });

  it('tells of progress, and does not send what a device runs already', async () => {
    const stage = await JobStage.set();
    stage.device('d2').runs = { image: 'new', version: '2.0' };
    const id = await stage.begin(['d1', 'd2'], {});
    const job = await stage.ended(id);
    expect(job.devices[0]?.progress).toMatchObject({ octets: 2000, total: 2000 });
    expect(stage.device('d2').received).toEqual([]);
    expect(job.devices[1]).toMatchObject({ state: 'done', decisions: [] });
  });

  it('sends to the canary alone, and to nobody else once it failed', async () => {
    const stage = await JobStage.set();
    stage.device('d1').fault = 'corrupts';
    const id = await stage.begin(undefined, { rollout: { ...ROLLOUT, canary: true } });
    await stage.pass(600);
    expect(stage.states(id)).toEqual(['transferring', 'queued', 'queued', 'queued', 'queued']);
    const job = await stage.ended(id);
    expect(job.state).toBe('failed');
    expect(stage.states(id)).toEqual(['rolled-back', 'aborted', 'aborted', 'aborted', 'aborted']);
    expect(job.stopping).toEqual({ by: 'gateway', why: 'the first device ended rolled-back' });
    expect(job.devices[1]?.why).toBe('the first device ended rolled-back');
    expect(stage.runs()).toEqual(['old', 'old', 'old', 'old', 'old']);
  });

  it('stops when so many percent have failed', async () => {
    const stage = await JobStage.set();
    for (const id of ['d1', 'd2']) stage.device(id).fault = 'refuses';
    const id = await stage.begin(undefined, { rollout: { canary: false, atOnce: 1, stopAtFailedPercent: 40 } });
    const job = await stage.ended(id);
    expect(stage.states(id)).toEqual(['rolled-back', 'rolled-back', 'aborted', 'aborted', 'aborted']);
    expect(job.devices[0]?.why).toContain('the device refused the image: not for me');
  });
});

describe('a device that', () => {
  it('reboots by itself is asked, and goes on where it was', async () => {
    const stage = await JobStage.set();
    stage.device('d1').rebootsAt = 500;
    const id = await stage.begin(['d1']);
    expect(await stage.ended(id)).toMatchObject({ state: 'done', devices: [{ tries: 2 }] });
    expect(stage.device('d1').received.map(({ what }) => what)).toEqual(['transfer', 'transfer', 'activate']);
  });

  it('stalls is given up in its time, and is as before', async () => {
    const stage = await JobStage.set();
    stage.device('d1').fault = 'stalls';
    const id = await stage.begin(['d1']);
    expect(await stage.ended(id)).toMatchObject({ state: 'failed', devices: [{ state: 'rolled-back', tries: 3 }] });
    expect(stage.device('d1')).toMatchObject({ staged: undefined, runs: { image: 'old' } });
  });

  it('forgets what it got is not asked for ever', async () => {
    const stage = await JobStage.set();
    stage.device('d1').fault = 'forgets';
    const id = await stage.begin(['d1']);
    expect(await stage.ended(id)).toMatchObject({ state: 'failed', devices: [{ state: 'rolled-back', tries: 3 }] });
    // What runs is what ran: to revert would bring back what was before it.
    expect(stage.device('d1').received.map(({ what }) => what)).toEqual(['transfer', 'transfer', 'transfer']);
  });

  it('lies about its version is brought back', async () => {
    const stage = await JobStage.set();
    stage.device('d1').fault = 'lies';
    const id = await stage.begin(['d1']);
    const job = await stage.ended(id);
    expect(job).toMatchObject({ state: 'failed' });
    expect(job.devices[0]?.why).toContain('9.9');
  });

  it('does not start the new image is brought back after its own time', async () => {
    const stage = await JobStage.set();
    stage.device('d1').fault = 'ignores-activation';
    const id = await stage.begin(['d1']);
    const job = await stage.ended(id);
    expect(job.devices[0]).toMatchObject({ state: 'rolled-back', why: expect.stringContaining('not active') });
    expect(stage.device('d1').received.map(({ what }) => what)).toEqual(['transfer', 'activate', 'revert']);
  });

  it('falls silent for good ends failed, and holds nobody up', async () => {
    const stage = await JobStage.set();
    const id = await stage.begin(['d1', 'd2', 'd3']);
    await stage.pass(500);
    stage.device('d1').fault = 'silent';
    const job = await stage.ended(id);
    expect(job.devices.map(({ state }) => state)).toEqual(['failed', 'done', 'done']);
    expect(job.devices[0]?.why).toContain('no answer');
  });

  it('is never heard of again after a stop is not waited for', async () => {
    const stage = await JobStage.set();
    const id = await stage.begin(['d1']);
    await stage.pass(300);
    stage.device('d1').fault = 'hangs';
    await stage.pass(200);
    await stage.through(stage.jobs.abort(stage.as('anna'), id, 'no'));
    await stage.pass(5000);
    expect(stage.states(id)).toEqual(['transferring']);
    await stage.pass(20_000);
    expect(stage.states(id)).toEqual(['rolled-back']);
  });

  it('meets a fault of our own ends in time, and says it loudly', async () => {
    const stage = await JobStage.set();
    const id = await stage.begin(['d1', 'd2']);
    await stage.pass(300);
    stage.device('d1').fault = 'breaks';
    const job = await stage.ended(id);
    expect(job.devices[0]).toMatchObject({ state: 'failed', why: expect.stringContaining('a fault of our own') });
    expect(job.devices[1]).toMatchObject({ state: 'done' });
    expect(stage.log.of('job.fault').length).toBeGreaterThan(0);
    expect(stage.life.gate.transfers()).toEqual([]);
  });

  it('leaves the policy in the middle ends failed', async () => {
    const stage = await JobStage.set();
    const id = await stage.begin(['d5', 'd2']);
    await stage.pass(300);
    stage.policy({ without: 'd5' });
    const job = await stage.ended(id);
    expect(job.devices).toMatchObject([
      { device: 'd5', state: 'failed', why: 'no device of the policy in force' },
      { device: 'd2', state: 'done' },
    ]);
  });

  it('has nothing but its boot loader is rescued', async () => {
    const stage = await JobStage.set();
    stage.device('d1').runs = undefined;
    const id = await stage.begin(['d1']);
    expect(await stage.ended(id)).toMatchObject({ state: 'done' });
    expect(stage.runs()[0]).toBe('new');
  });

  it('runs on while it receives goes on after a pause, and is emptied after an abort', async () => {
    const stage = await JobStage.set();
    const device = stage.device('d1');
    device.isDiscreet = true;
    device.path = { ...device.path, hides: true };
    const id = await stage.begin(['d1']);
    await stage.pass(500);
    await stage.through(stage.jobs.pause(stage.as('anna'), id, ''));
    await stage.pass(500);
    const octets = stage.device('d1').staged?.octets;
    await stage.through(stage.jobs.resume(stage.as('anna'), id));
    await stage.pass(200);
    expect(stage.device('d1').staged?.octets).toBeGreaterThan(octets ?? 0);
    await stage.through(stage.jobs.abort(stage.as('anna'), id, 'no'));
    expect(await stage.ended(id)).toMatchObject({ devices: [{ state: 'rolled-back' }] });
    expect(stage.device('d1').staged).toBeUndefined();
  });

  it('does not let go of what it got keeps it, and says so', async () => {
    const stage = await JobStage.set();
    const id = await stage.begin(['d1']);
    await stage.pass(500);
    stage.device('d1').fault = 'keeps';
    await stage.through(stage.jobs.abort(stage.as('anna'), id, 'no'));
    const job = await stage.ended(id);
    expect(job.devices[0]).toMatchObject({ state: 'aborted' });
    expect(job.devices[0]?.why).toBe('no; not taken back: it is mine; it holds a part of an image with `1.0`');
  });

  it('cannot drop a part keeps it, and says so', async () => {
    const stage = await JobStage.set();
    stage.device('d1').path = { ...stage.device('d1').path, reverts: false };
    const id = await stage.begin(['d1']);
    await stage.pass(500);
    await stage.through(stage.jobs.abort(stage.as('anna'), id, 'not today'));
    const job = await stage.ended(id);
    expect(job).toMatchObject({ state: 'aborted', devices: [{ state: 'aborted' }] });
    expect(job.devices[0]?.why).toBe('not today; it holds a part of an image with `1.0`');
  });
});

describe('somebody', () => {
  it('pauses: what can go on later stops, and goes on where it was', async () => {
    const stage = await JobStage.set();
    const id = await stage.begin(['d1', 'd2', 'd3']);
    await stage.pass(300);
    expect(await stage.through(stage.jobs.pause(stage.as('anna'), id, 'lunch'))).toMatchObject({ kind: 'done' });
    await stage.pass(1000);
    expect(stage.states(id)).toEqual(['queued', 'queued', 'queued']);
    expect(stage.job(id)).toMatchObject({ state: 'paused', paused: { by: 'anna', why: 'lunch' } });
    const octets = stage.device('d1').staged?.octets ?? 0;
    expect(octets).toBeGreaterThan(0);
    await stage.pass(10_000);
    expect(stage.device('d1').staged?.octets).toBe(octets);
    expect(stage.life.gate.transfers().map(({ device }) => device)).toEqual(['d1', 'd2']);
    await stage.through(stage.jobs.resume(stage.as('anna'), id));
    expect(await stage.ended(id)).toMatchObject({ state: 'done' });
    expect(stage.device('d1').received.map(({ what }) => what)).toEqual(['transfer', 'transfer', 'activate']);
  });

  it('pauses a device that cannot go on: it stops before the activation', async () => {
    const stage = await JobStage.set();
    stage.device('d1').path = { ...stage.device('d1').path, resumes: false };
    const id = await stage.begin(['d1']);
    await stage.pass(300);
    await stage.through(stage.jobs.pause(stage.as('anna'), id, ''));
    await stage.pass(5000);
    expect(stage.states(id)).toEqual(['queued']);
    expect(stage.device('d1').staged).toMatchObject({ octets: 2000 });
    await stage.through(stage.jobs.resume(stage.as('anna'), id));
    expect(await stage.ended(id)).toMatchObject({ state: 'done' });
  });

  it('aborts: within a second nothing is sent, and what was staged is dropped', async () => {
    const stage = await JobStage.set();
    const id = await stage.begin();
    await stage.pass(400);
    const aborting = stage.jobs.abort(stage.as('anna'), id, 'wrong image');
    await stage.settle();
    const octets = stage.device('d1').staged?.octets;
    await stage.pass(100);
    expect(stage.device('d1').staged?.octets ?? octets).toBe(octets);
    await stage.through(aborting);
    const job = await stage.ended(id);
    expect(job).toMatchObject({ state: 'aborted', stopping: { by: 'anna', why: 'wrong image' } });
    expect(stage.states(id)).toEqual(['rolled-back', 'rolled-back', 'aborted', 'aborted', 'aborted']);
    expect(stage.device('d1').staged).toBeUndefined();
    expect(stage.life.gate.transfers()).toEqual([]);
    expect(await stage.jobs.abort(stage.as('anna'), id, '')).toMatchObject({ kind: 'impossible' });
  });

  it('retries what failed, in their own name, judged anew', async () => {
    const stage = await JobStage.set();
    stage.device('d1').fault = 'corrupts';
    const id = await stage.begin(['d1', 'd2']);
    await stage.ended(id);
    expect(stage.states(id)).toEqual(['rolled-back', 'done']);
    expect(await stage.through(stage.jobs.retry(stage.as('ben'), id))).toMatchObject({ kind: 'denied' });
    stage.device('d1').fault = undefined;
    expect(await stage.through(stage.jobs.retry(stage.as('dora'), id))).toMatchObject({ kind: 'done' });
    expect(await stage.ended(id)).toMatchObject({ state: 'done', starter: { principal: 'dora' } });
    expect(stage.journal.rows('intent').at(-1)).toMatchObject({ who: { principal: 'dora' } });
    expect(await stage.through(stage.jobs.retry(stage.as('dora'), id))).toMatchObject({ kind: 'impossible' });
  });

  it('may act on it with the same right on every device, and not without', async () => {
    const stage = await JobStage.set();
    const id = await stage.begin(['d1']);
    expect(await stage.jobs.pause(stage.as('ben'), id, '')).toMatchObject({ kind: 'denied' });
    expect(await stage.through(stage.jobs.pause(stage.as('dora'), id, 'mine'))).toMatchObject({ kind: 'done' });
    expect(await stage.jobs.pause(stage.as('dora'), 'job-0', '')).toEqual({ kind: 'unknown' });
  });
});

describe('a person who is revoked', () => {
  it('has the transfer stopped and dropped where the device says so; the job pauses', async () => {
    const stage = await JobStage.set();
    const id = await stage.begin();
    await stage.pass(400);
    stage.revoke('anna');
    await stage.pass(5000);
    expect(stage.states(id)).toEqual(['rolled-back', 'rolled-back', 'queued', 'queued', 'queued']);
    expect(stage.job(id)).toMatchObject({ state: 'paused', paused: { by: 'gateway' } });
    expect(stage.device('d1').staged).toBeUndefined();
    expect(stage.rows('job-revoked')).toMatchObject([
      { target: 'd1', reason: 'locked', onRevoke: 'stop' },
      { target: 'd2', reason: 'locked', onRevoke: 'stop' },
    ]);
    expect(stage.device('d3').received).toEqual([]);
  });

  it('has the transfer finished where the device says so, and never activated', async () => {
    const stage = await JobStage.set({ onRevoke: 'finish' });
    const id = await stage.begin();
    await stage.pass(400);
    stage.revoke('anna');
    await stage.pass(400);
    expect(stage.states(id).slice(0, 2)).toEqual(['transferring', 'transferring']);
    await stage.pass(5000);
    expect(stage.states(id)).toEqual(['rolled-back', 'rolled-back', 'queued', 'queued', 'queued']);
    expect(stage.device('d1').received.map(({ what }) => what)).toEqual(['transfer', 'revert']);
    expect(stage.rows('job-revoked')).toMatchObject([{ onRevoke: 'finish' }, { onRevoke: 'finish' }]);
    stage.restore();
    await stage.through(stage.jobs.resume(stage.as('anna'), id));
    expect(await stage.ended(id)).toMatchObject({ state: 'failed' });
    expect(stage.runs()).toEqual(['old', 'old', 'new', 'new', 'new']);
  });

  it('has a device ended by who has `device.control` there: the job lets go of it', async () => {
    const stage = await JobStage.set();
    const id = await stage.begin(['d1']);
    await stage.pass(400);
    const device = stage.life.gate.transfers()[0]?.device;
    if (device === undefined) throw new Error('it holds none');
    expect(stage.life.gate.endTransfer(stage.as('dora'), device, 'maintenance')).toMatchObject({ ok: true });
    await stage.pass(3000);
    expect(stage.states(id)).toEqual(['rolled-back']);
  });
});
