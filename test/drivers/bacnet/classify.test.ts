// The service table of PROTOCOLS.md, row by row: request, targets, actions.

import { describe, expect, test } from 'vitest';
import { classify, objectsWritten, touchesIdentity } from '../../../drivers/bacnet/classify.ts';
import type { ConfirmedRequest } from '../../../drivers/bacnet/wire/confirmed-service.ts';
import { PROPERTY_IDENTIFIERS as P } from '../../../drivers/bacnet/wire/names/property-identifier.ts';
import { CONFIRMED } from '../../../simulators/bacnet/names.ts';
import { ask, type WriteSpecification } from '../../../simulators/bacnet/requests.ts';
import { app, ctx, type within } from '../../../simulators/bacnet/values.ts';
import { AHU, effects, effectsOf, indexOf, reference, request, siteWith, station } from './classify-stage.ts';

const index = await indexOf();
const site = siteWith(index);
const write = (one: WriteSpecification) => effects(ask.writeProperty(one), site);

describe('WriteProperty, by property', () => {
  test.each<readonly [WriteSpecification, readonly string[]]>([
    [{ object: 'analog-value,1', value: [app.real(21)] }, ['ahu2/sat-sp write 21 @16']],
    [{ object: 'analog-value,1', value: [app.real(21)], priority: 8 }, ['ahu2/sat-sp write 21 @8']],
    [{ object: 'analog-value,1', value: [app.null()], priority: 8 }, ['ahu2/sat-sp write null @8']],
    [{ object: 'analog-value,1', value: [app.double(21)] }, ['ahu2/sat-sp write 21 @16']],
    [{ object: 'analog-value,1', value: [app.signed(-3)] }, ['ahu2/sat-sp write -3 @16']],
    [{ object: 'binary-value,1', value: [app.enumerated(1)] }, ['ahu2/occupied write 1 @16']],
    [{ object: 'binary-value,1', value: [app.boolean(true)] }, ['ahu2/occupied write true @16']],
    [{ object: 'multi-state-value,1', value: [app.unsigned(3)] }, ['ahu2/mode write 3 @16']],
    [{ object: 'analog-value,1', value: [app.text('x')] }, ['ahu2/sat-sp write x @16']],
    // No value a limit could be compared with: none is given, and the gate denies it.
    [{ object: 'analog-value,1', value: [app.real(1), app.real(2)] }, ['ahu2/sat-sp write @16']],
    [{ object: 'analog-value,1', value: [app.octets(Buffer.from([1]))] }, ['ahu2/sat-sp write @16']],
    [{ object: 'analog-value,1', index: 1, value: [app.real(21)] }, ['ahu2/sat-sp write @16']],
    [{ object: 'analog-input,1', property: P['high-limit'], value: [app.real(30)] }, ['ahu2/sat-hi write 30']],
    ...(
      [
        'deadband',
        'time-delay',
        'notification-class',
        'event-enable',
        'limit-enable',
        'notify-type',
        'alarm-values',
      ] as const
    ).map((property): readonly [WriteSpecification, readonly string[]] => [
      { object: 'analog-value,1', property: P[property], value: [app.unsigned(1)] },
      ['ahu2/sat-sp alarm.threshold'],
    ]),
    ...(['out-of-service', 'units', 'cov-increment', 'min-pres-value', 'max-pres-value'] as const).map(
      (property): readonly [WriteSpecification, readonly string[]] => [
        { object: 'analog-value,1', property: P[property], value: [app.unsigned(1)] },
        ['ahu2/sat-sp device.configure'],
      ],
    ),
    [
      { object: 'analog-value,1', property: P['relinquish-default'], value: [app.real(90)] },
      ['ahu2/sat-sp device.configure 90'],
    ],
    [
      { object: 'analog-value,1', property: P['relinquish-default'], value: [app.null()] },
      ['ahu2/sat-sp device.configure'],
    ],
    [{ object: 'analog-value,1', property: P.description, value: [app.text('x')] }, ['ahu2/sat-sp engineering.modify']],
    [{ object: 'analog-value,1', property: 9999, value: [app.text('x')] }, ['ahu2/sat-sp engineering.modify']],
    [
      { object: 'analog-value,1', property: P.description, value: [app.text('x')], priority: 1 },
      ['ahu2/sat-sp engineering.modify @1'],
    ],
    [{ object: 'analog-value,77', value: [app.real(1)] }, ['ahu2 engineering.modify @16']],
    [{ object: 'analog-value,77', property: P['high-limit'], value: [app.real(1)] }, ['ahu2 engineering.modify']],
    [{ object: 'device,1001', property: P.location, value: [app.text('x')] }, ['ahu2 engineering.modify']],
    [
      { object: 'device,4194303', property: P['object-identifier'], value: [app.object({ type: 8, instance: 5 })] },
      ['ahu2 engineering.modify'],
    ],
    [
      { object: 'analog-value,1', property: P['object-identifier'], value: [app.object({ type: 2, instance: 5 })] },
      ['ahu2 engineering.modify', 'ahu2/sat-sp engineering.modify'],
    ],
    [
      { object: 'network-port,1', property: P['out-of-service'], value: [app.boolean(true)] },
      ['ahu2 engineering.modify'],
    ],
    [
      { object: 'device,1001', property: P['firmware-revision'], value: [app.text('x')] },
      ['ahu2/firmware-revision write x'],
    ],
    [
      { object: 'life-safety-point,1', property: P.mode, value: [app.enumerated(1)] },
      ['ahu2/smoke lifeSafety.operate 1'],
    ],
    [
      { object: 'life-safety-point,1', property: P['time-delay'], value: [app.unsigned(1)] },
      ['ahu2/smoke lifeSafety.operate', 'ahu2/smoke alarm.threshold'],
    ],
    [
      { object: 'life-safety-zone,9', property: P.mode, value: [app.enumerated(1)] },
      ['ahu2 engineering.modify', 'ahu2 lifeSafety.operate'],
    ],
    [
      { object: 'file,1', property: P['file-size'], value: [app.unsigned(0)] },
      ['ahu2/firmware engineering.modify', 'ahu2/firmware firmware.update'],
    ],
    [
      { object: 'notification-class,1', property: P['recipient-list'], value: [app.text('no list')] },
      ['refused: what a value of `15,1` refers to cannot be told'],
    ],
    [
      { object: 'event-enrollment,1', property: P['object-property-reference'], value: reference('analog-output,1') },
      ['ahu2 engineering.modify', 'ahu2/heating-valve point.write @16'],
    ],
    [
      {
        object: 'event-enrollment,1',
        property: P['object-property-reference'],
        value: reference('analog-value,1', 1002),
      },
      ['ahu2 engineering.modify', 'vav1/room-sp point.write @16'],
    ],
    [
      {
        object: 'event-enrollment,1',
        property: P['object-property-reference'],
        value: reference('analog-value,1', 77),
      },
      ['ahu2 engineering.modify', 'nowhere engineering.modify @16'],
    ],
  ])('%j', (one, expected) => expect(write(one)).toEqual(expected));

  test('without a policy, or to a device the inventory does not hold, nothing stands for it', () => {
    const asked = ask.writeProperty({ object: 'analog-value,1', value: [app.real(21)] });
    expect(effects(asked, siteWith(undefined))).toEqual(['nowhere engineering.modify @16']);
    expect(effects(asked, site, station(4000))).toEqual(['nowhere engineering.modify @16']);
    expect(effects(asked, site, station(undefined))).toEqual(['nowhere engineering.modify @16']);
    expect(effects(ask.lifeSafetyOperation(1), siteWith(undefined))).toEqual(['nowhere lifeSafety.operate']);
  });

  test('an element of an array that is a point is its own target', async () => {
    const point = { id: 'ahu2/slot', name: 'slot', device: 'ahu2', class: 'parameter', facts: {} };
    const address = { object: 'analog-value,50', property: P['weekly-schedule'], index: 2 };
    const own = await indexOf({ points: (points) => [...points, { ...point, address }] });
    const to = (at?: number) =>
      effects(
        ask.writeProperty({
          object: 'analog-value,50',
          property: P['weekly-schedule'],
          value: [app.real(1)],
          ...(at !== undefined && { index: at }),
        }),
        siteWith(own),
      );
    expect(to(2)).toEqual(['ahu2/slot write 1']);
    expect(to(0)).toEqual(['ahu2/slot write']);
    expect(to()).toEqual(['ahu2/slot write']);
    expect(to(3)).toEqual(['ahu2/slot engineering.modify']);
  });
});

describe('other services', () => {
  test.each([
    [
      'WritePropertyMultiple: every object and property',
      ask.writePropertyMultiple([
        { object: 'analog-value,1', value: [app.real(20)], priority: 9 },
        { object: 'analog-value,1', property: P.units, value: [app.enumerated(62)] },
        { object: 'analog-input,1', property: P['low-limit'], index: 1, value: [app.real(3)] },
      ]),
      ['ahu2/sat-sp write 20 @9', 'ahu2/sat-sp device.configure', 'ahu2/sat-lo write'],
    ],
    [
      'AddListElement: the list',
      ask.addListElement({ object: 'analog-value,1', property: P['alarm-values'] }, [app.unsigned(1)]),
      ['ahu2/sat-sp alarm.threshold'],
    ],
    [
      'RemoveListElement: the list',
      ask.removeListElement({ object: 'calendar,1', property: P['date-list'], index: 1 }, [app.unsigned(1)]),
      ['ahu2 engineering.modify'],
    ],
    ['CreateObject by type', ask.createObject(2), ['ahu2 engineering.modify']],
    [
      'CreateObject with values',
      ask.createObject('analog-value,1', [{ object: 'analog-value,1', value: [app.real(5)] }]),
      ['ahu2 engineering.modify', 'ahu2/sat-sp write 5 @16'],
    ],
    ['DeleteObject', ask.deleteObject('analog-value,1'), ['ahu2 engineering.modify', 'ahu2/sat-sp engineering.modify']],
    [
      'AtomicWriteFile to firmware',
      ask.writeFile(1, 0, Buffer.of(1)),
      ['ahu2 firmware.update', 'ahu2/firmware firmware.update'],
    ],
    [
      'AtomicWriteFile to a parameter file',
      ask.writeRecords(2, -1, [Buffer.of(1)]),
      ['ahu2 device.configure', 'ahu2/configuration device.configure'],
    ],
    [
      'AtomicWriteFile to an unlisted file',
      ask.writeFile(9, 0, Buffer.of(1)),
      ['ahu2 device.configure', 'ahu2 engineering.modify'],
    ],
    ...[0, 1, 2, 3, 4, 5, 6, 7].map(
      (state) => [`ReinitializeDevice ${state}`, ask.reinitialize(state), ['ahu2 device.control']] as const,
    ),
    ['DeviceCommunicationControl', ask.communicationControl(1), ['ahu2 device.control']],
    [
      'LifeSafetyOperation on an object',
      ask.lifeSafetyOperation(1, 'life-safety-point,1'),
      ['ahu2/smoke lifeSafety.operate'],
    ],
    [
      'LifeSafetyOperation on an unlisted object',
      ask.lifeSafetyOperation(1, 'life-safety-zone,4'),
      ['ahu2 lifeSafety.operate'],
    ],
    [
      'LifeSafetyOperation on all',
      ask.lifeSafetyOperation(1),
      ['ahu2 lifeSafety.operate', 'ahu2/smoke lifeSafety.operate'],
    ],
    [
      'AcknowledgeAlarm',
      ask.acknowledgeAlarm('analog-input,1', 3, [{ kind: 'context', tag: 1, octets: Buffer.of(1) }], 'x'),
      ['ahu2/sat alarm.acknowledge'],
    ],
    [
      'private transfer',
      ask.privateTransfer(7, 3),
      ['refused: private service `3` of vendor `7` is not named by the site'],
    ],
  ] as const)('%s', (_name, asked, expected) => expect(effects(asked, site)).toEqual(expected));

  test('a private service that the site names asks its action of the device', () => {
    const named = siteWith(
      index,
      {},
      { permits: (vendor, service) => (vendor === 7 && service === 3 ? 'firmware.update' : undefined) },
    );
    expect(effects(ask.privateTransfer(7, 3), named)).toEqual(['ahu2 firmware.update']);
    const what = classify(request(ask.privateTransfer(7, 3)), AHU, named);
    expect(what).toMatchObject({ change: { rawImage: true, transfer: { ends: false } } });
    const plain = siteWith(index, {}, { permits: () => 'device.configure' });
    expect(classify(request(ask.privateTransfer(7, 3)), AHU, plain)).not.toHaveProperty('change.rawImage');
  });

  test('within a firmware transfer a restart or activation is a part of it, and ends it', () => {
    const within = siteWith(index, {}, { inFirmwareTransfer: () => true });
    for (const state of [0, 1, 7]) {
      const what = classify(request(ask.reinitialize(state)), AHU, within);
      expect(effectsOf(what, index)).toEqual(['ahu2 firmware.update']);
      expect(what).toMatchObject({ change: { rawImage: true, transfer: { ends: true } } });
    }
    expect(effects(ask.reinitialize(2), within)).toEqual(['ahu2 device.control']);
  });

  test('outside of one, what puts an image into use that was left there asks both rights, and is no transfer', () => {
    const left = siteWith(index, {}, { mayHoldImage: () => true });
    for (const state of [0, 1, 7]) {
      const what = classify(request(ask.reinitialize(state)), AHU, left);
      expect(effectsOf(what, index)).toEqual(['ahu2 device.control', 'ahu2 firmware.update']);
      expect(what).not.toHaveProperty('change.transfer');
    }
    for (const state of [2, 3]) expect(effects(ask.reinitialize(state), left)).toEqual(['ahu2 device.control']);
  });

  test('the file that a device’s address names is firmware also without a point', async () => {
    const points = (all: readonly object[]) => all.filter((one) => 'id' in one && one.id !== 'ahu2/firmware');
    const alone = siteWith(await indexOf({ points }));
    const marks = { change: { rawImage: true, transfer: { ends: false } } };
    const written = ask.writeFile(1, 0, Buffer.of(1));
    expect(effects(written, alone)).toEqual(['ahu2 firmware.update']);
    expect(classify(request(written), AHU, alone)).toMatchObject(marks);
    const resized = ask.writeProperty({ object: 'file,1', property: 'file-size', value: [app.unsigned(0)] });
    expect(effects(resized, alone)).toContain('ahu2 firmware.update');
    expect(classify(request(resized), AHU, alone)).toMatchObject(marks);
    expect(effects(ask.writeFile(77, 0, Buffer.of(1)), alone)).toContain('ahu2 engineering.modify');
  });

  test('transfers, images and sameness are marked', () => {
    const changeOf = (asked: Parameters<typeof request>[0]) => classify(request(asked), AHU, site);
    expect(changeOf(ask.writeFile(1, 0, Buffer.of(1)))).toMatchObject({
      change: { rawImage: true, transfer: { ends: false } },
    });
    expect(changeOf(ask.writeFile(2, 0, Buffer.of(1)))).not.toHaveProperty('change.rawImage');
    expect(changeOf(ask.reinitialize(4))).toMatchObject({ change: { transfer: { ends: false } } });
    for (const state of [5, 6])
      expect(changeOf(ask.reinitialize(state))).toMatchObject({ change: { transfer: { ends: true } } });
    expect(changeOf(ask.reinitialize(0))).not.toHaveProperty('change.transfer');
    const same = (number: number) =>
      changeOf(ask.writeProperty({ object: 'analog-value,1', value: [app.real(number)] }));
    expect(same(20)).toEqual(same(20));
    expect(same(20)).toHaveProperty('change.sameness');
    expect(
      changeOf(ask.writeProperty({ object: 'analog-value,1', property: P.units, value: [app.enumerated(1)] })),
    ).not.toHaveProperty('change.sameness');
  });

  test('reads and subscriptions are observations', () => {
    for (const asked of [
      ask.readProperty({ object: 'analog-value,1' }),
      ask.readPropertyMultiple([{ object: 'analog-value,1' }]),
      ask.readRange({ object: 'trend-log,1', property: P['log-buffer'] }),
      ask.readFile(1, 0, 1),
      ask.getAlarmSummary(),
      ask.getEnrollmentSummary(),
      ask.getEventInformation(),
      ask.subscribeCov(1, 'analog-value,1', true, 1),
      ask.subscribeCovProperty(1, { object: 'analog-value,1' }, true, 1),
    ])
      expect(classify(request(asked), AHU, site)).toEqual({ kind: 'observation' });
  });

  test('what the table refuses is refused, and what nobody knows is unknown', () => {
    const texts = [ctx.object(0, { type: 8, instance: 1 }), ctx.unsigned(2, 0), ctx.text(3, 'hello')];
    const refused: readonly (readonly [keyof typeof CONFIRMED | number, readonly Parameters<typeof within>[1][]])[] = [
      [19, texts],
      [21, [app.enumerated(1), app.unsigned(1)]],
      [22, [app.unsigned(1)]],
      [23, [app.unsigned(1), app.octets(Buffer.of(1)), app.unsigned(0)]],
      [32, []],
      [33, []],
      [34, []],
    ];
    for (const [service, elements] of refused) {
      const payload = ask.privateTransfer(1, 1, elements).payload.subarray(5, -1);
      const choice = typeof service === 'number' ? service : CONFIRMED[service];
      expect(effects({ service: choice, payload: elements.length === 0 ? Buffer.alloc(0) : payload }, site)[0]).toMatch(
        /^refused: .* is not among the services that are passed on$/,
      );
    }
    expect(effects({ service: 13, payload: Buffer.of(1) }, site)).toEqual(['unknown']);
    const empty = classify({ service: 'write-property-multiple', parameters: [] }, AHU, site);
    expect(effectsOf(empty, index)).toEqual(['refused: write-property-multiple without a target']);
  });
});

describe('what a change leaves to look at again', () => {
  test.each<readonly [ReturnType<typeof ask.reinitialize>, boolean, number]>([
    [ask.reinitialize(0), true, 0],
    [ask.writeProperty({ object: 'device,1001', property: P['object-identifier'], value: [app.null()] }), true, 1],
    [ask.writePropertyMultiple([{ object: 'device,1001', value: [app.null()] }]), true, 1],
    [ask.writePropertyMultiple([{ object: 'analog-value,1', value: [app.null()] }]), false, 1],
    [ask.deleteObject('analog-value,1'), false, 1],
    [ask.communicationControl(0), false, 0],
  ])('%#', (asked, identity, objects) => {
    const decoded: ConfirmedRequest = request(asked);
    expect(touchesIdentity(decoded)).toBe(identity);
    expect(objectsWritten(decoded)).toHaveLength(objects);
  });
});
