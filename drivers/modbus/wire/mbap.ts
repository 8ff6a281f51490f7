// socket bytes ─gather─► MODBUS/TCP ADUs (Messaging on TCP/IP V1.0b, 3.1.3), both directions.
// 1. Drained, a framer holds less than one ADU (260 octets), however the stream is cut.
// 2. An ADU is a view of the chunk it came in. 3. After a fault that says `close`, nothing more comes out.

import { gotExpected } from './fault.ts';
import { u8, u16 } from './octets.ts';

/** Transaction id, protocol id, length, unit id. */
export const headerLength = 7;
/** What the length field may say: the unit id and a PDU of 1 to 253 octets. */
const maxLengthField = 254;

/** One whole ADU. Its PDU stands in `bytes` from `start` (the function code) up to `end`. */
export interface MbapAdu {
  readonly kind: 'adu';
  readonly transactionId: number;
  readonly unitId: number;
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

/** Where an exception response to a broken frame would go. */
interface MbapAnswer {
  readonly transactionId: number;
  readonly unitId: number;
  readonly functionCode: number;
}

/** A header that breaks the form. Answer exception 03 where `answer` is there; then go on, or close the connection. */
export interface MbapFault {
  readonly kind: 'fault';
  readonly code: 'protocol-id' | 'length-short' | 'length-long';
  readonly message: string;
  readonly answer: MbapAnswer | undefined;
  readonly afterwards: 'continue' | 'close';
}

const nothing = new Uint8Array(0);

/** Cuts one connection's stream into ADUs: `push` what a read brought, then `next` until it gives `undefined`. */
export class MbapFramer {
  #bytes: Uint8Array = nothing;
  #at = 0;
  #closed = false;

  /** Octets held: below 260 once `next` gave `undefined`. */
  get held(): number {
    return this.#bytes.length - this.#at;
  }

  /** Takes what one read brought. The chunk must not be changed afterwards. */
  push(chunk: Uint8Array): void {
    if (this.#closed) return;
    this.#bytes = this.held === 0 ? chunk : Buffer.concat([this.#bytes.subarray(this.#at), chunk]);
    this.#at = 0;
  }

  /** The next ADU or fault, `undefined` when more octets are needed. */
  next(): MbapAdu | MbapFault | undefined {
    const { held } = this;
    const at = this.#at;
    if (held < 6) return this.#wait();
    const length = u16(this.#bytes, at + 4);
    if (length < 2) {
      this.#close();
      return broken('length-short', gotExpected('length', length, '2 to 254'), undefined, 'close');
    }
    if (length > maxLengthField) {
      if (held < headerLength + 1) return this.#wait();
      const answer = this.#answer();
      this.#close();
      return broken('length-long', gotExpected('length', length, '2 to 254'), answer, 'close');
    }
    if (held < 6 + length) return this.#wait();
    const protocolId = u16(this.#bytes, at + 2);
    if (protocolId !== 0) {
      const answer = this.#answer();
      this.#at += 6 + length;
      return broken('protocol-id', gotExpected('protocol id', protocolId, '0'), answer, 'continue');
    }
    this.#at += 6 + length;
    return {
      kind: 'adu',
      transactionId: u16(this.#bytes, at),
      unitId: u8(this.#bytes, at + 6),
      bytes: this.#bytes,
      start: at + headerLength,
      end: this.#at,
    };
  }

  // A rest is copied out, so that a few octets do not keep a whole read's buffer alive.
  #wait(): undefined {
    if (this.#at > 0) this.#bytes = this.held === 0 ? nothing : Uint8Array.from(this.#bytes.subarray(this.#at));
    this.#at = 0;
    return undefined;
  }

  #answer(): MbapAnswer {
    return {
      transactionId: u16(this.#bytes, this.#at),
      unitId: u8(this.#bytes, this.#at + 6),
      functionCode: u8(this.#bytes, this.#at + 7),
    };
  }

  #close(): void {
    this.#closed = true;
    this.#bytes = nothing;
    this.#at = 0;
  }
}

function broken(
  code: MbapFault['code'],
  message: string,
  answer: MbapFault['answer'],
  afterwards: MbapFault['afterwards'],
): MbapFault {
  return { kind: 'fault', code, message, answer, afterwards };
}
