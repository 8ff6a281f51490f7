// Annex J and clause 6 as a station on an IP network sees them: BVLC function, NPDU, routed addresses. Bytes in, values out.

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** A station on another network; an empty `mac` means every station there. */
export interface Route {
  readonly network: number;
  readonly mac: Buffer;
}

export const BVLC = {
  result: 0x00,
  writeBroadcastTable: 0x01,
  readBroadcastTable: 0x02,
  readBroadcastTableAck: 0x03,
  forwarded: 0x04,
  registerForeignDevice: 0x05,
  readForeignTable: 0x06,
  readForeignTableAck: 0x07,
  deleteForeignEntry: 0x08,
  distributeBroadcast: 0x09,
  unicast: 0x0a,
  broadcast: 0x0b,
} as const;

export const EVERY_NETWORK = 0xffff;

interface Bvlc {
  readonly function: number;
  readonly payload: Buffer;
  /** Who said it first, in a Forwarded-NPDU. */
  readonly origin?: Endpoint;
}

export interface Npdu {
  readonly expectingReply: boolean;
  readonly priority: number;
  readonly destination?: Route;
  readonly source?: Route;
  readonly hops?: number;
  /** A network layer message and its type; absent for an APDU. */
  readonly message?: number;
  readonly payload: Buffer;
}

/** Six octets: address and port, as Annex J writes a B/IP address. */
export function macOf(endpoint: Endpoint): Buffer {
  const mac = Buffer.alloc(6);
  for (const [index, part] of endpoint.host.split('.').entries()) mac.writeUInt8(Number(part), index);
  mac.writeUInt16BE(endpoint.port, 4);
  return mac;
}

export function endpointOf(mac: Buffer): Endpoint {
  return { host: [...mac.subarray(0, 4)].join('.'), port: mac.readUInt16BE(4) };
}

export function encodeBvlc(bvlcFunction: number, payload: Buffer, origin?: Endpoint): Buffer {
  const body = origin === undefined ? payload : Buffer.concat([macOf(origin), payload]);
  const header = Buffer.from([0x81, bvlcFunction, 0, 0]);
  header.writeUInt16BE(4 + body.length, 2);
  return Buffer.concat([header, body]);
}

/** `undefined` where the datagram is no BVLL message or its length is not the datagram's. */
export function decodeBvlc(bytes: Buffer): Bvlc | undefined {
  if (bytes.length < 4 || bytes[0] !== 0x81 || bytes.readUInt16BE(2) !== bytes.length) return undefined;
  const code = bytes.readUInt8(1);
  if (code !== BVLC.forwarded) return { function: code, payload: bytes.subarray(4) };
  if (bytes.length < 10) return undefined;
  return { function: code, payload: bytes.subarray(10), origin: endpointOf(bytes.subarray(4, 10)) };
}

export function encodeNpdu(npdu: Npdu): Buffer {
  const { destination, source, message } = npdu;
  const control =
    (message === undefined ? 0 : 0x80) |
    (destination === undefined ? 0 : 0x20) |
    (source === undefined ? 0 : 0x08) |
    (npdu.expectingReply ? 0x04 : 0) |
    npdu.priority;
  return Buffer.concat([
    Buffer.from([1, control]),
    destination === undefined ? Buffer.alloc(0) : routeOctets(destination),
    source === undefined ? Buffer.alloc(0) : routeOctets(source),
    destination === undefined ? Buffer.alloc(0) : Buffer.from([npdu.hops ?? 255]),
    message === undefined ? Buffer.alloc(0) : Buffer.from([message]),
    npdu.payload,
  ]);
}

function routeOctets(route: Route): Buffer {
  return Buffer.concat([Buffer.from([route.network >> 8, route.network & 0xff, route.mac.length]), route.mac]);
}

/** `undefined` where the octets are no NPDU of version 1. */
export function decodeNpdu(bytes: Buffer): Npdu | undefined {
  if (bytes.length < 3 || bytes[0] !== 1) return undefined;
  const control = bytes.readUInt8(1);
  let at = 2;
  const route = (): Route | undefined => {
    const length = bytes[at + 2];
    if (length === undefined || at + 3 + length > bytes.length) return undefined;
    const found = { network: bytes.readUInt16BE(at), mac: Buffer.from(bytes.subarray(at + 3, at + 3 + length)) };
    at += 3 + length;
    return found;
  };
  const destination = (control & 0x20) === 0 ? undefined : route();
  const source = (control & 0x08) === 0 ? undefined : route();
  if (((control & 0x20) !== 0 && !destination) || ((control & 0x08) !== 0 && !source)) return undefined;
  const hops = destination === undefined ? undefined : bytes[at++];
  const message = (control & 0x80) === 0 ? undefined : bytes[at++];
  if ((destination && hops === undefined) || ((control & 0x80) !== 0 && message === undefined)) return undefined;
  return {
    expectingReply: (control & 0x04) !== 0,
    priority: control & 0x03,
    payload: bytes.subarray(at),
    ...(destination === undefined ? {} : { destination }),
    ...(source === undefined ? {} : { source }),
    ...(hops === undefined ? {} : { hops }),
    ...(message === undefined ? {} : { message }),
  };
}
