// Fan-out: everything that moves with a write is judged with it, or the write is refused.

import { describe, expect, test } from 'vitest';
import { classifyUnconfirmed } from '../../../drivers/bacnet/classify-unconfirmed.ts';
import { PROPERTY_IDENTIFIERS as P } from '../../../drivers/bacnet/wire/names/property-identifier.ts';
import type { Element } from '../../../simulators/bacnet/elements.ts';
import { ask, say, type WriteSpecification } from '../../../simulators/bacnet/requests.ts';
import { app, ctx, within } from '../../../simulators/bacnet/values.ts';
import {
  AHU,
  effects,
  effectsOf,
  indexOf,
  type Lists,
  reference,
  siteWith,
  station,
  told,
  VAV,
} from './classify-stage.ts';

const index = await indexOf();
const at = (hour: number): Element => app.timeOfDay(hour, 0);
const day = (...values: readonly Element[]): Element =>
  within(0, ...values.flatMap((value, hour) => [at(hour), value]));
const members = [...reference('analog-value,1'), ...reference('analog-value,1', 1002)];
const step = (object: 'binary-output,1' | 'multi-state-value,1', value: Element, priority?: number) => [
  ctx.object(1, object === 'binary-output,1' ? { type: 4, instance: 1 } : { type: 19, instance: 1 }),
  ctx.unsigned(2, 85),
  within(4, value),
  ...(priority === undefined ? [] : [ctx.unsigned(5, priority)]),
  ctx.boolean(7, false),
  ctx.boolean(8, false),
];

const lists: Lists = {
  'schedule,1': {
    'list-of-object-property-references': members,
    'priority-for-writing': [app.unsigned(12)],
    'schedule-default': [app.real(16)],
    'weekly-schedule': [day(app.real(20), app.real(18)), ...Array.from({ length: 6 }, () => day())],
    'exception-schedule': [ctx.object(1, { type: 6, instance: 1 }), within(2, at(1), app.real(19)), ctx.unsigned(3, 4)],
  },
  'channel,1': {
    'list-of-object-property-references': members,
    'channel-number': [app.unsigned(5)],
    'control-groups': [app.unsigned(1), app.unsigned(7)],
  },
  'channel,2': {
    'list-of-object-property-references': reference('channel,1'),
    'channel-number': [app.unsigned(6)],
    'control-groups': [app.unsigned(7)],
  },
  'channel,3': { 'list-of-object-property-references': reference('channel,3') },
  'channel,4': { 'list-of-object-property-references': reference('analog-value,4194303') },
  'channel,5': { 'list-of-object-property-references': [app.text('no list')] },
  'channel,6': { 'list-of-object-property-references': reference('channel,9', 1002) },
  'channel,7': { 'list-of-object-property-references': reference('channel,1', 1003) },
  'command,1': {
    action: [
      within(0, ...step('binary-output,1', app.enumerated(1), 10), ...step('multi-state-value,1', app.unsigned(2))),
      within(0),
    ],
  },
  'loop,1': {
    'manipulated-variable-reference': reference('analog-output,1'),
    'priority-for-writing': [app.unsigned(13)],
  },
  '31,1': { 'list-of-object-property-references': reference('analog-output,1') },
  '60,1': {
    'target-references': [
      ctx.object(1, { type: 4, instance: 1 }),
      ctx.object(0, { type: 8, instance: 1002 }),
      ctx.object(1, { type: 5, instance: 1 }),
    ],
  },
  'group,1': { 'list-of-group-members': [ctx.object(0, { type: 2, instance: 1 }), within(1, ctx.unsigned(0, 85))] },
};
const site = siteWith(index, lists);
const write = (one: WriteSpecification) => effects(ask.writeProperty(one), site);
const scheduled = (property: number, ...value: readonly Element[]) => write({ object: 'schedule,1', property, value });
const MEMBERS = P['list-of-object-property-references'];

describe('schedules', () => {
  test('a value is judged for every member, at the priority the schedule writes with', () => {
    expect(scheduled(P['schedule-default'], app.real(17))).toEqual([
      'ahu2/week engineering.modify',
      'ahu2/sat-sp write 17 @12',
      'vav1/room-sp write 17 @12',
    ]);
    expect(scheduled(P['weekly-schedule'], day(app.real(21)))).toEqual([
      'ahu2/week write',
      'ahu2/sat-sp write 21 @12',
      'vav1/room-sp write 21 @12',
    ]);
    expect(scheduled(P['weekly-schedule'], app.unsigned(7))).toEqual(['ahu2/week write 7']);
    expect(scheduled(P['exception-schedule'], app.unsigned(0))).toEqual(['ahu2/week engineering.modify']);
  });

  test('a member that comes is judged for every value that stands', () => {
    expect(scheduled(MEMBERS, ...reference('analog-value,2'))).toEqual([
      'ahu2/week engineering.modify',
      'ahu2/dsp-sp point.write @16',
      ...[16, 20, 18, 19].map((value) => `ahu2/dsp-sp write ${value} @12`),
    ]);
  });

  test('whoever touches when or at what priority it writes answers for all of it', () => {
    const all = (priority: number) =>
      ['ahu2/sat-sp', 'vav1/room-sp'].flatMap((id) =>
        [16, 20, 18, 19].map((value) => `${id} write ${value} @${priority}`),
      );
    expect(scheduled(P['out-of-service'], app.boolean(true)).slice(1)).toEqual(all(12));
    expect(scheduled(P['priority-for-writing'], app.unsigned(3)).slice(1)).toEqual([...all(12), ...all(3)]);
    expect(scheduled(P.description, app.text('x'))).toEqual(['ahu2/week engineering.modify']);
  });

  test('what cannot be told is refused', () => {
    for (const [property, value] of [
      [P['schedule-default'], [app.real(1), app.real(2)]],
      [P['weekly-schedule'], [within(0, at(1))]],
      [P['weekly-schedule'], [within(3, at(1), app.real(1))]],
      [P['weekly-schedule'], [within(0, app.real(1), app.real(1))]],
      [P['exception-schedule'], [within(2, at(1), within(0))]],
      [MEMBERS, [app.text('x')]],
    ] as const)
      expect(scheduled(property, ...value)[0]).toMatch(/^refused: what `17,1` moves cannot be told/);
  });

  test('too much to judge is refused', () => {
    const many = Array.from({ length: 60 }, (_, instance) => reference(`analog-value,${instance + 100}`)).flat();
    const values = Array.from({ length: 60 }, (_, value) => app.real(value));
    const large = siteWith(index, { 'schedule,1': { 'list-of-object-property-references': many } });
    const asked = ask.writeProperty({ object: 'schedule,1', property: P['weekly-schedule'], value: [day(...values)] });
    expect(effects(asked, large)[0]).toMatch(/^refused/);
  });

  test('a list that is not known is asked for', () => {
    const asked = ask.writeProperty({ object: 'schedule,1', property: P['schedule-default'], value: [app.real(1)] });
    expect(effects(asked, siteWith(index))).toEqual(['ahu2/week engineering.modify', 'needs 17,1']);
  });
});

describe('channels, commands, loops and others', () => {
  test.each<readonly [WriteSpecification, readonly string[]]>([
    [
      { object: 'channel,1', value: [app.real(20)], priority: 9 },
      ['ahu2/all-sp write 20 @9', 'ahu2/sat-sp write 20 @9', 'vav1/room-sp write 20 @9'],
    ],
    [
      { object: 'channel,1', value: [app.null()] },
      ['ahu2/all-sp write null @16', 'ahu2/sat-sp write null @16', 'vav1/room-sp write null @16'],
    ],
    [
      { object: 'channel,1', property: MEMBERS, value: reference('analog-value,2') },
      ['ahu2/all-sp engineering.modify', 'ahu2/dsp-sp point.write @16'],
    ],
    [
      { object: 'channel,1', property: MEMBERS, index: 0, value: [app.unsigned(2)] },
      ['ahu2/all-sp engineering.modify'],
    ],
    [
      { object: 'channel,2', value: [app.real(20)] },
      [
        'ahu2 engineering.modify @16',
        'ahu2/all-sp write 20 @16',
        'ahu2/sat-sp write 20 @16',
        'vav1/room-sp write 20 @16',
      ],
    ],
    [{ object: 'channel,3', value: [app.real(20)] }, ['refused: what `53,3` moves goes on for more than `4` objects']],
    [{ object: 'channel,4', value: [app.real(20)] }, ['ahu2 engineering.modify @16']],
    [{ object: 'channel,5', value: [app.real(20)] }, ['refused: what `53,5` moves cannot be told']],
    [
      { object: 'channel,6', value: [app.real(20)] },
      ['ahu2 engineering.modify @16', 'vav1 engineering.modify @16', 'needs 53,9'],
    ],
    [{ object: 'channel,7', value: [app.real(20)] }, ['refused: device `1003` is not there to tell what it moves']],
    [
      { object: 'command,1', value: [app.unsigned(1)] },
      ['ahu2/scene write 1 @16', 'ahu2/fan write 1 @10', 'ahu2/mode write 2 @16'],
    ],
    [{ object: 'command,1', value: [app.unsigned(2)] }, ['ahu2/scene write 2 @16']],
    [{ object: 'command,1', value: [app.unsigned(0)] }, ['ahu2/scene write 0 @16']],
    [{ object: 'command,1', value: [app.real(1)] }, ['refused: what `7,1` moves cannot be told']],
    [
      { object: 'command,1', property: P.action, value: [within(0, ...step('binary-output,1', app.enumerated(9)))] },
      ['ahu2/scene engineering.modify', 'ahu2/fan write 9 @16'],
    ],
    [
      { object: 'command,1', property: P.action, index: 0, value: [app.unsigned(3)] },
      ['ahu2/scene engineering.modify'],
    ],
    [
      { object: 'command,1', property: P.action, value: [app.unsigned(3)] },
      ['refused: what `7,1` moves cannot be told'],
    ],
    [
      { object: 'loop,1', property: P.setpoint, value: [app.real(20)] },
      ['ahu2 engineering.modify', 'ahu2/heating-valve point.write @13'],
    ],
    [
      { object: 'loop,1', property: P['setpoint-reference'], value: [within(0, ...reference('analog-value,1'))] },
      ['ahu2 engineering.modify', 'ahu2/heating-valve point.write @13', 'ahu2/sat-sp point.write @16'],
    ],
    [
      { object: 'loop,1', property: P['manipulated-variable-reference'], value: reference('analog-output,2') },
      ['ahu2 engineering.modify', 'ahu2/fan-speed point.write @13', 'ahu2/heating-valve point.write @13'],
    ],
    [
      { object: 'loop,1', property: P['controlled-variable-reference'], value: [app.real(1)] },
      ['refused: what `12,1` moves cannot be told'],
    ],
    [
      { object: '31,1', property: P['timer-running'], value: [app.boolean(true)] },
      ['ahu2 engineering.modify', 'ahu2/heating-valve write @16'],
    ],
    [
      { object: '60,1', value: [app.real(1)] },
      ['ahu2 engineering.modify @16', 'ahu2/fan write @16', 'vav1/occupied write @16'],
    ],
    [
      {
        object: 'group,1',
        property: P['list-of-group-members'],
        value: [ctx.object(0, { type: 2, instance: 2 }), within(1, ctx.unsigned(0, 85), ctx.unsigned(1, 1))],
      },
      ['ahu2 engineering.modify', 'ahu2/dsp-sp point.write @16', 'ahu2/sat-sp point.write @16'],
    ],
  ])('%#', (one, expected) => expect(write(one)).toEqual(expected));

  test('several writes to one object are judged together', () => {
    const request = ask.writePropertyMultiple([
      { object: 'channel,1', property: MEMBERS, value: reference('analog-value,2') },
      { object: 'channel,1', value: [app.real(90)] },
    ]);
    expect(effects(request, site)).toContain('ahu2/dsp-sp write 90 @16');
  });

  test('a recipient that is a device of the inventory is a target too, a workstation is none', () => {
    const list = (...recipients: readonly Element[]) =>
      effects(
        ask.writeProperty({
          object: 'device,1001',
          property: P['time-synchronization-recipients'],
          value: recipients,
        }),
        site,
      );
    expect(list(ctx.object(0, { type: 8, instance: 1002 }))).toEqual([
      'ahu2 engineering.modify',
      'vav1 engineering.modify',
    ]);
    expect(list(ctx.object(0, { type: 8, instance: 4000 }))).toEqual(['ahu2 engineering.modify']);
    expect(list(within(1, app.unsigned(0), app.octets(Buffer.of(1))))).toEqual(['ahu2 engineering.modify']);
    expect(list(app.real(1))[0]).toMatch(/^refused/);
  });

  test('a device is looked for by its instance where the network does not have it', async () => {
    const two = await indexOf({
      devices: (devices) => [
        ...devices,
        { id: 'far', name: 'far', location: 'hq', address: { bacnet: { network: 'other', instance: 7 } } },
      ],
    });
    const asked = ask.writeProperty({
      object: 'event-enrollment,1',
      property: P['object-property-reference'],
      value: reference('analog-value,1', 7),
    });
    expect(effects(asked, siteWith(two))).toEqual(['ahu2 engineering.modify', 'far engineering.modify @16']);
  });
});

describe('unconfirmed services', () => {
  const say_ = (
    asked: Parameters<typeof told>[0],
    to: Parameters<typeof classifyUnconfirmed>[1],
    own = site,
    known = [AHU, VAV],
  ) => effectsOf(classifyUnconfirmed(told(asked), to, own, known), index);
  const time = say.timeSynchronization(new Date(0));
  const group = (number: number, channelNumber: number) =>
    say.writeGroup(number, 10, [
      { channel: channelNumber, value: app.real(20), priority: 9 },
      { channel: 99, value: app.real(1) },
    ]);
  const known = siteWith(index, {
    ...lists,
    'device,1001': {
      'object-list': [
        app.object({ type: 8, instance: 1001 }),
        app.object({ type: 53, instance: 1 }),
        app.object({ type: 53, instance: 2 }),
      ],
    },
  });

  test('time synchronization asks control of every device reached', () => {
    expect(say_(time, AHU)).toEqual(['ahu2 device.control']);
    expect(say_(say.timeSynchronization(new Date(0), true), ['plant'])).toEqual(
      ['ahu2', 'vav1', 'ctl1'].map((id) => `${id} device.control`),
    );
    expect(say_(time, ['plant'], site, [station(4000)])).toContain('nowhere device.control');
    expect(say_(time, ['elsewhere'])).toEqual(['refused: time-synchronization reaches nothing']);
    expect(say_(time, ['plant'], siteWith(undefined), [])).toEqual(['refused: time-synchronization reaches nothing']);
  });

  test('a group write asks everything its channels move', () => {
    expect(say_(group(7, 5), AHU, known)).toEqual([
      'ahu2/all-sp write 20 @9',
      'ahu2/sat-sp write 20 @9',
      'vav1/room-sp write 20 @9',
    ]);
    expect(say_(group(7, 6), AHU, known)).toContain('vav1/room-sp write 20 @9');
    expect(say_(group(8, 5), AHU, known)).toEqual(['refused: write-group reaches nothing']);
    expect(say_(group(7, 5), AHU)).toEqual(['ahu2 device.view', 'needs 8,1001']);
    expect(say_(group(7, 5), ['plant'], known)[0]).toMatch(/^refused: what a broadcast/);
    expect(say_(group(7, 5), station(undefined), known)).toEqual(['refused: the device is not verified']);
    const halfKnown = siteWith(index, { 'device,1001': { 'object-list': [app.object({ type: 53, instance: 8 })] } });
    expect(say_(group(7, 5), AHU, halfKnown)).toEqual(['ahu2 device.view', 'needs 53,8']);
    const odd = siteWith(index, {
      'device,1001': { 'object-list': [app.object({ type: 53, instance: 5 })] },
      'channel,5': {
        'list-of-object-property-references': [app.text('x')],
        'channel-number': [app.unsigned(5)],
        'control-groups': [app.unsigned(7)],
      },
    });
    expect(say_(group(7, 5), AHU, odd)).toEqual(['refused: what `53,5` moves cannot be told']);
  });

  test('private transfers go only where the site names them; the rest is refused', () => {
    const transfer = { ...ask.privateTransfer(7, 3), service: 4 };
    expect(say_(transfer, AHU)[0]).toMatch(/^refused: private service/);
    expect(say_(transfer, AHU, siteWith(index, {}, { permits: () => 'device.configure' }))).toEqual([
      'ahu2 device.configure',
    ]);
    expect(say_({ service: 13, payload: Buffer.alloc(0) }, AHU)[0]).toMatch(/^refused: who-am-i is not among/);
  });
});
