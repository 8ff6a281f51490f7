// ReadProperty by position (15.5): nearly every frame is one, in nearly always the same form. Beside "bytes ─decode─►" and
// "bytes ◄─relay──". 1. What is read here the described codecs read too, to the same value; anything else, faults among it, is left
// to them (`undefined`). 2. What is written here is what they write.

import { type AnyValue, shortValueIn } from './any-value.ts';
import { type ConfirmedRequestApdu, MAX_APDU_LENGTHS, MAX_SEGMENTS } from './apdu.ts';
import type { ComplexAck, ConfirmedRequest } from './confirmed-service.ts';
import type { ObjectPropertyReference } from './constructed.ts';
import { copyOctets, octetAt, wordAt } from './octet.ts';
import { MAX_INSTANCE, type ObjectIdentifier, unsignedLength } from './primitive-content.ts';

export const READ_PROPERTY = 12;

type ReadProperty = Extract<ConfirmedRequest, { service: 'read-property' }>;
type ReadPropertyAck = Extract<ComplexAck, { service: 'read-property' }>;

/** One that goes on to a station of six octets of MAC. */
interface ReadPropertyFrame {
  readonly network: number;
  /** The octets of the MAC as one number. */
  readonly mac: number;
  readonly hopCount: number;
  readonly apdu: ConfirmedRequestApdu;
  readonly request: ReadProperty;
}

interface ReadPropertyAckFrame {
  readonly invokeId: number;
  readonly ack: ReadPropertyAck;
}

const VERSION = 1;
const MAC_LENGTH = 6;
const MAC_AT = 5;
const HOP_COUNT_AT = MAC_AT + MAC_LENGTH;
const REQUEST_AT = HOP_COUNT_AT + 1;
const ACK_AT = 2;
const REQUEST_HEADER = 4;
const ACK_HEADER = 3;
const OBJECT_TAG = 0x0c;
const PROPERTY_TAG = 0x18;
const INDEX_TAG = 0x28;
const OPENING = 0x3e;
const CLOSING = 0x3f;
const OBJECT_LENGTH = 5;

/** An NPDU with a destination, without a source, that expects a reply and carries a whole ReadProperty. */
export function decodeReadPropertyFrame(npdu: Uint8Array): ReadPropertyFrame | undefined {
  if (npdu[0] !== VERSION || (octetAt(npdu, 1) & 0xfc) !== 0x24 || npdu[4] !== MAC_LENGTH) return undefined;
  const flags = octetAt(npdu, REQUEST_AT);
  const maxima = octetAt(npdu, REQUEST_AT + 1);
  const maxApduLength = MAX_APDU_LENGTHS[maxima & 0x0f];
  const maxSegments = MAX_SEGMENTS[maxima >> 4];
  if ((flags & 0xfd) !== 0 || maxApduLength === undefined || maxSegments === undefined) return undefined;
  if (npdu[REQUEST_AT + 3] !== READ_PROPERTY) return undefined;
  const network = wordAt(npdu, 2);
  const parameters = referenceAt(npdu, REQUEST_AT + REQUEST_HEADER);
  if (network === 0 || network === 0xffff || parameters === undefined) return undefined;
  let mac = 0;
  for (let at = MAC_AT; at < HOP_COUNT_AT; at += 1) mac = mac * 256 + octetAt(npdu, at);
  return {
    network,
    mac,
    hopCount: octetAt(npdu, HOP_COUNT_AT),
    apdu: {
      type: 'confirmed-request',
      invokeId: octetAt(npdu, REQUEST_AT + 2),
      serviceChoice: READ_PROPERTY,
      segmentedResponseAccepted: flags !== 0,
      maxSegments,
      maxApduLength,
      service: npdu.subarray(REQUEST_AT + REQUEST_HEADER),
    },
    request: { service: 'read-property', parameters },
  };
}

/** An NPDU without destination and source that carries a whole ReadProperty-ACK of one short value. */
export function decodeReadPropertyAckFrame(npdu: Uint8Array): ReadPropertyAckFrame | undefined {
  if (npdu[0] !== VERSION || (octetAt(npdu, 1) & 0xf8) !== 0) return undefined;
  if (npdu[ACK_AT] !== 0x30 || npdu[ACK_AT + 2] !== READ_PROPERTY) return undefined;
  const start = ACK_AT + ACK_HEADER;
  const propertyEnd = endOfProperty(npdu, start);
  if (propertyEnd === 0) return undefined;
  const indexEnd = endOfNumber(npdu, propertyEnd, INDEX_TAG);
  const opening = indexEnd === 0 ? propertyEnd : indexEnd;
  const closing = npdu.length - 1;
  if (npdu[opening] !== OPENING || npdu[closing] !== CLOSING) return undefined;
  const propertyValue = shortValueIn(npdu, opening + 1, closing);
  if (propertyValue === undefined) return undefined;
  const objectIdentifier = objectAt(npdu, start);
  const propertyIdentifier = numberIn(npdu, start + OBJECT_LENGTH + 1, propertyEnd);
  const parameters =
    indexEnd === 0
      ? { objectIdentifier, propertyIdentifier, propertyValue }
      : {
          objectIdentifier,
          propertyIdentifier,
          propertyArrayIndex: numberIn(npdu, propertyEnd + 1, indexEnd),
          propertyValue,
        };
  return { invokeId: octetAt(npdu, ACK_AT + 1), ack: { service: 'read-property', parameters } };
}

/** From `start` to the end of the octets. */
function referenceAt(octets: Uint8Array, start: number): ObjectPropertyReference | undefined {
  const propertyEnd = endOfProperty(octets, start);
  if (propertyEnd === 0) return undefined;
  const objectIdentifier = objectAt(octets, start);
  const propertyIdentifier = numberIn(octets, start + OBJECT_LENGTH + 1, propertyEnd);
  if (propertyEnd === octets.length) return { objectIdentifier, propertyIdentifier };
  const indexEnd = endOfNumber(octets, propertyEnd, INDEX_TAG);
  if (indexEnd !== octets.length) return undefined;
  return {
    objectIdentifier,
    propertyIdentifier,
    propertyArrayIndex: numberIn(octets, propertyEnd + 1, indexEnd),
  };
}

/** Behind the object and the property that begin at `at`; 0 where they do not. */
function endOfProperty(octets: Uint8Array, at: number): number {
  return octetAt(octets, at) === OBJECT_TAG ? endOfNumber(octets, at + OBJECT_LENGTH, PROPERTY_TAG) : 0;
}

function objectAt(octets: Uint8Array, at: number): ObjectIdentifier {
  const number = numberIn(octets, at + 1, at + OBJECT_LENGTH);
  return { type: number >>> 22, instance: number & MAX_INSTANCE };
}

/** Behind a number under this tag, in its shortest form (20.2.4); 0: `at` is not the place of one. */
function endOfNumber(octets: Uint8Array, at: number, tag: number): number {
  const length = octetAt(octets, at) - tag;
  if (length < 1 || length > 4 || (length > 1 && octetAt(octets, at + 1) === 0)) return 0;
  const end = at + 1 + length;
  return end <= octets.length ? end : 0;
}

function numberIn(octets: Uint8Array, from: number, to: number): number {
  let number = 0;
  for (let at = from; at < to; at += 1) number = number * 256 + octetAt(octets, at);
  return number;
}

/** As one APDU; `undefined` for numbers that no frame can carry. */
export function encodeReadProperty(
  { invokeId, segmentedResponseAccepted, maxSegments, maxApduLength }: Omit<ConfirmedRequestApdu, 'service'>,
  { parameters }: ReadProperty,
): Uint8Array | undefined {
  if (!fits(invokeId, parameters)) return undefined;
  const octets = new Uint8Array(REQUEST_HEADER + referenceLength(parameters));
  octets[0] = segmentedResponseAccepted ? 2 : 0;
  octets[1] = (MAX_SEGMENTS.indexOf(maxSegments) << 4) | MAX_APDU_LENGTHS.indexOf(maxApduLength);
  octets[2] = invokeId;
  octets[3] = READ_PROPERTY;
  writeReference(octets, REQUEST_HEADER, parameters);
  return octets;
}

/** As one APDU, however long; `undefined` for numbers that no frame can carry. */
export function encodeReadPropertyAck(invokeId: number, { parameters }: ReadPropertyAck): Uint8Array | undefined {
  if (!fits(invokeId, parameters)) return undefined;
  const { octets: value }: AnyValue = parameters.propertyValue;
  const opening = ACK_HEADER + referenceLength(parameters);
  const octets = new Uint8Array(opening + value.length + 2);
  octets[0] = 0x30;
  octets[1] = invokeId;
  octets[2] = READ_PROPERTY;
  writeReference(octets, ACK_HEADER, parameters);
  octets[opening] = OPENING;
  copyOctets(value, octets, opening + 1);
  octets[octets.length - 1] = CLOSING;
  return octets;
}

function fits(invokeId: number, { objectIdentifier, propertyIdentifier, propertyArrayIndex }: ObjectPropertyReference) {
  const { type, instance } = objectIdentifier;
  return (
    (invokeId & 0xff) === invokeId &&
    (type & 0x3ff) === type &&
    (instance & MAX_INSTANCE) === instance &&
    propertyIdentifier >>> 0 === propertyIdentifier &&
    (propertyArrayIndex === undefined || propertyArrayIndex >>> 0 === propertyArrayIndex)
  );
}

function referenceLength({ propertyIdentifier, propertyArrayIndex }: ObjectPropertyReference): number {
  const index = propertyArrayIndex === undefined ? 0 : 1 + unsignedLength(propertyArrayIndex);
  return OBJECT_LENGTH + 1 + unsignedLength(propertyIdentifier) + index;
}

function writeReference(octets: Uint8Array, start: number, reference: ObjectPropertyReference): void {
  const { objectIdentifier, propertyIdentifier, propertyArrayIndex } = reference;
  octets[start] = OBJECT_TAG;
  writeNumber(octets, start + 1, 4, objectIdentifier.type * (MAX_INSTANCE + 1) + objectIdentifier.instance);
  const at = start + OBJECT_LENGTH;
  const length = unsignedLength(propertyIdentifier);
  octets[at] = PROPERTY_TAG | length;
  writeNumber(octets, at + 1, length, propertyIdentifier);
  if (propertyArrayIndex === undefined) return;
  const indexAt = at + 1 + length;
  const indexLength = unsignedLength(propertyArrayIndex);
  octets[indexAt] = INDEX_TAG | indexLength;
  writeNumber(octets, indexAt + 1, indexLength, propertyArrayIndex);
}

function writeNumber(octets: Uint8Array, at: number, length: number, number: number): void {
  for (let index = 0; index < length; index += 1) octets[at + index] = (number >>> (8 * (length - 1 - index))) & 0xff;
}
