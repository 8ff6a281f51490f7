// DER (X.690) as far as certificates and revocation lists need it: pure, total, strict in lengths.

/** One element: `content` is a view; `whole` has tag and length too. */
export interface DerElement {
  readonly tag: number;
  readonly content: Uint8Array;
  readonly whole: Uint8Array;
}

export const derTags = {
  boolean: 0x01,
  integer: 0x02,
  octetString: 0x04,
  objectIdentifier: 0x06,
  utf8String: 0x0c,
  printableString: 0x13,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
  context0: 0xa0,
  context3: 0xa3,
} as const;

/** Every element of `bytes`, one after the other to the last octet; `undefined` where that does not come out. */
export function derElements(bytes: Uint8Array): readonly DerElement[] | undefined {
  const elements: DerElement[] = [];
  let at = 0;
  while (at < bytes.length) {
    const head = headAt(bytes, at);
    if (head === undefined || head.end > bytes.length) return undefined;
    const { tag, start, end } = head;
    elements.push({ tag, content: bytes.subarray(start, end), whole: bytes.subarray(at, end) });
    at = end;
  }
  return elements;
}

function headAt(bytes: Uint8Array, at: number): { tag: number; start: number; end: number } | undefined {
  const tag = bytes[at];
  const first = bytes[at + 1];
  // Tags above 30 have a form of their own; nothing read here uses them.
  if (tag === undefined || first === undefined || (tag & 0x1f) === 0x1f) return undefined;
  if (first < 0x80) return { tag, start: at + 2, end: at + 2 + first };
  const count = first & 0x7f;
  if (count === 0 || count > 4 || at + 2 + count > bytes.length) return undefined;
  let length = 0;
  for (let octet = 0; octet < count; octet += 1) length = length * 256 + (bytes[at + 2 + octet] ?? 0);
  // 10.1: the fewest octets possible.
  if (length < 0x80 || length < 256 ** (count - 1)) return undefined;
  return { tag, start: at + 2 + count, end: at + 2 + count + length };
}

/** The elements inside of one, where it has the tag. */
export function derInside(element: DerElement | undefined, tag: number): readonly DerElement[] | undefined {
  return element?.tag === tag ? derElements(element.content) : undefined;
}

/** `1.2.840.113549`; `undefined` where it is none. */
export function objectIdentifier(element: DerElement | undefined): string | undefined {
  if (element?.tag !== derTags.objectIdentifier || element.content.length === 0) return undefined;
  const arcs: number[] = [];
  let arc = 0;
  for (const octet of element.content) {
    if (arc === 0 && octet === 0x80) return undefined;
    arc = arc * 128 + (octet & 0x7f);
    if (octet < 0x80) {
      arcs.push(arc);
      arc = 0;
    }
  }
  if (((element.content.at(-1) ?? 0) & 0x80) !== 0) return undefined;
  const [first = 0, ...rest] = arcs;
  const top = Math.min(2, Math.floor(first / 40));
  return [top, first - top * 40, ...rest].join('.');
}

/** Text of a UTF8String, PrintableString or IA5String; `undefined` for another type and for octets that are no text. */
export function derText(element: DerElement | undefined): string | undefined {
  if (element === undefined) return undefined;
  const { tag, content } = element;
  if (tag !== derTags.utf8String && tag !== derTags.printableString && tag !== derTags.ia5String) return undefined;
  const text = Buffer.from(content).toString(tag === derTags.utf8String ? 'utf8' : 'latin1');
  return Buffer.from(text, tag === derTags.utf8String ? 'utf8' : 'latin1').equals(content) ? text : undefined;
}
