// Every way round the gate that PROTOCOLS.md lists for Modbus, by its number (16 stands in modbus-slow-clients.test.ts). The device's own record is the witness: what was
// refused never arrived, as bytes and not only as a write.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  AHU,
  adu,
  CHILLER,
  METER1,
  METER2,
  type RawClient,
  Rig,
  type RigOptions,
  rigBundle,
} from '../drivers/modbus/rig.ts';

let rig: Rig;
let ben: RawClient;
let anna: RawClient;

beforeEach(async () => {
  await begin();
});
afterEach(async () => {
  await rig.stop();
});

async function begin(options?: RigOptions): Promise<void> {
  rig = await Rig.start(options);
  ben = await rig.client('ben');
  anna = await rig.client('anna');
}

async function beginAgain(options: RigOptions): Promise<void> {
  await rig.stop();
  await begin(options);
}

function bytesAtDevices(): number {
  const { ahu, chiller, meters } = rig.plant.lines;
  return ahu.conversation.bytesArrived + chiller.conversation.bytesArrived + meters.conversation.bytesArrived;
}

const writes: readonly (readonly [name: string, pdu: string])[] = [
  ['5 write single coil', '05 0003 ff00'],
  ['6 write single register', '06 006b 0001'],
  ['15 write multiple coils', '0f 0003 0001 01 01'],
  ['16 write multiple registers', '10 0066 0002 04 0000 41e0'],
  ['21 write file record', '15 09 06 0001 0000 0001 1234'],
  ['22 mask write register', '16 0078 feff 0000'],
  ['23 read/write multiple registers', '17 0064 0002 006b 0001 02 0001'],
];

describe('1: plain writes, and blocks that begin on a permitted register', () => {
  test.each(writes)('function %s', async (_name, pdu) => {
    const code = Number.parseInt(pdu.slice(0, 2), 16);
    expect(await ben.ask(AHU, pdu)).toBe(`${(code | 0x80).toString(16)}01`);
    expect(bytesAtDevices()).toBe(0);
    expect(rig.rows('refusal')).toHaveLength(1);
  });

  test('a block from a permitted set point into an alarm limit', async () => {
    expect(await ben.ask(AHU, '10 0064 0003 06 0000 4190 0000')).toBe('9001');
    expect(bytesAtDevices()).toBe(0);
  });
});

describe('2: reads and writes merged or cut', () => {
  const read = adu(1, AHU, '04 0000 0002');
  const write = adu(2, AHU, '06 006b 0001');

  test('a write behind a read in one segment', async () => {
    ben.send(Buffer.concat([read, write]));
    const answers = [await ben.answer(), await ben.answer()].sort();
    expect(answers).toEqual(['000100000007010404' + '41900000', '000200000003018601']);
    expect(rig.plant.lines.ahu.conversation.arrived().length).toBe(read.length);
  });

  test('byte by byte, the function code split from its header', async () => {
    for (const octet of Buffer.concat([write, read])) ben.send(Buffer.of(octet));
    const answers = [await ben.answer(), await ben.answer()].sort();
    expect(answers).toEqual(['00010000000701040441900000', '000200000003018601']);
    expect(rig.plant.devices.ahu1.record.writesSeen()).toBe(0);
    expect(rig.plant.lines.ahu.conversation.arrived().length).toBe(read.length);
  });
});

describe('3: lengths, counts and protocol ids that lie', () => {
  test.each([
    [
      'a read whose length hides a write',
      '0001 0000 0012 01 03 0064 0002 0002 0000 0006 01 06 006b 0001',
      '000100000003018303',
    ],
    ['a length too short', '0001 0000 0005 01 06 006b 00', '000100000003018603'],
    ['a byte count too long', '0001 0000 000b 01 10 0064 0002 06 0000 4190', '000100000003019003'],
    ['a byte count too short', '0001 0000 000b 01 10 0064 0002 02 0000 4190', '000100000003019003'],
    ['a protocol id', '0001 0001 0006 01 06 0064 0001', '000100000003018603'],
    ['a length past the largest frame', '0001 0000 0100 01 06 0064 0001', '000100000003018603'],
  ])('%s', async (_name, bytes, answer) => {
    await beginAgain({ plant: { framing: 'by-function' } });
    anna.send(bytes);
    expect(await anna.answer()).toBe(answer);
    expect(bytesAtDevices()).toBe(0);
    expect(rig.rows('refusal')).toMatchObject([{ reason: 'unsupported' }]);
  });

  test('a length without a function code closes the connection', async () => {
    anna.send('0001 0000 0001 01');
    expect(await anna.answer()).toBe('closed');
    expect(bytesAtDevices()).toBe(0);
    expect(rig.rows('refusal')).toMatchObject([{ reason: 'unsupported' }]);
  });
});

describe('4: unit 0, 255 and aliases', () => {
  test.each([3, 10, 13, 128, 247, 254, 255])('unit %i is nobody', async (unit) => {
    expect(await anna.ask(unit, '06 0064 0001')).toBe('860a');
    expect(bytesAtDevices()).toBe(0);
    expect(rig.rows('refusal')).toMatchObject([{ reason: 'unknown-target' }]);
  });

  test('unit 0 of a listener with devices on several lines reaches nobody and is not answered', async () => {
    anna.send(adu(1, 0, '06 0006 0001'));
    // The next frame is answered, so the one before it was dropped.
    expect(await anna.ask(255, '03 0000 0001')).toBe('830a');
    expect(bytesAtDevices()).toBe(0);
    expect(rig.rows('refusal')).toMatchObject([
      { operation: 'writeSingleRegister', reason: 'unknown-target', detail: expect.stringContaining('one line') },
      { operation: 'readHoldingRegisters', reason: 'unknown-target' },
    ]);
    expect(rig.driver.status().counters.refused).toBe(2);
  });

  test('where a listener is one device, 0 and 255 are that device, with its rights', async () => {
    await beginAgain({ section: (section) => ({ ...section, units: [{ unit: 1, device: 'ahu1' }] }) });
    for (const unit of [0, 255]) {
      expect(await ben.ask(unit, '06 006b 0001')).toBe('8601');
      expect(bytesAtDevices()).toBe(0);
    }
    expect(await ben.ask(255, '06 006a 0a28')).toBe('06006a0a28');
    expect(rig.plant.devices.ahu1.record.writes()).toMatchObject([{ unit: 1 }]);
  });
});

describe('5: codes with bit 0x80, transaction ids used twice', () => {
  test.each(['86 006b 0001', '90 0064 0002 04 0000 4190', 'ff 00', '80'])('%s', async (pdu) => {
    const code = Number.parseInt(pdu.slice(0, 2), 16);
    expect(await anna.ask(AHU, pdu)).toBe(`${code.toString(16)}01`);
    expect(bytesAtDevices()).toBe(0);
  });

  test('a write under the transaction id of an outstanding read is judged for itself', async () => {
    rig.plant.devices.ahu1.fail({ kind: 'hold' });
    ben.send(Buffer.concat([adu(7, AHU, '04 0000 0002'), adu(7, AHU, '06 006b 0001')]));
    expect(await ben.answer()).toBe('000700000003018601');
    rig.plant.devices.ahu1.release();
    expect(await ben.answer()).toBe('00070000000701040441900000');
    expect(rig.plant.devices.ahu1.record.writesSeen()).toBe(0);
  });
});

describe('6: quantities and addresses out of bounds', () => {
  test.each([
    ['01 0000 0000', '8103'],
    ['01 0000 07d1', '8103'],
    ['03 0000 0000', '8303'],
    ['03 0000 007e', '8303'],
    ['03 ffff 0002', '8303'],
    ['0f 0000 0000 00', '8f03'],
    ['10 0064 0000 00', '9003'],
    [`10 0000 007c f8 ${'00'.repeat(248)}`, '9003'],
    ['10 ffff 0002 04 0000 0000', '9003'],
    ['17 0000 0000 0064 0001 02 0000', '9703'],
    ['17 0000 0001 ffff 0002 04 0000 0000', '9703'],
    ['05 0000 1234', '8503'],
  ])('%s', async (pdu, answer) => {
    expect(await anna.ask(AHU, pdu)).toBe(answer);
    expect(bytesAtDevices()).toBe(0);
  });
});

describe('7: each coil of a packed write', () => {
  test.each([
    ['the last of four is a smoke damper', '0f 0000 0004 01 07'],
    ['a coil nobody mapped', '0f 0002 0008 01 00'],
    ['a bit behind the last coil', '0f 0000 0003 01 0f'],
  ])('%s', async (_name, pdu) => {
    expect((await ben.ask(AHU, pdu)).slice(0, 2)).toBe('8f');
    expect(bytesAtDevices()).toBe(0);
  });

  test('all of them permitted arrive', async () => {
    expect(await ben.ask(AHU, '0f 0000 0003 01 02')).toBe('0f00000003');
    expect(rig.plant.devices.ahu1.bank.get('ahu1/fan-cmd')).toBe(false);
  });
});

describe('8: diagnostics, CANopen and vendor functions', () => {
  test.each([1, 2, 3, 4, 10, 11, 18, 20])('diagnostics %i asks device.control', async (sub) => {
    expect(await ben.ask(AHU, `08 ${sub.toString(16).padStart(4, '0')} 0000`)).toBe('8801');
    expect(bytesAtDevices()).toBe(0);
  });

  test.each([
    '08 0005 0000',
    '08 0015 0000',
    '2b 0d 00',
    '2b 05',
    '28',
    '29 00',
    '2a',
    '41 01',
    '48',
    '5a 0001',
    '64',
    '6e',
    '7d',
    '7f',
  ])('%s is refused to everybody', async (pdu) => {
    const code = Number.parseInt(pdu.slice(0, 2), 16);
    expect(await anna.ask(AHU, pdu)).toBe(`${(code | 0x80).toString(16)}01`);
    expect(bytesAtDevices()).toBe(0);
    expect(rig.rows('refusal')).toMatchObject([{ reason: 'unsupported' }]);
  });
});

describe('9: part of a point, scale registers', () => {
  test.each([
    ['the first half of a float', CHILLER, '06 0000 4100'],
    ['the second half of a float', CHILLER, '06 0001 0000'],
    ['from the middle of one float into another', CHILLER, '10 0001 0002 04 0000 4100'],
    ['one half by a mask', CHILLER, '16 0000 0000 4100'],
    ['both halves by two functions at once', CHILLER, '17 0000 0001 0000 0001 02 4100'],
    ['part of a text', AHU, '06 0082 4141'],
  ])('%s, even by one who may do anything', async (_name, unit, pdu) => {
    const code = Number.parseInt(pdu.slice(0, 2), 16);
    expect(await anna.ask(unit, pdu)).toBe(`${(code | 0x80).toString(16)}03`);
    expect(bytesAtDevices()).toBe(0);
  });

  test('a scale register asks for what it scales as well', async () => {
    const grants = [
      { to: 'user:ben', role: 'viewer', at: 'hq' },
      { to: 'user:ben', permissions: ['device.configure', 'device.view'], at: 'chiller1/power-sf' },
    ];
    rig.regrant(grants);
    expect(await ben.ask(CHILLER, '06 0014 0000')).toBe('8601');
    expect(bytesAtDevices()).toBe(0);
    expect(
      rig
        .rows('refusal')
        .at(-1)
        ?.effects.map(({ target }) => target),
    ).toContain('chiller1/power-limit');
  });

  test('a scaled value that would be out of limits with the exponent written beside it', async () => {
    // Exponent 1 and 120 in one block: 1200 kW.
    expect(await anna.ask(CHILLER, '10 0014 0002 04 0001 0078')).toBe('9003');
    expect(bytesAtDevices()).toBe(0);
  });

  test('one without rights does not even make the gateway ask for the exponent', async () => {
    expect(await ben.ask(CHILLER, '06 0015 0400')).toBe('8601');
    expect(bytesAtDevices()).toBe(0);
  });
});

describe('10: function 23 with one of the two rights', () => {
  test('who may write but not read what is asked for', async () => {
    rig.regrant([{ to: 'user:ben', permissions: ['point.write', 'point.read'], at: 'ahu1/dsp-sp' }]);
    expect(await ben.ask(AHU, '17 006b 0001 006a 0001 02 0a28')).toBe('9701');
    expect(bytesAtDevices()).toBe(0);
    expect(await ben.ask(AHU, '17 006a 0001 006a 0001 02 0a28')).toBe('17020a28');
  });

  test('who may read but not write', async () => {
    const carla = await rig.client('carla');
    expect(await carla.ask(AHU, '17 006a 0001 006a 0001 02 0a28')).toBe('9701');
    expect(bytesAtDevices()).toBe(0);
  });
});

describe('11: broadcasts', () => {
  const onlyMeters: RigOptions = {
    section: (section) => ({
      ...section,
      units: section.units.filter((unit) => 'unit' in unit && typeof unit.unit === 'number' && unit.unit > 10),
    }),
  };

  test('without rights on every device of the line nothing is sent and nothing answered', async () => {
    await beginAgain({
      ...onlyMeters,
      bundle: rigBundle({
        grants: [{ to: 'user:ben', permissions: ['point.write', 'point.read'], at: 'meter1' }],
      }),
    });
    ben.send(adu(1, 0, '06 0006 0002'));
    expect(await ben.ask(255, '03 0000 0001')).toBe('830a');
    expect(bytesAtDevices()).toBe(0);
    expect(rig.rows('refusal')[0]).toMatchObject({ target: 'meter2/tariff', reason: 'out-of-scope' });
  });

  test('with rights on all it is sent once, to unit 0, and not answered', async () => {
    await beginAgain(onlyMeters);
    anna.send(adu(1, 0, '06 0006 0002'));
    expect(await anna.ask(METER1, '03 0006 0001')).toBe('03020002');
    expect(await anna.ask(METER2, '03 0006 0001')).toBe('03020002');
    expect(rig.plant.devices.meter1.record.writes()).toMatchObject([{ unit: 0 }]);
    expect(rig.rows('intent')).toMatchObject([{ effects: [{ target: 'meter1/tariff' }, { target: 'meter2/tariff' }] }]);
    expect(rig.rows('outcome')).toMatchObject([{ outcome: { kind: 'unknown' } }]);
  });

  test('a read or an unknown function by broadcast is dropped and recorded', async () => {
    await beginAgain(onlyMeters);
    for (const pdu of ['03 0000 0001', '17 0000 0001 0006 0001 02 0002', '41']) anna.send(adu(1, 0, pdu));
    expect(await anna.ask(255, '03 0000 0001')).toBe('830a');
    expect(bytesAtDevices()).toBe(0);
    expect(rig.rows('refusal').filter(({ reason }) => reason === 'unsupported')).toHaveLength(3);
    expect(rig.driver.status().counters.refused).toBe(4);
  });
});

test('12: a read that another one may have is not shared with one who may not', async () => {
  const carla = await rig.client('carla');
  const nobody = await rig.client('nobody');
  const asked = [carla.ask(AHU, '04 0000 0002'), nobody.ask(AHU, '04 0000 0002')];
  expect(await Promise.all(asked)).toEqual(['040441900000', '8401']);
  expect(rig.plant.devices.ahu1.record.readsSeen()).toBe(1);
});

test('13: a write that is answered too late is not sent again; what became of it is read back', async () => {
  rig.plant.devices.ahu1.fail({ kind: 'silence' }, { on: 'write', times: 1 });
  expect(await ben.ask(AHU, '06 006a 0a28')).toBe('860b');
  expect(await ben.ask(AHU, '03 006a 0001')).toBe('03020a28');
  expect(rig.plant.devices.ahu1.record.writesSeen()).toBe(1);
  expect(rig.rows('outcome')).toMatchObject([
    { outcome: { kind: 'unknown' }, readBack: [{ target: 'ahu1/dsp-sp', value: 260 }] },
  ]);
});

test.each([
  ['Modbus/TCP', AHU, 'ahu1'],
  ['RTU', METER1, 'meter1'],
] as const)('14: a late answer over %s goes to nobody', async (_line, unit, device) => {
  const { [device]: simulated } = rig.plant.devices;
  simulated.fail({ kind: 'hold' }, { times: device === 'meter1' ? 2 : 1 });
  const carla = await rig.client('carla');
  expect(await carla.ask(unit, '03 0001 0001')).toBe('830b');
  simulated.release();
  const answer = await anna.ask(unit, device === 'ahu1' ? '03 006a 0001' : '03 0000 0001');
  expect(answer).toBe(device === 'ahu1' ? '030209c4' : '03020190');
});

describe('15: a person revoked on an open socket', () => {
  test('the next frame of the same connection is refused', async () => {
    expect(await ben.ask(AHU, '06 006a 0a28')).toBe('06006a0a28');
    rig.regrant([{ to: 'user:anna', role: 'admin', at: 'hq' }]);
    expect(await ben.ask(AHU, '06 006a 0a8c')).toBe('8601');
    expect(await ben.ask(AHU, '03 006a 0001')).toBe('8301');
    expect(rig.plant.devices.ahu1.record.writesSeen()).toBe(1);
  });

  test('what waits in the lane mid-pipeline is not sent any more', async () => {
    const { ahu1 } = rig.plant.devices;
    ahu1.fail({ kind: 'hold' }, { times: 1 });
    const arrived = new Promise<void>((resolve) => {
      const look = (): void => void (ahu1.held > 0 ? resolve() : setImmediate(look));
      look();
    });
    ben.send(Buffer.concat([adu(1, AHU, '04 0000 0002'), adu(2, AHU, '06 006a 0a28'), adu(3, AHU, '03 006a 0001')]));
    await arrived;
    rig.regrant([{ to: 'user:anna', role: 'admin', at: 'hq' }]);
    ahu1.release();
    const answers = [await ben.answer(), await ben.answer(), await ben.answer()].sort();
    expect(answers).toEqual(['00010000000701040441900000', '000200000003018601', '000300000003018301']);
    expect(ahu1.record.writesSeen()).toBe(0);
  });
});
