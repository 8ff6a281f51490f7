// Segmentation (5.2.1, 5.4): a message too long for one APDU is cut here and put together again by a pure state machine.
// 1. The reassembly knows no peer and no time: the caller keys it by (address, invoke id) and owns the segment timer.
// 2. Octets and segments are bounded; a segment whose header differs from the first one's aborts the whole.
// 3. No state is changed in place: each step gives the next one.

import { fail, type NonEmpty, ok, type Result } from '../../../src/model/result.ts';
import {
  type ComplexAckApdu,
  type ConfirmedRequestApdu,
  HEADER_LENGTHS,
  type MaxSegments,
  type Segment,
  type SegmentAckApdu,
} from './apdu.ts';
import type { AbortReasonName } from './names/abort-reason.ts';

/** The messages that may be segmented. */
export type SegmentedApdu = ConfirmedRequestApdu | ComplexAckApdu;

/** How many segments a peer accepts; `unspecified` and `more-than-64` give `otherwise`. */
export function segmentsAccepted(maxSegments: MaxSegments, otherwise: number): number {
  return typeof maxSegments === 'number' ? maxSegments : otherwise;
}

/**
 * The APDUs of a message: itself where it fits `maxApduLength` octets, else its segments in order from sequence number 0.
 * `abort`: not even `maxSegments` segments hold it.
 */
export function splitApdu<A extends SegmentedApdu>(
  apdu: A,
  limits: { readonly maxApduLength: number; readonly maxSegments: number; readonly proposedWindowSize: number },
): Result<NonEmpty<A>, AbortReasonName> {
  const { service } = apdu;
  const header = HEADER_LENGTHS[apdu.type];
  if (service.length + header.whole <= limits.maxApduLength) return ok([apdu]);
  const room = limits.maxApduLength - header.segment;
  if (room < 1) return fail('apdu-too-long');
  const count = Math.ceil(service.length / room);
  if (count > limits.maxSegments) return fail('buffer-overflow');
  const segmentAt = (index: number): A => ({
    ...apdu,
    segment: {
      moreFollows: index < count - 1,
      sequenceNumber: index % 256,
      proposedWindowSize: limits.proposedWindowSize,
    },
    service: service.subarray(index * room, (index + 1) * room),
  });
  return ok([segmentAt(0), ...Array.from({ length: count - 1 }, (_, index) => segmentAt(index + 1))]);
}

/** `windowSize` 1 to 127 is the most this side takes at a time; `octets` bounds the whole message's service. */
interface ReassemblyLimits {
  readonly windowSize: number;
  readonly octets: number;
  readonly segments: number;
}

/** A message of which segments are still to come. */
export interface Reassembly<A extends SegmentedApdu = SegmentedApdu> {
  readonly first: A;
  readonly limits: ReassemblyLimits;
  /** This side answers (the message is a request): the `server` bit of what it sends. */
  readonly server: boolean;
  readonly actualWindowSize: number;
  /** 5.4: InitialSequenceNumber and LastSequenceNumber, modulo 256. */
  readonly initialSequenceNumber: number;
  readonly lastSequenceNumber: number;
  readonly duplicates: number;
  readonly parts: readonly Uint8Array[];
  readonly octets: number;
}

/**
 * `await`: more is to come; send `ack` where there is one and restart the segment timer.
 * `complete`: send `ack`; `apdu` is the whole message, unsegmented. `abort`: send an Abort and forget the message.
 */
export type ReassemblyStep<A extends SegmentedApdu = SegmentedApdu> =
  | { readonly kind: 'await'; readonly state: Reassembly<A>; readonly ack?: SegmentAckApdu }
  | { readonly kind: 'complete'; readonly apdu: A; readonly ack: SegmentAckApdu }
  | { readonly kind: 'abort'; readonly reason: AbortReasonName };

/** The first segment (5.4.4.3, 5.4.5.1). `invalid-apdu-in-this-state` where it is not number 0 of several. */
export function beginReassembly<A extends SegmentedApdu>(apdu: A, limits: ReassemblyLimits): ReassemblyStep<A> {
  const { segment } = apdu;
  if (segment === undefined || segment.sequenceNumber !== 0)
    return { kind: 'abort', reason: 'invalid-apdu-in-this-state' };
  const state: Reassembly<A> = {
    first: apdu,
    limits,
    server: apdu.type === 'confirmed-request',
    actualWindowSize: Math.min(segment.proposedWindowSize, limits.windowSize),
    initialSequenceNumber: 0,
    lastSequenceNumber: 0,
    duplicates: 0,
    parts: [],
    octets: 0,
  };
  return store(state, apdu, segment);
}

/** A further segment of the same message (5.4.4.4, 5.4.5.2). */
export function continueReassembly<A extends SegmentedApdu>(state: Reassembly<A>, apdu: A): ReassemblyStep<A> {
  const { segment } = apdu;
  if (segment === undefined || !sameMessage(state.first, apdu)) {
    return { kind: 'abort', reason: 'invalid-apdu-in-this-state' };
  }
  const last = state.lastSequenceNumber;
  if (segment.sequenceNumber === (last + 1) % 256) return store(state, apdu, segment);

  // The acknowledged segment again, and nothing since: our SegmentACK was lost, or the peer would wait for it in vain.
  if (last === state.initialSequenceNumber && segment.sequenceNumber === last) {
    return { kind: 'await', state, ack: ackOf(state, last, false) };
  }
  // DuplicateSegmentReceived: discarded in silence, up to a window's worth of them.
  if (duplicateInWindow(state, segment.sequenceNumber) && state.duplicates < state.actualWindowSize) {
    return { kind: 'await', state: { ...state, duplicates: state.duplicates + 1 } };
  }
  // SegmentReceivedOutOfOrder, TooManyDuplicateSegmentsReceived: say what was last received in order.
  const next: Reassembly<A> = { ...state, initialSequenceNumber: last, duplicates: 0 };
  return { kind: 'await', state: next, ack: ackOf(next, last, true) };
}

/** 5.4.2.2: already received in this window, or, at a window's start, in the one before. */
function duplicateInWindow(state: Reassembly, sequenceNumber: number): boolean {
  const first = (state.initialSequenceNumber + 1) % 256;
  const received = (state.lastSequenceNumber - first + 256) % 256;
  if (received <= state.actualWindowSize && (sequenceNumber - first + 256) % 256 <= received) return true;
  const atStart = state.lastSequenceNumber === state.initialSequenceNumber;
  return atStart && (first - sequenceNumber + 256) % 256 <= state.actualWindowSize;
}

function store<A extends SegmentedApdu>(state: Reassembly<A>, apdu: A, segment: Segment): ReassemblyStep<A> {
  const parts = [...state.parts, apdu.service];
  const octets = state.octets + apdu.service.length;
  if (octets > state.limits.octets || parts.length > state.limits.segments)
    return { kind: 'abort', reason: 'buffer-overflow' };
  const { sequenceNumber } = segment;
  const next: Reassembly<A> = { ...state, parts, octets, lastSequenceNumber: sequenceNumber, duplicates: 0 };
  if (!segment.moreFollows) {
    return { kind: 'complete', apdu: whole(next), ack: ackOf(next, sequenceNumber, false) };
  }
  // The first segment and the last one of a window are acknowledged.
  const received = (sequenceNumber - state.initialSequenceNumber + 256) % 256;
  if (parts.length > 1 && received < state.actualWindowSize) return { kind: 'await', state: next };
  const acknowledged: Reassembly<A> = { ...next, initialSequenceNumber: sequenceNumber };
  return { kind: 'await', state: acknowledged, ack: ackOf(acknowledged, sequenceNumber, false) };
}

function ackOf(state: Reassembly, sequenceNumber: number, negative: boolean): SegmentAckApdu {
  return {
    type: 'segment-ack',
    negative,
    server: state.server,
    invokeId: state.first.invokeId,
    sequenceNumber,
    actualWindowSize: state.actualWindowSize,
  };
}

function sameMessage(first: SegmentedApdu, apdu: SegmentedApdu): boolean {
  if (first.invokeId !== apdu.invokeId || first.serviceChoice !== apdu.serviceChoice) return false;
  if (first.type === 'complex-ack' || apdu.type === 'complex-ack') return first.type === apdu.type;
  return (
    first.segmentedResponseAccepted === apdu.segmentedResponseAccepted &&
    first.maxSegments === apdu.maxSegments &&
    first.maxApduLength === apdu.maxApduLength
  );
}

function whole<A extends SegmentedApdu>(state: Reassembly<A>): A {
  const service = new Uint8Array(state.octets);
  let at = 0;
  for (const part of state.parts) {
    service.set(part, at);
    at += part.length;
  }
  const { segment: _, ...rest } = { ...state.first, service };
  return rest as A;
}
