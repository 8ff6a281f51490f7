import { describe, expect, test } from 'vitest';
import { SimulatedDevice } from '../../../simulators/modbus/device.ts';
import type { Failure, Reply } from '../../../simulators/modbus/failures.ts';
import type { MappedPoint } from '../../../simulators/modbus/register-bank.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

const points: readonly MappedPoint[] = [
  { id: 'd/sp', address: { table: 'holding', register: 100, type: 'float32' }, initial: 20 },
  { id: 'd/limit', address: { table: 'holding', register: 102, type: 'int16', scale: 0.1 }, initial: 30 },
  {
    id: 'd/model',
    address: { table: 'holding', register: 110, type: 'string', length: 2, access: 'read' },
    initial: 'X1',
  },
  { id: 'd/run', address: { table: 'coil', register: 0, type: 'bool' }, initial: true },
  { id: 'd/door', address: { table: 'coil', register: 1, type: 'bool' }, initial: false },
  { id: 'd/alarm', address: { table: 'discrete', register: 0, type: 'bool' }, initial: true },
  { id: 'd/temp', address: { table: 'input', register: 0, type: 'uint16' }, initial: 555 },
];

function device(): {
  device: SimulatedDevice;
  lines: string[];
  ask: (request: string) => string[];
  closed: () => number;
} {
  const lines: string[] = [];
  let closes = 0;
  const simulated = new SimulatedDevice({
    name: 'd',
    points,
    plain: [{ table: 'holding', register: 4, values: [0x12] }],
    files: new Map([[4, [0, 0, 0, 0, 0, 0, 0, 0x0dfe, 0x0020, 7]]]),
    queues: new Map([[0x04de, [0x01b8, 0x1284]]]),
    identification: new Map([
      [0, 'Ac'],
      [1, 'D1'],
      [2, '1.0'],
      [5, 'M'],
    ]),
    log: (line) => lines.push(line),
    now: () => 1000,
  });
  const ask = (request: string): string[] => {
    const answers: string[] = [];
    simulated.receive(
      { peer: 'test:1', unit: 1, pdu: hex(request), bytes: hex(`ffff${request}`) },
      {
        send: (reply: Reply) => answers.push(reply.pdu.toString('hex')),
        close: () => {
          closes += 1;
        },
      },
    );
    return answers;
  };
  return { device: simulated, lines, ask, closed: () => closes };
}

const ANSWERS: readonly (readonly [string, string, string])[] = [
  ['read coils', '01 0000 0002', '010101'],
  ['read discrete inputs', '02 0000 0001', '020101'],
  ['read holding registers', '03 0064 0003', '030641a00000012c'],
  ['read input registers', '04 0000 0001', '0402022b'],
  ['read exception status', '07', '0700'],
  ['diagnostics echo', '08 0000 a537', '080000a537'],
  ['diagnostics message count', '08 000b 0000', '08000b0001'],
  ['comm event counter', '0b', '0b00000000'],
  ['comm event log', '0c', '0c06000000000001'],
  ['report server id', '11', '11034431ff'],
  ['read file record', '14 07 06 0004 0007 0002', '140605060dfe0020'],
  ['read fifo queue', '18 04de', '180006000201b81284'],
  ['device identification, basic', '2b 0e 01 00', '2b0e018200000300024163010244310203312e30'],
  ['device identification, one object', '2b 0e 04 05', '2b0e048200000105014d'],
  ['write single coil', '05 0001 ff00', '050001ff00'],
  ['write single register', '06 0066 00c8', '06006600c8'],
  ['write multiple coils', '0f 0000 0002 01 02', '0f00000002'],
  ['write multiple registers', '10 0064 0003 06 41a80000 0140', '1000640003'],
  ['write file record', '15 09 06 0004 0000 0001 beef', '150906000400000001beef'],
  ['mask write register', '16 0004 00f2 0025', '16000400f20025'],
  ['read and write registers', '17 0064 0002 0064 0002 04 41b00000', '170441b00000'],
  ['a code nobody knows', '64 00', 'e401'],
  ['diagnostics of an unknown sub-function', '08 0015 0000', '8801'],
  ['an interface other than 14', '2b 0d 00 00', 'ab01'],
  ['an address that is not there', '03 0063 0002', '8302'],
  ['a write beyond the map', '10 0066 0002 04 00010002', '9002'],
  ['a write to a read-only register', '06 006e 0001', '8602'],
  ['an address past the end', '03 ffff 0002', '8302'],
  ['a quantity of 0', '03 0064 0000', '8303'],
  ['a quantity over the limit', '03 0064 007e', '8303'],
  ['a coil value that is neither', '05 0000 1234', '8503'],
  ['a byte count that is wrong', '10 0064 0002 02 0001', '9003'],
  ['a file that is not there', '14 07 06 0009 0000 0001', '9402'],
  ['a queue that is not there', '18 0001', '9802'],
];

describe('what a device answers', () => {
  test.each(ANSWERS)('%s', (_what, request, answer) => {
    expect(device().ask(request)).toEqual([answer]);
  });

  test('writes are carried out whole or not at all', () => {
    const { device: simulated, ask } = device();
    expect(ask('10 0064 0004 08 41a80000 0140 0001')).toEqual(['9002']);
    expect(simulated.bank.get('d/sp')).toBe(20);
    expect(ask('10 0064 0003 06 41a80000 0140')).toEqual(['1000640003']);
    expect([simulated.bank.get('d/sp'), simulated.bank.get('d/limit')]).toEqual([21, 32]);
    ask('16 0004 00f2 0025');
    expect(simulated.bank.read('holding', 4, 1)).toEqual([0x17]);
    ask('0f 0000 0002 01 02');
    expect([simulated.bank.get('d/run'), simulated.bank.get('d/door')]).toEqual([false, true]);
    ask('15 09 06 0004 0000 0001 beef');
    expect(simulated.state.files.get(4)?.[0]).toBe(0xbeef);
  });

  test('listen-only mode silences the device until communication is restarted', () => {
    const { device: simulated, ask } = device();
    expect(ask('08 0004 0000')).toEqual([]);
    expect(ask('06 0066 0001')).toEqual([]);
    expect(simulated.bank.get('d/limit')).toBe(30);
    expect(ask('08 0001 0000')).toEqual([]);
    expect(ask('03 0066 0001')).toEqual(['0302012c']);
    expect(simulated.state.restarts).toBe(1);
  });
});

describe('the record', () => {
  const KINDS: readonly (readonly [string, 'read' | 'write' | 'other'])[] = [
    ...[
      '01 0000 0001',
      '02 0000 0001',
      '03 0064 0001',
      '04 0000 0001',
      '07',
      '08 0000 0000',
      '0b',
      '0c',
      '11',
      '2b 0e 01 00',
    ].map((request) => [request, 'read'] as const),
    ...['14 07 06 0004 0007 0002', '18 04de', '08 000b 0000'].map((request) => [request, 'read'] as const),
    ...[
      '05 0000 ff00',
      '06 0066 0001',
      '0f 0000 0001 01 00',
      '10 0066 0001 02 0001',
      '15 09 06 0004 0000 0001 beef',
    ].map((request) => [request, 'write'] as const),
    ...[
      '16 0004 0000 0000',
      '17 0064 0001 0066 0001 02 0001',
      '08 0001 0000',
      '08 0004 0000',
      '08 000a 0000',
      '08 0014 0000',
    ].map((request) => [request, 'write'] as const),
    ...['2b 0d 00', '64', '83 00', '5a 00'].map((request) => [request, 'other'] as const),
  ];
  test.each(KINDS)('%s is a %s', (request, kind) => {
    const { device: simulated, ask, lines } = device();
    ask(request);
    const [frame] = simulated.record.all();
    expect(frame).toMatchObject({ at: 1000, peer: 'test:1', unit: 1, kind, bytes: hex(`ffff${request}`) });
    expect(simulated.record.writesSeen()).toBe(kind === 'write' ? 1 : 0);
    expect(simulated.record.readsSeen()).toBe(kind === 'read' ? 1 : 0);
    expect(simulated.record.othersSeen()).toBe(kind === 'other' ? 1 : 0);
    expect(lines).toHaveLength(kind === 'read' ? 0 : 1);
  });

  test('a write is announced with the points it touches, what they are now, and what the device said', () => {
    const { ask, lines, device: simulated } = device();
    ask('10 0064 0003 06 41a80000 0140');
    ask('10 0064 0004 08 41a80000 0140 0001');
    simulated.receiveJunk('test:1', hex('beef'));
    expect(lines).toEqual([
      'd: write 3 holding registers from 100 (d/sp, d/limit) from test:1 -> d/sp=21 d/limit=32',
      'd: write 4 holding registers from 100 (d/sp, d/limit) from test:1 -> exception 2 -> d/sp=21 d/limit=32',
      'd: 2 bytes that are no frame from test:1',
    ]);
    expect(simulated.record.writes().map((frame) => frame.points)).toEqual([
      ['d/sp', 'd/limit'],
      ['d/sp', 'd/limit'],
    ]);
    expect(simulated.record.others().map((frame) => frame.bytes)).toEqual([hex('beef')]);
  });
});

describe('a device that fails', () => {
  const write = '06 0066 0001';
  const FAILURES: readonly (readonly [Failure, readonly string[], boolean])[] = [
    [{ kind: 'silence' }, [], true],
    [{ kind: 'silence', carriedOut: false }, [], false],
    [{ kind: 'exception', code: 6 }, ['8606'], false],
    [{ kind: 'raw', pdu: hex('0600') }, ['0600'], true],
    [{ kind: 'refuse' }, [], false],
    [{ kind: 'truncated', keep: 9 }, ['0600660001'], true],
  ];
  test.each(FAILURES)('%j', (failure, answers, carriedOut) => {
    const { device: simulated, ask, closed } = device();
    simulated.fail(failure);
    expect(ask(write)).toEqual(answers);
    expect(simulated.bank.get('d/limit')).toBe(carriedOut ? 0.1 : 30);
    expect(closed()).toBe(failure.kind === 'refuse' ? 1 : 0);
    simulated.behave();
    expect(ask(write)).toEqual(['0600660001']);
    expect(simulated.record.writesSeen()).toBe(2);
  });

  test('as often as it was told, and only for the frames it was told', () => {
    const { device: simulated, ask } = device();
    simulated.fail({ kind: 'exception', code: 4 }, { times: 1, on: 'write' });
    expect(ask('03 0066 0001')).toEqual(['0302012c']);
    expect(ask(write)).toEqual(['8604']);
    expect(ask(write)).toEqual(['0600660001']);
  });

  test('answers that are held go out late and in order', () => {
    const { device: simulated, ask } = device();
    simulated.fail({ kind: 'hold' }, { times: 1 });
    const late = ask('03 0066 0001');
    expect(ask(write)).toEqual(['0600660001']);
    expect([late, simulated.held]).toEqual([[], 1]);
    simulated.release();
    expect([late, simulated.held]).toEqual([['0302012c'], 0]);
  });
});
