// A response PDU as a value, tagged by the request it answers (V1.1b3, clause 6), or an exception (clause 7).
// 1. `values` are as on the wire: registers two octets each, high octet first; bits packed, low bit first.

import type {
  Diagnostics,
  EncapsulatedInterfaceTransport,
  MaskWriteRegister,
  Unsupported,
  WriteFileRecord,
  WriteSingleCoil,
  WriteSingleRegister,
} from './request.ts';

/** FC 1 to 4 and 23. Bits: 1 to 250 octets, bits past the asked quantity 0. Registers: 2 to 250 octets. */
export interface ReadResponse {
  readonly kind:
    | 'readCoils'
    | 'readDiscreteInputs'
    | 'readHoldingRegisters'
    | 'readInputRegisters'
    | 'readWriteMultipleRegisters';
  readonly values: Uint8Array;
}

/** FC 7: eight outputs, device specific. */
interface ExceptionStatus {
  readonly kind: 'readExceptionStatus';
  readonly status: number;
}

/** FC 11. `status` is 0xFFFF while an earlier program command is still being processed, else 0. */
interface CommEventCounter {
  readonly kind: 'getCommEventCounter';
  readonly status: number;
  readonly eventCount: number;
}

/** FC 12. `events`: 0 to 64 octets, the newest first. */
interface CommEventLog {
  readonly kind: 'getCommEventLog';
  readonly status: number;
  readonly eventCount: number;
  readonly messageCount: number;
  readonly events: Uint8Array;
}

/** FC 15 and 16. */
export interface WriteMultipleResponse {
  readonly kind: 'writeMultipleCoils' | 'writeMultipleRegisters';
  readonly address: number;
  readonly quantity: number;
}

/** FC 17. `data` is the server id, run indicator and whatever the device adds: their border is device specific. */
interface ServerId {
  readonly kind: 'reportServerId';
  readonly data: Uint8Array;
}

/** FC 20: the registers of each sub-request, in their order. */
interface FileRecords {
  readonly kind: 'readFileRecord';
  readonly records: readonly Uint8Array[];
}

/** FC 24: 0 to 31 registers. */
interface FifoQueue {
  readonly kind: 'readFifoQueue';
  readonly values: Uint8Array;
}

export interface IdentificationObject {
  readonly id: number;
  readonly value: Uint8Array;
}

/** FC 43/14. `moreFollows`: ask again from `nextObjectId`. */
export interface DeviceIdentification {
  readonly kind: 'readDeviceIdentification';
  readonly readDeviceIdCode: number;
  readonly conformityLevel: number;
  readonly moreFollows: boolean;
  readonly nextObjectId: number;
  readonly objects: readonly IdentificationObject[];
}

export type NormalResponse =
  | ReadResponse
  | WriteSingleCoil
  | WriteSingleRegister
  | ExceptionStatus
  | Diagnostics
  | CommEventCounter
  | CommEventLog
  | WriteMultipleResponse
  | ServerId
  | FileRecords
  | WriteFileRecord
  | MaskWriteRegister
  | FifoQueue
  | DeviceIdentification
  | EncapsulatedInterfaceTransport
  | Unsupported;

/** An exception response. `functionCode` is the request's; bit 0x80 is set on the wire. Codes 1 to 255. */
export interface ExceptionResponse {
  readonly kind: 'exception';
  readonly functionCode: number;
  readonly exceptionCode: number;
}

export type Response = NormalResponse | ExceptionResponse;
