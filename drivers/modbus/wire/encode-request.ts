// Request ─encode─► bytes: the only form in which a request goes south.
// 1. What does not pass the limits is a fault, never octets. 2. Every octet of the buffer is written.

import type { Result } from '../../../src/model/result.ts';
import { fail, ok } from '../../../src/model/result.ts';
import { checkRequest } from './check-request.ts';
import { echoLength, putEcho } from './echo.ts';
import type { PduFault } from './fault.ts';
import { putFileReferences } from './file-record.ts';
import { putU16 } from './octets.ts';
import type { Request } from './request.ts';
import { functionCodeOf } from './request.ts';

/** Unwritten octets left around a PDU, for the header and check of the line it goes to. */
export interface Room {
  readonly before: number;
  readonly after: number;
}

const noRoom: Room = { before: 0, after: 0 };

/** Encodes a request PDU. With `room`, the PDU stands inside a longer buffer whose edges the caller must write. */
export function encodeRequest(request: Request, room: Room = noRoom): Result<Buffer, PduFault> {
  const fault = checkRequest(request);
  if (fault !== undefined) return fail(fault);
  const bytes = Buffer.allocUnsafe(room.before + requestLength(request) + room.after);
  putRequest(bytes, room.before, request);
  return ok(bytes);
}

/** Writes a request's PDU, of `requestLength` octets, at `at`. The caller has held it to `checkRequest`. */
export function putRequest(bytes: Uint8Array, at: number, request: Request): void {
  bytes[at] = functionCodeOf(request);
  putBody(bytes, at + 1, request);
}

/** The octets of a request's PDU. */
export function requestLength(request: Request): number {
  switch (request.kind) {
    case 'readCoils':
    case 'readDiscreteInputs':
    case 'readHoldingRegisters':
    case 'readInputRegisters':
      return 5;
    case 'readExceptionStatus':
    case 'getCommEventCounter':
    case 'getCommEventLog':
    case 'reportServerId':
      return 1;
    case 'writeMultipleCoils':
    case 'writeMultipleRegisters':
      return 6 + request.values.length;
    case 'readFileRecord':
      return 2 + request.references.length * 7;
    case 'readWriteMultipleRegisters':
      return 10 + request.values.length;
    case 'readFifoQueue':
      return 3;
    case 'readDeviceIdentification':
      return 4;
    default:
      return echoLength(request);
  }
}

function putBody(bytes: Uint8Array, at: number, request: Request): void {
  switch (request.kind) {
    case 'readCoils':
    case 'readDiscreteInputs':
    case 'readHoldingRegisters':
    case 'readInputRegisters':
      putU16(bytes, at, request.address);
      putU16(bytes, at + 2, request.quantity);
      return;
    case 'readExceptionStatus':
    case 'getCommEventCounter':
    case 'getCommEventLog':
    case 'reportServerId':
      return;
    case 'writeMultipleCoils':
    case 'writeMultipleRegisters':
      putU16(bytes, at, request.address);
      putU16(bytes, at + 2, request.quantity);
      putCounted(bytes, at + 4, request.values);
      return;
    case 'readFileRecord':
      bytes[at] = request.references.length * 7;
      putFileReferences(bytes, at + 1, request.references);
      return;
    case 'readWriteMultipleRegisters':
      putU16(bytes, at, request.readAddress);
      putU16(bytes, at + 2, request.readQuantity);
      putU16(bytes, at + 4, request.writeAddress);
      putU16(bytes, at + 6, request.writeQuantity);
      putCounted(bytes, at + 8, request.values);
      return;
    case 'readFifoQueue':
      putU16(bytes, at, request.address);
      return;
    case 'readDeviceIdentification':
      bytes[at] = 0x0e;
      bytes[at + 1] = request.readDeviceIdCode;
      bytes[at + 2] = request.objectId;
      return;
    default:
      putEcho(bytes, at, request);
  }
}

/** Writes a byte count and the octets it counts. */
export function putCounted(bytes: Uint8Array, at: number, counted: Uint8Array): void {
  bytes[at] = counted.length;
  bytes.set(counted, at + 1);
}
