// Frame ─classify─► the closed table of what reads, what changes something, and what is refused (V1.1b3, 5 and 6).
// 1. What is not in the table as `read` or `change` is refused. 2. Documents of the table are made from it.

import type { Request } from './request.ts';
import { functionCodeOf } from './request.ts';

/** `change` needs a permit; `refused` is refused unless the site names it for a device with the action it needs. */
export type FunctionKind = 'read' | 'change' | 'refused';

export interface FunctionEntry {
  readonly functionCode: number;
  /** FC 8: the sub-function. FC 43: the MEI type. Absent where the function code says all. */
  readonly selector?: number;
  /** The standard's name. */
  readonly name: string;
  readonly kind: FunctionKind;
  /** Defined for serial lines only; devices behind a gateway answer it on TCP too. */
  readonly serialLineOnly: boolean;
  /** Of the MODBUS Application Protocol Specification V1.1b3. */
  readonly clause: string;
}

function entry(functionCode: number, name: string, kind: FunctionKind, clause: string): FunctionEntry {
  return { functionCode, name, kind, serialLineOnly: false, clause };
}

function serial(functionCode: number, name: string, clause: string): FunctionEntry {
  return { functionCode, name, kind: 'read', serialLineOnly: true, clause };
}

function diagnostic(selector: number, name: string, kind: FunctionKind = 'change'): FunctionEntry {
  return { functionCode: 8, selector, name, kind, serialLineOnly: true, clause: '6.8.1' };
}

/** Every function the standard defines, by code, then sub-function or MEI type. */
export const functionTable: readonly FunctionEntry[] = [
  entry(1, 'Read Coils', 'read', '6.1'),
  entry(2, 'Read Discrete Inputs', 'read', '6.2'),
  entry(3, 'Read Holding Registers', 'read', '6.3'),
  entry(4, 'Read Input Registers', 'read', '6.4'),
  entry(5, 'Write Single Coil', 'change', '6.5'),
  entry(6, 'Write Single Register', 'change', '6.6'),
  serial(7, 'Read Exception Status', '6.7'),
  diagnostic(0, 'Return Query Data', 'read'),
  diagnostic(1, 'Restart Communications Option'),
  diagnostic(2, 'Return Diagnostic Register'),
  diagnostic(3, 'Change ASCII Input Delimiter'),
  diagnostic(4, 'Force Listen Only Mode'),
  diagnostic(10, 'Clear Counters and Diagnostic Register'),
  diagnostic(11, 'Return Bus Message Count'),
  diagnostic(12, 'Return Bus Communication Error Count'),
  diagnostic(13, 'Return Bus Exception Error Count'),
  diagnostic(14, 'Return Server Message Count'),
  diagnostic(15, 'Return Server No Response Count'),
  diagnostic(16, 'Return Server NAK Count'),
  diagnostic(17, 'Return Server Busy Count'),
  diagnostic(18, 'Return Bus Character Overrun Count'),
  diagnostic(20, 'Clear Overrun Counter and Flag'),
  serial(11, 'Get Comm Event Counter', '6.9'),
  serial(12, 'Get Comm Event Log', '6.10'),
  entry(15, 'Write Multiple Coils', 'change', '6.11'),
  entry(16, 'Write Multiple registers', 'change', '6.12'),
  serial(17, 'Report Server ID', '6.13'),
  entry(20, 'Read File Record', 'read', '6.14'),
  entry(21, 'Write File Record', 'change', '6.15'),
  entry(22, 'Mask Write Register', 'change', '6.16'),
  entry(23, 'Read/Write Multiple registers', 'change', '6.17'),
  entry(24, 'Read FIFO Queue', 'read', '6.18'),
  { ...entry(43, 'CANopen General Reference', 'refused', '6.20'), selector: 13 },
  { ...entry(43, 'Read Device Identification', 'read', '6.21'), selector: 14 },
];

const byKey: ReadonlyMap<number, FunctionEntry> = new Map(
  functionTable.map((row) => [keyOf(row.functionCode, row.selector), row]),
);

function keyOf(functionCode: number, selector: number | undefined): number {
  return selector === undefined ? functionCode : functionCode + (selector + 1) * 256;
}

/** The table's row for a request; a `refused` one made up for what the table does not list. */
export function functionOf(request: Request): FunctionEntry {
  const functionCode = functionCodeOf(request);
  const selector = selectorOf(request);
  return byKey.get(keyOf(functionCode, selector)) ?? refused(functionCode, selector);
}

function selectorOf(request: Request): number | undefined {
  switch (request.kind) {
    case 'diagnostics':
      return request.subFunction;
    case 'readDeviceIdentification':
      return 0x0e;
    case 'encapsulatedInterfaceTransport':
      return request.meiType;
    default:
      return undefined;
  }
}

function refused(functionCode: number, selector: number | undefined): FunctionEntry {
  if (selector !== undefined)
    return {
      ...entry(functionCode, functionCode === 8 ? 'reserved sub-function' : 'reserved MEI type', 'refused', 'Annex A'),
      selector,
    };
  if (functionCode === 0 || functionCode > 127) return entry(functionCode, 'not a request', 'refused', '4.1');
  if (isUserDefined(functionCode)) return entry(functionCode, 'user defined', 'refused', '5');
  if (reserved.has(functionCode)) return entry(functionCode, 'reserved', 'refused', 'Annex A');
  return entry(functionCode, 'unassigned', 'refused', '5');
}

/** Clause 5: 65 to 72 and 100 to 110. */
function isUserDefined(functionCode: number): boolean {
  return (functionCode >= 65 && functionCode <= 72) || (functionCode >= 100 && functionCode <= 110);
}

const reserved: ReadonlySet<number> = new Set([9, 10, 13, 14, 41, 42, 90, 91, 125, 126, 127]);
