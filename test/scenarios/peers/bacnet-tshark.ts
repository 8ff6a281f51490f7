// tshark as the judge of BACnet/IP: it dissects recorded datagrams, says what is malformed and how it reads each error.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from './program.ts';

/** One datagram between two IPv4 addresses. */
export interface CapturedDatagram {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly from: { readonly host: string; readonly port: number };
  readonly to: { readonly host: string; readonly port: number };
  readonly bytes: Uint8Array;
}

interface BacnetJudgement {
  /** Datagrams in which tshark recognised BVLC and NPDU. */
  readonly recognised: number;
  /** One line for every malformed frame and every expert finding of severity error or warning. Empty is well-formed. */
  readonly faults: readonly string[];
  /** Class and code of every error of the conversation in order, in tshark's words: `property write-access-denied`. */
  readonly errors: readonly string[];
  /** Words for each datagram: tshark's info column, such as `Error         writeProperty[ 1]`. */
  readonly info: readonly string[];
}

const LINKTYPE_RAW = 101;

function ipChecksum(header: Buffer): number {
  let sum = 0;
  for (let at = 0; at < header.length; at += 2) sum += header.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

function packet({ from, to, bytes }: CapturedDatagram): Buffer {
  const udp = Buffer.alloc(8);
  udp.writeUInt16BE(from.port, 0);
  udp.writeUInt16BE(to.port, 2);
  udp.writeUInt16BE(8 + bytes.length, 4);
  const ip = Buffer.alloc(20);
  ip.writeUInt16BE(0x4500, 0);
  ip.writeUInt16BE(28 + bytes.length, 2);
  ip.writeUInt16BE(0x4011, 8);
  for (const [at, part] of from.host.split('.').entries()) ip.writeUInt8(Number(part), 12 + at);
  for (const [at, part] of to.host.split('.').entries()) ip.writeUInt8(Number(part), 16 + at);
  ip.writeUInt16BE(ipChecksum(ip), 10);
  return Buffer.concat([ip, udp, bytes]);
}

/** A pcap file of the datagrams in their order. UDP checksums are absent, which IPv4 permits. */
function udpPcapOf(datagrams: readonly CapturedDatagram[]): Buffer {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0xa1b2c3d4, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(65_535, 16);
  header.writeUInt32LE(LINKTYPE_RAW, 20);
  const out: Buffer[] = [header];
  let microseconds = 0;
  for (const datagram of datagrams) {
    microseconds = Math.max(microseconds + 1, Math.round(datagram.at * 1000));
    const bytes = packet(datagram);
    const head = Buffer.alloc(16);
    head.writeUInt32LE(Math.floor(microseconds / 1e6), 0);
    head.writeUInt32LE(microseconds % 1e6, 4);
    head.writeUInt32LE(bytes.length, 8);
    head.writeUInt32LE(bytes.length, 12);
    out.push(head, bytes);
  }
  return Buffer.concat(out);
}

const WARNING = 0x600000;

/** Has tshark judge datagrams, whichever of the ports they use. Throws where tshark itself fails. */
export async function judgeBacnet(datagrams: readonly CapturedDatagram[]): Promise<BacnetJudgement> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-tshark-'));
  try {
    const file = join(folder, 'conversation.pcap');
    await writeFile(file, udpPcapOf(datagrams));
    const ports = new Set(datagrams.flatMap(({ from, to }) => [from.port, to.port]));
    const decode = ['-n', '-r', file, ...[...ports].flatMap((port) => ['-d', `udp.port==${port},bvlc`])];
    const [broken, details] = await Promise.all([
      lines([...decode, '-Y', `_ws.malformed or _ws.expert.severity >= ${WARNING}`]),
      lines([...decode, '-T', 'fields', '-E', 'separator=|', '-e', 'frame.protocols', '-e', '_ws.col.Info']),
    ]);
    const rows = details.map((line) => line.split('|'));
    return {
      recognised: rows.filter(([protocols = '']) => protocols.includes('bvlc')).length,
      faults: broken,
      errors: await errorTexts(decode),
      info: rows.map(([, info = '']) => info.trim()),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The dissector shows class and code only in words, so they are read from its tree. */
async function errorTexts(decode: readonly string[]): Promise<readonly string[]> {
  const tree = await lines([...decode, '-V', '-O', 'bacapp']);
  const found: string[] = [];
  let errorClass: string | undefined;
  for (const line of tree) {
    const [, kind, words] = /^\s*[Ee]rror (Class|Code): ([a-zA-Z-]+)/.exec(line) ?? [];
    if (kind === 'Class') errorClass = words;
    if (kind === 'Code' && errorClass !== undefined) {
      found.push(`${errorClass} ${words}`);
      errorClass = undefined;
    }
  }
  return found;
}

async function lines(args: readonly string[]): Promise<readonly string[]> {
  const result = await run('tshark', args, { timeoutMs: 20_000 });
  if (result.code !== 0) throw new Error(`tshark failed: ${result.stderr.trim()}`);
  return result.stdout.split('\n').filter((line) => line.trim() !== '');
}
