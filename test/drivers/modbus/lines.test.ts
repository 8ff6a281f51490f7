// Lines to the devices when devices and hosts misbehave: what a client is told, what is sent again, and what never is.

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { afterEach, describe, expect, test } from 'vitest';
import { Connection } from '../../../drivers/modbus/connection.ts';
import { newCounters } from '../../../drivers/modbus/counters.ts';
import { freePort } from '../../../simulators/free-port.ts';
import { driverName } from '../../../src/model/ids.ts';
import { realTime, realTimers } from '../gate-stage.ts';
import { AHU, adu, CHILLER, METER1, METER2, people, Rig, type RigOptions } from './rig.ts';

const rigs: Rig[] = [];
async function rigged(options?: RigOptions): Promise<Rig> {
  const rig = await Rig.start(options);
  rigs.push(rig);
  return rig;
}
afterEach(async () => {
  for (const rig of rigs.splice(0)) await rig.stop();
});

const peerOfNobody = { driver: driverName('modbus'), listener: 'north', address: people.nobody, port: 1 };

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe('a Modbus/TCP line', () => {
  test.each([
    ['the wrong transaction', { kind: 'wrong-transaction', by: 1 }],
    ['the wrong unit', { kind: 'wrong-unit', unit: 9 }],
    ['another function', { kind: 'raw', pdu: Buffer.from('0304000000aa', 'hex') }],
    ['too few registers', { kind: 'raw', pdu: Buffer.from('04020000', 'hex') }],
    ['half an answer', { kind: 'truncated', keep: 8 }],
  ] as const)('%s is passed on to nobody', async (_name, failure) => {
    const rig = await rigged();
    rig.plant.devices.ahu1.fail(failure, { times: 1 });
    const carla = await rig.client('carla');
    expect(await carla.ask(AHU, '04 0000 0002')).toBe('840b');
  });

  test('an answer that comes twice is heard once', async () => {
    const rig = await rigged();
    rig.plant.devices.ahu1.fail({ kind: 'twice' });
    const carla = await rig.client('carla');
    for (let turn = 0; turn < 5; turn += 1) expect(await carla.ask(AHU, '04 0000 0002')).toBe('040441900000');
    await until(() => rig.driver.status().counters.south_strays === 5);
  });

  test('a read is sent again on a new connection, a change is not', async () => {
    const rig = await rigged();
    const { ahu1 } = rig.plant.devices;
    const anna = await rig.client('anna');
    ahu1.fail({ kind: 'refuse' }, { on: 'read', times: 1 });
    expect(await anna.ask(AHU, '04 0000 0002')).toBe('040441900000');
    expect(ahu1.record.readsSeen()).toBe(2);
    ahu1.fail({ kind: 'refuse' }, { on: 'write', times: 1 });
    expect(await anna.ask(AHU, '06 006a 0a28')).toBe('860b');
    await until(() => rig.rows('outcome').length === 1);
    expect(ahu1.record.writesSeen()).toBe(1);
    expect(rig.rows('outcome')).toMatchObject([{ outcome: { kind: 'unknown' }, readBack: [{ value: 250 }] }]);
  });

  test('a host that is gone is answered 0B at once, others go on, and it comes back by itself', async () => {
    const port = await freePort();
    const rig = await rigged({ plant: { ports: { ahu: port } } });
    const anna = await rig.client('anna');
    expect(await anna.ask(AHU, '04 0000 0002')).toBe('040441900000');
    await rig.plant.lines.ahu.stop();
    await until(() => rig.driver.status().lines.some(({ name, state }) => name === 'ahu' && state === 'down'));
    expect(await anna.ask(AHU, '04 0000 0002')).toBe('840b');
    expect(await anna.ask(AHU, '06 006a 0a28')).toBe('860b');
    expect(await anna.ask(CHILLER, '04 0000 0002')).toBe('040440e00000');
    expect(rig.rows('outcome')).toMatchObject([{ outcome: { kind: 'not-sent' } }]);
    const { startTcpHost } = await import('../../../simulators/modbus/tcp-host.ts');
    const back = await startTcpHost({ port, units: rig.plant.devices.ahu1 });
    await until(() => rig.driver.status().lines.every(({ state }) => state === 'up'));
    expect(await anna.ask(AHU, '04 0000 0002')).toBe('040441900000');
    await back.stop();
  });

  test('an unreachable line is no start fault', async () => {
    const rig = await rigged({
      section: (section) => ({ ...section, lines: { ...section.lines, ahu: { tcp: { host: '127.0.0.1', port: 1 } } } }),
    });
    const carla = await rig.client('carla');
    expect(await carla.ask(AHU, '04 0000 0002')).toBe('840b');
    expect(rig.driver.status().lines).toContainEqual(expect.objectContaining({ name: 'ahu', state: 'down' }));
  });

  test('answers that never come do not use up the connection', async () => {
    const rig = await rigged({
      section: (section) => ({
        ...section,
        lines: { ...section.lines, ahu: { ...section.lines.ahu, timeoutMs: 150, inFlight: 16 } },
      }),
    });
    rig.plant.devices.ahu1.fail({ kind: 'silence' });
    const carla = await rig.client('carla');
    carla.send(Buffer.concat(Array.from({ length: 20 }, (_, id) => adu(id, AHU, '04 0000 0002'))));
    for (let answer = 0; answer < 20; answer += 1) expect((await carla.answer()).slice(14)).toBe('840b');
    rig.plant.devices.ahu1.behave();
    expect(await carla.ask(AHU, '04 0000 0002')).toBe('040441900000');
    expect(rig.driver.status().counters.south_reconnects).toBe(1);
  });

  test('several units on one host that the site calls one device are not reached', async () => {
    const rig = await rigged({
      section: (section) => ({ ...section, lines: { ...section.lines, meters: section.lines.ahu } }),
    });
    const anna = await rig.client('anna');
    expect(await anna.ask(METER1, '03 0000 0001')).toBe('830a');
    expect(rig.plant.lines.ahu.conversation.bytesArrived).toBe(0);
    expect(rig.log.of('unit.unreachable')).toHaveLength(2);
  });
});

describe('an RTU line', () => {
  test.each([
    ['a wrong CRC', { kind: 'wrong-crc' }],
    ['silence', { kind: 'silence' }],
    ['half an answer', { kind: 'truncated', keep: 4 }],
    ['the wrong unit', { kind: 'wrong-unit', unit: 9 }],
  ] as const)('%s: a read is sent again, once', async (_name, failure) => {
    const rig = await rigged();
    const { meter1 } = rig.plant.devices;
    meter1.fail(failure, { times: 1 });
    const anna = await rig.client('anna');
    expect(await anna.ask(METER1, '03 0000 0002')).toBe('030401900005');
    expect(meter1.record.readsSeen()).toBe(2);
    meter1.fail(failure, { times: 2 });
    expect(await anna.ask(METER1, '03 0000 0002')).toBe('830b');
    expect(meter1.record.readsSeen()).toBe(4);
    expect(await anna.ask(METER2, '03 0000 0002')).toBe('030401900005');
  });

  test('a write is sent once, whatever comes back', async () => {
    const rig = await rigged();
    const { meter1 } = rig.plant.devices;
    meter1.fail({ kind: 'wrong-crc' }, { on: 'write', times: 1 });
    const anna = await rig.client('anna');
    expect(await anna.ask(METER1, '06 0006 0003')).toBe('860b');
    await until(() => rig.rows('outcome').length === 1);
    expect(meter1.record.writesSeen()).toBe(1);
    expect(rig.rows('outcome')).toMatchObject([{ outcome: { kind: 'unknown' }, readBack: [{ value: 3 }] }]);
  });

  test('a vendor function that the site names goes out, and its answer ends by silence', async () => {
    const rig = await rigged({
      section: (section) => ({
        ...section,
        permit: [{ device: 'meter1', functionCode: 65, action: 'device.configure' }],
      }),
    });
    rig.plant.devices.meter1.fail({ kind: 'raw', pdu: Buffer.from('41aabb', 'hex') }, { times: 1 });
    const anna = await rig.client('anna');
    expect(await anna.ask(METER1, '41 01 02')).toBe('41aabb');
    expect(await anna.ask(METER2, '41 01 02')).toBe('c101');
    const ben = await rig.client('ben');
    expect(await ben.ask(METER1, '41 01 02')).toBe('c101');
  });
});

describe('clients', () => {
  test('over the limit of one peer are closed, and it is recorded once', async () => {
    const rig = await rigged({
      section: (section) => ({ ...section, listen: [{ ...section.listen[0], maxConnectionsPerPeer: 2 }] }),
    });
    const [one, two] = [await rig.client('carla'), await rig.client('carla')];
    const three = await rig.client('carla');
    expect(await three.answer()).toBe('closed');
    const other = await rig.client('ben');
    expect(await other.ask(AHU, '04 0000 0002')).toBe('040441900000');
    await one.end();
    await two.end();
    expect(rig.rows('refusal')).toMatchObject([{ operation: 'connect', reason: 'rate-limited' }]);
    await until(() => rig.driver.status().counters.connections_refused === 1);
  });

  test('that say nothing are dropped', async () => {
    const rig = await rigged({
      section: (section) => ({ ...section, listen: [{ ...section.listen[0], idleSeconds: 0.05 }] }),
    });
    const carla = await rig.client('carla');
    expect(await carla.answer()).toBe('closed');
  });

  test('nobody knows leave places for those somebody stands behind', async () => {
    const rig = await rigged({
      section: (section) => ({ ...section, listen: [{ ...section.listen[0], maxConnections: 4 }] }),
    });
    const strangers = [await rig.client('nobody'), await rig.client('nobody'), await rig.client('nobody')];
    const fourth = await rig.client('nobody');
    expect(await fourth.answer()).toBe('closed');
    const anna = await rig.client('anna');
    expect(await anna.ask(AHU, '04 0000 0002')).toBe('040441900000');
    for (const stranger of strangers) expect(stranger.closed).toBe(false);
  });

  test('that leave a frame unfinished are dropped long before they count as idle', () => {
    const socket = new PassThrough();
    let now = 1_000;
    const closed: Connection[] = [];
    const connection = new Connection(socket as unknown as Socket, peerOfNobody, {
      gate: { callerOf: () => ({}) } as never,
      road: {} as never,
      counters: newCounters(),
      maxPending: 4,
      now: () => now,
      route: () => undefined,
      closed: (which) => closed.push(which),
    });
    socket.emit('data', adu(1, AHU, '04 0000 0002').subarray(0, 9));
    expect(connection.isIdle(0, 1_000)).toBe(false);
    now = 9_000;
    socket.emit('data', Buffer.from([0]));
    expect(connection.isIdle(0, 1_001)).toBe(true);
    connection.destroy();
    expect(closed).toEqual([connection]);
  });

  test('that have said all still get their answers', async () => {
    const rig = await rigged();
    const socket = connect({ host: '127.0.0.1', port: rig.port, localAddress: people.carla });
    const chunks: Buffer[] = [];
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.end(Buffer.concat([adu(1, AHU, '04 0000 0002'), adu(2, CHILLER, '04 0000 0002')]));
    await once(socket, 'close');
    expect(Buffer.concat(chunks).length).toBe(26);
  });

  test('with more frames than may wait are read no further until there is room', async () => {
    const rig = await rigged({
      section: (section) => ({ ...section, listen: [{ ...section.listen[0], maxPending: 2 }] }),
    });
    const carla = await rig.client('carla');
    carla.send(Buffer.concat(Array.from({ length: 50 }, (_, id) => adu(id, AHU, '04 0000 0002'))));
    for (let answer = 0; answer < 50; answer += 1) expect((await carla.answer()).slice(14)).toBe('040441900000');
  });

  test('are told 06 where too many wait for one device', async () => {
    const rig = await rigged({
      section: (section) => ({ ...section, listen: [{ ...section.listen[0], maxPending: 256 }] }),
    });
    rig.plant.devices.ahu1.fail({ kind: 'hold' }, { times: 1 });
    const carla = await rig.client('carla');
    carla.send(Buffer.concat(Array.from({ length: 200 }, (_, id) => adu(id, AHU, '04 0000 0002'))));
    expect((await carla.answer()).slice(14)).toBe('8406');
    rig.plant.devices.ahu1.release();
    await until(() => rig.driver.status().counters.busy === 71);
  });
});

test('without a policy nothing is passed on', async () => {
  const rig = await rigged();
  const { driver } = await import('../../../drivers/modbus/driver.ts');
  const { parseSection } = await import('./rig.ts');
  const { gate, log } = rig;
  const section = parseSection({
    listen: [{ name: 'north', address: '127.0.0.1', port: 0 }],
    lines: { ahu: { tcp: { host: '127.0.0.1', port: rig.plant.lines.ahu.port } } },
    units: [{ unit: 1, device: 'ahu1' }],
  });
  const empty = await driver.start(section, undefined, { gate, log, clock: realTime, timers: realTimers });
  const socket = connect({
    host: '127.0.0.1',
    port: empty.status().listening[0]?.port ?? 0,
    localAddress: people.anna,
  });
  socket.write(adu(1, 1, '04 0000 0002'));
  const [answer] = (await once(socket, 'data')) as [Buffer];
  expect(answer.subarray(7).toString('hex')).toBe('840a');
  expect(empty.status().lines).toEqual([{ name: 'ahu', state: 'unused' }]);
  expect(rig.rows('refusal')).toMatchObject([{ reason: 'no-policy' }]);
  socket.destroy();
  await empty.stop();
});

describe('a stop', () => {
  test('lets what was asked be answered, and reads nothing more', async () => {
    const rig = await rigged();
    rig.plant.devices.ahu1.fail({ kind: 'delay', ms: 50 });
    const anna = await rig.client('anna');
    anna.send(adu(1, AHU, '06 006a 0a28'));
    await until(() => rig.plant.lines.ahu.conversation.bytesArrived > 0);
    const stopped = rig.driver.stop();
    anna.send(adu(2, AHU, '06 006a 0a8c'));
    expect((await anna.answer()).slice(14)).toBe('06006a0a28');
    expect(await anna.answer()).toBe('closed');
    await stopped;
    expect(rig.rows('outcome')).toMatchObject([{ outcome: { kind: 'acknowledged' } }]);
    expect(rig.plant.devices.ahu1.record.writesSeen()).toBe(1);
  });

  test('a gate that breaks is our own bug: refused, said, and the lane goes on', async () => {
    const rig = await rigged();
    const anna = await rig.client('anna');
    const { redeem } = rig.gate;
    rig.gate.redeem = () => Promise.reject(new Error('broken'));
    expect(await anna.ask(AHU, '06 006a 0a28')).toBe('8604');
    rig.gate.redeem = redeem;
    expect(rig.log.of('change.failed')).toEqual(['a change failed: broken']);
    expect(await anna.ask(AHU, '06 006a 0a28')).toBe('06006a0a28');
    expect(rig.plant.devices.ahu1.record.writesSeen()).toBe(1);
  });
});
