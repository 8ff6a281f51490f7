// Recorded conversations as a capture file: Ethernet-less raw IPv4; of TCP whole sessions, so that an analyser reassembles them.

/** One piece of a conversation; `in` is from client to server. */
export interface CapturedBytes {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Tells one connection from another. */
  readonly peer: string;
  readonly direction: 'in' | 'out';
  readonly bytes: Uint8Array;
}

/** An IPv4 packet. */
interface CapturedPacket {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly bytes: Buffer;
}

const LINKTYPE_RAW = 101;
const MAX_SEGMENT = 1400;
const TCP = 6;
const SYN = 0x02;
const ACK = 0x10;
const PSH_ACK = 0x18;
const FIN_ACK = 0x11;
const CLIENT = 0x7f000002;
const SERVER = 0x7f000001;

function checksum(bytes: Buffer): number {
  let sum = 0;
  for (let at = 0; at + 1 < bytes.length; at += 2) sum += bytes.readUInt16BE(at);
  if (bytes.length % 2 === 1) sum += bytes.readUInt8(bytes.length - 1) << 8;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** An IPv4 packet; addresses as numbers. */
export function ipPacket(protocol: number, from: number, to: number, payload: Buffer): Buffer {
  const ip = Buffer.alloc(20);
  ip.writeUInt16BE(0x4500, 0);
  ip.writeUInt16BE(20 + payload.length, 2);
  ip.writeUInt16BE(0x4000 | protocol, 8);
  ip.writeUInt32BE(from, 12);
  ip.writeUInt32BE(to, 16);
  ip.writeUInt16BE(checksum(ip), 10);
  return Buffer.concat([ip, payload]);
}

/** The packets in their order, each later than the one before. */
export function pcapFile(packets: readonly CapturedPacket[]): Buffer {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0xa1b2c3d4, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(65_535, 16);
  header.writeUInt32LE(LINKTYPE_RAW, 20);
  const out: Buffer[] = [header];
  let microseconds = 0;
  for (const { at, bytes } of packets) {
    microseconds = Math.max(microseconds + 1, Math.round(at * 1000));
    const head = Buffer.alloc(16);
    head.writeUInt32LE(Math.floor(microseconds / 1e6), 0);
    head.writeUInt32LE(microseconds % 1e6, 4);
    head.writeUInt32LE(bytes.length, 8);
    head.writeUInt32LE(bytes.length, 12);
    out.push(head, bytes);
  }
  return Buffer.concat(out);
}

interface Side {
  readonly address: number;
  readonly port: number;
  next: number;
}

function packet(from: Side, to: Side, flags: number, data: Uint8Array): Buffer {
  const tcp = Buffer.alloc(20 + data.length);
  tcp.writeUInt16BE(from.port, 0);
  tcp.writeUInt16BE(to.port, 2);
  tcp.writeUInt32BE(from.next, 4);
  tcp.writeUInt32BE(flags === SYN ? 0 : to.next, 8);
  tcp.writeUInt16BE((5 << 12) | flags, 12);
  tcp.writeUInt16BE(0xffff, 14);
  tcp.set(data, 20);
  const pseudo = Buffer.alloc(12);
  pseudo.writeUInt32BE(from.address, 0);
  pseudo.writeUInt32BE(to.address, 4);
  pseudo.writeUInt16BE(TCP, 8);
  pseudo.writeUInt16BE(tcp.length, 10);
  tcp.writeUInt16BE(checksum(Buffer.concat([pseudo, tcp])), 16);
  from.next = (from.next + data.length + ((flags & (SYN | 1)) === 0 ? 0 : 1)) >>> 0;
  return ipPacket(TCP, from.address, to.address, tcp);
}

/** A pcap file of the conversations, every peer a TCP session of its own with `serverPort`, opened and closed. */
export function pcapOf(pieces: readonly CapturedBytes[], serverPort: number): Buffer {
  const packets: CapturedPacket[] = [];
  const put = (at: number, bytes: Buffer): void => void packets.push({ at, bytes });
  const sessions = new Map<string, { readonly client: Side; readonly server: Side }>();
  const none = Buffer.alloc(0);
  for (const piece of pieces) {
    let session = sessions.get(piece.peer);
    if (session === undefined) {
      const client: Side = { address: CLIENT, port: 40_000 + sessions.size, next: 1000 };
      const server: Side = { address: SERVER, port: serverPort, next: 2000 };
      session = { client, server };
      sessions.set(piece.peer, session);
      put(piece.at, packet(client, server, SYN, none));
      put(piece.at, packet(server, client, SYN | ACK, none));
      put(piece.at, packet(client, server, ACK, none));
    }
    const [from, to] = piece.direction === 'in' ? [session.client, session.server] : [session.server, session.client];
    for (let at = 0; at < piece.bytes.length; at += MAX_SEGMENT) {
      put(piece.at, packet(from, to, PSH_ACK, piece.bytes.subarray(at, at + MAX_SEGMENT)));
    }
  }
  for (const { client, server } of sessions.values()) {
    put(0, packet(client, server, FIN_ACK, none));
    put(0, packet(server, client, FIN_ACK, none));
    put(0, packet(client, server, ACK, none));
  }
  return pcapFile(packets);
}
