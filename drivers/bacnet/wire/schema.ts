// How a service's parameters are described once and read and written from that one description (clause 21's notation).
// 1. `decode` gives `undefined` exactly when the reader holds a fault.
// 2. Whatever `decode` accepts, `encode` writes back octet for octet.
// 3. A description never refers to itself, so decoding is as deep as what is written in this folder.

import type { ServiceFaultCode } from './fault.ts';
import type { TagReader } from './reader.ts';
import type { TagWriter } from './writer.ts';

/** One parameter: whether it stands at the reader, how it is read, how it is written. */
export interface Codec<T> {
  /** For messages: `[2] unsigned integer`. */
  readonly label: string;
  starts(reader: TagReader): boolean;
  decode(reader: TagReader): T | undefined;
  /** Throws a RangeError for a value no decoder could have given. */
  encode(writer: TagWriter, value: T): void;
}

/** The contents of a primitive, apart from its tag. The reader has looked at the tag; contents lie within its octets. */
export interface Content<T> {
  readonly label: string;
  readonly applicationTag: number;
  read(reader: TagReader): T | undefined;
  length(value: T): number;
  write(writer: TagWriter, value: T): void;
}

interface Optional<T> {
  readonly optional: Codec<T>;
}

/** The value a codec (or an optional one) stands for. */
export type ValueOf<C> = C extends Codec<infer T> ? T : C extends Optional<infer T> ? T : never;

type Fields = { readonly [name: string]: Codec<unknown> | Optional<unknown> };
type OptionalNames<F> = { [K in keyof F]: F[K] extends Optional<unknown> ? K : never }[keyof F];
type Flat<T> = { readonly [K in keyof T]: T[K] };
type SequenceOf<F> = Flat<
  { [K in Exclude<keyof F, OptionalNames<F>>]: ValueOf<F[K]> } & { [K in OptionalNames<F>]?: ValueOf<F[K]> }
>;
type ChoiceOf<F> = { [K in keyof F]: { readonly choice: K; readonly value: ValueOf<F[K]> } }[keyof F];

/** A primitive under its application tag. */
export function application<T>(content: Content<T>): Codec<T> {
  const label = content.label;
  return {
    label,
    starts: (reader) => reader.is('application', content.applicationTag),
    decode(reader) {
      if (!reader.is('application', content.applicationTag)) return reader.refuseTag(label);
      const value = content.read(reader);
      if (value !== undefined) reader.skip();
      return value;
    },
    encode(writer, value) {
      writer.application(content.applicationTag, content.length(value));
      content.write(writer, value);
    },
  };
}

/** A Boolean under its application tag, which carries the value itself (20.2.3). */
export const applicationBoolean: Codec<boolean> = {
  label: 'Boolean',
  starts: (reader) => reader.is('application', 1),
  decode(reader) {
    if (!reader.is('application', 1)) return reader.refuseTag('Boolean');
    const value = reader.tagValue === 1;
    reader.skip();
    return value;
  },
  encode: (writer, value) => writer.application(1, value ? 1 : 0),
};

/** A primitive under context tag `number`. */
export function context<T>(number: number, content: Content<T>): Codec<T> {
  const label = `[${number}] ${content.label}`;
  return {
    label,
    starts: (reader) => reader.is('context', number),
    decode(reader) {
      if (!reader.is('context', number)) return reader.refuseTag(label);
      const value = content.read(reader);
      if (value !== undefined) reader.skip();
      return value;
    },
    encode(writer, value) {
      writer.context(number, content.length(value));
      content.write(writer, value);
    },
  };
}

/** A constructed value between the opening and the closing tag `number`. */
export function wrapped<T>(number: number, inner: Codec<T>): Codec<T> {
  const label = `[${number}] ${inner.label}`;
  return {
    label,
    starts: (reader) => reader.is('opening', number),
    decode(reader) {
      if (!reader.is('opening', number)) return reader.refuseTag(label);
      reader.enter();
      const value = inner.decode(reader);
      if (value === undefined) return undefined;
      if (!reader.is('closing', number)) return refuseRest(reader, `the closing tag \`${number}\``);
      reader.enter();
      return value;
    },
    encode(writer, value) {
      writer.opening(number);
      inner.encode(writer, value);
      writer.closing(number);
    },
  };
}

export function optional<T>(codec: Codec<T>): Optional<T> {
  return { optional: codec };
}

/** SEQUENCE: the fields in the order written. An absent optional field is absent from the value. */
export function sequence<const F extends Fields>(label: string, fields: F): Codec<SequenceOf<F>> {
  const parts = Object.entries(fields).map(([name, field]) =>
    'optional' in field ? { name, codec: field.optional, isOptional: true } : { name, codec: field, isOptional: false },
  );
  const lastLeading = parts.findIndex((part) => !part.isOptional);
  const leading = lastLeading === -1 ? parts : parts.slice(0, lastLeading + 1);
  return {
    label,
    starts: (reader) => leading.some((part) => part.codec.starts(reader)),
    decode(reader) {
      const value: Record<string, unknown> = {};
      for (const { name, codec, isOptional } of parts) {
        if (isOptional && !codec.starts(reader)) continue;
        const field = codec.decode(reader);
        if (field === undefined) return undefined;
        value[name] = field;
      }
      return reader.fault === undefined ? (value as SequenceOf<F>) : undefined;
    },
    encode(writer, value) {
      const values: { readonly [name: string]: unknown } = value;
      for (const { name, codec, isOptional } of parts) {
        const field = values[name];
        if (field !== undefined) codec.encode(writer, field);
        else if (!isOptional) throw new RangeError(`got no \`${name}\`, expected ${codec.label} of ${label}`);
      }
    },
  };
}

/** SEQUENCE OF: to the closing tag or the end. An element that takes no octet is a fault, so it ends. */
export function list<T>(element: Codec<T>, size: { readonly min: number; readonly max?: number }): Codec<readonly T[]> {
  const label = `list of ${element.label}`;
  const max = size.max ?? Number.POSITIVE_INFINITY;
  return {
    label,
    starts: (reader) => element.starts(reader),
    decode(reader) {
      const values: T[] = [];
      const start = reader.position;
      for (let form = reader.peek(); form !== 'end' && form !== 'closing'; form = reader.peek()) {
        const before = reader.position;
        const value = element.decode(reader);
        if (value === undefined) return undefined;
        if (reader.position === before) return reader.refuseTag(element.label);
        values.push(value);
      }
      if (reader.fault !== undefined) return undefined;
      if (values.length < size.min) return reader.refuse('parameter-missing', `got an empty ${label}`, start);
      if (values.length > max) {
        return reader.refuse('too-many', `got \`${values.length}\` elements, expected at most \`${max}\``, start);
      }
      return values;
    },
    encode(writer, values) {
      if (values.length < size.min || values.length > max) {
        throw new RangeError(`got \`${values.length}\` elements, expected \`${size.min}\` to \`${max}\``);
      }
      for (const value of values) element.encode(writer, value);
    },
  };
}

/** CHOICE: the alternative whose tag stands there, as `{ choice, value }`. */
export function choice<const F extends { readonly [name: string]: Codec<unknown> }>(
  label: string,
  alternatives: F,
): Codec<ChoiceOf<F>> {
  const parts = Object.entries(alternatives);
  const byName = new Map(parts);
  return {
    label,
    starts: (reader) => parts.some(([, codec]) => codec.starts(reader)),
    decode(reader) {
      for (const [name, codec] of parts) {
        if (!codec.starts(reader)) continue;
        const value = codec.decode(reader);
        return value === undefined ? undefined : ({ choice: name, value } as ChoiceOf<F>);
      }
      return reader.refuseTag(label);
    },
    encode(writer, value) {
      const codec = byName.get(String(value.choice));
      if (codec === undefined) throw new RangeError(`got \`${String(value.choice)}\`, expected a choice of ${label}`);
      codec.encode(writer, value.value);
    },
  };
}

/** `codec` with a rule between its parts: `broken` gives what is wrong, or `undefined`. */
export function checked<T>(
  codec: Codec<T>,
  code: ServiceFaultCode,
  broken: (value: T) => string | undefined,
): Codec<T> {
  return {
    label: codec.label,
    starts: (reader) => codec.starts(reader),
    decode(reader) {
      const start = reader.position;
      const value = codec.decode(reader);
      if (value === undefined) return undefined;
      const message = broken(value);
      return message === undefined ? value : reader.refuse(code, message, start);
    },
    encode(writer, value) {
      const message = broken(value);
      if (message !== undefined) throw new RangeError(message);
      codec.encode(writer, value);
    },
  };
}

/** More stands where nothing may: an end that is missing, or a parameter too many. */
export function refuseRest(reader: TagReader, expected: string): undefined {
  const form = reader.peek();
  if (form === 'end') return reader.refuse('parameter-missing', `got nothing, expected ${expected}`);
  if (form === 'closing')
    return reader.refuse('tag-unexpected', `got closing tag \`${reader.number}\`, expected ${expected}`);
  return reader.refuse('octets-trailing', `got ${form} tag \`${reader.number}\`, expected ${expected}`);
}
