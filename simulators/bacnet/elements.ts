// Tagged BACnet data as a tree, read here without the driver's codec: what a device or a tool makes of a service's octets.
// 1. Reading is as forgiving as devices in the field are: long forms of short lengths pass. Writing is always the shortest form.
// 2. Nothing that arrives can recurse without bound or be read past its end.

/** An application-tagged primitive; a Boolean's value is its one octet. */
export interface ApplicationElement {
  readonly kind: 'application';
  readonly tag: number;
  readonly octets: Buffer;
}

export interface ContextElement {
  readonly kind: 'context';
  readonly tag: number;
  readonly octets: Buffer;
}

/** What stands between an opening and its closing tag. */
export interface ConstructedElement {
  readonly kind: 'constructed';
  readonly tag: number;
  readonly items: readonly Element[];
}

export type Element = ApplicationElement | ContextElement | ConstructedElement;

/** The octets are not tagged data: what a device answers with Reject `invalid-tag`. */
export class TagFault extends Error {}

const DEEPEST = 16;
const BOOLEAN = 1;

/** Reads octets to their end. Throws a `TagFault`. */
export function parseElements(bytes: Buffer): readonly Element[] {
  const cursor = { at: 0 };
  const items = parseUntil(bytes, cursor, undefined, 0);
  return items;
}

interface Cursor {
  at: number;
}

interface TagHead {
  readonly tag: number;
  readonly context: boolean;
  /** Length in octets; for an application Boolean its value. */
  readonly length: number;
  readonly bracket: 'opening' | 'closing' | undefined;
}

function parseUntil(bytes: Buffer, cursor: Cursor, closing: number | undefined, depth: number): readonly Element[] {
  if (depth > DEEPEST) throw new TagFault(`nested deeper than ${DEEPEST}`);
  const items: Element[] = [];
  while (cursor.at < bytes.length) {
    const head = parseHead(bytes, cursor);
    if (head.bracket === 'closing') {
      if (head.tag !== closing) throw new TagFault(`closing tag ${head.tag} without its opening`);
      return items;
    }
    if (head.bracket === 'opening') {
      items.push({ kind: 'constructed', tag: head.tag, items: parseUntil(bytes, cursor, head.tag, depth + 1) });
    } else if (!head.context && head.tag === BOOLEAN) {
      items.push({ kind: 'application', tag: BOOLEAN, octets: Buffer.from([head.length === 0 ? 0 : 1]) });
    } else {
      const end = cursor.at + head.length;
      if (end > bytes.length)
        throw new TagFault(`\`${head.length}\` octets announced, \`${bytes.length - cursor.at}\` there`);
      const octets = Buffer.from(bytes.subarray(cursor.at, end));
      items.push({ kind: head.context ? 'context' : 'application', tag: head.tag, octets });
      cursor.at = end;
    }
  }
  if (closing !== undefined) throw new TagFault(`opening tag ${closing} without its closing`);
  return items;
}

function parseHead(bytes: Buffer, cursor: Cursor): TagHead {
  const take = (): number => {
    const octet = bytes[cursor.at];
    if (octet === undefined) throw new TagFault('the octets end inside a tag');
    cursor.at += 1;
    return octet;
  };
  const first = take();
  const context = (first & 0x08) !== 0;
  const tag = first >> 4 === 0x0f ? take() : first >> 4;
  const kind = first & 0x07;
  if (context && kind >= 6) return { tag, context, length: 0, bracket: kind === 6 ? 'opening' : 'closing' };
  let length = kind;
  if (kind === 5) {
    length = take();
    if (length === 254) length = take() * 0x100 + take();
    else if (length === 255) length = ((take() * 0x100 + take()) * 0x100 + take()) * 0x100 + take();
  }
  return { tag, context, length, bracket: undefined };
}

/** The octets of elements, in order. */
export function encodeElements(items: readonly Element[]): Buffer {
  return Buffer.concat(items.flatMap(encoded));
}

function encoded(item: Element): readonly Buffer[] {
  if (item.kind === 'constructed') return [head(item.tag, 0x0e), ...item.items.flatMap(encoded), head(item.tag, 0x0f)];
  if (item.kind === 'application' && item.tag === BOOLEAN) return [head(BOOLEAN, item.octets[0] ?? 0)];
  const classBit = item.kind === 'context' ? 0x08 : 0;
  const length = item.octets.length;
  if (length <= 4) return [head(item.tag, classBit | length), item.octets];
  return [head(item.tag, classBit | 5), longLength(length), item.octets];
}

function head(tag: number, low: number): Buffer {
  return tag < 15 ? Buffer.from([(tag << 4) | low]) : Buffer.from([0xf0 | low, tag]);
}

function longLength(length: number): Buffer {
  if (length < 254) return Buffer.from([length]);
  if (length < 0x10000) return Buffer.from([254, length >> 8, length & 0xff]);
  const long = Buffer.alloc(5, 255);
  long.writeUInt32BE(length, 1);
  return long;
}

/** Whether two values are the same octets under the same tags. */
export function sameElements(one: readonly Element[], other: readonly Element[]): boolean {
  return encodeElements(one).equals(encodeElements(other));
}
