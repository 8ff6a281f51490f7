// Policy in ─► the address of one device or point, as the signed bundle writes it, read strictly into what the driver works with.
// 1. An unknown key is a fault. 2. What passes has one meaning: its registers, their format and how they scale.

import type { OpaqueAddress } from '../../src/model/point.ts';
import { AddressReading, outcome, type Parsed } from './address-reading.ts';
import { type FirmwarePlace, readFirmware } from './firmware-address.ts';
import { type ValueFormat, type WordOrder, wordOrders } from './wire/registers.ts';
import type { Scaling } from './wire/scaling.ts';

/** The four tables of a device (V1.1b3, 4.3), in the order in which an index keeps them. */
export const tables = ['coil', 'discrete', 'holding', 'input'] as const;
export type Table = (typeof tables)[number];

const pointTypes = [
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
  /** How it takes firmware; absent: its address describes no way. */
  readonly firmware?: FirmwarePlace;
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

/** `{line, unit}`, and `firmware` where the device takes some. `path` is where the address stands in the bundle. */
export function parseDeviceAddress(address: OpaqueAddress, path: string): Parsed<DevicePlace> {
  const reading = new AddressReading(address, path, ['line', 'unit', 'firmware']);
  const firmware = readFirmware(reading);
  const place = { line: reading.text('line'), unit: reading.whole('unit', 0, 255) };
  return outcome(reading, firmware === undefined ? place : { ...place, firmware });
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
  const reading = new AddressReading(address, path, pointKeys);
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

function readOnlyOf(reading: AddressReading, table: Table): boolean {
  return (
    reading.oneOf('access', ['read', 'write'], table === 'coil' || table === 'holding' ? 'write' : 'read', false) ===
    'read'
  );
}

function coil(reading: AddressReading, table: Table): Shape['format'] {
  for (const key of ['bit', 'order', 'length']) reading.without(key, `in the table \`${table}\``);
  return { type: 'coil' };
}

function formatOf(reading: AddressReading, type: PointType): ValueFormat {
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

function scalingOf(reading: AddressReading, type: PointType): Pick<Shape, 'scaling' | 'scaleRegister'> {
  if (type === 'bool' || type === 'string') {
    for (const key of ['scale', 'offset', 'scaleRegister']) reading.without(key, `with the type \`${type}\``);
    return {};
  }
  const scaling = { factor: reading.finite('scale', 1, false), offset: reading.finite('offset', 0, true) };
  const scaleRegister = reading.optionalWhole('scaleRegister', 0, 65_535);
  return scaleRegister === undefined ? { scaling } : { scaling, scaleRegister };
}
