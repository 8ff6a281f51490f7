// One transaction of the responding side (5.4.5), and who holds it.

import { Waiting } from './deadlines.ts';
import type { Answer } from './seam.ts';
import type { SlotTable } from './slot-table.ts';
import type { ComplexAckApdu, ConfirmedRequestApdu, SegmentAckApdu } from './wire/apdu.ts';
import type { ConfirmedRequest } from './wire/confirmed-service.ts';
import type { Reassembly } from './wire/segmentation.ts';
import type { Transmission } from './wire/transmission.ts';

/** Who asks: what of this side it holds. */
export interface Asker {
  readonly served: SlotTable<Served>;
  underWay: number;
  /** With everybody who asks from the same place: what limits count. */
  readonly share: Share;
}

/** What is under way for, and held of messages that arrive from, one place. */
export interface Share {
  underWay: number;
  octets: number;
}

/** Who is asked. */
export interface Target {
  /** Unique among targets. */
  readonly number: number;
  /** How many changes have gone to it. */
  readonly changes: number;
}

/** One transaction. */
export class Served extends Waiting {
  /** Target and invoke id. */
  readonly key: number;
  readonly header: ConfirmedRequestApdu;
  phase: 'receiving' | 'serving' | 'sending' | 'answered';
  /** Decoded; absent while segments arrive. */
  request: ConfirmedRequest | undefined = undefined;
  /** Its answer is no longer wanted. */
  silent = false;
  receiving: Reassembly<ConfirmedRequestApdu> | undefined = undefined;
  /** Octets counted against the asker while segments arrive. */
  held = 0;
  /** The ack of the last segment, should its sender have missed it. */
  lastAck: SegmentAckApdu | undefined = undefined;
  /** The transaction that had this invoke id when this one began to arrive. */
  earlier: Served | undefined = undefined;
  sending: Transmission<ComplexAckApdu> | undefined = undefined;
  triesLeft = 0;
  answer: Answer | undefined = undefined;
  changes = 0;
  /** What to do when its time is up; set where it waits. */
  expired: (() => void) | undefined = undefined;

  constructor(key: number, header: ConfirmedRequestApdu, phase: Served['phase']) {
    super();
    this.key = key;
    this.header = header;
    this.phase = phase;
  }

  expire(): void {
    this.expired?.();
  }
}
