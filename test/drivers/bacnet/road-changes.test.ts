// One permitted change in its lane: what becomes of it, whatever the device does, and what is recorded of it.

import { describe, expect, test } from 'vitest';
import { operationOf } from '../../../drivers/bacnet/classify.ts';
import type { PlantAnswer, PlantDevice } from '../../../drivers/bacnet/seam.ts';
import { ask, say } from '../../../simulators/bacnet/requests.ts';
import { app } from '../../../simulators/bacnet/values.ts';
import { AHU, told, VAV, value } from './classify-stage.ts';
import { answerOf, BMS, type FakeStage, fakeStage, northAt } from './fake-sides.ts';

const write = ask.writeProperty({ object: 'analog-value,1', value: [app.real(20)], priority: 10 });
const both = ask.writePropertyMultiple([
  { object: 'analog-value,1', value: [app.real(20)], priority: 10 },
  { object: 'analog-value,2', value: [app.real(200)], priority: 10 },
]);
const failed: PlantAnswer = {
  kind: 'error',
  error: { service: 'write-property', parameters: { choice: 'plain', value: { errorClass: 2, errorCode: 9 } } },
};
const partly: PlantAnswer = {
  kind: 'error',
  error: {
    service: 'write-property-multiple',
    parameters: { choice: 'plain', value: { errorClass: 2, errorCode: 9 } },
  },
};

describe('what becomes of a change', () => {
  test.each<readonly [string, typeof write, PlantAnswer, string, object]>([
    ['acknowledged', write, { kind: 'simple-ack' }, 'simple-ack', { kind: 'acknowledged' }],
    [
      'refused by the device',
      write,
      failed,
      'error',
      { kind: 'refused-by-device', answer: 'error 2/invalid-data-type' },
    ],
    ['rejected', write, { kind: 'reject', reason: 4 }, 'reject', { kind: 'refused-by-device', answer: 'reject 4' }],
    ['aborted', write, { kind: 'abort', reason: 4 }, 'abort', { kind: 'refused-by-device', answer: 'abort 4' }],
    ['aborted in doubt', write, { kind: 'abort', reason: 8 }, 'abort', { kind: 'unknown', why: 'abort 8' }],
    ['not answered', write, { kind: 'no-answer' }, 'abort', { kind: 'unknown', why: 'the device did not answer' }],
    [
      'unreachable',
      write,
      { kind: 'unreachable', why: 'closed', abort: 4 },
      'abort',
      { kind: 'not-sent', why: 'closed' },
    ],
    ['several, one failed', both, partly, 'error', { kind: 'unknown' }],
    ['several, aborted', both, { kind: 'abort', reason: 4 }, 'abort', { kind: 'unknown' }],
    [
      'several, rejected',
      both,
      { kind: 'reject', reason: 4 },
      'reject',
      { kind: 'refused-by-device', answer: 'reject 4' },
    ],
  ])('%s', async (_name, asked, given, shown, outcome) => {
    const stage = await fakeStage();
    stage.sides.answer = ({ service }) => (service.startsWith('write') ? given : { kind: 'no-answer' });
    expect((await stage.ask(stage.anna, asked)).kind).toBe(shown);
    expect(stage.sides.changes).toHaveLength(1);
    await new Promise((resolve) => setImmediate(resolve));
    expect(stage.journal.rows('outcome')).toMatchObject([{ outcome }]);
  });

  test('what nobody knows is read back', async () => {
    const stage = await fakeStage();
    stage.sides.answer = ({ service }) =>
      service === 'write-property' ? { kind: 'no-answer' } : { kind: 'reject', reason: 9 };
    await stage.ask(stage.anna, write);
    await new Promise((resolve) => setImmediate(resolve));
    expect(stage.journal.rows('intent')).toMatchObject([{ effects: [{ oldUnknown: 'the device answered reject 9' }] }]);
    const after = stage.sides.sent.findIndex(({ retry }) => !retry);
    expect(stage.sides.sent.slice(after + 1).map(({ request }) => request.service)).toContain('read-property');
  });

  test.each(['full', 'expire'] as const)('a lane that is %s: device-busy, recorded as not sent', async (lanes) => {
    const stage = await fakeStage();
    stage.sides.lanes = lanes;
    expect(await stage.ask(stage.anna, write)).toMatchObject({
      kind: 'error',
      error: { parameters: { value: { errorClass: 0, errorCode: 3 } } },
    });
    expect(stage.journal.rows('outcome')).toMatchObject([{ outcome: { kind: 'not-sent' } }]);
    expect(stage.sides.sent).toEqual([]);
  });

  test('a device that became another before its turn hears nothing', async () => {
    const stage = await fakeStage();
    const changing = { ...AHU };
    stage.sides.known[0] = changing;
    stage.sides.beforeTurn = () => Object.assign(changing, { instance: 1002 });
    expect((await stage.ask(stage.anna, write, changing)).kind).toBe('error');
    expect(stage.sides.changes).toEqual([]);
  });

  test('nor does one that became another while the intent went to disk', async () => {
    const stage = await fakeStage();
    const changing = { ...AHU };
    stage.sides.known[0] = changing;
    stage.journal.auto = false;
    const answer = stage.ask(stage.anna, write, changing);
    await expect.poll(() => stage.journal.waiting).toBe(1);
    Object.assign(changing, { instance: undefined });
    stage.journal.auto = true;
    stage.journal.flush();
    expect((await answer).kind).toBe('error');
    expect(stage.sides.changes).toEqual([]);
    await expect.poll(() => stage.journal.rows('outcome')).toMatchObject([{ outcome: { kind: 'not-sent' } }]);
  });

  test('a broadcast that would reach somebody who came while the intent went to disk is not sent', async () => {
    const clock = [{ to: 'user:anna', permissions: ['device.view', 'device.control'], at: 'hq' }];
    const stage = await fakeStage({ grants: clock });
    stage.sides.known.splice(0, 3, AHU, VAV);
    stage.journal.auto = false;
    const everybody = { network: 'plant' };
    stage.road.unconfirmed(stage.anna, everybody, told(say.timeSynchronization(new Date(0))));
    await expect.poll(() => stage.journal.waiting).toBe(1);
    stage.sides.known.push({ ...AHU, mac: 'ac10000abac0', instance: undefined });
    stage.journal.auto = true;
    stage.journal.flush();
    await expect.poll(() => stage.journal.rows('outcome')).toMatchObject([{ outcome: { kind: 'not-sent' } }]);
    expect(stage.sides.said).toEqual([]);
    stage.sides.known.pop();
    stage.road.unconfirmed(stage.anna, everybody, told(say.timeSynchronization(new Date(0))));
    await expect.poll(() => stage.sides.said).toMatchObject([{ to: 'plant' }]);
  });

  test('a change of the device object has its identity read again', async () => {
    const stage = await fakeStage();
    await stage.ask(stage.anna, ask.reinitialize(1));
    expect(stage.sides.verified).toEqual([AHU]);
  });
});

describe('a fault of our own on the way', () => {
  test('is told as an abort, logged, and recorded as an outcome nobody knows', async () => {
    const stage = await fakeStage();
    stage.sides.answer = ({ service }) => {
      if (service === 'write-property') throw new RangeError('torn');
      return { kind: 'no-answer' };
    };
    expect(await stage.ask(stage.anna, write)).toMatchObject({ kind: 'abort' });
    expect(stage.log.of('own.fault')).toEqual(['a change could not be carried: RangeError: torn']);
    expect(stage.journal.rows('intent')).toHaveLength(1);
    expect(stage.journal.rows('outcome')).toMatchObject([
      { outcome: { kind: 'unknown', why: 'a fault of the gateway’s own came between' } },
    ]);
  });

  test('leaves the outcome that is known', async () => {
    const stage = await fakeStage();
    stage.sides.verify = () => {
      throw new RangeError('torn');
    };
    await stage.ask(stage.anna, ask.reinitialize(1));
    expect(stage.journal.rows('outcome')).toMatchObject([{ outcome: { kind: 'acknowledged' } }]);
  });

  test('does not leave a broadcast without an outcome', async () => {
    const stage = await fakeStage();
    stage.sides.unconfirmed = () => {
      throw new RangeError('torn');
    };
    stage.road.unconfirmed(stage.anna, AHU, told(say.timeSynchronization(new Date(0))));
    await expect.poll(() => stage.log.of('own.fault')).toHaveLength(1);
    expect(stage.journal.rows('outcome')).toMatchObject([
      { outcome: { kind: 'unknown', why: 'a fault of the gateway’s own came between' } },
    ]);
  });
});

describe('who asks', () => {
  test('a plant device is the application the site says it is, and nobody else', async () => {
    const grants = [{ to: 'application:bms', permissions: ['point.read', 'point.write'], at: 'ahu2/sat-sp' }];
    const stage = await fakeStage({ grants });
    expect((await stage.ask(BMS, write)).kind).toBe('simple-ack');
    expect(stage.journal.rows('intent')).toMatchObject([
      { who: { principal: 'bms', proof: { kind: 'application-address' } } },
    ]);
    expect((await stage.ask(VAV, write)).kind).toBe('error');
    // The same MAC on a network behind a router of that network is somebody else.
    expect((await stage.ask({ ...BMS, networkNumber: 301 }, write)).kind).toBe('error');
    expect((await stage.ask(BMS, both)).kind).toBe('error');
    expect(stage.sides.changes).toHaveLength(1);
  });

  test('a peer that is never gated is forwarded and recorded, whatever it asks', async () => {
    const stage = await fakeStage({ site: { neverGated: { peers: ['127.0.0.77'], targets: [] } } });
    const panel = northAt('127.0.0.77');
    stage.journal.setState({ writable: false, why: 'disk full' });
    expect((await stage.ask(panel, ask.lifeSafetyOperation(4))).kind).toBe('simple-ack');
    expect((await stage.ask(panel, ask.privateTransfer(7, 3))).kind).toBe('simple-ack');
    expect((await stage.ask(panel, ask.readProperty({ object: 'analog-value,1' }))).kind).not.toBe('error');
    expect(stage.sides.changes).toHaveLength(2);
  });

  test('but for a service that nobody here knows: rejected as the standard says, and recorded with whose it was', async () => {
    const stage = await fakeStage({ site: { neverGated: { peers: ['127.0.0.77'], targets: ['ahu2'] } } });
    const panel = northAt('127.0.0.77');
    const ask_ = (from: typeof panel) =>
      answerOf(stage.road, {
        from,
        to: AHU,
        request: { service: 'unknown', choice: 60, octets: new Uint8Array([1, 2]) },
      });
    for (const from of [panel, stage.anna]) expect(await ask_(from)).toEqual({ kind: 'reject', reason: 9 });
    expect(stage.sides.sent).toEqual([]);
    stage.time.pass(61_000);
    expect(stage.journal.rows('refusal')).toMatchObject([
      {
        operation: 'service60',
        reason: 'unsupported',
        target: 'ahu2',
        who: { from: '127.0.0.77:47808' },
        detail: 'service choice `60` is not known, so that it is refused even to a peer that is never gated',
      },
      { operation: 'service60', who: { principal: 'anna' }, detail: 'service choice `60` is not known' },
    ]);
  });

  test('so is a station of a plant network that the site names, and what it says to everybody', async () => {
    const stage = await fakeStage({ grants: [], site: { neverGated: { peers: [`300/${BMS.mac}`], targets: [] } } });
    expect((await stage.ask(BMS, write)).kind).toBe('simple-ack');
    expect((await stage.ask({ ...BMS, mac: VAV.mac }, write)).kind).toBe('error');
    expect(stage.journal.rows('intent')).toMatchObject([{ by: 'never-gated' }]);
    stage.road.unconfirmed(
      BMS,
      { network: 'plant' },
      told(say.writeGroup(7, 10, [{ channel: 5, value: app.real(20) }])),
    );
    await expect.poll(() => stage.sides.said).toMatchObject([{ to: 'plant', request: { service: 'write-group' } }]);
  });

  test('a private service that the site names is judged as its action', async () => {
    const section = { privateServices: [{ vendor: 7, service: 3, action: 'device.configure' }] };
    const stage = await fakeStage({ section });
    expect((await stage.ask(stage.anna, ask.privateTransfer(7, 3))).kind).toBe('simple-ack');
    expect((await stage.ask(stage.anna, ask.privateTransfer(7, 4))).kind).toBe('error');
    expect((await stage.ask(northAt('127.0.0.50'), ask.privateTransfer(7, 3))).kind).toBe('error');
    expect(stage.journal.rows('intent')).toMatchObject([
      { operation: 'confirmed-private-transfer 7/3', effects: [{ action: 'device.configure' }] },
    ]);
  });

  test('what nobody here understands is in the record by its octets, of many the first ones', () => {
    const parameters = { vendorId: 7, serviceNumber: 3 };
    const service = 'unconfirmed-private-transfer';
    const octets = (count: number) => value(...Array.from({ length: count }, () => app.null()));
    expect(operationOf({ service, parameters: { ...parameters, serviceParameters: octets(2) } })).toBe(
      'unconfirmed-private-transfer 7/3 0000',
    );
    expect(operationOf({ service, parameters: { ...parameters, serviceParameters: octets(300) } })).toBe(
      `unconfirmed-private-transfer 7/3 ${'00'.repeat(256)}… of 300 octets`,
    );
  });

  test('while the policy observes, what it would deny goes on and is recorded, but for restarts', async () => {
    const more = { mode: 'observe', observeUntil: new Date(Date.now() + 3_600_000).toISOString() };
    const stage = await fakeStage({ grants: [], more });
    expect((await stage.ask(stage.anna, write)).kind).toBe('simple-ack');
    expect((await stage.ask(stage.anna, ask.reinitialize(1))).kind).toBe('error');
    expect(stage.journal.rows('intent')).toMatchObject([{ by: 'observed', wouldDeny: 'no-role' }]);
    expect(stage.sides.changes).toHaveLength(1);
  });
});

describe('the gateway itself', () => {
  test.each([
    ['is another device by its turn', (device: PlantDevice) => Object.assign(device, { instance: 1002 })],
    [
      'is not where it was when it was judged',
      (device: PlantDevice, stage: FakeStage) => {
        Object.assign(device, { instance: undefined });
        stage.sides.known.push({ ...AHU, mac: 'c0000263bac0' });
      },
    ],
  ])('sends nothing to a station that %s', async (_name, change) => {
    for (const when of ['before it is carried out', 'in its turn'] as const) {
      const stage = await fakeStage();
      const changing = { ...AHU };
      stage.sides.known[0] = changing;
      const planned = stage.road.plan([{ target: stage.handle('ahu2/sat-sp'), value: 21, priority: 8 }]);
      if (!planned.ok) throw new Error(JSON.stringify(planned.fault));
      const judged = stage.gate.judge(stage.gate.callerOf(stage.anna.peer), planned.value);
      if (!judged.permitted) throw new Error(judged.denial.text);
      if (when === 'in its turn') stage.sides.beforeTurn = () => change(changing, stage);
      else change(changing, stage);
      expect([when, (await stage.road.perform(judged.permit)).outcome.kind]).toEqual([when, 'not-sent']);
      expect(stage.sides.changes).toEqual([]);
    }
  });

  test('sends nothing where a slot holds something else by its turn, or cannot be read', async () => {
    const stage = await fakeStage();
    const target = stage.handle('ahu2/sat-sp');
    const planned = stage.road.plan([{ target, value: 21, priority: 8 }]);
    if (!planned.ok) throw new Error(JSON.stringify(planned.fault));
    const judged = stage.gate.judge(stage.gate.callerOf(stage.anna.peer), planned.value);
    if (!judged.permitted) throw new Error(judged.denial.text);
    const performed = await stage.road.perform(judged.permit, new Map([[target, { value: 4711 }]]));
    expect(performed.outcome.kind).toBe('not-sent');
    expect(stage.sides.changes).toEqual([]);
  });

  test('plans what a person asks for, and sends it as it was judged', async () => {
    const stage = await fakeStage();
    const target = stage.handle('ahu2/sat-sp');
    const planned = stage.road.plan([{ target, value: 21, priority: 8 }]);
    if (!planned.ok) throw new Error(JSON.stringify(planned.fault));
    const judged = stage.gate.judge(stage.gate.callerOf(stage.anna.peer), planned.value);
    if (!judged.permitted) throw new Error(judged.denial.text);
    expect((await stage.road.perform(judged.permit)).outcome).toEqual({ kind: 'acknowledged' });
    expect(stage.sides.changes).toMatchObject([{ service: 'write-property', parameters: { priority: 8 } }]);
    const old = stage.sides.sent.find(({ retry }) => retry)?.request;
    expect(old).toMatchObject({
      service: 'read-property-multiple',
      parameters: [{ listOfPropertyReferences: [{ propertyIdentifier: 87, propertyArrayIndex: 8 }] }, {}],
    });
  });

  test.each([
    ['a priority that is none', 'ahu2/sat-sp', 21, 17, '0.priority'],
    ['a value of another type', 'ahu2/sat-sp', 'warm', undefined, '0.value'],
    ['a device, not a point', 'ahu2', 1, undefined, '0.target'],
    ['a point whose datatype is not known', 'ahu2/week', 1, undefined, '0.value'],
    ['a point that moves others', 'ahu2/all-sp', 20, undefined, '0.value'],
  ] as const)('%s is a fault of the plan', async (_name, id, value, priority, path) => {
    const stage = await fakeStage();
    const planned = stage.road.plan([{ target: stage.handle(id), value, ...(priority !== undefined && { priority }) }]);
    expect(planned).toMatchObject({ ok: false, fault: [{ path }] });
  });

  test('points of two devices are two plans, and a device that is gone is none', async () => {
    const stage = await fakeStage();
    const writes = (['ahu2/sat-sp', 'vav1/room-sp'] as const).map((id) => ({ target: stage.handle(id), value: 20 }));
    const [one, other] = writes;
    if (one === undefined || other === undefined) throw new Error('no writes');
    expect(stage.road.plan([one, other])).toMatchObject({ ok: false, fault: [{ path: '1.target' }] });
    stage.sides.known.length = 0;
    expect(stage.road.plan([one])).toMatchObject({ ok: false, fault: [{ path: '' }] });
    expect(await stage.road.read([one.target, stage.handle('ahu2')])).toMatchObject([
      { ok: false, why: 'the device is not there' },
      { ok: false, why: 'no point with a BACnet address' },
    ]);
  });
});
