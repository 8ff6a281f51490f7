// Primitive values as things one can compare and print. A view: what travels on is always the octets of the AnyValue.
// 1. A value has a view only in its one canonical spelling, so that a number judged is the number a device reads.

import { type AnyValue, anyValueOf, type Element, elementsOf } from './any-value.ts';
import { octetAt } from './octet.ts';
import type { BacnetDate, BacnetTime, BitString, CharacterString, ObjectIdentifier } from './primitive-content.ts';

/** Integers are `number` where exact, else `bigint`. A Real or Double may be NaN or infinite. */
export type Primitive =
  | { readonly type: 'null' }
  | { readonly type: 'boolean'; readonly value: boolean }
  | { readonly type: 'unsigned'; readonly value: number | bigint }
  | { readonly type: 'signed'; readonly value: number | bigint }
  | { readonly type: 'real'; readonly value: number }
  | { readonly type: 'double'; readonly value: number }
  | { readonly type: 'octet-string'; readonly value: Uint8Array }
  | { readonly type: 'character-string'; readonly value: CharacterString }
  | { readonly type: 'bit-string'; readonly value: BitString }
  | { readonly type: 'enumerated'; readonly value: number }
  | { readonly type: 'date'; readonly value: BacnetDate }
  | { readonly type: 'time'; readonly value: BacnetTime }
  | { readonly type: 'object-identifier'; readonly value: ObjectIdentifier };

/** The application tag number of each type (20.2.1.4). */
const APPLICATION_TAGS = {
  null: 0,
  boolean: 1,
  unsigned: 2,
  signed: 3,
  real: 4,
  double: 5,
  'octet-string': 6,
  'character-string': 7,
  'bit-string': 8,
  enumerated: 9,
  date: 10,
  time: 11,
  'object-identifier': 12,
} as const satisfies Record<Primitive['type'], number>;

/** The value's only element, if it is one application-tagged primitive in its canonical spelling. */
export function primitiveOf(value: AnyValue): Primitive | undefined {
  const [element, ...more] = elementsOf(value);
  return element === undefined || more.length > 0 ? undefined : primitiveOfElement(element);
}

/** `undefined` for context-tagged and constructed elements and for integers not in their shortest form. */
export function primitiveOfElement(element: Element): Primitive | undefined {
  if (element.kind !== 'application') return undefined;
  const { octets } = element;
  const at = (index: number): number => octetAt(octets, index);
  switch (element.number) {
    case 0:
      return { type: 'null' };
    case 1:
      return { type: 'boolean', value: at(0) === 1 };
    case 2: {
      const value = unsignedOf(octets);
      return value === undefined ? undefined : { type: 'unsigned', value };
    }
    case 3: {
      const value = signedOf(octets);
      return value === undefined ? undefined : { type: 'signed', value };
    }
    case 4:
      return { type: 'real', value: viewOf(octets).getFloat32(0) };
    case 5:
      return { type: 'double', value: viewOf(octets).getFloat64(0) };
    case 6:
      return { type: 'octet-string', value: octets };
    case 7:
      return { type: 'character-string', value: { characterSet: at(0), octets: octets.subarray(1) } };
    case 8:
      return { type: 'bit-string', value: { unusedBits: at(0), octets: octets.subarray(1) } };
    case 9: {
      const value = unsignedOf(octets);
      return value === undefined ? undefined : { type: 'enumerated', value: Number(value) };
    }
    case 10:
      return { type: 'date', value: { year: at(0), month: at(1), day: at(2), weekday: at(3) } };
    case 11:
      return { type: 'time', value: { hour: at(0), minute: at(1), second: at(2), hundredths: at(3) } };
    default:
      return { type: 'object-identifier', value: identifierOf(viewOf(octets).getUint32(0)) };
  }
}

/** The element of a primitive. Throws a RangeError where the number does not fit its type. */
export function elementOf(primitive: Primitive): Element {
  return { kind: 'application', number: APPLICATION_TAGS[primitive.type], octets: octetsOf(primitive) };
}

/** The value that is this one primitive. */
export function valueOfPrimitive(primitive: Primitive): AnyValue {
  return anyValueOf([elementOf(primitive)]);
}

/** The text of a string; `undefined` for a character set that is not known here, or octets that are not of it. */
export function textOf({ characterSet, octets }: CharacterString): string | undefined {
  switch (characterSet) {
    case 0:
      return decoded('utf-8', octets);
    case 4:
      // 20.2.9: UCS-2, most significant octet first.
      return decoded('utf-16be', octets);
    case 5:
      return Array.from(octets, (octet) => String.fromCharCode(octet)).join('');
    default:
      return undefined;
  }
}

/** A string in character set 0 (UTF-8). */
export function characterStringOf(text: string): CharacterString {
  return { characterSet: 0, octets: new TextEncoder().encode(text) };
}

/** The bits in order, without the unused ones. */
export function bitsOf({ unusedBits, octets }: BitString): readonly boolean[] {
  const length = octets.length * 8 - unusedBits;
  return Array.from({ length }, (_, index) => ((octetAt(octets, index >> 3) >> (7 - (index & 7))) & 1) === 1);
}

function decoded(label: string, octets: Uint8Array): string | undefined {
  try {
    return new TextDecoder(label, { fatal: true, ignoreBOM: true }).decode(octets);
  } catch {
    return undefined;
  }
}

function viewOf(octets: Uint8Array): DataView {
  return new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
}

function identifierOf(value: number): ObjectIdentifier {
  return { type: value >>> 22, instance: value & 0x3f_ffff };
}

function exact(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function bigUnsigned(octets: Uint8Array): bigint {
  return octets.reduce((value, octet) => (value << 8n) | BigInt(octet), 0n);
}

function unsignedOf(octets: Uint8Array): number | bigint | undefined {
  return octets.length > 1 && octets[0] === 0 ? undefined : exact(bigUnsigned(octets));
}

function signedOf(octets: Uint8Array): number | bigint | undefined {
  const value = BigInt.asIntN(octets.length * 8, bigUnsigned(octets));
  return signedOctets(value).length === octets.length ? exact(value) : undefined;
}

function bigOctets(value: bigint, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => Number((value >> BigInt(8 * (length - 1 - index))) & 0xffn));
}

function unsignedOctets(value: bigint): Uint8Array {
  let length = 1;
  while (length < 8 && value >= 1n << BigInt(8 * length)) length += 1;
  if (BigInt.asUintN(64, value) !== value)
    throw new RangeError(`got \`${value}\`, expected an unsigned integer of 64 bits`);
  return bigOctets(value, length);
}

function signedOctets(value: bigint): Uint8Array {
  let length = 1;
  while (length < 8 && BigInt.asIntN(8 * length, value) !== value) length += 1;
  if (BigInt.asIntN(64, value) !== value) throw new RangeError(`got \`${value}\`, expected an integer of 64 bits`);
  return bigOctets(value, length);
}

function octetsOf(primitive: Primitive): Uint8Array {
  switch (primitive.type) {
    case 'null':
      return new Uint8Array();
    case 'boolean':
      return Uint8Array.of(primitive.value ? 1 : 0);
    case 'unsigned':
    case 'enumerated':
      return unsignedOctets(BigInt(primitive.value));
    case 'signed':
      return signedOctets(BigInt(primitive.value));
    case 'real': {
      const view = new DataView(new ArrayBuffer(4));
      view.setFloat32(0, primitive.value);
      return new Uint8Array(view.buffer);
    }
    case 'double': {
      const view = new DataView(new ArrayBuffer(8));
      view.setFloat64(0, primitive.value);
      return new Uint8Array(view.buffer);
    }
    case 'octet-string':
      return primitive.value;
    case 'character-string':
      return Uint8Array.of(primitive.value.characterSet, ...primitive.value.octets);
    case 'bit-string':
      return Uint8Array.of(primitive.value.unusedBits, ...primitive.value.octets);
    case 'date':
      return Uint8Array.of(primitive.value.year, primitive.value.month, primitive.value.day, primitive.value.weekday);
    case 'time': {
      const { hour, minute, second, hundredths } = primitive.value;
      return Uint8Array.of(hour, minute, second, hundredths);
    }
    case 'object-identifier':
      return bigOctets(BigInt(primitive.value.type) * 0x40_0000n + BigInt(primitive.value.instance), 4);
  }
}
