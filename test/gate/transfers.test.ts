// Transfers of several frames: one principal to one device, ended by itself, by time, by hand or by revocation.

import { describe, expect, it } from 'vitest';
import type { Caller } from '../../src/contract/gate.ts';
import { createCounters } from '../../src/gate/counters.ts';
import { createKeeper } from '../../src/gate/keeper.ts';
import { deviceOf, resolve } from '../../src/gate/resolve.ts';
import { createTransfers } from '../../src/gate/transfers.ts';
import { targetHandle, targetId } from '../../src/model/ids.ts';
import { bundle, HOUR, MINUTE, START, Stage, snapshot } from './stage.ts';

const lockAnna = { id: 'stop', why: 'leaving', principal: 'anna', until: START + HOUR };

function frame(stage: Stage, device: 'ahu' | 'vav', ends = false) {
  return stage.write(`${device}/fw`, 1, { transfer: { device: stage.handle(device), ends }, rawImage: true });
}

async function sendInOrder(
  stage: Stage,
  caller: Caller,
  ...changes: Parameters<Stage['send']>[1][]
): Promise<string[]> {
  const results: string[] = [];
  for (const change of changes) results.push(await stage.send(caller, change));
  return results;
}

function parts({ journal, log, time }: Stage) {
  const site = { applicationAddresses: [], sharedNetworks: [], neverGated: { peers: [], targets: [] } };
  const links = { lookup: () => undefined };
  const options = { journal, log, clock: time, timers: time, links, site, newId: () => 'id' };
  return { options, keeper: createKeeper(options, createCounters()) };
}

describe('a transfer', () => {
  it('begins with a frame that is sent, holds the device for one person, and ends with its last frame', async () => {
    const stage = Stage.set();
    const anna = stage.as('anna');
    const dora = stage.as('dora');
    expect(stage.reason(anna, frame(stage, 'ahu'))).toBe('permit');
    expect(stage.gate.transfers()).toEqual([]);
    expect(await stage.send(anna, frame(stage, 'ahu'))).toBe('sent');
    expect(stage.gate.transfers()).toEqual([
      { device: 'ahu', principal: 'anna', peer: 'page of anna', begunAt: START },
    ]);
    expect(stage.gate.judge(dora, frame(stage, 'ahu'))).toMatchObject({
      denial: { reason: 'transfer-in-progress', target: 'ahu' },
    });
    expect(stage.reason(dora, stage.write('ahu/kp', 1))).toBe('transfer-in-progress');
    expect(stage.reason(dora, stage.change([stage.effect('ahu', undefined, { asks: 'device.control' })]))).toBe(
      'transfer-in-progress',
    );
    expect(
      await sendInOrder(stage, dora, stage.write('ahu/sp', 19), stage.write('ahu/hi', 1), frame(stage, 'vav')),
    ).toEqual(['sent', 'sent', 'sent']);
    expect(await sendInOrder(stage, anna, stage.write('ahu/kp', 1), frame(stage, 'ahu', true))).toEqual([
      'sent',
      'sent',
    ]);
    expect(stage.gate.transfers()).toMatchObject([{ device: 'vav' }]);
    expect(await sendInOrder(stage, dora, frame(stage, 'ahu'))).toEqual(['sent']);
    expect(await sendInOrder(stage, anna, frame(stage, 'ahu'))).toEqual(['transfer-in-progress']);
    expect(stage.journal.rows('system').map(({ event }) => event)).toEqual([
      'transfer-begun',
      'transfer-begun',
      'transfer-ended',
      'transfer-begun',
    ]);
    expect(stage.log.of('transfer.ended')).toEqual(['transfer of `anna` to `ahu` ended: complete']);
  });

  it('is taken by one of two that begin at once', async () => {
    const stage = Stage.set();
    stage.journal.auto = false;
    const permits = ['anna', 'dora'].map((who) => stage.permit(stage.as(who), frame(stage, 'ahu')));
    const redeeming = permits.map((permit) => stage.gate.redeem(permit, new Map()));
    stage.journal.flush();
    expect((await Promise.all(redeeming)).map((result) => (result.redeemed ? 'sent' : result.denial.reason))).toEqual([
      'sent',
      'transfer-in-progress',
    ]);
  });

  it('ends after 30 s idle, counted from the last answer, and its person cools down', async () => {
    const stage = Stage.set();
    const anna = stage.as('anna');
    const permit = stage.permit(anna, frame(stage, 'ahu'));
    await stage.gate.redeem(permit, new Map());
    stage.time.pass(20_000);
    stage.gate.settle(permit, { kind: 'acknowledged' });
    stage.time.pass(29_999);
    expect(stage.gate.transfers()).toHaveLength(1);
    stage.time.pass(1);
    expect(stage.gate.transfers()).toEqual([]);
    expect(stage.gate.judge(anna, frame(stage, 'vav'))).toMatchObject({
      denial: { reason: 'transfer-in-progress', target: 'vav', text: expect.stringContaining('may begin in 60 s') },
    });
    expect(stage.reason(anna, stage.write('ahu/kp', 1))).toBe('permit');
    expect(await stage.send(stage.as('dora'), frame(stage, 'ahu'))).toBe('sent');
    stage.time.pass(MINUTE);
    expect(await stage.send(anna, frame(stage, 'ahu'))).toBe('sent');
  });

  it('ends by time even where timers are late, and its late answer revives nothing', async () => {
    const stage = Stage.set();
    const permit = stage.permit(stage.as('anna'), frame(stage, 'ahu'));
    await stage.gate.redeem(permit, new Map());
    stage.time.pass(30 * MINUTE, false);
    stage.gate.settle(permit, { kind: 'acknowledged' });
    expect(stage.gate.transfers()).toEqual([]);
    stage.time.pass(MINUTE);
  });

  it('is not idle while a change of it is under way', async () => {
    const stage = Stage.set();
    const anna = stage.as('anna');
    const [long, short] = [stage.permit(anna, frame(stage, 'ahu')), stage.permit(anna, frame(stage, 'ahu'))];
    await stage.gate.redeem(long, new Map());
    await stage.gate.redeem(short, new Map());
    stage.gate.settle(short, { kind: 'acknowledged' });
    stage.time.pass(10 * MINUTE);
    expect(await stage.send(stage.as('dora'), frame(stage, 'ahu'))).toBe('transfer-in-progress');
    stage.gate.activate(snapshot());
    stage.gate.settle(long, { kind: 'acknowledged' });
    stage.time.pass(29_999);
    expect(stage.gate.transfers()).toHaveLength(1);
    stage.time.pass(1);
    expect(stage.gate.transfers()).toEqual([]);
  });

  it('ends after its longest time however busy it is', async () => {
    const stage = Stage.set({ transfers: { longestMs: 45_000, idleMs: 20_000, coolDownMs: 0 } });
    const anna = stage.as('anna');
    for (let second = 0; second < 45; second += 15) {
      expect(await stage.send(anna, frame(stage, 'ahu'))).toBe('sent');
      stage.time.pass(15_000);
    }
    expect(stage.gate.transfers()).toEqual([]);
    expect(stage.log.of('transfer.ended')).toEqual(['transfer of `anna` to `ahu` ended: longest time']);
    expect(await stage.send(anna, frame(stage, 'ahu'))).toBe('sent');
    stage.time.pass(20_000);
    await stage.send(stage.as('dora'), frame(stage, 'ahu'));
    await stage.gate.stop();
    expect(stage.gate.transfers()).toEqual([]);
    expect(stage.time.pending).toBe(0);
  });

  it('is ended by who has `device.control` there', async () => {
    const stage = Stage.set();
    await stage.send(stage.as('anna'), frame(stage, 'ahu'));
    const end = (who: string) => stage.gate.endTransfer(stage.as(who), targetId('ahu'), 'by the duty engineer');
    expect(end('emil')).toEqual({ ok: false, fault: 'no-permission' });
    expect(end('dora')).toMatchObject({ ok: true, value: { device: 'ahu', principal: 'anna' } });
    expect(end('dora')).toEqual({ ok: false, fault: 'no-transfer' });
    expect(new Stage().gate.endTransfer(stage.as('dora'), targetId('ahu'), '')).toEqual({
      ok: false,
      fault: 'no-policy',
    });
    expect(stage.journal.rows('system').at(-1)?.detail).toMatchObject({
      why: 'by the duty engineer',
      by: { principal: 'dora' },
    });
    expect(await stage.send(stage.as('dora'), frame(stage, 'ahu'))).toBe('sent');
  });

  it('is denied to a revoked person at once where the device says stop', async () => {
    const stage = Stage.set();
    await stage.send(stage.as('anna'), frame(stage, 'ahu'));
    stage.gate.setFastLocks([lockAnna]);
    expect(stage.reason(stage.as('anna'), frame(stage, 'ahu'))).toBe('locked');
    expect(stage.log.of('transfer.ended')).toEqual(['transfer of `anna` to `ahu` ended: the right was withdrawn']);
    expect(await stage.send(stage.as('dora'), frame(stage, 'ahu'))).toBe('sent');
  });

  it('goes on for a revoked person where the device says finish, but is never activated and does nothing else', async () => {
    const stage = Stage.set();
    const anna = stage.as('anna');
    await stage.send(anna, frame(stage, 'vav'));
    stage.gate.setFastLocks([lockAnna]);
    expect(await stage.send(anna, frame(stage, 'vav'))).toBe('sent');
    expect(stage.journal.rows('intent').at(-1)).toMatchObject({ by: 'permit', wouldDeny: 'locked' });
    expect(await stage.send(anna, stage.write('vav/fw', 1, { rawImage: true }))).toBe('locked');
    expect(await stage.send(stage.as('dora'), frame(stage, 'vav'))).toBe('transfer-in-progress');
    expect(await stage.send(anna, frame(stage, 'vav', true))).toBe('locked');
    expect(stage.gate.transfers()).toEqual([]);
    expect(await stage.send(anna, frame(stage, 'vav'))).toBe('locked');
  });

  it('may not reach beyond what it was permitted before', async () => {
    const stage = Stage.set();
    const anna = stage.as('anna');
    await stage.send(anna, frame(stage, 'vav'));
    stage.gate.setFastLocks([lockAnna]);
    const wider = stage.change([stage.effect('vav/fw', 1), stage.effect('vav/kp', 1)], {
      transfer: { device: stage.handle('vav'), ends: false },
    });
    expect(await stage.send(anna, wider)).toBe('locked');
    expect(stage.gate.transfers()).toEqual([]);
  });

  it('is not ended by a frame about something its holder never might', async () => {
    const stage = Stage.set();
    const emil = stage.as('emil');
    const mine = stage.write('ahu/sp', 19, { transfer: { device: stage.handle('ahu'), ends: false } });
    expect(await stage.send(emil, mine)).toBe('sent');
    expect(await stage.send(emil, frame(stage, 'ahu'))).toBe('no-permission');
    expect(stage.gate.transfers()).toMatchObject([{ device: 'ahu', principal: 'emil' }]);
    expect(await stage.send(emil, mine)).toBe('sent');
  });

  it('goes on from the address of a revoked session', async () => {
    const stage = Stage.set();
    const caller = await stage.session('anna', '127.0.0.1');
    await stage.send(caller, frame(stage, 'vav'));
    stage.gate.setFastLocks([lockAnna]);
    const now = stage.gate.callerOf(stage.peer('127.0.0.1'));
    expect(now.principal).toBeNull();
    expect(await stage.send(now, frame(stage, 'vav'))).toBe('sent');
    expect(await stage.send(stage.gate.callerOf(stage.peer('127.0.0.2')), frame(stage, 'vav'))).toBe('unattributed');
    expect(await stage.send(now, frame(stage, 'vav', true))).toBe('unattributed');
  });

  it('goes on where a timer fires early', async () => {
    const stage = Stage.set();
    await stage.send(stage.as('anna'), frame(stage, 'ahu'));
    stage.time.earlyMs = 1;
    stage.time.pass(29_999);
    expect(stage.gate.transfers()).toHaveLength(1);
    stage.time.pass(1);
    expect(stage.gate.transfers()).toEqual([]);
  });

  it('has nothing to do with an effect whose device nobody knows', () => {
    const stage = Stage.set();
    const { options, keeper } = parts(stage);
    const change = stage.change([{ target: targetHandle(9999), asks: 'device.control' }]);
    const inventory = snapshot().inventory;
    const transfers = createTransfers(options, keeper);
    expect([deviceOf(inventory, 'ahu/sp'), deviceOf(inventory, 'ahu')].map((device) => device?.id)).toEqual([
      'ahu',
      'ahu',
    ]);
    expect([deviceOf(inventory, 'hq'), deviceOf(inventory, 'nothing')]).toEqual([undefined, undefined]);
    expect(transfers.objection(stage.as('anna'), change, resolve(change, inventory), inventory)).toBeUndefined();
  });

  it('is nothing where the device named is none', async () => {
    const stage = Stage.set();
    const odd = stage.write('ahu/sp', 19, { transfer: { device: targetHandle(9999), ends: false } });
    expect(await stage.send(stage.as('anna'), odd)).toBe('sent');
    expect(await stage.send(stage.as('ben'), odd)).toBe('no-permission');
    expect(stage.gate.transfers()).toEqual([]);
  });

  it('of a peer without a name belongs to its address while the policy observes', async () => {
    const observeUntil = new Date(START + HOUR).toISOString();
    const stage = Stage.set({}, bundle({ mode: 'observe', observeUntil }));
    const file = stage.write('ahu/kp', 1, { transfer: { device: stage.handle('ahu'), ends: false } });
    expect(await stage.send(stage.gate.callerOf(stage.peer('192.0.2.1')), file)).toBe('sent');
    expect(await stage.send(stage.gate.callerOf(stage.peer('192.0.2.2')), file)).toBe('transfer-in-progress');
    expect(await stage.send(stage.gate.callerOf(stage.peer('192.0.2.1')), file)).toBe('sent');
    expect(stage.log.of('transfer.begun')).toEqual(['transfer of `peer 192.0.2.1` to `ahu` began']);
    stage.gate.activate(snapshot());
  });
});
