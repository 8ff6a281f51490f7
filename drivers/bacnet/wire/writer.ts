// Writes canonical tags (clause 20.2.1). Inside step "bytes ◄─relay──" of the road.
// 1. One form for every tag: the shortest; so what a TagReader accepted is written back as it was.
// 2. A number that does not fit is our own bug, not a peer's: it throws, nothing is sent.

/** Every message fits that goes in one APDU of B/IP. */
const FIRST_SIZE = 2048;
/** Of the last writer that ended, for the next one. */
let spare: Uint8Array | undefined;
const ENDED = new Uint8Array(0);
/** By octets: the greatest number they hold. */
const MOST = [0, 0xff, 0xffff, 0xff_ffff, 0xffff_ffff] as const;
const FLOAT = new DataView(new ArrayBuffer(4));

/** A growing buffer. One per message: `finish` gives a copy of its octets and ends the writer. */
export class TagWriter {
  private buffer: Uint8Array;
  private length = 0;

  constructor() {
    this.buffer = spare ?? new Uint8Array(FIRST_SIZE);
    spare = undefined;
  }

  finish(): Uint8Array {
    const octets = this.buffer.slice(0, this.length);
    if (this.buffer.length === FIRST_SIZE) spare = this.buffer;
    // Whoever writes on, writes nowhere.
    this.buffer = ENDED;
    return octets;
  }

  /** Throws where `value` is no octet. */
  octet(value: number): void {
    if ((value & 0xff) !== value) throw new RangeError(`got \`${value}\`, expected an octet`);
    if (this.length === this.buffer.length) this.reserve(1);
    this.buffer[this.length] = value;
    this.length += 1;
  }

  /** Big-endian, in exactly `octets` octets (1 to 4). Throws where it does not fit. */
  unsigned(value: number, octets: number): void {
    if (!Number.isInteger(value) || value < 0 || value > (MOST[octets] ?? -1)) {
      throw new RangeError(`got \`${value}\`, expected an unsigned integer of \`${octets}\` octets`);
    }
    for (let shift = 8 * (octets - 1); shift >= 0; shift -= 8) this.octet((value >>> shift) & 0xff);
  }

  octets(value: Uint8Array): void {
    this.reserve(value.length);
    this.buffer.set(value, this.length);
    this.length += value.length;
  }

  float32(value: number): void {
    FLOAT.setFloat32(0, value);
    this.unsigned(FLOAT.getUint32(0), 4);
  }

  /** The header of an application tag; for a Boolean `length` is its value (20.2.3). */
  application(number: number, length: number): void {
    this.header(number, 0, length);
  }

  context(number: number, length: number): void {
    this.header(number, 0x08, length);
  }

  opening(number: number): void {
    this.tag(number, 0x08 | 6);
  }

  closing(number: number): void {
    this.tag(number, 0x08 | 7);
  }

  private header(number: number, tagClass: number, length: number): void {
    if (length < 5) {
      this.tag(number, tagClass | length);
      return;
    }
    this.tag(number, tagClass | 5);
    if (length < 254) {
      this.octet(length);
    } else if (length < 65_536) {
      this.octet(254);
      this.unsigned(length, 2);
    } else {
      this.octet(255);
      this.unsigned(length, 4);
    }
  }

  private tag(number: number, low: number): void {
    if (number < 15) {
      this.octet((number << 4) | low);
    } else {
      this.octet(0xf0 | low);
      this.octet(number);
    }
  }

  private reserve(octets: number): void {
    const needed = this.length + octets;
    if (needed <= this.buffer.length) return;
    const larger = new Uint8Array(Math.max(needed, this.buffer.length * 2));
    larger.set(this.buffer);
    this.buffer = larger;
  }
}
