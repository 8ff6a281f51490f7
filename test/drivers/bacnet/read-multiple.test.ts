// Splitting and merging reads, whatever a device answers; groups show only what every member may show.

import { describe, expect, test } from 'vitest';
import { mergeRead, splitRead } from '../../../drivers/bacnet/read-multiple.ts';
import type { PlantAnswer } from '../../../drivers/bacnet/seam.ts';
import type { ConfirmedRequest } from '../../../drivers/bacnet/wire/confirmed-service.ts';
import { PROPERTY_IDENTIFIERS as P } from '../../../drivers/bacnet/wire/names/property-identifier.ts';
import type { ReadPropertyMultipleAck } from '../../../drivers/bacnet/wire/services/object-access.ts';
import type { Element } from '../../../simulators/bacnet/elements.ts';
import { ask } from '../../../simulators/bacnet/requests.ts';
import { app, ctx, within } from '../../../simulators/bacnet/values.ts';
import { value } from './classify-stage.ts';
import { fakeStage } from './fake-sides.ts';

const one = { type: 2, instance: 1 };
const two = { type: 2, instance: 2 };
const ok = (propertyIdentifier: number) => ({
  propertyIdentifier,
  readResult: { choice: 'property-value' as const, value: value(app.real(1)) },
});
const reference = (propertyIdentifier: number) => ({ propertyIdentifier });
const request = [
  {
    objectIdentifier: one,
    listOfPropertyReferences: [reference(85), reference(P.all), reference(P.required), reference(77)],
  },
  { objectIdentifier: two, listOfPropertyReferences: [reference(85)] },
];
const permits = (object: { instance: number }, property: number) =>
  object.instance === 1 && property !== P['high-limit'];
const split = splitRead(request, permits);

describe('merging', () => {
  const results = [ok(85), ok(85), ok(45), ok(28), ok(77), ok(77)];
  const merge = (ack: ReadPropertyMultipleAck | undefined) => mergeRead(split, ack, permits);

  test('results stand where they were asked for, and what may not be read is taken out', () => {
    const merged = merge([{ objectIdentifier: one, listOfResults: results }]);
    expect(
      merged?.map(({ listOfResults }) =>
        listOfResults.map(({ propertyIdentifier: id, readResult }) => `${id} ${readResult.choice}`),
      ),
    ).toEqual([
      [
        '85 property-value',
        '85 property-value',
        '45 property-access-error',
        '28 property-value',
        '77 property-value',
        '77 property-value',
      ],
      ['85 property-access-error'],
    ]);
  });

  test.each<readonly [string, ReadPropertyMultipleAck | undefined]>([
    ['nothing', undefined],
    ['too few objects', []],
    [
      'too many objects',
      [
        { objectIdentifier: one, listOfResults: results },
        { objectIdentifier: two, listOfResults: [ok(85)] },
      ],
    ],
    ['another object', [{ objectIdentifier: two, listOfResults: results }]],
    ['too few results', [{ objectIdentifier: one, listOfResults: [ok(85)] }]],
    ['another property first', [{ objectIdentifier: one, listOfResults: [ok(28), ok(85), ok(77)] }]],
    ['another property last', [{ objectIdentifier: one, listOfResults: [ok(85), ok(28), ok(29), ok(30)] }]],
  ])('%s is no answer', (_name, ack) => expect(merge(ack)).toBeUndefined());

  test('the wildcard device is answered by its own number', () => {
    const wildcard = { type: 8, instance: 4_194_303 };
    const asked = splitRead([{ objectIdentifier: wildcard, listOfPropertyReferences: [reference(77)] }], () => true);
    const answer = [{ objectIdentifier: { type: 8, instance: 5 }, listOfResults: [ok(77)] }];
    expect(mergeRead(asked, answer, () => true)).toEqual(answer);
  });
});

describe('groups', () => {
  const members = [
    ctx.object(0, { type: 2, instance: 1 }),
    within(1, ctx.unsigned(0, 85)),
    ctx.object(0, { type: 2, instance: 2 }),
    within(1, ctx.unsigned(0, 85)),
  ];
  const group = ask.readProperty({ object: 'group,1' });

  async function stageWith(grants: readonly object[] | undefined, list: readonly Element[] | undefined) {
    const stage = await fakeStage(grants === undefined ? {} : { grants });
    stage.sides.answer = (asked: ConfirmedRequest): PlantAnswer => {
      if (asked.service !== 'read-property') return { kind: 'reject', reason: 9 };
      const { propertyIdentifier } = asked.parameters;
      if (propertyIdentifier !== 85 && (list === undefined || propertyIdentifier !== P['list-of-group-members'])) {
        const missing = { choice: 'plain', value: { errorClass: 2, errorCode: list === undefined ? 25 : 32 } } as const;
        return { kind: 'error', error: { service: 'read-property', parameters: missing } };
      }
      const propertyValue = propertyIdentifier === 85 ? value(app.real(1)) : value(...(list ?? []));
      return {
        kind: 'complex-ack',
        ack: { service: 'read-property', parameters: { ...asked.parameters, propertyValue } },
      };
    };
    return stage;
  }

  test('are read by who may read every member', async () => {
    const stage = await stageWith(undefined, members);
    expect((await stage.ask(stage.anna, group)).kind).toBe('complex-ack');
  });

  test('are refused where one member may not be read, or the members cannot be told', async () => {
    const point = { to: 'user:anna', permissions: ['point.read', 'device.view'], at: 'ahu2' };
    const foreign = [ctx.object(0, { type: 11, instance: 2 }), within(1, ctx.unsigned(0, 85))];
    for (const list of [foreign, [app.text('no list')], undefined]) {
      const stage = await stageWith([point], list);
      expect((await stage.ask(stage.anna, group)).kind).toBe('error');
      expect(
        stage.sides.sent.some(
          ({ request: sent }) => sent.service === 'read-property' && sent.parameters.propertyIdentifier === 85,
        ),
      ).toBe(false);
    }
  });
});
