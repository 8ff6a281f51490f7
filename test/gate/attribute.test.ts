// Who is it? The strongest proof at hand, and the rules of tool sessions.

import { describe, expect, it } from 'vitest';
import { principalId, sessionId, targetId } from '../../src/model/ids.ts';
import { ADMINISTRATOR, bundle, HOUR, MINUTE, START, Stage, snapshot } from './stage.ts';

const certificate = (subject: string, more: object = {}) => ({ subject, fingerprint: 'aa', ...more });

describe('callerOf', () => {
  it('takes nobody for `anyone`, by channel tool', () => {
    const stage = Stage.set();
    expect(stage.gate.callerOf(stage.peer('192.0.2.7'))).toEqual({
      principal: null,
      channel: 'tool',
      proof: { kind: 'none' },
      from: '192.0.2.7:40000',
      peer: '192.0.2.7',
      driver: 'modbus',
    });
    expect(stage.gate.callerOf(stage.peer('2001:DB8::7')).from).toBe('[2001:db8::7]:40000');
    expect(stage.gate.callerOf(stage.peer('plant:0a01')).peer).toBe('plant:0a01');
  });

  it('knows an application by its configured address, however it is spelled', () => {
    const stage = Stage.set();
    expect(stage.gate.callerOf(stage.peer('::ffff:192.0.2.50'))).toMatchObject({
      principal: 'bms',
      channel: 'tool',
      proof: { kind: 'application-address', address: '192.0.2.50' },
    });
  });

  it('knows a certificate by its subject and by its fingerprint, before any address', async () => {
    const stage = Stage.set();
    const anna = stage.gate.callerOf(stage.peer('192.0.2.50', certificate('cn = anna,O=Acme', { role: 'admin' })));
    expect(anna).toMatchObject({
      principal: 'anna',
      channel: 'tls',
      proof: { kind: 'certificate', subject: 'cn = anna,O=Acme', fingerprint: 'aa', role: 'admin' },
      narrowToRole: 'admin',
    });
    const ben = stage.gate.callerOf(stage.peer('192.0.2.50', certificate('CN=anna,O=Acme', { fingerprint: 'be' })));
    expect(ben.principal).toBe('ben');
    expect(ben.narrowToRole).toBeUndefined();
  });

  it('keeps an escaped comma within its value', () => {
    const users = [{ id: 'anna', name: 'Anna', home: 'acme', certificates: ['CN=Smith\\, Anna,O=Acme'] }];
    const stage = Stage.set({}, bundle({ users }, { grants: [] }));
    expect(stage.gate.callerOf(stage.peer('192.0.2.1', certificate('CN=Smith\\, Anna, O=Acme'))).principal).toBe(
      'anna',
    );
    expect(stage.gate.callerOf(stage.peer('192.0.2.1', certificate('CN=Smith'))).principal).toBeNull();
  });

  it('takes a certificate of nobody, of a disabled person, or of two persons for nobody, and falls back on no address', async () => {
    const stage = Stage.set();
    await stage.session('anna', '127.0.0.1');
    for (const subject of ['CN=mallory', 'CN=carl', 'CN=shared,O=Acme']) {
      for (const address of ['127.0.0.1', '192.0.2.50']) {
        const caller = stage.gate.callerOf(stage.peer(address, certificate(subject)));
        expect(caller).toMatchObject({ principal: null, channel: 'tls', proof: { kind: 'certificate' } });
        expect(stage.reason(caller, stage.write('ahu/sp'))).toBe('unattributed');
      }
    }
  });

  it("gives one object for one peer as long as nobody's standing changes", async () => {
    const stage = Stage.set();
    const peer = stage.peer('127.0.0.1');
    const before = stage.gate.callerOf(peer);
    expect(stage.gate.callerOf(peer)).toBe(before);
    await stage.session('anna', '127.0.0.1');
    const during = stage.gate.callerOf(peer);
    expect(during.principal).toBe('anna');
    expect(stage.gate.callerOf(peer)).toBe(during);
    stage.time.pass(HOUR, false);
    expect(stage.gate.callerOf(peer).principal).toBeNull();
  });

  it("admits peers whose certificate is somebody's who stands", () => {
    const stage = new Stage();
    const anna = stage.peer('192.0.2.1', certificate('CN=anna,O=Acme'));
    expect(stage.gate.admits(anna)).toBe(true);
    stage.gate.activate(snapshot());
    expect(stage.gate.admits(anna)).toBe(true);
    expect(stage.gate.admits(stage.peer('192.0.2.1'))).toBe(true);
    expect(stage.gate.admits(stage.peer('192.0.2.1', certificate('CN=mallory')))).toBe(false);
    stage.gate.setFastLocks([{ id: 'l', why: 'w', principal: 'anna', until: START + HOUR }]);
    expect(stage.gate.admits(anna)).toBe(false);
  });
});

describe('tool sessions', () => {
  const claim = (more: object = {}) => ({
    principal: principalId('anna'),
    address: '127.0.0.1',
    forMs: HOUR,
    by: ADMINISTRATOR,
    ...more,
  });
  const refusal = async (stage: Stage, more: object = {}) => {
    const opened = await stage.gate.openSession(claim(more));
    return opened.ok ? 'opened' : opened.fault.reason;
  };

  it('binds a person to an address, is recorded before it is in force, and ends by time', async () => {
    const stage = Stage.set();
    stage.journal.auto = false;
    const opening = stage.gate.openSession(claim());
    expect(stage.gate.callerOf(stage.peer('127.0.0.1')).principal).toBeNull();
    stage.journal.flush();
    const opened = await opening;
    expect(opened).toMatchObject({
      ok: true,
      value: { principal: 'anna', address: '127.0.0.1', until: START + HOUR, shared: true },
    });
    expect(stage.gate.callerOf(stage.peer('127.0.0.1'))).toMatchObject({
      principal: 'anna',
      proof: { kind: 'tool-session' },
    });
    expect(stage.gate.sessions()).toEqual(opened.ok ? [opened.value] : []);
    stage.journal.auto = true;
    stage.time.pass(HOUR);
    expect(stage.gate.sessions()).toEqual([]);
    expect(stage.journal.rows('session').map(({ event, why }) => [event, why])).toEqual([
      ['opened', undefined],
      ['ended', 'its time is up'],
    ]);
  });

  it('does not last longer because the clock is set back', async () => {
    const stage = Stage.set();
    await stage.session('anna', '127.0.0.1');
    stage.time.wall -= 10 * HOUR;
    stage.time.pass(HOUR);
    expect(stage.gate.callerOf(stage.peer('127.0.0.1')).principal).toBeNull();
  });

  it.each([
    ['unknown-principal', { principal: principalId('mallory') }],
    ['unknown-principal', { principal: principalId('carl') }],
    [
      'unknown-principal',
      { principal: principalId('acme:https://id#zoe'), identity: { organization: 'acme', groups: [] } },
    ],
    ['bad-address', { address: 'localhost' }],
    ['bad-duration', { forMs: 0 }],
    ['bad-duration', { forMs: Number.NaN }],
    ['bad-duration', { forMs: 8 * HOUR + 1 }],
    ['unknown-device', { devices: [targetId('nothing')] }],
    ['unknown-device', { devices: [targetId('ahu/sp')] }],
    ['application-address', { address: '192.0.2.50' }],
    ['not-on-link', { address: '192.0.2.7' }],
    ['shared-link', { address: '192.0.2.8' }],
    ['opened', { address: '192.0.2.9' }],
    ['opened', { forMs: 8 * HOUR, devices: [targetId('ahu')] }],
  ])('is %s for %o', async (expected, more) => {
    const stage = Stage.set();
    stage.links.set('192.0.2.8', { hardwareAddress: '02:00:00:00:00:01', alone: false });
    stage.links.set('192.0.2.9', { hardwareAddress: '02:00:00:00:00:02', alone: true });
    expect(await refusal(stage, more)).toBe(expected);
  });

  it('counts loopback as shared only where the site lists it', async () => {
    const stage = Stage.set({ sharedNetworks: [] });
    expect(await refusal(stage)).toBe('not-on-link');
  });

  it('needs a policy, a principal that is not locked, and a record', async () => {
    expect(await refusal(new Stage())).toBe('no-policy');
    const stage = Stage.set();
    stage.gate.setFastLocks([{ id: 'l', why: 'w', principal: 'anna', until: START + HOUR }]);
    expect(await refusal(stage)).toBe('locked');
    stage.gate.setFastLocks([]);
    stage.journal.setState({ writable: false, why: 'disk full' });
    expect(await refusal(stage)).toBe('journal-unavailable');
    expect(stage.gate.sessions()).toEqual([]);
    stage.journal.setState({ writable: true });
    expect(await refusal(stage)).toBe('opened');
  });

  it('gives an address to one person, also while the first claim is on its way, and both see it', async () => {
    const stage = Stage.set();
    stage.journal.auto = false;
    const first = stage.gate.openSession(claim());
    expect(await stage.gate.openSession(claim({ principal: principalId('ben') }))).toMatchObject({
      fault: { reason: 'address-in-use', holder: 'anna' },
    });
    expect(await refusal(stage)).toBe('address-in-use');
    stage.journal.flush();
    await first;
    stage.journal.auto = true;
    expect(await refusal(stage, { principal: principalId('ben'), address: '::ffff:127.0.0.1' })).toBe('address-in-use');
    expect(stage.log.of('session.contested')).toContain('`ben` claimed `127.0.0.1`, which is in use by `anna`');
    expect(await refusal(stage)).toBe('opened');
    expect(stage.journal.rows('session').map(({ why }) => why)).toEqual([undefined, undefined, 'renewed']);
    expect(stage.gate.sessions()).toHaveLength(1);
  });

  it('lets another person have an address whose session is over, even before its timer ran', async () => {
    const stage = Stage.set();
    await stage.session('anna', '127.0.0.1');
    stage.time.pass(HOUR, false);
    expect(await refusal(stage, { principal: principalId('ben') })).toBe('opened');
    expect(stage.gate.callerOf(stage.peer('127.0.0.1')).principal).toBe('ben');
  });

  it('is not in force where the person was revoked while its row went to disk', async () => {
    const stage = Stage.set();
    stage.journal.auto = false;
    const opening = stage.gate.openSession(claim());
    stage.gate.setFastLocks([{ id: 'l', why: 'w', principal: 'anna', until: START + HOUR }]);
    stage.journal.flush();
    expect(await opening).toMatchObject({ ok: false, fault: { reason: 'locked' } });
    stage.journal.flush();
    await stage.gate.stop();
    expect(stage.journal.rows('session').map(({ event }) => event)).toEqual(['opened', 'ended']);
    expect(stage.gate.sessions()).toEqual([]);
  });

  it('is bounded in number', async () => {
    const stage = Stage.set();
    for (let host = 0; host < 256; host += 1) {
      expect(await refusal(stage, { address: `127.0.1.${host}` })).toBe('opened');
    }
    expect(await refusal(stage, { address: '127.0.2.1' })).toBe('too-many-sessions');
    expect(await refusal(stage, { address: '127.0.1.1' })).toBe('opened');
  });

  it('ends by hand, once', async () => {
    const stage = Stage.set();
    const caller = await stage.session('anna', '127.0.0.1');
    const id = caller.session ?? sessionId('');
    expect(stage.gate.endSession(id, ADMINISTRATOR, 'signed out')).toBe(true);
    expect(stage.gate.endSession(id, ADMINISTRATOR, 'signed out')).toBe(false);
    expect(stage.journal.rows('session').at(-1)).toMatchObject({
      event: 'ended',
      why: 'signed out',
      who: ADMINISTRATOR,
    });
    expect(stage.reason(caller, stage.write('ahu/sp'))).toBe('unattributed');
  });

  it('ends when its principal loses its standing: removed, disabled, locked', async () => {
    const stage = Stage.set();
    await stage.session('anna', '127.0.0.1');
    await stage.session('ben', '127.0.0.2');
    stage.gate.setFastLocks([{ id: 'l', why: 'w', principal: 'anna', until: START + HOUR }]);
    expect(stage.gate.sessions().map(({ principal }) => principal)).toEqual(['ben']);
    stage.gate.activate(snapshot(bundle({ users: [{ id: 'anna', name: 'Anna', home: 'acme' }] }, { grants: [] })));
    expect(stage.gate.sessions()).toEqual([]);
    expect(stage.journal.rows('session').map(({ why }) => why)).toEqual([
      undefined,
      undefined,
      'its principal is locked',
      'its principal is unknown-principal',
    ]);
  });

  it('ends when the link-layer address changes, not when the table forgot it', async () => {
    const stage = Stage.set();
    stage.links.set('192.0.2.9', { hardwareAddress: '02:00:00:00:00:02', alone: true });
    await stage.session('anna', '192.0.2.9');
    await stage.session('ben', '127.0.0.1');
    stage.gate.checkLinks();
    stage.links.clear();
    stage.gate.checkLinks();
    expect(stage.gate.sessions()).toHaveLength(2);
    stage.links.set('192.0.2.9', { hardwareAddress: '02:00:00:00:00:03', alone: true });
    stage.gate.checkLinks();
    expect(stage.gate.sessions().map(({ principal }) => principal)).toEqual(['ben']);
    expect(stage.log.of('session.ended')[0]).toContain('link-layer address changed');
  });

  it('ends at the periodic look where a lock came into force by its own time', async () => {
    const stage = Stage.set();
    await stage.session('anna', '127.0.0.1');
    stage.gate.setFastLocks([{ id: 'l', why: 'w', principal: 'anna', from: START + MINUTE, until: START + HOUR }]);
    expect(stage.gate.sessions()).toHaveLength(1);
    stage.time.pass(MINUTE);
    stage.gate.checkLinks();
    expect(stage.gate.sessions()).toEqual([]);
  });

  it('changes only the devices it was narrowed to; what a point involves counts too', async () => {
    const stage = Stage.set();
    const caller = await stage.session('anna', '127.0.0.1', { devices: [targetId('ahu')] });
    expect(stage.reason(caller, stage.write('ahu/sp'))).toBe('permit');
    expect(stage.reason(caller, stage.write('ahu', 1))).toBe('permit');
    expect(stage.gate.judge(caller, stage.write('vav/sp'))).toMatchObject({
      denial: { reason: 'out-of-scope', target: 'vav/sp' },
    });
    expect(stage.reason(caller, stage.write('ahu/sched'))).toBe('out-of-scope');
    expect(stage.gate.sessions()).toMatchObject([{ devices: ['ahu'] }]);
    expect(stage.gate.reader(caller, 'point.read').permits(stage.handle('vav/sp'))).toBe(true);
  });

  it('ends when the gateway stops', async () => {
    const stage = Stage.set();
    await stage.session('ben', '127.0.0.1');
    await stage.gate.stop();
    expect(stage.journal.rows('session').at(-1)).toMatchObject({ event: 'ended', why: 'the gateway stops' });
    expect(stage.time.pending).toBe(0);
  });

  it('carries what an identity provider said', async () => {
    const stage = Stage.set();
    const identity = { organization: 'acme', groups: [], role: 'Operator' };
    const caller = await stage.session('acme:https://id#zoe', '127.0.0.1', { identity });
    expect(caller.identity).toEqual(identity);
    expect(stage.gate.sessions()).toMatchObject([{ principal: 'acme:https://id#zoe', identity }]);
    expect(stage.reason(caller, stage.write('ahu/sp'))).toBe('permit');
  });

  it('tells listeners after every change, once for a swap, and survives one that throws', async () => {
    const stage = Stage.set();
    let heard = 0;
    stage.gate.onStanding(() => {
      throw new Error('listener');
    });
    const quit = stage.gate.onStanding(() => {
      heard += 1;
    });
    await stage.session('anna', '127.0.0.1');
    expect(heard).toBe(1);
    stage.gate.activate(snapshot(bundle({ users: [] }, { grants: [] })));
    expect(heard).toBe(2);
    quit();
    stage.gate.setFastLocks([]);
    expect(heard).toBe(2);
    expect(stage.log.of('standing.listener')).toHaveLength(3);
  });
});
