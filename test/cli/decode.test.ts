// `gatehouse decode`: frames of both protocols, what they would do by a policy, and whose verdict is what.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodeRequest } from '../../drivers/modbus/wire/encode-request.ts';
import { MbapBatch } from '../../drivers/modbus/wire/mbap-batch.ts';
import type { Request } from '../../drivers/modbus/wire/request.ts';
import { encodeRtuRequest } from '../../drivers/modbus/wire/rtu.ts';
import { encodeApdu } from '../../simulators/bacnet/apci.ts';
import { BVLC, encodeBvlc, encodeNpdu } from '../../simulators/bacnet/framing.ts';
import { ask, type ServiceRequest, say } from '../../simulators/bacnet/requests.ts';
import { app } from '../../simulators/bacnet/values.ts';
import { plantInventory } from '../../simulators/modbus/plant.ts';
import { runProgram } from '../../src/cli/program.ts';
import type { DecodeReply } from '../../src/daemon/control-api.ts';
import { type BundleChanges, rigBundle } from '../drivers/bacnet/road-rig.ts';
import { folderWith } from './command.ts';

async function cli(...words: string[]) {
  const said = { out: '', err: '', exit: 0 };
  await runProgram(words, {
    out: (text) => (said.out += `${text}\n`),
    err: (text) => (said.err += `${text}\n`),
    setExit: (code) => (said.exit = code),
  });
  return said;
}

function bacnet({ service, payload }: ServiceRequest): string {
  const apdu = encodeApdu({
    kind: 'confirmed-request',
    invokeId: 1,
    service,
    payload,
    segmentedAnswerAccepted: true,
    maxSegments: 0,
    maxApdu: 5,
  });
  const destination = { network: 200, mac: Buffer.from('7f000115bac0', 'hex') };
  return encodeBvlc(
    BVLC.unicast,
    encodeNpdu({ expectingReply: true, priority: 0, destination, hops: 255, payload: apdu }),
  ).toString('hex');
}

let folder: Awaited<ReturnType<typeof folderWith>>;
let bundle: string;

beforeAll(async () => {
  const modbus = plantInventory();
  const changes: BundleChanges = {
    devices: (devices) => [...devices, ...modbus.devices],
    points: (points) => [...points, ...modbus.points],
  };
  folder = await folderWith({ 'bundle.json': JSON.stringify(rigBundle(changes)) });
  bundle = folder.path('bundle.json');
});
afterAll(() => folder.remove());

async function decoded(hex: string, ...words: string[]): Promise<DecodeReply & { readonly exit: number }> {
  const said = await cli('decode', hex, '--json', ...words);
  if (said.out === '') throw new Error(said.err);
  return { ...JSON.parse(said.out), exit: said.exit };
}

const asked = (hex: string, principal: string, device: string) =>
  decoded(hex, '--bundle', bundle, '--principal', principal, '--device', device);

const writeSetPoint = bacnet(ask.writeProperty({ object: 'analog-value,1', value: [app.real(21.5)], priority: 8 }));

describe('a BACnet frame', () => {
  test('is taken apart without any policy', async () => {
    const { out, exit } = await cli('decode', writeSetPoint);
    expect(exit).toBe(0);
    expect(out).toMatchInlineSnapshot(`
      "BACnet/IP
        BVLC original-unicast-npdu
        NPDU priority 0, expecting a reply
          to network 200, MAC 7f000115bac0 (127.0.1.21:47808), hop count 255
        APDU confirmed-request write-property
          invokeId: 1
          segmentedResponseAccepted: true
          maxSegments: unspecified
          maxApduLength: 1476
        write-property
          objectIdentifier: analog-value,1
          propertyIdentifier: present-value
          propertyValue: real 21.5
          priority: 8
      a change
      "
    `);
  });

  test('numbers of the standard are told by their words, addresses and times as people write them', async () => {
    const lines = async (hex: string): Promise<string[]> =>
      (await cli('decode', hex)).out.split('\n').map((line) => line.trim());
    expect(await lines(bacnet(ask.reinitialize(1)))).toContain('reinitializedStateOfDevice: warmstart (1)');
    expect(await lines(bacnet(ask.communicationControl(1)))).toContain('enableDisable: disable (1)');
    expect(await lines(bacnet(ask.lifeSafetyOperation(4)))).toContain('request: reset (4)');
    expect(await lines(bacnet(ask.lifeSafetyOperation(77)))).toContain('request: 77');
    // Example F.1.1: AcknowledgeAlarm.
    const acknowledged =
      '81 0a 00 24 01 00 00 02 07 00 09 01 1c 00 00 00 02 29 03 3e 19 10 3f 4c 00 4d 44 4c 5e 2e a4 5c 06 15 ff b4 0d 03 29 09 2f 5f';
    const length = acknowledged.split(' ').length.toString(16).padStart(2, '0');
    const shown = await lines(acknowledged.replace('00 24', `00 ${length}`));
    for (const line of ['eventStateAcknowledged: high-limit (3)', 'date: 1992-06-21', 'time: 13:03:41.09'])
      expect(shown).toContain(line);
    expect(await lines('8103000e0a4d0101bac0ffffffff')).toEqual(
      expect.arrayContaining(['address: 10.77.1.1', 'port: 47808', 'mask: 255.255.255.255']),
    );
    expect(await lines('810a000a01800301012c')).toContain('reason: not-directly-connected (1)');
  });

  test('spaces, colons and 0x of a capture are left out', async () => {
    const spaced = writeSetPoint.match(/../g) ?? [];
    for (const form of [spaced.join(' '), spaced.join(':'), `0x${writeSetPoint.toUpperCase()}`])
      expect((await decoded(form)).kind).toBe('change');
    expect((await cli('decode', ...spaced)).exit).toBe(0);
  });

  test.each([
    ['ben', 'permit', 0, undefined],
    ['carla', 'deny', 3, 'no-permission'],
    ['anyone', 'deny', 3, expect.any(String)],
    ['zoe', 'deny', 3, 'unknown-principal'],
  ])('%s: %s', async (principal, verdict, exit, reason) => {
    const reply = await asked(writeSetPoint, principal, 'ahu2');
    expect(reply).toMatchObject({ kind: 'change', operation: 'write-property', verdict, exit });
    expect(reply.targets).toEqual([
      expect.objectContaining({
        target: 'ahu2/sat-sp',
        asks: 'point.write',
        value: 21.5,
        priority: 8,
        permitted: exit === 0,
      }),
    ]);
    expect(reply.reason).toEqual(reason);
  });

  test('limits and priorities judge as at the gate', async () => {
    const hot = bacnet(ask.writeProperty({ object: 'analog-value,1', value: [app.real(35)], priority: 8 }));
    expect(await asked(hot, 'ben', 'ahu2')).toMatchObject({ verdict: 'deny', reason: 'out-of-limits' });
    const strong = bacnet(ask.writeProperty({ object: 'analog-value,1', value: [app.real(20)], priority: 5 }));
    expect(await asked(strong, 'ben', 'ahu2')).toMatchObject({ verdict: 'deny', reason: 'priority-reserved' });
  });

  test('of several targets each has its verdict, and one denied denies all', async () => {
    const several = bacnet(
      ask.writePropertyMultiple([
        { object: 'analog-value,1', value: [app.real(20)], priority: 10 },
        { object: 'analog-input,1', property: 'high-limit', value: [app.real(30)] },
      ]),
    );
    const reply = await asked(several, 'ben', 'ahu2');
    expect(reply.targets.map(({ target, permitted }) => [target, permitted])).toEqual([
      ['ahu2/sat-sp', true],
      ['ahu2/sat-hi', false],
    ]);
    expect(reply).toMatchObject({ verdict: 'deny', exit: 3 });
    const { out } = await cli('decode', several, '--bundle', bundle, '--principal', 'ben', '--device', 'ahu2');
    expect(out).toMatch(
      /ahu2\/sat-sp \(Supply air temperature set point\): `point\.write` value 20 at priority 10 → permit/,
    );
    expect(out).toMatch(/ahu2\/sat-hi .*`alarm\.threshold` value 30.* → deny: no-permission/);
    expect(out).toMatch(/^ben: deny: no-permission/m);
  });

  test('what moves more than it names is said', async () => {
    const channel = bacnet(ask.writeProperty({ object: 'channel,1', value: [app.real(20)] }));
    expect((await asked(channel, 'anna', 'ahu2')).remarks).toEqual([
      expect.stringContaining('moves more than it names'),
    ]);
  });

  test('reads are judged per element', async () => {
    const read = bacnet(
      ask.readPropertyMultiple([
        { object: 'analog-value,1' },
        { object: 'loop,1', property: 21 },
        { object: 'device,1001', property: 'object-name' },
      ]),
    );
    const reply = await asked(read, 'carla', 'ahu2');
    expect(reply.targets.map(({ target, asks }) => [target, asks])).toEqual([
      ['ahu2/sat-sp', 'point.read'],
      ['ahu2', 'point.read'],
      ['ahu2', 'device.view'],
    ]);
    expect(reply.verdict).toBe('permit');
    expect(await asked(read, 'anyone', 'ahu2')).toMatchObject({ verdict: 'deny', exit: 3 });
  });

  test.each([
    [ask.readRange({ object: 'trend-log,1', property: 'log-buffer' }), 'point.read'],
    [ask.readFile(1, 0, 100), 'point.read'],
    [ask.subscribeCov(1, 'analog-value,1', false, 60), 'point.read'],
    [ask.subscribeCovProperty(1, { object: 'analog-value,1' }, false, 60), 'point.read'],
  ])('%#: subscribing and reading files and logs is reading', async (request, asks) => {
    expect((await asked(bacnet(request), 'carla', 'ahu2')).targets).toEqual([
      expect.objectContaining({ asks, permitted: true }),
    ]);
  });

  test('the device object names its device; a MAC does not', async () => {
    const named = bacnet(ask.readProperty({ object: 'device,1002', property: 'object-name' }));
    expect((await decoded(named, '--bundle', bundle)).targets).toEqual([expect.objectContaining({ target: 'vav1' })]);
    expect((await decoded(writeSetPoint, '--bundle', bundle)).remarks).toEqual([expect.stringContaining('--device')]);
  });

  test('broadcasts, network messages, answers, malformed and refused frames', async () => {
    const unconfirmed = ({ service, payload }: ServiceRequest): string =>
      encodeBvlc(
        BVLC.broadcast,
        encodeNpdu({
          expectingReply: false,
          priority: 0,
          payload: Buffer.concat([Buffer.from([0x10, service]), payload]),
        }),
      ).toString('hex');
    expect(await decoded(unconfirmed(say.whoIs()))).toMatchObject({ kind: 'read' });
    expect(await decoded('810b000c0120ffff00ff1000')).toMatchObject({ kind: 'malformed', exit: 2 });
    expect(await decoded('810b0007018000')).toMatchObject({ kind: 'no-request' });
    expect(await decoded('810a000901003001 0f'.replace(/\s/g, ''))).toMatchObject({ exit: 2 });
    expect(await decoded('810a000901002001 0f'.replace(/\s/g, ''))).toMatchObject({ kind: 'no-request' });
    expect(await decoded('810a00090100600109')).toMatchObject({
      kind: 'no-request',
      lines: expect.arrayContaining([expect.stringContaining('reject: unrecognized-service (9)')]),
    });
    expect(await decoded('810a000d01005001 0f91029128'.replace(/\s/g, ''))).toMatchObject({
      lines: expect.arrayContaining(['    errorCode: write-access-denied (40)']),
    });
    expect(await decoded('810a000a010050810f0d')).toMatchObject({ kind: 'malformed', exit: 2 });
    expect(await decoded('81030004')).toMatchObject({ kind: 'no-request' });
    expect(await decoded('8101000e7f000001bac0ffffffff')).toMatchObject({ kind: 'refused' });
    const text = bacnet({ service: 19, payload: Buffer.from('0c020003e9 2900 3a0041'.replace(/\s/g, ''), 'hex') });
    expect(await decoded(text)).toMatchObject({ kind: 'refused' });
    expect(
      await decoded(bacnet({ service: 99, payload: Buffer.alloc(2) }), '--bundle', bundle, '--principal', 'anna'),
    ).toMatchObject({
      kind: 'refused',
      verdict: 'deny',
      exit: 3,
    });
  });
});

describe('a Modbus frame', () => {
  const tcpHex = (transactionId: number, unitId: number, request: Request): string => {
    const batch = new MbapBatch();
    batch.addRequest(transactionId, unitId, request);
    return batch.take().toString('hex');
  };
  const hexOf = (encoded: { readonly ok: boolean; readonly value?: Buffer }): string =>
    encoded.value?.toString('hex') ?? '';
  const write = {
    kind: 'writeMultipleRegisters',
    address: 100,
    quantity: 2,
    values: Buffer.from('000041ac', 'hex'),
  } as const;
  const tcp = tcpHex(7, 1, write);

  test('over TCP, with the value each point would get', async () => {
    const reply = await asked(tcp, 'anna', 'ahu1');
    expect(reply).toMatchObject({ form: 'Modbus/TCP', kind: 'change', verdict: 'permit' });
    expect(reply.targets).toEqual([expect.objectContaining({ target: 'ahu1/sat-sp', value: 21.5, permitted: true })]);
    expect(await asked(tcp, 'carla', 'ahu1')).toMatchObject({ verdict: 'deny', exit: 3 });
  });

  test('over a serial line; a wrong CRC is no frame', async () => {
    const rtu = hexOf(encodeRtuRequest(1, write));
    expect(await decoded(rtu)).toMatchObject({ form: 'Modbus RTU', kind: 'change' });
    expect(await cli('decode', `${rtu.slice(0, -2)}${rtu.endsWith('00') ? '01' : '00'}`)).toMatchObject({
      exit: 2,
      err: expect.stringContaining('no frame'),
    });
  });

  test('reads, with registers that nobody owns as the device’s', async () => {
    const read = tcpHex(1, 1, { kind: 'readHoldingRegisters', address: 100, quantity: 120 });
    const { targets, verdict } = await asked(read, 'carla', 'ahu1');
    expect(targets.map(({ target }) => target)).toEqual(expect.arrayContaining(['ahu1/sat-sp', 'ahu1']));
    expect(verdict).toBe('permit');
    const bare = tcpHex(1, 1, { kind: 'reportServerId' });
    expect((await asked(bare, 'carla', 'ahu1')).targets).toEqual([expect.objectContaining({ target: 'ahu1' })]);
    const fifo = tcpHex(1, 1, { kind: 'readFifoQueue', address: 100 });
    expect((await asked(fifo, 'carla', 'ahu1')).targets).toEqual([expect.objectContaining({ target: 'ahu1/sat-sp' })]);
  });

  test('answers and exceptions say what they hold', async () => {
    expect((await decoded('000100000003018302')).lines).toContain(
      'Read Holding Registers answered with exception 02: illegal data address',
    );
    expect((await decoded('0001000000070103040000 41ac'.replace(/\s/g, ''))).lines).toContain('  registers: 0 16812');
    expect((await decoded('000100000004010101 05'.replace(/\s/g, ''))).lines).toContain('  bits: 10100000');
    expect(await decoded('00010000000501030000ff')).toMatchObject({ kind: 'malformed', exit: 2 });
  });

  test('every request function prints, and what is refused says so', async () => {
    const requests = [
      { kind: 'writeMultipleCoils', address: 0, quantity: 4, values: Buffer.from([5]) },
      { kind: 'maskWriteRegister', address: 120, andMask: 0xfffe, orMask: 1 },
      { kind: 'writeFileRecord', records: [{ fileNumber: 1, recordNumber: 0, values: Buffer.from([0, 7]) }] },
      { kind: 'readFileRecord', references: [{ fileNumber: 1, recordNumber: 0, recordLength: 1 }] },
      { kind: 'diagnostics', subFunction: 1, data: Buffer.from([0, 0]) },
    ] as const;
    for (const request of requests) expect(await decoded(tcpHex(1, 1, request))).toMatchObject({ exit: 0 });
    expect((await decoded(tcpHex(1, 1, requests[0]))).lines).toContain('  values: 1010');
    const vendor = encodeRequest({ kind: 'unsupported', functionCode: 65, data: Buffer.from([1]) });
    const octets = vendor.ok ? vendor.value : Buffer.alloc(0);
    const frame = Buffer.concat([Buffer.from([0, 1, 0, 0, 0, octets.length + 1, 1]), octets]).toString('hex');
    expect(await decoded(frame)).toMatchObject({ kind: 'refused' });
    expect(await asked(frame, 'anna', 'ahu1')).toMatchObject({ kind: 'refused', verdict: 'deny' });
  });

  test('the unit stands for its device by the site’s configuration, else by the only one of the policy', async () => {
    expect((await decoded(tcp, '--bundle', bundle)).remarks).toEqual([
      expect.stringContaining('unit 1 stands for no one device'),
    ]);
    const meter = tcpHex(1, 12, { kind: 'readInputRegisters', address: 0, quantity: 2 });
    expect((await decoded(meter, '--bundle', bundle)).targets.map(({ target }) => target)).toContainEqual(
      expect.stringMatching(/^meter2/),
    );
  });
});

describe('bad input', () => {
  test.each([
    [['8'], 'expected octets in hex'],
    [['xyz'], 'expected octets in hex'],
    [['00'.repeat(70_000)], 'expected at most 65536'],
    [['81', '--protocol', 'dnp3'], 'expected one of `bacnet`, `modbus`'],
    [['0102'], 'no frame of bacnet or modbus'],
  ])('%#', async (words, expected) => {
    const said = await cli('decode', ...words);
    expect([said.exit, said.err]).toEqual([2, expect.stringContaining(expected)]);
  });

  test('a device or bundle nobody knows', async () => {
    expect(await cli('decode', '0102', '--bundle', bundle, '--device', 'x')).toMatchObject({
      exit: 2,
      err: expect.stringContaining('expected a device of the policy'),
    });
    expect(await cli('decode', '0102', '--bundle', `${bundle}x`)).toMatchObject({ exit: 2 });
    expect(await cli('decode', '0102', '--socket', folder.path('none.sock'))).toMatchObject({ exit: 1 });
  });
});
