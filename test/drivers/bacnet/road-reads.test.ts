// Reads are judged element by element: what may not be read is refused for itself, the rest is answered in order.

import { describe, expect, test } from 'vitest';
import { parseElements } from '../../../simulators/bacnet/elements.ts';
import { referenceElements } from '../../../simulators/bacnet/object-kinds.ts';
import { ask, say } from '../../../simulators/bacnet/requests.ts';
import { type RoadRig as Rig, RoadRig } from './road-rig.ts';

/** Ben may read the set point of the air handler and view the device, nothing else. */
const narrow = [
  { to: 'user:ben', permissions: ['point.read'], at: 'ahu2/sat-sp' },
  { to: 'user:ben', permissions: ['device.view'], at: 'ahu2' },
  { to: 'user:carla', role: 'viewer', at: 'hq' },
];

async function narrowed(): Promise<Rig> {
  const rig = await RoadRig.start();
  rig.regrant(narrow);
  return rig;
}

/** Property number and `value`, or the error's class and code, of every element of an ack. */
async function elements(rig: Rig, request: ReturnType<typeof ask.readPropertyMultiple>): Promise<readonly string[]> {
  const client = await rig.tool('ben');
  const octets = await client.acknowledged(rig.device('ahu2'), request);
  const found: string[] = [];
  for (const item of parseElements(octets)) {
    if (item.kind !== 'constructed') continue;
    let property = '';
    for (const part of item.items) {
      if (part.kind === 'context' && part.tag === 2) property = String(part.octets.readUIntBE(0, part.octets.length));
      if (part.kind !== 'constructed') continue;
      const codes = part.items.flatMap((code) => (code.kind === 'application' ? [code.octets[0]] : []));
      found.push(part.tag === 4 ? `${property} value` : `${property} error ${codes.join()}`);
    }
  }
  return found;
}

describe('ReadPropertyMultiple', () => {
  test('one forbidden element is refused, the others are answered, in order', async () => {
    const rig = await narrowed();
    const request = ask.readPropertyMultiple([
      { object: 'analog-value,1' },
      { object: 'analog-value,1', property: 'units' },
      { object: 'analog-value,2' },
      { object: 'device,1001', property: 'object-name' },
      { object: 'loop,1' },
      { object: 'analog-value,1', property: 'priority-array', index: 8 },
    ]);
    expect(await elements(rig, request)).toEqual([
      '85 value',
      '117 value',
      '85 error 2,27',
      '77 value',
      '85 error 2,27',
      '87 value',
    ]);
    const asked = rig.plant.devices.ahu2.record.reads().flatMap(({ targets }) => targets);
    expect(asked).not.toContain('analog-value,2 present-value');
    expect(asked).not.toContain('loop,1 present-value');
  });

  test('nothing goes to the device where nothing may be read', async () => {
    const rig = await narrowed();
    await rig.tool('ben');
    const before = rig.plant.devices.ahu2.record.readsSeen();
    const request = ask.readPropertyMultiple([{ object: 'analog-value,2' }, { object: 'analog-value,3' }]);
    expect(await elements(rig, request)).toEqual(['85 error 2,27', '85 error 2,27']);
    expect(rig.plant.devices.ahu2.record.readsSeen()).toBe(before);
  });

  test('ALL is expanded by the device, and what may not be read is taken out', async () => {
    const rig = await RoadRig.start();
    rig.regrant([
      { to: 'user:ben', permissions: ['point.read'], at: 'ahu2/sat' },
      { to: 'user:ben', permissions: ['device.view'], at: 'ahu2' },
    ]);
    const request = ask.readPropertyMultiple([{ object: 'analog-input,1', property: 'all' }]);
    const found = await elements(rig, request);
    expect(found).toContain('85 value');
    expect(found).toContain('45 error 2,27');
    expect(found).toContain('59 error 2,27');
    expect(found.length).toBeGreaterThan(8);
  });

  test('ALL between others keeps the order', async () => {
    const rig = await narrowed();
    const request = ask.readPropertyMultiple([
      { object: 'analog-value,1', property: 'units' },
      { object: 'analog-value,1', property: 'all' },
      { object: 'analog-value,1', property: 'object-name' },
    ]);
    const found = await elements(rig, request);
    expect(found[0]).toBe('117 value');
    expect(found.at(-1)).toBe('77 value');
  });
});

describe('what is read', () => {
  test.each([
    ['of a device one may not read', 1002, 'error 2,27'],
    ['of the device itself', 1001, 'complex-ack'],
    ['of a device nobody listed', 77, 'complex-ack'],
  ])('a trend of what stands elsewhere: %s', async (_name, device, answer) => {
    const rig = await RoadRig.start();
    const log = rig.plant.devices.ahu2.object('trend-log,1');
    log.set('log-device-object-property', referenceElements({ object: 'analog-value,1', device }));
    const buffer = { object: 'trend-log,1', property: 'log-buffer' } as const;
    const request = ask.readRange(buffer, { by: 'position', from: 1, count: 5 });
    expect(await rig.ask('carla', request)).toBe('complex-ack');
    expect(await rig.ask('ben', request)).toBe(answer);
    expect(await rig.ask('ben', ask.readProperty({ ...buffer, property: 'record-count' }))).toBe('complex-ack');
  });

  test('trends and files of who may read them, and of nobody else', async () => {
    const rig = await RoadRig.start();
    rig.plant.advance(300);
    for (const request of [
      ask.readRange({ object: 'trend-log,1', property: 'log-buffer' }, { by: 'position', from: 1, count: 5 }),
      ask.readFile(1, 0, 100),
      ask.readFile(2, 0, 2, 'record'),
    ]) {
      expect(await rig.ask('carla', request)).toBe('complex-ack');
      expect(await rig.ask('nobody', request)).toBe('error 2,27');
    }
  });

  test('the device object asks for the right to view, its points for theirs', async () => {
    const rig = await narrowed();
    const ofDevice = (property: 'object-list' | 'firmware-revision') =>
      ask.readProperty({ object: 'device,4194303', property });
    expect(await rig.ask('ben', ofDevice('object-list'))).toBe('complex-ack');
    expect(await rig.ask('ben', ofDevice('firmware-revision'))).toBe('error 2,27');
    expect(await rig.ask('nobody', ofDevice('object-list'))).toBe('error 2,27');
  });

  test('a lost answer is an abort, a device’s error its own', async () => {
    const rig = await RoadRig.start();
    expect(await rig.ask('carla', ask.readProperty({ object: 'analog-value,1', property: 'all' }))).toMatch(/^error/);
    rig.plant.devices.ahu2.fail({ kind: 'silence' }, { on: 'read' });
    expect(await rig.ask('carla', ask.readProperty({ object: 'analog-value,1' }))).toBe('abort 10');
  });

  test('a right withdrawn while the answer is under way withholds it', async () => {
    const rig = await RoadRig.start();
    await rig.tool('carla');
    rig.plant.devices.ahu2.fail({ kind: 'hold' }, { on: 'read', times: 1 });
    const before = rig.plant.devices.ahu2.record.readsSeen();
    const answer = rig.ask('carla', ask.readProperty({ object: 'analog-value,1' }));
    while (rig.plant.devices.ahu2.record.readsSeen() === before) await new Promise((resolve) => setTimeout(resolve, 2));
    rig.regrant([]);
    rig.plant.devices.ahu2.release();
    expect(await answer).toBe('error 2,27');
  });

  test('a right withdrawn while a read waits for its turn keeps it from the device', async () => {
    const rig = await RoadRig.start();
    await rig.tool('carla');
    const { ahu2 } = rig.plant.devices;
    const inFlight = 8;
    ahu2.fail({ kind: 'hold' }, { on: 'read', times: inFlight });
    const before = ahu2.record.readsSeen();
    const answers = Array.from({ length: inFlight + 1 }, () =>
      rig.ask('carla', ask.readProperty({ object: 'analog-value,1' })),
    );
    while (ahu2.record.readsSeen() < before + inFlight) await new Promise((resolve) => setTimeout(resolve, 2));
    rig.regrant([]);
    ahu2.release();
    expect(await Promise.all(answers)).toEqual(answers.map(() => 'error 2,27'));
    expect(ahu2.record.readsSeen()).toBe(before + inFlight);
  });
});

describe('finding', () => {
  test('devices are found by who may view them, and only those', async () => {
    const rig = await RoadRig.start();
    const carla = await rig.tool('carla');
    expect((await carla.discover(3)).map(({ instance }) => instance).sort()).toEqual([1001, 1002, 1003]);
    const ben = await rig.tool('ben');
    expect((await ben.discover(1)).map(({ instance }) => instance)).toEqual([1001]);
    const nobody = await rig.tool('nobody');
    nobody.tell(say.whoIs(), { endpoint: rig.north, route: { network: 0xffff, mac: Buffer.alloc(0) } }, 'local');
    await carla.discover(3, { low: 1001, high: 1003 });
    expect(nobody.found).toEqual([]);
    expect(ben.found).toHaveLength(1);
  });
});
