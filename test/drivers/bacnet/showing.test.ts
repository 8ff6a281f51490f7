// What shows values of others is read by who may read those: loops, averages, pulse converters, groups, and logs of anything.

import { describe, expect, test } from 'vitest';
import type { PlantAnswer } from '../../../drivers/bacnet/seam.ts';
import type { ConfirmedRequest } from '../../../drivers/bacnet/wire/confirmed-service.ts';
import { PROPERTY_IDENTIFIERS as P } from '../../../drivers/bacnet/wire/names/property-identifier.ts';
import type { Element } from '../../../simulators/bacnet/elements.ts';
import { type ObjectText, UNCONFIRMED } from '../../../simulators/bacnet/names.ts';
import { ask } from '../../../simulators/bacnet/requests.ts';
import { app, within } from '../../../simulators/bacnet/values.ts';
import { AHU, reference, told, VAV, value } from './classify-stage.ts';
import { type FakeStage, fakeStage } from './fake-sides.ts';

type Values = { readonly [slot: string]: readonly Element[] };

/** Answers reads from a table `object type,instance property`; everything else is 21.5. */
function serve({ sides }: FakeStage, values: Values): void {
  const answer = (type: number, instance: number, property: number) =>
    value(...(values[`${type},${instance} ${property}`] ?? [app.real(21.5)]));
  sides.answer = (request: ConfirmedRequest): PlantAnswer => {
    if (request.service === 'read-property') {
      const { objectIdentifier, propertyIdentifier } = request.parameters;
      const propertyValue = answer(objectIdentifier.type, objectIdentifier.instance, propertyIdentifier);
      const parameters = { objectIdentifier, propertyIdentifier, propertyValue };
      return { kind: 'complex-ack', ack: { service: 'read-property', parameters } };
    }
    if (request.service === 'subscribe-cov' || request.service === 'subscribe-cov-property')
      return { kind: 'simple-ack' };
    return { kind: 'no-answer' };
  };
}

/** Anna reads everything of the air handler, and nothing of the VAV box. */
const ahuOnly = [{ to: 'user:anna', permissions: ['point.read', 'device.view', 'alarm.view'], at: 'ahu2' }];
/** Without the alarms of the air handler. */
const noAlarms = [{ to: 'user:anna', permissions: ['point.read', 'device.view'], at: 'ahu2' }];

const loop = { device: 'ahu2', class: 'set-point', facts: {} };
/** Two loops stand in the inventory, and she reads nothing but them. */
const loopOnly = {
  grants: ['ahu2/loop', 'ahu2/loop2-sp'].map((at) => ({ to: 'user:anna', permissions: ['point.read'], at })),
  points: (points: readonly object[]) => [
    ...points,
    { ...loop, id: 'ahu2/loop', name: 'Loop', address: { object: 'loop,1' } },
    { ...loop, id: 'ahu2/loop2-sp', name: 'Loop', address: { object: 'loop,2', property: 'setpoint' } },
  ],
};

async function read(stage: FakeStage, object: ObjectText, property: number): Promise<string> {
  const answer = await stage.ask(stage.anna, ask.readProperty({ object, property }));
  return answer.kind === 'error' ? JSON.stringify(answer.error.parameters) : answer.kind;
}

const DENIED = '{"choice":"plain","value":{"errorClass":2,"errorCode":27}}';
const vav = reference('analog-value,1', 1002);
const ahu = reference('analog-value,1', 1001);

describe('a value that is another’s', () => {
  test.each([
    ['average-value of an own point', 'averaging,1', P['average-value'], { '18,1 78': ahu }, 'complex-ack'],
    ['average-value of another device', 'averaging,1', P['average-value'], { '18,1 78': vav }, DENIED],
    ['maximum-value of another device', 'averaging,1', P['maximum-value'], { '18,1 78': vav }, DENIED],
    ['window of another device: its own', 'averaging,1', P['window-interval'], { '18,1 78': vav }, 'complex-ack'],
    ['a reference nobody can read', 'averaging,1', P['average-value'], {}, DENIED],
    ['pulses of an own point', '24,1', P['present-value'], { '24,1 181': reference('23,1') }, 'complex-ack'],
    [
      'a loop’s input',
      'loop,1',
      P['controlled-variable-value'],
      { '12,1 19': reference('analog-input,1') },
      'complex-ack',
    ],
    [
      'a loop’s input that is not set',
      'loop,1',
      P['controlled-variable-value'],
      { '12,1 19': reference('analog-input,4194303') },
      'complex-ack',
    ],
    ['a loop’s set point that is not set', 'loop,1', P.setpoint, { '12,1 109': [] }, 'complex-ack'],
    [
      'a trend of a loop’s input',
      'trend-log,1',
      P['log-buffer'],
      { '20,1 132': reference('loop,1', undefined, 21), '12,1 19': reference('analog-input,1') },
      'complex-ack',
    ],
    [
      'a trend of an average of another device',
      'trend-log,1',
      P['log-buffer'],
      { '20,1 132': reference('averaging,1', undefined, 125), '18,1 78': vav },
      DENIED,
    ],
    [
      'a trend of itself without an end',
      'trend-log,1',
      P['log-buffer'],
      { '20,1 132': reference('trend-log,1', undefined, 131) },
      DENIED,
    ],
    ['a schedule’s value: its own', 'schedule,9', P['present-value'], {}, 'complex-ack'],
  ] as const)('%s', async (_name, object, property, values, expected) => {
    const stage = await fakeStage({ grants: ahuOnly });
    serve(stage, values as Values);
    expect(await read(stage, object as ObjectText, property)).toBe(expected);
  });

  test('a loop of the inventory is read as its point, its input and set point as theirs', async () => {
    const stage = await fakeStage(loopOnly);
    serve(stage, { '12,1 19': reference('analog-input,1'), '12,1 109': [within(0, ...reference('analog-value,1'))] });
    expect(await read(stage, 'loop,1', P['present-value'])).toBe('complex-ack');
    expect(await read(stage, 'loop,1', P['proportional-constant'])).toBe('complex-ack');
    expect(await read(stage, 'loop,1', P['controlled-variable-value'])).toBe(DENIED);
    expect(await read(stage, 'loop,1', P.setpoint)).toBe(DENIED);
    // The inventory names this one as a point of its own.
    expect(await read(stage, 'loop,2', P.setpoint)).toBe('complex-ack');
  });

  test('nobody’s lists are read for who may not read the object itself', async () => {
    const stage = await fakeStage({ grants: [] });
    expect(await read(stage, 'loop,1', P.setpoint)).toBe(DENIED);
    expect(stage.sides.sent).toEqual([]);
  });

  test('a group of whole objects is read by who may read all of them', async () => {
    const members = [
      ...reference('analog-value,1').slice(0, 1),
      within(1, ...[{ kind: 'context', tag: 0, octets: Buffer.of(8) } as const]),
    ];
    const whole = await fakeStage({ grants: ahuOnly });
    serve(whole, { '11,1 53': members });
    expect(await read(whole, 'group,1', P['present-value'])).toBe('complex-ack');
  });

  test('logs of anything are read by who may read everything of the device and see its alarms', async () => {
    const all = await fakeStage({ grants: ahuOnly });
    serve(all, {});
    expect(await read(all, '25,1', P['log-buffer'])).toBe('complex-ack');
    const some = await fakeStage({ grants: noAlarms });
    serve(some, {});
    expect(await read(some, '25,1', P['log-buffer'])).toBe(DENIED);
    expect(await read(some, '25,1', P['record-count'])).toBe('complex-ack');
  });

  test('a reference that was written is read again', async () => {
    const stage = await fakeStage();
    serve(stage, { '18,1 78': ahu });
    const lists = () => stage.road.counters().lists_read;
    await read(stage, 'averaging,1', P['average-value']);
    await read(stage, 'averaging,1', P['average-value']);
    expect(lists()).toBe(1);
    const answer = stage.sides.answer;
    stage.sides.answer = (request, to) =>
      request.service === 'write-property' ? { kind: 'simple-ack' } : answer(request, to);
    const write = ask.writeProperty({ object: 'averaging,1', property: P['object-property-reference'], value: ahu });
    expect((await stage.ask(stage.anna, write)).kind).toBe('simple-ack');
    await read(stage, 'averaging,1', P['average-value']);
    expect(lists()).toBe(2);
  });

  test('what one device’s list says is not believed of its namesake by MAC behind a router', async () => {
    const stage = await fakeStage({ grants: ahuOnly });
    const routed = { ...VAV, networkNumber: 201, mac: AHU.mac, instance: 1001 };
    serve(stage, { '18,1 78': ahu });
    expect(await read(stage, 'averaging,1', P['average-value'])).toBe('complex-ack');
    expect(stage.road.counters().lists_read).toBe(1);
    await stage.ask(stage.anna, ask.readProperty({ object: 'averaging,1', property: P['average-value'] }), routed);
    expect(stage.road.counters().lists_read).toBe(2);
  });

  test('a fault while a list is read leaves nobody waiting', async () => {
    const stage = await fakeStage();
    stage.sides.answer = () => {
      throw new RangeError('torn');
    };
    expect(await read(stage, 'averaging,1', P['average-value'])).toBe(DENIED);
    expect(await read(stage, 'analog-value,1', P['present-value'])).toBe('abort');
    expect(stage.log.of('own.fault')).toEqual(['a request could not be carried: RangeError: torn']);
  });
});

describe('changes of value', () => {
  /** Of device 1001, loop,1: present value 1, controlled variable 20. */
  const cov = (process: string) =>
    told({
      service: UNCONFIRMED['unconfirmed-cov-notification'],
      payload: Buffer.from(`0c${process}1c020003e92c0300000139004e09552e443f8000002f09152e4441a000002f4f`, 'hex'),
    });

  test.each([
    ['may', { grants: ahuOnly }, 1],
    ['may not', loopOnly, 0],
  ] as const)('of a loop whose input one %s read', async (_name, rights, count) => {
    const stage = await fakeStage(rights);
    serve(stage, { '12,1 19': reference('analog-input,1'), '12,1 109': [] });
    expect((await stage.ask(stage.anna, ask.subscribeCov(7, 'loop,1', false, 600))).kind).toBe('simple-ack');
    const subscribed = stage.sides.sent.find(({ request }) => request.service === 'subscribe-cov')?.request;
    const process = (subscribed?.service === 'subscribe-cov' && subscribed.parameters.subscriberProcessIdentifier) || 0;
    stage.road.unconfirmed(AHU, { network: 'plant' }, cov(process.toString(16).padStart(8, '0')));
    await new Promise((resolve) => setImmediate(resolve));
    expect(stage.sides.told).toHaveLength(count);
    // The lists are old now, and are read again.
    stage.time.pass(31_000);
    stage.road.unconfirmed(AHU, { network: 'plant' }, cov(process.toString(16).padStart(8, '0')));
    await new Promise((resolve) => setImmediate(resolve));
    expect(stage.sides.told).toHaveLength(2 * count);
  });
});
