// Devices that a job holds: its own steps pass, everybody else's transfers, configurations and restarts wait.

import { describe, expect, it } from 'vitest';
import { type TargetId, targetHandle, targetId } from '../../src/model/ids.ts';
import { HOUR, MINUTE, START, Stage } from './stage.ts';

const ahu: TargetId = targetId('ahu');

function held(stage: Stage, who = 'anna', job = 'job-1'): Stage {
  expect(stage.gate.holdDevice(stage.as(who), stage.handle('ahu'), job)).toEqual({ ok: true, value: undefined });
  return stage;
}

function image(stage: Stage, job?: string, ends = false) {
  const more = { transfer: { device: stage.handle('ahu'), ends }, ...(job !== undefined && { job }) };
  return stage.write('ahu/fw', 1, more);
}

const restart = (stage: Stage, more: object = {}) =>
  stage.change([stage.effect('ahu', undefined, { asks: 'device.control' })], more);

describe('a device that a job holds', () => {
  it('takes the steps of the job and nobody else’s, the starter’s own included; the rest goes on', async () => {
    const stage = held(Stage.set());
    expect(stage.gate.transfers()).toEqual([
      { device: 'ahu', principal: 'anna', peer: 'page of anna', begunAt: START, job: 'job-1' },
    ]);
    for (const who of ['anna', 'dora']) {
      const caller = stage.as(who);
      const asked = [image(stage), image(stage, 'job-2'), restart(stage), stage.write('ahu/kp', 1)];
      expect(asked.map((change) => stage.reason(caller, change))).toEqual(asked.map(() => 'transfer-in-progress'));
      for (const point of ['ahu/sp', 'ahu/hi', 'vav/kp'])
        expect(await stage.send(caller, stage.write(point))).toBe('sent');
    }
    expect(stage.gate.judge(stage.as('dora'), restart(stage))).toMatchObject({
      denial: { target: 'ahu', text: '`ahu` is held by job `job-1`' },
    });
    const anna = stage.as('anna');
    const job = { job: 'job-1' };
    expect([
      await stage.send(anna, image(stage, 'job-1')),
      await stage.send(anna, stage.write('ahu/kp', 1, job)),
      await stage.send(anna, image(stage, 'job-1', true)),
      await stage.send(anna, restart(stage, job)),
    ]).toEqual(['sent', 'sent', 'sent', 'sent']);
    expect(stage.gate.transfers()).toHaveLength(1);
  });

  it('is held however long nothing comes, until the job lets it go', async () => {
    const stage = held(Stage.set());
    stage.time.pass(10 * HOUR);
    expect(stage.time.pending).toBe(0);
    stage.gate.releaseDevice(ahu, 'job-2', 'not mine');
    expect(await stage.send(stage.as('dora'), restart(stage))).toBe('transfer-in-progress');
    stage.gate.releaseDevice(ahu, 'job-1', 'done');
    stage.gate.releaseDevice(ahu, 'job-1', 'done');
    expect(stage.gate.transfers()).toEqual([]);
    expect(await stage.send(stage.as('anna'), image(stage))).toBe('sent');
    const rows = stage.journal.rows('system').map(({ event, detail }) => [event, detail.job, detail.why]);
    expect(rows).toEqual([
      ['transfer-begun', 'job-1', undefined],
      ['transfer-ended', 'job-1', 'done'],
      ['transfer-begun', undefined, undefined],
    ]);
    expect(stage.log.of('transfer.ended')).toEqual(['job `job-1` of `anna` to `ahu` ended: done']);
  });

  it('is held by one: again by the same job, not by another, and not where a transfer goes on', async () => {
    const stage = held(Stage.set());
    held(stage);
    const dora = stage.as('dora');
    expect(stage.gate.holdDevice(dora, stage.handle('ahu'), 'job-2')).toEqual({
      ok: false,
      fault: '`ahu` is held by job `job-1`',
    });
    await stage.send(dora, stage.write('vav/fw', 1, { transfer: { device: stage.handle('vav'), ends: false } }));
    expect(stage.gate.holdDevice(stage.as('anna'), stage.handle('vav'), 'job-1')).toEqual({
      ok: false,
      fault: '`vav` is in a transfer of somebody else',
    });
    expect(stage.gate.holdDevice(dora, stage.handle('ahu/sp'), 'job-2')).toMatchObject({ ok: false });
    expect(new Stage().gate.holdDevice(dora, targetHandle(1), 'job-2')).toMatchObject({ ok: false });
    await stage.gate.stop();
    expect(stage.gate.transfers()).toEqual([]);
  });

  it('is taken from the job by who has `device.control` there; the job hears of it and does not go on until it holds it anew', async () => {
    const stage = held(Stage.set());
    const anna = stage.as('anna');
    let heard = 0;
    stage.gate.onStanding(() => {
      heard += 1;
    });
    expect(stage.gate.endTransfer(stage.as('emil'), ahu, 'mine')).toEqual({ ok: false, fault: 'no-permission' });
    expect(stage.gate.endTransfer(stage.as('dora'), ahu, 'the plant stands')).toMatchObject({
      value: { job: 'job-1' },
    });
    expect(heard).toBe(1);
    expect(stage.gate.judge(anna, image(stage, 'job-1'))).toMatchObject({
      denial: { reason: 'transfer-in-progress', text: 'the job no longer holds `ahu`: the plant stands' },
    });
    // No time to cool down: whoever started a job may well begin another transfer.
    expect(stage.reason(anna, image(stage))).toBe('permit');
    held(stage);
    expect(stage.reason(anna, image(stage, 'job-1'))).toBe('permit');
    stage.gate.endTransfer(stage.as('dora'), ahu, 'again');
    stage.gate.releaseDevice(ahu, 'job-1', 'it gave up');
    expect(stage.reason(anna, image(stage, 'job-1'))).toBe('permit');
  });

  it('lets the job put back what it wrote, also after its hold was ended, and others not', async () => {
    const stage = held(Stage.set());
    const anna = stage.as('anna');
    const permit = stage.permit(anna, stage.write('ahu/kp', 5, { job: 'job-1' }));
    await stage.gate.redeem(permit, new Map([[stage.handle('ahu/kp'), { value: 3 }]]));
    stage.gate.settle(permit, { kind: 'acknowledged' });
    const back = stage.write('ahu/kp', 3);
    stage.gate.endTransfer(stage.as('dora'), ahu, 'mine now');
    held(stage, 'dora', 'job-2');
    expect(stage.gate.undoPermit(permit, back)).toMatchObject({ denial: { reason: 'transfer-in-progress' } });
    stage.gate.releaseDevice(ahu, 'job-2', 'done');
    const undone = stage.gate.undoPermit(permit, back);
    if (!undone.permitted) throw new Error(undone.denial.text);
    await stage.gate.redeem(undone.permit, new Map());
    expect(stage.journal.rows('intent').at(-1)).toMatchObject({ job: 'job-1', who: { proof: { kind: 'gateway' } } });
  });

  it('is finished by the job of a revoked person only where the device says so, and stays held', async () => {
    const stage = Stage.set();
    const anna = stage.as('anna');
    const step = (device: 'ahu' | 'vav', ends = false) =>
      stage.write(`${device}/fw`, 1, { transfer: { device: stage.handle(device), ends }, job: 'job-1' });
    for (const device of ['ahu', 'vav'] as const) {
      stage.gate.holdDevice(anna, stage.handle(device), 'job-1');
      expect(await stage.send(anna, step(device))).toBe('sent');
    }
    stage.gate.setFastLocks([{ id: 'stop', why: 'leaving', principal: 'anna', until: START + HOUR }]);
    expect(stage.gate.preview(anna, step('ahu'))).toMatchObject({ reason: 'locked' });
    expect(stage.gate.preview(anna, step('vav'))).toBeUndefined();
    expect(stage.gate.preview(anna, step('vav', true))).toMatchObject({ reason: 'locked' });
    expect(stage.gate.transfers()).toHaveLength(2);
    stage.time.pass(MINUTE);
    expect(await stage.send(anna, step('vav'))).toBe('sent');
  });
});
