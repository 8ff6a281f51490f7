// A second person: what the policy wants approved goes on only with so many others who may do the whole of it themselves.

import { describe, expect, it } from 'vitest';
import type { Approver, Change } from '../../src/contract/gate.ts';
import { principalId } from '../../src/model/ids.ts';
import { bundle, HOUR, MINUTE, START, Stage, snapshot } from './stage.ts';

const by = (...principals: string[]): readonly Approver[] =>
  principals.map((principal) => ({ principal: principalId(principal), channel: 'local' }));

const everything = [
  'point.read',
  'point.write',
  'device.view',
  'device.configure',
  'device.control',
  'firmware.update',
  'alarm.view',
  'alarm.threshold',
];
const chief = (approvals: object) => ({ id: 'chief', name: 'Chief', permissions: everything, approvals });

function policy(approvals: object = { 'firmware.update': 1, 'device.configure': 2 }, header: object = {}): object {
  const users = ['anna', 'ben', 'carl', 'dora', 'emil'].map((id) => ({
    id,
    name: id,
    home: 'acme',
    disabled: id === 'carl',
  }));
  return bundle(
    { users, ...header },
    {
      roles: [chief(approvals), { id: 'viewer', name: 'Viewer', permissions: ['point.read', 'device.view'] }],
      grants: [
        { to: 'user:anna', role: 'chief', at: 'hq' },
        { to: 'user:ben', role: 'viewer', at: 'hq' },
        { to: 'user:carl', role: 'chief', at: 'hq' },
        { to: 'user:dora', role: 'chief', at: 'hq', until: new Date(START + HOUR).toISOString() },
        { to: 'user:emil', role: 'chief', at: 'ahu' },
        { to: 'application:bms', role: 'chief', at: 'hq' },
      ],
    },
  );
}

const set = (approvals?: object, header?: object) => Stage.set({}, policy(approvals, header));
const update = (stage: Stage, approvedBy?: readonly Approver[]): Change<string> =>
  stage.change([stage.effect('ahu', undefined, { asks: 'firmware.update' })], { ...(approvedBy && { approvedBy }) });

describe('a change that the policy wants approved', () => {
  it('is refused without, whatever way it comes, and says what is missing', async () => {
    const stage = set();
    const tool = await stage.session('anna', '127.0.0.1');
    for (const caller of [stage.as('anna'), tool, stage.as('anna', { channel: 'remote' })]) {
      expect(stage.reason(caller, stage.write('ahu/kp', 1))).toBe('approval-required');
    }
    expect(stage.gate.judge(stage.as('anna'), update(stage))).toMatchObject({
      denial: {
        reason: 'approval-required',
        target: 'ahu',
        text: 'it needs the approval of `1` other person with the same right, and has `0`',
      },
    });
    expect(stage.gate.preview(stage.as('anna'), stage.write('ahu/kp', 1, { approvedBy: by('dora') }))).toMatchObject({
      reason: 'approval-required',
      text: 'it needs the approval of `2` other persons with the same right, and has `1`',
    });
    expect(await stage.send(stage.as('anna'), stage.write('ahu/sp'))).toBe('sent');
  });

  it.each([
    ['nobody', [], false],
    ['somebody with the same right', ['dora'], true],
    ['themselves', ['anna'], false],
    ['somebody who may not', ['ben'], false],
    ['somebody who is disabled', ['carl'], false],
    ['somebody nobody knows', ['zoe'], false],
    ['an application', ['bms'], false],
    ['somebody with the same right among others', ['ben', 'emil', 'anna'], true],
  ])('approved by %s', async (_whom, whom, goes) => {
    const stage = set();
    expect(await stage.send(stage.as('anna'), update(stage, by(...whom)))).toBe(goes ? 'sent' : 'approval-required');
    const approved = goes ? whom.filter((each) => each === 'dora' || each === 'emil') : undefined;
    expect(stage.journal.rows('intent').map(({ approvedBy }) => approvedBy)).toEqual(goes ? [approved] : []);
  });

  it('counts each person once, and one who may do only a part of it not', async () => {
    const stage = set();
    const anna = stage.as('anna');
    expect(stage.reason(anna, stage.write('ahu/kp', 1, { approvedBy: by('dora', 'dora') }))).toBe('approval-required');
    expect(stage.reason(anna, stage.write('ahu/kp', 1, { approvedBy: by('dora', 'emil') }))).toBe('permit');
    const both = stage.change([stage.effect('ahu/kp', 1), stage.effect('vav/kp', 1)], {
      approvedBy: by('dora', 'emil'),
    });
    expect(stage.reason(anna, both)).toBe('approval-required');
  });

  it('is what is said last: whatever else stands against it comes first', () => {
    const stage = set({ 'point.write': 1, 'firmware.update': 1 });
    const anna = stage.as('anna');
    expect(stage.reason(anna, stage.write('ahu/sp', 99))).toBe('out-of-limits');
    stage.gate.holdDevice(anna, stage.handle('ahu'), 'j');
    expect(stage.reason(anna, update(stage))).toBe('transfer-in-progress');
    expect(stage.reason(anna, { ...update(stage), job: 'j' })).toBe('approval-required');
  });

  it('asks by the channel and the identity of who approved', () => {
    const stage = Stage.set(
      {},
      {
        ...policy(),
        organizations: [
          {
            ...(policy() as { organizations: [object] }).organizations[0],
            refusedByTool: ['firmware.update'],
            identityProvider: { issuer: 'https://id.example', client: 'gatehouse' },
          },
        ],
      },
    );
    const [dora] = by('dora');
    if (dora === undefined) throw new Error('nobody');
    expect(stage.reason(stage.as('anna'), update(stage, [{ ...dora, channel: 'tool' }]))).toBe('approval-required');
    const guest = { principal: principalId('acme:idp#1'), channel: 'local' } as const;
    const identity = { organization: 'acme', groups: [], role: 'Chief' };
    expect(stage.reason(stage.as('anna'), update(stage, [{ ...guest, identity: { ...identity, role: 'x' } }]))).toBe(
      'approval-required',
    );
    expect(stage.reason(stage.as('anna'), update(stage, [{ ...guest, identity }]))).toBe('permit');
  });

  it('is withdrawn where who approved was revoked, or their right ended, before it went out', async () => {
    const stage = set();
    const anna = stage.as('anna');
    const permit = stage.permit(anna, update(stage, by('dora')));
    stage.gate.setFastLocks([{ id: 'f', why: 'left', principal: 'dora', until: START + HOUR }]);
    expect(await stage.gate.redeem(permit, new Map())).toMatchObject({ denial: { reason: 'approval-required' } });
    stage.gate.setFastLocks([]);
    stage.time.pass(HOUR - 1);
    const late = stage.permit(anna, update(stage, by('dora')));
    stage.time.pass(1);
    expect(await stage.gate.redeem(late, new Map())).toMatchObject({ denial: { reason: 'approval-required' } });
  });

  it('says who approved also where nobody had to, and stands in a row of its own each time', async () => {
    const stage = set({});
    const bms = stage.gate.callerOf(stage.peer('192.0.2.50'));
    const same = { sameness: 'sp', approvedBy: by('dora', 'ben') };
    for (let turn = 0; turn < 2; turn += 1) await stage.send(bms, stage.write('ahu/sp', 19, same));
    expect(stage.journal.rows('intent').map(({ approvedBy }) => approvedBy)).toEqual([['dora'], ['dora']]);
  });

  it('is put back without: what undoes belongs to what was permitted', async () => {
    const stage = set();
    const permit = stage.permit(stage.as('anna'), stage.write('ahu/kp', 5, { approvedBy: by('dora', 'emil') }));
    await stage.gate.redeem(permit, new Map([[stage.handle('ahu/kp'), { value: 3 }]]));
    stage.gate.settle(permit, { kind: 'acknowledged' });
    expect(stage.gate.undoPermit(permit, stage.write('ahu/kp', 3))).toMatchObject({ permitted: true });
  });

  it('goes on and is recorded while the policy observes, but for firmware', async () => {
    const stage = set(undefined, { mode: 'observe', observeUntil: new Date(START + HOUR).toISOString() });
    const anna = stage.as('anna');
    expect(await stage.send(anna, stage.write('ahu/kp', 1))).toBe('sent');
    expect(stage.journal.rows('intent')).toMatchObject([{ by: 'observed', wouldDeny: 'approval-required' }]);
    expect(await stage.send(anna, update(stage))).toBe('approval-required');
  });

  it('of a job whose approval was withdrawn is finished where the device says so', async () => {
    const stage = set();
    const anna = stage.as('anna');
    const step = (device: 'ahu' | 'vav') =>
      stage.write(`${device}/fw`, 1, {
        transfer: { device: stage.handle(device), ends: false },
        job: 'j',
        approvedBy: by('dora'),
      });
    for (const device of ['ahu', 'vav'] as const) {
      stage.gate.holdDevice(anna, stage.handle(device), 'j');
      expect(await stage.send(anna, step(device))).toBe('sent');
    }
    stage.gate.setFastLocks([{ id: 'f', why: 'left', principal: 'dora', until: START + HOUR }]);
    expect([await stage.send(anna, step('ahu')), await stage.send(anna, step('vav'))]).toEqual([
      'approval-required',
      'sent',
    ]);
    expect(stage.journal.rows('intent').at(-1)).toMatchObject({ wouldDeny: 'approval-required' });
  });
});

describe('how many must approve', () => {
  it('is the most of what a change asks, and none where it is denied, never gated, or nothing is in force', () => {
    const stage = set();
    const needed = (who: string, change: Change<unknown>) => stage.gate.approvalsFor(stage.as(who), change);
    const both = stage.change([stage.effect('ahu', undefined, { asks: 'firmware.update' }), stage.effect('ahu/kp', 1)]);
    expect([
      needed('anna', stage.write('ahu/sp')),
      needed('anna', update(stage)),
      needed('anna', both),
      needed('anna', update(stage, by('dora'))),
      needed('ben', update(stage)),
    ]).toEqual([0, 1, 2, 1, 0]);
    const never = Stage.set({ neverGated: { peers: [], targets: ['ahu'] } }, policy());
    expect(never.gate.approvalsFor(never.as('anna'), update(never))).toBe(0);
    const asked = update(stage);
    expect(new Stage().gate.approvalsFor(stage.as('anna'), asked)).toBe(0);
  });
});

describe('a step of a job in its starter’s name', () => {
  const proof = { kind: 'job', job: 'j1' } as const;

  it('needs no sign-in any more, and is judged by what the policy says of the person now', async () => {
    const stage = set({});
    const anna = stage.as('anna', { proof, from: 'job j1', peer: 'job j1' });
    expect(await stage.send(anna, stage.write('ahu/sp', 19, { job: 'j1' }))).toBe('sent');
    expect(stage.journal.rows('intent')).toMatchObject([{ who: { principal: 'anna', proof }, job: 'j1' }]);
    expect(stage.log.of('change.forwarded').at(-1)).toContain('`anna` (a job in their name, job j1)');
    stage.gate.activate(snapshot(bundle({ revision: 8 }, { grants: [] })));
    expect(stage.reason(anna, stage.write('ahu/sp', 19, { job: 'j1' }))).toBe('no-role');
  });

  it('is of no person whom the policy does not know', () => {
    const stage = set({});
    expect(stage.reason(stage.as(null, { proof }), stage.write('ahu/sp'))).toBe('unattributed');
    expect(stage.reason(stage.as('zoe', { proof }), stage.write('ahu/sp'))).toBe('unknown-principal');
  });

  it('is never what a frame comes with', () => {
    const stage = set({});
    const peers = ['127.0.0.1', '192.0.2.50'].map((address) => stage.peer(address));
    const certified = stage.peer('192.0.2.1', { subject: 'CN=job,O=Acme', fingerprint: 'job', role: 'job' });
    expect([...peers, certified].map((peer) => stage.gate.callerOf(peer).proof.kind)).toEqual([
      'none',
      'application-address',
      'certificate',
    ]);
  });
});

describe('a change that came too late', () => {
  it('is not judged in its caller’s name any more', async () => {
    const stage = set({});
    const until = START + MINUTE;
    const command = stage.as('anna', { until });
    const permit = stage.permit(command, stage.write('ahu/sp'));
    stage.time.pass(MINUTE);
    expect(await stage.gate.redeem(permit, new Map())).toMatchObject({ denial: { reason: 'unattributed' } });
    expect(stage.reason(command, stage.write('ahu/sp'))).toBe('unattributed');
  });
});
