// bytes ─► request and answer ─► bytes: the responding side of confirmed services (5.4.5), for whoever asks.
// 1. A transaction belongs to (asker, target, invoke id): segments of two askers never meet. 2. A retry with the same bytes has
// the answer that was given, while the first is under way or 3 s after, if no change went by; other bytes are judged anew.
// 3. Bounded in transactions and octets, for each asker and in all. 4. What the asker takes (length, segments, window) is kept to.

import type { Deadlines } from './deadlines.ts';
import type { Answer, Answered } from './seam.ts';
import { type Asker, Served, type Target } from './served.ts';
import {
  type Apdu,
  type ComplexAckApdu,
  type ConfirmedRequestApdu,
  encodeApdu,
  type SegmentAckApdu,
} from './wire/apdu.ts';
import {
  type ComplexAck,
  type ConfirmedRequest,
  choiceOf,
  confirmedServiceName,
  decodeConfirmedRequest,
  encodeServiceError,
} from './wire/confirmed-service.ts';
import { encodeAck, serviceIn } from './wire/message.ts';
import { ABORT_REASONS, type AbortReasonName } from './wire/names/abort-reason.ts';
import { REJECT_REASONS } from './wire/names/reject-reason.ts';
import type { NetworkPriority } from './wire/npdu.ts';
import { beginReassembly, continueReassembly, segmentsAccepted, splitApdu } from './wire/segmentation.ts';
import {
  acknowledgeTransmission,
  beginTransmission,
  repeatTransmission,
  type TransmissionStep,
} from './wire/transmission.ts';

/** What answering needs of the side it works for. */
export interface Carrier<A extends Asker, T extends Target> {
  transmit(asker: A, target: T, apdu: Uint8Array, expectingReply: boolean): void;
  /** `answered` is called once, perhaps before this returns. */
  serve(asker: A, target: T, request: ConfirmedRequest, answered: Answered, priority: NetworkPriority): void;
  mayRepeat(asker: A, target: T, request: ConfirmedRequest): boolean;
  refused(asker: A, operation: string, detail: string): void;
}

export interface AnswerSettings {
  readonly segmentTimeoutMs: number;
  readonly retries: number;
  readonly windowSize: number;
  readonly messageOctets: number;
  readonly outstandingPerStation: number;
  readonly outstanding: number;
  readonly reassemblyOctetsPerStation: number;
  readonly reassemblyOctets: number;
}

interface AnswerCounters {
  request(): void;
  repeated(): void;
  overLimit(): void;
  ownFault(error: unknown): void;
}

const rememberMs = 3000;
/** What a segment costs besides its octets. */
const segmentOverhead = 256;
const MOST_SEGMENTS = 2048;

/** A read is done again rather than remembered: who may read it may have changed. */
const READS: ReadonlySet<ConfirmedRequest['service']> = new Set([
  'read-property',
  'read-property-multiple',
  'read-range',
  'atomic-read-file',
  'get-alarm-summary',
  'get-enrollment-summary',
  'get-event-information',
]);

export function onlyReads(serviceChoice: number): boolean {
  const name = confirmedServiceName(serviceChoice);
  return name !== undefined && READS.has(name);
}

export class Answering<A extends Asker, T extends Target> {
  readonly #carrier: Carrier<A, T>;
  readonly #settings: AnswerSettings;
  readonly #deadlines: Deadlines;
  readonly #counters: AnswerCounters;
  #underWay = 0;
  #octets = 0;

  constructor(carrier: Carrier<A, T>, settings: AnswerSettings, deadlines: Deadlines, counters: AnswerCounters) {
    this.#carrier = carrier;
    this.#settings = settings;
    this.#deadlines = deadlines;
    this.#counters = counters;
  }

  get underWay(): number {
    return this.#underWay;
  }

  /** A confirmed request, or a part of one. `request`: what a whole one carries, where that has been read. */
  request(
    asker: A,
    target: T,
    apdu: ConfirmedRequestApdu,
    request?: ConfirmedRequest,
    priority: NetworkPriority = 0,
  ): void {
    this.#counters.request();
    const known = asker.served.get(keyOf(target, apdu.invokeId));
    if (apdu.segment !== undefined) this.#segment(asker, target, apdu, priority, known);
    else this.#whole(asker, target, apdu, known, undefined, priority, request);
  }

  /** What the asker sends about a transaction of its own: a segment ack, an abort. */
  control(asker: A, target: T, apdu: Extract<Apdu, { type: 'segment-ack' | 'abort' }>): void {
    const known = asker.served.get(keyOf(target, apdu.invokeId));
    if (known === undefined) return;
    if (apdu.type === 'segment-ack') {
      if (known.sending !== undefined) this.#send(asker, target, known, acknowledgeTransmission(known.sending, apdu));
    } else if (known.phase === 'serving') known.silent = true;
    else this.#forget(asker, known);
  }

  #whole(
    asker: A,
    target: T,
    apdu: ConfirmedRequestApdu,
    known: Served | undefined,
    lastAck: SegmentAckApdu | undefined,
    priority: NetworkPriority,
    read?: ConfirmedRequest,
  ): void {
    if (known !== undefined) {
      if (this.#isRepeat(asker, target, known, apdu)) {
        this.#counters.repeated();
        asker.served.set(known);
        return;
      }
      known.silent = true;
      this.#forget(asker, known);
    }
    const request = read ?? this.#read(asker, target, apdu);
    if (request === undefined) return;
    const { outstandingPerStation, outstanding } = this.#settings;
    if (asker.share.underWay >= outstandingPerStation || this.#underWay >= outstanding) {
      this.#counters.overLimit();
      this.abort(asker, target, apdu.invokeId, 'out-of-resources');
      return;
    }
    const served = this.#newServed(asker, target, apdu, 'serving');
    served.lastAck = lastAck;
    served.request = request;
    asker.underWay += 1;
    asker.share.underWay += 1;
    this.#underWay += 1;
    const answered = (answer: Answer): void => {
      if (served.phase === 'serving') this.#finish(asker, target, served, answer);
    };
    try {
      this.#carrier.serve(asker, target, request, answered, priority);
    } catch (error) {
      this.#counters.ownFault(error);
      answered({ kind: 'abort', reason: ABORT_REASONS.other });
    }
  }

  /** `undefined`: it is none, and that has been said. */
  #read(asker: A, target: T, { invokeId, serviceChoice, service }: ConfirmedRequestApdu): ConfirmedRequest | undefined {
    const decoded = decodeConfirmedRequest(serviceChoice, service);
    if (decoded.ok) return decoded.value;
    const { answer, message } = decoded.fault;
    if (answer.kind === 'reject')
      this.#transmit(asker, target, { type: 'reject', invokeId, reason: REJECT_REASONS[answer.reason] });
    else this.abort(asker, target, invokeId, answer.kind === 'abort' ? answer.reason : 'other');
    this.#carrier.refused(asker, confirmedServiceName(serviceChoice) ?? 'confirmed-request', message);
    return undefined;
  }

  /** Same bytes: nothing is to be done, or the answer was given again. */
  #isRepeat(asker: A, target: T, known: Served, apdu: ConfirmedRequestApdu): boolean {
    const { request, answer } = known;
    if (known.silent || request === undefined || !isSame(known.header, apdu)) return false;
    if (known.phase === 'serving' || known.phase === 'sending') return true;
    if (known.phase !== 'answered' || answer === undefined) return false;
    if (known.changes !== target.changes || !this.#carrier.mayRepeat(asker, target, request)) return false;
    this.#give(asker, target, known, answer);
    return true;
  }

  #segment(asker: A, target: T, apdu: ConfirmedRequestApdu, priority: NetworkPriority, known?: Served): void {
    const isFirst = apdu.segment?.sequenceNumber === 0;
    let served = known?.phase === 'receiving' ? known : undefined;
    if (served === undefined) {
      if (!isFirst) {
        // The last segment again: its ack was lost.
        if (known?.lastAck !== undefined) this.#transmit(asker, target, known.lastAck);
        else this.abort(asker, target, apdu.invokeId, 'invalid-apdu-in-this-state');
        return;
      }
      served = this.#newServed(asker, target, apdu, 'receiving');
      served.earlier = known;
      this.#wait(asker, target, served);
    }
    const { windowSize, messageOctets, segmentTimeoutMs } = this.#settings;
    const step =
      served.receiving === undefined
        ? beginReassembly(apdu, { windowSize, octets: messageOctets, segments: MOST_SEGMENTS })
        : continueReassembly(served.receiving, apdu);
    if (step.kind === 'abort') {
      this.#forget(asker, served);
      this.abort(asker, target, apdu.invokeId, step.reason);
      this.#carrier.refused(asker, 'segment', `got a segment that ends the message: \`${step.reason}\``);
      return;
    }
    if (step.kind === 'await') {
      served.receiving = step.state;
      const held = step.state.octets + step.state.parts.length * segmentOverhead;
      this.#hold(asker, served, held);
      const { reassemblyOctetsPerStation, reassemblyOctets } = this.#settings;
      if (asker.share.octets > reassemblyOctetsPerStation || this.#octets > reassemblyOctets) {
        this.#counters.overLimit();
        this.#forget(asker, served);
        this.abort(asker, target, apdu.invokeId, 'buffer-overflow');
        return;
      }
      if (step.ack !== undefined) this.#transmit(asker, target, step.ack);
      served.at = this.#deadlines.now() + 4 * segmentTimeoutMs;
      return;
    }
    this.#transmit(asker, target, step.ack);
    const { earlier } = served;
    this.#forget(asker, served);
    this.#whole(asker, target, step.apdu, earlier, step.ack, priority);
  }

  #finish(asker: A, target: T, served: Served, answer: Answer): void {
    asker.underWay -= 1;
    asker.share.underWay -= 1;
    this.#underWay -= 1;
    served.phase = 'answered';
    if (served.silent) {
      this.#forget(asker, served);
      return;
    }
    served.changes = target.changes;
    // An error or a reject did nothing: the same request again is judged again.
    const isKept = answer.kind !== 'error' && answer.kind !== 'reject';
    if (isKept && served.request !== undefined && !READS.has(served.request.service)) served.answer = answer;
    try {
      this.#give(asker, target, served, answer);
    } catch (error) {
      // An answer that no frame can carry.
      this.#counters.ownFault(error);
      served.answer = undefined;
      this.abort(asker, target, served.header.invokeId, 'other');
    }
    if (served.phase === 'answered') this.#remember(asker, target, served);
  }

  #remember(asker: A, target: T, served: Served): void {
    served.phase = 'answered';
    served.sending = undefined;
    const current = asker.served.get(served.key);
    if (served.answer === undefined || (current !== served && current?.earlier !== served)) {
      this.#forget(asker, served);
      return;
    }
    served.at = this.#deadlines.now() + rememberMs;
    this.#wait(asker, target, served);
  }

  /** Sends an answer, in segments where it must; the phase is `sending` after it if more is to go. */
  #give(asker: A, target: T, served: Served, answer: Answer): void {
    const { invokeId, serviceChoice } = served.header;
    switch (answer.kind) {
      case 'simple-ack':
        this.#transmit(asker, target, { type: 'simple-ack', invokeId, serviceChoice });
        return;
      case 'complex-ack':
        this.#giveAck(asker, target, served, answer.ack);
        return;
      case 'error': {
        const apdu: Apdu = { type: 'error', invokeId, ...encodeServiceError(answer.error) };
        this.#transmit(asker, target, apdu);
        return;
      }
      case 'reject':
        this.#transmit(asker, target, { type: 'reject', invokeId, reason: answer.reason });
        return;
      case 'abort':
        this.#transmit(asker, target, { type: 'abort', server: true, invokeId, reason: answer.reason });
        return;
      case 'silence':
        return;
    }
  }

  #giveAck(asker: A, target: T, served: Served, ack: ComplexAck): void {
    const { maxApduLength, maxSegments, segmentedResponseAccepted, invokeId } = served.header;
    const header = { type: 'complex-ack', invokeId, serviceChoice: choiceOf(ack) } as const;
    const octets = encodeAck(header, ack);
    if (octets.length <= maxApduLength) {
      this.#carrier.transmit(asker, target, octets, false);
      return;
    }
    const apdu: ComplexAckApdu = { ...header, service: serviceIn(header, octets) };
    const parts = splitApdu(apdu, {
      maxApduLength,
      maxSegments: segmentsAccepted(maxSegments, MOST_SEGMENTS),
      proposedWindowSize: this.#settings.windowSize,
    });
    if (!parts.ok)
      this.abort(asker, target, invokeId, segmentedResponseAccepted ? parts.fault : 'segmentation-not-supported');
    else if (!segmentedResponseAccepted) this.abort(asker, target, invokeId, 'segmentation-not-supported');
    else {
      served.phase = 'sending';
      served.triesLeft = this.#settings.retries;
      this.#send(asker, target, served, beginTransmission(parts.value));
      this.#wait(asker, target, served);
    }
  }

  #send(asker: A, target: T, served: Served, step: TransmissionStep<ComplexAckApdu>): void {
    if (step.kind === 'complete') {
      this.#deadlines.drop(served);
      this.#remember(asker, target, served);
      return;
    }
    served.sending = step.state;
    if (step.segments.length === 0) return;
    served.at = this.#deadlines.now() + this.#settings.segmentTimeoutMs;
    for (const segment of step.segments) this.#carrier.transmit(asker, target, encodeApdu(segment), true);
  }

  #expired(asker: A, target: T, served: Served): void {
    if (served.sending === undefined || served.triesLeft === 0) {
      this.#forget(asker, served);
      return;
    }
    served.triesLeft -= 1;
    this.#send(asker, target, served, repeatTransmission(served.sending));
    this.#wait(asker, target, served);
  }

  #wait(asker: A, target: T, served: Served): void {
    served.expired ??= () => this.#expired(asker, target, served);
    this.#deadlines.add(served);
  }

  #newServed(asker: A, target: T, header: ConfirmedRequestApdu, phase: Served['phase']): Served {
    const served = new Served(keyOf(target, header.invokeId), header, phase);
    asker.served.set(served);
    return served;
  }

  /** The transaction is over; one that has taken its invoke id since stays. */
  #forget(asker: A, served: Served): void {
    if (served.phase !== 'serving') this.#deadlines.drop(served);
    this.#hold(asker, served, 0);
    served.receiving = undefined;
    served.sending = undefined;
    served.silent = true;
    if (asker.served.get(served.key) !== served) return;
    const { earlier } = served;
    if (earlier !== undefined && !earlier.silent) asker.served.set(earlier);
    else asker.served.delete(served.key);
  }

  #hold(asker: A, served: Served, octets: number): void {
    asker.share.octets += octets - served.held;
    this.#octets += octets - served.held;
    served.held = octets;
  }

  /** Says why a request of this invoke id is given up. */
  abort(asker: A, target: T, invokeId: number, reason: AbortReasonName): void {
    this.#transmit(asker, target, { type: 'abort', server: true, invokeId, reason: ABORT_REASONS[reason] });
  }

  #transmit(asker: A, target: T, apdu: Apdu): void {
    this.#carrier.transmit(asker, target, encodeApdu(apdu), false);
  }
}

function keyOf(target: Target, invokeId: number): number {
  return target.number * 256 + invokeId;
}

/** The same service and octets. */
function isSame(one: ConfirmedRequestApdu, other: ConfirmedRequestApdu): boolean {
  return one.serviceChoice === other.serviceChoice && Buffer.compare(one.service, other.service) === 0;
}
