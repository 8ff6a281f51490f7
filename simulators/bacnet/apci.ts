// Clause 20.1: the eight APDU kinds with their headers, read and written.

export interface ConfirmedRequest {
  readonly kind: 'confirmed-request';
  readonly invokeId: number;
  readonly service: number;
  readonly payload: Buffer;
  readonly segmentedAnswerAccepted: boolean;
  /** Coded 0 to 7: unspecified, 2, 4, 8, 16, 32, 64, more than 64. */
  readonly maxSegments: number;
  /** Coded 0 to 5: 50, 128, 206, 480, 1024, 1476 octets. */
  readonly maxApdu: number;
  readonly segment?: Segment;
}

export interface ComplexAck {
  readonly kind: 'complex-ack';
  readonly invokeId: number;
  readonly service: number;
  readonly payload: Buffer;
  readonly segment?: Segment;
}

export interface Segment {
  readonly more: boolean;
  /** 0 to 255, then again from 0. */
  readonly sequence: number;
  readonly window: number;
}

interface SegmentAck {
  readonly kind: 'segment-ack';
  readonly negative: boolean;
  /** Sent by the side that answers. */
  readonly server: boolean;
  readonly invokeId: number;
  readonly sequence: number;
  readonly window: number;
}

export type Apdu =
  | ConfirmedRequest
  | ComplexAck
  | SegmentAck
  | { readonly kind: 'unconfirmed-request'; readonly service: number; readonly payload: Buffer }
  | { readonly kind: 'simple-ack'; readonly invokeId: number; readonly service: number }
  | { readonly kind: 'error'; readonly invokeId: number; readonly service: number; readonly payload: Buffer }
  | { readonly kind: 'reject'; readonly invokeId: number; readonly reason: number }
  | { readonly kind: 'abort'; readonly server: boolean; readonly invokeId: number; readonly reason: number };

const MAX_APDU = [50, 128, 206, 480, 1024, 1476] as const;
const MAX_SEGMENTS = [Number.POSITIVE_INFINITY, 2, 4, 8, 16, 32, 64, Number.POSITIVE_INFINITY] as const;

/** Octets a coded max-APDU stands for; a reserved code counts as the largest. */
export function apduLengthOf(code: number): number {
  return MAX_APDU[code] ?? 1476;
}

/** The code of the largest size that does not exceed `length`. */
export function apduCodeOf(length: number): number {
  return Math.max(
    0,
    MAX_APDU.findLastIndex((size) => size <= length),
  );
}

export function segmentCountOf(code: number): number {
  return MAX_SEGMENTS[code] ?? Number.POSITIVE_INFINITY;
}

export function encodeApdu(apdu: Apdu): Buffer {
  switch (apdu.kind) {
    case 'confirmed-request': {
      const flags = segmentFlags(apdu.segment) | (apdu.segmentedAnswerAccepted ? 0x02 : 0);
      const sizes = (apdu.maxSegments << 4) | apdu.maxApdu;
      return Buffer.concat([
        Buffer.from([flags, sizes, apdu.invokeId, ...segmentOctets(apdu.segment), apdu.service]),
        apdu.payload,
      ]);
    }
    case 'unconfirmed-request':
      return Buffer.concat([Buffer.from([0x10, apdu.service]), apdu.payload]);
    case 'simple-ack':
      return Buffer.from([0x20, apdu.invokeId, apdu.service]);
    case 'complex-ack':
      return Buffer.concat([
        Buffer.from([0x30 | segmentFlags(apdu.segment), apdu.invokeId, ...segmentOctets(apdu.segment), apdu.service]),
        apdu.payload,
      ]);
    case 'segment-ack': {
      const first = 0x40 | (apdu.negative ? 0x02 : 0) | (apdu.server ? 0x01 : 0);
      return Buffer.from([first, apdu.invokeId, apdu.sequence, apdu.window]);
    }
    case 'error':
      return Buffer.concat([Buffer.from([0x50, apdu.invokeId, apdu.service]), apdu.payload]);
    case 'reject':
      return Buffer.from([0x60, apdu.invokeId, apdu.reason]);
    case 'abort':
      return Buffer.from([0x70 | (apdu.server ? 0x01 : 0), apdu.invokeId, apdu.reason]);
  }
}

function segmentFlags(segment: Segment | undefined): number {
  return segment === undefined ? 0 : 0x08 | (segment.more ? 0x04 : 0);
}

function segmentOctets(segment: Segment | undefined): readonly number[] {
  return segment === undefined ? [] : [segment.sequence, segment.window];
}

/** `undefined` where the header is cut off or of no known kind. */
export function decodeApdu(bytes: Buffer): Apdu | undefined {
  const [first = 0xff, second = 0, third = 0] = bytes;
  const flags = first & 0x0f;
  switch (first >> 4) {
    case 0: {
      const segment = (flags & 0x08) === 0 ? undefined : segmentAt(bytes, 3, flags);
      const at = segment === undefined ? 3 : 5;
      const service = bytes[at];
      if (service === undefined) return undefined;
      return {
        kind: 'confirmed-request',
        invokeId: third,
        service,
        payload: bytes.subarray(at + 1),
        segmentedAnswerAccepted: (flags & 0x02) !== 0,
        maxSegments: (second >> 4) & 0x07,
        maxApdu: second & 0x0f,
        ...(segment === undefined ? {} : { segment }),
      };
    }
    case 1:
      if (bytes.length < 2) return undefined;
      return { kind: 'unconfirmed-request', service: second, payload: bytes.subarray(2) };
    case 2:
      return bytes.length < 3 ? undefined : { kind: 'simple-ack', invokeId: second, service: third };
    case 3: {
      const segment = (flags & 0x08) === 0 ? undefined : segmentAt(bytes, 2, flags);
      const at = segment === undefined ? 2 : 4;
      const service = bytes[at];
      if (service === undefined) return undefined;
      const payload = bytes.subarray(at + 1);
      return { kind: 'complex-ack', invokeId: second, service, payload, ...(segment === undefined ? {} : { segment }) };
    }
    case 4: {
      const window = bytes[3];
      if (window === undefined) return undefined;
      const [negative, server] = [(flags & 0x02) !== 0, (flags & 0x01) !== 0];
      return { kind: 'segment-ack', negative, server, invokeId: second, sequence: third, window };
    }
    case 5:
      if (bytes.length < 3) return undefined;
      return { kind: 'error', invokeId: second, service: third, payload: bytes.subarray(3) };
    case 6:
      return bytes.length < 3 ? undefined : { kind: 'reject', invokeId: second, reason: third };
    case 7:
      if (bytes.length < 3) return undefined;
      return { kind: 'abort', server: (flags & 0x01) !== 0, invokeId: second, reason: third };
    default:
      return undefined;
  }
}

function segmentAt(bytes: Buffer, at: number, flags: number): Segment {
  return { more: (flags & 0x04) !== 0, sequence: bytes[at] ?? 0, window: bytes[at + 1] ?? 0 };
}
