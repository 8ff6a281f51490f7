// V1.1b3, clauses 6 and 7: response PDUs, each held to the request it answers.

import { describe, expect, it } from 'vitest';
import { decodeRequest } from '../../../../drivers/modbus/wire/decode-request.ts';
import { decodeResponse } from '../../../../drivers/modbus/wire/decode-response.ts';
import type { PduFaultCode } from '../../../../drivers/modbus/wire/fault.ts';
import type { Request } from '../../../../drivers/modbus/wire/request.ts';
import type { Response } from '../../../../drivers/modbus/wire/response.ts';
import { encodeResponse } from './encode-response.ts';
import { hex, times, toHex } from './hex.ts';

function asked(bytes: string): Request {
  const decoded = decodeRequest(hex(bytes));
  if (!decoded.ok) throw new Error(decoded.fault.message);
  return decoded.value;
}

const identification = '2b 0e 01 01 00 00 02 00 03 414243 01 02 5631';

const accepted: readonly (readonly [name: string, request: string, bytes: string, value: Response])[] = [
  ['6.1 coils 20-38', '01 0013 0013', '01 03 cd6b05', { kind: 'readCoils', values: hex('cd6b05') }],
  ['6.2 inputs 197-218', '02 00c4 0016', '02 03 acdb35', { kind: 'readDiscreteInputs', values: hex('acdb35') }],
  [
    '6.3 registers 108-110',
    '03 006b 0003',
    '03 06 022b00000064',
    { kind: 'readHoldingRegisters', values: hex('022b00000064') },
  ],
  [
    '6.3 125 registers',
    '03 0000 007d',
    `03 fa ${times('11', 250)}`,
    { kind: 'readHoldingRegisters', values: hex(times('11', 250)) },
  ],
  ['6.4 input register 9', '04 0008 0001', '04 02 000a', { kind: 'readInputRegisters', values: hex('000a') }],
  ['6.5 coil 173 on', '05 00ac ff00', '05 00ac ff00', { kind: 'writeSingleCoil', address: 172, value: true }],
  ['6.5 coil 173 off', '05 00ac 0000', '05 00ac 0000', { kind: 'writeSingleCoil', address: 172, value: false }],
  ['6.6 register 2', '06 0001 0003', '06 0001 0003', { kind: 'writeSingleRegister', address: 1, value: 3 }],
  ['6.7 exception status', '07', '07 6d', { kind: 'readExceptionStatus', status: 0x6d }],
  ['6.8 query data', '08 0000 a537', '08 0000 a537', { kind: 'diagnostics', subFunction: 0, data: hex('a537') }],
  [
    '6.8 diagnostic register',
    '08 0002 0000',
    '08 0002 1234',
    { kind: 'diagnostics', subFunction: 2, data: hex('1234') },
  ],
  [
    '6.8 bus message count',
    '08 000b 0000',
    '08 000b 0007',
    { kind: 'diagnostics', subFunction: 11, data: hex('0007') },
  ],
  [
    '6.8 reserved sub-function',
    '08 0013 0000',
    '08 0013 00070008',
    { kind: 'diagnostics', subFunction: 19, data: hex('00070008') },
  ],
  ['6.9 comm event counter', '0b', '0b ffff 0108', { kind: 'getCommEventCounter', status: 0xffff, eventCount: 264 }],
  [
    '6.10 comm event log',
    '0c',
    '0c 08 0000 0108 0121 2000',
    { kind: 'getCommEventLog', status: 0, eventCount: 264, messageCount: 289, events: hex('2000') },
  ],
  ['6.11 ten coils', '0f 0013 000a 02 cd01', '0f 0013 000a', { kind: 'writeMultipleCoils', address: 19, quantity: 10 }],
  [
    '6.12 two registers',
    '10 0001 0002 04 000a0102',
    '10 0001 0002',
    { kind: 'writeMultipleRegisters', address: 1, quantity: 2 },
  ],
  ['6.13 server id', '11', '11 03 01ff41', { kind: 'reportServerId', data: hex('01ff41') }],
  [
    '6.14 file records',
    '14 0e 06 0004 0001 0002 06 0003 0009 0002',
    '14 0c 05 06 0dfe0020 05 06 33cd0040',
    { kind: 'readFileRecord', records: [hex('0dfe0020'), hex('33cd0040')] },
  ],
  [
    '6.15 file record',
    '15 0d 06 0004 0007 0003 06af04be100d',
    '15 0d 06 0004 0007 0003 06af04be100d',
    { kind: 'writeFileRecord', records: [{ fileNumber: 4, recordNumber: 7, values: hex('06af04be100d') }] },
  ],
  [
    '6.16 mask',
    '16 0004 00f2 0025',
    '16 0004 00f2 0025',
    { kind: 'maskWriteRegister', address: 4, andMask: 0xf2, orMask: 0x25 },
  ],
  [
    '6.17 read/write',
    '17 0003 0006 000e 0003 06 00ff00ff00ff',
    '17 0c 00fe0acd00010003000d00ff',
    { kind: 'readWriteMultipleRegisters', values: hex('00fe0acd00010003000d00ff') },
  ],
  ['6.18 fifo queue', '18 04de', '18 0006 0002 01b81284', { kind: 'readFifoQueue', values: hex('01b81284') }],
  ['6.18 empty fifo queue', '18 04de', '18 0002 0000', { kind: 'readFifoQueue', values: hex('') }],
  ['6.20 canopen', '2b 0d 01', '2b 0d 02', { kind: 'encapsulatedInterfaceTransport', meiType: 13, data: hex('02') }],
  [
    '6.21 identification',
    '2b 0e 01 00',
    identification,
    {
      kind: 'readDeviceIdentification',
      readDeviceIdCode: 1,
      conformityLevel: 1,
      moreFollows: false,
      nextObjectId: 0,
      objects: [
        { id: 0, value: hex('414243') },
        { id: 1, value: hex('5631') },
      ],
    },
  ],
  [
    '6.21 more follows',
    '2b 0e 02 00',
    '2b 0e 02 82 ff 05 01 04 00',
    {
      kind: 'readDeviceIdentification',
      readDeviceIdCode: 2,
      conformityLevel: 0x82,
      moreFollows: true,
      nextObjectId: 5,
      objects: [{ id: 4, value: hex('') }],
    },
  ],
  [
    '6.21 one object',
    '2b 0e 04 80',
    '2b 0e 04 83 00 00 01 80 01 41',
    {
      kind: 'readDeviceIdentification',
      readDeviceIdCode: 4,
      conformityLevel: 0x83,
      moreFollows: false,
      nextObjectId: 0,
      objects: [{ id: 128, value: hex('41') }],
    },
  ],
  ['a vendor code', '5a 01', '5a 02', { kind: 'unsupported', functionCode: 90, data: hex('02') }],
  ['7 illegal data address', '01 04a1 0001', '81 02', { kind: 'exception', functionCode: 1, exceptionCode: 2 }],
  ['7 of a vendor code', '5a 01', 'da 01', { kind: 'exception', functionCode: 90, exceptionCode: 1 }],
];

describe('response pdus that are accepted', () => {
  it.each(accepted)('%s', (_name, request, bytes, value) => {
    expect(decodeResponse(asked(request), hex(bytes))).toEqual({ ok: true, value });
    const encoded = encodeResponse(value);
    expect(encoded.ok && toHex(encoded.value)).toBe(toHex(hex(bytes)));
  });

  it('clears bits nobody asked for, and leaves what came as it was', () => {
    const bytes = hex('01 01 ff');
    expect(decodeResponse(asked('01 0000 0003'), bytes)).toEqual({
      ok: true,
      value: { kind: 'readCoils', values: hex('07') },
    });
    expect(toHex(bytes)).toBe('0101ff');
  });
});

const refused: readonly (readonly [name: string, request: string, bytes: string, code: PduFaultCode])[] = [
  ['nothing', '07', '', 'empty'],
  ['more than a pdu', '5a', `5a ${times('00', 253)}`, 'length'],
  ['another function code', '03 0000 0001', '04 02 0000', 'function-mismatch'],
  ['another function code in an exception', '03 0000 0001', '84 02', 'function-mismatch'],
  ['an exception without a code', '03 0000 0001', '83', 'length'],
  ['an exception with code 0', '03 0000 0001', '83 00', 'value'],
  ['an exception with more', '03 0000 0001', '83 02 00', 'length'],
  ['registers other than asked', '03 0000 0002', '03 02 0000', 'length'],
  ['a register byte count other than asked', '03 0000 0001', '03 04 0000', 'byte-count'],
  ['coils other than asked', '01 0000 0009', '01 01 00', 'length'],
  ['a coil byte count other than asked', '01 0000 0001', '01 02 00', 'byte-count'],
  ['fc 5 cut', '05 00ac ff00', '05 00ac ff', 'length'],
  ['fc 5 another coil', '05 00ac ff00', '05 00ad ff00', 'echo-mismatch'],
  ['fc 5 another value', '05 00ac ff00', '05 00ac 0000', 'echo-mismatch'],
  ['fc 6 another value', '06 0001 0003', '06 0001 0004', 'echo-mismatch'],
  ['fc 15 another quantity', '0f 0013 000a 02 cd01', '0f 0013 000b', 'echo-mismatch'],
  ['fc 16 another address', '10 0001 0002 04 000a0102', '10 0002 0002', 'echo-mismatch'],
  ['fc 16 echoing all', '10 0001 0001 02 000a', '10 0001 0001 02 000a', 'length'],
  ['fc 7 cut', '07', '07', 'length'],
  ['fc 8 cut', '08 0002 0000', '08 0002', 'length'],
  ['fc 8 odd', '08 0002 0000', '08 0002 000000', 'length'],
  ['fc 8 another sub-function', '08 0002 0000', '08 000b 0000', 'echo-mismatch'],
  ['fc 8/2 with four octets', '08 0002 0000', '08 0002 00000000', 'length'],
  ['fc 8/18 with four octets', '08 0012 0000', '08 0012 00000000', 'length'],
  ['fc 8/0 another echo', '08 0000 a537', '08 0000 a538', 'echo-mismatch'],
  ['fc 8/20 another echo', '08 0014 0000', '08 0014 0001', 'echo-mismatch'],
  ['fc 11 cut', '0b', '0b ffff 01', 'length'],
  ['fc 12 cut', '0c', '0c 05 0000 0108 01', 'length'],
  ['fc 12 with 65 events', '0c', `0c 47 0000 0000 0000 ${times('00', 65)}`, 'length'],
  ['fc 12 wrong byte count', '0c', '0c 07 0000 0108 0121 2000', 'byte-count'],
  ['fc 17 cut', '11', '11', 'length'],
  ['fc 17 wrong byte count', '11', '11 04 01ff41', 'byte-count'],
  ['fc 20 another length', '14 07 06 0004 0001 0002', '14 04 03 06 0dfe', 'length'],
  ['fc 20 another byte count', '14 07 06 0004 0001 0001', '14 05 03 06 0dfe', 'byte-count'],
  ['fc 20 another group length', '14 07 06 0004 0001 0001', '14 04 05 06 0dfe', 'byte-count'],
  ['fc 20 another reference type', '14 07 06 0004 0001 0001', '14 04 03 07 0dfe', 'file-reference'],
  ['fc 21 cut', '15 09 06 0004 0007 0001 06af', '15', 'length'],
  ['fc 21 broken echo', '15 09 06 0004 0007 0001 06af', '15 09 07 0004 0007 0001 06af', 'file-reference'],
  ['fc 21 fewer groups', '15 09 06 0004 0007 0001 06af', '15 00', 'echo-mismatch'],
  ['fc 21 another file', '15 09 06 0004 0007 0001 06af', '15 09 06 0005 0007 0001 06af', 'echo-mismatch'],
  ['fc 21 another record', '15 09 06 0004 0007 0001 06af', '15 09 06 0004 0008 0001 06af', 'echo-mismatch'],
  ['fc 21 other data', '15 09 06 0004 0007 0001 06af', '15 09 06 0004 0007 0001 06ae', 'echo-mismatch'],
  ['fc 22 cut', '16 0004 00f2 0025', '16 0004 00f2', 'length'],
  ['fc 22 another register', '16 0004 00f2 0025', '16 0005 00f2 0025', 'echo-mismatch'],
  ['fc 22 another and-mask', '16 0004 00f2 0025', '16 0004 00f3 0025', 'echo-mismatch'],
  ['fc 22 another or-mask', '16 0004 00f2 0025', '16 0004 00f2 0026', 'echo-mismatch'],
  ['fc 23 other than asked', '17 0003 0002 000e 0001 02 00ff', '17 02 00fe', 'length'],
  ['fc 24 cut', '18 04de', '18 0002', 'length'],
  ['fc 24 with 32 registers', '18 04de', `18 0042 0020 ${times('00', 64)}`, 'quantity'],
  ['fc 24 fewer than counted', '18 04de', '18 0006 0002 01b8', 'length'],
  ['fc 24 wrong byte count', '18 04de', '18 0004 0002 01b81284', 'byte-count'],
  ['fc 43 cut', '2b 0d 00', '2b', 'length'],
  ['fc 43 another mei type', '2b 0d 00', '2b 0e 00', 'echo-mismatch'],
  ['fc 43/14 another mei type', '2b 0e 01 00', '2b 0d 01 01 00 00 00', 'echo-mismatch'],
  ['fc 43/14 cut', '2b 0e 01 00', '2b 0e 01 01 00 00', 'length'],
  ['fc 43/14 another code', '2b 0e 01 00', '2b 0e 02 01 00 00 00', 'echo-mismatch'],
  ['fc 43/14 more follows 1', '2b 0e 01 00', '2b 0e 01 01 01 00 00', 'value'],
  ['fc 43/14 conformity level 4', '2b 0e 01 00', '2b 0e 01 04 00 00 00', 'value'],
  ['fc 43/14 conformity level 0x80', '2b 0e 01 00', '2b 0e 01 80 00 00 00', 'value'],
  ['fc 43/14 fewer objects than counted', '2b 0e 01 00', '2b 0e 01 01 00 00 01', 'length'],
  ['fc 43/14 an object over the end', '2b 0e 01 00', '2b 0e 01 01 00 00 01 00 05 41', 'length'],
  ['fc 43/14 octets after the objects', '2b 0e 01 00', '2b 0e 01 01 00 00 01 00 01 41 00', 'length'],
  ['fc 43/14 one object asked, two given', '2b 0e 04 00', '2b 0e 04 81 00 00 02 00 00 01 00', 'quantity'],
  ['fc 43/14 one object asked, more to follow', '2b 0e 04 00', '2b 0e 04 81 ff 01 01 00 00', 'quantity'],
  ['fc 43/14 another object', '2b 0e 04 00', '2b 0e 04 81 00 00 01 01 00', 'echo-mismatch'],
];

describe('response pdus that are refused', () => {
  it.each(refused)('%s', (_name, request, bytes, code) => {
    const decoded = decodeResponse(asked(request), hex(bytes));
    expect(decoded).toMatchObject({ ok: false, fault: { code, answer: 'none' } });
  });
});

const named = { readDeviceIdCode: 1, conformityLevel: 1, moreFollows: false, nextObjectId: 0, objects: [] };

const unwritable: readonly (readonly [name: string, value: Response])[] = [
  ['no coils', { kind: 'readCoils', values: hex('') }],
  ['251 octets of inputs', { kind: 'readDiscreteInputs', values: new Uint8Array(251) }],
  ['half a register', { kind: 'readHoldingRegisters', values: hex('00') }],
  ['126 registers', { kind: 'readInputRegisters', values: new Uint8Array(252) }],
  ['a coil address', { kind: 'writeSingleCoil', address: 65536, value: true }],
  ['a register address', { kind: 'writeSingleRegister', address: 65536, value: 0 }],
  ['a register value', { kind: 'writeSingleRegister', address: 0, value: 65536 }],
  ['a written address', { kind: 'writeMultipleCoils', address: 65536, quantity: 1 }],
  ['a written quantity', { kind: 'writeMultipleRegisters', address: 0, quantity: 65536 }],
  ['a mask address', { kind: 'maskWriteRegister', address: 65536, andMask: 0, orMask: 0 }],
  ['an and-mask', { kind: 'maskWriteRegister', address: 0, andMask: 65536, orMask: 0 }],
  ['an or-mask', { kind: 'maskWriteRegister', address: 0, andMask: 0, orMask: 65536 }],
  ['an exception status', { kind: 'readExceptionStatus', status: 256 }],
  ['a sub-function', { kind: 'diagnostics', subFunction: 65536, data: hex('0000') }],
  ['diagnostics data', { kind: 'diagnostics', subFunction: 0, data: hex('00') }],
  ['a comm status', { kind: 'getCommEventCounter', status: 65536, eventCount: 0 }],
  ['an event count', { kind: 'getCommEventCounter', status: 0, eventCount: 65536 }],
  ['a log status', { kind: 'getCommEventLog', status: 65536, eventCount: 0, messageCount: 0, events: hex('') }],
  ['a log event count', { kind: 'getCommEventLog', status: 0, eventCount: 65536, messageCount: 0, events: hex('') }],
  ['a log message count', { kind: 'getCommEventLog', status: 0, eventCount: 0, messageCount: 65536, events: hex('') }],
  ['65 events', { kind: 'getCommEventLog', status: 0, eventCount: 0, messageCount: 0, events: new Uint8Array(65) }],
  ['252 octets of server id', { kind: 'reportServerId', data: new Uint8Array(252) }],
  ['no file records', { kind: 'readFileRecord', records: [] }],
  ['half a register of a file', { kind: 'readFileRecord', records: [hex('00')] }],
  ['file records over a pdu', { kind: 'readFileRecord', records: [new Uint8Array(200), new Uint8Array(200)] }],
  ['no written file records', { kind: 'writeFileRecord', records: [] }],
  ['32 registers of a fifo', { kind: 'readFifoQueue', values: new Uint8Array(64) }],
  ['a conformity level', { kind: 'readDeviceIdentification', ...named, conformityLevel: 257 }],
  ['a next object', { kind: 'readDeviceIdentification', ...named, nextObjectId: 256 }],
  ['code 0', { kind: 'readDeviceIdentification', ...named, readDeviceIdCode: 0 }],
  ['code 5', { kind: 'readDeviceIdentification', ...named, readDeviceIdCode: 5 }],
  ['code 1.5', { kind: 'readDeviceIdentification', ...named, readDeviceIdCode: 1.5 }],
  ['an object id', { kind: 'readDeviceIdentification', ...named, objects: [{ id: 256, value: hex('') }] }],
  [
    'objects over a pdu',
    { kind: 'readDeviceIdentification', ...named, objects: [{ id: 0, value: new Uint8Array(245) }] },
  ],
  ['a mei type', { kind: 'encapsulatedInterfaceTransport', meiType: 256, data: hex('') }],
  ['mei data over a pdu', { kind: 'encapsulatedInterfaceTransport', meiType: 13, data: new Uint8Array(252) }],
  ['a function code', { kind: 'unsupported', functionCode: 256, data: hex('') }],
  ['opaque data over a pdu', { kind: 'unsupported', functionCode: 90, data: new Uint8Array(253) }],
  ['exception code 0', { kind: 'exception', functionCode: 3, exceptionCode: 0 }],
  ['exception code 256', { kind: 'exception', functionCode: 3, exceptionCode: 256 }],
  ['an exception to function code 256', { kind: 'exception', functionCode: 256, exceptionCode: 1 }],
];

describe('responses that cannot be written', () => {
  it.each(unwritable)('%s', (_name, value) => {
    expect(encodeResponse(value)).toMatchObject({ ok: false });
  });

  it('answers a code that carries bit 0x80 already with that very code', () => {
    const encoded = encodeResponse({ kind: 'exception', functionCode: 0x83, exceptionCode: 1 });
    expect(encoded.ok && toHex(encoded.value)).toBe('8301');
  });
});
