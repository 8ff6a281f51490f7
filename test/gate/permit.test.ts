// Judge, redeem, settle: what a permit is worth, and what takes it back.

import { describe, expect, it } from 'vitest';
import type { OldValue, Permit } from '../../src/contract/gate.ts';
import { InvariantViolation } from '../../src/gate/options.ts';
import { decisionId, sessionId, type TargetHandle, targetHandle } from '../../src/model/ids.ts';
import { bundle, HOUR, START, Stage, snapshot } from './stage.ts';

const lock = { id: 'stop', why: 'leaving', principal: 'anna', until: START + HOUR };
const none: ReadonlyMap<TargetHandle, OldValue> = new Map();

describe('a permit', () => {
  it('hands back the very change, after its intent is durable, and has one outcome row', async () => {
    const stage = Stage.set();
    stage.journal.auto = false;
    const what = { frame: Symbol('bytes') };
    const change = { ...stage.write('ahu/sp'), what, job: 'job-1' };
    const permit = stage.permit(stage.as('anna', { driver: stage.peer('x').driver }), change);
    expect(permit.readFirst).toEqual([stage.handle('ahu/sp')]);
    expect(permit.involves).toEqual([stage.handle('ahu')]);
    let sent = false;
    const redeeming = stage.gate.redeem(permit, new Map([[stage.handle('ahu/sp'), { value: 18 }]])).then((result) => {
      sent = true;
      return result;
    });
    await Promise.resolve();
    expect(sent).toBe(false);
    stage.journal.flush();
    const redeemed = await redeeming;
    expect(redeemed.redeemed && redeemed.change).toBe(what);
    stage.gate.settle(permit, { kind: 'acknowledged' }, new Map([[stage.handle('ahu/sp'), 19]]));
    stage.journal.flush();
    expect(stage.journal.durable).toMatchObject([
      {
        kind: 'intent',
        decision: permit.decisionId,
        who: { principal: 'anna', channel: 'local', driver: 'modbus' },
        operation: 'writeMultipleRegisters',
        effects: [
          { target: 'ahu/sp', device: 'ahu', action: 'point.write', old: 18, new: 19, grant: expect.any(String) },
        ],
        revision: 7,
        by: 'permit',
        job: 'job-1',
      },
      {
        kind: 'outcome',
        decision: permit.decisionId,
        outcome: { kind: 'acknowledged' },
        readBack: [{ target: 'ahu/sp', value: 19 }],
      },
    ]);
    expect(stage.log.of('change.forwarded')).toHaveLength(1);
  });

  it('asks for the old values that may be read, and records why one is not known', async () => {
    const stage = Stage.set();
    const change = stage.change([
      stage.effect('ahu/sp', 19),
      stage.effect('ahu/fan', true, { priority: 8 }),
      stage.effect('vav/sp', 1n),
      stage.effect('ahu/kp', 2),
      stage.effect('ahu', undefined, { asks: 'device.control' }),
    ]);
    const permit = stage.permit(stage.as('anna'), change);
    expect(permit.readFirst).toEqual(['ahu/sp', 'vav/sp', 'ahu/kp'].map((id) => stage.handle(id)));
    expect(permit.involves).toEqual([stage.handle('ahu'), stage.handle('vav')]);
    await stage.gate.redeem(
      permit,
      new Map([
        [stage.handle('vav/sp'), { unknown: 'timed out' }],
        [stage.handle('ahu/sp'), { value: null }],
      ]),
    );
    const [row] = stage.journal.rows('intent');
    expect(row?.effects).toMatchObject([
      { old: null },
      { new: true, priority: 8 },
      { oldUnknown: 'timed out', new: { integer: '1' } },
      { oldUnknown: 'not read' },
      { target: 'ahu', action: 'device.control' },
    ]);
    expect(row?.effects[1]).not.toHaveProperty('oldUnknown');
  });

  it('names the devices of involved points', () => {
    const stage = Stage.set();
    expect(stage.permit(stage.as('anna'), stage.write('ahu/sched')).involves).toEqual([
      stage.handle('ahu'),
      stage.handle('vav'),
    ]);
  });

  it('is worth one redemption, one settling, and cannot be forged', async () => {
    const stage = Stage.set();
    const anna = stage.as('anna');
    const permit = stage.permit(anna, stage.write('ahu/sp'));
    expect(() => stage.gate.settle(permit, { kind: 'acknowledged' })).toThrow(InvariantViolation);
    const [first, second] = await Promise.allSettled([
      stage.gate.redeem(permit, none),
      stage.gate.redeem(permit, none),
    ]);
    expect(first).toMatchObject({ status: 'fulfilled', value: { redeemed: true } });
    expect(second).toMatchObject({ status: 'rejected', reason: expect.any(InvariantViolation) });
    expect(() => stage.gate.abandon(permit, 'late')).toThrow('in state `redeemed`, expected `issued`');
    stage.gate.settle(permit, { kind: 'acknowledged' });
    expect(() => stage.gate.settle(permit, { kind: 'acknowledged' })).toThrow(InvariantViolation);
    // @ts-expect-error the brand of a permit is not exported, so nobody can write one down
    const forged: Permit<string> = { decisionId: decisionId('d'), readFirst: [], involves: [targetHandle(1)] };
    await expect(stage.gate.redeem(forged, none)).rejects.toThrow('this gate did not issue');
    await expect(stage.gate.redeem({ ...permit }, none)).rejects.toThrow('this gate did not issue');
    expect(Object.isFrozen(permit)).toBe(true);
    expect(stage.journal.rows('outcome')).toHaveLength(1);
  });

  it('is withdrawn by a revocation before it is redeemed', async () => {
    const stage = Stage.set();
    const permit = stage.permit(stage.as('anna'), stage.write('ahu/sp'));
    stage.gate.setFastLocks([lock]);
    expect(await stage.gate.redeem(permit, none)).toMatchObject({
      redeemed: false,
      denial: { reason: 'locked', decisionId: permit.decisionId },
    });
    expect(stage.journal.durable).toEqual([]);
    expect(stage.journal.notes).toMatchObject([
      { kind: 'intent', decision: permit.decisionId },
      { kind: 'outcome', outcome: { kind: 'withdrawn', reason: 'locked' } },
    ]);
    expect(stage.log.of('change.withdrawn')).toHaveLength(1);
  });

  it('is withdrawn by a revocation while its intent is being made durable', async () => {
    const stage = Stage.set();
    stage.journal.auto = false;
    const permit = stage.permit(stage.as('anna'), stage.write('ahu/sp'));
    const redeeming = stage.gate.redeem(permit, none);
    stage.gate.setFastLocks([lock]);
    stage.journal.flush();
    expect(await redeeming).toMatchObject({ redeemed: false, denial: { reason: 'locked' } });
    stage.journal.flush();
    expect(stage.journal.durable).toMatchObject([
      { kind: 'intent' },
      { kind: 'outcome', outcome: { kind: 'withdrawn', reason: 'locked' } },
    ]);
    await expect(stage.gate.redeem(permit, none)).rejects.toThrow(InvariantViolation);
  });

  it('is withdrawn by the end of its session, and of its certificate', async () => {
    const stage = Stage.set();
    const caller = await stage.session('anna', '127.0.0.1');
    const permit = stage.permit(caller, stage.write('ahu/sp'));
    stage.gate.endSession(
      stage.gate.sessions()[0]?.id ?? sessionId(''),
      { principal: 'anna', proof: { kind: 'none' }, from: '' },
      'sign-out',
    );
    expect(await stage.gate.redeem(permit, none)).toMatchObject({ denial: { reason: 'unattributed' } });
    const certified = stage.gate.callerOf(stage.peer('192.0.2.1', { subject: 'CN=anna,O=Acme', fingerprint: 'aa' }));
    const second = stage.permit(certified, stage.write('ahu/sp'));
    const users = [{ id: 'anna', name: 'Anna', home: 'acme' }];
    const policy = stage.gate.policy();
    stage.gate.activate(
      snapshot(bundle({ users }, { grants: [{ to: 'user:anna', role: 'admin', at: 'hq' }] }), policy),
    );
    expect(await stage.gate.redeem(second, none)).toMatchObject({
      denial: { reason: 'unattributed', text: expect.stringContaining('stands no more') },
    });
  });

  it('is judged again when older than 2 s or past the moment its grant ends', async () => {
    const until = new Date(START + HOUR).toISOString();
    const stage = Stage.set({}, bundle({}, { grants: [{ to: 'user:anna', role: 'admin', at: 'hq', until }] }));
    const anna = stage.as('anna');
    const old = stage.permit(anna, stage.write('ahu/sp'));
    stage.time.pass(2001);
    expect(await stage.gate.redeem(old, none)).toMatchObject({ redeemed: true });
    stage.time.pass(HOUR - 2001 - 1);
    const last = stage.permit(anna, stage.write('ahu/sp'));
    stage.time.pass(1);
    expect(await stage.gate.redeem(last, none)).toMatchObject({ redeemed: false, denial: { reason: 'no-role' } });
  });

  it('is judged again for its age alone: doubt about time that came meanwhile is heard after 2 s', async () => {
    const until = new Date(START + HOUR).toISOString();
    const stage = Stage.set({}, bundle({}, { grants: [{ to: 'user:anna', role: 'admin', at: 'hq', until }] }));
    const permits = [1, 2].map(() => stage.permit(stage.as('anna'), stage.write('ahu/sp')));
    stage.time.isSure = false;
    const redeemed: boolean[] = [];
    for (const permit of permits) {
      stage.time.pass(1500);
      redeemed.push((await stage.gate.redeem(permit, none)).redeemed);
    }
    expect(redeemed).toEqual([true, false]);
  });

  it('goes on under a policy that still permits it, and not under another inventory', async () => {
    const stage = Stage.set();
    const anna = stage.as('anna');
    const permit = stage.permit(anna, stage.write('ahu/sp'));
    stage.gate.activate(snapshot(bundle({ revision: 8 }), stage.gate.policy()));
    expect(await stage.gate.redeem(permit, none)).toMatchObject({ redeemed: true });
    const other = stage.permit(anna, stage.write('ahu/sp'));
    stage.gate.activate(snapshot(bundle({ revision: 9 })));
    expect(await stage.gate.redeem(other, none)).toMatchObject({ denial: { reason: 'unknown-point' } });
    stage.gate.settle(permit, { kind: 'acknowledged' });
    expect(stage.journal.rows('outcome')).toHaveLength(2);
  });

  it('is not redeemed where the intent cannot be made durable', async () => {
    const stage = Stage.set();
    const anna = stage.as('anna');
    stage.journal.auto = false;
    const permit = stage.permit(anna, stage.write('ahu/sp'));
    const redeeming = stage.gate.redeem(permit, none);
    stage.journal.drop();
    expect(await redeeming).toMatchObject({
      redeemed: false,
      denial: { reason: 'journal-unavailable', text: expect.stringContaining('disk full') },
    });
    stage.journal.failing = 'torn';
    const again = stage.permit(anna, stage.write('ahu/sp'));
    expect(await stage.gate.redeem(again, none)).toMatchObject({ denial: { text: expect.stringContaining('torn') } });
    expect(stage.journal.durable).toEqual([]);
    await expect(stage.gate.redeem(permit, none)).rejects.toThrow(InvariantViolation);
  });

  it('counts a rate at the hand-over, so that waiting permits cannot exceed it', async () => {
    const stage = Stage.set();
    const anna = stage.as('anna');
    stage.journal.auto = false;
    const permits = [1, 2, 3].map((value) => stage.permit(anna, stage.write('ahu/slow', value)));
    const redeeming = permits.map((permit) => stage.gate.redeem(permit, none));
    stage.journal.flush();
    const reasons = (await Promise.all(redeeming)).map((result) => (result.redeemed ? 'sent' : result.denial.reason));
    expect(reasons).toEqual(['sent', 'sent', 'rate-limited']);
  });

  it('that is abandoned is recorded as not sent', () => {
    const stage = Stage.set();
    const permit = stage.permit(stage.as('anna'), stage.write('ahu/sp'));
    stage.gate.abandon(permit, 'the device does not answer');
    expect(stage.journal.notes).toMatchObject([
      { kind: 'intent', decision: permit.decisionId },
      { kind: 'outcome', outcome: { kind: 'not-sent', why: 'the device does not answer' } },
    ]);
  });
});
