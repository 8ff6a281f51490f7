// bytes ─decode─► Response: one PDU, held strictly to the request it answers. Pure and total.
// 1. Only what was asked is accepted: function code, echoed fields, byte counts. A wrong device, or a late answer of
//    another length, is a fault and is passed on to nobody.
// 2. Bits past the asked quantity (FC 1, 2) are cleared: some devices answer whole octets of their outputs, and those
//    bits were neither asked for nor judged. Everything else encodes to the same octets.

import type { Result } from '../../../src/model/result.ts';
import { fail, ok } from '../../../src/model/result.ts';
import { isReservedSubFunction, maxPduLength } from './check-request.ts';
import { decodeDeviceIdentification } from './device-identification.ts';
import type { PduFault, PduFaultCode } from './fault.ts';
import { gotExpected, responseFault } from './fault.ts';
import { decodeFileRecords } from './file-record.ts';
import { packedLength, paddingBits, sameOctets, u8, u16 } from './octets.ts';
import type { Diagnostics, MaskWriteRegister, ReadFileRecord, Request, WriteFileRecord } from './request.ts';
import { functionCodeOf } from './request.ts';
import type { ReadResponse, Response, WriteMultipleResponse } from './response.ts';

type DecodedResponse = Result<Response, PduFault>;

/** Decodes the response PDU that stands at `start` (the function code) up to `end`, as the answer to `request`. */
export function decodeResponse(
  request: Request,
  bytes: Uint8Array,
  start = 0,
  end: number = bytes.length,
): DecodedResponse {
  const length = end - start;
  if (length < 1) return fault('empty', 'pdu is empty, expected a function code');
  if (length > maxPduLength) return wrongLength(length, `${maxPduLength} at the most`);
  const asked = functionCodeOf(request);
  const functionCode = u8(bytes, start);
  if (functionCode !== asked) {
    if (functionCode === (asked | 0x80)) return exception(asked, bytes, start, length);
    return fault('function-mismatch', gotExpected('function code', functionCode, `${asked} or ${asked | 0x80}`));
  }
  switch (request.kind) {
    case 'readCoils':
    case 'readDiscreteInputs':
      return readBits(request.kind, request.quantity, bytes, start, length);
    case 'readHoldingRegisters':
    case 'readInputRegisters':
      return readRegisters(request.kind, request.quantity, bytes, start, length);
    case 'readWriteMultipleRegisters':
      return readRegisters(request.kind, request.readQuantity, bytes, start, length);
    case 'writeSingleCoil':
      return twoItems(request.address, request.value ? 0xff00 : 0, bytes, start, length) ?? ok(request);
    case 'writeSingleRegister':
      return twoItems(request.address, request.value, bytes, start, length) ?? ok(request);
    case 'writeMultipleCoils':
    case 'writeMultipleRegisters':
      return twoItems(request.address, request.quantity, bytes, start, length) ?? ok(written(request));
    case 'maskWriteRegister':
      return maskWriteRegister(request, bytes, start, length);
    case 'readExceptionStatus':
      if (length !== 2) return wrongLength(length, '2');
      return ok({ kind: 'readExceptionStatus', status: u8(bytes, start + 1) });
    case 'diagnostics':
      return diagnostics(request, bytes, start, end);
    case 'getCommEventCounter':
      if (length !== 5) return wrongLength(length, '5');
      return ok({ kind: 'getCommEventCounter', status: u16(bytes, start + 1), eventCount: u16(bytes, start + 3) });
    case 'getCommEventLog':
      return commEventLog(bytes, start, end);
    case 'reportServerId':
      return counted(bytes, start, length) ?? ok({ kind: 'reportServerId', data: bytes.subarray(start + 2, end) });
    case 'readFileRecord':
      return readFileRecord(request, bytes, start, end);
    case 'writeFileRecord':
      return writeFileRecord(request, bytes, start, end);
    case 'readFifoQueue':
      return fifoQueue(bytes, start, end);
    case 'readDeviceIdentification':
      return wrongMeiType(0x0e, bytes, start, length) ?? decodeDeviceIdentification(request, bytes, start, end);
    case 'encapsulatedInterfaceTransport':
      return (
        wrongMeiType(request.meiType, bytes, start, length) ??
        ok({ kind: request.kind, meiType: request.meiType, data: bytes.subarray(start + 2, end) })
      );
    case 'unsupported':
      return ok({ kind: 'unsupported', functionCode, data: bytes.subarray(start + 1, end) });
  }
}

function fault(code: PduFaultCode, message: string): DecodedResponse {
  return fail(responseFault(code, message));
}

function wrongLength(got: number, expected: string): DecodedResponse {
  return fault('length', gotExpected('pdu length', got, expected));
}

function wrongByteCount(got: number, expected: number): DecodedResponse {
  return fault('byte-count', gotExpected('byte count', got, `${expected}`));
}

function exception(asked: number, bytes: Uint8Array, start: number, length: number): DecodedResponse {
  if (length !== 2) return wrongLength(length, '2');
  const exceptionCode = u8(bytes, start + 1);
  if (exceptionCode === 0) return fault('value', gotExpected('exception code', 0, '1 to 255'));
  return ok({ kind: 'exception', functionCode: asked, exceptionCode });
}

function sized(expected: number, bytes: Uint8Array, start: number, length: number): DecodedResponse | undefined {
  if (length !== 2 + expected) return wrongLength(length, `${2 + expected}`);
  return u8(bytes, start + 1) === expected ? undefined : wrongByteCount(u8(bytes, start + 1), expected);
}

function counted(bytes: Uint8Array, start: number, length: number): DecodedResponse | undefined {
  if (length < 2) return wrongLength(length, '2 at least');
  return u8(bytes, start + 1) === length - 2 ? undefined : wrongByteCount(u8(bytes, start + 1), length - 2);
}

function readRegisters(
  kind: ReadResponse['kind'],
  quantity: number,
  bytes: Uint8Array,
  start: number,
  length: number,
): DecodedResponse {
  const wrong = sized(quantity * 2, bytes, start, length);
  return wrong ?? ok({ kind, values: bytes.subarray(start + 2, start + length) });
}

function readBits(
  kind: ReadResponse['kind'],
  quantity: number,
  bytes: Uint8Array,
  start: number,
  length: number,
): DecodedResponse {
  const wrong = sized(packedLength(quantity), bytes, start, length);
  if (wrong !== undefined) return wrong;
  const values = bytes.subarray(start + 2, start + length);
  return ok({ kind, values: paddingBits(values, quantity) === 0 ? values : withoutPadding(values, quantity) });
}

function withoutPadding(values: Uint8Array, quantity: number): Uint8Array {
  const cleared = Uint8Array.from(values);
  const last = cleared.length - 1;
  cleared[last] = u8(cleared, last) & ((1 << (quantity & 7)) - 1);
  return cleared;
}

function written(request: WriteMultipleResponse): WriteMultipleResponse {
  return { kind: request.kind, address: request.address, quantity: request.quantity };
}

function twoItems(
  first: number,
  second: number,
  bytes: Uint8Array,
  start: number,
  length: number,
): DecodedResponse | undefined {
  if (length !== 5) return wrongLength(length, '5');
  return notEchoed(first, bytes, start + 1) ?? notEchoed(second, bytes, start + 3);
}

function notEchoed(expected: number, bytes: Uint8Array, at: number): DecodedResponse | undefined {
  const got = u16(bytes, at);
  return got === expected ? undefined : fault('echo-mismatch', gotExpected('echoed field', got, `${expected}`));
}

function maskWriteRegister(
  request: MaskWriteRegister,
  bytes: Uint8Array,
  start: number,
  length: number,
): DecodedResponse {
  if (length !== 7) return wrongLength(length, '7');
  return (
    notEchoed(request.address, bytes, start + 1) ??
    notEchoed(request.andMask, bytes, start + 3) ??
    notEchoed(request.orMask, bytes, start + 5) ??
    ok(request)
  );
}

// 6.8.1: counters and the diagnostic register are returned by 2 and 11 to 18; the other defined ones echo the data.
function diagnostics(request: Diagnostics, bytes: Uint8Array, start: number, end: number): DecodedResponse {
  const { subFunction } = request;
  const data = bytes.subarray(start + 3, end);
  if (data.length < 2 || data.length % 2 !== 0) return wrongLength(end - start, 'an odd number, 5 at least');
  const wrong = notEchoed(subFunction, bytes, start + 1);
  if (wrong !== undefined) return wrong;
  if (subFunction === 2 || (subFunction >= 11 && subFunction <= 18)) {
    if (data.length !== 2) return wrongLength(end - start, '5');
  } else if (!isReservedSubFunction(subFunction) && !sameOctets(data, request.data)) {
    return fault('echo-mismatch', 'diagnostics data differs, expected an echo of the request');
  }
  return ok({ kind: 'diagnostics', subFunction, data });
}

function commEventLog(bytes: Uint8Array, start: number, end: number): DecodedResponse {
  const length = end - start;
  if (length < 8 || length > 72) return wrongLength(length, '8 to 72');
  return (
    counted(bytes, start, length) ??
    ok({
      kind: 'getCommEventLog',
      status: u16(bytes, start + 2),
      eventCount: u16(bytes, start + 4),
      messageCount: u16(bytes, start + 6),
      events: bytes.subarray(start + 8, end),
    })
  );
}

// 6.14: one sub-response for each sub-request, with its own length and the reference type.
function readFileRecord(request: ReadFileRecord, bytes: Uint8Array, start: number, end: number): DecodedResponse {
  const expected = request.references.reduce((sum, reference) => sum + 2 + reference.recordLength * 2, 0);
  const wrong = sized(expected, bytes, start, end - start);
  if (wrong !== undefined) return wrong;
  const records: Uint8Array[] = [];
  let at = start + 2;
  for (const { recordLength } of request.references) {
    const next = at + 2 + recordLength * 2;
    if (u8(bytes, at) !== 1 + recordLength * 2)
      return fault('byte-count', gotExpected('file response length', u8(bytes, at), `${1 + recordLength * 2}`));
    if (u8(bytes, at + 1) !== 6) return fault('file-reference', gotExpected('reference type', u8(bytes, at + 1), '6'));
    records.push(bytes.subarray(at + 2, next));
    at = next;
  }
  return ok({ kind: 'readFileRecord', records });
}

function writeFileRecord(request: WriteFileRecord, bytes: Uint8Array, start: number, end: number): DecodedResponse {
  const wrong = counted(bytes, start, end - start);
  if (wrong !== undefined) return wrong;
  const echoed = decodeFileRecords(bytes, start + 2, end);
  if (!echoed.ok) return fault(echoed.fault.code, echoed.fault.message);
  const same =
    echoed.value.length === request.records.length &&
    echoed.value.every((record, index) => {
      const sent = request.records[index];
      return (
        record.fileNumber === sent?.fileNumber &&
        record.recordNumber === sent.recordNumber &&
        sameOctets(record.values, sent.values)
      );
    });
  return same ? ok(request) : fault('echo-mismatch', 'file records differ, expected an echo of the request');
}

// 6.18: the byte count has two octets and counts the FIFO count too, which is 31 at the most.
function fifoQueue(bytes: Uint8Array, start: number, end: number): DecodedResponse {
  const length = end - start;
  if (length < 5) return wrongLength(length, '5 at least');
  const fifoCount = u16(bytes, start + 3);
  if (fifoCount > 31) return fault('quantity', gotExpected('fifo count', fifoCount, '0 to 31'));
  if (length !== 5 + fifoCount * 2) return wrongLength(length, `${5 + fifoCount * 2}`);
  const byteCount = u16(bytes, start + 1);
  if (byteCount !== 2 + fifoCount * 2) return wrongByteCount(byteCount, 2 + fifoCount * 2);
  return ok({ kind: 'readFifoQueue', values: bytes.subarray(start + 5, end) });
}

function wrongMeiType(
  expected: number,
  bytes: Uint8Array,
  start: number,
  length: number,
): ReturnType<typeof fail<PduFault>> | undefined {
  if (length < 2) return fail(responseFault('length', gotExpected('pdu length', length, '2 at least')));
  const meiType = u8(bytes, start + 1);
  if (meiType === expected) return undefined;
  return fail(responseFault('echo-mismatch', gotExpected('mei type', meiType, `${expected}`)));
}
