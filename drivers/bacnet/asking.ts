// ─► device: the requesting side of confirmed services (5.4.4), with one peer. 1. Invoke ids are the gateway's own.
// 2. Only a read is sent again; segments of a change may be, since its receiver takes each once.
// 3. An answer counts only under its invoke id, for its service and for what was asked; anything else is a stray.
// 4. An invoke id whose answer may still come rests before it is used again.

import { type Deadlines, Waiting } from './deadlines.ts';
import { isFitting } from './fitting-answer.ts';
import type { SendTime } from './link.ts';
import type { PlantAnswer, PlantDevice } from './seam.ts';
import { SlotTable } from './slot-table.ts';
import { type Apdu, type ComplexAckApdu, type ConfirmedRequestApdu, encodeApdu } from './wire/apdu.ts';
import {
  CONFIRMED_SERVICES,
  type ComplexAck,
  type ConfirmedRequest,
  choiceOf,
  decodeComplexAck,
  decodeServiceError,
} from './wire/confirmed-service.ts';
import { encodeRequest, serviceIn } from './wire/message.ts';
import { ABORT_REASONS } from './wire/names/abort-reason.ts';
import type { NetworkPriority } from './wire/npdu.ts';
import { beginReassembly, continueReassembly, type Reassembly, splitApdu } from './wire/segmentation.ts';
import {
  acknowledgeTransmission,
  beginTransmission,
  repeatTransmission,
  type Transmission,
  type TransmissionStep,
} from './wire/transmission.ts';

/** Who is asked, and the way there. */
interface AskedPeer {
  readonly maxApduLength: number;
  readonly segmentation: PlantDevice['segmentation'];
  transmit(apdu: Uint8Array, expectingReply: boolean, when: SendTime, priority: NetworkPriority): void;
}

export interface AskSettings {
  readonly timeoutMs: number;
  readonly segmentTimeoutMs: number;
  readonly retries: number;
  readonly windowSize: number;
  /** The longest answer, in octets of its service. */
  readonly messageOctets: number;
}

export interface AskCounters {
  retried(): void;
  timedOut(): void;
}

/** What this side takes: the most of B/IP, in as many segments as come. */
const OWN_MAX_APDU = 1476;
const MOST_SEGMENTS = 2048;
/** How long a segmented answer may take altogether. */
const longestAnswerMs = 60_000;

/** One request under way. */
class Ask extends Waiting {
  /** Its invoke id. */
  readonly key: number;
  readonly serviceChoice: number;
  readonly request: ConfirmedRequest;
  readonly answered: (answer: PlantAnswer) => void;
  /** The whole request; absent where it goes in segments. */
  readonly octets: Uint8Array | undefined;
  readonly when: SendTime;
  readonly priority: NetworkPriority;
  readonly #expired: (ask: Ask) => void;
  triesLeft = 0;
  wasRepeated = false;
  sending: Transmission<ConfirmedRequestApdu> | undefined = undefined;
  receiving: Reassembly<ComplexAckApdu> | undefined = undefined;
  until = Number.POSITIVE_INFINITY;

  constructor(
    { invokeId, serviceChoice }: Pick<ConfirmedRequestApdu, 'invokeId' | 'serviceChoice'>,
    octets: Uint8Array | undefined,
    when: SendTime,
    priority: NetworkPriority,
    request: ConfirmedRequest,
    answered: (answer: PlantAnswer) => void,
    expired: (ask: Ask) => void,
  ) {
    super();
    this.key = invokeId;
    this.serviceChoice = serviceChoice;
    this.octets = octets;
    this.when = when;
    this.priority = priority;
    this.request = request;
    this.answered = answered;
    this.#expired = expired;
  }

  expire(): void {
    this.#expired(this);
  }
}

export class Asking {
  readonly #peer: AskedPeer;
  readonly #settings: AskSettings;
  readonly #deadlines: Deadlines;
  readonly #counters: AskCounters;
  readonly #pending = new SlotTable<Ask>();
  /** Invoke ids that must not be used before a time. */
  readonly #resting = new Map<number, number>();
  #next = 0;

  constructor(peer: AskedPeer, settings: AskSettings, deadlines: Deadlines, counters: AskCounters) {
    this.#peer = peer;
    this.#settings = settings;
    this.#deadlines = deadlines;
    this.#counters = counters;
  }

  get idle(): boolean {
    return this.#pending.size === 0;
  }

  /** `retry`: send it again while no answer comes. Rejects only where no frame can carry the request. */
  request(request: ConfirmedRequest, retry: boolean, priority?: NetworkPriority): Promise<PlantAnswer> {
    return new Promise((resolve) => this.ask(request, retry, resolve, priority));
  }

  /** The same without a promise: `answered` is called once, at once where nothing can be sent; never where this throws. */
  ask(
    request: ConfirmedRequest,
    retry: boolean,
    answered: (answer: PlantAnswer) => void,
    priority: NetworkPriority = 0,
  ): void {
    const invokeId = this.#freeInvokeId();
    if (invokeId === undefined) {
      const why = 'too many requests of this device are unanswered';
      answered({ kind: 'unreachable', why, abort: ABORT_REASONS['out-of-resources'] });
      return;
    }
    const header: Omit<ConfirmedRequestApdu, 'service'> = {
      type: 'confirmed-request',
      invokeId,
      serviceChoice: choiceOf(request),
      segmentedResponseAccepted: true,
      maxSegments: 'more-than-64',
      maxApduLength: OWN_MAX_APDU,
    };
    const octets = encodeRequest(header, request);
    const maxApduLength = Math.min(this.#peer.maxApduLength, OWN_MAX_APDU);
    const when = retry ? 'soon' : 'at-once';
    if (octets.length <= maxApduLength) {
      this.#begin(new Ask(header, octets, when, priority, request, answered, this.#expired), retry);
      this.#peer.transmit(octets, true, when, priority);
      return;
    }
    const { segmentation } = this.#peer;
    if (segmentation !== 'both' && segmentation !== 'receive') {
      const why = 'the request is too long for the device, which takes no segments';
      answered({ kind: 'unreachable', why, abort: ABORT_REASONS['segmentation-not-supported'] });
      return;
    }
    const { windowSize } = this.#settings;
    const apdu: ConfirmedRequestApdu = { ...header, service: serviceIn(header, octets) };
    const parts = splitApdu(apdu, { maxApduLength, maxSegments: MOST_SEGMENTS, proposedWindowSize: windowSize });
    if (!parts.ok) {
      const why = 'the request is too long for the device';
      answered({ kind: 'unreachable', why, abort: ABORT_REASONS[parts.fault] });
      return;
    }
    const ask = new Ask(header, undefined, when, priority, request, answered, this.#expired);
    this.#begin(ask, true);
    this.#send(ask, beginTransmission(parts.value));
  }

  #begin(ask: Ask, retry: boolean): void {
    ask.at = this.#deadlines.now() + this.#settings.timeoutMs;
    ask.triesLeft = retry ? this.#settings.retries : 0;
    this.#pending.set(ask);
    this.#deadlines.add(ask);
  }

  /** An APDU that only who answers sends. False: nobody waits for it. */
  received(apdu: Apdu): boolean {
    if (!('invokeId' in apdu)) return false;
    const ask = this.#pending.get(apdu.invokeId);
    if (ask === undefined) return false;
    if ('serviceChoice' in apdu && apdu.serviceChoice !== ask.serviceChoice) return false;
    switch (apdu.type) {
      case 'complex-ack':
        return apdu.segment === undefined ? this.#answered(ask, apdu) : this.#segment(ask, apdu);
      case 'simple-ack':
        if (ask.request.service !== 'unknown' && CONFIRMED_SERVICES[ask.request.service].ack !== undefined)
          return false;
        this.#settle(ask, { kind: 'simple-ack' });
        return true;
      case 'error': {
        const error = decodeServiceError(apdu.serviceChoice, apdu.service);
        // Refused, but in words nobody understands: whether anything was done is not known.
        this.#settle(ask, error.ok ? { kind: 'error', error: error.value } : { kind: 'no-answer' });
        return true;
      }
      case 'reject':
        this.#settle(ask, { kind: 'reject', reason: apdu.reason });
        return true;
      case 'abort':
        this.#settle(ask, { kind: 'abort', reason: apdu.reason });
        return true;
      case 'segment-ack':
        if (ask.sending === undefined) return false;
        this.#send(ask, acknowledgeTransmission(ask.sending, apdu));
        return true;
      default:
        return false;
    }
  }

  /** A ComplexACK in one piece, decoded. False: nobody waits for it. */
  acknowledged(invokeId: number, ack: ComplexAck): boolean {
    const ask = this.#pending.get(invokeId);
    return ask !== undefined && this.#acknowledged(ask, ack);
  }

  /** Nothing is waited for any more. */
  stop(): void {
    for (const ask of this.#pending.all()) this.#settle(ask, { kind: 'no-answer' });
  }

  #answered(ask: Ask, apdu: ComplexAckApdu): boolean {
    const decoded = decodeComplexAck(apdu.serviceChoice, apdu.service);
    if (decoded.ok) return this.#acknowledged(ask, decoded.value);
    this.#settle(ask, { kind: 'no-answer' });
    return true;
  }

  #acknowledged(ask: Ask, ack: ComplexAck): boolean {
    if (!isFitting(ask.request, ack)) return false;
    this.#settle(ask, { kind: 'complex-ack', ack });
    return true;
  }

  #segment(ask: Ask, apdu: ComplexAckApdu): boolean {
    // The first segment opens the answer; a later one before it belongs to something else.
    if (ask.receiving === undefined && apdu.segment?.sequenceNumber !== 0) return false;
    const { windowSize, messageOctets, segmentTimeoutMs } = this.#settings;
    const step =
      ask.receiving === undefined
        ? beginReassembly(apdu, { windowSize, octets: messageOctets, segments: MOST_SEGMENTS })
        : continueReassembly(ask.receiving, apdu);
    if (step.kind === 'abort') {
      const reason = ABORT_REASONS[step.reason];
      this.#peer.transmit(
        encodeApdu({ type: 'abort', server: false, invokeId: ask.key, reason }),
        false,
        'soon',
        ask.priority,
      );
      this.#settle(ask, { kind: 'abort', reason });
      return true;
    }
    if (step.ack !== undefined) this.#peer.transmit(encodeApdu(step.ack), false, 'soon', ask.priority);
    if (step.kind === 'complete') return this.#answered(ask, step.apdu);
    const now = this.#deadlines.now();
    if (ask.receiving === undefined) ask.until = now + longestAnswerMs;
    ask.sending = undefined;
    ask.receiving = step.state;
    ask.triesLeft = 0;
    // 5.4.4.4: four times the segment time-out, as its sender may repeat a window.
    ask.at = Math.min(ask.until, now + 4 * segmentTimeoutMs);
    return true;
  }

  #send(ask: Ask, step: TransmissionStep<ConfirmedRequestApdu>): void {
    const now = this.#deadlines.now();
    if (step.kind === 'complete') {
      // All of it has arrived: from here it is a request that is not sent again.
      ask.sending = undefined;
      ask.triesLeft = 0;
      ask.at = now + this.#settings.timeoutMs;
      return;
    }
    ask.sending = step.state;
    if (step.segments.length === 0) return;
    ask.at = now + this.#settings.segmentTimeoutMs;
    for (const segment of step.segments) this.#peer.transmit(encodeApdu(segment), true, ask.when, ask.priority);
  }

  readonly #expired = (ask: Ask): void => {
    if (ask.triesLeft === 0) {
      this.#counters.timedOut();
      ask.wasRepeated = true;
      this.#settle(ask, { kind: 'no-answer' });
      return;
    }
    ask.triesLeft -= 1;
    ask.wasRepeated = true;
    this.#counters.retried();
    if (ask.sending !== undefined) this.#send(ask, repeatTransmission(ask.sending));
    else if (ask.octets !== undefined) {
      ask.at = this.#deadlines.now() + this.#settings.timeoutMs;
      this.#peer.transmit(ask.octets, true, ask.when, ask.priority);
    }
    this.#deadlines.add(ask);
  };

  #settle(ask: Ask, answer: PlantAnswer): void {
    this.#pending.delete(ask.key);
    this.#deadlines.drop(ask);
    if (ask.wasRepeated)
      this.#resting.set(ask.key, this.#deadlines.now() + Math.max(1000, 10 * this.#settings.timeoutMs));
    ask.answered(answer);
  }

  #freeInvokeId(): number | undefined {
    for (let tried = 0; tried < 256; tried += 1) {
      const invokeId = this.#next;
      this.#next = (invokeId + 1) & 0xff;
      if (this.#pending.get(invokeId) !== undefined) continue;
      if (this.#resting.size > 0) {
        const until = this.#resting.get(invokeId);
        if (until !== undefined && until > this.#deadlines.now()) continue;
        this.#resting.delete(invokeId);
      }
      return invokeId;
    }
    return undefined;
  }
}
