// Faults of a BACnet frame, as values. Step "bytes ─decode─►" of the road: what could not be decoded ends here.
// 1. A fault never carries octets of the frame: only a code, a sentence and the offset.
// 2. The answer hint says what the standard lets one send back; `drop` where it has no answer.

import type { AbortReasonName } from './names/abort-reason.ts';
import type { RejectReasonName } from './names/reject-reason.ts';

/** What is wrong, for counters and journals. Closed; words are never reused. */
export type WireFaultCode =
  | 'bvlc-malformed'
  | 'bvlc-length'
  | 'bvlc-function-unknown'
  | 'bvlc-secured'
  | 'npdu-malformed'
  | 'npdu-reserved'
  | 'network-message-malformed'
  | 'network-message-unknown'
  | 'network-message-refused'
  | 'apci-malformed'
  | 'apci-reserved'
  | 'apci-window'
  | 'service-without-ack'
  | ServiceFaultCode;

/** What is wrong inside a service's parameters; each has its Reject reason (clause 18.9). */
export type ServiceFaultCode =
  | 'tag-malformed'
  | 'tag-not-canonical'
  | 'tag-unexpected'
  | 'parameter-missing'
  | 'parameter-datatype'
  | 'parameter-range'
  | 'enumeration-undefined'
  | 'parameters-inconsistent'
  | 'octets-trailing'
  | 'too-deep'
  | 'too-many';

/** What may be answered. The invoke id of an abort or reject stands in the fault. */
export type AnswerHint =
  | { readonly kind: 'drop' }
  | { readonly kind: 'reject-message-to-network'; readonly reason: number }
  | { readonly kind: 'reject'; readonly reason: RejectReasonName }
  | { readonly kind: 'abort'; readonly reason: AbortReasonName };

/** `offset` counts octets from the start of what the decoder was given. `invokeId` where a request's could be read. */
export interface WireFault {
  readonly code: WireFaultCode;
  readonly message: string;
  readonly offset: number;
  readonly answer: AnswerHint;
  readonly invokeId?: number;
}

export const DROP: AnswerHint = { kind: 'drop' };

const REJECT_REASONS = {
  'tag-malformed': 'invalid-tag',
  'tag-not-canonical': 'invalid-tag',
  'tag-unexpected': 'invalid-tag',
  'parameter-missing': 'missing-required-parameter',
  'parameter-datatype': 'invalid-parameter-data-type',
  'parameter-range': 'parameter-out-of-range',
  'enumeration-undefined': 'undefined-enumeration',
  'parameters-inconsistent': 'inconsistent-parameters',
  'octets-trailing': 'too-many-arguments',
  'too-deep': 'buffer-overflow',
  'too-many': 'buffer-overflow',
} satisfies Record<ServiceFaultCode, RejectReasonName>;

/** The Reject a confirmed request with this fault is answered with. */
export function rejectFor(code: ServiceFaultCode): AnswerHint {
  return { kind: 'reject', reason: REJECT_REASONS[code] };
}
