// Application layer headers (clause 20.1): the third step of "bytes ─decode─►" and "bytes ◄─relay──".
// 1. Reserved bits, MOR without SEG, reserved max-APDU codes and windows outside 1 to 127 are faults.
// 2. The service's own octets are not read here: of a segment they are only a part.

import { fail, ok, type Result } from '../../../src/model/result.ts';
import { type AnswerHint, DROP, type WireFault, type WireFaultCode } from './fault.ts';
import { octetAt } from './octet.ts';
import { TagWriter } from './writer.ts';

/** How many segments of an answer are accepted (20.1.2.4). */
export type MaxSegments = 'unspecified' | 2 | 4 | 8 | 16 | 32 | 64 | 'more-than-64';

/** The longest APDU accepted, in octets (20.1.2.5). */
type MaxApduLength = 50 | 128 | 206 | 480 | 1024 | 1476;

export const MAX_SEGMENTS: readonly MaxSegments[] = ['unspecified', 2, 4, 8, 16, 32, 64, 'more-than-64'];
export const MAX_APDU_LENGTHS: readonly MaxApduLength[] = [50, 128, 206, 480, 1024, 1476];

/** Where a part of a message stands (20.1.2.7, 20.1.2.8). Sequence numbers count modulo 256. */
export interface Segment {
  readonly moreFollows: boolean;
  readonly sequenceNumber: number;
  readonly proposedWindowSize: number;
}

export interface ConfirmedRequestApdu {
  readonly type: 'confirmed-request';
  readonly invokeId: number;
  readonly serviceChoice: number;
  readonly segmentedResponseAccepted: boolean;
  readonly maxSegments: MaxSegments;
  readonly maxApduLength: MaxApduLength;
  readonly segment?: Segment;
  readonly service: Uint8Array;
}

export interface ComplexAckApdu {
  readonly type: 'complex-ack';
  readonly invokeId: number;
  readonly serviceChoice: number;
  readonly segment?: Segment;
  readonly service: Uint8Array;
}

/** `server`: sent by the one who answers. `negative`: a segment was out of order. */
export interface SegmentAckApdu {
  readonly type: 'segment-ack';
  readonly negative: boolean;
  readonly server: boolean;
  readonly invokeId: number;
  readonly sequenceNumber: number;
  readonly actualWindowSize: number;
}

/** `service` is what follows the header, unread; a view of the frame. Reasons are numbers: vendors have their own. */
export type Apdu =
  | ConfirmedRequestApdu
  | ComplexAckApdu
  | SegmentAckApdu
  | { readonly type: 'unconfirmed-request'; readonly serviceChoice: number; readonly service: Uint8Array }
  | { readonly type: 'simple-ack'; readonly invokeId: number; readonly serviceChoice: number }
  | { readonly type: 'error'; readonly invokeId: number; readonly serviceChoice: number; readonly service: Uint8Array }
  | { readonly type: 'reject'; readonly invokeId: number; readonly reason: number }
  | { readonly type: 'abort'; readonly server: boolean; readonly invokeId: number; readonly reason: number };

/** Octets of header before the service: whole, and as a segment (20.1.2, 20.1.5). */
export const HEADER_LENGTHS = {
  'confirmed-request': { whole: 4, segment: 6 },
  'complex-ack': { whole: 3, segment: 5 },
} as const;

const SEGMENTED = 0x08;
const MORE = 0x04;
const ACCEPTED = 0x02;
const WINDOW: AnswerHint = { kind: 'abort', reason: 'window-size-out-of-range' };
const MALFORMED: AnswerHint = { kind: 'abort', reason: 'other' };

type Faulty = { readonly ok: false; readonly fault: WireFault };

function fault(code: WireFaultCode, message: string, offset: number): Faulty {
  return fail({ code, message, offset, answer: DROP });
}

/** Confirmed requests with a readable invoke id are answered Abort; every other fault is to be dropped. */
export function decodeApdu(octets: Uint8Array): Result<Apdu, WireFault> {
  const first = octets[0];
  if (first === undefined) return fault('apci-malformed', 'got no octets, expected an APDU', 0);
  const low = first & 0x0f;
  switch (first >> 4) {
    case 0:
      return confirmedRequest(octets, low);
    // 20.1.3
    case 1: {
      const serviceChoice = octets[1];
      if (low !== 0) return reserved(first);
      if (serviceChoice === undefined) return fault('apci-malformed', 'got the end, expected a service choice', 1);
      return ok({ type: 'unconfirmed-request', serviceChoice, service: octets.subarray(2) });
    }
    // 20.1.4
    case 2: {
      const [, invokeId, serviceChoice] = octets;
      if (low !== 0) return reserved(first);
      if (octets.length !== 3 || invokeId === undefined || serviceChoice === undefined) return lengthOf(octets, 3);
      return ok({ type: 'simple-ack', invokeId, serviceChoice });
    }
    case 3:
      return complexAck(octets, low);
    // 20.1.6
    case 4: {
      const [, invokeId, sequenceNumber, actualWindowSize] = octets;
      if ((low & 0x0c) !== 0) return reserved(first);
      if (
        octets.length !== 4 ||
        invokeId === undefined ||
        sequenceNumber === undefined ||
        actualWindowSize === undefined
      ) {
        return lengthOf(octets, 4);
      }
      if (!windowFits(actualWindowSize)) return fault('apci-window', `got window \`${actualWindowSize}\``, 3);
      const negative = (low & 0x02) !== 0;
      return ok({ type: 'segment-ack', negative, server: (low & 1) !== 0, invokeId, sequenceNumber, actualWindowSize });
    }
    // 20.1.7
    case 5: {
      const [, invokeId, serviceChoice] = octets;
      if (low !== 0) return reserved(first);
      if (invokeId === undefined || serviceChoice === undefined) return lengthOf(octets, 3);
      return ok({ type: 'error', invokeId, serviceChoice, service: octets.subarray(3) });
    }
    // 20.1.8
    case 6: {
      const [, invokeId, reason] = octets;
      if (low !== 0) return reserved(first);
      if (octets.length !== 3 || invokeId === undefined || reason === undefined) return lengthOf(octets, 3);
      return ok({ type: 'reject', invokeId, reason });
    }
    // 20.1.9
    case 7: {
      const [, invokeId, reason] = octets;
      if ((low & 0x0e) !== 0) return reserved(first);
      if (octets.length !== 3 || invokeId === undefined || reason === undefined) return lengthOf(octets, 3);
      return ok({ type: 'abort', server: (low & 1) !== 0, invokeId, reason });
    }
    default:
      return fault('apci-malformed', `got PDU type \`${first >> 4}\`, expected \`0\` to \`7\``, 0);
  }
}

function reserved(first: number): Faulty {
  return fault('apci-reserved', `got \`${first}\`, expected reserved bits zero`, 0);
}

function lengthOf(octets: Uint8Array, expected: number): Faulty {
  return fault('apci-malformed', `got \`${octets.length}\` octets, expected \`${expected}\``, 0);
}

function windowFits(size: number): boolean {
  return size >= 1 && size <= 127;
}

/** 20.1.2 */
function confirmedRequest(octets: Uint8Array, low: number): Result<Apdu, WireFault> {
  const [, maxima, invokeId] = octets;
  if (maxima === undefined || invokeId === undefined) return lengthOf(octets, 4);
  // 20.1.2: bit 0 of the first octet and bit 7 of the second are reserved.
  if ((low & 1) !== 0 || (maxima & 0x80) !== 0)
    return requestFault(invokeId, 'apci-reserved', 'got reserved bits, expected zero', 0);
  const maxApduLength = MAX_APDU_LENGTHS[maxima & 0x0f];
  const maxSegments = MAX_SEGMENTS[maxima >> 4];
  if (maxApduLength === undefined || maxSegments === undefined) {
    const message = `got max-APDU code \`${maxima & 0x0f}\`, expected \`0\` to \`5\``;
    return requestFault(invokeId, 'apci-reserved', message, 1);
  }
  const parts = segmentOf(octets, low, 3);
  if (!parts.ok) return requestFault(invokeId, parts.fault.code, parts.fault.message, 3, parts.fault.answer);
  const { segment, serviceChoice, service } = parts.value;
  const segmentedResponseAccepted = (low & ACCEPTED) !== 0;
  const type = 'confirmed-request';
  return ok(
    segment === undefined
      ? { type, invokeId, serviceChoice, segmentedResponseAccepted, maxSegments, maxApduLength, service }
      : { type, invokeId, serviceChoice, segmentedResponseAccepted, maxSegments, maxApduLength, segment, service },
  );
}

function requestFault(
  invokeId: number,
  code: WireFaultCode,
  message: string,
  offset: number,
  answer: AnswerHint = MALFORMED,
): Faulty {
  return fail({ code, message, offset, answer, invokeId });
}

/** 20.1.5 */
function complexAck(octets: Uint8Array, low: number): Result<Apdu, WireFault> {
  const invokeId = octets[1];
  if (invokeId === undefined) return lengthOf(octets, 3);
  if ((low & 0x03) !== 0) return reserved(octetAt(octets, 0));
  const parts = segmentOf(octets, low, 2);
  if (!parts.ok) return fault(parts.fault.code, parts.fault.message, 2);
  const { segment, serviceChoice, service } = parts.value;
  const type = 'complex-ack';
  return ok(
    segment === undefined
      ? { type, invokeId, serviceChoice, service }
      : { type, invokeId, serviceChoice, segment, service },
  );
}

interface Parts {
  readonly segment?: Segment;
  readonly serviceChoice: number;
  readonly service: Uint8Array;
}

function segmentOf(octets: Uint8Array, low: number, at: number): Result<Parts, WireFault> {
  const moreFollows = (low & MORE) !== 0;
  if ((low & SEGMENTED) === 0) {
    // 20.1.2.2: more can follow only of a segmented message.
    if (moreFollows) return segmentFault(at, 'apci-malformed', 'got more-follows without a segment');
    const serviceChoice = octets[at];
    if (serviceChoice === undefined)
      return segmentFault(at, 'apci-malformed', 'got the end, expected a service choice');
    return ok({ serviceChoice, service: octets.subarray(at + 1) });
  }
  const sequenceNumber = octets[at];
  const proposedWindowSize = octets[at + 1];
  const serviceChoice = octets[at + 2];
  if (sequenceNumber === undefined || proposedWindowSize === undefined || serviceChoice === undefined) {
    return segmentFault(at, 'apci-malformed', 'got the end, expected a segment');
  }
  // 20.1.2.8: 1 to 127.
  if (!windowFits(proposedWindowSize))
    return segmentFault(at, 'apci-window', `got window \`${proposedWindowSize}\``, WINDOW);
  return ok({
    segment: { moreFollows, sequenceNumber, proposedWindowSize },
    serviceChoice,
    service: octets.subarray(at + 3),
  });
}

function segmentFault(offset: number, code: WireFaultCode, message: string, answer: AnswerHint = MALFORMED): Faulty {
  return fail({ code, message, offset, answer });
}

/** What stands before the service of a message that may be segmented. */
export type MessageHeader = Omit<ConfirmedRequestApdu, 'service'> | Omit<ComplexAckApdu, 'service'>;

/** Throws a RangeError for numbers no header can carry. */
export function writeHeader(writer: TagWriter, header: MessageHeader): void {
  if (header.type === 'confirmed-request') {
    writer.octet(segmentBits(header.segment) | (header.segmentedResponseAccepted ? ACCEPTED : 0));
    writer.octet((MAX_SEGMENTS.indexOf(header.maxSegments) << 4) | MAX_APDU_LENGTHS.indexOf(header.maxApduLength));
  } else writer.octet(0x30 | segmentBits(header.segment));
  writer.octet(header.invokeId);
  writeSegment(writer, header.segment);
  writer.octet(header.serviceChoice);
}

/** Throws a RangeError for numbers no header can carry. */
export function encodeApdu(apdu: Apdu): Uint8Array {
  const writer = new TagWriter();
  switch (apdu.type) {
    case 'confirmed-request':
    case 'complex-ack':
      writeHeader(writer, apdu);
      writer.octets(apdu.service);
      break;
    case 'unconfirmed-request':
      writer.octet(0x10);
      writer.octet(apdu.serviceChoice);
      writer.octets(apdu.service);
      break;
    case 'simple-ack':
      writer.octet(0x20);
      writer.octet(apdu.invokeId);
      writer.octet(apdu.serviceChoice);
      break;
    case 'segment-ack':
      writer.octet(0x40 | (apdu.negative ? 0x02 : 0) | (apdu.server ? 1 : 0));
      writer.octet(apdu.invokeId);
      writer.octet(apdu.sequenceNumber);
      writeWindow(writer, apdu.actualWindowSize);
      break;
    case 'error':
      writer.octet(0x50);
      writer.octet(apdu.invokeId);
      writer.octet(apdu.serviceChoice);
      writer.octets(apdu.service);
      break;
    case 'reject':
      writer.octet(0x60);
      writer.octet(apdu.invokeId);
      writer.octet(apdu.reason);
      break;
    case 'abort':
      writer.octet(0x70 | (apdu.server ? 1 : 0));
      writer.octet(apdu.invokeId);
      writer.octet(apdu.reason);
      break;
  }
  return writer.finish();
}

function segmentBits(segment: Segment | undefined): number {
  if (segment === undefined) return 0;
  return segment.moreFollows ? SEGMENTED | MORE : SEGMENTED;
}

function writeSegment(writer: TagWriter, segment: Segment | undefined): void {
  if (segment === undefined) return;
  writer.octet(segment.sequenceNumber);
  writeWindow(writer, segment.proposedWindowSize);
}

function writeWindow(writer: TagWriter, size: number): void {
  if (!windowFits(size)) throw new RangeError(`got window \`${size}\`, expected \`1\` to \`127\``);
  writer.octet(size);
}
