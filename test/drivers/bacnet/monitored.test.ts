// Event enrolments: alarms of one object about another are seen by who may see alarms of both.

import { describe, expect, test } from 'vitest';
import type { PlantAnswer } from '../../../drivers/bacnet/seam.ts';
import type { Element } from '../../../simulators/bacnet/elements.ts';
import { CONFIRMED, UNCONFIRMED } from '../../../simulators/bacnet/names.ts';
import { ask } from '../../../simulators/bacnet/requests.ts';
import { app } from '../../../simulators/bacnet/values.ts';
import { AHU, reference, request, told, VAV, value } from './classify-stage.ts';
import { BMS, type FakeStage, fakeStage } from './fake-sides.ts';
import type { BundleChanges } from './road-rig.ts';

/** Of device 1001 about its event-enrollment,1. */
const event = Buffer.from('09011c020003e92c024000013e19013f4901590169058902b900', 'hex');
const notification = told({ service: UNCONFIRMED['unconfirmed-event-notification'], payload: event });
const confirmed = request({ service: CONFIRMED['confirmed-event-notification'], payload: event });
const enrolment = { type: 9, instance: 1 };
const settled = () => new Promise((resolve) => setImmediate(resolve));

const atAhu = { grants: [{ to: 'user:anna', permissions: ['alarm.view', 'device.view'], at: 'ahu2' }] };
/** The enrolment is a point, and that is all of which anna sees alarms. */
const atPoint: BundleChanges = {
  grants: [{ to: 'user:anna', permissions: ['alarm.view'], at: 'ahu2/enrolment' }],
  points: (points) => [
    ...points,
    {
      id: 'ahu2/enrolment',
      name: 'Enrolment',
      device: 'ahu2',
      class: 'sensor',
      address: { object: 'event-enrollment,1' },
    },
  ],
};

async function staged(changes: BundleChanges, monitors: readonly Element[] | undefined): Promise<FakeStage> {
  const stage = await fakeStage(changes);
  stage.sides.answer = (asked): PlantAnswer => {
    if (asked.service === 'get-event-information')
      return { kind: 'complex-ack', ack: { service: asked.service, parameters: active } };
    if (asked.service !== 'read-property') return { kind: 'simple-ack' };
    if (asked.parameters.objectIdentifier.type !== enrolment.type) return { kind: 'unreachable', why: 'not asked' };
    if (monitors === undefined) return { kind: 'unreachable', why: 'no answer' };
    const parameters = { ...asked.parameters, propertyValue: value(...monitors) };
    return { kind: 'complex-ack', ack: { service: 'read-property', parameters } };
  };
  return stage;
}

const stamp = { choice: 'sequence-number', value: 1 } as const;
const active = {
  listOfEventSummaries: [enrolment, { type: 0, instance: 1 }].map((objectIdentifier) => ({
    objectIdentifier,
    eventState: 3,
    acknowledgedTransitions: { unusedBits: 5, octets: new Uint8Array([0xe0]) },
    eventTimeStamps: [stamp, stamp, stamp] as const,
    notifyType: 0,
    eventEnable: { unusedBits: 5, octets: new Uint8Array([0xe0]) },
    eventPriorities: [1, 1, 1] as const,
  })),
  moreEvents: false,
};

async function heard(stage: FakeStage): Promise<number> {
  const before = stage.sides.told.length;
  stage.road.unconfirmed(AHU, { network: 'plant' }, notification);
  await settled();
  return stage.sides.told.length - before;
}
const asked = ({ sides }: FakeStage) => sides.sent.filter(({ request: one }) => one.service === 'read-property');

describe('an event of an enrolment', () => {
  test.each<[string, BundleChanges, readonly Element[] | undefined, number]>([
    ['about a point of the same device', atAhu, reference('analog-input,1'), 1],
    ['the same, with the device written out', atAhu, reference('analog-input,1', 1001), 1],
    ['about something of the device that is no point', atAhu, reference('analog-input,99'), 1],
    ['about nothing', atAhu, reference('analog-input,4194303'), 1],
    ['about another device', atAhu, reference('analog-input,1', 1002), 0],
    ['about a device that nobody knows', atAhu, reference('analog-input,1', 77), 1],
    ['about a point, seen by who sees only the enrolment', atPoint, reference('analog-input,1'), 0],
    ['about what is no point, seen by who sees only the enrolment', atPoint, reference('analog-input,99'), 0],
    ['that nobody can be asked about, seen by who sees the device', atAhu, undefined, 1],
    ['that nobody can be asked about, seen by who sees the enrolment', atPoint, undefined, 1],
    ['about what cannot be read as a reference', atAhu, [], 1],
  ])('%s', async (_what, changes, monitors, times) => {
    const stage = await staged(changes, monitors);
    expect(await heard(stage)).toBe(times);
    const answer = await stage.road.notification?.({ from: AHU, to: stage.anna, request: confirmed });
    expect(answer?.kind).toBe(times === 1 ? 'simple-ack' : 'error');
  });

  test('asks once for a while, and anew after a write to the enrolment', async () => {
    const stage = await staged(
      { ...atAhu, grants: [{ to: 'user:anna', role: 'admin', at: 'hq' }] },
      reference('analog-input,1'),
    );
    expect([await heard(stage), await heard(stage)]).toEqual([1, 1]);
    expect(asked(stage)).toHaveLength(1);
    expect(asked(stage)[0]?.request).toMatchObject({
      parameters: { objectIdentifier: enrolment, propertyIdentifier: 78 },
    });
    const write = ask.writeProperty({
      object: 'event-enrollment,1',
      property: 'description',
      value: [app.text('other')],
    });
    expect((await stage.ask(stage.anna, write)).kind).toBe('simple-ack');
    await heard(stage);
    expect(asked(stage)).toHaveLength(2);
    stage.time.pass(30_000);
    await heard(stage);
    expect(asked(stage)).toHaveLength(3);
  });

  test('is not kept waiting for longer than two seconds by a device that does not answer', async () => {
    const stage = await staged(atAhu, undefined);
    stage.sides.request = () => new Promise(() => undefined);
    expect(await heard(stage)).toBe(0);
    stage.time.pass(1999);
    await settled();
    expect(stage.sides.told).toHaveLength(0);
    stage.time.pass(1);
    await settled();
    expect(stage.sides.told).toHaveLength(1);
  });

  test('that speaks for another device is asked for nothing', async () => {
    const stage = await staged(atAhu, reference('analog-input,1'));
    stage.road.unconfirmed(VAV, { network: 'plant' }, notification);
    await settled();
    expect([stage.sides.told, asked(stage)]).toEqual([[], []]);
  });

  test('between plant networks goes to who may see what it is about', async () => {
    const grants = [{ to: 'application:bms', permissions: ['alarm.view'], at: 'ahu2' }];
    for (const [monitored, kind] of [
      [reference('analog-input,1'), 'simple-ack'],
      [reference('analog-input,1', 1002), 'error'],
    ] as const) {
      const stage = await staged({ grants }, monitored);
      const answer = await stage.ask(AHU, { service: CONFIRMED['confirmed-event-notification'], payload: event }, BMS);
      expect(answer.kind).toBe(kind);
    }
  });
});

describe('summaries', () => {
  const objects = async (monitors: readonly Element[]) => {
    const stage = await staged(atAhu, monitors);
    const answer = await stage.ask(stage.anna, ask.getEventInformation());
    if (answer.kind !== 'complex-ack' || answer.ack.service !== 'get-event-information') throw new Error(answer.kind);
    return answer.ack.parameters.listOfEventSummaries.map(({ objectIdentifier }) => objectIdentifier.type);
  };

  test('leave out enrolments about what may not be seen', async () => {
    expect(await objects(reference('analog-input,1'))).toEqual([9, 0]);
    expect(await objects(reference('analog-input,1', 1002))).toEqual([0]);
  });

  test('of the gateway itself name what an enrolment is about', async () => {
    const stage = await staged(atAhu, reference('analog-input,1'));
    const listed = await stage.road.alarms?.list(stage.handle('ahu2'));
    if (!listed?.ok) throw new Error(listed?.fault);
    const own = { target: stage.handle('ahu2/sat') };
    const enrolled = { device: stage.handle('ahu2'), monitored: [stage.handle('ahu2/sat')] };
    expect(listed.value).toMatchObject([enrolled, own]);
    expect(listed.value.map((alarm) => 'monitored' in alarm)).toEqual([true, false]);
  });
});
