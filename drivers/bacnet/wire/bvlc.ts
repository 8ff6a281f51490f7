// BACnet Virtual Link Control for IPv4 (Annex J): the outermost step of "bytes ─decode─►" and "bytes ◄─relay──".
// 1. The length field is the datagram's length: nothing can hide behind or beyond it.
// 2. Secure-BVLL and functions not listed are faults with no answer.

import { fail, ok, type Result } from '../../../src/model/result.ts';
import { DROP, type WireFault, type WireFaultCode } from './fault.ts';
import { octetAt, wordAt } from './octet.ts';
import { TagWriter } from './writer.ts';

/** The longest NPDU a BACnet/IP network carries (table 6-1). */
export const MAX_NPDU_LENGTH = 1497;

/** A B/IP address: four octets of address, a UDP port. */
export interface IpEndpoint {
  readonly address: readonly [number, number, number, number];
  readonly port: number;
}

interface BdtEntry extends IpEndpoint {
  readonly mask: readonly [number, number, number, number];
}

/** Seconds. */
export interface FdtEntry extends IpEndpoint {
  readonly timeToLive: number;
  readonly remaining: number;
}

/** BVLC-Result codes (J.2.1). */
const BVLC_RESULT_CODES = {
  'successful-completion': 0x0000,
  'write-broadcast-distribution-table-nak': 0x0010,
  'read-broadcast-distribution-table-nak': 0x0020,
  'register-foreign-device-nak': 0x0030,
  'read-foreign-device-table-nak': 0x0040,
  'delete-foreign-device-table-entry-nak': 0x0050,
  'distribute-broadcast-to-network-nak': 0x0060,
} as const;

export type BvlcResultCode = keyof typeof BVLC_RESULT_CODES;

/** Annex J's functions. `npdu` is a view of the datagram. */
export type Bvlc =
  | { readonly function: 'result'; readonly result: BvlcResultCode }
  | { readonly function: 'write-broadcast-distribution-table'; readonly entries: readonly BdtEntry[] }
  | { readonly function: 'read-broadcast-distribution-table' }
  | { readonly function: 'read-broadcast-distribution-table-ack'; readonly entries: readonly BdtEntry[] }
  | { readonly function: 'forwarded-npdu'; readonly origin: IpEndpoint; readonly npdu: Uint8Array }
  | { readonly function: 'register-foreign-device'; readonly timeToLive: number }
  | { readonly function: 'read-foreign-device-table' }
  | { readonly function: 'read-foreign-device-table-ack'; readonly entries: readonly FdtEntry[] }
  | { readonly function: 'delete-foreign-device-table-entry'; readonly entry: IpEndpoint }
  | { readonly function: 'distribute-broadcast-to-network'; readonly npdu: Uint8Array }
  | { readonly function: 'original-unicast-npdu'; readonly npdu: Uint8Array }
  | { readonly function: 'original-broadcast-npdu'; readonly npdu: Uint8Array };

const BVLC_FUNCTIONS = {
  result: 0x00,
  'write-broadcast-distribution-table': 0x01,
  'read-broadcast-distribution-table': 0x02,
  'read-broadcast-distribution-table-ack': 0x03,
  'forwarded-npdu': 0x04,
  'register-foreign-device': 0x05,
  'read-foreign-device-table': 0x06,
  'read-foreign-device-table-ack': 0x07,
  'delete-foreign-device-table-entry': 0x08,
  'distribute-broadcast-to-network': 0x09,
  'original-unicast-npdu': 0x0a,
  'original-broadcast-npdu': 0x0b,
} as const satisfies Record<Bvlc['function'], number>;

const TYPE = 0x81;
const HEADER = 4;
const ENDPOINT = 6;
const TABLE_ENTRY = 10;

const RESULTS = new Map<number, BvlcResultCode>(
  Object.entries(BVLC_RESULT_CODES).map(([name, code]) => [code, name as BvlcResultCode]),
);

function fault(
  code: WireFaultCode,
  message: string,
  offset: number,
): { readonly ok: false; readonly fault: WireFault } {
  return fail({ code, message, offset, answer: DROP });
}

function octetsFrom(octets: Uint8Array, at: number): readonly [number, number, number, number] {
  return [octetAt(octets, at), octetAt(octets, at + 1), octetAt(octets, at + 2), octetAt(octets, at + 3)];
}

function endpointAt(octets: Uint8Array, at: number): IpEndpoint {
  return { address: octetsFrom(octets, at), port: wordAt(octets, at + 4) };
}

function tableOf<T>(octets: Uint8Array, entryAt: (at: number) => T): readonly T[] {
  const entries: T[] = [];
  for (let at = HEADER; at < octets.length; at += TABLE_ENTRY) entries.push(entryAt(at));
  return entries;
}

/** The NPDU of an Original-Unicast-NPDU (J.2.11), which nearly every datagram is; `undefined`: it is something else, or broken. */
export function unicastNpdu(datagram: Uint8Array): Uint8Array | undefined {
  const { length } = datagram;
  if (datagram[0] !== TYPE || datagram[1] !== BVLC_FUNCTIONS['original-unicast-npdu']) return undefined;
  if (wordAt(datagram, 2) !== length || !npduFits(length - HEADER)) return undefined;
  // Views of a Buffer are Buffers, which cost more to make than plain ones.
  return new Uint8Array(datagram.buffer, datagram.byteOffset + HEADER, length - HEADER);
}

/** One datagram. Every fault is to be dropped. */
export function decodeBvlc(octets: Uint8Array): Result<Bvlc, WireFault> {
  if (octets.length < HEADER)
    return fault('bvlc-malformed', `got \`${octets.length}\` octets, expected at least \`4\``, 0);
  if (octets[0] !== TYPE) return fault('bvlc-malformed', `got type \`${octets[0]}\`, expected \`129\``, 0);
  const length = wordAt(octets, 2);
  if (length !== octets.length) {
    return fault('bvlc-length', `got length \`${length}\` in a datagram of \`${octets.length}\` octets`, 2);
  }
  const body = length - HEADER;
  const wrongBody = (expected: string) => fault('bvlc-length', `got \`${body}\` octets, expected ${expected}`, HEADER);
  const carried = (name: 'distribute-broadcast-to-network' | 'original-unicast-npdu' | 'original-broadcast-npdu') =>
    npduFits(body) ? ok({ function: name, npdu: octets.subarray(HEADER) }) : wrongBody('an NPDU of `2` to `1497`');
  const bdt = (name: 'write-broadcast-distribution-table' | 'read-broadcast-distribution-table-ack') =>
    body % TABLE_ENTRY === 0
      ? ok({
          function: name,
          entries: tableOf(
            octets,
            (at): BdtEntry => ({ ...endpointAt(octets, at), mask: octetsFrom(octets, at + ENDPOINT) }),
          ),
        })
      : wrongBody('entries of `10`');

  switch (octets[1]) {
    // J.2.1
    case BVLC_FUNCTIONS.result: {
      if (body !== 2) return wrongBody('`2`');
      const result = RESULTS.get(wordAt(octets, HEADER));
      if (result === undefined) return fault('bvlc-malformed', `got result \`${wordAt(octets, HEADER)}\``, HEADER);
      return ok({ function: 'result', result });
    }
    // J.2.2
    case BVLC_FUNCTIONS['write-broadcast-distribution-table']:
      return bdt('write-broadcast-distribution-table');
    // J.2.3
    case BVLC_FUNCTIONS['read-broadcast-distribution-table']:
      return body === 0 ? ok({ function: 'read-broadcast-distribution-table' }) : wrongBody('none');
    // J.2.4
    case BVLC_FUNCTIONS['read-broadcast-distribution-table-ack']:
      return bdt('read-broadcast-distribution-table-ack');
    // J.2.5
    case BVLC_FUNCTIONS['forwarded-npdu']:
      if (!npduFits(body - ENDPOINT)) return wrongBody('an address and an NPDU of `2` to `1497`');
      return ok({
        function: 'forwarded-npdu',
        origin: endpointAt(octets, HEADER),
        npdu: octets.subarray(HEADER + ENDPOINT),
      });
    // J.2.6
    case BVLC_FUNCTIONS['register-foreign-device']:
      return body === 2
        ? ok({ function: 'register-foreign-device', timeToLive: wordAt(octets, HEADER) })
        : wrongBody('`2`');
    // J.2.7
    case BVLC_FUNCTIONS['read-foreign-device-table']:
      return body === 0 ? ok({ function: 'read-foreign-device-table' }) : wrongBody('none');
    // J.2.8
    case BVLC_FUNCTIONS['read-foreign-device-table-ack']:
      if (body % TABLE_ENTRY !== 0) return wrongBody('entries of `10`');
      return ok({
        function: 'read-foreign-device-table-ack',
        entries: tableOf(
          octets,
          (at): FdtEntry => ({
            ...endpointAt(octets, at),
            timeToLive: wordAt(octets, at + ENDPOINT),
            remaining: wordAt(octets, at + ENDPOINT + 2),
          }),
        ),
      });
    // J.2.9
    case BVLC_FUNCTIONS['delete-foreign-device-table-entry']:
      if (body !== ENDPOINT) return wrongBody('`6`');
      return ok({ function: 'delete-foreign-device-table-entry', entry: endpointAt(octets, HEADER) });
    // J.2.10
    case BVLC_FUNCTIONS['distribute-broadcast-to-network']:
      return carried('distribute-broadcast-to-network');
    // J.2.11
    case BVLC_FUNCTIONS['original-unicast-npdu']:
      return carried('original-unicast-npdu');
    // J.2.12
    case BVLC_FUNCTIONS['original-broadcast-npdu']:
      return carried('original-broadcast-npdu');
    case 0x0c:
      return fault('bvlc-secured', 'got a secure BVLL, expected none', 1);
    default:
      return fault('bvlc-function-unknown', `got function \`${octets[1]}\`, expected \`0\` to \`11\``, 1);
  }
}

function npduFits(length: number): boolean {
  return length >= 2 && length <= MAX_NPDU_LENGTH;
}

/** The datagram. Throws a RangeError for an NPDU that is too long, or an address or time that is none. */
export function encodeBvlc(bvlc: Bvlc): Uint8Array {
  const body = new TagWriter();
  switch (bvlc.function) {
    case 'result':
      body.unsigned(BVLC_RESULT_CODES[bvlc.result], 2);
      break;
    case 'write-broadcast-distribution-table':
    case 'read-broadcast-distribution-table-ack':
      for (const entry of bvlc.entries) {
        writeEndpoint(body, entry);
        for (const octet of entry.mask) body.octet(octet);
      }
      break;
    case 'read-broadcast-distribution-table':
    case 'read-foreign-device-table':
      break;
    case 'forwarded-npdu':
      writeEndpoint(body, bvlc.origin);
      writeNpdu(body, bvlc.npdu);
      break;
    case 'register-foreign-device':
      body.unsigned(bvlc.timeToLive, 2);
      break;
    case 'read-foreign-device-table-ack':
      for (const entry of bvlc.entries) {
        writeEndpoint(body, entry);
        body.unsigned(entry.timeToLive, 2);
        body.unsigned(entry.remaining, 2);
      }
      break;
    case 'delete-foreign-device-table-entry':
      writeEndpoint(body, bvlc.entry);
      break;
    case 'distribute-broadcast-to-network':
    case 'original-unicast-npdu':
    case 'original-broadcast-npdu':
      writeNpdu(body, bvlc.npdu);
      break;
  }
  const octets = body.finish();
  const datagram = new TagWriter();
  datagram.octet(TYPE);
  datagram.octet(BVLC_FUNCTIONS[bvlc.function]);
  datagram.unsigned(octets.length + HEADER, 2);
  datagram.octets(octets);
  return datagram.finish();
}

function writeEndpoint(writer: TagWriter, { address, port }: IpEndpoint): void {
  for (const octet of address) writer.octet(octet);
  writer.unsigned(port, 2);
}

function writeNpdu(writer: TagWriter, npdu: Uint8Array): void {
  if (!npduFits(npdu.length))
    throw new RangeError(`got an NPDU of \`${npdu.length}\` octets, expected \`2\` to \`1497\``);
  writer.octets(npdu);
}
