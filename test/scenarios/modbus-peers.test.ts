// The driver between programs nobody here wrote: mbpoll and pymodbus as clients, a pymodbus server as a device, a serial line
// through socat, and tshark as the judge of every answer.

import { symlink } from 'node:fs/promises';
import { connect } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { SimulatedDevice } from '../../simulators/modbus/device.ts';
import { meterPoints } from '../../simulators/modbus/plant-meter.ts';
import { startRtuSerial } from '../../simulators/modbus/rtu-line.ts';
import { AHU, adu, CHILLER, METER1, METER2, people, Rig, type RigOptions, rigBundle } from '../drivers/modbus/rig.ts';
import { until } from './daemon-rig.ts';
import { mbpollRead, mbpollWrite } from './peers/mbpoll.ts';
import type { CapturedBytes } from './peers/pcap.ts';
import { have } from './peers/program.ts';
import { havePymodbus, pymodbusClient, startPymodbusServer } from './peers/pymodbus.ts';
import { startPtyPair } from './peers/socat.ts';
import { judge } from './peers/tshark.ts';

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});

async function rigged(options?: RigOptions): Promise<Rig> {
  const rig = await Rig.start(options);
  cleanups.push(() => rig.stop());
  return rig;
}

describe.runIf(have('mbpoll'))('mbpoll', () => {
  test('reads, writes, and is refused with an exception it names', async () => {
    const rig = await rigged();
    await rig.claim('ben', '127.0.0.1');
    const target = { host: '127.0.0.1', port: rig.port, unit: AHU };
    const read = await mbpollRead(target, { table: 'input', register: 0, as: 'float', bigEndian: true });
    expect(read).toMatchObject({ code: 0, values: [18] });
    const written = await mbpollWrite(target, { table: 'holding', register: 100, as: 'float' }, [19.5]);
    expect(written.code).toBe(0);
    expect(rig.plant.devices.ahu1.bank.get('ahu1/sat-sp')).toBe(19.5);
    const refused = await mbpollWrite(target, { table: 'holding', register: 102, as: 'float' }, [30]);
    expect(refused.code).not.toBe(0);
    expect(refused.stderr + refused.stdout).toContain('Illegal function');
    expect(rig.plant.devices.ahu1.record.writesSeen()).toBe(1);
  });
});

describe.runIf(await havePymodbus())('pymodbus', () => {
  test('as a client: every function it has, permitted and refused', async () => {
    const rig = await rigged();
    await rig.claim('ben', '127.0.0.1');
    const answers = await pymodbusClient({ host: '127.0.0.1', port: rig.port }, [
      { method: 'read_coils', args: [0, 4] },
      { method: 'read_discrete_inputs', args: [0, 2] },
      { method: 'read_holding_registers', args: [106, 1] },
      { method: 'read_input_registers', args: [0, 2] },
      { method: 'write_coil', args: [1, false] },
      { method: 'write_register', args: [106, 2600] },
      { method: 'write_coils', args: [0, [true, true, true]] },
      { method: 'write_registers', args: [100, [0, 0x419c]] },
      { method: 'write_coil', args: [3, true] },
      { method: 'write_register', args: [107, 1] },
      { method: 'read_holding_registers', args: [0, 1], unit: 77 },
    ]);
    expect(answers.slice(0, 8).map(({ ok }) => ok)).toEqual(Array.from({ length: 8 }, () => true));
    expect(answers[2]).toMatchObject({ registers: [2500] });
    expect(answers[8]).toMatchObject({ ok: false, exception: 1 });
    expect(answers[9]).toMatchObject({ ok: false, exception: 1 });
    expect(answers[10]).toMatchObject({ ok: false, exception: 10 });
    expect(rig.plant.devices.ahu1.record.writesSeen()).toBe(4);
  });

  test('as a tool that sends firmware: refused as an image that nobody verified', async () => {
    const rig = await rigged();
    await rig.claim('anna', '127.0.0.1');
    const answers = await pymodbusClient({ host: '127.0.0.1', port: rig.port }, [
      { method: 'write_file_record', args: [10, 0, '00112233'], unit: CHILLER },
      { method: 'write_register', args: [500, 1], unit: CHILLER },
      { method: 'write_registers', args: [540, [0, 1, 2]], unit: CHILLER },
    ]);
    expect(answers).toMatchObject([{ exception: 1 }, { exception: 1 }, { exception: 1 }]);
    expect(rig.rows('refusal').map(({ operation, reason }) => [operation, reason])).toEqual([
      ['writeFileRecord', 'image-unverified'],
      ['writeSingleRegister', 'image-unverified'],
      ['writeMultipleRegisters', 'image-unverified'],
    ]);
    expect(rig.rows('refusal')[0]?.detail).toBeDefined();
    expect(rig.plant.writesSeen()).toBe(0);
  });

  test('as a device: what a permitted client wrote is what it holds', async () => {
    const server = await startPymodbusServer({ units: [1], size: 200, value: 7 });
    cleanups.push(() => server.stop());
    const rig = await rigged({
      section: (section) => ({
        ...section,
        lines: { ...section.lines, ahu: { tcp: { host: '127.0.0.1', port: server.port } } },
      }),
    });
    const ben = await rig.client('ben');
    expect(await ben.ask(AHU, '10 0064 0002 04 0000 419c')).toBe('1000640002');
    expect(await ben.ask(AHU, '10 0064 0004 08 0000 419c 0000 41e0')).toBe('9001');
    const [held] = await pymodbusClient(server, [{ method: 'read_holding_registers', args: [99, 4] }]);
    expect(held).toMatchObject({ registers: [7, 0, 0x419c, 7] });
    expect(rig.rows('outcome')).toMatchObject([{ outcome: { kind: 'acknowledged' } }]);
  });
});

describe.runIf(have('socat'))('a serial line', () => {
  test('whose adapter is plugged in after the start is waited for, and said until then', async () => {
    const pair = await startPtyPair();
    const late = `${pair.near}-late`;
    cleanups.push(() => pair.stop());
    const meter = new SimulatedDevice({ name: 'meter1', points: meterPoints('meter1', 1, 0) });
    const far = await startRtuSerial({ path: pair.far, units: new Map([[11, meter]]) });
    cleanups.push(() => far.stop());
    const rig = await rigged({
      section: (section) => ({
        ...section,
        lines: {
          ...section.lines,
          meters: { serial: { path: late, parity: 'none' }, timeoutMs: 500, turnaroundMs: 30 },
        },
      }),
    });
    const anna = await rig.client('anna');
    expect(await anna.ask(METER1, '03 0000 0002')).toBe('830b');
    expect(await anna.ask(AHU, '04 0000 0002')).toMatch(/^0404/);
    expect(rig.driver.status().degraded).toEqual([expect.stringContaining(`serial port \`${late}\` is not open`)]);
    await symlink(pair.near, late);
    await until('the port is open', () => rig.driver.status().degraded?.length === 0);
    expect(await anna.ask(METER1, '03 0000 0002')).toBe('030401900005');
  });

  test('reads, writes once, and broadcasts through the port', async () => {
    const pair = await startPtyPair();
    cleanups.push(() => pair.stop());
    const meters = [1, 2].map((number) => {
      const name = `meter${number}`;
      return new SimulatedDevice({ name, points: meterPoints(name, number, 0) });
    });
    const [one, two] = meters;
    if (one === undefined || two === undefined) throw new Error('two meters');
    const units = new Map([
      [11, one],
      [12, two],
    ]);
    const far = await startRtuSerial({ path: pair.far, units });
    cleanups.push(() => far.stop());
    const rig = await rigged({
      section: (section) => ({
        ...section,
        lines: {
          ...section.lines,
          meters: { serial: { path: pair.near, parity: 'none' }, timeoutMs: 500, turnaroundMs: 30 },
        },
        units: [
          { unit: METER1, device: 'meter1' },
          { unit: METER2, device: 'meter2' },
        ],
      }),
    });
    const anna = await rig.client('anna');
    expect(await anna.ask(METER1, '03 0000 0002')).toBe('030401900005');
    expect(await anna.ask(METER2, '06 0006 0003')).toBe('0600060003');
    anna.send(adu(9, 0, '06 0006 0002'));
    expect(await anna.ask(METER2, '03 0006 0001')).toBe('03020002');
    expect(one.record.writes()).toMatchObject([{ unit: 0 }]);
    expect(two.record.writes()).toMatchObject([{ unit: 12 }, { unit: 0 }]);
    expect(far.conversation.all().every(({ bytes }) => bytes.length > 0)).toBe(true);
  });
});

describe.runIf(have('tshark'))('tshark', () => {
  test('finds every answer well-formed, refusals and broken frames included', async () => {
    const rig = await rigged({ bundle: rigBundle() });
    const pieces: CapturedBytes[] = [];
    const socket = connect({ host: '127.0.0.1', port: rig.port, localAddress: people.ben });
    let at = Date.now();
    let frames = 0;
    socket.on('data', (bytes: Buffer) => {
      at += 1;
      pieces.push({ at, peer: 'ben', direction: 'out', bytes });
      for (let from = 0; from < bytes.length; from += 6 + bytes.readUInt16BE(from + 4)) frames += 1;
    });
    const asked = [
      '01 0000 0004',
      '02 0000 0002',
      '03 0064 000b',
      '04 0000 0002',
      '05 0000 ff00',
      '05 0003 ff00',
      '06 006a 0a28',
      '08 0000 1234',
      '0f 0000 0003 01 02',
      '10 0064 0002 04 0000 419c',
      '10 0064 0003 06 0000 419c 0000',
      '16 0078 fffe 0001',
      '17 006a 0001 006a 0001 02 0a28',
      '2b 0e 01 00',
      '0b',
      '11',
      '03 0000 0000',
      '41 01',
    ];
    const done = new Promise<void>((resolve) => {
      const look = (): void => void (frames >= asked.length ? resolve() : setTimeout(look, 10));
      look();
    });
    for (const [id, pdu] of asked.entries()) {
      const bytes = adu(id + 1, AHU, pdu);
      at += 1;
      pieces.push({ at, peer: 'ben', direction: 'in', bytes });
      socket.write(bytes);
    }
    await done;
    socket.destroy();
    const answers = pieces.filter(({ direction }) => direction === 'out');
    const { recognised, faults } = await judge(answers, 'mbtcp');
    expect(faults).toEqual([]);
    expect(recognised).toBeGreaterThan(0);
    const south = rig.plant.lines.ahu.conversation.all();
    expect((await judge(south, 'mbtcp')).faults).toEqual([]);
  });
});
