// Clause 5.4 seen from both ends: a message cut into windows of segments, and put together again.

import { afterAwake } from '../awake-time.ts';
import type { Segment } from './apci.ts';

interface SegmentSenderOptions {
  readonly after?: typeof afterAwake;
  readonly payload: Buffer;
  /** Octets of payload in one segment. */
  readonly size: number;
  /** 1 to 127. */
  readonly proposedWindow: number;
  readonly timeoutMs: number;
  readonly retries: number;
  readonly send: (chunk: Buffer, segment: Segment) => void;
  /** The last segment was acknowledged. */
  readonly done: () => void;
  readonly failed: () => void;
}

/** Sends the first segment alone, then windows of the size the receiver named. */
export class SegmentSender {
  readonly #options: SegmentSenderOptions;
  readonly #count: number;
  #base = 0;
  #window = 1;
  #left: number;
  #timer: { cancel(): void } | undefined;

  constructor(options: SegmentSenderOptions) {
    this.#options = options;
    this.#count = Math.max(1, Math.ceil(options.payload.length / options.size));
    this.#left = options.retries;
  }

  get segments(): number {
    return this.#count;
  }

  /** Sends the window that is due, and again after each timeout. */
  start(): void {
    const end = Math.min(this.#base + this.#window, this.#count);
    const { payload, size, proposedWindow } = this.#options;
    for (let index = this.#base; index < end; index += 1) {
      const chunk = payload.subarray(index * size, (index + 1) * size);
      const more = index < this.#count - 1;
      this.#options.send(chunk, { more, sequence: index & 0xff, window: proposedWindow });
    }
    this.#timer?.cancel();
    this.#timer = (this.#options.after ?? afterAwake)(this.#options.timeoutMs, () => this.#late());
  }

  /** An acknowledgement; one outside the window is an old one and says nothing. */
  acknowledged(sequence: number, window: number): void {
    const ahead = (sequence - this.#base) & 0xff;
    const before = ((this.#base - 1) & 0xff) === sequence;
    if (!before && ahead >= this.#window) return;
    if (!before) this.#base += ahead + 1;
    this.#window = Math.max(1, window);
    this.#left = this.#options.retries;
    if (this.#base < this.#count) {
      this.start();
      return;
    }
    this.stop();
    this.#options.done();
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #late(): void {
    this.#left -= 1;
    if (this.#left < 0) this.#options.failed();
    else this.start();
  }
}

interface SegmentReceiverOptions {
  readonly after?: typeof afterAwake;
  /** 1 to 127: the most segments this side takes at once. */
  readonly window: number;
  /** How long to wait for the next one before all is forgotten. */
  readonly timeoutMs: number;
  readonly maxOctets: number;
  readonly acknowledge: (sequence: number, window: number, negative: boolean) => void;
  readonly done: (payload: Buffer) => void;
  readonly failed: () => void;
}

/** Puts segments in order together and asks again for what is missing. */
export class SegmentReceiver {
  readonly #options: SegmentReceiverOptions;
  readonly #chunks: Buffer[] = [];
  #octets = 0;
  #last = 0xff;
  #window = 1;
  #sinceAck = 0;
  #timer: { cancel(): void } | undefined;

  constructor(options: SegmentReceiverOptions) {
    this.#options = options;
  }

  take(chunk: Buffer, segment: Segment): void {
    this.#wait();
    if (segment.sequence !== ((this.#last + 1) & 0xff)) {
      const negative = ((this.#last - segment.sequence) & 0xff) >= this.#window;
      if (negative || segment.sequence === this.#last) this.#acknowledge(negative);
      return;
    }
    this.#window = Math.max(1, Math.min(segment.window, this.#options.window));
    this.#chunks.push(Buffer.from(chunk));
    this.#octets += chunk.length;
    this.#last = segment.sequence;
    this.#sinceAck += 1;
    if (this.#octets > this.#options.maxOctets) {
      this.stop();
      this.#options.failed();
    } else if (!segment.more) {
      this.#acknowledge(false);
      this.stop();
      this.#options.done(Buffer.concat(this.#chunks));
    } else if (this.#chunks.length === 1 || this.#sinceAck >= this.#window) this.#acknowledge(false);
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #acknowledge(negative: boolean): void {
    this.#sinceAck = 0;
    this.#options.acknowledge(this.#last, this.#window, negative);
  }

  #wait(): void {
    this.#timer?.cancel();
    this.#timer = (this.#options.after ?? afterAwake)(this.#options.timeoutMs, this.#options.failed);
  }
}
