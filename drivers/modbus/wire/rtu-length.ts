// How long an RTU answer will be, from what of it has arrived: t3.5 of silence is too short for timers to see.
// 1. A length counts the whole ADU: address, PDU and CRC. 2. Lengths are only claims until the CRC has held.

import { isReservedSubFunction } from './check-request.ts';
import { u8, u16 } from './octets.ts';
import type { Diagnostics, Request } from './request.ts';
import { functionCodeOf } from './request.ts';

/** The ADU's length; `more` octets are needed to say; or `silence` alone ends it. */
export type FrameLength = number | 'more' | 'silence';

const addressAndCrc = 3;

/** The length of the response to `request` whose first octets are `bytes`; another function code ends by silence. */
export function expectedResponseLength(request: Request, bytes: Uint8Array): FrameLength {
  if (bytes.length < 2) return 'more';
  const asked = functionCodeOf(request);
  const functionCode = u8(bytes, 1);
  if (functionCode !== asked) return functionCode === (asked | 0x80) ? addressAndCrc + 2 : 'silence';
  switch (request.kind) {
    case 'writeSingleCoil':
    case 'writeSingleRegister':
    case 'writeMultipleCoils':
    case 'writeMultipleRegisters':
    case 'getCommEventCounter':
      return addressAndCrc + 5;
    case 'readCoils':
    case 'readDiscreteInputs':
    case 'readHoldingRegisters':
    case 'readInputRegisters':
    case 'readWriteMultipleRegisters':
    case 'getCommEventLog':
    case 'reportServerId':
    case 'readFileRecord':
    case 'writeFileRecord':
      return counted(bytes, 2);
    case 'readExceptionStatus':
      return addressAndCrc + 2;
    case 'diagnostics':
      return diagnosticsLength(request);
    case 'maskWriteRegister':
      return addressAndCrc + 7;
    case 'readFifoQueue':
      return bytes.length < 4 ? 'more' : addressAndCrc + 3 + u16(bytes, 2);
    case 'readDeviceIdentification':
      return identificationLength(bytes);
    case 'encapsulatedInterfaceTransport':
    case 'unsupported':
      return 'silence';
  }
}

// 6.8.1: query data comes back as it went, every other defined answer has one item.
function diagnosticsLength({ subFunction, data }: Diagnostics): FrameLength {
  if (isReservedSubFunction(subFunction)) return 'silence';
  return addressAndCrc + 3 + (subFunction === 0 ? data.length : 2);
}

/** A byte count at octet `at`, what it counts, and the CRC. */
function counted(bytes: Uint8Array, at: number): FrameLength {
  return bytes.length <= at ? 'more' : at + 1 + u8(bytes, at) + 2;
}

// Address and seven octets of head, then per object its id, its length and its value.
function identificationLength(bytes: Uint8Array): FrameLength {
  if (bytes.length < 8) return 'more';
  let end = 8;
  for (let left = u8(bytes, 7); left > 0; left -= 1) {
    if (bytes.length < end + 2) return 'more';
    end += 2 + u8(bytes, end + 1);
  }
  return end + 2;
}
