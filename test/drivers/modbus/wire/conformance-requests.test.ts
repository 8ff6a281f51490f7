// V1.1b3, clause 6: request PDUs. Octets, the value they mean, and the same octets again.

import { describe, expect, it } from 'vitest';
import { decodeRequest } from '../../../../drivers/modbus/wire/decode-request.ts';
import { encodeRequest } from '../../../../drivers/modbus/wire/encode-request.ts';
import type { PduFaultCode } from '../../../../drivers/modbus/wire/fault.ts';
import type { Request } from '../../../../drivers/modbus/wire/request.ts';
import { hex, times, toHex } from './hex.ts';

const accepted: readonly (readonly [name: string, bytes: string, value: Request])[] = [
  ['6.1 read coils 20-38', '01 0013 0013', { kind: 'readCoils', address: 19, quantity: 19 }],
  ['6.1 read 2000 coils', '01 0000 07d0', { kind: 'readCoils', address: 0, quantity: 2000 }],
  ['6.2 read inputs 197-218', '02 00c4 0016', { kind: 'readDiscreteInputs', address: 196, quantity: 22 }],
  ['6.3 read registers 108-110', '03 006b 0003', { kind: 'readHoldingRegisters', address: 107, quantity: 3 }],
  ['6.3 read the last register', '03 ffff 0001', { kind: 'readHoldingRegisters', address: 65535, quantity: 1 }],
  ['6.3 read up to the last register', '03 ff83 007d', { kind: 'readHoldingRegisters', address: 65411, quantity: 125 }],
  ['6.4 read input register 9', '04 0008 0001', { kind: 'readInputRegisters', address: 8, quantity: 1 }],
  ['6.5 coil 173 on', '05 00ac ff00', { kind: 'writeSingleCoil', address: 172, value: true }],
  ['6.5 coil 173 off', '05 00ac 0000', { kind: 'writeSingleCoil', address: 172, value: false }],
  ['6.6 register 2 to 3', '06 0001 0003', { kind: 'writeSingleRegister', address: 1, value: 3 }],
  ['6.7 exception status', '07', { kind: 'readExceptionStatus' }],
  ['6.8 return query data', '08 0000 a537', { kind: 'diagnostics', subFunction: 0, data: hex('a537') }],
  ['6.8 restart', '08 0001 0000', { kind: 'diagnostics', subFunction: 1, data: hex('0000') }],
  ['6.8 restart and clear log', '08 0001 ff00', { kind: 'diagnostics', subFunction: 1, data: hex('ff00') }],
  ['6.8 diagnostic register', '08 0002 0000', { kind: 'diagnostics', subFunction: 2, data: hex('0000') }],
  ['6.8 ascii delimiter', '08 0003 0d00', { kind: 'diagnostics', subFunction: 3, data: hex('0d00') }],
  ['6.8 listen only', '08 0004 0000', { kind: 'diagnostics', subFunction: 4, data: hex('0000') }],
  ['6.8 clear overrun', '08 0014 0000', { kind: 'diagnostics', subFunction: 20, data: hex('0000') }],
  ['6.8 reserved sub-function 5', '08 0005 12345678', { kind: 'diagnostics', subFunction: 5, data: hex('12345678') }],
  ['6.8 reserved sub-function 19', '08 0013 0001', { kind: 'diagnostics', subFunction: 19, data: hex('0001') }],
  ['6.8 reserved sub-function 65535', '08 ffff 0001', { kind: 'diagnostics', subFunction: 65535, data: hex('0001') }],
  ['6.9 comm event counter', '0b', { kind: 'getCommEventCounter' }],
  ['6.10 comm event log', '0c', { kind: 'getCommEventLog' }],
  [
    '6.11 ten coils from 20',
    '0f 0013 000a 02 cd01',
    { kind: 'writeMultipleCoils', address: 19, quantity: 10, values: hex('cd01') },
  ],
  [
    '6.11 eight coils, no padding',
    '0f 0000 0008 01 ff',
    { kind: 'writeMultipleCoils', address: 0, quantity: 8, values: hex('ff') },
  ],
  [
    '6.11 1968 coils',
    `0f 0000 07b0 f6 ${times('ff', 246)}`,
    { kind: 'writeMultipleCoils', address: 0, quantity: 1968, values: hex(times('ff', 246)) },
  ],
  [
    '6.12 two registers from 2',
    '10 0001 0002 04 000a0102',
    { kind: 'writeMultipleRegisters', address: 1, quantity: 2, values: hex('000a0102') },
  ],
  [
    '6.12 123 registers',
    `10 0000 007b f6 ${times('12', 246)}`,
    { kind: 'writeMultipleRegisters', address: 0, quantity: 123, values: hex(times('12', 246)) },
  ],
  ['6.13 report server id', '11', { kind: 'reportServerId' }],
  [
    '6.14 two groups of file records',
    '14 0e 06 0004 0001 0002 06 0003 0009 0002',
    {
      kind: 'readFileRecord',
      references: [
        { fileNumber: 4, recordNumber: 1, recordLength: 2 },
        { fileNumber: 3, recordNumber: 9, recordLength: 2 },
      ],
    },
  ],
  [
    '6.14 the last record',
    '14 07 06 ffff 270f 0001',
    { kind: 'readFileRecord', references: [{ fileNumber: 65535, recordNumber: 9999, recordLength: 1 }] },
  ],
  [
    '6.15 three registers of file 4',
    '15 0d 06 0004 0007 0003 06af04be100d',
    { kind: 'writeFileRecord', records: [{ fileNumber: 4, recordNumber: 7, values: hex('06af04be100d') }] },
  ],
  [
    '6.15 two groups',
    '15 12 06 0001 0000 0001 aaaa 06 0002 0005 0001 bbbb',
    {
      kind: 'writeFileRecord',
      records: [
        { fileNumber: 1, recordNumber: 0, values: hex('aaaa') },
        { fileNumber: 2, recordNumber: 5, values: hex('bbbb') },
      ],
    },
  ],
  ['6.16 mask register 5', '16 0004 00f2 0025', { kind: 'maskWriteRegister', address: 4, andMask: 0xf2, orMask: 0x25 }],
  [
    '6.17 read six, write three',
    '17 0003 0006 000e 0003 06 00ff00ff00ff',
    {
      kind: 'readWriteMultipleRegisters',
      readAddress: 3,
      readQuantity: 6,
      writeAddress: 14,
      writeQuantity: 3,
      values: hex('00ff00ff00ff'),
    },
  ],
  ['6.18 fifo queue 1246', '18 04de', { kind: 'readFifoQueue', address: 0x4de }],
  [
    '6.20 canopen general reference',
    '2b 0d 01 02',
    { kind: 'encapsulatedInterfaceTransport', meiType: 13, data: hex('0102') },
  ],
  [
    '6.21 basic device identification',
    '2b 0e 01 00',
    { kind: 'readDeviceIdentification', readDeviceIdCode: 1, objectId: 0 },
  ],
  ['6.21 one private object', '2b 0e 04 80', { kind: 'readDeviceIdentification', readDeviceIdCode: 4, objectId: 128 }],
  ['4.1 function code 0', '00', { kind: 'unsupported', functionCode: 0, data: hex('') }],
  ['5 a vendor code', '5a 0102', { kind: 'unsupported', functionCode: 90, data: hex('0102') }],
  ['4.1 a code with bit 0x80', '83 02', { kind: 'unsupported', functionCode: 131, data: hex('02') }],
  [
    '4.1 the longest pdu',
    `64 ${times('00', 252)}`,
    { kind: 'unsupported', functionCode: 100, data: hex(times('00', 252)) },
  ],
];

describe('request pdus that are accepted', () => {
  it.each(accepted)('%s', (_name, bytes, value) => {
    const decoded = decodeRequest(hex(bytes));
    expect(decoded).toEqual({ ok: true, value });
    const encoded = encodeRequest(value);
    expect(encoded.ok && toHex(encoded.value)).toBe(toHex(hex(bytes)));
  });

  it('reads a pdu that stands inside of a longer read', () => {
    expect(decodeRequest(hex('ffff 03 006b 0003 ffff'), 2, 7)).toEqual({
      ok: true,
      value: { kind: 'readHoldingRegisters', address: 107, quantity: 3 },
    });
  });
});

const refused: readonly (readonly [name: string, bytes: string, code: PduFaultCode, answer: 1 | 2 | 3 | 'none'])[] = [
  ['nothing', '', 'empty', 'none'],
  ['more than a pdu', `03 ${times('00', 253)}`, 'length', 3],
  ['fc 1 cut', '01 0013 00', 'length', 3],
  ['fc 3 with a hidden second request', '03 0000 0001 06 0001 0003', 'length', 3],
  ['fc 1 quantity 0', '01 0000 0000', 'quantity', 3],
  ['fc 1 quantity 2001', '01 0000 07d1', 'quantity', 3],
  ['fc 2 quantity 2001', '02 0000 07d1', 'quantity', 3],
  ['fc 3 quantity 0', '03 0000 0000', 'quantity', 3],
  ['fc 3 quantity 126', '03 0000 007e', 'quantity', 3],
  ['fc 4 quantity 126', '04 0000 007e', 'quantity', 3],
  ['fc 3 wraps past 65535', '03 ffff 0002', 'address-wrap', 3],
  ['fc 5 cut', '05 00ac ff', 'length', 3],
  ['fc 5 value 0001', '05 00ac 0001', 'value', 3],
  ['fc 5 value ff01', '05 00ac ff01', 'value', 3],
  ['fc 6 cut', '06 0001 00', 'length', 3],
  ['fc 6 trailing octet', '06 0001 0003 00', 'length', 3],
  ['fc 7 with data', '07 00', 'length', 3],
  ['fc 8 cut', '08 00', 'length', 3],
  ['fc 8 without data', '08 0000', 'length', 3],
  ['fc 8 odd data', '08 0000 a5', 'length', 3],
  ['fc 8 echo that could hide a frame from a serial device', '08 0000 3333 0106 0000 0001 480a', 'length', 3],
  ['fc 8/1 with an unknown option', '08 0001 0100', 'value', 3],
  ['fc 8/2 with data', '08 0002 0001', 'value', 3],
  ['fc 8/3 without the zero', '08 0003 0d0a', 'value', 3],
  ['fc 8/4 with four octets', '08 0004 00000000', 'length', 3],
  ['fc 8/10 with data', '08 000a 0001', 'value', 3],
  ['fc 11 with data', '0b 00', 'length', 3],
  ['fc 12 with data', '0c 00', 'length', 3],
  ['fc 15 cut', '0f 0013 00', 'length', 3],
  ['fc 15 byte count over the data', '0f 0013 000a 03 cd01', 'byte-count', 3],
  ['fc 15 byte count under the data', '0f 0013 000a 01 cd01', 'byte-count', 3],
  ['fc 15 byte count other than the quantity needs', '0f 0013 000a 01 cd', 'byte-count', 3],
  ['fc 15 quantity 0', '0f 0013 0000 00', 'quantity', 3],
  ['fc 15 quantity 1969', `0f 0000 07b1 f7 ${times('00', 247)}`, 'quantity', 3],
  ['fc 15 wraps', '0f ffff 0002 01 00', 'address-wrap', 3],
  ['fc 15 with a bit past the quantity', '0f 0013 000a 02 cd05', 'padding', 3],
  ['fc 16 cut', '10 0001', 'length', 3],
  ['fc 16 quantity 0', '10 0001 0000 00', 'quantity', 3],
  ['fc 16 quantity 124', `10 0000 007c f7 ${times('00', 247)}`, 'quantity', 3],
  ['fc 16 byte count other than the quantity needs', '10 0001 0002 02 000a', 'byte-count', 3],
  ['fc 16 byte count over the data', '10 0001 0002 04 000a', 'byte-count', 3],
  ['fc 16 wraps', '10 ffff 0002 04 00000000', 'address-wrap', 3],
  ['fc 17 with data', '11 00', 'length', 3],
  ['fc 20 cut', '14', 'length', 3],
  ['fc 20 without a group', '14 00', 'byte-count', 3],
  ['fc 20 byte count over the data', '14 0e 06 0004 0001 0002', 'byte-count', 3],
  ['fc 20 with a cut group', '14 09 06 0004 0001 0002 06 00', 'length', 3],
  ['fc 20 reference type 7', '14 07 07 0004 0001 0002', 'file-reference', 2],
  ['fc 20 file 0', '14 07 06 0000 0001 0002', 'file-reference', 2],
  ['fc 20 record 10000', '14 07 06 0001 2710 0001', 'file-reference', 2],
  ['fc 20 past record 9999', '14 07 06 0001 270f 0002', 'file-reference', 2],
  ['fc 20 no records', '14 07 06 0001 0000 0000', 'quantity', 3],
  ['fc 20 with an answer over one pdu', '14 07 06 0001 0000 007d', 'length', 3],
  ['fc 21 cut', '15', 'length', 3],
  ['fc 21 without a group', '15 00', 'byte-count', 3],
  ['fc 21 byte count under the data', '15 08 06 0004 0007 0001 06af', 'byte-count', 3],
  ['fc 21 with a record over the data', '15 09 06 0004 0007 0002 06af', 'length', 3],
  ['fc 21 reference type 0', '15 09 00 0004 0007 0001 06af', 'file-reference', 2],
  ['fc 21 an empty record', '15 07 06 0004 0007 0000', 'quantity', 3],
  ['fc 21 file 0', '15 09 06 0000 0007 0001 06af', 'file-reference', 2],
  ['fc 22 cut', '16 0004 00f2 00', 'length', 3],
  ['fc 23 cut', '17 0003 0006 000e 0003', 'length', 3],
  ['fc 23 byte count over the data', '17 0003 0006 000e 0001 04 00ff', 'byte-count', 3],
  ['fc 23 byte count other than the quantity needs', '17 0003 0006 000e 0002 02 00ff', 'byte-count', 3],
  ['fc 23 reads 0', '17 0003 0000 000e 0001 02 00ff', 'quantity', 3],
  ['fc 23 reads 126', '17 0003 007e 000e 0001 02 00ff', 'quantity', 3],
  ['fc 23 writes 0', '17 0003 0001 000e 0000 00', 'quantity', 3],
  ['fc 23 writes 122', `17 0003 0001 000e 007a f4 ${times('00', 244)}`, 'length', 3],
  ['fc 23 reading wraps', '17 ffff 0002 000e 0001 02 00ff', 'address-wrap', 3],
  ['fc 23 writing wraps', '17 0000 0002 ffff 0002 04 00ff00ff', 'address-wrap', 3],
  ['fc 24 cut', '18 04', 'length', 3],
  ['fc 43 without mei type', '2b', 'length', 3],
  ['fc 43/14 cut', '2b 0e 01', 'length', 3],
  ['fc 43/14 code 0', '2b 0e 00 00', 'value', 3],
  ['fc 43/14 code 5', '2b 0e 05 00', 'value', 3],
];

describe('request pdus that are refused', () => {
  it.each(refused)('%s', (_name, bytes, code, answer) => {
    const decoded = decodeRequest(hex(bytes));
    expect(decoded).toMatchObject({ ok: false, fault: { code, answer } });
    expect(!decoded.ok && decoded.fault.message).toMatch(/^[a-z].*[^.]$/);
  });
});

const unwritable: readonly (readonly [name: string, value: Request, code: PduFaultCode])[] = [
  ['an address over 65535', { kind: 'readCoils', address: 65536, quantity: 1 }, 'value'],
  ['a quantity that is no whole number', { kind: 'readCoils', address: 0, quantity: 1.5 }, 'quantity'],
  ['a negative address', { kind: 'writeSingleCoil', address: -1, value: true }, 'value'],
  ['a register value over 65535', { kind: 'writeSingleRegister', address: 0, value: 65536 }, 'value'],
  ['an address of fc 6 over 65535', { kind: 'writeSingleRegister', address: 65536, value: 0 }, 'value'],
  ['masks over 65535', { kind: 'maskWriteRegister', address: 0, andMask: 0, orMask: 65536 }, 'value'],
  ['and-mask below 0', { kind: 'maskWriteRegister', address: 0, andMask: -1, orMask: 0 }, 'value'],
  ['a mask address below 0', { kind: 'maskWriteRegister', address: -1, andMask: 0, orMask: 0 }, 'value'],
  ['a sub-function over 65535', { kind: 'diagnostics', subFunction: 65536, data: hex('0000') }, 'value'],
  ['diagnostics data over a pdu', { kind: 'diagnostics', subFunction: 0, data: new Uint8Array(252) }, 'length'],
  [
    'fewer values than the quantity',
    { kind: 'writeMultipleRegisters', address: 0, quantity: 2, values: hex('0000') },
    'byte-count',
  ],
  [
    '36 groups',
    {
      kind: 'readFileRecord',
      references: Array.from({ length: 36 }, () => ({ fileNumber: 1, recordNumber: 0, recordLength: 1 })),
    },
    'byte-count',
  ],
  [
    'half a register in a record',
    { kind: 'writeFileRecord', records: [{ fileNumber: 1, recordNumber: 0, values: hex('00') }] },
    'length',
  ],
  [
    'records over a pdu',
    { kind: 'writeFileRecord', records: [{ fileNumber: 1, recordNumber: 0, values: new Uint8Array(246) }] },
    'length',
  ],
  [
    'a file number over 65535',
    { kind: 'readFileRecord', references: [{ fileNumber: 65536, recordNumber: 0, recordLength: 1 }] },
    'file-reference',
  ],
  [
    'a record number below 0',
    { kind: 'readFileRecord', references: [{ fileNumber: 1, recordNumber: -1, recordLength: 1 }] },
    'file-reference',
  ],
  [
    'a record length over 65535',
    { kind: 'readFileRecord', references: [{ fileNumber: 1, recordNumber: 0, recordLength: 65536 }] },
    'quantity',
  ],
  ['an object id over 255', { kind: 'readDeviceIdentification', readDeviceIdCode: 1, objectId: 256 }, 'value'],
  ['mei type 14 as opaque data', { kind: 'encapsulatedInterfaceTransport', meiType: 14, data: hex('0100') }, 'value'],
  ['a mei type over 255', { kind: 'encapsulatedInterfaceTransport', meiType: 256, data: hex('') }, 'value'],
  ['mei data over a pdu', { kind: 'encapsulatedInterfaceTransport', meiType: 13, data: new Uint8Array(252) }, 'length'],
  ['a write as opaque data', { kind: 'unsupported', functionCode: 6, data: hex('00010003') }, 'value'],
  ['a function code over 255', { kind: 'unsupported', functionCode: 256, data: hex('') }, 'value'],
  ['opaque data over a pdu', { kind: 'unsupported', functionCode: 100, data: new Uint8Array(253) }, 'length'],
];

describe('requests that cannot be written', () => {
  it.each(unwritable)('%s', (_name, value, code) => {
    expect(encodeRequest(value)).toMatchObject({ ok: false, fault: { code } });
  });
});
