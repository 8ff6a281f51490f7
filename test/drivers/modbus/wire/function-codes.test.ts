// V1.1b3, 5 and 6: what reads, what changes, and that all the rest is refused.

import { describe, expect, it } from 'vitest';
import { decodeRequest } from '../../../../drivers/modbus/wire/decode-request.ts';
import { type FunctionKind, functionOf, functionTable } from '../../../../drivers/modbus/wire/function-codes.ts';
import { isAnswered } from '../../../../drivers/modbus/wire/request.ts';
import { hex } from './hex.ts';

function asked(bytes: string) {
  const decoded = decodeRequest(hex(bytes));
  if (!decoded.ok) throw new Error(decoded.fault.message);
  return decoded.value;
}

const rows: readonly (readonly [bytes: string, kind: FunctionKind, name: string, clause: string])[] = [
  ['01 0000 0001', 'read', 'Read Coils', '6.1'],
  ['02 0000 0001', 'read', 'Read Discrete Inputs', '6.2'],
  ['03 0000 0001', 'read', 'Read Holding Registers', '6.3'],
  ['04 0000 0001', 'read', 'Read Input Registers', '6.4'],
  ['05 0000 0000', 'change', 'Write Single Coil', '6.5'],
  ['06 0000 0000', 'change', 'Write Single Register', '6.6'],
  ['07', 'read', 'Read Exception Status', '6.7'],
  ['08 0000 0000', 'read', 'Return Query Data', '6.8.1'],
  ['08 0001 0000', 'change', 'Restart Communications Option', '6.8.1'],
  ['08 0004 0000', 'change', 'Force Listen Only Mode', '6.8.1'],
  ['08 000a 0000', 'change', 'Clear Counters and Diagnostic Register', '6.8.1'],
  ['08 000b 0000', 'change', 'Return Bus Message Count', '6.8.1'],
  ['08 0014 0000', 'change', 'Clear Overrun Counter and Flag', '6.8.1'],
  ['08 0005 0000', 'refused', 'reserved sub-function', 'Annex A'],
  ['08 0015 0000', 'refused', 'reserved sub-function', 'Annex A'],
  ['0b', 'read', 'Get Comm Event Counter', '6.9'],
  ['0c', 'read', 'Get Comm Event Log', '6.10'],
  ['0f 0000 0001 01 00', 'change', 'Write Multiple Coils', '6.11'],
  ['10 0000 0001 02 0000', 'change', 'Write Multiple registers', '6.12'],
  ['11', 'read', 'Report Server ID', '6.13'],
  ['14 07 06 0001 0000 0001', 'read', 'Read File Record', '6.14'],
  ['15 09 06 0001 0000 0001 0000', 'change', 'Write File Record', '6.15'],
  ['16 0000 0000 0000', 'change', 'Mask Write Register', '6.16'],
  ['17 0000 0001 0000 0001 02 0000', 'change', 'Read/Write Multiple registers', '6.17'],
  ['18 0000', 'read', 'Read FIFO Queue', '6.18'],
  ['2b 0d', 'refused', 'CANopen General Reference', '6.20'],
  ['2b 0e 01 00', 'read', 'Read Device Identification', '6.21'],
  ['2b 0f', 'refused', 'reserved MEI type', 'Annex A'],
  ['00', 'refused', 'not a request', '4.1'],
  ['80', 'refused', 'not a request', '4.1'],
  ['83 02', 'refused', 'not a request', '4.1'],
  ['41', 'refused', 'user defined', '5'],
  ['48', 'refused', 'user defined', '5'],
  ['64', 'refused', 'user defined', '5'],
  ['6e', 'refused', 'user defined', '5'],
  ['29', 'refused', 'reserved', 'Annex A'],
  ['5a', 'refused', 'reserved', 'Annex A'],
  ['7f', 'refused', 'reserved', 'Annex A'],
  ['13', 'refused', 'unassigned', '5'],
  ['6f', 'refused', 'unassigned', '5'],
];

describe('the table', () => {
  it.each(rows)('%s is %s: %s', (bytes, kind, name, clause) => {
    expect(functionOf(asked(bytes))).toMatchObject({ kind, name, clause });
  });

  it('lists each function once', () => {
    const keys = functionTable.map(({ functionCode, selector }) => `${functionCode}/${selector}`);
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('refuses every function code it does not list', () => {
    const listed = new Set(functionTable.map(({ functionCode }) => functionCode));
    for (let functionCode = 0; functionCode < 256; functionCode += 1) {
      if (listed.has(functionCode)) continue;
      expect(functionOf({ kind: 'unsupported', functionCode, data: hex('') }).kind).toBe('refused');
    }
  });

  it('knows the one request no device answers', () => {
    expect(isAnswered(asked('08 0004 0000'))).toBe(false);
    expect(isAnswered(asked('08 0001 0000'))).toBe(true);
    expect(isAnswered(asked('07'))).toBe(true);
  });
});
