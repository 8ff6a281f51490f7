// Part of "attribute": one spelling for every IP address, so that what a socket says, what a person claims and what the
// site configured can be looked up in one map. Invariants: 1. IPv4-mapped IPv6 is IPv4; 2. RFC 5952 text; 3. never throws.

/** 4 or 16 octets, and the zone of a link-local IPv6 address. */
interface ParsedAddress {
  readonly octets: readonly number[];
  readonly zone: string;
}

/** A network such as `192.0.2.0/24`. */
export interface Network {
  readonly octets: readonly number[];
  readonly bits: number;
}

function parseIPv4(text: string): number[] | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part))) return undefined;
  const octets = parts.map(Number);
  return octets.every((octet) => octet <= 255) ? octets : undefined;
}

function parseGroups(text: string): number[] | undefined {
  if (text === '') return [];
  const octets: number[] = [];
  const groups = text.split(':');
  for (const [index, group] of groups.entries()) {
    if (group.includes('.') && index === groups.length - 1) {
      const tail = parseIPv4(group);
      if (!tail) return undefined;
      octets.push(...tail);
    } else {
      if (!/^[0-9a-f]{1,4}$/.test(group)) return undefined;
      const value = Number.parseInt(group, 16);
      octets.push(value >> 8, value & 0xff);
    }
  }
  return octets;
}

function parseIPv6(text: string): number[] | undefined {
  const [head = '', tail, ...more] = text.split('::');
  // A dotted tail may only end the whole address.
  if (more.length > 0 || (tail !== undefined && head.includes('.'))) return undefined;
  const front = parseGroups(head);
  const back = parseGroups(tail ?? '');
  if (!front || !back) return undefined;
  if (tail === undefined) return front.length === 16 ? front : undefined;
  const missing = 16 - front.length - back.length;
  return missing >= 2 ? [...front, ...Array<number>(missing).fill(0), ...back] : undefined;
}

const MAPPED = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

function parseAddress(text: string): ParsedAddress | undefined {
  if (!text.includes(':')) {
    const octets = parseIPv4(text);
    return octets && { octets, zone: '' };
  }
  const [address = '', zone] = text.toLowerCase().split('%', 2);
  const octets = parseIPv6(address);
  if (!octets) return undefined;
  if (MAPPED.every((octet, index) => octets[index] === octet)) return { octets: octets.slice(12), zone: '' };
  return { octets, zone: zone === undefined ? '' : `%${zone}` };
}

/** RFC 5952, section 4: lower case, no leading zeros, the longest run of two or more zero groups as `::`. */
function formatIPv6(octets: readonly number[]): string {
  const view = new DataView(Uint8Array.from(octets).buffer);
  const groups = [0, 2, 4, 6, 8, 10, 12, 14].map((offset) => view.getUint16(offset).toString(16));
  const runs = groups.join(':').match(/(?<=^|:)0(:0)+(?=:|$)/g) ?? [];
  const longest = runs.reduce((best, run) => (run.length > best.length ? run : best), '');
  if (longest === '') return groups.join(':');
  const text = groups.join(':');
  const at = text.search(new RegExp(`(?<=^|:)${longest}(?=:|$)`));
  return `${text.slice(0, at).replace(/:$/, '')}::${text.slice(at + longest.length).replace(/^:/, '')}`;
}

/** The one spelling of an IP address; `undefined` where the text is none. */
export function normaliseAddress(text: string): string | undefined {
  const parsed = parseAddress(text);
  if (!parsed) return undefined;
  return parsed.octets.length === 4 ? parsed.octets.join('.') : `${formatIPv6(parsed.octets)}${parsed.zone}`;
}

/** The key under which an address is looked up: its one spelling, or the text itself for addresses that are not IP. */
export function addressKey(text: string): string {
  return normaliseAddress(text) ?? text;
}

/** A network in `address/bits` form, or one address; `undefined` where the text is neither. */
export function parseNetwork(text: string): Network | undefined {
  const [address = '', length, ...more] = text.split('/');
  const parsed = parseAddress(address);
  if (!parsed || more.length > 0) return undefined;
  const longest = parsed.octets.length * 8;
  if (length === undefined) return { octets: parsed.octets, bits: longest };
  if (!/^\d{1,3}$/.test(length) || Number(length) > longest) return undefined;
  return { octets: parsed.octets, bits: Number(length) };
}

function firstBits(octets: readonly number[], count: number): string {
  const text = octets.map((octet) => octet.toString(2).padStart(8, '0')).join('');
  return text.slice(0, count);
}

/** Whether the address lies in the network; false for text that is no address. */
export function isInNetwork(network: Network, address: string): boolean {
  const parsed = parseAddress(address);
  if (parsed?.octets.length !== network.octets.length) return false;
  return firstBits(parsed.octets, network.bits) === firstBits(network.octets, network.bits);
}
