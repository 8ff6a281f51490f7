// Policy in ─► the address of one device or point, as the signed bundle writes it, read strictly into what the driver works with.
// 1. An unknown key is a fault. 2. What passes has one meaning: its registers, their format and how they scale.

import { type DocumentFault, describeFound } from '../../src/model/fault.ts';
import type { OpaqueAddress } from '../../src/model/point.ts';
import { type ValueFormat, type WordOrder, wordOrders } from './wire/registers.ts';
import type { Scaling } from './wire/scaling.ts';

/** The four tables of a device (V1.1b3, 4.3), in the order in which an index keeps them. */
export const tables = ['coil', 'discrete', 'holding', 'input'] as const;
export type Table = (typeof tables)[number];

export const pointTypes = [
  'bool',
  'int16',
  'uint16',
  'int32',
  'uint32',
  'int64',
  'uint64',
  'float32',
  'float64',
  'string',
  'bcd16',
  'bcd32',
] as const;
type PointType = (typeof pointTypes)[number];

/** What a point's registers mean, shared by all points of the same kind. */
export interface Shape {
  /** `coil` for one coil or discrete input. */
  readonly format: ValueFormat | { readonly type: 'coil' };
  /** Absent for what is no number. */
  readonly scaling?: Scaling;
  /** Register of the same table with a power of ten (int16) that multiplies the raw value. */
  readonly scaleRegister?: number;
  readonly readOnly: boolean;
}

export interface PointPlace {
  readonly table: Table;
  /** From 0. */
  readonly register: number;
  /** Registers or coils it covers. */
  readonly count: number;
  readonly shape: Shape;
}

export interface DevicePlace {
  readonly line: string;
  /** 0 to 255; what the line's devices answer to. */
  readonly unit: number;
}

const lengthOf: { readonly [Type in PointType]: number } = {
  bool: 1,
  int16: 1,
  uint16: 1,
  bcd16: 1,
  int32: 2,
  uint32: 2,
  float32: 2,
  bcd32: 2,
  int64: 4,
  uint64: 4,
  float64: 4,
  string: 0,
};

/** Reads the keys of one address and gathers what is wrong with them. */
class Reading {
  readonly faults: DocumentFault[] = [];
  readonly #address: OpaqueAddress;
  readonly #path: string;

  constructor(address: OpaqueAddress, path: string, known: readonly string[]) {
    this.#address = address;
    this.#path = path;
    for (const key of Object.keys(address)) {
      if (!known.includes(key)) this.say(key, `unknown key \`${key}\``, `one of ${listed(known)}`);
    }
  }

  has(key: string): boolean {
    return this.#address[key] !== undefined;
  }

  say(key: string, found: string, expected: string): void {
    this.faults.push({ path: key === '' ? this.#path : `${this.#path}.${key}`, found, expected });
  }

  wrong(key: string, expected: string): void {
    this.say(key, describeFound(this.#address[key]), expected);
  }

  text(key: string): string {
    const value = this.#address[key];
    if (typeof value === 'string' && value !== '') return value;
    this.wrong(key, 'a text');
    return '';
  }

  whole(key: string, least: number, most: number): number {
    const value = this.#address[key];
    if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value;
    this.wrong(key, `a whole number from ${least} to ${most}`);
    return least;
  }

  optionalWhole(key: string, least: number, most: number): number | undefined {
    return this.has(key) ? this.whole(key, least, most) : undefined;
  }

  oneOf<T extends string>(key: string, choices: readonly T[], otherwise: T, required: boolean): T {
    const value = this.#address[key];
    if (value === undefined && !required) return otherwise;
    const choice = choices.find((candidate) => candidate === value);
    if (choice !== undefined) return choice;
    this.wrong(key, `one of ${listed(choices)}`);
    return otherwise;
  }

  finite(key: string, otherwise: number, zero: boolean): number {
    const value = this.#address[key];
    if (value === undefined) return otherwise;
    if (typeof value === 'number' && Number.isFinite(value) && (zero || value !== 0)) return value;
    this.wrong(key, zero ? 'a finite number' : 'a finite number other than 0');
    return otherwise;
  }

  /** A key that has no meaning beside the others. */
  without(key: string, why: string): void {
    if (this.has(key)) this.wrong(key, `no such key ${why}`);
  }
}

function listed(choices: readonly string[]): string {
  return choices.map((choice) => `\`${choice}\``).join(', ');
}

export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly faults: readonly DocumentFault[] };

function outcome<T>(reading: Reading, value: T): Parsed<T> {
  return reading.faults.length === 0 ? { ok: true, value } : { ok: false, faults: reading.faults };
}

/** `{line, unit}`. `path` is where the address stands in the bundle. */
export function parseDeviceAddress(address: OpaqueAddress, path: string): Parsed<DevicePlace> {
  const reading = new Reading(address, path, ['line', 'unit']);
  return outcome(reading, { line: reading.text('line'), unit: reading.whole('unit', 0, 255) });
}

const pointKeys = [
  'table',
  'register',
  'type',
  'order',
  'bit',
  'length',
  'scale',
  'offset',
  'scaleRegister',
  'access',
] as const;

/** A point's registers. `path` is where the address stands in the bundle. */
export function parsePointAddress(address: OpaqueAddress, path: string): Parsed<PointPlace> {
  const reading = new Reading(address, path, pointKeys);
  const table = reading.oneOf('table', tables, 'holding', true);
  const register = reading.whole('register', 0, 65_535);
  const type = reading.oneOf('type', pointTypes, 'uint16', true);
  const readOnly = readOnlyOf(reading, table);
  const isBits = table === 'coil' || table === 'discrete';
  if (isBits && type !== 'bool') reading.wrong('type', `\`bool\` in the table \`${table}\``);
  const format = isBits ? coil(reading, table) : formatOf(reading, type);
  const count = isBits ? 1 : type === 'string' && 'registers' in format ? format.registers : lengthOf[type];
  if (register + count > 65_536)
    reading.say('register', `\`${register}\` for ${count} registers`, 'registers up to 65535');
  const scaled = scalingOf(reading, type);
  return outcome(reading, { table, register, count, shape: { format, readOnly, ...scaled } });
}

function readOnlyOf(reading: Reading, table: Table): boolean {
  return (
    reading.oneOf('access', ['read', 'write'], table === 'coil' || table === 'holding' ? 'write' : 'read', false) ===
    'read'
  );
}

function coil(reading: Reading, table: Table): Shape['format'] {
  for (const key of ['bit', 'order', 'length']) reading.without(key, `in the table \`${table}\``);
  return { type: 'coil' };
}

function formatOf(reading: Reading, type: PointType): ValueFormat {
  if (type !== 'string') reading.without('length', `with the type \`${type}\``);
  if (type !== 'bool') reading.without('bit', `with the type \`${type}\``);
  if (type === 'bool') {
    reading.without('order', 'with the type `bool`');
    const bit = reading.optionalWhole('bit', 0, 15);
    return bit === undefined ? { type: 'bool' } : { type: 'bit', bit };
  }
  if (type === 'string') {
    const registers = reading.whole('length', 1, 123);
    return { type, registers, order: reading.oneOf('order', ['ABCD', 'BADC'], 'ABCD', false), encoding: 'utf8' };
  }
  const order: WordOrder = reading.oneOf('order', wordOrders, 'ABCD', false);
  return { type, order };
}

function scalingOf(reading: Reading, type: PointType): Pick<Shape, 'scaling' | 'scaleRegister'> {
  if (type === 'bool' || type === 'string') {
    for (const key of ['scale', 'offset', 'scaleRegister']) reading.without(key, `with the type \`${type}\``);
    return {};
  }
  const scaling = { factor: reading.finite('scale', 1, false), offset: reading.finite('offset', 0, true) };
  const scaleRegister = reading.optionalWhole('scaleRegister', 0, 65_535);
  return scaleRegister === undefined ? { scaling } : { scaling, scaleRegister };
}
