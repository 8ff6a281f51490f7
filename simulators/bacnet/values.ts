// The primitive values of BACnet as octets and back, and the short words with which services and objects are written down.

import type { ApplicationElement, ConstructedElement, ContextElement, Element } from './elements.ts';

/** Numbers of the application tags. */
export const TAG = {
  null: 0,
  boolean: 1,
  unsigned: 2,
  signed: 3,
  real: 4,
  double: 5,
  octets: 6,
  text: 7,
  bits: 8,
  enumerated: 9,
  date: 10,
  time: 11,
  object: 12,
} as const;

export interface ObjectRef {
  readonly type: number;
  readonly instance: number;
}

export const octetsOf = {
  /** Shortest form of 0 to 2^53 - 1, or of any non-negative bigint. */
  unsigned(value: number | bigint): Buffer {
    const digits = BigInt(value).toString(16);
    return Buffer.from(digits.length % 2 === 0 ? digits : `0${digits}`, 'hex');
  },
  /** Shortest two's complement of at most four octets. */
  signed(value: number): Buffer {
    for (let size = 1; size < 4; size += 1) {
      if (value >= -(2 ** (8 * size - 1)) && value < 2 ** (8 * size - 1)) {
        const short = Buffer.alloc(size);
        short.writeIntBE(value, 0, size);
        return short;
      }
    }
    const long = Buffer.alloc(4);
    long.writeInt32BE(value);
    return long;
  },
  real(value: number): Buffer {
    const octets = Buffer.alloc(4);
    octets.writeFloatBE(value);
    return octets;
  },
  double(value: number): Buffer {
    const octets = Buffer.alloc(8);
    octets.writeDoubleBE(value);
    return octets;
  },
  /** UTF-8, character set 0. */
  text(value: string): Buffer {
    return Buffer.concat([Buffer.from([0]), Buffer.from(value, 'utf8')]);
  },
  bits(values: readonly boolean[]): Buffer {
    const octets = Buffer.alloc(1 + Math.ceil(values.length / 8));
    octets[0] = (octets.length - 1) * 8 - values.length;
    for (const [index, set] of values.entries()) {
      const at = 1 + (index >> 3);
      if (set) octets[at] = (octets[at] ?? 0) | (0x80 >> (index & 7));
    }
    return octets;
  },
  object(ref: ObjectRef): Buffer {
    const octets = Buffer.alloc(4);
    octets.writeUInt32BE(((ref.type << 22) | ref.instance) >>> 0);
    return octets;
  },
  /** Year, month, day, day of the week of an instant, in UTC. */
  date(at: Date): Buffer {
    return Buffer.from([at.getUTCFullYear() - 1900, at.getUTCMonth() + 1, at.getUTCDate(), at.getUTCDay() || 7]);
  },
  time(at: Date): Buffer {
    const hundredths = Math.floor(at.getUTCMilliseconds() / 10);
    return Buffer.from([at.getUTCHours(), at.getUTCMinutes(), at.getUTCSeconds(), hundredths]);
  },
};

function application(tag: number, octets: Buffer): ApplicationElement {
  return { kind: 'application', tag, octets };
}

/** Application-tagged values. */
export const app = {
  null: (): ApplicationElement => application(TAG.null, Buffer.alloc(0)),
  boolean: (value: boolean): ApplicationElement => application(TAG.boolean, Buffer.from([value ? 1 : 0])),
  unsigned: (value: number | bigint): ApplicationElement => application(TAG.unsigned, octetsOf.unsigned(value)),
  signed: (value: number): ApplicationElement => application(TAG.signed, octetsOf.signed(value)),
  real: (value: number): ApplicationElement => application(TAG.real, octetsOf.real(value)),
  double: (value: number): ApplicationElement => application(TAG.double, octetsOf.double(value)),
  octets: (value: Buffer): ApplicationElement => application(TAG.octets, value),
  text: (value: string): ApplicationElement => application(TAG.text, octetsOf.text(value)),
  bits: (values: readonly boolean[]): ApplicationElement => application(TAG.bits, octetsOf.bits(values)),
  enumerated: (value: number): ApplicationElement => application(TAG.enumerated, octetsOf.unsigned(value)),
  date: (at: Date): ApplicationElement => application(TAG.date, octetsOf.date(at)),
  time: (at: Date): ApplicationElement => application(TAG.time, octetsOf.time(at)),
  /** A time of day, hundredths 0. */
  timeOfDay: (hour: number, minute: number): ApplicationElement =>
    application(TAG.time, Buffer.from([hour, minute, 0, 0])),
  /** A date all of whose fields are wildcards. */
  anyDate: (): ApplicationElement => application(TAG.date, Buffer.alloc(4, 0xff)),
  object: (ref: ObjectRef): ApplicationElement => application(TAG.object, octetsOf.object(ref)),
};

function context(tag: number, octets: Buffer): ContextElement {
  return { kind: 'context', tag, octets };
}

/** Context-tagged values, the tag first. */
export const ctx = {
  boolean: (tag: number, value: boolean): ContextElement => context(tag, Buffer.from([value ? 1 : 0])),
  unsigned: (tag: number, value: number | bigint): ContextElement => context(tag, octetsOf.unsigned(value)),
  signed: (tag: number, value: number): ContextElement => context(tag, octetsOf.signed(value)),
  real: (tag: number, value: number): ContextElement => context(tag, octetsOf.real(value)),
  octets: (tag: number, value: Buffer): ContextElement => context(tag, value),
  text: (tag: number, value: string): ContextElement => context(tag, octetsOf.text(value)),
  bits: (tag: number, values: readonly boolean[]): ContextElement => context(tag, octetsOf.bits(values)),
  object: (tag: number, ref: ObjectRef): ContextElement => context(tag, octetsOf.object(ref)),
  /** The same value under another tag: how SEQUENCE members are written that a choice gives untagged. */
  of: (tag: number, value: ApplicationElement): ContextElement => context(tag, value.octets),
};

/** What stands between opening and closing tag `tag`. */
export function within(tag: number, ...items: readonly Element[]): ConstructedElement {
  return { kind: 'constructed', tag, items };
}

/** Octets read as a value. Lengths that cannot be are the caller's to refuse. */
export const decoded = {
  unsigned(octets: Buffer): number {
    return octets.reduce((sum, octet) => sum * 256 + octet, 0);
  },
  signed(octets: Buffer): number {
    return octets.length === 0 ? 0 : octets.readIntBE(0, Math.min(octets.length, 6));
  },
  boolean(octets: Buffer): boolean {
    return (octets[0] ?? 0) !== 0;
  },
  text(octets: Buffer): string {
    return octets.subarray(1).toString(octets[0] === 5 ? 'latin1' : 'utf8');
  },
  bits(octets: Buffer): readonly boolean[] {
    const count = Math.max(0, (octets.length - 1) * 8 - (octets[0] ?? 0));
    return Array.from({ length: count }, (_, index) => ((octets[1 + (index >> 3)] ?? 0) & (0x80 >> (index & 7))) !== 0);
  },
  object(octets: Buffer): ObjectRef {
    const packed = octets.length === 4 ? octets.readUInt32BE() : 0xffffffff;
    return { type: packed >>> 22, instance: packed & 0x3fffff };
  },
  /** A full date and time without wildcards, as UTC; `undefined` where a field is one. */
  instant(date: Buffer, time: Buffer): Date | undefined {
    if (date.length !== 4 || time.length !== 4 || [...date.subarray(0, 3), ...time].includes(0xff)) return undefined;
    const [year = 0, month = 1, day = 1] = date;
    const [hour = 0, minute = 0, second = 0, hundredth = 0] = time;
    return new Date(Date.UTC(year + 1900, month - 1, day, hour, minute, second, hundredth * 10));
  },
};

/** A number for what counts as one (Boolean, integers, Real, Double, Enumerated), else `undefined`. */
export function numberOf(value: Element | undefined): number | undefined {
  if (value?.kind !== 'application') return undefined;
  switch (value.tag) {
    case TAG.boolean:
    case TAG.unsigned:
    case TAG.enumerated:
      return decoded.unsigned(value.octets);
    case TAG.signed:
      return decoded.signed(value.octets);
    case TAG.real:
      return value.octets.length === 4 ? value.octets.readFloatBE() : undefined;
    case TAG.double:
      return value.octets.length === 8 ? value.octets.readDoubleBE() : undefined;
    default:
      return undefined;
  }
}

/** The text of a character string, else `undefined`. */
export function textOf(value: Element | undefined): string | undefined {
  return value?.kind === 'application' && value.tag === TAG.text ? decoded.text(value.octets) : undefined;
}

/** A value for a person: `21.5`, `null`, `"AHU 2"`, or hex. */
export function shown(items: readonly Element[]): string {
  return items
    .map((item) => {
      if (item.kind === 'constructed') return `[${item.tag}]{${shown(item.items)}}`;
      if (item.kind === 'context') return `[${item.tag}]${item.octets.toString('hex')}`;
      if (item.tag === TAG.null) return 'null';
      const text = textOf(item);
      if (text !== undefined) return JSON.stringify(text);
      const number = numberOf(item);
      return number === undefined ? item.octets.toString('hex') : String(Math.round(number * 1000) / 1000);
    })
    .join(' ');
}
