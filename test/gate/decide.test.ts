// What the gate denies and in which order, on the real kernel.

import { describe, expect, it } from 'vitest';
import { targetHandle } from '../../src/model/ids.ts';
import { bundle, HOUR, MINUTE, START, Stage, snapshot } from './stage.ts';

const raw = { rawImage: true } as const;

describe('decide', () => {
  it('denies everything before there is a policy', () => {
    const stage = new Stage();
    const change = {
      what: 1,
      operation: 'write',
      effects: [{ target: targetHandle(3), asks: 'write', value: 1 }],
    } as const;
    expect(stage.reason(stage.as('anna'), change)).toBe('no-policy');
    expect(stage.journal.rows('refusal')).toMatchObject([{ reason: 'no-policy', effects: [{ target: 'handle:3' }] }]);
  });

  it('denies `stale-policy` from expiry on, and lets only set points go on for the hours of grace', () => {
    const stage = Stage.set({}, bundle({ expiresAt: new Date(START + HOUR).toISOString(), graceHours: 1 }));
    const anna = stage.as('anna');
    expect(stage.reason(anna, stage.write('ahu/kp', 1))).toBe('permit');
    stage.time.pass(HOUR);
    expect(stage.reason(anna, stage.write('ahu/kp', 1))).toBe('stale-policy');
    expect(stage.reason(anna, stage.write('ahu/sp', 19))).toBe('permit');
    expect(stage.reason(anna, stage.change([stage.effect('ahu/sp', 19), stage.effect('ahu/kp', 1)]))).toBe(
      'stale-policy',
    );
    stage.time.pass(HOUR);
    expect(stage.reason(anna, stage.write('ahu/sp', 19))).toBe('stale-policy');
  });

  it('denies `unattributed` where a peer without identity changes anything, and leaves other actions to their right', () => {
    const stage = Stage.set();
    const nobody = stage.gate.callerOf(stage.peer('192.0.2.1'));
    expect(stage.reason(nobody, stage.write('ahu/sp'))).toBe('unattributed');
    const acknowledge = stage.change([stage.effect('ahu/sp', undefined, { asks: 'alarm.acknowledge' })]);
    expect(stage.reason(nobody, acknowledge)).toBe('no-role');
    expect(stage.reason(stage.as('anna'), acknowledge)).toBe('permit');
  });

  it('denies `unknown-point` for a handle the inventory does not hold, and for a place', () => {
    const stage = Stage.set();
    const change = stage.change([stage.effect('ahu/sp', 19), { target: targetHandle(9999), asks: 'write', value: 1 }]);
    expect(stage.reason(stage.as('anna'), change)).toBe('unknown-point');
    const place = stage.change([{ target: stage.handle('hq'), asks: 'device.configure' }]);
    expect(stage.reason(stage.as('anna'), place)).toBe('unknown-point');
  });

  it.each([
    ['ahu/sp', 'emil', 'permit'],
    ['ahu/fan', 'emil', 'permit'],
    ['ahu/kp', 'emil', 'permit'],
    ['ahu/hi', 'emil', 'permit'],
    ['ahu/fw', 'emil', 'no-permission'],
    ['ahu/t', 'emil', 'no-permission'],
    ['ahu', 'emil', 'no-permission'],
    ['ahu/t', 'anna', 'permit'],
    ['vav/sp', 'emil', 'out-of-scope'],
    ['ahu/sched', 'emil', 'out-of-scope'],
  ])('asks the action of the class of `%s` for %s: %s', (id, who, expected) => {
    const stage = Stage.set();
    expect(stage.reason(stage.as(who), stage.write(id, 19))).toBe(expected);
  });

  it('denies the whole change for one target, and names the first one in the order of the change', () => {
    const stage = Stage.set();
    const change = stage.change([
      stage.effect('ahu/sp', 19),
      stage.effect('vav/kp', 1),
      stage.effect('ahu/kp', 1),
      stage.effect('vav/sp', 1),
      stage.effect('ahu/fw', 1),
    ]);
    const judged = stage.gate.judge(stage.as('emil'), change);
    expect(judged).toMatchObject({ permitted: false, denial: { reason: 'out-of-scope', target: 'vav/kp' } });
    expect(judged.permitted ? [] : judged.denial.verdicts.map(({ target }) => target)).toEqual([
      'ahu/sp',
      'vav/sp',
      'vav/kp',
      'ahu/kp',
      'ahu/fw',
    ]);
    const [row] = stage.journal.rows('refusal');
    expect(row?.effects).toMatchObject([
      { target: 'ahu/sp', device: 'ahu', action: 'point.write', new: 19 },
      { target: 'vav/kp', reason: 'out-of-scope' },
      { target: 'ahu/kp' },
      { target: 'vav/sp', reason: 'out-of-scope' },
      { target: 'ahu/fw', reason: 'no-permission' },
    ]);
  });

  it('names the involved target that denied, in the place of the point that involves it', () => {
    const stage = Stage.set();
    const change = stage.change([stage.effect('ahu/sp', 19), stage.effect('ahu/sched', 1), stage.effect('vav/kp', 1)]);
    expect(stage.gate.judge(stage.as('emil'), change)).toMatchObject({ denial: { target: 'vav/sp' } });
  });

  it('says the lock and what is missing', () => {
    const stage = Stage.set();
    stage.gate.setFastLocks([{ id: 'stop', why: 'fire', principal: 'anna', until: START + HOUR }]);
    expect(stage.gate.judge(stage.as('anna'), stage.write('ahu/sp'))).toMatchObject({
      denial: { reason: 'locked', text: expect.stringContaining('(lock `stop`)') },
    });
    expect(stage.gate.judge(stage.as('nobody'), stage.write('ahu/sp'))).toMatchObject({
      denial: { reason: 'unknown-principal', verdicts: [] },
    });
  });

  it("asks life safety for priorities 1 and 2, and the role's range for the rest", () => {
    const stage = Stage.set();
    const at = (priority: number) => stage.change([stage.effect('vav/sp', 1, { priority })]);
    expect(stage.gate.judge(stage.as('anna'), at(1))).toMatchObject({ permitted: false });
    expect(stage.reason(stage.as('anna'), at(3))).toBe('priority-reserved');
    expect(stage.reason(stage.as('anna'), at(8))).toBe('permit');
  });

  it('keeps locks of the fast channel over a swap, also those that came before the first policy', () => {
    const stage = new Stage();
    stage.gate.setFastLocks([{ id: 'stop', why: 'fire', principal: 'anna', until: START + HOUR }]);
    stage.gate.activate(snapshot());
    expect(stage.reason(stage.as('anna'), stage.write('ahu/sp'))).toBe('locked');
    stage.gate.activate(snapshot(bundle({ revision: 8 })));
    expect(stage.reason(stage.as('anna'), stage.write('ahu/sp'))).toBe('locked');
    stage.gate.setFastLocks([]);
    expect(stage.reason(stage.as('anna'), stage.write('ahu/sp'))).toBe('permit');
  });

  it('denies `image-unverified` for raw firmware unless the device accepts it', () => {
    const stage = Stage.set();
    const tool = stage.as('anna', { channel: 'tool' });
    const tls = stage.as('anna', { channel: 'tls' });
    const local = stage.as('anna');
    expect(stage.reason(tool, stage.write('chiller/fw', 1))).toBe('image-unverified');
    expect(stage.reason(tls, stage.write('chiller/fw', 1))).toBe('image-unverified');
    expect(stage.reason(local, stage.write('chiller/fw', 1))).toBe('permit');
    expect(stage.reason(local, stage.write('chiller/fw', 1, raw))).toBe('image-unverified');
    expect(stage.reason(tool, stage.write('ahu/fw', 1, raw))).toBe('permit');
  });

  it('judges the value against the limits, and a relinquish against none', () => {
    const stage = Stage.set();
    const anna = stage.as('anna');
    expect(stage.gate.judge(anna, stage.write('ahu/sp', 30))).toMatchObject({
      denial: { reason: 'out-of-limits', target: 'ahu/sp', text: expect.stringContaining('expected at most `24`') },
    });
    expect(stage.reason(anna, stage.write('ahu/sp', 19.25))).toBe('out-of-limits');
    expect(stage.reason(anna, stage.write('ahu/sp', null))).toBe('permit');
    expect(stage.reason(anna, stage.write('ahu/kp', Number.NaN))).toBe('out-of-limits');
    expect(stage.reason(anna, stage.write('ahu', Number.NaN))).toBe('permit');
    expect(stage.journal.rows('refusal').at(-1)?.effects).toMatchObject([{ new: { float: 'NaN' } }]);
  });

  it('denies a write of unknown value to a point with limits, but not another action on it', () => {
    const stage = Stage.set();
    const anna = stage.as('anna');
    expect(stage.reason(anna, stage.change([stage.effect('ahu/sp')]))).toBe('out-of-limits');
    expect(stage.reason(anna, stage.change([stage.effect('vav/sp')]))).toBe('permit');
    expect(stage.reason(anna, stage.change([stage.effect('ahu/sp', undefined, { asks: 'device.control' })]))).toBe(
      'permit',
    );
  });

  it('denies `rate-limited` once the changes of an hour are used up, counting what was sent', async () => {
    const stage = Stage.set();
    const anna = stage.as('anna');
    for (let judged = 0; judged < 5; judged += 1) expect(stage.reason(anna, stage.write('ahu/slow', 1))).toBe('permit');
    expect(await stage.send(anna, stage.write('ahu/slow', 1))).toBe('sent');
    stage.time.pass(30 * MINUTE);
    expect(await stage.send(anna, stage.write('ahu/slow', 2))).toBe('sent');
    expect(await stage.send(anna, stage.write('ahu/slow', 3))).toBe('rate-limited');
    expect(await stage.send(anna, stage.write('ahu/slow', null))).toBe('sent');
    stage.time.pass(30 * MINUTE);
    expect(await stage.send(anna, stage.write('ahu/slow', 3))).toBe('sent');
    expect(await stage.send(anna, stage.write('ahu/slow', 3))).toBe('rate-limited');
    stage.time.pass(2 * HOUR);
    expect(await stage.send(anna, stage.write('ahu/slow', 3))).toBe('sent');
  });

  it('denies `rate-limited` a change in which a point stands more often than it may change', async () => {
    const stage = Stage.set();
    const anna = stage.as('anna');
    const often = (count: number) => {
      const effects = Array.from({ length: count }, (_, at) => stage.effect('ahu/slow', at));
      return stage.change([stage.effect('ahu/sp', 20), ...effects]);
    };
    expect(stage.reason(anna, often(3))).toBe('rate-limited');
    expect(await stage.send(anna, often(2))).toBe('sent');
    expect(await stage.send(anna, stage.write('ahu/slow', 3))).toBe('rate-limited');
    stage.time.pass(HOUR);
    const read = stage.effect('ahu/slow', undefined, { asks: 'point.read' });
    const readAndWritten = () => stage.change([stage.effect('ahu/slow', 1), read]);
    for (let sent = 0; sent < 2; sent += 1) expect(await stage.send(anna, readAndWritten())).toBe('sent');
    expect(await stage.send(anna, readAndWritten())).toBe('rate-limited');
  });

  it('denies `journal-unavailable` while nothing can be recorded', () => {
    const stage = Stage.set();
    stage.journal.setState({ writable: false, why: 'disk full' });
    expect(stage.gate.judge(stage.as('anna'), stage.write('ahu/sp'))).toMatchObject({
      denial: { reason: 'journal-unavailable', text: 'the change cannot be recorded: disk full' },
    });
  });

  it('narrows to the role of a certificate', () => {
    const stage = Stage.set();
    expect(stage.reason(stage.as('anna', { narrowToRole: 'admin' }), stage.write('ahu/sp'))).toBe('permit');
    expect(stage.reason(stage.as('anna', { narrowToRole: 'viewer' }), stage.write('ahu/sp'))).toBe('no-role');
  });

  it('knows people of an identity provider by what the provider said', () => {
    const stage = Stage.set();
    const identity = { organization: 'acme', groups: [], role: 'Operator' };
    expect(stage.reason(stage.as('acme:https://id#zoe', { identity }), stage.write('ahu/sp'))).toBe('permit');
    expect(stage.reason(stage.as('acme:https://id#zoe'), stage.write('ahu/sp'))).toBe('unknown-principal');
  });

  it('judges on unsure time as the kernel does', () => {
    const stage = Stage.set(
      {},
      bundle(
        {},
        { grants: [{ to: 'user:anna', role: 'admin', at: 'hq', until: new Date(START + HOUR).toISOString() }] },
      ),
    );
    expect(stage.reason(stage.as('anna'), stage.write('ahu/sp'))).toBe('permit');
    stage.time.isSure = false;
    expect(stage.reason(stage.as('anna'), stage.write('ahu/sp'))).not.toBe('permit');
    expect(stage.journal.rows('refusal')).toMatchObject([{ clockUnsure: true }]);
  });
});
