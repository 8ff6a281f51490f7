// Engineering values of simulated points to registers and back: types, word orders, scale, bits, strings, BCD.
// Holds for every type and order: read(write(value)) is the value, within the resolution of type and scale.

export type ModbusTable = 'coil' | 'discrete' | 'holding' | 'input';
type WordOrder = 'ABCD' | 'CDAB' | 'BADC' | 'DCBA';
/** `bool` is a coil, a discrete input, or one bit of a register. BCD holds four decimal digits a register. */
export type ModbusType =
  | 'bool'
  | 'int16'
  | 'uint16'
  | 'int32'
  | 'uint32'
  | 'int64'
  | 'uint64'
  | 'float32'
  | 'float64'
  | 'string'
  | 'bcd16'
  | 'bcd32';

/** A point's place in the form in which the signed inventory writes it. Registers and bits count from 0. */
export interface ModbusAddress {
  readonly table: ModbusTable;
  readonly register: number;
  readonly type: ModbusType;
  /** Default `ABCD`: most significant byte first. Wider than 32 bits: words reversed, bytes swapped, or both, in the same way. */
  readonly order?: WordOrder;
  readonly bit?: number;
  /** Registers of a string: two characters each. */
  readonly length?: number;
  /** engineering = raw × scale + offset; defaults 1 and 0. */
  readonly scale?: number;
  readonly offset?: number;
  /** Register of the same table that holds a power of ten (int16): engineering = raw × 10^exponent. */
  readonly scaleRegister?: number;
  readonly access?: 'read';
}

export type SimulatedValue = number | bigint | boolean | string;

const WIDTH = {
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
} as const satisfies Record<ModbusType, number>;

/** How many registers (or coils) the point occupies. */
export function widthOf(address: ModbusAddress): number {
  return address.type === 'string' ? (address.length ?? 1) : WIDTH[address.type];
}

function arrange(bytes: Buffer, order: WordOrder): Buffer {
  const arranged = Buffer.from(bytes);
  if (order === 'BADC' || order === 'CDAB') arranged.swap16();
  return order === 'CDAB' || order === 'DCBA' ? arranged.reverse() : arranged;
}

function toBcd(value: number, digits: number): number {
  return Number.parseInt(String(Math.round(value)).padStart(digits, '0').slice(-digits), 16);
}

function fromBcd(raw: number): number {
  const digits = raw.toString(16);
  return /^\d+$/.test(digits) ? Number(digits) : Number.NaN;
}

/** Registers of a value. `exponent` is what the scale register holds, 0 where there is none. Numbers are rounded to the type's resolution and wrap at its range. */
export function encodeValue(address: ModbusAddress, value: SimulatedValue, exponent = 0): number[] {
  const bytes = Buffer.alloc(widthOf(address) * 2);
  if (address.type === 'string') {
    bytes.write(String(value), 'latin1');
    return wordsOf(arrange(bytes, address.order === 'BADC' ? 'BADC' : 'ABCD'));
  }
  const exact = address.scale === undefined && address.offset === undefined && exponent === 0;
  const raw = exact ? value : (Number(value) - (address.offset ?? 0)) / ((address.scale ?? 1) * 10 ** exponent);
  const whole = typeof raw === 'bigint' ? raw : Math.round(Number(raw));
  switch (address.type) {
    case 'bool':
      bytes.writeUInt16BE(value ? 1 : 0);
      break;
    case 'int16':
    case 'uint16':
      bytes.writeUInt16BE(Number(BigInt.asUintN(16, BigInt(whole))));
      break;
    case 'int32':
    case 'uint32':
      bytes.writeUInt32BE(Number(BigInt.asUintN(32, BigInt(whole))));
      break;
    case 'int64':
    case 'uint64':
      bytes.writeBigUInt64BE(BigInt.asUintN(64, BigInt(whole)));
      break;
    case 'float32':
      bytes.writeFloatBE(Number(raw));
      break;
    case 'float64':
      bytes.writeDoubleBE(Number(raw));
      break;
    case 'bcd16':
      bytes.writeUInt16BE(toBcd(Number(raw), 4));
      break;
    case 'bcd32':
      bytes.writeUInt32BE(toBcd(Number(raw), 8));
      break;
  }
  return wordsOf(arrange(bytes, address.order ?? 'ABCD'));
}

/** The value its registers hold: bigint for 64-bit integers without scale, NaN for BCD that is none. */
export function decodeValue(address: ModbusAddress, words: readonly number[], exponent = 0): SimulatedValue {
  const bytes = Buffer.alloc(words.length * 2);
  for (const [index, word] of words.entries()) bytes.writeUInt16BE(word, index * 2);
  if (address.type === 'string') {
    const text = arrange(bytes, address.order === 'BADC' ? 'BADC' : 'ABCD').toString('latin1');
    return text.replace(/[\0 ]+$/, '');
  }
  if (address.type === 'bool') return (bytes.readUInt16BE(0) & (1 << (address.bit ?? 0))) !== 0;
  const ordered = arrange(bytes, address.order ?? 'ABCD');
  const raw = readRaw(address.type, ordered);
  if (address.scale === undefined && address.offset === undefined && exponent === 0) return raw;
  return Number(raw) * (address.scale ?? 1) * 10 ** exponent + (address.offset ?? 0);
}

function readRaw(type: Exclude<ModbusType, 'string' | 'bool'>, bytes: Buffer): number | bigint {
  switch (type) {
    case 'int16':
      return bytes.readInt16BE(0);
    case 'uint16':
      return bytes.readUInt16BE(0);
    case 'int32':
      return bytes.readInt32BE(0);
    case 'uint32':
      return bytes.readUInt32BE(0);
    case 'int64':
      return bytes.readBigInt64BE(0);
    case 'uint64':
      return bytes.readBigUInt64BE(0);
    case 'float32':
      return bytes.readFloatBE(0);
    case 'float64':
      return bytes.readDoubleBE(0);
    case 'bcd16':
      return fromBcd(bytes.readUInt16BE(0));
    case 'bcd32':
      return fromBcd(bytes.readUInt32BE(0));
  }
}

function wordsOf(bytes: Buffer): number[] {
  return Array.from({ length: bytes.length / 2 }, (_word, index) => bytes.readUInt16BE(index * 2));
}
