// Reads canonical tags from the octets of one service (clause 20.2.1). Inside step "bytes ─decode─►" of the road.
// 1. The first fault stays: after it the reader shows `end` for ever, so no caller can loop on or read further.
// 2. Only the shortest form of a tag is accepted; every octet belongs to exactly one tag.
// 3. Nothing here throws; positions only grow and never pass the end.

import { rejectFor, type ServiceFaultCode, type WireFault } from './fault.ts';
import { octetAt } from './octet.ts';

/** What stands at the reader's position. `end`: nothing left, or a fault was met. */
type TagForm = 'application' | 'context' | 'opening' | 'closing' | 'end';

/** How deep constructed values may nest; the standard's own types need fewer than ten. */
export const MAX_DEPTH = 32;

/** How many tags one service may carry; what a reassembled request of 64 KiB needs and no more. */
export const MAX_TAGS = 65_536;

const HEX = (octet: number): string => octet.toString(16).padStart(2, '0');

/** A cursor over tags. `peek` looks at the tag at `position`; `enter` and `skip` move past it. */
export class TagReader {
  readonly octets: Uint8Array;
  position = 0;
  fault: WireFault | undefined;
  /** Of the tag last looked at; meaningful while `form` is not `end`. */
  form: TagForm = 'end';
  number = 0;
  contentStart = 0;
  /** Octets of contents; 0 for opening and closing tags and for an application-tagged Boolean. */
  contentLength = 0;
  /** An application-tagged Boolean keeps its value in the tag itself (clause 20.2.3). */
  tagValue = 0;
  private seen = -1;
  private tags = 0;

  constructor(octets: Uint8Array) {
    this.octets = octets;
  }

  /** Sets the fault if none is set. Always `undefined`, so that a decoder can return it. */
  refuse(code: ServiceFaultCode, message: string, offset: number = this.position): undefined {
    this.fault ??= { code, message, offset, answer: rejectFor(code) };
    this.form = 'end';
    return undefined;
  }

  /** Says that the tag at the position is not the `expected` one. */
  refuseTag(expected: string): undefined {
    if (this.fault !== undefined) return undefined;
    const form = this.peek();
    if (this.fault !== undefined) return undefined;
    if (form === 'end' || form === 'closing')
      return this.refuse('parameter-missing', `got nothing, expected ${expected}`);
    return this.refuse('tag-unexpected', `got ${form} tag \`${this.number}\`, expected ${expected}`);
  }

  peek(): TagForm {
    if (this.seen === this.position) return this.form;
    if (this.fault !== undefined) return 'end';
    this.seen = this.position;
    this.form = this.position === this.octets.length ? 'end' : this.header();
    return this.form;
  }

  /** Steps over an opening or closing tag that was looked at. */
  enter(): void {
    this.position = this.contentStart;
  }

  /** Steps over a primitive tag that was looked at, contents and all. */
  skip(): void {
    this.position = this.contentStart + this.contentLength;
  }

  is(form: TagForm, number: number): boolean {
    return this.peek() === form && this.number === number;
  }

  private header(): TagForm {
    const { octets } = this;
    const end = octets.length;
    const first = octetAt(octets, this.position);
    let at = this.position + 1;
    this.tags += 1;
    if (this.tags > MAX_TAGS) return this.stop('too-many', `got more than \`${MAX_TAGS}\` tags`);

    const isContext = (first & 0x08) !== 0;
    let number = first >> 4;
    if (number === 15) {
      // 20.2.1.2: 15 in the first octet moves the number to the next one, for 15 to 254.
      const extended = octets[at];
      if (extended === undefined) return this.stop('tag-malformed', 'got the end, expected an extended tag number');
      if (extended < 15 || extended === 255) {
        return this.stop('tag-not-canonical', `got extended tag number \`${extended}\`, expected \`15\` to \`254\``);
      }
      number = extended;
      at += 1;
    }
    this.number = number;
    this.contentLength = 0;

    const low = first & 0x07;
    if (!isContext) return this.application(low, at, end);
    if (low === 6 || low === 7) {
      // 20.2.1.3.2: constructed data stands between an opening and a closing tag.
      this.contentStart = at;
      return low === 6 ? 'opening' : 'closing';
    }
    return this.contents(low, at, end) ? 'context' : 'end';
  }

  private application(low: number, at: number, end: number): TagForm {
    // 20.2.1.4: application tags 13 and up are reserved.
    if (this.number > 12) return this.stop('tag-malformed', `got reserved application tag \`${this.number}\``);
    if (low > 5) return this.stop('tag-malformed', `got \`${low}\` as length of application tag \`${this.number}\``);
    if (this.number === 1) {
      // 20.2.3: a Boolean's value is the tag's own 0 or 1.
      if (low > 1) return this.stop('parameter-datatype', `got Boolean \`${low}\`, expected \`0\` or \`1\``);
      this.contentStart = at;
      this.tagValue = low;
      return 'application';
    }
    return this.contents(low, at, end) ? 'application' : 'end';
  }

  /** 20.2.1.3.1: lengths to 4 in the tag, to 253 in one more octet, to 65535 in three, else in five. */
  private contents(low: number, at: number, end: number): boolean {
    const { octets } = this;
    let length = low;
    let start = at;
    if (low === 5) {
      const one = octets[at];
      const wide = one === 254 ? 2 : one === 255 ? 4 : 0;
      start = at + 1 + wide;
      if (one === undefined || start > end) {
        this.stop('tag-malformed', 'got the end, expected an extended length');
        return false;
      }
      length = one;
      if (wide > 0) {
        length = 0;
        for (let index = at + 1; index < start; index += 1) length = length * 256 + octetAt(octets, index);
      }
      const least = wide === 0 ? 5 : wide === 2 ? 254 : 65_536;
      if (length < least) {
        this.stop(
          'tag-not-canonical',
          `got length \`${length}\` in \`${wide + 1}\` octets, expected the shortest form`,
        );
        return false;
      }
    }
    if (length > end - start) {
      this.stop('tag-malformed', `got \`${end - start}\` octets of contents, expected \`${length}\``);
      return false;
    }
    this.contentStart = start;
    this.contentLength = length;
    return true;
  }

  private stop(code: ServiceFaultCode, message: string): 'end' {
    const first = HEX(octetAt(this.octets, this.position));
    this.refuse(code, `${message} in tag \`${first}\``);
    return 'end';
  }
}
