// What arrived at a simulated device, and what it changed.
// 1. A datagram is recorded before anything is made of it, whatever the device then does with it.
// 2. What is not a known read counts as a write or as `other`: nothing that could have changed something hides among the reads.

import { ArrivalRecord, type FrameKind } from '../arrival-record.ts';

const KEPT_CHANGES = 10_000;

export interface ArrivedFrame {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** `address:port` of the sender; the route of the NPDU's source is in the summary. */
  readonly peer: string;
  /** The whole datagram. */
  readonly bytes: Buffer;
  /** `write`: a service that changes something or could. `other`: answers, notifications, network and BVLL messages, bytes that are no frame. */
  readonly kind: FrameKind;
  /** `write-property`; absent for what is no request. */
  readonly service?: string;
  readonly invokeId?: number;
  /** `analog-value,1 present-value` for each property, `file,1` for each object that a service of the standard names. */
  readonly targets: readonly string[];
  /** The inventory's ids of the targets that are points. */
  readonly points: readonly string[];
  /** One line for a person: `write-property analog-value,1 present-value = 21.5 @8 (ahu2/sat-sp)`. */
  readonly summary: string;
}

/** A change that a device made to itself or took from a service, after the fact. */
interface AppliedChange {
  readonly at: number;
  /** `analog-value,1 present-value` */
  readonly target: string;
  /** As a person reads it: `21.5`, `null`. */
  readonly value: string;
  readonly priority?: number;
  /** Who asked for it; absent for what the device did of itself. */
  readonly peer?: string;
}

/** The frames that arrived, and what came of them. */
export class DeviceRecord extends ArrivalRecord<ArrivedFrame> {
  readonly #applied: AppliedChange[] = [];

  addApplied(change: AppliedChange): void {
    this.#applied.push(change);
    if (this.#applied.length > KEPT_CHANGES) this.#applied.shift();
  }

  /** The last changes that services brought about. */
  applied(): readonly AppliedChange[] {
    return this.#applied;
  }
}
