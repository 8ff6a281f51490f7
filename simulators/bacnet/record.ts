// What arrived at a simulated device: the witness of every scenario. It counts for ever and keeps the last entries.
// 1. A datagram is recorded before anything is made of it, whatever the device then does with it.
// 2. What is not a known read counts as a write or as `other`: nothing that could have changed something hides among the reads.

/** `write`: a service that changes something or could. `other`: answers, notifications, network and BVLL messages, bytes that are no frame. */
export type FrameKind = 'read' | 'write' | 'other';

export interface ArrivedFrame {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** `address:port` of the sender; the route of the NPDU's source is in the summary. */
  readonly peer: string;
  /** The whole datagram. */
  readonly bytes: Buffer;
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

const KEPT = 10_000;

/** A bounded record of frames; the counts are not bounded. */
export class ArrivalRecord {
  readonly #kept: number;
  readonly #frames: ArrivedFrame[] = [];
  readonly #applied: AppliedChange[] = [];
  readonly #seen: Record<FrameKind, number> = { read: 0, write: 0, other: 0 };

  /** `kept`: how many frames, and how many changes, are kept. */
  constructor(kept = KEPT) {
    this.#kept = kept;
  }

  add(frame: ArrivedFrame): void {
    this.#seen[frame.kind] += 1;
    keep(this.#frames, frame, this.#kept);
  }

  addApplied(change: AppliedChange): void {
    keep(this.#applied, change, this.#kept);
  }

  /** The last frames in order of arrival. */
  all(): readonly ArrivedFrame[] {
    return this.#frames;
  }

  writes(): readonly ArrivedFrame[] {
    return this.#frames.filter((frame) => frame.kind === 'write');
  }

  reads(): readonly ArrivedFrame[] {
    return this.#frames.filter((frame) => frame.kind === 'read');
  }

  others(): readonly ArrivedFrame[] {
    return this.#frames.filter((frame) => frame.kind === 'other');
  }

  /** The last changes that services brought about. */
  applied(): readonly AppliedChange[] {
    return this.#applied;
  }

  /** How many writes ever arrived; each segment of one counts. */
  writesSeen(): number {
    return this.#seen.write;
  }

  readsSeen(): number {
    return this.#seen.read;
  }

  othersSeen(): number {
    return this.#seen.other;
  }
}

function keep<T>(list: T[], item: T, most: number): void {
  list.push(item);
  if (list.length > most) list.shift();
}
