// Every way round the gate that PROTOCOLS.md lists for BACnet, by its number: the services. The devices' records are the witness.

import { describe, expect, test } from 'vitest';
import { ask, type ServiceRequest, say } from '../../simulators/bacnet/requests.ts';
import { app } from '../../simulators/bacnet/values.ts';
import { RoadRig } from '../drivers/bacnet/road-rig.ts';
import { eventually, PLANT_NETWORK } from '../drivers/bacnet/transport-rig.ts';
import { nothingArrives } from './bacnet-witness.ts';

const DENIED = {
  write: 'error 2,40',
  limits: 'error 2,37',
  service: 'error 5,29',
  file: 'error 5,5',
  deletion: 'error 1,23',
  transfer: 'error 0,2',
};

const setPoint = (value: number, priority?: number): ServiceRequest =>
  ask.writeProperty({
    object: 'analog-value,1',
    value: [app.real(value)],
    ...(priority !== undefined && { priority }),
  });

const rawFirmware = {
  devices: (devices: readonly object[]) => devices.map((device) => ({ ...device, firmware: { raw: 'permit' } })),
};

describe('7: a WritePropertyMultiple with a permitted prefix', () => {
  test.each([
    ['a parameter', { object: 'analog-value,4', value: [app.real(30)] }],
    ['an alarm limit', { object: 'analog-input,1', property: 'high-limit', value: [app.real(30)] }],
    ['an object nobody listed', { object: 'loop,1', property: 'proportional-constant', value: [app.real(1)] }],
    ['a value out of limits', { object: 'analog-value,2', value: [app.real(9000)] }],
    ['a reserved priority', { object: 'analog-value,2', value: [app.real(100)], priority: 5 }],
  ] as const)('followed by %s', async (_name, second) => {
    const rig = await RoadRig.start();
    await nothingArrives(rig, async () => {
      const first = { object: 'analog-value,1', value: [app.real(20)], priority: 10 } as const;
      const answer = await rig.ask('ben', ask.writePropertyMultiple([first, second]));
      expect([DENIED.write, DENIED.limits]).toContain(answer);
    });
    expect(rig.rows('refusal')).toHaveLength(1);
  });
});

describe('8: priorities that are none, or not one’s own', () => {
  test.each([0, 17, 18, 63, 255])('priority %i', async (priority) => {
    const rig = await RoadRig.start();
    await nothingArrives(rig, async () => {
      expect(await rig.ask('ben', setPoint(20, priority))).toMatch(/^reject/);
    });
  });

  test.each([1, 2, 3, 7])('priority %i, which the role may not use', async (priority) => {
    const rig = await RoadRig.start();
    await nothingArrives(rig, async () => expect(await rig.ask('ben', setPoint(20, priority))).toBe(DENIED.write));
  });
});

describe('9: WriteGroup', () => {
  const write = say.writeGroup(7, 10, [{ channel: 5, value: app.real(20) }]);

  test('to one device whose channel moves more than may be moved', async () => {
    const rig = await RoadRig.start();
    const ben = await rig.tool('ben');
    ben.tell(write, rig.device('ahu2'), 'local');
    await eventually(() => rig.rows('refusal').length > 0);
    expect(rig.writes).toBe(0);
    expect(rig.rows('refusal')).toMatchObject([{ operation: 'write-group' }]);
  });

  test('as a broadcast', async () => {
    const rig = await RoadRig.start();
    const anna = await rig.tool('anna');
    await nothingArrives(rig, () => {
      anna.tell(write, { endpoint: rig.north, route: { network: PLANT_NETWORK, mac: Buffer.alloc(0) } }, 'local');
      anna.tell(write, { endpoint: rig.north, route: { network: 0xffff, mac: Buffer.alloc(0) } }, 'local');
    });
    expect(rig.rows('refusal')).toMatchObject([{ operation: 'write-group' }]);
  });
});

describe('10: fan-out', () => {
  const channel = (value: number) => ask.writeProperty({ object: 'channel,1', value: [app.real(value)] });

  test('a channel that moves a device beyond one’s rights', async () => {
    const rig = await RoadRig.start({ bundle: withoutInvolves });
    expect(await rig.ask('ben', channel(20))).toBe(DENIED.write);
    expect(rig.writes).toBe(0);
    expect(rig.rows('refusal')).toMatchObject([{ target: 'vav1/room-sp' }]);
  });

  test('a channel whose value is out of one member’s limits', async () => {
    const rig = await RoadRig.start({ bundle: withoutInvolves });
    expect(await rig.ask('anna', channel(25))).toBe(DENIED.limits);
    expect(rig.writes).toBe(0);
    expect(await rig.ask('anna', channel(20))).toBe('simple-ack');
  });

  test('a channel that is given another member', async () => {
    const rig = await RoadRig.start({ bundle: withoutInvolves });
    const engineer = { to: 'user:ben', permissions: ['engineering.modify', 'point.read', 'device.view'], at: 'ahu2' };
    rig.regrant([
      engineer,
      { to: 'user:ben', role: 'operator', at: 'ahu2' },
      { to: 'user:carla', role: 'viewer', at: 'hq' },
    ]);
    const reference = channelMember('analog-value,2', 1002);
    expect(await rig.ask('ben', reference)).toBe(DENIED.write);
    expect(rig.writes).toBe(0);
  });

  test('a command whose steps move more than may be moved', async () => {
    const rig = await RoadRig.start({ bundle: withoutInvolves });
    rig.regrant([
      { to: 'user:ben', permissions: ['point.read', 'point.write', 'device.view'], at: 'ahu2/scene' },
      { to: 'user:carla', role: 'viewer', at: 'hq' },
    ]);
    expect(await rig.ask('ben', ask.writeProperty({ object: 'command,1', value: [app.unsigned(1)] }))).toBe(
      DENIED.write,
    );
    expect(rig.writes).toBe(0);
  });

  test('a schedule that is given values out of its members’ limits', async () => {
    const rig = await RoadRig.start({ bundle: withoutInvolves });
    const answer = await rig.ask(
      'anna',
      ask.writeProperty({ object: 'schedule,1', property: 'schedule-default', value: [app.real(90)] }),
    );
    expect(answer).toBe(DENIED.limits);
    expect(rig.writes).toBe(0);
  });
});

describe('11: files', () => {
  const chunk = (at: number, file = 1) => ask.writeFile(file, at, Buffer.from('FIRMWARE 9.9.9\n'));

  test.each([
    ['a stream', chunk(0)],
    ['appended', chunk(-1)],
    ['records', ask.writeRecords(2, 0, [Buffer.from('gain=99')])],
    ['a file nobody listed', chunk(0, 77)],
    ['records to a firmware file', ask.writeRecords(1, 0, [Buffer.from('x')])],
  ])('%s, by one without the right', async (_name, request) => {
    const rig = await RoadRig.start({ bundle: rawFirmware });
    await nothingArrives(rig, async () => expect(await rig.ask('ben', request)).toBe(DENIED.file));
  });

  test('a raw image for a device that takes none', async () => {
    const rig = await RoadRig.start();
    await nothingArrives(rig, async () => expect(await rig.ask('anna', chunk(0))).toBe(DENIED.file));
    expect(rig.rows('refusal')).toMatchObject([{ reason: 'image-unverified' }]);
  });

  test('in somebody else’s transfer', async () => {
    const rig = await RoadRig.start({ bundle: rawFirmware });
    rig.regrant([
      { to: 'user:anna', role: 'admin', at: 'hq' },
      { to: 'user:ben', role: 'admin', at: 'hq' },
      { to: 'user:carla', role: 'viewer', at: 'hq' },
    ]);
    expect(await rig.ask('anna', chunk(0))).toBe('complex-ack');
    await nothingArrives(rig, async () => {
      for (const request of [chunk(0), chunk(-1), ask.reinitialize(7), ask.writeRecords(2, 0, [Buffer.from('x')])])
        expect(await rig.ask('ben', request)).toBe(DENIED.transfer);
    });
    expect(await rig.ask('ben', setPoint(20))).toBe('simple-ack');
    expect(await rig.ask('anna', chunk(15))).toBe('complex-ack');
  });
});

describe('12: restart and communication control', () => {
  test.each([0, 1, 2, 3, 4, 5, 6, 7])('reinitialize %i', async (state) => {
    const rig = await RoadRig.start();
    await nothingArrives(rig, async () =>
      expect(await rig.ask('ben', ask.reinitialize(state, 'filters'))).toBe(DENIED.service),
    );
  });

  test.each([0, 1, 2])('communication control %i', async (state) => {
    const rig = await RoadRig.start();
    await nothingArrives(rig, async () =>
      expect(await rig.ask('ben', ask.communicationControl(state, 1, 'filters'))).toBe(DENIED.service),
    );
  });
});

describe('13: renumbering the device', () => {
  const renumber = (object: 'device,1001' | 'device,4194303') =>
    ask.writeProperty({ object, property: 'object-identifier', value: [app.object({ type: 8, instance: 1002 })] });

  test.each(['device,1001', 'device,4194303'] as const)('by %s', async (object) => {
    const rig = await RoadRig.start();
    await nothingArrives(rig, async () => expect(await rig.ask('ben', renumber(object))).toBe(DENIED.write));
  });

  test('moves no right: who may engineer one device does not become another', async () => {
    const rig = await RoadRig.start();
    expect(await rig.ask('anna', renumber('device,1001'))).toBe('simple-ack');
    const writes = rig.writes;
    await eventually(() => rig.driver.status().lines.some(({ why }) => why !== undefined));
    expect(await rig.ask('ben', setPoint(20))).toBe(DENIED.write);
    expect(rig.writes).toBe(writes);
  });
});

describe('14: time synchronization', () => {
  test.each([false, true])('utc %s, to one device and to all', async (utc) => {
    const rig = await RoadRig.start();
    const ben = await rig.tool('ben');
    await nothingArrives(rig, () => {
      const request = say.timeSynchronization(new Date(0), utc);
      ben.tell(request, rig.device('ahu2'), 'local');
      ben.tell(request, { endpoint: rig.north, route: { network: PLANT_NETWORK, mac: Buffer.alloc(0) } }, 'local');
      ben.tell(request, { endpoint: rig.north, route: { network: 0xffff, mac: Buffer.alloc(0) } }, 'local');
    });
    expect(rig.rows('refusal').length).toBeGreaterThan(0);
  });

  test('who may control every device it reaches, may', async () => {
    const rig = await RoadRig.start();
    const anna = await rig.tool('anna');
    anna.tell(
      say.timeSynchronization(new Date()),
      {
        endpoint: rig.north,
        route: { network: PLANT_NETWORK, mac: Buffer.alloc(0) },
      },
      'local',
    );
    await eventually(() => rig.rows('outcome').length === 1);
    expect(rig.rows('intent')).toMatchObject([{ operation: 'time-synchronization' }]);
  });
});

describe('15: create, delete, relinquish', () => {
  test.each([
    ['create by type', ask.createObject(2), DENIED.service],
    ['create by identifier', ask.createObject('analog-value,900'), DENIED.service],
    ['delete', ask.deleteObject('analog-value,1'), DENIED.deletion],
    [
      'relinquish at a priority not one’s own',
      ask.writeProperty({ object: 'analog-value,1', value: [app.null()], priority: 5 }),
      DENIED.write,
    ],
    [
      'relinquish what one may not write',
      ask.writeProperty({ object: 'analog-value,4', value: [app.null()] }),
      DENIED.write,
    ],
  ] as const)('%s', async (_name, request, answer) => {
    const rig = await RoadRig.start();
    await nothingArrives(rig, async () => expect(await rig.ask('ben', request)).toBe(answer));
  });
});

describe('20: rights revoked', () => {
  test('mid-file', async () => {
    const rig = await RoadRig.start({ bundle: rawFirmware });
    const chunk = (at: number) => ask.writeFile(1, at, Buffer.from('0123456789'));
    expect(await rig.ask('anna', chunk(0))).toBe('complex-ack');
    rig.regrant([{ to: 'user:carla', role: 'viewer', at: 'hq' }]);
    await nothingArrives(rig, async () => {
      expect(await rig.ask('anna', chunk(10))).toBe(DENIED.file);
      expect(await rig.ask('anna', ask.reinitialize(7))).toBe(DENIED.service);
    });
  });

  test('between two writes', async () => {
    const rig = await RoadRig.start();
    expect(await rig.ask('ben', setPoint(20))).toBe('simple-ack');
    rig.regrant([{ to: 'user:carla', role: 'viewer', at: 'hq' }]);
    await nothingArrives(rig, async () => expect(await rig.ask('ben', setPoint(21))).toBe(DENIED.write));
  });
});

describe('21: the journal is down', () => {
  test('before a change is judged, and when it is made durable', async () => {
    const rig = await RoadRig.start();
    await rig.tool('ben');
    await rig.tool('carla');
    rig.journal.setState({ writable: false, why: 'disk full' });
    await nothingArrives(rig, async () => expect(await rig.ask('ben', setPoint(20))).toBe('error 0,25'));
    rig.journal.setState({ writable: true });
    rig.journal.failing = new Error('disk full');
    expect(await rig.ask('ben', setPoint(20))).toBe('error 0,25');
    expect(rig.writes).toBe(0);
  });
});

/** The inventory as somebody wrote it who did not know what moves with what. */
const withoutInvolves = {
  points: (points: readonly object[]) => points.map((point) => ({ ...point, involves: [] })),
};

function channelMember(object: 'analog-value,2', device: number): ServiceRequest {
  return ask.addListElement({ object: 'channel,1', property: 'list-of-object-property-references' }, [
    { kind: 'context', tag: 0, octets: identifier(2, Number(object.split(',')[1])) },
    { kind: 'context', tag: 1, octets: Buffer.from([85]) },
    { kind: 'context', tag: 3, octets: identifier(8, device) },
  ]);
}

function identifier(type: number, instance: number): Buffer {
  const octets = Buffer.alloc(4);
  octets.writeUInt32BE(type * 0x40_0000 + instance);
  return octets;
}
