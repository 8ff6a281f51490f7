// A survey against the simulated plant, and against devices that can do less: no ReadPropertyMultiple, answers that do not fit,
// silence half-way. It never writes.

import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { compileAddresses } from '../../../drivers/bacnet/address.ts';
import type { PlantAnswer, PlantDevice, PlantSide } from '../../../drivers/bacnet/seam.ts';
import { survey } from '../../../drivers/bacnet/survey.ts';
import { type AnyValue, anyValueOf } from '../../../drivers/bacnet/wire/any-value.ts';
import type { ConfirmedRequest } from '../../../drivers/bacnet/wire/confirmed-service.ts';
import { OBJECT_TYPES as T } from '../../../drivers/bacnet/wire/names/object-type.ts';
import { PROPERTY_IDENTIFIERS as P } from '../../../drivers/bacnet/wire/names/property-identifier.ts';
import { characterStringOf, elementOf, type Primitive } from '../../../drivers/bacnet/wire/primitive-value.ts';
import { inventoryYaml } from '../../../src/cli/inventory-yaml.ts';
import type { DraftDevice } from '../../../src/contract/inventory-draft.ts';
import { snapshot } from '../../gate/stage.ts';
import { siteBundle } from '../gate-stage.ts';
import { RoadRig } from './road-rig.ts';

describe('the plant', () => {
  test('is found whole: devices, points, units, limits, firmware files, and nothing is written', async () => {
    const rig = await RoadRig.start();
    const found = await rig.driver.survey({ network: 'plant' });
    if (!found.ok) throw new Error(found.fault);
    const byId = new Map(found.value.map((device) => [device.id, device]));
    expect([...byId.keys()]).toEqual(['ahu2', 'vav1', 'ctl1']);
    const points = (id: string) => byId.get(id)?.points ?? [];
    const at = (id: string, object: string, property?: string) =>
      points(id).find(({ address }) => address.object === object && address.property === property);
    expect(at('ahu2', 'analog-value,1')).toMatchObject({
      class: 'set-point',
      unit: 'degrees-celsius',
      limits: { min: 14, max: 24 },
    });
    expect(at('ahu2', 'analog-input,1')).toMatchObject({ class: 'sensor' });
    expect(at('ahu2', 'analog-input,1', 'high-limit')).toMatchObject({ class: 'alarm-limit' });
    expect(at('ahu2', 'file,1')).toMatchObject({ class: 'firmware' });
    expect(at('ahu2', 'multi-state-value,1')?.limits).toEqual({ values: [1, 2, 3] });
    expect(byId.get('ahu2')).toMatchObject({ vendor: 'Northwind Controls', model: 'Boreas 9000-B' });
    // Its answers hold 206 octets and it knows no segments; the controller has 200 objects.
    expect(points('vav1')).toHaveLength(6);
    expect(points('ctl1')).toHaveLength(200);
    expect(rig.writes).toBe(0);
    const yaml = inventoryYaml(found.value, 'hq', []);
    const bundle = siteBundle(parse(yaml));
    expect(await compileAddresses(snapshot(bundle).inventory, async () => undefined)).toMatchObject({ ok: true });
  });

  test('only a network that is there, and one survey at a time', async () => {
    const rig = await RoadRig.start();
    expect(await rig.driver.survey({ network: 'attic' })).toEqual({
      ok: false,
      fault: 'got network `attic`, expected one of `plant`',
    });
    const first = rig.driver.survey({ network: 'plant', instances: [1002] });
    expect(await rig.driver.survey({ network: 'plant' })).toMatchObject({ ok: false });
    expect(await first).toMatchObject({ ok: true, value: [{ id: 'vav1' }] });
  });
});

type Values = ReadonlyMap<string, readonly Primitive[]>;

interface Manner {
  readonly values: Values;
  /** More references at once, or longer lists, do not fit. */
  readonly most?: number;
  readonly multiple?: 'reject' | 'error' | 'served';
  /** Silent from this request on. */
  readonly silentAfter?: number;
}

const text = (value: string): Primitive => ({ type: 'character-string', value: characterStringOf(value) });
const identifier = (type: number, instance: number): Primitive => ({
  type: 'object-identifier',
  value: { type, instance },
});
const unsigned = (value: number): Primitive => ({ type: 'unsigned', value });

/** A device that answers from a table, one request at a time, or it fails the test. */
function plantOf(manner: Manner) {
  const device: PlantDevice = {
    network: 'plant',
    networkNumber: 2,
    mac: '0a',
    instance: 7,
    maxApduLength: 50,
    segmentation: 'none',
    vendorId: 1,
  };
  let requests = 0;
  let underWay = 0;
  const valueAt = (type: number, instance: number, property: number, index?: number): AnyValue | undefined => {
    const all = manner.values.get(`${type},${instance} ${property}`);
    if (all === undefined) return undefined;
    if (index === 0) return anyValueOf([elementOf(unsigned(all.length))]);
    const one = index === undefined ? all : all.slice(index - 1, index);
    return anyValueOf(one.map(elementOf));
  };
  const answer = (request: ConfirmedRequest): PlantAnswer => {
    requests += 1;
    if (manner.silentAfter !== undefined && requests > manner.silentAfter) return { kind: 'no-answer' };
    if (request.service === 'read-property') {
      const { objectIdentifier: object, propertyIdentifier: property, propertyArrayIndex: index } = request.parameters;
      const propertyValue = valueAt(object.type, object.instance, property, index);
      const length = manner.values.get(`${object.type},${object.instance} ${property}`)?.length ?? 0;
      if (index === undefined && length > (manner.most ?? 100)) return { kind: 'abort', reason: 4 };
      if (propertyValue === undefined)
        return {
          kind: 'error',
          error: { service: 'read-property', parameters: { choice: 'plain', value: { errorClass: 2, errorCode: 32 } } },
        };
      return {
        kind: 'complex-ack',
        ack: { service: 'read-property', parameters: { ...request.parameters, propertyValue } },
      };
    }
    if (request.service !== 'read-property-multiple') throw new Error(`a survey sent ${request.service}`);
    if (manner.multiple === 'reject') return { kind: 'reject', reason: 9 };
    if (manner.multiple === 'error')
      return {
        kind: 'error',
        error: {
          service: 'read-property-multiple',
          parameters: { choice: 'plain', value: { errorClass: 5, errorCode: 29 } },
        },
      };
    const references = request.parameters.flatMap(({ listOfPropertyReferences }) => listOfPropertyReferences);
    if (references.length > (manner.most ?? 100)) return { kind: 'unreachable', why: 'too long', abort: 4 };
    const parameters = request.parameters.map(({ objectIdentifier, listOfPropertyReferences }) => ({
      objectIdentifier,
      listOfResults: listOfPropertyReferences.map((reference) => {
        const value = valueAt(
          objectIdentifier.type,
          objectIdentifier.instance,
          reference.propertyIdentifier,
          reference.propertyArrayIndex,
        );
        return {
          ...reference,
          readResult:
            value === undefined
              ? ({ choice: 'property-access-error', value: { errorClass: 2, errorCode: 32 } } as const)
              : ({ choice: 'property-value', value } as const),
        };
      }),
    }));
    return { kind: 'complex-ack', ack: { service: 'read-property-multiple', parameters } };
  };
  const side: Pick<PlantSide, 'devices' | 'lane' | 'request' | 'unconfirmed'> = {
    devices: () => [device],
    lane: () => ({
      read: (run) => {
        void run(() => undefined);
        return true;
      },
      change: () => {
        throw new Error('a survey asked for a change');
      },
    }),
    request: async (_device, request) => {
      underWay += 1;
      if (underWay > 1) throw new Error('two requests at once');
      await Promise.resolve();
      underWay -= 1;
      return answer(request);
    },
    unconfirmed: (_to, request) => {
      if (request.service !== 'who-is') throw new Error(`a survey sent ${request.service}`);
      return true;
    },
  };
  return { side: side as PlantSide, requests: () => requests };
}

const THREE: Values = new Map<string, readonly Primitive[]>([
  [`${T.device},7 ${P['object-name']}`, [text('Kälte 1')]],
  [
    `${T.device},7 ${P['object-list']}`,
    [
      identifier(T.device, 7),
      identifier(T['analog-value'], 1),
      identifier(T['binary-value'], 2),
      identifier(T.loop, 3),
    ],
  ],
  [`${T['analog-value']},1 ${P['object-name']}`, [text('Setpoint')]],
  [`${T['analog-value']},1 ${P.units}`, [{ type: 'enumerated', value: 62 }]],
  [`${T['analog-value']},1 ${P['priority-array']}`, Array.from({ length: 16 }, (): Primitive => ({ type: 'null' }))],
  [`${T['binary-value']},2 ${P['object-name']}`, [text('Enable')]],
]);

async function surveyed(manner: Manner): Promise<{ readonly device: DraftDevice; readonly requests: number }> {
  const { side, requests } = plantOf(manner);
  const timers = {
    after: (_ms: number, run: () => void) => {
      queueMicrotask(run);
      return { cancel: () => undefined };
    },
  };
  const found = await survey({ network: 'plant' }, { plant: side, timers, idOf: () => undefined });
  const [device] = found.ok ? found.value : [];
  if (device === undefined) throw new Error('nothing found');
  return { device, requests: requests() };
}

describe('devices that can do less', () => {
  const expected = [
    ['Kalte-1/Setpoint', 'set-point'],
    ['Kalte-1/Enable', 'parameter'],
  ];
  const found = (device: DraftDevice) => device.points.map((point) => [point.id, point.class]);

  test.each<[string, Omit<Manner, 'values'>]>([
    ['one that serves all', {}],
    ['no ReadPropertyMultiple: Reject', { multiple: 'reject' }],
    ['no ReadPropertyMultiple: Error', { multiple: 'error' }],
    ['answers hold three values', { most: 3 }],
    ['answers hold one value', { most: 1 }],
  ])('%s', async (_name, manner) => {
    const { device, requests } = await surveyed({ values: THREE, ...manner });
    expect(found(device)).toEqual(expected);
    expect(requests).toBeLessThan(80);
    if (manner.multiple !== undefined) expect(device.remarks).toContain('it does not take ReadPropertyMultiple');
  });

  test('one that falls silent: what was read stays, and it is said', async () => {
    const { device } = await surveyed({ values: THREE, silentAfter: 2 });
    expect(device.points).toEqual([]);
    expect(device.remarks).toEqual([expect.stringContaining('stopped answering')]);
    const none = await surveyed({ values: THREE, silentAfter: 0 });
    expect(none.device).toMatchObject({ id: 'device-7', name: 'Device 7' });
  });
});
