// Refusals are folded, standing intents counted, rows that must be kept are kept; none of it grows without end.

import { describe, expect, it } from 'vitest';
import type { RefusalRow } from '../../src/model/journal-row.ts';
import { bundle, MINUTE, Stage, snapshot } from './stage.ts';

const total = (rows: readonly RefusalRow[]): number => rows.reduce((sum, { count }) => sum + count, 0);

describe('refusals', () => {
  it('are written at once, then folded into one row a minute with their count', () => {
    const stage = Stage.set();
    const ben = stage.as('ben');
    const first = stage.gate.judge(ben, stage.write('ahu/sp', 19));
    expect(stage.journal.notes).toHaveLength(1);
    stage.time.pass(1000);
    const second = stage.gate.judge(ben, stage.write('ahu/sp', 20));
    expect(!first.permitted && !second.permitted && first.denial.decisionId === second.denial.decisionId).toBe(true);
    stage.time.pass(1000);
    stage.gate.judge(ben, stage.write('ahu/sp', 21));
    expect(stage.journal.notes).toHaveLength(1);
    stage.time.pass(MINUTE);
    expect(stage.journal.rows('refusal')).toMatchObject([
      { who: { principal: 'ben' }, reason: 'no-permission', target: 'ahu/sp', count: 1, revision: 7 },
      { count: 2, since: stage.time.now() - MINUTE - 1000, at: stage.time.now() - 2000 },
    ]);
    stage.time.pass(10 * MINUTE);
    expect(stage.journal.notes).toHaveLength(2);
    expect(stage.time.pending).toBe(0);
    stage.gate.judge(ben, stage.write('ahu/sp', 21));
    expect(stage.journal.notes).toHaveLength(3);
  });

  it('are told apart by peer, reason and target, and each is flushed a minute after its own first', () => {
    const stage = Stage.set();
    const ben = stage.as('ben');
    stage.gate.judge(ben, stage.write('ahu/sp'));
    stage.time.pass(30_000);
    stage.gate.judge(ben, stage.write('vav/sp'));
    stage.gate.judge(stage.as('ben', { peer: 'other' }), stage.write('ahu/sp'));
    stage.gate.judge(ben, stage.write('ahu/sp'));
    stage.gate.judge(ben, stage.write('vav/sp'));
    expect(stage.journal.notes).toHaveLength(3);
    stage.time.pass(30_000);
    expect(stage.journal.notes).toHaveLength(4);
    stage.time.pass(30_000);
    expect(stage.journal.notes).toHaveLength(5);
  });

  it('of another operation have a row of their own: who was refused what stays in the record', () => {
    const stage = Stage.set();
    const refuse = (operation: string) =>
      stage.gate.refuse(stage.as('ben'), {
        operation,
        reason: 'unsupported',
        target: stage.handle('ahu'),
        detail: 'd',
      });
    const ids = ['restart', 'firmware', 'function65 4101', 'function65 4102'].map(refuse);
    expect(new Set(ids).size).toBe(3);
    expect(stage.journal.notes).toHaveLength(3);
  });

  it('of a flood neither grow memory nor rows, and none is lost from the count', async () => {
    const stage = Stage.set();
    for (let target = 0; target < 5000; target += 1) {
      stage.gate.refuse(stage.as('ben'), {
        operation: 'x',
        reason: 'unsupported',
        target: stage.handle('ahu'),
        detail: 'd',
      });
      stage.gate.refuse(stage.gate.callerOf(stage.peer(`10.0.${target >> 8}.${target & 255}`)), {
        operation: 'y',
        reason: 'unsupported',
        detail: 'not a request',
      });
    }
    const rows = stage.journal.notes.length;
    expect(rows).toBeLessThanOrEqual(1024 + 1);
    await stage.gate.stop();
    expect(stage.journal.notes.length).toBeLessThanOrEqual(2 * rows);
    expect(total(stage.journal.rows('refusal'))).toBe(10_000);
    expect(stage.journal.rows('refusal').some(({ who }) => who.from === 'several peers')).toBe(true);
    expect(stage.gate.counters()).toMatchObject({ changes_refused: 10_000 });
    expect(stage.log.of('change.refused').length).toBeLessThan(1500);
    expect(stage.time.pending).toBe(0);
  });

  it('of one peer with many targets share a row for each reason, and leave room for others', () => {
    const stage = Stage.set({}, manyPoints(200));
    const ben = stage.as('ben');
    for (let point = 0; point < 200; point += 1) stage.gate.judge(ben, stage.write(`ahu/p${point}`));
    expect(stage.journal.notes).toHaveLength(65);
    expect(stage.journal.rows('refusal').at(-1)).toMatchObject({
      detail: 'several targets, not told apart',
      effects: [],
    });
    expect(stage.journal.rows('refusal').at(-1)).not.toHaveProperty('target');
    stage.gate.judge(stage.as('emil'), stage.write('vav/sp'));
    expect(stage.journal.rows('refusal').at(-1)).toMatchObject({ target: 'vav/sp' });
  });

  it('show in the log as lines for a person, within a budget for each peer', () => {
    const stage = Stage.set();
    const ben = stage.gate.callerOf(stage.peer('192.0.2.7', { subject: 'CN=ben', fingerprint: 'be' }));
    for (let count = 0; count < 25; count += 1) stage.gate.judge(ben, stage.write('ahu/sp'));
    const lines = stage.log.of('change.refused');
    expect(lines).toHaveLength(20);
    expect(lines[0]).toBe(
      '`ben` (certificate, 192.0.2.7:40000): writeMultipleRegisters of `ahu/sp` denied no-permission: no role of this principal has the permission: `point.write` on `ahu/sp`',
    );
    stage.time.pass(2000);
    stage.gate.judge(ben, stage.write('ahu/sp'));
    expect(stage.log.lines.at(-1)?.fields).toMatchObject({ withheld: 5 });
    expect(stage.gate.counters()).toMatchObject({ log_lines_withheld: 5 });
    stage.gate.refuse(stage.gate.callerOf(stage.peer('192.0.2.1')), {
      operation: 'vendor code 65',
      reason: 'unsupported',
      detail: 'code 65',
    });
    expect(stage.log.lines.at(-1)?.text).toBe(
      'a peer (nobody known, 192.0.2.1:40000): vendor code 65 denied unsupported: code 65',
    );
  });

  it('are recorded without a policy too', () => {
    const stage = new Stage();
    const id = stage.gate.refuse(stage.as(null), { operation: 'x', reason: 'unsupported', detail: 'y' });
    expect(stage.journal.notes).toMatchObject([{ decision: id, operation: 'x', detail: 'y' }]);
    expect(stage.journal.notes[0]).not.toHaveProperty('revision');
  });

  it('say for each target what was missing', () => {
    const grants = [{ to: 'user:ben', role: 'writer', at: 'hq' }];
    const roles = [{ id: 'writer', name: 'W', permissions: ['point.read', 'point.write'] }];
    const channels = { remote: ['remote.access'] };
    const stage = Stage.set({}, bundle({}, { grants, roles, channels }));
    stage.gate.judge(stage.as('ben', { channel: 'remote' }), stage.write('ahu/sp'));
    expect(stage.journal.rows('refusal')[0]?.effects).toMatchObject([
      { reason: 'no-permission', missing: 'remote.access' },
    ]);
  });
});

function manyPoints(count: number): object {
  const points = Array.from({ length: count }, (_, index) => ({
    id: `ahu/p${index}`,
    name: 'P',
    device: 'ahu',
    class: 'set-point',
  }));
  const devices = [
    { id: 'ahu', name: 'AHU', location: 'hq' },
    { id: 'vav', name: 'VAV', location: 'hq' },
  ];
  return bundle({}, { devices, points: [...points, { id: 'vav/sp', name: 'S', device: 'vav', class: 'set-point' }] });
}

describe('standing intents', () => {
  const repeat = { sameness: 'ahu/sp=19' };

  it('let an application write the same value again without a new row, and count it', async () => {
    const stage = Stage.set();
    const bms = stage.gate.callerOf(stage.peer('192.0.2.50'));
    for (let second = 0; second < 10; second += 1) {
      const permit = stage.permit(bms, stage.write('ahu/sp', 19, repeat));
      expect(permit.readFirst).toHaveLength(second === 0 ? 1 : 0);
      expect(await stage.gate.redeem(permit, new Map())).toMatchObject({ redeemed: true });
      stage.gate.settle(permit, { kind: 'acknowledged' }, new Map([[stage.handle('ahu/sp'), 19]]));
      stage.time.pass(1000);
    }
    expect(stage.journal.durable).toMatchObject([{ kind: 'intent', standing: true }]);
    expect(stage.gate.counters()).toMatchObject({ standing_open: 1, changes_standing: 9, changes_redeemed: 10 });
    stage.time.pass(MINUTE);
    expect(stage.journal.durable).toMatchObject([
      { kind: 'intent' },
      { kind: 'outcome', outcome: { kind: 'acknowledged' }, count: 10, readBack: [{ target: 'ahu/sp', value: 19 }] },
    ]);
    expect(stage.gate.counters()).toMatchObject({ standing_open: 0 });
  });

  it('last at most 60 s from the first change, however late timers are', async () => {
    const stage = Stage.set();
    const bms = stage.as('bms');
    await stage.send(bms, stage.write('ahu/sp', 19, repeat));
    stage.time.pass(MINUTE, false);
    await stage.send(bms, stage.write('ahu/sp', 19, repeat));
    expect(stage.journal.rows('intent')).toHaveLength(2);
  });

  it('are for applications only, and only where the driver says what sameness is', async () => {
    const stage = Stage.set();
    for (const caller of [stage.as('anna'), stage.as('bms')]) {
      for (const more of caller.principal === 'anna' ? [repeat] : [{}]) {
        await stage.send(caller, stage.write('ahu/sp', 19, more));
        await stage.send(caller, stage.write('ahu/sp', 19, more));
      }
    }
    expect(stage.journal.rows('intent')).toHaveLength(4);
    expect(stage.journal.rows('outcome')).toHaveLength(4);
  });

  it('end with another value or another writer on the slot, with a swap, and with a stop', async () => {
    const stage = Stage.set();
    const bms = stage.as('bms');
    const outcomes = () => stage.journal.rows('outcome').map(({ count }) => count);
    await stage.send(bms, stage.write('ahu/sp', 19, repeat));
    await stage.send(bms, stage.write('vav/sp', 19, { sameness: 'vav' }));
    await stage.send(bms, stage.write('ahu/sp', 20, { sameness: 'ahu/sp=20' }));
    expect(outcomes()).toEqual([1]);
    await stage.send(stage.as('optimizer'), stage.write('ahu/sp', 20, { sameness: 'ahu/sp=20' }));
    expect(outcomes()).toEqual([1, 1]);
    await stage.send(stage.as('anna'), stage.write('ahu/sp', 21));
    expect(outcomes()).toEqual([1, 1, 1, undefined]);
    stage.gate.activate(snapshot(bundle({ revision: 8 }), stage.gate.policy()));
    expect(outcomes()).toHaveLength(5);
    await stage.send(bms, stage.write('ahu/sp', 19, repeat));
    await stage.gate.stop();
    expect(outcomes()).toHaveLength(6);
    expect(stage.time.pending).toBe(0);
  });

  it('do not begin with a change that failed, and a repeat that failed has rows of its own and ends them', async () => {
    const stage = Stage.set();
    const bms = stage.as('bms');
    const unknown = { kind: 'unknown', why: 'no answer' } as const;
    const go = async (outcome: Parameters<typeof stage.gate.settle>[1]) => {
      const permit = stage.permit(bms, stage.write('ahu/sp', 19, repeat));
      await stage.gate.redeem(permit, new Map());
      stage.gate.settle(permit, outcome);
    };
    await go(unknown);
    expect(stage.journal.durable).toMatchObject([{ kind: 'intent', standing: true }, { outcome: unknown }]);
    await go({ kind: 'acknowledged' });
    await go({ kind: 'acknowledged' });
    await go(unknown);
    expect(stage.journal.durable.slice(2)).toMatchObject([
      { kind: 'intent', standing: true },
      { kind: 'intent' },
      { kind: 'outcome', outcome: unknown },
      { kind: 'outcome', outcome: { kind: 'acknowledged' }, count: 2 },
    ]);
  });

  it('are closed only when nothing of them is in flight', async () => {
    const stage = Stage.set();
    const bms = stage.as('bms');
    await stage.send(bms, stage.write('ahu/sp', 19, repeat));
    const permits = [1, 2].map(() => stage.permit(bms, stage.write('ahu/sp', 19, repeat)));
    for (const permit of permits) await stage.gate.redeem(permit, new Map());
    stage.time.pass(2 * MINUTE);
    expect(stage.journal.rows('outcome')).toEqual([]);
    const [first, second] = permits;
    if (first && second) {
      stage.gate.settle(first, { kind: 'acknowledged' });
      expect(stage.journal.rows('outcome')).toEqual([]);
      stage.gate.settle(second, { kind: 'unknown', why: 'no answer' });
    }
    expect(stage.journal.rows('outcome')).toMatchObject([{ outcome: { kind: 'unknown' } }, { count: 2 }]);
  });

  it('give two first changes at once a row each', async () => {
    const stage = Stage.set();
    const bms = stage.as('bms');
    const permits = [1, 2].map(() => stage.permit(bms, stage.write('ahu/sp', 19, repeat)));
    for (const permit of permits) await stage.gate.redeem(permit, new Map());
    for (const permit of permits) stage.gate.settle(permit, { kind: 'acknowledged' });
    expect(stage.journal.rows('intent')).toHaveLength(2);
    await stage.gate.stop();
    expect(stage.journal.rows('outcome')).toHaveLength(2);
  });
});

describe('rows that must be kept', () => {
  it('wait in order while the journal refuses them, and follow once it accepts again', async () => {
    const stage = Stage.set();
    const anna = stage.as('anna');
    const permits = [stage.permit(anna, stage.write('ahu/sp', 19)), stage.permit(anna, stage.write('ahu/sp', 20))];
    for (const permit of permits) await stage.gate.redeem(permit, new Map());
    stage.journal.setState({ writable: false, why: 'disk full' });
    for (const permit of permits) {
      stage.gate.settle(permit, { kind: 'acknowledged' });
      await stage.gate.stop();
    }
    expect(stage.gate.counters()).toMatchObject({ rows_waiting: 2 });
    expect(stage.log.of('record.waiting').length).toBeGreaterThan(0);
    stage.journal.setState({ writable: true });
    await stage.gate.stop();
    expect(stage.journal.rows('outcome').map(({ decision }) => decision)).toEqual(
      permits.map(({ decisionId }) => decisionId),
    );
    expect(stage.gate.counters()).toMatchObject({ rows_waiting: 0, rows_lost: 0 });
  });

  it('are tried again after a while where the journal never said that it is down', async () => {
    const stage = Stage.set();
    const permit = stage.permit(stage.as('anna'), stage.write('ahu/sp'));
    await stage.gate.redeem(permit, new Map());
    stage.journal.failing = 'busy';
    stage.gate.settle(permit, { kind: 'acknowledged' });
    await Promise.resolve();
    await Promise.resolve();
    expect(stage.gate.counters()).toMatchObject({ rows_waiting: 1 });
    stage.journal.failing = undefined;
    stage.time.pass(5000);
    expect(stage.journal.rows('outcome')).toHaveLength(1);
    expect(stage.time.pending).toBe(0);
  });

  it('are counted where too many wait', async () => {
    const stage = Stage.set();
    stage.journal.setState({ writable: false, why: 'disk full' });
    const fire = stage.gate.callerOf(stage.peer('192.0.2.99'));
    for (let round = 0; round < 2100; round += 1) {
      const permit = stage.permit(fire, stage.write('ahu/sp'));
      await stage.gate.redeem(permit, new Map());
      stage.gate.settle(permit, { kind: 'acknowledged' });
    }
    await stage.gate.stop();
    expect(stage.gate.counters()).toMatchObject({ rows_waiting: 4096, rows_lost: 4200 - 4096 });
  });
});
