// What a device sends back as it came, so that request and response are written alike (V1.1b3, clause 6).

import { fileRecordsLength, putFileRecords } from './file-record.ts';
import { putU16 } from './octets.ts';
import type {
  Diagnostics,
  EncapsulatedInterfaceTransport,
  MaskWriteRegister,
  Unsupported,
  WriteFileRecord,
  WriteSingleCoil,
  WriteSingleRegister,
} from './request.ts';

/** Of `unsupported` and of other MEI types the form alone is the same. */
type Echoed =
  | WriteSingleCoil
  | WriteSingleRegister
  | Diagnostics
  | WriteFileRecord
  | MaskWriteRegister
  | EncapsulatedInterfaceTransport
  | Unsupported;

/** The octets of the PDU. */
export function echoLength(pdu: Echoed): number {
  switch (pdu.kind) {
    case 'writeSingleCoil':
    case 'writeSingleRegister':
      return 5;
    case 'diagnostics':
      return 3 + pdu.data.length;
    case 'writeFileRecord':
      return 2 + fileRecordsLength(pdu.records);
    case 'maskWriteRegister':
      return 7;
    case 'encapsulatedInterfaceTransport':
      return 2 + pdu.data.length;
    case 'unsupported':
      return 1 + pdu.data.length;
  }
}

/** Writes everything behind the function code. */
export function putEcho(bytes: Uint8Array, at: number, pdu: Echoed): void {
  switch (pdu.kind) {
    case 'writeSingleCoil':
      putU16(bytes, at, pdu.address);
      putU16(bytes, at + 2, pdu.value ? 0xff00 : 0);
      return;
    case 'writeSingleRegister':
      putU16(bytes, at, pdu.address);
      putU16(bytes, at + 2, pdu.value);
      return;
    case 'diagnostics':
      putU16(bytes, at, pdu.subFunction);
      bytes.set(pdu.data, at + 2);
      return;
    case 'writeFileRecord':
      bytes[at] = fileRecordsLength(pdu.records);
      putFileRecords(bytes, at + 1, pdu.records);
      return;
    case 'maskWriteRegister':
      putU16(bytes, at, pdu.address);
      putU16(bytes, at + 2, pdu.andMask);
      putU16(bytes, at + 4, pdu.orMask);
      return;
    case 'encapsulatedInterfaceTransport':
      bytes[at] = pdu.meiType;
      bytes.set(pdu.data, at + 1);
      return;
    case 'unsupported':
      bytes.set(pdu.data, at);
      return;
  }
}
