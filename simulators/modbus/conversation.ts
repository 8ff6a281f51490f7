// Every byte that went in and out of one simulated host or line, in order: for "nothing arrived" and for a protocol analyser.

interface SpokenBytes {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly peer: string;
  /** `in`: from the client to the device. */
  readonly direction: 'in' | 'out';
  readonly bytes: Buffer;
}

const KEPT_BYTES = 8 * 1024 * 1024;
const KEPT_CHUNKS = 20_000;

/** Bounded to the last 8 MiB in at most 20 000 chunks; the count of arrived bytes is not bounded. */
export class Conversation {
  readonly #spoken: SpokenBytes[] = [];
  readonly #now: () => number;
  #kept = 0;
  #arrived = 0;
  #connections = 0;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  connected(): void {
    this.#connections += 1;
  }

  add(peer: string, direction: 'in' | 'out', bytes: Buffer): void {
    if (direction === 'in') this.#arrived += bytes.length;
    this.#kept += bytes.length;
    this.#spoken.push({ at: this.#now(), peer, direction, bytes: Buffer.from(bytes) });
    while (this.#kept > KEPT_BYTES || this.#spoken.length > KEPT_CHUNKS) {
      this.#kept -= this.#spoken.shift()?.bytes.length ?? this.#kept;
    }
  }

  /** What was said, oldest first. */
  all(): readonly SpokenBytes[] {
    return this.#spoken;
  }

  /** All bytes that arrived, of one peer or of all, in order. */
  arrived(peer?: string): Buffer {
    const chunks = this.#spoken.filter((said) => said.direction === 'in' && (peer === undefined || said.peer === peer));
    return Buffer.concat(chunks.map((said) => said.bytes));
  }

  /** How many bytes ever arrived. */
  get bytesArrived(): number {
    return this.#arrived;
  }

  /** How many connections were ever made. */
  get connections(): number {
    return this.#connections;
  }
}
