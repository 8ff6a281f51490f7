// Decoded parameters ─► lines for a person: the standard's names for numbers, values as what they are. Total over whatever the
// codec gives, so that a new service needs nothing here.

import { objectText } from './draft.ts';
import { wordFor } from './frame-names.ts';
import { type AnyValue, type Element, elementsOf } from './wire/any-value.ts';
import { errorClassName } from './wire/names/error-class.ts';
import { errorCodeName } from './wire/names/error-code.ts';
import { propertyIdentifierName } from './wire/names/property-identifier.ts';
import { bitsOf, type Primitive, primitiveOfElement, textOf } from './wire/primitive-value.ts';

type Fields = { readonly [key: string]: unknown };

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);
}

function isAnyValue(value: Fields): boolean {
  return Object.keys(value).length === 1 && value.octets instanceof Uint8Array;
}

function isObjectIdentifier(value: Fields): value is { readonly type: number; readonly instance: number } {
  return Object.keys(value).length === 2 && typeof value.type === 'number' && typeof value.instance === 'number';
}

function isDate(value: Fields): value is { readonly year: number; readonly month: number; readonly day: number } {
  return typeof value.year === 'number' && typeof value.month === 'number' && typeof value.day === 'number';
}

type Time = Extract<Primitive, { type: 'time' }>['value'];

function isTime(value: Fields): value is Fields & Time {
  return typeof value.hour === 'number' && typeof value.minute === 'number' && typeof value.hundredths === 'number';
}

function isText(value: Fields): value is { readonly characterSet: number; readonly octets: Uint8Array } {
  return typeof value.characterSet === 'number' && value.octets instanceof Uint8Array;
}

const hex = (octets: Uint8Array): string => Buffer.from(octets).toString('hex');

/** One line a leaf, two spaces a level. Lists number their items from 1. */
export function linesOf(value: unknown, indent = ''): string[] {
  if (!isFields(value) && !Array.isArray(value)) return [`${indent}${leaf('', value)}`];
  const entries = Array.isArray(value)
    ? value.map((item, at) => [`[${at + 1}]`, item] as const)
    : Object.entries(value).filter(([, inner]) => inner !== undefined);
  return entries.flatMap(([key, inner]) => {
    const text = asLeaf(key, inner);
    return text === undefined ? [`${indent}${key}`, ...linesOf(inner, `${indent}  `)] : [`${indent}${key}: ${text}`];
  });
}

function asLeaf(key: string, value: unknown): string | undefined {
  if (Array.isArray(value)) {
    if (value.length === 0) return 'none';
    return key === 'address' || key === 'mask' ? value.join('.') : undefined;
  }
  if (!isFields(value)) return leaf(key, value);
  if (isDate(value)) return dateText(value);
  if (isTime(value)) return timeText(value);
  if (isAnyValue(value)) return valueText(value as unknown as AnyValue);
  if (isObjectIdentifier(value)) return objectText(value.type, value.instance);
  if (isText(value)) return JSON.stringify(textOf(value) ?? hex(value.octets));
  if (Object.keys(value).length === 0) return 'none';
  return undefined;
}

function leaf(key: string, value: unknown): string {
  if (value instanceof Uint8Array) return value.length === 0 ? 'empty' : `${hex(value)} (${value.length} octets)`;
  if (typeof value !== 'number') return String(value);
  if (key === 'propertyIdentifier') return `${propertyIdentifierName(value) ?? value}`;
  if (key === 'errorClass') return `${errorClassName(value) ?? 'of a vendor'} (${value})`;
  if (key === 'errorCode') return `${errorCodeName(value) ?? 'of a vendor'} (${value})`;
  const word = wordFor(key, value);
  return word === undefined ? String(value) : `${word} (${value})`;
}

/** Values of any type as a person reads them. */
function valueText(value: AnyValue): string {
  const elements = elementsOf(value);
  return elements.length === 0 ? 'empty' : elements.map(elementText).join(', ');
}

function elementText(element: Element): string {
  if (element.kind === 'constructed') return `[${element.number}] { ${element.elements.map(elementText).join(', ')} }`;
  if (element.kind === 'context') return `[${element.number}] ${hex(element.octets) || 'empty'}`;
  const primitive = primitiveOfElement(element);
  return primitive === undefined ? hex(element.octets) : primitiveText(primitive);
}

/** 255: any. */
const two = (number: number): string => (number === 255 ? '*' : String(number).padStart(2, '0'));

function dateText({ year, month, day }: { year: number; month: number; day: number }): string {
  return `${year === 255 ? '*' : 1900 + year}-${two(month)}-${two(day)}`;
}

function timeText({ hour, minute, second, hundredths }: Time): string {
  return `${two(hour)}:${two(minute)}:${two(second)}.${two(hundredths)}`;
}

function primitiveText(primitive: Primitive): string {
  switch (primitive.type) {
    case 'null':
      return 'NULL';
    case 'octet-string':
      return leaf('', primitive.value);
    case 'character-string':
      return JSON.stringify(textOf(primitive.value) ?? hex(primitive.value.octets));
    case 'bit-string':
      return `bits ${bitsOf(primitive.value)
        .map((bit) => (bit ? '1' : '0'))
        .join('')}`;
    case 'date':
      return `date ${dateText(primitive.value)}`;
    case 'time':
      return `time ${timeText(primitive.value)}`;
    case 'object-identifier':
      return objectText(primitive.value.type, primitive.value.instance);
    default:
      return `${primitive.type} ${primitive.value}`;
  }
}
