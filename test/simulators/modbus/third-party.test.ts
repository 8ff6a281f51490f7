import { connect } from 'node:net';
import modbusSerialPackage from 'modbus-serial';
import { afterEach, describe, expect, test } from 'vitest';
import { SimulatedDevice } from '../../../simulators/modbus/device.ts';
import { crc16, wrapMbap, wrapRtu } from '../../../simulators/modbus/framing.ts';
import { type RunningPlant, startPlant } from '../../../simulators/modbus/plant.ts';
import { startRtuSerial } from '../../../simulators/modbus/rtu-line.ts';
import { startTcpHost } from '../../../simulators/modbus/tcp-host.ts';
import { mbpollRead, mbpollWrite } from '../../scenarios/peers/mbpoll.ts';
import { have } from '../../scenarios/peers/program.ts';
import { havePymodbus, pymodbusClient } from '../../scenarios/peers/pymodbus.ts';
import { startPtyPair } from '../../scenarios/peers/socat.ts';
import { judge } from '../../scenarios/peers/tshark.ts';

const ModbusRTU = modbusSerialPackage.default;
type ModbusRTU = InstanceType<typeof ModbusRTU>;

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});

async function runningPlant(log?: (line: string) => void): Promise<RunningPlant> {
  const plant = await startPlant(log === undefined ? {} : { log });
  cleanups.push(() => plant.stop());
  return plant;
}

async function modbusSerial(open: (client: ModbusRTU) => Promise<void>, unit: number): Promise<ModbusRTU> {
  const client = new ModbusRTU();
  client.setID(unit);
  client.setTimeout(2000);
  await open(client);
  cleanups.push(() => new Promise<void>((resolve) => client.close(() => resolve())));
  return client;
}

/** Sends bytes on a connection of their own and collects `expected` bytes, or all until the end. */
function exchange(port: number, bytes: Buffer, expected: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect({ host: '127.0.0.1', port }, () => socket.write(bytes));
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      if (Buffer.concat(chunks).length >= expected) socket.end();
    });
    socket.on('close', () => resolve(Buffer.concat(chunks)));
    socket.on('error', reject);
  });
}

describe('modbus-serial as client', () => {
  test('reads and writes the air handling unit over TCP', async () => {
    const plant = await runningPlant();
    const { ahu } = plant.lines;
    const client = await modbusSerial((fresh) => fresh.connectTCP(ahu.host, { port: ahu.port }), 1);
    const { data } = await client.readHoldingRegisters(100, 2);
    expect(data).toEqual([0, 0x4190]);
    await client.writeRegisters(100, [0, 0x41a8]);
    await client.writeCoil(0, false);
    await client.maskWriteRegister(120, 0xfffe, 0);
    expect(plant.devices.ahu1.bank.get('ahu1/sat-sp')).toBe(21);
    expect(plant.devices.ahu1.bank.get('ahu1/fan-cmd')).toBe(false);
    expect(plant.devices.ahu1.bank.get('ahu1/occ-cmd')).toBe(false);
    await expect(client.readHoldingRegisters(95, 10)).rejects.toThrow('Illegal data address');
    expect(plant.devices.ahu1.record.writes().map((frame) => frame.functionCode)).toEqual([16, 5, 22]);
    expect(plant.writesSeen()).toBe(3);
  });

  test('reads both meters over one RTU line in TCP; a unit that is not there stays silent', async () => {
    const plant = await runningPlant();
    const { meters } = plant.lines;
    const client = await modbusSerial((fresh) => fresh.connectTelnet(meters.host, { port: meters.port }), 11);
    const { buffer } = await client.readInputRegisters(100, 4);
    expect(buffer.readBigUInt64BE()).toBe(48_211_377_204n);
    client.setID(12);
    expect((await client.readHoldingRegisters(8, 2)).data).toEqual([0x2041, 0x8812]);
    client.setID(13);
    client.setTimeout(100);
    await expect(client.readInputRegisters(100, 4)).rejects.toThrow('Timed out');
    expect(plant.devices.meter1.record.readsSeen()).toBe(1);
    expect(plant.devices.meter2.record.readsSeen()).toBe(1);
  });

  test.runIf(have('socat'))('talks to a device on a pseudo-terminal', async () => {
    const pair = await startPtyPair();
    cleanups.push(() => pair.stop());
    const device = new SimulatedDevice({
      name: 'd',
      points: [{ id: 'd/sp', address: { table: 'holding', register: 7, type: 'int16', scale: 0.1 }, initial: 21.5 }],
    });
    const line = await startRtuSerial({ path: pair.far, units: new Map([[5, device]]) });
    cleanups.push(() => line.stop());
    const client = await modbusSerial((fresh) => fresh.connectRTUBuffered(pair.near, { baudRate: 19_200 }), 5);
    expect((await client.readHoldingRegisters(7, 1)).data).toEqual([215]);
    await client.writeRegister(7, 230);
    expect(device.bank.get('d/sp')).toBe(23);
    const [write] = device.record.writes();
    expect(write?.bytes).toEqual(wrapRtu(5, Buffer.from([6, 0, 7, 0, 230])));
    expect(line.conversation.arrived()).toEqual(Buffer.concat(device.record.all().map((frame) => frame.bytes)));
  });
});

describe.runIf(have('mbpoll'))('mbpoll as client', () => {
  test('reads a temperature and changes the set point; the console line proves it', async () => {
    const lines: string[] = [];
    const plant = await runningPlant((line) => lines.push(line));
    const target = plant.lines.ahu;
    const setPoint = { table: 'holding', register: 100, as: 'float' } as const;
    expect(await mbpollRead(target, setPoint)).toMatchObject({ code: 0, values: [18] });
    expect(await mbpollWrite(target, setPoint, [21.5])).toMatchObject({ code: 0, timedOut: false });
    expect(plant.devices.ahu1.bank.get('ahu1/sat-sp')).toBe(21.5);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(
      /^ahu1: write 2 holding registers from 100 \(ahu1\/sat-sp\) from .* -> ahu1\/sat-sp=21\.5$/,
    );
  });

  test('sees an exception as such', async () => {
    const plant = await runningPlant();
    plant.devices.ahu1.fail({ kind: 'exception', code: 1 });
    const result = await mbpollWrite(plant.lines.ahu, { table: 'coil', register: 0 }, [0]);
    expect(result.code).not.toBe(0);
    expect(result.stderr).toContain('Illegal function');
    expect(plant.devices.ahu1.bank.get('ahu1/fan-cmd')).toBe(true);
  });
});

describe.runIf(await havePymodbus())('pymodbus as client', () => {
  test('agrees on every function code it has', async () => {
    const plant = await runningPlant();
    const answers = await pymodbusClient(plant.lines.ahu, [
      { method: 'read_holding_registers', args: [100, 2] },
      { method: 'read_input_registers', args: [0, 2] },
      { method: 'read_coils', args: [0, 4] },
      { method: 'read_discrete_inputs', args: [0, 2] },
      { method: 'write_coil', args: [0, false] },
      { method: 'write_coils', args: [0, [true, false]] },
      { method: 'write_register', args: [106, 3000] },
      { method: 'write_registers', args: [100, [0, 0x41a8, 0, 0x41f0]] },
      {
        method: 'readwrite_registers',
        args: [],
        kwargs: { read_address: 100, read_count: 2, write_address: 106, write_registers: [2000] },
      },
      { method: 'mask_write_register', args: [120, 0xfffe, 0] },
      { method: 'read_holding_registers', args: [500, 2] },
    ]);
    expect(answers.map((answer) => answer.ok)).toEqual([...Array.from({ length: 10 }, () => true), false]);
    expect(answers[0]).toMatchObject({ registers: [0, 0x4190] });
    expect(answers[8]).toMatchObject({ registers: [0, 0x41a8] });
    expect(answers[10]).toMatchObject({ exception: 2 });
    const { bank, record } = plant.devices.ahu1;
    expect([bank.get('ahu1/sat-sp'), bank.get('ahu1/sat-hi'), bank.number('ahu1/dsp-sp')]).toEqual([21, 30, 200]);
    expect([bank.get('ahu1/fan-cmd'), bank.get('ahu1/damper-cmd'), bank.get('ahu1/occ-cmd')]).toEqual([
      true,
      false,
      false,
    ]);
    expect(record.writes().map((frame) => frame.functionCode)).toEqual([5, 15, 6, 16, 23, 22]);
    expect(record.readsSeen()).toBe(5);
  });
});

describe.runIf(have('tshark'))('tshark as judge', () => {
  test('finds nothing wrong with what was said, and does find what is wrong', async () => {
    const plant = await runningPlant();
    const { ahu, meters } = plant.lines;
    const requests = [
      '010000 0004',
      '030064 0006',
      '0400000002',
      '0500 01ff00',
      '0f00000002 0102',
      '1000640002 0400004190',
      '2b0e0100',
      '03ffff0001',
    ];
    for (const [index, request] of requests.entries()) {
      const pdu = Buffer.from(request.replaceAll(' ', ''), 'hex');
      await exchange(ahu.port, wrapMbap(index, 1, pdu), 9);
    }
    await exchange(meters.port, wrapRtu(11, Buffer.from('0400640004', 'hex')), 13);
    const tcp = await judge(ahu.conversation.all(), 'mbtcp');
    expect(tcp).toEqual({ recognised: requests.length * 2, faults: [] });
    expect(await judge(meters.conversation.all(), 'mbrtu')).toEqual({ recognised: 2, faults: [] });

    plant.devices.ahu1.fail({ kind: 'raw', pdu: Buffer.from('0304000000', 'hex') }, { times: 1 });
    await exchange(ahu.port, wrapMbap(99, 1, Buffer.from('0300640002', 'hex')), 12);
    plant.devices.ahu1.fail({ kind: 'raw', pdu: Buffer.from('03', 'hex') }, { times: 1 });
    await exchange(ahu.port, wrapMbap(100, 1, Buffer.from('0300640002', 'hex')), 8);
    const { faults } = await judge(ahu.conversation.all(), 'mbtcp');
    expect(faults).toEqual([expect.stringContaining('Malformed Packet'), 'answer 99: byte count 4 in a length of 6']);
  });
});

describe('what arrives is in the record to the byte', () => {
  test('over TCP: frames, a bad header, the beginning of a frame', async () => {
    const plant = await runningPlant();
    const { ahu } = plant.lines;
    const write = wrapMbap(7, 1, Buffer.from('0500000000', 'hex'));
    const sent = [Buffer.concat([write, write, Buffer.from('000100010006010300000001', 'hex')]), write];
    for (const bytes of sent) await exchange(ahu.port, bytes, bytes.length);
    const half = connect({ host: ahu.host, port: ahu.port });
    await new Promise<void>((resolve) => half.end(write.subarray(0, 9), () => resolve()));
    await new Promise((resolve) => half.once('close', resolve));
    await expect.poll(() => plant.devices.ahu1.record.othersSeen()).toBe(2);
    const { record } = plant.devices.ahu1;
    expect(Buffer.concat(record.all().map((frame) => frame.bytes))).toEqual(
      Buffer.concat([...sent, write.subarray(0, 9)]),
    );
    expect(ahu.conversation.arrived()).toEqual(Buffer.concat([...sent, write.subarray(0, 9)]));
    expect(ahu.conversation.bytesArrived).toBe(ahu.conversation.arrived().length);
    expect([record.writesSeen(), record.othersSeen(), ahu.conversation.connections]).toEqual([3, 2, 3]);
  });

  test('a broadcast on the line reaches every meter and is answered by none', async () => {
    const plant = await runningPlant();
    const { meters } = plant.lines;
    const broadcast = wrapRtu(0, Buffer.from('060002001e', 'hex'));
    const read = wrapRtu(12, Buffer.from('0300020001', 'hex'));
    const answer = await exchange(meters.port, Buffer.concat([broadcast, read]), 7);
    expect(answer).toEqual(wrapRtu(12, Buffer.from('0302001e', 'hex')));
    for (const meter of [plant.devices.meter1, plant.devices.meter2]) {
      expect(meter.record.writes().map((frame) => frame.bytes)).toEqual([broadcast]);
    }
  });
});

describe('a careless plant', () => {
  test('carries out what a length field hides, and the record shows it', async () => {
    const plant = await startPlant({ framing: 'by-function' });
    cleanups.push(() => plant.stop());
    const hidden = wrapMbap(2, 1, Buffer.from('0500000000', 'hex'));
    const smuggled = Buffer.concat([wrapMbap(1, 1, Buffer.from('0300640002', 'hex')), hidden]);
    smuggled.writeUInt16BE(smuggled.length - 6, 4);
    await exchange(plant.lines.ahu.port, smuggled, 13 + 12);
    expect(plant.devices.ahu1.bank.get('ahu1/fan-cmd')).toBe(false);
    expect(plant.devices.ahu1.record.writes().map((frame) => frame.bytes)).toEqual([hidden]);
  });
});

describe('failures on the wire', () => {
  const read = Buffer.from('0300640001', 'hex');
  test('form of the answer over TCP', async () => {
    const plant = await runningPlant();
    const device = plant.devices.ahu1;
    const { port } = plant.lines.ahu;
    device.fail({ kind: 'wrong-transaction', by: 256 });
    expect((await exchange(port, wrapMbap(1, 1, read), 11)).readUInt16BE(0)).toBe(257);
    device.fail({ kind: 'wrong-unit', unit: 9 });
    expect((await exchange(port, wrapMbap(1, 1, read), 11)).readUInt8(6)).toBe(9);
    device.fail({ kind: 'truncated', keep: 8 });
    expect(await exchange(port, wrapMbap(1, 1, read), 8)).toHaveLength(8);
    device.fail({ kind: 'twice' });
    expect(await exchange(port, wrapMbap(1, 1, read), 22)).toHaveLength(22);
    device.fail({ kind: 'refuse' });
    expect(await exchange(port, wrapMbap(1, 1, read), 1)).toHaveLength(0);
    device.fail({ kind: 'delay', ms: 30 });
    expect(await exchange(port, wrapMbap(1, 1, read), 11)).toHaveLength(11);
  });

  test('a broken CRC on the line', async () => {
    const plant = await runningPlant();
    plant.devices.meter1.fail({ kind: 'wrong-crc' });
    const answer = await exchange(plant.lines.meters.port, wrapRtu(11, Buffer.from('0300020001', 'hex')), 7);
    expect(crc16(answer.subarray(0, 5))).not.toBe(answer.readUInt16LE(5));
  });

  test('several units behind one host: unknown ones get 0B, unit 0 reaches all', async () => {
    const unit = (name: string) =>
      new SimulatedDevice({
        name,
        points: [{ id: `${name}/sp`, address: { table: 'holding', register: 0, type: 'uint16' }, initial: 0 }],
      });
    const [a, b] = [unit('a'), unit('b')];
    const host = await startTcpHost({
      units: new Map([
        [1, a],
        [2, b],
      ]),
    });
    cleanups.push(() => host.stop());
    const unknown = await exchange(host.port, wrapMbap(1, 3, Buffer.from('0300000001', 'hex')), 9);
    expect(unknown).toEqual(wrapMbap(1, 3, Buffer.from([0x83, 0x0b])));
    const both = Buffer.concat([
      wrapMbap(1, 0, Buffer.from('0600000005', 'hex')),
      wrapMbap(2, 2, Buffer.from('0300000001', 'hex')),
    ]);
    expect(await exchange(host.port, both, 11)).toEqual(wrapMbap(2, 2, Buffer.from('03020005', 'hex')));
    expect([a.bank.get('a/sp'), b.bank.get('b/sp')]).toEqual([5, 5]);
  });
});
