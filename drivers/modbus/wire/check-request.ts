// The limits of V1.1b3, clause 6, in one place: what was decoded is held to them, and so is what is to be encoded.
// 1. A request that passes can be encoded, and decoding those octets gives the same request.

import type { PduFault } from './fault.ts';
import { gotExpected, requestFault } from './fault.ts';
import { checkFileRecords, checkFileReferences } from './file-record.ts';
import { isU8, isU16, packedLength, paddingBits, u16 } from './octets.ts';
import type { Diagnostics, Request } from './request.ts';
import { isDecodedFunctionCode } from './request.ts';

/** V1.1b3, 4.1: a PDU is 253 octets at most, function code included. */
export const maxPduLength = 253;

/** The first thing that is wrong with a request, or `undefined`. */
export function checkRequest(request: Request): PduFault | undefined {
  switch (request.kind) {
    case 'readCoils':
    case 'readDiscreteInputs':
      return checkSpan(request.address, request.quantity, 2000);
    case 'readHoldingRegisters':
    case 'readInputRegisters':
      return checkSpan(request.address, request.quantity, 125);
    case 'writeSingleCoil':
    case 'readFifoQueue':
      return checkItem('address', request.address);
    case 'writeSingleRegister':
      return checkItem('address', request.address) ?? checkItem('value', request.value);
    case 'diagnostics':
      return checkItem('sub-function', request.subFunction) ?? checkDiagnosticsData(request);
    case 'writeMultipleCoils':
      return (
        checkSpan(request.address, request.quantity, 1968) ??
        checkByteCount(request.values.length, packedLength(request.quantity)) ??
        checkPadding(request.values, request.quantity)
      );
    case 'writeMultipleRegisters':
      return (
        checkSpan(request.address, request.quantity, 123) ?? checkByteCount(request.values.length, request.quantity * 2)
      );
    case 'readFileRecord':
      return checkFileReferences(request.references);
    case 'writeFileRecord':
      return checkFileRecords(request.records);
    case 'maskWriteRegister':
      return (
        checkItem('address', request.address) ??
        checkItem('and-mask', request.andMask) ??
        checkItem('or-mask', request.orMask)
      );
    case 'readWriteMultipleRegisters':
      return (
        checkSpan(request.readAddress, request.readQuantity, 125) ??
        checkSpan(request.writeAddress, request.writeQuantity, 121) ??
        checkByteCount(request.values.length, request.writeQuantity * 2)
      );
    case 'readDeviceIdentification':
      return checkReadDeviceIdCode(request.readDeviceIdCode) ?? checkOctet('object id', request.objectId);
    case 'encapsulatedInterfaceTransport':
      return checkMeiType(request.meiType) ?? checkOpaque(request.data, maxPduLength - 2);
    case 'unsupported':
      return checkUnsupported(request.functionCode) ?? checkOpaque(request.data, maxPduLength - 1);
    case 'readExceptionStatus':
    case 'getCommEventCounter':
    case 'getCommEventLog':
    case 'reportServerId':
      return undefined;
  }
}

function checkSpan(address: number, quantity: number, most: number): PduFault | undefined {
  if (!isU16(address)) return checkItem('address', address);
  if (!(isU16(quantity) && quantity >= 1 && quantity <= most))
    return requestFault('quantity', gotExpected('quantity', quantity, `1 to ${most}`));
  if (address + quantity > 0x10000)
    return requestFault('address-wrap', gotExpected('the last address', address + quantity - 1, '65535 at the most'));
  return undefined;
}

function checkItem(what: string, value: number): PduFault | undefined {
  return isU16(value) ? undefined : requestFault('value', gotExpected(what, value, '0 to 65535'));
}

function checkOctet(what: string, value: number): PduFault | undefined {
  return isU8(value) ? undefined : requestFault('value', gotExpected(what, value, '0 to 255'));
}

function checkByteCount(got: number, expected: number): PduFault | undefined {
  return got === expected ? undefined : requestFault('byte-count', gotExpected('byte count', got, `${expected}`));
}

// 6.11 asks that unused bits be zero-filled. A bit set there lies outside of what the quantity lets anyone judge.
function checkPadding(values: Uint8Array, quantity: number): PduFault | undefined {
  return paddingBits(values, quantity) === 0
    ? undefined
    : requestFault('padding', `a bit past coil \`${quantity}\` is set, expected zero fill`);
}

function checkOpaque(data: Uint8Array, most: number): PduFault | undefined {
  return data.length <= most
    ? undefined
    : requestFault('length', gotExpected('data length', data.length, `${most} at the most`));
}

function checkMeiType(meiType: number): PduFault | undefined {
  if (meiType === 0x0e)
    return requestFault('value', gotExpected('mei type', meiType, 'any but 14, which is readDeviceIdentification'));
  return checkOctet('mei type', meiType);
}

// Opaque data under a known function code would be judged as one thing and read by the device as another.
function checkUnsupported(functionCode: number): PduFault | undefined {
  if (isDecodedFunctionCode(functionCode))
    return requestFault('value', gotExpected('function code', functionCode, 'one without a form of its own'));
  return checkOctet('function code', functionCode);
}

/** 6.21: codes 1 to 4; an illegal one is answered 03. */
function checkReadDeviceIdCode(code: number): PduFault | undefined {
  return code === 1 || code === 2 || code === 3 || code === 4
    ? undefined
    : requestFault('value', gotExpected('read device id code', code, '1 to 4'));
}

// 6.8.1 gives the data field of each sub-function; reserved ones are free within the PDU.
function checkDiagnosticsData({ subFunction, data }: Diagnostics): PduFault | undefined {
  const { length } = data;
  if (length < 2 || length > maxPduLength - 3 || length % 2 !== 0)
    return requestFault('length', gotExpected('diagnostics data length', length, 'an even number from 2 to 250'));
  if (isReservedSubFunction(subFunction)) return undefined;
  // 6.8.1 lets the echo of sub-function 0 be longer. A device on a serial line that frames by length would take the rest
  // of a long one for frames of their own, and carry out a write that nobody judged: one register, no more.
  if (length !== 2) return requestFault('length', gotExpected('diagnostics data length', length, '2'));
  if (subFunction === 0) return undefined;
  const word = u16(data, 0);
  if (subFunction === 1 && word === 0xff00) return undefined;
  if (subFunction === 3 && (word & 0xff) === 0) return undefined;
  return word === 0 ? undefined : requestFault('value', gotExpected('diagnostics data', word, dataOf(subFunction)));
}

function dataOf(subFunction: number): string {
  if (subFunction === 1) return '0 or 65280';
  return subFunction === 3 ? 'a character, then 0' : '0';
}

/** Annex A and 6.8.1: sub-functions 5 to 9, 19 and from 21 are reserved. */
export function isReservedSubFunction(subFunction: number): boolean {
  return (subFunction >= 5 && subFunction <= 9) || subFunction === 19 || subFunction > 20;
}
