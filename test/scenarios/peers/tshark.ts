// tshark as the judge: it dissects recorded conversations and says what is malformed.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CapturedBytes, pcapOf } from './pcap.ts';
import { run } from './program.ts';

/** How tshark is to read the port: its dissector's name. */
type Dissector = 'mbtcp' | 'mbrtu' | 'mqtt';

interface Judgement {
  /** Frames in which the dissector recognised its protocol; an empty conversation has none. */
  readonly recognised: number;
  /**
   * One line for every malformed frame, expert finding of severity error, and Modbus/TCP read answer whose byte count and
   * length, as tshark reads them, do not agree (tshark itself lets that pass). Empty is well-formed.
   */
  readonly faults: readonly string[];
}

/** Has tshark judge what was said with a server's port. RTU in TCP is read as `mbrtu`. Throws where tshark itself fails. */
export async function judge(pieces: readonly CapturedBytes[], dissector: Dissector, port = 502): Promise<Judgement> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-tshark-'));
  try {
    const file = join(folder, 'conversation.pcap');
    await writeFile(file, pcapOf(pieces, port));
    const decode = ['-r', file, '-d', `tcp.port==${port},${dissector}`];
    const [broken, recognised, counts] = await Promise.all([
      lines([...decode, '-Y', '_ws.malformed or _ws.expert.severity >= error']),
      lines([...decode, '-Y', dissector === 'mqtt' ? 'mqtt' : `${dissector} and modbus`]),
      dissector === 'mbtcp' ? wrongByteCounts(decode, port) : [],
    ]);
    return { recognised: recognised.length, faults: [...broken, ...counts] };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function tshark(args: readonly string[]): Promise<string> {
  const result = await run('tshark', args, { timeoutMs: 20_000 });
  if (result.code !== 0) throw new Error(`tshark failed: ${result.stderr.trim()}`);
  return result.stdout;
}

async function lines(args: readonly string[]): Promise<readonly string[]> {
  return (await tshark(args)).split('\n').filter((line) => line !== '');
}

type Fields = Readonly<Record<string, string | undefined>>;
interface Dissected {
  readonly _source: { readonly layers: { readonly mbtcp?: Fields | Fields[]; readonly modbus?: Fields | Fields[] } };
}

async function wrongByteCounts(decode: readonly string[], port: number): Promise<readonly string[]> {
  const answers = `tcp.srcport == ${port} and modbus.byte_cnt`;
  const text = await tshark([...decode, '-Y', answers, '-T', 'json', '--no-duplicate-keys', '-J', 'mbtcp modbus']);
  const faults: string[] = [];
  for (const { _source } of JSON.parse(text) as Dissected[]) {
    const bodies = [_source.layers.modbus ?? []].flat();
    for (const [index, header] of [_source.layers.mbtcp ?? []].flat().entries()) {
      const count = bodies[index]?.['modbus.byte_cnt'];
      // The length covers unit, function code and byte count beside the bytes counted.
      if (count === undefined || Number(header['mbtcp.len']) === Number(count) + 3) continue;
      faults.push(`answer ${header['mbtcp.trans_id']}: byte count ${count} in a length of ${header['mbtcp.len']}`);
    }
  }
  return faults;
}
