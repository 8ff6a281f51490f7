// line octets ─gather─► RTU ADUs (MODBUS over Serial Line V1.02, 2.5.1): a request out, its answer in, serial or over TCP.
// 1. Only a frame whose CRC holds comes out. 2. Never more than one ADU (256 octets) is waited for.
// 3. After a fault the framer is deaf until the line was silent: octets after a broken frame begin nowhere known.

import type { Result } from '../../../src/model/result.ts';
import { crc16 } from './crc.ts';
import { encodeRequest, type Room } from './encode-request.ts';
import type { PduFault } from './fault.ts';
import { gotExpected } from './fault.ts';
import { u8 } from './octets.ts';
import type { Request } from './request.ts';
import { expectedResponseLength, type FrameLength } from './rtu-length.ts';

const maxAduLength = 256;
/** Address, function code, CRC. */
const minAduLength = 4;

/** One whole ADU. Its PDU stands in `bytes` from `start` (the function code) up to `end`, the CRC left out. */
export interface RtuAdu {
  readonly kind: 'adu';
  readonly unitId: number;
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

/** A broken frame: on a serial line it has no answer. */
export interface RtuFault {
  readonly kind: 'fault';
  readonly code: 'crc' | 'too-long' | 'truncated';
  readonly message: string;
}

const nothing = new Uint8Array(0);

/** Gathers the octets that answer one request into frames, as a master hears them: `push`, then `next` until `undefined`; `silence` when the line is quiet. */
export class RtuFramer {
  readonly #request: Request;
  #bytes: Uint8Array = nothing;
  #deaf = false;

  constructor(request: Request) {
    this.#request = request;
  }

  /** Octets held: 256 at most once `next` gave `undefined`. */
  get held(): number {
    return this.#bytes.length;
  }

  push(chunk: Uint8Array): void {
    if (this.#deaf) return;
    this.#bytes = this.held === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
  }

  /** The next ADU or fault, `undefined` when more octets, or silence, are needed. */
  next(): RtuAdu | RtuFault | undefined {
    const length = this.#length();
    if (typeof length !== 'number')
      return this.held > maxAduLength ? this.#fault('too-long', tooLong('over 256')) : undefined;
    if (length > maxAduLength) return this.#fault('too-long', tooLong(length));
    return this.held < length ? undefined : this.#take(length);
  }

  /** The line was silent for t3.5 or longer: ends a frame only silence can end, drops an unfinished one, hears again. */
  silence(): RtuAdu | RtuFault | undefined {
    const { held } = this;
    const waiting = this.#length();
    const event =
      waiting === 'silence' && held >= minAduLength
        ? this.#take(held)
        : this.#fault('truncated', `the line fell silent after \`${held}\` octets, expected a whole frame`);
    this.reset();
    return held === 0 ? undefined : event;
  }

  /** Forgets what is held: a new request begins. */
  reset(): void {
    this.#bytes = nothing;
    this.#deaf = false;
  }

  #length(): FrameLength {
    return expectedResponseLength(this.#request, this.#bytes);
  }

  #take(length: number): RtuAdu | RtuFault {
    const bytes = this.#bytes;
    const end = length - 2;
    const crc = crc16(bytes, 0, end);
    const got = u8(bytes, end) | (u8(bytes, end + 1) << 8);
    if (got !== crc) return this.#fault('crc', gotExpected('crc', got, `${crc}`));
    this.#bytes = bytes.subarray(length);
    return { kind: 'adu', unitId: u8(bytes, 0), bytes, start: 1, end };
  }

  #fault(code: RtuFault['code'], message: string): RtuFault {
    this.#bytes = nothing;
    this.#deaf = true;
    return { kind: 'fault', code, message };
  }
}

function tooLong(length: number | string): string {
  return gotExpected('frame length', length, `${maxAduLength} at the most`);
}

const frameRoom: Room = { before: 1, after: 2 };

/** A request as one RTU ADU. */
export function encodeRtuRequest(unitId: number, request: Request): Result<Buffer, PduFault> {
  const encoded = encodeRequest(request, frameRoom);
  if (encoded.ok) seal(encoded.value, unitId);
  return encoded;
}

function seal(adu: Buffer, unitId: number): void {
  adu[0] = unitId;
  const end = adu.length - 2;
  const crc = crc16(adu, 0, end);
  adu[end] = crc;
  adu[end + 1] = crc >>> 8;
}
