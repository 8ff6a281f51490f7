// tshark as the judge of BACnet/IP: it dissects recorded datagrams, says what is malformed and how it reads each error.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ipPacket, pcapFile } from './pcap.ts';
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

const UDP = 17;

const addressOf = (host: string): number => Buffer.from(host.split('.').map(Number)).readUInt32BE();

/** Without a UDP checksum, which IPv4 permits. */
function packet({ from, to, bytes }: CapturedDatagram): Buffer {
  const udp = Buffer.alloc(8);
  udp.writeUInt16BE(from.port, 0);
  udp.writeUInt16BE(to.port, 2);
  udp.writeUInt16BE(8 + bytes.length, 4);
  return ipPacket(UDP, addressOf(from.host), addressOf(to.host), Buffer.concat([udp, bytes]));
}

const WARNING = 0x600000;

/** Has tshark judge datagrams, whichever of the ports they use. Throws where tshark itself fails. */
export async function judgeBacnet(datagrams: readonly CapturedDatagram[]): Promise<BacnetJudgement> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-tshark-'));
  try {
    const file = join(folder, 'conversation.pcap');
    await writeFile(file, pcapFile(datagrams.map((datagram) => ({ at: datagram.at, bytes: packet(datagram) }))));
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
