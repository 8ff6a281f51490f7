// bytes ─decode─► Request: one PDU, strictly. Pure and total.
// 1. Every octet is accounted for; whatever would not encode to the same octets is a fault.
// 2. `values` and `data` are views of the given bytes, not copies.

import type { Result } from '../../../src/model/result.ts';
import { fail, ok } from '../../../src/model/result.ts';
import { checkRequest, maxPduLength } from './check-request.ts';
import type { PduFault } from './fault.ts';
import { gotExpected, requestFault } from './fault.ts';
import { decodeFileRecords, decodeFileReferences } from './file-record.ts';
import { u8, u16 } from './octets.ts';
import type { BareRequest, ReadRequest, Request } from './request.ts';

type DecodedRequest = Result<Request, PduFault>;

/** Decodes the request PDU that stands at `start` (the function code) up to `end`. */
export function decodeRequest(bytes: Uint8Array, start = 0, end: number = bytes.length): DecodedRequest {
  const length = end - start;
  if (length < 1) return fail(requestFault('empty', 'pdu is empty, expected a function code', 'none'));
  if (length > maxPduLength) return wrongLength(length, `${maxPduLength} at the most`);
  const functionCode = u8(bytes, start);
  switch (functionCode) {
    case 1:
      return read('readCoils', bytes, start, length);
    case 2:
      return read('readDiscreteInputs', bytes, start, length);
    case 3:
      return read('readHoldingRegisters', bytes, start, length);
    case 4:
      return read('readInputRegisters', bytes, start, length);
    case 5:
      return writeSingleCoil(bytes, start, length);
    case 6:
      if (length !== 5) return wrongLength(length, '5');
      return ok({ kind: 'writeSingleRegister', address: u16(bytes, start + 1), value: u16(bytes, start + 3) });
    case 7:
      return bare('readExceptionStatus', length);
    case 8:
      if (length < 3) return wrongLength(length, '5 at least');
      return checked({
        kind: 'diagnostics',
        subFunction: u16(bytes, start + 1),
        data: bytes.subarray(start + 3, end),
      });
    case 11:
      return bare('getCommEventCounter', length);
    case 12:
      return bare('getCommEventLog', length);
    case 15:
    case 16:
      return writeMultiple(functionCode, bytes, start, length);
    case 17:
      return bare('reportServerId', length);
    case 20:
      return readFileRecord(bytes, start, length);
    case 21:
      return writeFileRecord(bytes, start, length);
    case 22:
      if (length !== 7) return wrongLength(length, '7');
      return ok({
        kind: 'maskWriteRegister',
        address: u16(bytes, start + 1),
        andMask: u16(bytes, start + 3),
        orMask: u16(bytes, start + 5),
      });
    case 23:
      return readWriteMultipleRegisters(bytes, start, length);
    case 24:
      if (length !== 3) return wrongLength(length, '3');
      return ok({ kind: 'readFifoQueue', address: u16(bytes, start + 1) });
    case 43:
      return encapsulated(bytes, start, length);
    default:
      return ok({ kind: 'unsupported', functionCode, data: bytes.subarray(start + 1, end) });
  }
}

function checked(request: Request): DecodedRequest {
  const fault = checkRequest(request);
  return fault === undefined ? ok(request) : fail(fault);
}

function wrongLength(got: number, expected: string): DecodedRequest {
  return fail(requestFault('length', gotExpected('pdu length', got, expected)));
}

function wrongByteCount(got: number, carried: number): DecodedRequest {
  return fail(requestFault('byte-count', gotExpected('byte count', got, `${carried}, which follow it`)));
}

function read(kind: ReadRequest['kind'], bytes: Uint8Array, start: number, length: number): DecodedRequest {
  if (length !== 5) return wrongLength(length, '5');
  return checked({ kind, address: u16(bytes, start + 1), quantity: u16(bytes, start + 3) });
}

function bare(kind: BareRequest['kind'], length: number): DecodedRequest {
  return length === 1 ? ok({ kind }) : wrongLength(length, '1');
}

// 6.5: values other than 0x0000 and 0xFF00 are illegal and must not affect the output.
function writeSingleCoil(bytes: Uint8Array, start: number, length: number): DecodedRequest {
  if (length !== 5) return wrongLength(length, '5');
  const value = u16(bytes, start + 3);
  if (value !== 0 && value !== 0xff00)
    return fail(requestFault('value', gotExpected('output value', value, '0 or 65280')));
  return ok({ kind: 'writeSingleCoil', address: u16(bytes, start + 1), value: value === 0xff00 });
}

function writeMultiple(functionCode: 15 | 16, bytes: Uint8Array, start: number, length: number): DecodedRequest {
  if (length < 6) return wrongLength(length, '7 at least');
  const byteCount = u8(bytes, start + 5);
  if (byteCount !== length - 6) return wrongByteCount(byteCount, length - 6);
  return checked({
    kind: functionCode === 15 ? 'writeMultipleCoils' : 'writeMultipleRegisters',
    address: u16(bytes, start + 1),
    quantity: u16(bytes, start + 3),
    values: bytes.subarray(start + 6, start + length),
  });
}

function readFileRecord(bytes: Uint8Array, start: number, length: number): DecodedRequest {
  const counted = dataLength(bytes, start, length);
  if (counted !== undefined) return counted;
  const references = decodeFileReferences(bytes, start + 2, start + length);
  return references.ok ? checked({ kind: 'readFileRecord', references: references.value }) : references;
}

function writeFileRecord(bytes: Uint8Array, start: number, length: number): DecodedRequest {
  const counted = dataLength(bytes, start, length);
  if (counted !== undefined) return counted;
  const records = decodeFileRecords(bytes, start + 2, start + length);
  return records.ok ? checked({ kind: 'writeFileRecord', records: records.value }) : records;
}

function dataLength(bytes: Uint8Array, start: number, length: number): DecodedRequest | undefined {
  if (length < 2) return wrongLength(length, '9 at least');
  const byteCount = u8(bytes, start + 1);
  return byteCount === length - 2 ? undefined : wrongByteCount(byteCount, length - 2);
}

function readWriteMultipleRegisters(bytes: Uint8Array, start: number, length: number): DecodedRequest {
  if (length < 10) return wrongLength(length, '12 at least');
  const byteCount = u8(bytes, start + 9);
  if (byteCount !== length - 10) return wrongByteCount(byteCount, length - 10);
  return checked({
    kind: 'readWriteMultipleRegisters',
    readAddress: u16(bytes, start + 1),
    readQuantity: u16(bytes, start + 3),
    writeAddress: u16(bytes, start + 5),
    writeQuantity: u16(bytes, start + 7),
    values: bytes.subarray(start + 10, start + length),
  });
}

function encapsulated(bytes: Uint8Array, start: number, length: number): DecodedRequest {
  if (length < 2) return wrongLength(length, '2 at least');
  const meiType = u8(bytes, start + 1);
  if (meiType !== 0x0e)
    return ok({ kind: 'encapsulatedInterfaceTransport', meiType, data: bytes.subarray(start + 2, start + length) });
  if (length !== 4) return wrongLength(length, '4');
  return checked({
    kind: 'readDeviceIdentification',
    readDeviceIdCode: u8(bytes, start + 2),
    objectId: u8(bytes, start + 3),
  });
}
