// What undoes belongs to what was permitted, whoever was revoked since; and to nothing else.

import { describe, expect, it } from 'vitest';
import type { Change, OldValue, Permit } from '../../src/contract/gate.ts';
import { type TargetHandle, targetHandle } from '../../src/model/ids.ts';
import { HOUR, START, Stage, snapshot } from './stage.ts';

const lockAnna = { id: 'stop', why: 'leaving', principal: 'anna', until: START + HOUR };

async function changed(stage: Stage): Promise<Permit<string>> {
  const change = stage.change([
    stage.effect('ahu/sp', 19, { priority: 8 }),
    stage.effect('ahu/fan', true),
    stage.effect('ahu/slow', 5),
  ]);
  const permit = stage.permit(stage.as('anna'), change);
  const old = new Map<TargetHandle, OldValue>([
    [stage.handle('ahu/sp'), { value: 18 }],
    [stage.handle('ahu/fan'), { value: false }],
    [stage.handle('ahu/slow'), { value: 4 }],
  ]);
  await stage.gate.redeem(permit, old);
  stage.gate.settle(permit, { kind: 'acknowledged' });
  return permit;
}

const why = (stage: Stage, permit: Permit<string>, change: Change<string>): string => {
  const judged = stage.gate.undoPermit(permit, change);
  return judged.permitted ? 'permit' : judged.denial.reason;
};

describe('undoing', () => {
  it("puts back the old value in the name of a revoked person, with the journal's reserve", async () => {
    const stage = Stage.set();
    const permit = await changed(stage);
    stage.gate.setFastLocks([lockAnna]);
    const judged = stage.gate.undoPermit(permit, stage.change([stage.effect('ahu/sp', 18, { priority: 8 })]));
    if (!judged.permitted) throw new Error(judged.denial.text);
    stage.time.pass(60_000);
    stage.gate.setFastLocks([]);
    expect(await stage.gate.redeem(judged.permit, new Map())).toMatchObject({ redeemed: true });
    stage.gate.settle(judged.permit, { kind: 'acknowledged' });
    expect(stage.journal.rows('intent').at(-1)).toMatchObject({
      who: { principal: 'anna', proof: { kind: 'gateway', why: `undoes ${permit.decisionId}` } },
      effects: [{ target: 'ahu/sp', new: 18, priority: 8, grant: `undoes ${permit.decisionId}` }],
    });
    expect(stage.journal.reserved.map(({ kind }) => kind)).toEqual(['outcome', 'intent', 'outcome']);
    expect(why(stage, permit, stage.change([stage.effect('ahu/sp', 18, { priority: 8 })]))).toBe('out-of-scope');
  });

  it('is for the slots, values and classes of the original only', async () => {
    const stage = Stage.set();
    const permit = await changed(stage);
    const one = (...args: Parameters<Stage['effect']>) => why(stage, permit, stage.change([stage.effect(...args)]));
    expect(one('ahu/sp', 17, { priority: 8 })).toBe('out-of-scope');
    expect(one('ahu/sp', 18)).toBe('out-of-scope');
    expect(one('ahu/sp', undefined, { priority: 8 })).toBe('out-of-scope');
    expect(one('ahu/sp', null, { priority: 8, asks: 'device.configure' })).toBe('out-of-scope');
    expect(one('vav/sp', null)).toBe('out-of-scope');
    expect(one('ahu/fan', false)).toBe('out-of-scope');
    expect(one('ahu/fan', null)).toBe('permit');
    expect(one('ahu/sp', null, { priority: 8 })).toBe('permit');
    expect(one('ahu/slow', 4)).toBe('permit');
  });

  it('drops what a job staged, by the same actions, whoever was revoked since; and nothing that no job staged', async () => {
    const stage = Stage.set();
    const update = (asks: 'firmware.update' | 'device.control', more: Partial<Change<string>> = {}) =>
      stage.change([{ target: stage.handle('ahu'), asks }], more);
    const staged = async (more: Partial<Change<string>>) => {
      const permit = stage.permit(stage.as('anna'), update('firmware.update', more));
      await stage.gate.redeem(permit, new Map());
      stage.gate.settle(permit, { kind: 'acknowledged' });
      return permit;
    };
    const byJob = await staged({ job: 'j1' });
    const byHand = await staged({});
    stage.gate.setFastLocks([lockAnna]);
    expect(why(stage, byHand, update('firmware.update', { reverts: true }))).toBe('out-of-scope');
    expect(why(stage, byJob, update('firmware.update'))).toBe('out-of-scope');
    expect(why(stage, byJob, update('device.control', { reverts: true }))).toBe('out-of-scope');
    expect(why(stage, byJob, update('firmware.update', { reverts: true }))).toBe('permit');
  });

  it('is outstanding once for a slot, and possible again where it failed', async () => {
    const stage = Stage.set();
    const permit = await changed(stage);
    const release = stage.write('ahu/slow', null);
    const take = () => {
      const judged = stage.gate.undoPermit(permit, release);
      if (!judged.permitted) throw new Error(judged.denial.text);
      return judged.permit;
    };
    const first = take();
    expect(why(stage, permit, release)).toBe('out-of-scope');
    stage.gate.abandon(first, 'the device is gone');
    const second = take();
    await stage.gate.redeem(second, new Map());
    stage.gate.settle(second, { kind: 'unknown', why: 'no answer' });
    const third = take();
    stage.journal.failing = 'disk full';
    expect(await stage.gate.redeem(third, new Map())).toMatchObject({ denial: { reason: 'journal-unavailable' } });
    stage.journal.failing = undefined;
    const fourth = take();
    stage.gate.activate(snapshot());
    expect(await stage.gate.redeem(fourth, new Map())).toMatchObject({ denial: { reason: 'unknown-point' } });
    const fifth = take();
    stage.journal.auto = false;
    const redeeming = stage.gate.redeem(fifth, new Map());
    stage.gate.activate(snapshot());
    stage.journal.flush();
    expect(await redeeming).toMatchObject({ denial: { reason: 'unknown-point' } });
    expect(why(stage, permit, release)).toBe('permit');
  });

  it('is not for a permit that was never redeemed, nor without a policy, nor for what is not there', async () => {
    const stage = Stage.set();
    const unredeemed = stage.permit(stage.as('anna'), stage.write('ahu/sp'));
    expect(() => stage.gate.undoPermit(unredeemed, stage.write('ahu/sp', null))).toThrow('never redeemed');
    const permit = await changed(stage);
    expect(why(stage, permit, stage.change([{ target: targetHandle(9999), asks: 'write', value: null }]))).toBe(
      'unknown-point',
    );
    const [intent] = stage.journal.rows('intent');
    if (intent) {
      const bare = new Stage();
      expect(bare.gate.undoRecorded(intent, stage.write('ahu/slow', null))).toMatchObject({
        denial: { reason: 'no-policy' },
      });
    }
  });

  it('works from the recorded intent after a restart', async () => {
    const stage = Stage.set();
    await changed(stage);
    const [intent] = stage.journal.rows('intent');
    if (!intent) throw new Error('no intent');
    const later = Stage.set();
    const { channel: _channel, ...who } = intent.who;
    const undone = later.gate.undoRecorded({ ...intent, who: { ...who, principal: null } }, later.write('ahu/slow', 4));
    expect(undone.permitted && (await later.gate.redeem(undone.permit, new Map()))).toMatchObject({ redeemed: true });
  });

  it('waits for a transfer to the device', async () => {
    const stage = Stage.set();
    const permit = stage.permit(stage.as('anna'), stage.write('ahu/kp', 2));
    await stage.gate.redeem(permit, new Map([[stage.handle('ahu/kp'), { value: 1 }]]));
    await stage.send(
      stage.as('dora'),
      stage.write('ahu/fw', 1, { transfer: { device: stage.handle('ahu'), ends: false } }),
    );
    expect(why(stage, permit, stage.write('ahu/kp', 1))).toBe('transfer-in-progress');
  });
});
