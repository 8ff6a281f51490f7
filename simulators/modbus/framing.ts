// Frames of the simulated devices: MBAP and RTU, read from the standards a second time and on purpose not shared with the gateway.
// 1. Every byte that comes in ends in a frame, in the rest, or in junk: none disappears.
// 2. `by-function` is the careless device: it trusts the function code for the length and not the MBAP header, so a request
//    hidden behind another is carried out. Such devices exist; a gateway in front of one must never send it such bytes.

/** How a Modbus/TCP device finds the end of a request. */
export type MbapFraming = 'by-length' | 'by-function';

export interface MbapFrame {
  readonly transaction: number;
  readonly unit: number;
  /** Function code and data, at least one byte. */
  readonly pdu: Buffer;
  /** The whole frame as it arrived. */
  readonly bytes: Buffer;
}

export interface RtuFrame {
  readonly unit: number;
  readonly pdu: Buffer;
  readonly bytes: Buffer;
}

/** `frames` in order of arrival, `rest` is the beginning of a frame, `junk` cannot be part of any: the device gives up on it. */
interface SplitFrames<Frame> {
  readonly frames: readonly Frame[];
  readonly rest: Buffer;
  readonly junk: Buffer;
}

const NOTHING = Buffer.alloc(0);
const MBAP_HEADER = 7;
const MAX_PDU = 253;

/** The CRC of RTU frames (polynomial 0xA001, start 0xFFFF), sent low byte first. */
export function crc16(bytes: Uint8Array): number {
  let crc = 0xffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc & 1) === 1 ? (crc >> 1) ^ 0xa001 : crc >> 1;
  }
  return crc;
}

/** Length of the request that begins with this function code: `more` bytes are needed to tell, or the code is `unknown`. */
export function requestLength(pdu: Buffer): number | 'more' | 'unknown' {
  const code = pdu[0];
  if (code === undefined) return 'more';
  const countedAt = (position: number): number | 'more' => {
    const count = pdu[position];
    return count === undefined ? 'more' : position + 1 + count;
  };
  if (code >= 1 && code <= 6) return 5;
  if (code === 7 || code === 11 || code === 12 || code === 17) return 1;
  if (code === 8) return 5;
  if (code === 15 || code === 16) return countedAt(5);
  if (code === 20 || code === 21) return countedAt(1);
  if (code === 22) return 7;
  if (code === 23) return countedAt(9);
  if (code === 24) return 3;
  if (code === 43) return pdu[1] === undefined ? 'more' : pdu[1] === 14 ? 4 : 'unknown';
  return 'unknown';
}

/** Cuts a Modbus/TCP byte stream. A wrong protocol id or an impossible length turns everything from there on into junk. */
export function splitMbap(stream: Buffer, framing: MbapFraming): SplitFrames<MbapFrame> {
  const frames: MbapFrame[] = [];
  let at = 0;
  while (stream.length - at > MBAP_HEADER) {
    const declared = stream.readUInt16BE(at + 4) - 1;
    if (stream.readUInt16BE(at + 2) !== 0 || declared < 1 || declared > MAX_PDU) {
      return { frames, rest: NOTHING, junk: stream.subarray(at) };
    }
    const found = framing === 'by-length' ? declared : requestLength(stream.subarray(at + MBAP_HEADER));
    if (found === 'more') break;
    const length = found === 'unknown' ? declared : found;
    const end = at + MBAP_HEADER + length;
    if (end > stream.length) break;
    frames.push({
      transaction: stream.readUInt16BE(at),
      unit: stream.readUInt8(at + 6),
      pdu: stream.subarray(at + MBAP_HEADER, end),
      bytes: stream.subarray(at, end),
    });
    at = end;
  }
  return { frames, rest: stream.subarray(at), junk: NOTHING };
}

/** One Modbus/TCP frame around a PDU. */
export function wrapMbap(transaction: number, unit: number, pdu: Uint8Array): Buffer {
  const header = Buffer.alloc(MBAP_HEADER);
  header.writeUInt16BE(transaction, 0);
  header.writeUInt16BE(pdu.length + 1, 4);
  header.writeUInt8(unit, 6);
  return Buffer.concat([header, pdu]);
}

function lengthByCrc(stream: Buffer): number | undefined {
  for (let end = 4; end <= Math.min(stream.length, 256); end += 1) {
    if (crc16(stream.subarray(0, end - 2)) === stream.readUInt16LE(end - 2)) return end;
  }
  return undefined;
}

/** Cuts an RTU byte stream by expected length; where the function code is unknown, by the first CRC that fits. A wrong CRC turns the whole stream into junk. */
export function splitRtu(stream: Buffer): SplitFrames<RtuFrame> {
  const frames: RtuFrame[] = [];
  let at = 0;
  while (stream.length - at >= 4) {
    const expected = requestLength(stream.subarray(at + 1));
    if (expected === 'more') break;
    const found = expected === 'unknown' ? lengthByCrc(stream.subarray(at)) : expected + 3;
    if (found === undefined || at + found > stream.length) break;
    const end = at + found;
    if (crc16(stream.subarray(at, end - 2)) !== stream.readUInt16LE(end - 2)) {
      return { frames, rest: NOTHING, junk: stream.subarray(at) };
    }
    frames.push({
      unit: stream.readUInt8(at),
      pdu: stream.subarray(at + 1, end - 2),
      bytes: stream.subarray(at, end),
    });
    at = end;
  }
  return { frames, rest: stream.subarray(at), junk: NOTHING };
}

/** One RTU frame around a PDU. */
export function wrapRtu(unit: number, pdu: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from([unit]), pdu]);
  const tail = Buffer.alloc(2);
  tail.writeUInt16LE(crc16(body), 0);
  return Buffer.concat([body, tail]);
}
