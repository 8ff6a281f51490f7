// Sending a segmented message (5.4.4.2, 5.4.5.4): which segments go out next, as a pure state machine.
// 1. It knows no peer and no time: the caller matches acks by (address, invoke id), owns the timer and counts the retries.
// 2. Nothing is sent beyond the window the peer granted, and never a larger one than was proposed.

import type { NonEmpty } from '../../../src/model/result.ts';
import type { SegmentAckApdu } from './apdu.ts';
import type { SegmentedApdu } from './segmentation.ts';

/** `next` is the first segment not acknowledged; both count from 0 and do not wrap. */
export interface Transmission<A extends SegmentedApdu = SegmentedApdu> {
  readonly segments: NonEmpty<A>;
  readonly next: number;
  readonly windowSize: number;
}

/** `send`: these, in order; restart the segment timer. Empty: the ack was an old one. `complete`: the last is acknowledged. */
export type TransmissionStep<A extends SegmentedApdu = SegmentedApdu> =
  | { readonly kind: 'send'; readonly state: Transmission<A>; readonly segments: readonly A[] }
  | { readonly kind: 'complete' };

/** The first segment goes alone: only its ack says how many the peer takes at a time. */
export function beginTransmission<A extends SegmentedApdu>(segments: NonEmpty<A>): TransmissionStep<A> {
  return sendWindow({ segments, next: 0, windowSize: 1 });
}

/** What an ack of the peer lets out. A negative one says the same: all to its number has arrived, what follows has not. */
export function acknowledgeTransmission<A extends SegmentedApdu>(
  state: Transmission<A>,
  ack: SegmentAckApdu,
): TransmissionStep<A> {
  // 5.4.2.1, InWindow: an ack of what was acknowledged before is a duplicate and changes nothing.
  const ahead = (ack.sequenceNumber - state.next + 65_536) % 256;
  if (ahead >= state.windowSize || state.next + ahead >= state.segments.length) {
    return { kind: 'send', state, segments: [] };
  }
  const next = state.next + ahead + 1;
  if (next === state.segments.length) return { kind: 'complete' };
  const proposed = state.segments[0].segment?.proposedWindowSize ?? 1;
  return sendWindow({ ...state, next, windowSize: Math.min(ack.actualWindowSize, proposed) });
}

/** The window again, when no ack came in time. */
export function repeatTransmission<A extends SegmentedApdu>(state: Transmission<A>): TransmissionStep<A> {
  return sendWindow(state);
}

function sendWindow<A extends SegmentedApdu>(state: Transmission<A>): TransmissionStep<A> {
  return { kind: 'send', state, segments: state.segments.slice(state.next, state.next + state.windowSize) };
}
