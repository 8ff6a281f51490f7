// Response ─encode─► bytes: the only form in which an answer goes north.
// 1. What does not fit its form is a fault, never octets. 2. Every octet of the buffer is written.

import {
  checkDeviceIdentification,
  deviceIdentificationLength,
  putDeviceIdentification,
} from './device-identification.ts';
import { echoLength, putEcho } from './echo.ts';
import { putCounted } from './encode-request.ts';
import type { PduFault } from './fault.ts';
import { gotExpected, responseFault } from './fault.ts';
import { checkFileRecords } from './file-record.ts';
import { isU8, isU16, putU16 } from './octets.ts';
import { functionCodeOf } from './request.ts';
import type { ExceptionResponse, NormalResponse, Response } from './response.ts';

/** Writes a response's PDU, of `responseLength` octets, at `at`. The caller has held it to `checkResponse`. */
export function putResponse(bytes: Uint8Array, at: number, response: Response): void {
  if (response.kind === 'exception') {
    bytes[at] = response.functionCode | 0x80;
    bytes[at + 1] = response.exceptionCode;
    return;
  }
  bytes[at] = functionCodeOf(response);
  putBody(bytes, at + 1, response);
}

function checkException({ functionCode, exceptionCode }: ExceptionResponse): PduFault | undefined {
  return (
    checkOctet('function code', functionCode) ??
    (exceptionCode === 0 ? responseFault('value', gotExpected('exception code', 0, '1 to 255')) : undefined) ??
    checkOctet('exception code', exceptionCode)
  );
}

/** Why a response fits no PDU; `undefined` where it does. */
export function checkResponse(response: Response): PduFault | undefined {
  switch (response.kind) {
    case 'exception':
      return checkException(response);
    case 'readCoils':
    case 'readDiscreteInputs':
      return checkLength(response.values, 1, 250, 1);
    case 'readHoldingRegisters':
    case 'readInputRegisters':
    case 'readWriteMultipleRegisters':
      return checkLength(response.values, 2, 250, 2);
    case 'writeSingleCoil':
      return checkItem('address', response.address);
    case 'writeSingleRegister':
      return checkItem('address', response.address) ?? checkItem('value', response.value);
    case 'writeMultipleCoils':
    case 'writeMultipleRegisters':
      return checkItem('address', response.address) ?? checkItem('quantity', response.quantity);
    case 'maskWriteRegister':
      return (
        checkItem('address', response.address) ??
        checkItem('and-mask', response.andMask) ??
        checkItem('or-mask', response.orMask)
      );
    case 'readExceptionStatus':
      return checkOctet('status', response.status);
    case 'diagnostics':
      return checkItem('sub-function', response.subFunction) ?? checkLength(response.data, 2, 250, 2);
    case 'getCommEventCounter':
      return checkItem('status', response.status) ?? checkItem('event count', response.eventCount);
    case 'getCommEventLog':
      return (
        checkItem('status', response.status) ??
        checkItem('event count', response.eventCount) ??
        checkItem('message count', response.messageCount) ??
        checkLength(response.events, 0, 64, 1)
      );
    case 'reportServerId':
      return checkLength(response.data, 0, 251, 1);
    case 'readFileRecord':
      return checkRecords(response.records);
    case 'writeFileRecord':
      return checkFileRecords(response.records);
    case 'readFifoQueue':
      return checkLength(response.values, 0, 62, 2);
    case 'readDeviceIdentification':
      return checkDeviceIdentification(response);
    case 'encapsulatedInterfaceTransport':
      return checkOctet('mei type', response.meiType) ?? checkLength(response.data, 0, 251, 1);
    case 'unsupported':
      return checkOctet('function code', response.functionCode) ?? checkLength(response.data, 0, 252, 1);
  }
}

function checkLength(data: Uint8Array, least: number, most: number, unit: 1 | 2): PduFault | undefined {
  const { length } = data;
  if (length >= least && length <= most && length % unit === 0) return undefined;
  return responseFault(
    'length',
    gotExpected('data length', length, `${unit === 2 ? 'an even number from ' : ''}${least} to ${most}`),
  );
}

function checkItem(what: string, value: number): PduFault | undefined {
  return isU16(value) ? undefined : responseFault('value', gotExpected(what, value, '0 to 65535'));
}

function checkOctet(what: string, value: number): PduFault | undefined {
  return isU8(value) ? undefined : responseFault('value', gotExpected(what, value, '0 to 255'));
}

function checkRecords(records: readonly Uint8Array[]): PduFault | undefined {
  for (const record of records) {
    const fault = checkLength(record, 2, 249, 2);
    if (fault !== undefined) return fault;
  }
  const length = recordsLength(records);
  if (length >= 4 && length <= 251) return undefined;
  return responseFault('length', gotExpected('response data length', length, '4 to 251'));
}

function recordsLength(records: readonly Uint8Array[]): number {
  return records.reduce((length, record) => length + 2 + record.length, 0);
}

/** The octets of a response's PDU. */
export function responseLength(response: Response): number {
  switch (response.kind) {
    case 'exception':
      return 2;
    case 'readCoils':
    case 'readDiscreteInputs':
    case 'readHoldingRegisters':
    case 'readInputRegisters':
    case 'readWriteMultipleRegisters':
      return 2 + response.values.length;
    case 'writeMultipleCoils':
    case 'writeMultipleRegisters':
    case 'getCommEventCounter':
      return 5;
    case 'readExceptionStatus':
      return 2;
    case 'getCommEventLog':
      return 8 + response.events.length;
    case 'reportServerId':
      return 2 + response.data.length;
    case 'readFileRecord':
      return 2 + recordsLength(response.records);
    case 'readFifoQueue':
      return 5 + response.values.length;
    case 'readDeviceIdentification':
      return deviceIdentificationLength(response);
    default:
      return echoLength(response);
  }
}

function putBody(bytes: Uint8Array, at: number, response: NormalResponse): void {
  switch (response.kind) {
    case 'readCoils':
    case 'readDiscreteInputs':
    case 'readHoldingRegisters':
    case 'readInputRegisters':
    case 'readWriteMultipleRegisters':
      putCounted(bytes, at, response.values);
      return;
    case 'writeMultipleCoils':
    case 'writeMultipleRegisters':
      putU16(bytes, at, response.address);
      putU16(bytes, at + 2, response.quantity);
      return;
    case 'readExceptionStatus':
      bytes[at] = response.status;
      return;
    case 'getCommEventCounter':
      putU16(bytes, at, response.status);
      putU16(bytes, at + 2, response.eventCount);
      return;
    case 'getCommEventLog':
      bytes[at] = 6 + response.events.length;
      putU16(bytes, at + 1, response.status);
      putU16(bytes, at + 3, response.eventCount);
      putU16(bytes, at + 5, response.messageCount);
      bytes.set(response.events, at + 7);
      return;
    case 'reportServerId':
      putCounted(bytes, at, response.data);
      return;
    case 'readFileRecord':
      putRecords(bytes, at, response.records);
      return;
    case 'readFifoQueue':
      putU16(bytes, at, 2 + response.values.length);
      putU16(bytes, at + 2, response.values.length / 2);
      bytes.set(response.values, at + 4);
      return;
    case 'readDeviceIdentification':
      putDeviceIdentification(bytes, at, response);
      return;
    default:
      putEcho(bytes, at, response);
  }
}

function putRecords(bytes: Uint8Array, at: number, records: readonly Uint8Array[]): void {
  bytes[at] = recordsLength(records);
  let next = at + 1;
  for (const record of records) {
    bytes[next] = 1 + record.length;
    bytes[next + 1] = 6;
    bytes.set(record, next + 2);
    next += 2 + record.length;
  }
}
