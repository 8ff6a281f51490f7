// Writes canonical tags (clause 20.2.1). Inside step "bytes ◄─relay──" of the road.
// 1. One form for every tag: the shortest; so what a TagReader accepted is written back as it was.
// 2. A number that does not fit is our own bug, not a peer's: it throws, nothing is sent.

/** A growing buffer. One per message: `finish` gives its octets. */
export class TagWriter {
  private buffer = new Uint8Array(128);
  private view = new DataView(this.buffer.buffer);
  private length = 0;

  finish(): Uint8Array {
    return this.buffer.subarray(0, this.length);
  }

  octet(value: number): void {
    this.unsigned(value, 1);
  }

  /** Big-endian, in exactly `octets` octets (0 to 6). Throws where it does not fit. */
  unsigned(value: number, octets: number): void {
    if (!Number.isInteger(value) || value < 0 || value >= 2 ** (8 * octets)) {
      throw new RangeError(`got \`${value}\`, expected an unsigned integer of \`${octets}\` octets`);
    }
    this.reserve(octets);
    for (let index = octets - 1, rest = value; index >= 0; index -= 1, rest = Math.floor(rest / 256)) {
      this.buffer[this.length + index] = rest % 256;
    }
    this.length += octets;
  }

  octets(value: Uint8Array): void {
    this.reserve(value.length);
    this.buffer.set(value, this.length);
    this.length += value.length;
  }

  float32(value: number): void {
    this.reserve(4);
    this.view.setFloat32(this.length, value);
    this.length += 4;
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
    this.view = new DataView(larger.buffer);
  }
}
