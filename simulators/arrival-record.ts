// What arrived at a simulated device: the witness of every scenario. It counts for ever and keeps the last entries.

/** `write`: what changes something or could. `other`: what is no request that the device knows. */
export type FrameKind = 'read' | 'write' | 'other';

const KEPT = 10_000;

/** A bounded record of frames; the counts are not bounded. */
export class ArrivalRecord<Frame extends { readonly kind: FrameKind }> {
  readonly #kept: number;
  readonly #frames: Frame[] = [];
  readonly #seen: Record<FrameKind, number> = { read: 0, write: 0, other: 0 };

  /** `kept`: how many frames are kept. */
  constructor(kept = KEPT) {
    this.#kept = kept;
  }

  add(frame: Frame): void {
    this.#seen[frame.kind] += 1;
    this.#frames.push(frame);
    if (this.#frames.length > this.#kept) this.#frames.shift();
  }

  /** The last frames in order of arrival. */
  all(): readonly Frame[] {
    return this.#frames;
  }

  writes(): readonly Frame[] {
    return this.#of('write');
  }

  reads(): readonly Frame[] {
    return this.#of('read');
  }

  others(): readonly Frame[] {
    return this.#of('other');
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

  #of(kind: FrameKind): readonly Frame[] {
    return this.#frames.filter((frame) => frame.kind === kind);
  }
}
