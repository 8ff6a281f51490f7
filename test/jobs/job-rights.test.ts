// Rights that end while work goes on: by the clock alone, while devices are asked, with what the policy holds no more.

import { describe, expect, it } from 'vitest';
import { START } from '../gate/stage.ts';
import { JobStage } from './job-stage.ts';

describe('a right that ends by the clock', () => {
  it.each([
    ['a grant', { until: START + 2000 }, 'no-role'],
    ['the policy', { expiresAt: START + 2000 }, 'stale-policy'],
  ])('%s: in the middle of a transfer, the device stops as after a revocation', async (_what, policy, reason) => {
    const stage = await JobStage.set(policy);
    const id = await stage.begin(['d1', 'd2'], { rollout: { canary: false, atOnce: 1, stopAtFailedPercent: 100 } });
    stage.device('d1').staged = undefined;
    await stage.pass(400);
    expect(stage.states(id)).toEqual(['transferring', 'queued']);
    stage.time.wall = START + 2000;
    await stage.pass(2000);
    expect(stage.states(id)).toEqual(['rolled-back', 'queued']);
    expect(stage.job(id)).toMatchObject({ state: 'paused', paused: { by: 'gateway' } });
    expect(stage.rows('job-revoked')).toMatchObject([{ target: 'd1', reason, onRevoke: 'stop' }]);
    expect(stage.device('d1').staged).toBeUndefined();
    expect(stage.runs().slice(0, 2)).toEqual(['old', 'old']);
  });

  it('of a caller: while the devices are asked; nothing is begun, and that is in the record', async () => {
    const stage = await JobStage.set();
    const caller = { ...stage.as('anna'), until: START + 100 };
    stage.device('d1').answersAfterMs = 150;
    expect(await stage.through(stage.jobs.start(caller, stage.order(['d1'])))).toMatchObject({
      kind: 'not-started',
      denials: [{ reason: 'unattributed' }],
    });
    expect(stage.jobs.list()).toEqual([]);
    expect(stage.journal.rows('refusal')).toHaveLength(1);
  });
});

describe('a device that never answers', () => {
  it('keeps nobody waiting who orders', async () => {
    const stage = await JobStage.set();
    stage.device('d1').answersAfterMs = 3_600_000;
    const starting = stage.jobs.start(stage.as('anna'), stage.order(['d1', 'd2']));
    await stage.pass(301_000, 10_000);
    expect(await starting).toMatchObject({
      kind: 'not-started',
      check: { faults: [{ path: 'devices', found: 'no answer of all within 5 min' }] },
    });
  });
});

describe('whoever approved and is revoked', () => {
  it('approved nothing from then on: the transfer stops', async () => {
    const stage = await JobStage.set({ approvals: { 'firmware.update': 1 } });
    const id = await stage.begin(['d1']);
    await stage.pass(100);
    await stage.through(stage.jobs.answerApproval(stage.as('dora'), id, 'approved', ''));
    await stage.pass(400);
    expect(stage.states(id)).toEqual(['transferring']);
    stage.revoke('dora');
    await stage.pass(2000);
    expect(stage.states(id)).toEqual(['rolled-back']);
    expect(stage.rows('job-revoked')).toMatchObject([{ reason: 'approval-required', onRevoke: 'stop' }]);
    expect(stage.runs()[0]).toBe('old');
  });
});

describe('a policy that is replaced while devices are asked', () => {
  it('has them asked anew, by the devices it holds', async () => {
    const stage = await JobStage.set();
    stage.device('d2').answersAfterMs = 50;
    const starting = stage.jobs.start(stage.as('anna'), stage.order(['d2', 'd3']));
    await stage.pass(20, 10);
    stage.policy({ without: 'd3' });
    expect(await stage.through(starting)).toMatchObject({
      kind: 'not-started',
      check: { faults: [{ path: 'devices.1', expected: 'a device of the policy in force' }] },
    });
  });

  it('again and again: the order is to be given again', async () => {
    const stage = await JobStage.set();
    stage.device('d2').answersAfterMs = 30;
    const starting = stage.jobs.start(stage.as('anna'), stage.order(['d2']));
    for (let turn = 0; turn < 12; turn += 1) {
      await stage.pass(10, 10);
      stage.policy({});
    }
    expect(await stage.through(starting)).toMatchObject({
      kind: 'not-started',
      check: { faults: [{ found: 'a policy that was replaced while the devices were asked' }] },
    });
    expect(stage.jobs.list()).toEqual([]);
  });
});

describe('a device that the policy holds no more, or elsewhere', () => {
  it.each([
    ['no more', { without: 'd1' }, 'failed'],
    ['elsewhere', { moved: 'd1' }, 'rolled-back'],
  ])('%s: gets not another octet, and the others go on', async (_what, policy, end) => {
    const stage = await JobStage.set();
    const id = await stage.begin(['d1', 'd2']);
    await stage.pass(300);
    stage.policy(policy);
    await stage.pass(100);
    const held = stage.device('d1').staged?.octets;
    await stage.pass(600);
    expect(stage.device('d1').staged?.octets ?? held).toBe(held);
    expect(stage.device('d1').received.map(({ what }) => what)).not.toContain('activate');
    const job = await stage.ended(id);
    expect(job.devices.map(({ state }) => state)).toEqual([end, 'done']);
    expect(stage.rows('job-revoked')).toMatchObject([{ target: 'd1', reason: 'unknown-target', onRevoke: 'stop' }]);
  });
});

describe('who has the right on what is left of a job', () => {
  const asked = { approvals: { 'firmware.update': 1 } };

  it('does not have it on all: what the policy holds no more is nobody’s', async () => {
    const stage = await JobStage.set(asked);
    const id = await stage.begin(['d2', 'd3']);
    await stage.pass(100);
    stage.policy({ ...asked, without: 'd3' });
    const denied = { kind: 'denied', denial: { reason: 'unknown-target', target: 'd3' } };
    expect(await stage.through(stage.jobs.answerApproval(stage.as('dora'), id, 'approved', ''))).toMatchObject(denied);
    expect(await stage.jobs.abort(stage.as('dora'), id, '')).toMatchObject(denied);
    expect(stage.job(id).approvals.given).toEqual([]);
  });

  it('is nobody but the starter where nothing is left', async () => {
    const stage = await JobStage.set(asked);
    const id = await stage.begin(['d3']);
    await stage.pass(100);
    stage.policy({ ...asked, without: 'd3' });
    expect(await stage.jobs.abort(stage.as('ben'), id, '')).toMatchObject({ kind: 'denied' });
    expect(await stage.through(stage.jobs.abort(stage.as('anna'), id, ''))).toMatchObject({ kind: 'done' });
  });
});
