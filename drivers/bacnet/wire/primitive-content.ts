// Contents of the primitive types of clause 20.2.2 to 20.2.14, for parameters whose type the service names.
// 1. Only the form the standard calls for is accepted, so that a number has one spelling.
// 2. Octets of strings are kept as they came; no character set is converted here.

import { octetAt } from './octet.ts';
import type { TagReader } from './reader.ts';
import type { Content } from './schema.ts';
import type { TagWriter } from './writer.ts';

/** Object type 0 to 1023, instance 0 to 4194303 (4194303: no instance, or any). */
export interface ObjectIdentifier {
  readonly type: number;
  readonly instance: number;
}

/** The octets of a string and the character set they claim (20.2.9): 0 UTF-8, 4 UCS-2, 5 ISO 8859-1. */
export interface CharacterString {
  readonly characterSet: number;
  readonly octets: Uint8Array;
}

/** Bits from the most significant of the first octet on; the last octet's `unusedBits` low bits are kept but mean nothing. */
export interface BitString {
  readonly unusedBits: number;
  readonly octets: Uint8Array;
}

/** The octets of a date as they stand: `year` counts from 1900, 255 is unspecified; other specials as in 20.2.12. */
export interface BacnetDate {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly weekday: number;
}

/** The octets of a time as they stand; 255 is unspecified (20.2.13). */
export interface BacnetTime {
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly hundredths: number;
}

export const MAX_INSTANCE = 4_194_303;
const MAX_UNSIGNED32 = 0xffff_ffff;

function contentAt(reader: TagReader, index: number): number {
  return octetAt(reader.octets, reader.contentStart + index);
}

function contentsOf(reader: TagReader): Uint8Array {
  return reader.octets.subarray(reader.contentStart, reader.contentStart + reader.contentLength);
}

/** Octets of the shortest form (20.2.4) of a number up to 4294967295. */
export function unsignedLength(value: number): number {
  if (value < 0x100) return 1;
  if (value < 0x1_0000) return 2;
  return value < 0x100_0000 ? 3 : 4;
}

interface Range {
  readonly min?: number;
  /** At most 4294967295. */
  readonly max?: number;
}

function minimalUnsigned(
  label: string,
  applicationTag: number,
  { min = 0, max = MAX_UNSIGNED32 }: Range,
  outside: 'parameter-range' | 'enumeration-undefined',
): Content<number> {
  const check = (value: number): void => {
    if (!Number.isInteger(value) || value < min || value > max) {
      throw new RangeError(`got \`${value}\`, expected ${label} \`${min}\` to \`${max}\``);
    }
  };
  return {
    label,
    applicationTag,
    read(reader) {
      const length = reader.contentLength;
      // 20.2.4: the smallest number of octets.
      if (length === 0 || (length > 1 && contentAt(reader, 0) === 0)) {
        return reader.refuse('parameter-datatype', `got \`${length}\` octets, expected the shortest ${label}`);
      }
      if (length > 4) return reader.refuse(outside, `got \`${length}\` octets, expected ${label} up to \`${max}\``);
      let value = 0;
      for (let index = 0; index < length; index += 1) value = value * 256 + contentAt(reader, index);
      if (value < min || value > max) {
        return reader.refuse(outside, `got \`${value}\`, expected ${label} \`${min}\` to \`${max}\``);
      }
      return value;
    },
    length(value) {
      check(value);
      return unsignedLength(value);
    },
    write(writer, value) {
      writer.unsigned(value, unsignedLength(value));
    },
  };
}

/** 20.2.4. Without a range: 0 to 4294967295. */
export function unsigned(range: Range = {}): Content<number> {
  return minimalUnsigned('Unsigned', 2, range, 'parameter-range');
}

/** 20.2.11. `max`: the last value defined, where the standard does not let others extend the enumeration. */
export function enumerated(max: number = MAX_UNSIGNED32): Content<number> {
  return minimalUnsigned('Enumerated', 9, { max }, 'enumeration-undefined');
}

function signedLength(value: number): number {
  if (value >= -0x80 && value < 0x80) return 1;
  if (value >= -0x8000 && value < 0x8000) return 2;
  return value >= -0x80_0000 && value < 0x80_0000 ? 3 : 4;
}

/** 20.2.5: 32 bits, in the smallest number of octets. */
export const signed: Content<number> = {
  label: 'Integer',
  applicationTag: 3,
  read(reader) {
    const length = reader.contentLength;
    if (length === 0 || length > 4) {
      return reader.refuse('parameter-datatype', `got \`${length}\` octets, expected an Integer of \`1\` to \`4\``);
    }
    let value = (contentAt(reader, 0) << 24) >> 24;
    for (let index = 1; index < length; index += 1) value = value * 256 + contentAt(reader, index);
    if (signedLength(value) !== length) {
      return reader.refuse('parameter-datatype', `got \`${length}\` octets, expected the shortest Integer`);
    }
    return value;
  },
  length(value) {
    if (!Number.isInteger(value) || value < -0x8000_0000 || value > 0x7fff_ffff) {
      throw new RangeError(`got \`${value}\`, expected an Integer of 32 bits`);
    }
    return signedLength(value);
  },
  write(writer, value) {
    const octets = signedLength(value);
    writer.unsigned(value < 0 ? value + 2 ** (8 * octets) : value, octets);
  },
};

/** 20.2.3, under a context tag: one octet, 0 or 1. */
export const boolean: Content<boolean> = {
  label: 'Boolean',
  applicationTag: 1,
  read(reader) {
    const value = contentAt(reader, 0);
    if (reader.contentLength !== 1 || value > 1) {
      return reader.refuse('parameter-datatype', 'got another form, expected a Boolean octet `0` or `1`');
    }
    return value === 1;
  },
  length: () => 1,
  write(writer, value) {
    writer.octet(value ? 1 : 0);
  },
};

/** 20.2.6. NaN is out of range: no parameter of a service means anything by it, and its payload would be lost. */
export const real: Content<number> = {
  label: 'Real',
  applicationTag: 4,
  read(reader) {
    if (reader.contentLength !== 4) {
      return reader.refuse('parameter-datatype', `got \`${reader.contentLength}\` octets, expected a Real of \`4\``);
    }
    const { octets } = reader;
    const value = new DataView(octets.buffer, octets.byteOffset + reader.contentStart, 4).getFloat32(0);
    return Number.isNaN(value) ? reader.refuse('parameter-range', 'got NaN, expected a Real') : value;
  },
  length(value) {
    if (Number.isNaN(value)) throw new RangeError('got NaN, expected a Real');
    return 4;
  },
  write(writer, value) {
    writer.float32(value);
  },
};

/** 20.2.8. */
export const octetString: Content<Uint8Array> = {
  label: 'OctetString',
  applicationTag: 6,
  read: contentsOf,
  length: (value) => value.length,
  write: (writer, value) => writer.octets(value),
};

/** 20.2.9: a character set and the string's octets, which may be none. */
export const characterString: Content<CharacterString> = {
  label: 'CharacterString',
  applicationTag: 7,
  read(reader) {
    if (reader.contentLength === 0) {
      return reader.refuse('parameter-datatype', 'got no octets, expected a character set');
    }
    return { characterSet: contentAt(reader, 0), octets: contentsOf(reader).subarray(1) };
  },
  length: (value) => value.octets.length + 1,
  write(writer, value) {
    writer.octet(value.characterSet);
    writer.octets(value.octets);
  },
};

/** 20.2.10: the count of unused bits, then the bits. */
export const bitString: Content<BitString> = {
  label: 'BitString',
  applicationTag: 8,
  read(reader) {
    const unusedBits = contentAt(reader, 0);
    if (reader.contentLength === 0 || !bitsFit(unusedBits, reader.contentLength - 1)) {
      return reader.refuse('parameter-datatype', 'got no or too many unused bits, expected a BitString');
    }
    return { unusedBits, octets: contentsOf(reader).subarray(1) };
  },
  length(value) {
    if (!bitsFit(value.unusedBits, value.octets.length)) {
      throw new RangeError(`got \`${value.unusedBits}\` unused bits, expected fewer than 8 and than there are`);
    }
    return value.octets.length + 1;
  },
  write(writer, value) {
    writer.octet(value.unusedBits);
    writer.octets(value.octets);
  },
};

/** Whether `unusedBits` can be those of `octets` octets of bits. */
export function bitsFit(unusedBits: number, octets: number): boolean {
  return unusedBits < 8 && (octets > 0 || unusedBits === 0);
}

function fourOctets(label: string, reader: TagReader): boolean {
  if (reader.contentLength === 4) return true;
  reader.refuse('parameter-datatype', `got \`${reader.contentLength}\` octets, expected a ${label} of \`4\``);
  return false;
}

function writeFour(writer: TagWriter, a: number, b: number, c: number, d: number): void {
  writer.octet(a);
  writer.octet(b);
  writer.octet(c);
  writer.octet(d);
}

/** 20.2.12. The octets are not held against the calendar. */
export const date: Content<BacnetDate> = {
  label: 'Date',
  applicationTag: 10,
  read(reader) {
    if (!fourOctets('Date', reader)) return undefined;
    return {
      year: contentAt(reader, 0),
      month: contentAt(reader, 1),
      day: contentAt(reader, 2),
      weekday: contentAt(reader, 3),
    };
  },
  length: () => 4,
  write: (writer, { year, month, day, weekday }) => writeFour(writer, year, month, day, weekday),
};

/** 20.2.13. */
export const time: Content<BacnetTime> = {
  label: 'Time',
  applicationTag: 11,
  read(reader) {
    if (!fourOctets('Time', reader)) return undefined;
    return {
      hour: contentAt(reader, 0),
      minute: contentAt(reader, 1),
      second: contentAt(reader, 2),
      hundredths: contentAt(reader, 3),
    };
  },
  length: () => 4,
  write: (writer, { hour, minute, second, hundredths }) => writeFour(writer, hour, minute, second, hundredths),
};

/** 20.2.14: ten bits of type, twenty-two of instance. */
export const objectIdentifier: Content<ObjectIdentifier> = {
  label: 'ObjectIdentifier',
  applicationTag: 12,
  read(reader) {
    if (!fourOctets('ObjectIdentifier', reader)) return undefined;
    const b = contentAt(reader, 1);
    return {
      type: (contentAt(reader, 0) << 2) | (b >> 6),
      instance: ((b & 0x3f) << 16) | (contentAt(reader, 2) << 8) | contentAt(reader, 3),
    };
  },
  length({ type, instance }) {
    if (!(type >= 0 && type <= 1023 && instance >= 0 && instance <= MAX_INSTANCE)) {
      throw new RangeError(
        `got \`${type},${instance}\`, expected type up to \`1023\`, instance up to \`${MAX_INSTANCE}\``,
      );
    }
    return 4;
  },
  write(writer, { type, instance }) {
    writer.unsigned(type * 0x40_0000 + instance, 4);
  },
};
