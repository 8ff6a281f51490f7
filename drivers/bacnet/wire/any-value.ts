// ABSTRACT-SYNTAX.&Type: values the codec passes on unread. They are checked whole (canonical tags, balanced, lengths that
// their types can have, bounded depth), kept as their octets, and opened as a tag tree on demand.
// 1. An AnyValue comes only from `anyValue`/`anyElement` or `anyValueOf`, so its octets always are well-formed.

import { octetAt } from './octet.ts';
import { bitsFit } from './primitive-content.ts';
import { MAX_DEPTH, TagReader } from './reader.ts';
import type { Codec } from './schema.ts';
import { decodeWhole } from './whole.ts';
import { TagWriter } from './writer.ts';

declare const wellFormed: unique symbol;

/** Zero or more tagged values. The octets are a view of the frame: they must not be changed. */
export interface AnyValue {
  readonly octets: Uint8Array;
  readonly [wellFormed]: true;
}

/** One tagged value. An application-tagged Boolean's `octets` is one octet, 0 or 1, though its tag carries it. */
export type Element =
  | { readonly kind: 'application'; readonly number: number; readonly octets: Uint8Array }
  | { readonly kind: 'context'; readonly number: number; readonly octets: Uint8Array }
  | { readonly kind: 'constructed'; readonly number: number; readonly elements: readonly Element[] };

const BOOLEANS = [Uint8Array.of(0), Uint8Array.of(1)] as const;

/** Per application tag: the shortest and the longest contents. Integers to 64 bits; 20.2.2 to 20.2.14. */
const SHORTEST = Uint8Array.of(0, 0, 1, 1, 4, 8, 0, 1, 1, 1, 4, 4, 4);
const ANY_LENGTH = 255;
const LONGEST = Uint8Array.of(0, 0, 8, 8, 4, 8, ANY_LENGTH, ANY_LENGTH, ANY_LENGTH, 4, 4, 4, 4);

function lengthFits(reader: TagReader): boolean {
  const { number, contentLength } = reader;
  const longest = octetAt(LONGEST, number);
  if (contentLength < octetAt(SHORTEST, number) || (longest !== ANY_LENGTH && contentLength > longest)) return false;
  return number !== 8 || bitsFit(octetAt(reader.octets, reader.contentStart), contentLength - 1);
}

/** Steps over one element. False where it is none, or not well-formed (then the reader holds the fault). */
function skipElement(reader: TagReader): boolean {
  const open: number[] = [];
  do {
    const form = reader.peek();
    switch (form) {
      case 'application':
        if (!lengthFits(reader)) {
          const got = `got \`${reader.contentLength}\` octets as application type \`${reader.number}\``;
          reader.refuse('parameter-datatype', got);
          return false;
        }
        reader.skip();
        break;
      case 'context':
        reader.skip();
        break;
      case 'opening':
        if (open.length === MAX_DEPTH) {
          reader.refuse('too-deep', `got values nested deeper than \`${MAX_DEPTH}\``);
          return false;
        }
        open.push(reader.number);
        reader.enter();
        break;
      case 'closing': {
        const expected = open.pop();
        if (expected !== reader.number) {
          reader.refuse(
            'tag-unexpected',
            `got closing tag \`${reader.number}\`, expected a value or its own closing tag`,
          );
          return false;
        }
        reader.enter();
        break;
      }
      case 'end':
        reader.refuse('parameter-missing', 'got nothing, expected a value or a closing tag');
        return false;
    }
  } while (open.length > 0);
  return true;
}

function taken(reader: TagReader, start: number): AnyValue {
  return { octets: reader.octets.subarray(start, reader.position) } as AnyValue;
}

/** From `from` to `to`, where it is one application-tagged value whose length stands in its tag; `undefined`: look at it closely. */
export function shortValueIn(octets: Uint8Array, from: number, to: number): AnyValue | undefined {
  const tag = octetAt(octets, from);
  const number = tag >> 4;
  const low = tag & 0x07;
  const isBoolean = number === 1;
  // Of a bit string the contents count as well.
  if ((tag & 0x08) !== 0 || number > 12 || number === 8 || low > (isBoolean ? 1 : 4)) return undefined;
  const length = isBoolean ? 0 : low;
  if (to !== from + 1 + length || length < octetAt(SHORTEST, number) || length > octetAt(LONGEST, number))
    return undefined;
  return { octets: octets.subarray(from, to) } as AnyValue;
}

/** Everything to the closing tag or the end; may be nothing (an empty list). */
export const anyValue: Codec<AnyValue> = {
  label: 'any value',
  starts: () => true,
  decode(reader) {
    const start = reader.position;
    for (let form = reader.peek(); form !== 'end' && form !== 'closing'; form = reader.peek()) {
      if (!skipElement(reader)) return undefined;
    }
    return reader.fault === undefined ? taken(reader, start) : undefined;
  },
  encode: (writer, value) => writer.octets(value.octets),
};

/** Exactly one element. */
export const anyElement: Codec<AnyValue> = {
  label: 'one value',
  starts(reader) {
    const form = reader.peek();
    return form !== 'end' && form !== 'closing';
  },
  decode(reader) {
    const start = reader.position;
    return skipElement(reader) ? taken(reader, start) : undefined;
  },
  encode: (writer, value) => writer.octets(value.octets),
};

/** The tag tree of a value, in order. Octets are views of the value's. */
export function elementsOf(value: AnyValue): readonly Element[] {
  return elementsAt(new TagReader(value.octets));
}

/** To the closing tag or the end. As deep as MAX_DEPTH, since the value was checked. */
function elementsAt(reader: TagReader): readonly Element[] {
  const elements: Element[] = [];
  for (let form = reader.peek(); form !== 'end' && form !== 'closing'; form = reader.peek()) {
    const { number } = reader;
    if (form === 'opening') {
      reader.enter();
      elements.push({ kind: 'constructed', number, elements: elementsAt(reader) });
      reader.peek();
      reader.enter();
    } else {
      elements.push({ kind: form, number, octets: contentsOf(reader, form) });
      reader.skip();
    }
  }
  return elements;
}

function contentsOf(reader: TagReader, form: 'application' | 'context'): Uint8Array {
  if (form === 'application' && reader.number === 1) return reader.tagValue === 1 ? BOOLEANS[1] : BOOLEANS[0];
  return reader.octets.subarray(reader.contentStart, reader.contentStart + reader.contentLength);
}

/** The value these elements make. Throws a RangeError where they make none the codec would accept. */
export function anyValueOf(elements: readonly Element[]): AnyValue {
  const writer = new TagWriter();
  for (const element of elements) writeElement(writer, element);
  const value = decodeWhole(anyValue, writer.finish());
  if (!value.ok) throw new RangeError(value.fault.message);
  return value.value;
}

function writeElement(writer: TagWriter, element: Element): void {
  switch (element.kind) {
    case 'application':
      if (element.number === 1) {
        writer.application(1, element.octets[0] ?? 2);
        return;
      }
      writer.application(element.number, element.octets.length);
      writer.octets(element.octets);
      return;
    case 'context':
      writer.context(element.number, element.octets.length);
      writer.octets(element.octets);
      return;
    case 'constructed':
      writer.opening(element.number);
      for (const inner of element.elements) writeElement(writer, inner);
      writer.closing(element.number);
      return;
  }
}

/** Reads a value as the type its property is known to have; `undefined` where it is not of that type. */
export function readAs<T>(codec: Codec<T>, value: AnyValue): T | undefined {
  const typed = decodeWhole(codec, value.octets);
  return typed.ok ? typed.value : undefined;
}
