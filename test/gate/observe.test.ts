// Observe first, never gated, and what may be read.

import { describe, expect, it } from 'vitest';
import { observeReport } from '../../src/gate/observe-report.ts';
import { principalId, targetHandle } from '../../src/model/ids.ts';
import { bundle, HOUR, MINUTE, START, Stage, snapshot } from './stage.ts';

const observing = (header: object = {}) =>
  bundle({ mode: 'observe', observeUntil: new Date(START + HOUR).toISOString(), ...header });

describe('observe mode', () => {
  it('forwards what would be denied, says why in the journal, and is loud', async () => {
    const stage = Stage.set({}, observing());
    const nobody = stage.gate.callerOf(stage.peer('192.0.2.1'));
    const ben = stage.as('ben');
    const sent = [
      await stage.send(nobody, stage.write('ahu/sp', 19)),
      await stage.send(ben, stage.write('ahu/kp', 1)),
      await stage.send(ben, stage.write('ahu/t', 1)),
      await stage.send(stage.as('anna'), stage.write('ahu/sp', 99)),
      await stage.send(stage.as('anna'), stage.write('ahu/sp', 19)),
      await stage.send(ben, stage.change([stage.effect('vav/sp', 1, { priority: 8 })])),
    ];
    expect(sent).toEqual(sent.map(() => 'sent'));
    expect(stage.journal.rows('intent').map(({ by, wouldDeny }) => [by, wouldDeny])).toEqual([
      ['observed', 'unattributed'],
      ['observed', 'no-permission'],
      ['observed', 'no-permission'],
      ['observed', 'out-of-limits'],
      ['permit', undefined],
      ['observed', 'no-permission'],
    ]);
    expect(stage.journal.rows('system')).toMatchObject([{ event: 'observing', detail: { revision: 7 } }]);
    expect(stage.log.of('policy.observing')).toHaveLength(1);
    expect(stage.log.of('change.observed')).toHaveLength(5);
    expect(stage.log.of('change.observed')[1]).toContain('it would be denied no-permission');
  });

  it('never forwards firmware, restart or life safety that is denied, nor what cannot be named or recorded', async () => {
    const stage = Stage.set({}, observing());
    const ben = stage.as('ben');
    const tool = stage.as('anna', { channel: 'tool' });
    expect(stage.reason(ben, stage.write('ahu/fw', 1))).toBe('no-permission');
    expect(stage.reason(ben, stage.write('ahu/kp', 1, { rawImage: true }))).toBe('no-permission');
    expect(stage.reason(ben, stage.change([stage.effect('ahu/fw', undefined, { asks: 'device.configure' })]))).toBe(
      'no-permission',
    );
    expect(stage.reason(ben, stage.change([stage.effect('ahu', undefined, { asks: 'device.control' })]))).toBe(
      'no-permission',
    );
    expect(stage.reason(ben, stage.change([stage.effect('ahu/sp', 19, { asks: 'lifeSafety.operate' })]))).toBe(
      'no-permission',
    );
    expect(stage.reason(ben, stage.change([stage.effect('ahu/sp', 19, { priority: 2 })]))).toBe('no-permission');
    expect(stage.reason(tool, stage.write('chiller/fw', 1))).toBe('image-unverified');
    expect(stage.reason(ben, stage.change([{ target: targetHandle(9999), asks: 'write' }]))).toBe('unknown-point');
    stage.journal.setState({ writable: false, why: 'disk full' });
    expect(stage.reason(ben, stage.write('ahu/sp', 19))).toBe('journal-unavailable');
  });

  it('lets rates pass at the hand-over too, and a narrowed session', async () => {
    const stage = Stage.set({}, observing());
    const anna = stage.as('anna');
    for (const value of [1, 2, 3]) expect(await stage.send(anna, stage.write('ahu/slow', value))).toBe('sent');
    expect(stage.journal.rows('intent').at(-1)).toMatchObject({ by: 'observed', wouldDeny: 'rate-limited' });
  });

  it('ends at observeUntil, also for a permit and for a reader made before, and does not hold on unsure time', async () => {
    const stage = Stage.set({}, observing());
    const nobody = stage.gate.callerOf(stage.peer('192.0.2.1'));
    const reads = () => stage.gate.reader(nobody, 'point.read').permits(stage.handle('ahu/sp'));
    expect(reads()).toBe(true);
    expect(stage.gate.counters()).toMatchObject({ reads_observed: 1 });
    stage.time.isSure = false;
    expect(reads()).toBe(false);
    expect(stage.reason(nobody, stage.write('ahu/sp'))).toBe('unattributed');
    stage.time.isSure = true;
    stage.time.pass(HOUR - 1);
    const permit = stage.permit(nobody, stage.write('ahu/sp'));
    stage.time.pass(1);
    expect(await stage.gate.redeem(permit, new Map())).toMatchObject({ denial: { reason: 'unattributed' } });
    expect(reads()).toBe(false);
    stage.gate.activate(snapshot(observing({ revision: 8 })));
    expect(stage.log.of('policy.observing')).toHaveLength(1);
  });

  it('is summed up: who wrote what, and which rights they would need', async () => {
    const stage = Stage.set({}, observing());
    const nobody = stage.gate.callerOf(stage.peer('192.0.2.1'));
    const again = stage.gate.callerOf({ ...stage.peer('192.0.2.1'), port: 50_000 });
    await stage.send(stage.as('anna'), stage.write('ahu/sp', 19));
    await stage.send(stage.as('anna'), stage.write('ahu/sp', 99));
    stage.time.pass(MINUTE);
    await stage.send(nobody, stage.change([stage.effect('ahu/sp', 19, { priority: 8 }), stage.effect('ahu/kp', 1)]));
    await stage.send(again, {
      ...stage.change([stage.effect('vav/sp', 19, { priority: 10 })]),
      operation: 'WriteProperty',
    });
    await stage.send(stage.gate.callerOf(stage.peer('192.0.2.99')), stage.write('ahu/sp'));
    await stage.send(
      stage.as('emil', { from: 'page' }),
      stage.change([stage.effect('ahu/sp', 20), stage.effect('vav/sp', 2)]),
    );
    expect(observeReport([...stage.journal.durable])).toEqual({
      since: START,
      until: START + MINUTE,
      writers: [
        {
          principal: null,
          proof: 'none',
          from: '192.0.2.1',
          operations: ['WriteProperty', 'writeMultipleRegisters'],
          permitted: 0,
          wouldBeDenied: 2,
          reasons: [{ reason: 'unattributed', changes: 2 }],
          needs: [
            {
              action: 'point.write',
              targets: ['ahu/sp', 'vav/sp'],
              priorities: [8, 10],
              reasons: ['no-role'],
              changes: 2,
            },
            { action: 'device.configure', targets: ['ahu/kp'], priorities: [], reasons: ['no-role'], changes: 1 },
          ],
        },
        {
          principal: 'anna',
          proof: 'sign-in',
          from: 'page',
          operations: ['writeMultipleRegisters'],
          permitted: 1,
          wouldBeDenied: 1,
          reasons: [{ reason: 'out-of-limits', changes: 1 }],
          needs: [],
        },
        {
          principal: 'emil',
          proof: 'sign-in',
          from: 'page',
          operations: ['writeMultipleRegisters'],
          permitted: 0,
          wouldBeDenied: 1,
          reasons: [{ reason: 'out-of-scope', changes: 1 }],
          needs: [
            { action: 'point.write', targets: ['vav/sp'], priorities: [], reasons: ['out-of-scope'], changes: 1 },
          ],
        },
      ],
    });
    expect(observeReport([])).toEqual({ writers: [] });
  });

  it('reports rows that another version wrote with less in them', () => {
    const row = {
      kind: 'intent',
      at: START,
      decision: 'd',
      who: { principal: 'zoe', proof: { kind: 'none' }, from: '192.0.2.3:1' },
      operation: 'write',
      effects: [{ target: 'x', action: 'point.write', missing: 'point.read' }],
      revision: 1,
      by: 'observed',
    } as const;
    expect(observeReport([row, { ...row, at: START - 1, by: 'permit' }])).toMatchObject({
      since: START - 1,
      until: START,
      writers: [{ permitted: 1, wouldBeDenied: 1, reasons: [], needs: [{ action: 'point.read', reasons: [] }] }],
    });
  });
});

describe('never gated', () => {
  it('is forwarded without a policy, recorded and loud', async () => {
    const stage = new Stage();
    const fire = stage.gate.callerOf(stage.peer('::ffff:192.0.2.99'));
    expect(fire.neverGated).toBe(true);
    const change = {
      what: 1,
      operation: 'write',
      effects: [{ target: targetHandle(3), asks: 'write', value: 1 }],
    } as const;
    const permit = stage.permit(fire, change);
    expect(permit).toMatchObject({ readFirst: [], involves: [3] });
    expect(await stage.gate.redeem(permit, new Map())).toEqual({ redeemed: true, change: 1 });
    stage.gate.settle(permit, { kind: 'acknowledged' }, new Map([[targetHandle(3), 1]]));
    expect(stage.journal.durable).toMatchObject([
      {
        kind: 'intent',
        by: 'never-gated',
        revision: 0,
        effects: [{ target: 'handle:3', action: 'engineering.modify' }],
      },
      { kind: 'outcome', readBack: [{ target: 'handle:3' }] },
    ]);
    expect(stage.log.of('change.never-gated')).toHaveLength(1);
    expect(stage.gate.reader(fire, 'point.read').permits(targetHandle(3))).toBe(true);
  });

  it('is forwarded while the journal is down or stuck, and recorded once it is back', async () => {
    const stage = Stage.set();
    const fire = stage.gate.callerOf(stage.peer('192.0.2.99'));
    stage.journal.setState({ writable: false, why: 'disk full' });
    expect(await stage.send(fire, stage.write('ahu/sp', 99))).toBe('sent');
    await stage.gate.stop();
    expect(stage.journal.durable).toEqual([]);
    stage.journal.setState({ writable: true });
    await stage.gate.stop();
    expect(stage.journal.durable.map(({ kind }) => kind)).toEqual(['intent', 'outcome']);
    stage.journal.auto = false;
    const sending = stage.send(fire, stage.write('ahu/sp', 99));
    await Promise.resolve();
    stage.time.pass(250);
    expect(await sending).toBe('sent');
    expect(stage.journal.waiting).toBe(2);
    stage.journal.flush();
    expect(stage.time.pending).toBe(0);
  });

  it('is not withdrawn by anything, not even another inventory', async () => {
    const stage = Stage.set();
    const fire = stage.gate.callerOf(stage.peer('192.0.2.99'));
    const permit = stage.permit(fire, stage.write('ahu/sp', 99));
    stage.gate.activate(snapshot());
    stage.gate.setFastLocks([{ id: 'l', why: 'w', role: 'admin', until: START + HOUR }]);
    stage.time.pass(10_000);
    expect(await stage.gate.redeem(permit, new Map())).toMatchObject({ redeemed: true });
  });

  it('counts for objects and whole devices where every target is listed', () => {
    const stage = Stage.set({ neverGated: { peers: [], targets: ['ahu/sp', 'vav'] } });
    const nobody = stage.gate.callerOf(stage.peer('192.0.2.1'));
    expect(stage.reason(nobody, stage.write('ahu/sp', 19))).toBe('permit');
    expect(stage.reason(nobody, stage.change([stage.effect('vav/sp', 1), stage.effect('vav', 1)]))).toBe('permit');
    expect(stage.reason(nobody, stage.change([stage.effect('vav/sp', 1), stage.effect('ahu/kp', 1)]))).toBe(
      'unattributed',
    );
    expect(stage.reason(nobody, stage.change([{ target: targetHandle(9999), asks: 'write' }]))).toBe('unattributed');
    const reader = stage.gate.reader(nobody, 'point.read');
    expect(['ahu/sp', 'vav/sp', 'vav', 'ahu/kp', 'hq'].map((id) => reader.permits(stage.handle(id)))).toEqual([
      true,
      true,
      true,
      false,
      false,
    ]);
  });

  it("may stand like any application's", async () => {
    const stage = Stage.set({
      applicationAddresses: [{ address: '192.0.2.99', principal: principalId('bms') }],
    });
    const fire = stage.gate.callerOf(stage.peer('192.0.2.99'));
    for (let count = 0; count < 3; count += 1) await stage.send(fire, stage.write('ahu/sp', 19, { sameness: 's' }));
    expect(stage.journal.rows('intent')).toMatchObject([{ by: 'never-gated', standing: true }]);
  });
});

describe('reading', () => {
  it('is nothing without a policy, then what the policy says, for each element', () => {
    const stage = new Stage();
    const ben = stage.as('ben');
    expect(stage.gate.reader(ben, 'point.read').permits(targetHandle(1))).toBe(false);
    stage.gate.activate(snapshot());
    expect(stage.gate.reader(ben, 'point.read').permits(stage.handle('ahu/sp'))).toBe(true);
    expect(stage.gate.reader(ben, 'alarm.view').permits(stage.handle('ahu/sp'))).toBe(false);
    const emil = stage.gate.reader(stage.as('emil'), 'point.read');
    expect([emil.permits(stage.handle('ahu/sp')), emil.permits(stage.handle('vav/sp'))]).toEqual([true, false]);
    expect(
      stage.gate.reader(stage.as('ben', { narrowToRole: 'admin' }), 'point.read').permits(stage.handle('ahu/sp')),
    ).toBe(false);
    stage.gate.countDeniedReads(ben, 3);
    expect(stage.gate.counters()).toMatchObject({ reads_denied: 3 });
  });

  it('goes on when the policy expired', () => {
    const stage = Stage.set({}, bundle({ expiresAt: new Date(START + HOUR).toISOString() }));
    stage.time.pass(2 * HOUR);
    expect(stage.gate.reader(stage.as('ben'), 'point.read').permits(stage.handle('ahu/sp'))).toBe(true);
  });

  it('keeps a mask over frames and connections, and drops it with the end of a grant, a lock, a swap, or doubt about time', () => {
    const until = new Date(START + HOUR).toISOString();
    const grants = [{ to: 'user:ben', role: 'viewer', at: 'hq', until }];
    const stage = Stage.set({}, bundle({}, { grants }));
    const ben = stage.as('ben');
    const reader = stage.gate.reader(ben, 'point.read');
    expect(stage.gate.reader(ben, 'point.read')).toBe(reader);
    expect(stage.gate.reader(stage.as('ben'), 'point.read')).toBe(reader);
    stage.time.isSure = false;
    expect(stage.gate.reader(ben, 'point.read').permits(stage.handle('ahu/sp'))).toBe(false);
    stage.time.isSure = true;
    expect(stage.gate.reader(ben, 'point.read').permits(stage.handle('ahu/sp'))).toBe(true);
    stage.gate.setFastLocks([{ id: 'l', why: 'w', principal: 'ben', until: START + MINUTE }]);
    expect(stage.gate.reader(ben, 'point.read').permits(stage.handle('ahu/sp'))).toBe(false);
    stage.time.pass(MINUTE);
    expect(stage.gate.reader(ben, 'point.read').permits(stage.handle('ahu/sp'))).toBe(true);
    stage.time.pass(HOUR);
    expect(stage.gate.reader(ben, 'point.read').permits(stage.handle('ahu/sp'))).toBe(false);
  });

  it('keeps a bounded number of masks', () => {
    const stage = Stage.set();
    const identity = { organization: 'acme', groups: [], role: 'Operator' };
    const zoe = stage.as('acme:https://id#zoe', { identity });
    const before = stage.gate.reader(zoe, 'point.read');
    for (let person = 0; person < 300; person += 1)
      stage.gate.reader(stage.as(`acme:https://id#p${person}`, { identity }), 'point.read');
    expect(before.permits(stage.handle('ahu/sp'))).toBe(true);
    expect(stage.gate.reader({ ...zoe }, 'point.read')).not.toBe(before);
  });
});
