// "bytes ◄─relay──": a whole message, header and service through one writer. Nearly every message is one APDU.

import {
  type ComplexAckApdu,
  type ConfirmedRequestApdu,
  HEADER_LENGTHS,
  type MessageHeader,
  writeHeader,
} from './apdu.ts';
import { type ComplexAck, type ConfirmedRequest, writeComplexAck, writeConfirmedRequest } from './confirmed-service.ts';
import { encodeReadProperty, encodeReadPropertyAck, READ_PROPERTY } from './read-property.ts';
import { TagWriter } from './writer.ts';

/** The octets of a request as one APDU, however long. Throws a RangeError for values no frame can carry. */
export function encodeRequest(header: Omit<ConfirmedRequestApdu, 'service'>, request: ConfirmedRequest): Uint8Array {
  if (request.service === 'read-property' && isWhole(header)) {
    const octets = encodeReadProperty(header, request);
    if (octets !== undefined) return octets;
  }
  const writer = new TagWriter();
  writeHeader(writer, header);
  writeConfirmedRequest(writer, request);
  return writer.finish();
}

/** The octets of an answer as one APDU, however long. Throws a RangeError for values no frame can carry. */
export function encodeAck(header: Omit<ComplexAckApdu, 'service'>, ack: ComplexAck): Uint8Array {
  if (ack.service === 'read-property' && isWhole(header)) {
    const octets = encodeReadPropertyAck(header.invokeId, ack);
    if (octets !== undefined) return octets;
  }
  const writer = new TagWriter();
  writeHeader(writer, header);
  writeComplexAck(writer, ack);
  return writer.finish();
}

/** The service in the octets of a whole message, to be cut. */
export function serviceIn({ type }: MessageHeader, octets: Uint8Array): Uint8Array {
  return octets.subarray(HEADER_LENGTHS[type].whole);
}

function isWhole({ segment, serviceChoice }: MessageHeader): boolean {
  return segment === undefined && serviceChoice === READ_PROPERTY;
}
