import { describe, expect, test } from 'vitest';
import { encodeElements, parseElements } from '../../../simulators/bacnet/elements.ts';
import { VENDOR } from '../../../simulators/bacnet/plant.ts';
import { AHU_FIRMWARE, ahuFiles } from '../../../simulators/bacnet/plant-ahu.ts';
import { ask, say, type WriteSpecification } from '../../../simulators/bacnet/requests.ts';
import { app, shown, within } from '../../../simulators/bacnet/values.ts';
import { buildImage } from '../../../simulators/firmware-image.ts';
import { expectWellFormed, inside, startRig } from './rig.ts';

const sp = { object: 'analog-value,1' } as const;

describe('reading', () => {
  test('ALL, REQUIRED and OPTIONAL answer for what there is, and an unknown object in its own place', async () => {
    const rig = await startRig();
    const wanted = [
      { object: 'analog-value,1', property: 'required' },
      { object: 'analog-value,1', property: 'optional' },
      { object: 'analog-value,99', property: 'present-value' },
      { object: 'device,4194303', property: 'object-name' },
    ] as const;
    const answer = parseElements(await rig.client.acknowledged(rig.ahu, ask.readPropertyMultiple(wanted)));
    const text = shown(answer);
    expect(text).toContain('[2]55 [4]{18}');
    expect(text).toContain('[2]57 [4]{null null');
    expect(text).toContain('[5]{1 31}');
    expect(text).toContain('"Air handling unit 2"');
    const all = await rig.client.acknowledged(rig.ahu, ask.readPropertyMultiple([{ ...sp, property: 'all' }]));
    const [required, optional] = await Promise.all(
      (['required', 'optional'] as const).map((property) =>
        rig.client.acknowledged(rig.ahu, ask.readPropertyMultiple([{ ...sp, property }])),
      ),
    );
    const results = (octets: Buffer | undefined): number =>
      inside(parseElements(octets ?? Buffer.alloc(0)), 1).length / 2;
    expect(results(all)).toBe(results(required) + results(optional));
    await expectWellFormed(rig, ['object unknown-object']);
  });

  test('array elements, their count and what is no array', async () => {
    const rig = await startRig();
    expect(await rig.shown(rig.ctl, 'device,1003', 'object-list', 0)).toBe('201');
    expect(await rig.shown(rig.ahu, 'analog-value,1', 'priority-array', 8)).toBe('null');
    expect(await rig.ask(rig.ahu, ask.readProperty({ ...sp, property: 'priority-array', index: 17 }))).toBe(
      'error 2,42',
    );
    expect(await rig.ask(rig.ahu, ask.readProperty({ ...sp, index: 1 }))).toBe('error 2,50');
    expect(await rig.ask(rig.ahu, ask.readProperty({ ...sp, property: 9999 }))).toBe('error 2,32');
    await expectWellFormed(rig);
  });
});

describe('writing', () => {
  test('a commanded value is what the highest slot says, and the relinquish default at the end', async () => {
    const rig = await startRig();
    const write = (value: ReturnType<typeof app.real>, priority: number) =>
      rig.ask(rig.ahu, ask.writeProperty({ ...sp, value: [value], priority }));
    expect(await write(app.real(20), 12)).toBe('simple-ack');
    expect(await write(app.real(22), 8)).toBe('simple-ack');
    expect(await rig.number(rig.ahu, 'analog-value,1')).toBe(22);
    expect(await write(app.null(), 8)).toBe('simple-ack');
    expect(await rig.number(rig.ahu, 'analog-value,1')).toBe(20);
    expect(await write(app.null(), 12)).toBe('simple-ack');
    expect(await rig.number(rig.ahu, 'analog-value,1')).toBe(18);
    const rewrite = ask.writeProperty({ ...sp, property: 'relinquish-default', value: [app.real(17)] });
    expect(await rig.ask(rig.ahu, rewrite)).toBe('simple-ack');
    expect(await rig.number(rig.ahu, 'analog-value,1')).toBe(17);
    expect(
      rig.plant.devices.ahu2.record.applied().map(({ target, value, priority }) => [target, value, priority]),
    ).toEqual([
      ['analog-value,1 present-value', '20', 12],
      ['analog-value,1 present-value', '22', 8],
      ['analog-value,1 present-value', 'null', 8],
      ['analog-value,1 present-value', 'null', 12],
      ['analog-value,1 relinquish-default', '17', 16],
    ]);
    await expectWellFormed(rig);
  });

  test.each([
    ['outside its limits', { ...sp, value: [app.real(99)], priority: 8 }, 'error 2,37'],
    ['not a number', { ...sp, value: [app.real(Number.NaN)], priority: 8 }, 'error 2,37'],
    ['of another type', { ...sp, value: [app.unsigned(20)] }, 'error 2,9'],
    ['at priority 0', { ...sp, value: [app.real(20)], priority: 0 }, 'reject 6'],
    ['at priority 17', { ...sp, value: [app.real(20)], priority: 17 }, 'reject 6'],
    ['at the priority of minimum times', { ...sp, value: [app.real(20)], priority: 6 }, 'error 2,40'],
    ['to a measured value', { object: 'analog-input,1', value: [app.real(20)] }, 'error 2,40'],
    ['to no object', { object: 'analog-value,99', value: [app.real(20)] }, 'error 1,31'],
    ['as a fourth of three states', { object: 'multi-state-value,1', value: [app.unsigned(4)] }, 'error 2,37'],
  ] as const satisfies readonly (readonly [string, WriteSpecification, string])[])(
    'a write %s changes nothing',
    async (_how, specification, expected) => {
      const rig = await startRig();
      expect(await rig.ask(rig.ahu, ask.writeProperty(specification))).toBe(expected);
      expect(rig.plant.devices.ahu2.record.writesSeen()).toBe(1);
      expect(rig.plant.devices.ahu2.record.applied()).toEqual([]);
    },
  );

  test('a multiple write stops at its first refusal, says which it was and keeps what came before', async () => {
    const rig = await startRig();
    const writes = [
      { ...sp, value: [app.real(20)], priority: 8 },
      { object: 'analog-value,2', value: [app.real(9000)], priority: 8 },
      { object: 'analog-value,3', value: [app.real(900)], priority: 8 },
    ] as const;
    const outcome = await rig.client.request(rig.ahu, ask.writePropertyMultiple(writes));
    expect(outcome.kind === 'error' && shown(parseElements(outcome.payload))).toBe('[0]{2 37} [1]{[0]00800002 [1]55}');
    expect(await rig.number(rig.ahu, 'analog-value,1')).toBe(20);
    expect(await rig.number(rig.ahu, 'analog-value,3')).toBe(800);
    expect(rig.plant.devices.ahu2.record.writes()[0]?.points).toEqual(['ahu2/sat-sp', 'ahu2/dsp-sp', 'ahu2/co2-sp']);
    await expectWellFormed(rig, ['property value-out-of-range']);
  });

  test('objects come and go only of the kinds that may, each refusal in its own form', async () => {
    const rig = await startRig();
    expect(await rig.ask(rig.ahu, ask.createObject('analog-value,50', [{ ...sp, value: [app.real(3)] }]))).toBe(
      'complex-ack',
    );
    expect(await rig.number(rig.ahu, 'analog-value,50')).toBe(3);
    const again = await rig.client.request(rig.ahu, ask.createObject('analog-value,50'));
    expect(again.kind === 'error' && shown(parseElements(again.payload))).toBe('[0]{1 24} [1]00');
    expect(await rig.ask(rig.ahu, ask.createObject('analog-input,9'))).toBe('error 1,36');
    expect(await rig.ask(rig.ahu, ask.deleteObject('analog-value,50'))).toBe('simple-ack');
    expect(await rig.ask(rig.ahu, ask.deleteObject('schedule,1'))).toBe('error 1,23');
    const transfer = await rig.client.request(rig.ahu, ask.privateTransfer(999, 3));
    expect(transfer.kind === 'error' && shown(parseElements(transfer.payload))).toBe('[0]{5 45} [1]03e7 [2]03');
    expect(await rig.ask(rig.ahu, { service: 31, payload: Buffer.alloc(0) })).toBe('reject 9');
    await expectWellFormed(rig);
    expect(await rig.ask(rig.ahu, { service: 15, payload: Buffer.from('0c00', 'hex') })).toBe('reject 4');
  });

  test('list elements are added once and removed whole', async () => {
    const rig = await startRig();
    const list = { object: 'schedule,1', property: 'list-of-object-property-references' } as const;
    const reference = encodeElements(await rig.client.read(rig.ahu, list));
    expect(await rig.ask(rig.ahu, ask.addListElement(list, parseElements(reference)))).toBe('simple-ack');
    expect(encodeElements(await rig.client.read(rig.ahu, list))).toEqual(reference);
    expect(await rig.ask(rig.ahu, ask.removeListElement(list, parseElements(reference)))).toBe('simple-ack');
    expect(await rig.client.read(rig.ahu, list)).toEqual([]);
    expect(await rig.ask(rig.ahu, ask.removeListElement(list, parseElements(reference)))).toBe('error 5,81');
    expect(await rig.ask(rig.ahu, ask.addListElement(sp, [app.real(1)]))).toBe('error 5,22');
    await expectWellFormed(rig);
  });
});

describe('files', () => {
  test('a firmware image goes over in chunks, takes effect when activated, and is read back', async () => {
    const rig = await startRig();
    const image = buildImage({ vendor: VENDOR, model: 'Boreas 9000-B', version: '3.1.0', size: 6015 });
    expect(
      await rig.ask(rig.ahu, ask.writeProperty({ object: 'file,1', property: 'file-size', value: [app.unsigned(0)] })),
    ).toBe('simple-ack');
    for (let at = 0; at < image.length; at += 1412) {
      expect(await rig.ask(rig.ahu, ask.writeFile(1, at, image.subarray(at, at + 1412)))).toBe('complex-ack');
    }
    expect(await rig.number(rig.ahu, 'file,1', 'file-size')).toBe(image.length);
    expect(await rig.shown(rig.ahu, 'device,1001', 'firmware-revision')).toBe(`"${AHU_FIRMWARE}"`);
    const [ended, piece] = parseElements(await rig.client.acknowledged(rig.ahu, ask.readFile(1, 6000, 1000)));
    expect(shown([ended ?? app.null()])).toBe('1');
    expect(piece).toEqual(within(0, app.signed(6000), app.octets(image.subarray(6000))));
    expect(await rig.ask(rig.ahu, ask.reinitialize(7, 'filters'))).toBe('simple-ack');
    expect(await rig.shown(rig.ahu, 'device,1001', 'firmware-revision')).toBe('"3.1.0"');
    expect(
      rig.plant.devices.ahu2.record.writes().filter((frame) => frame.points.includes('ahu2/firmware')),
    ).toHaveLength(5);
    await expectWellFormed(rig);
  });

  test('records are appended and replaced; the wrong access and a start beyond the end are refused', async () => {
    const rig = await startRig();
    expect(ahuFiles().get(2)?.records).toHaveLength(4);
    const appended = await rig.client.acknowledged(
      rig.ahu,
      ask.writeRecords(2, -1, [Buffer.from('a'), Buffer.from('b')]),
    );
    expect(appended.toString('hex')).toBe('1904');
    await rig.client.acknowledged(rig.ahu, ask.writeRecords(2, 0, [Buffer.from('first')]));
    expect(rig.plant.devices.ahu2.state.files.get(2)?.records.map(String)).toEqual([
      'first',
      'gain=12',
      'fan.min=20',
      'units=SI',
      'a',
      'b',
    ]);
    expect(await rig.ask(rig.ahu, ask.writeFile(2, 0, Buffer.from('x')))).toBe('error 5,10');
    expect(await rig.ask(rig.ahu, ask.readFile(2, 7, 1, 'record'))).toBe('error 5,11');
    expect(await rig.ask(rig.ahu, ask.readFile(9, 0, 1))).toBe('error 1,31');
    await expectWellFormed(rig);
  });
});

describe('control', () => {
  test('a disabled device hears only what enables it again; a minute later it hears all', async () => {
    let now = Date.UTC(2026, 10, 23, 9);
    const rig = await startRig({ now: () => now });
    expect(await rig.ask(rig.ahu, ask.communicationControl(1, 1))).toBe('error 4,26');
    expect(await rig.ask(rig.ahu, ask.communicationControl(1, 1, 'filters'))).toBe('simple-ack');
    await expect(rig.client.request(rig.ahu, ask.readProperty(sp), { timeoutMs: 50 })).rejects.toThrow(/no answer/);
    now += 60_000;
    expect(await rig.number(rig.ahu, 'analog-value,1')).toBe(18);
    await expectWellFormed(rig);
  });

  test('restart, backup and restore go through their states', async () => {
    const rig = await startRig();
    const go = (state: number) => rig.ask(rig.ahu, ask.reinitialize(state, 'filters'));
    expect([await go(2), await go(4), await go(3), await go(3), await go(4), await go(5), await go(8)]).toEqual([
      'simple-ack',
      'error 0,2',
      'simple-ack',
      'error 5,29',
      'simple-ack',
      'simple-ack',
      'reject 8',
    ]);
    expect(await go(0)).toBe('simple-ack');
    expect(rig.plant.devices.ahu2.state.restarts).toBe(2);
    await rig.client.until(() => rig.client.found.some(({ instance }) => instance === 1001));
    await expectWellFormed(rig);
  });

  test('the clock is set by whoever says the time', async () => {
    const rig = await startRig({ now: () => Date.UTC(2026, 10, 23, 9) });
    rig.client.tell(say.timeSynchronization(new Date(Date.UTC(2031, 0, 2, 3, 4, 5))), rig.ahu);
    expect(await rig.shown(rig.ahu, 'device,1001', 'local-date')).toBe('83010204');
    expect(await rig.shown(rig.ahu, 'device,1001', 'local-time')).toBe('03040500');
    expect(rig.plant.devices.ahu2.record.writes().map(({ service }) => service)).toEqual(['time-synchronization']);
  });

  test('a life safety operation silences one point, or every one there is', async () => {
    const rig = await startRig();
    expect(await rig.ask(rig.ahu, ask.lifeSafetyOperation(1, 'life-safety-point,1'))).toBe('simple-ack');
    expect(await rig.number(rig.ahu, 'life-safety-point,1', 'silenced')).toBe(3);
    expect(await rig.ask(rig.ahu, ask.lifeSafetyOperation(4))).toBe('simple-ack');
    expect(await rig.number(rig.ahu, 'life-safety-point,1', 'silenced')).toBe(0);
    expect(await rig.ask(rig.ahu, ask.lifeSafetyOperation(1, 'analog-value,1'))).toBe('error 5,45');
    await expectWellFormed(rig);
  });

  test('a device renumbers itself when told to, and answers under its new number alone', async () => {
    const rig = await startRig();
    const renumber = { object: 'device,1001', property: 'object-identifier' } as const;
    const to = (instance: number) => [app.object({ type: 8, instance })];
    expect(await rig.ask(rig.ahu, ask.writeProperty({ ...renumber, value: to(2001) }))).toBe('simple-ack');
    expect(await rig.ask(rig.ahu, ask.readProperty({ object: 'device,1001', property: 'object-name' }))).toBe(
      'error 1,31',
    );
    const found = await rig.client.discover(1, { low: 2000, high: 2100 });
    expect(found.map(({ instance }) => instance)).toEqual([2001]);
  });
});
