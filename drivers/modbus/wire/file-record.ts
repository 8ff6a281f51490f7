// File records (V1.1b3, 6.14 and 6.15): groups of registers in files of 10 000 records, reference type always 6.
// 1. The sub-requests account for every octet of the data length. 2. A group ends at record 9999 at the latest.

import type { Result } from '../../../src/model/result.ts';
import { fail, ok } from '../../../src/model/result.ts';
import type { PduFault } from './fault.ts';
import { exceptionCodes, gotExpected, requestFault } from './fault.ts';
import { isU16, putU16, u8, u16 } from './octets.ts';
import type { FileRecord, FileReference } from './request.ts';

const referenceType = 6;
const headLength = 7;
/** 253 less function code and data length. */
const maxDataLength = 251;

/** Decodes the sub-requests of FC 20 between two octets of a PDU. */
export function decodeFileReferences(bytes: Uint8Array, from: number, to: number): Result<FileReference[], PduFault> {
  const references: FileReference[] = [];
  for (let at = from; at < to; at += headLength) {
    const fault = checkHead(bytes, at, to);
    if (fault !== undefined) return fail(fault);
    references.push({
      fileNumber: u16(bytes, at + 1),
      recordNumber: u16(bytes, at + 3),
      recordLength: u16(bytes, at + 5),
    });
  }
  return ok(references);
}

/** Decodes the sub-requests of FC 21, the data with each, between two octets of a PDU. */
export function decodeFileRecords(bytes: Uint8Array, from: number, to: number): Result<FileRecord[], PduFault> {
  const records: FileRecord[] = [];
  let at = from;
  while (at < to) {
    const fault = checkHead(bytes, at, to);
    if (fault !== undefined) return fail(fault);
    const next = at + headLength + u16(bytes, at + 5) * 2;
    if (next > to)
      return fail(
        requestFault('length', gotExpected('record data', to - at - headLength, `${next - at - headLength} octets`)),
      );
    records.push({
      fileNumber: u16(bytes, at + 1),
      recordNumber: u16(bytes, at + 3),
      values: bytes.subarray(at + headLength, next),
    });
    at = next;
  }
  return ok(records);
}

function checkHead(bytes: Uint8Array, at: number, to: number): PduFault | undefined {
  if (at + headLength > to)
    return requestFault('length', gotExpected('sub-request length', to - at, '7 octets at least'));
  if (u8(bytes, at) === referenceType) return undefined;
  return requestFault(
    'file-reference',
    gotExpected('reference type', u8(bytes, at), '6'),
    exceptionCodes.illegalDataAddress,
  );
}

/** FC 20: 1 to 35 groups, and the answer must fit one PDU (6.14). */
export function checkFileReferences(references: readonly FileReference[]): PduFault | undefined {
  if (references.length < 1 || references.length > 35)
    return requestFault('byte-count', gotExpected('sub-requests', references.length, '1 to 35'));
  let answerLength = 0;
  for (const reference of references) {
    const fault = checkGroup(reference.fileNumber, reference.recordNumber, reference.recordLength);
    if (fault !== undefined) return fault;
    answerLength += 2 + reference.recordLength * 2;
  }
  return answerLength <= maxDataLength
    ? undefined
    : requestFault('length', gotExpected('answer length', answerLength, `${maxDataLength} at the most`));
}

/** FC 21: at least one group, all in one PDU (6.15). */
export function checkFileRecords(records: readonly FileRecord[]): PduFault | undefined {
  if (records.length === 0) return requestFault('byte-count', gotExpected('sub-requests', 0, '1 at least'));
  for (const { fileNumber, recordNumber, values } of records) {
    if (values.length % 2 !== 0)
      return requestFault('length', gotExpected('record data', values.length, 'an even number of octets'));
    const fault = checkGroup(fileNumber, recordNumber, values.length / 2);
    if (fault !== undefined) return fault;
  }
  const length = fileRecordsLength(records);
  return length <= maxDataLength
    ? undefined
    : requestFault('length', gotExpected('data length', length, `${maxDataLength} at the most`));
}

// File and record answer 02, as the state diagrams of 6.14 and 6.15 ask; a length that cannot be is 03.
function checkGroup(fileNumber: number, recordNumber: number, recordLength: number): PduFault | undefined {
  if (!(isU16(fileNumber) && fileNumber >= 1)) return unknownFile('file number', fileNumber, '1 to 65535');
  if (!(isU16(recordNumber) && recordNumber <= 9999)) return unknownFile('record number', recordNumber, '0 to 9999');
  if (!(isU16(recordLength) && recordLength >= 1))
    return requestFault('quantity', gotExpected('record length', recordLength, '1 at least'));
  if (recordNumber + recordLength > 10_000)
    return unknownFile('the last record', recordNumber + recordLength - 1, '9999 at the most');
  return undefined;
}

function unknownFile(what: string, got: number, expected: string): PduFault {
  return requestFault('file-reference', gotExpected(what, got, expected), exceptionCodes.illegalDataAddress);
}

/** The octets FC 21 carries after its data length. */
export function fileRecordsLength(records: readonly FileRecord[]): number {
  return records.reduce((length, record) => length + headLength + record.values.length, 0);
}

/** Writes the sub-requests of FC 20 from octet `at`. */
export function putFileReferences(bytes: Uint8Array, at: number, references: readonly FileReference[]): void {
  let next = at;
  for (const { fileNumber, recordNumber, recordLength } of references) {
    putHead(bytes, next, fileNumber, recordNumber, recordLength);
    next += headLength;
  }
}

/** Writes the sub-requests of FC 21 from octet `at`. */
export function putFileRecords(bytes: Uint8Array, at: number, records: readonly FileRecord[]): void {
  let next = at;
  for (const { fileNumber, recordNumber, values } of records) {
    putHead(bytes, next, fileNumber, recordNumber, values.length / 2);
    bytes.set(values, next + headLength);
    next += headLength + values.length;
  }
}

function putHead(bytes: Uint8Array, at: number, fileNumber: number, recordNumber: number, recordLength: number): void {
  bytes[at] = referenceType;
  putU16(bytes, at + 1, fileNumber);
  putU16(bytes, at + 3, recordNumber);
  putU16(bytes, at + 5, recordLength);
}
