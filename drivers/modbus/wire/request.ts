// A request PDU as a value, in the names of the MODBUS Application Protocol Specification V1.1b3, clause 6.
// 1. Every octet of the PDU stands in the value: encoding a decoded request gives the same octets.
// 2. `values` are as on the wire: registers two octets each, high octet first; coils packed, low bit first, padding 0.

/** FC 1 to 4. `quantity` 1 to 2000 for bits, 1 to 125 for registers; the span ends at 65535 at the latest. */
export interface ReadRequest {
  readonly kind: 'readCoils' | 'readDiscreteInputs' | 'readHoldingRegisters' | 'readInputRegisters';
  readonly address: number;
  readonly quantity: number;
}

/** FC 5. */
export interface WriteSingleCoil {
  readonly kind: 'writeSingleCoil';
  readonly address: number;
  readonly value: boolean;
}

/** FC 6. */
export interface WriteSingleRegister {
  readonly kind: 'writeSingleRegister';
  readonly address: number;
  readonly value: number;
}

/** FC 7, 11, 12, 17: the function code is all there is. */
export interface BareRequest {
  readonly kind: 'readExceptionStatus' | 'getCommEventCounter' | 'getCommEventLog' | 'reportServerId';
}

/** FC 8, every sub-function. `data`: two octets; for sub-function 0 and reserved ones any even number from 2 to 250. */
export interface Diagnostics {
  readonly kind: 'diagnostics';
  readonly subFunction: number;
  readonly data: Uint8Array;
}

/** FC 15. `quantity` 1 to 1968. */
interface WriteMultipleCoils {
  readonly kind: 'writeMultipleCoils';
  readonly address: number;
  readonly quantity: number;
  readonly values: Uint8Array;
}

/** FC 16. `quantity` 1 to 123. */
interface WriteMultipleRegisters {
  readonly kind: 'writeMultipleRegisters';
  readonly address: number;
  readonly quantity: number;
  readonly values: Uint8Array;
}

/** One sub-request of FC 20. File 1 to 65535, records 0 to 9999, length in registers, reference type always 6. */
export interface FileReference {
  readonly fileNumber: number;
  readonly recordNumber: number;
  readonly recordLength: number;
}

/** FC 20: 1 to 35 sub-requests whose answer fits one PDU. */
export interface ReadFileRecord {
  readonly kind: 'readFileRecord';
  readonly references: readonly FileReference[];
}

/** One sub-request of FC 21; its record length is that of `values`. */
export interface FileRecord {
  readonly fileNumber: number;
  readonly recordNumber: number;
  readonly values: Uint8Array;
}

/** FC 21: at least one record. */
export interface WriteFileRecord {
  readonly kind: 'writeFileRecord';
  readonly records: readonly FileRecord[];
}

/** FC 22: bits whose And-mask bit is 0 take the Or-mask's bit, the others stay. */
export interface MaskWriteRegister {
  readonly kind: 'maskWriteRegister';
  readonly address: number;
  readonly andMask: number;
  readonly orMask: number;
}

/** FC 23: the write comes before the read. Read 1 to 125, write 1 to 121 registers. */
interface ReadWriteMultipleRegisters {
  readonly kind: 'readWriteMultipleRegisters';
  readonly readAddress: number;
  readonly readQuantity: number;
  readonly writeAddress: number;
  readonly writeQuantity: number;
  readonly values: Uint8Array;
}

/** FC 24. */
interface ReadFifoQueue {
  readonly kind: 'readFifoQueue';
  readonly address: number;
}

/** FC 43/14. Code 1 basic, 2 regular, 3 extended, 4 one object. */
export interface ReadDeviceIdentification {
  readonly kind: 'readDeviceIdentification';
  readonly readDeviceIdCode: number;
  readonly objectId: number;
}

/** FC 43 with any MEI type but 14: its data is opaque. */
export interface EncapsulatedInterfaceTransport {
  readonly kind: 'encapsulatedInterfaceTransport';
  readonly meiType: number;
  readonly data: Uint8Array;
}

/** Any other function code, 0 and those with bit 0x80 included: its data is opaque, 0 to 252 octets. */
export interface Unsupported {
  readonly kind: 'unsupported';
  readonly functionCode: number;
  readonly data: Uint8Array;
}

export type Request =
  | ReadRequest
  | WriteSingleCoil
  | WriteSingleRegister
  | BareRequest
  | Diagnostics
  | WriteMultipleCoils
  | WriteMultipleRegisters
  | ReadFileRecord
  | WriteFileRecord
  | MaskWriteRegister
  | ReadWriteMultipleRegisters
  | ReadFifoQueue
  | ReadDeviceIdentification
  | EncapsulatedInterfaceTransport
  | Unsupported;

type RequestKind = Request['kind'];

const functionCodeOfKind = {
  readCoils: 1,
  readDiscreteInputs: 2,
  readHoldingRegisters: 3,
  readInputRegisters: 4,
  writeSingleCoil: 5,
  writeSingleRegister: 6,
  readExceptionStatus: 7,
  diagnostics: 8,
  getCommEventCounter: 11,
  getCommEventLog: 12,
  writeMultipleCoils: 15,
  writeMultipleRegisters: 16,
  reportServerId: 17,
  readFileRecord: 20,
  writeFileRecord: 21,
  maskWriteRegister: 22,
  readWriteMultipleRegisters: 23,
  readFifoQueue: 24,
  readDeviceIdentification: 43,
  encapsulatedInterfaceTransport: 43,
} as const satisfies Record<Exclude<RequestKind, 'unsupported'>, number>;

const decodedFunctionCodes: ReadonlySet<number> = new Set(Object.values(functionCodeOfKind));

/** Whether a function code has a form of its own here; all others are `unsupported`. */
export function isDecodedFunctionCode(functionCode: number): boolean {
  return decodedFunctionCodes.has(functionCode);
}

/** The function code a request or a normal response carries. */
export function functionCodeOf(pdu: { kind: Exclude<RequestKind, 'unsupported'> } | Unsupported): number {
  return pdu.kind === 'unsupported' ? pdu.functionCode : functionCodeOfKind[pdu.kind];
}

/** FC 8 sub-function 4, Force Listen Only Mode: no response is returned (V1.1b3, 6.8.1). */
export function isAnswered(request: Request): boolean {
  return request.kind !== 'diagnostics' || request.subFunction !== 4;
}
