// The state of one simulated device: what its coils and registers hold, and its points as engineering values.
// A place that no point and no `plain` register maps does not exist: a span that touches one is an illegal data address.

import {
  decodeValue,
  encodeValue,
  type ModbusAddress,
  type ModbusTable,
  type SimulatedValue,
  widthOf,
} from './values.ts';

/** What the bank needs to know of a point; the plant's points have more. */
export interface MappedPoint {
  readonly id: string;
  readonly address: ModbusAddress;
  readonly initial: SimulatedValue;
}

/** Places without a point: mapped on the device, unknown to the inventory. */
export interface PlainRegisters {
  readonly table: ModbusTable;
  readonly register: number;
  readonly values: readonly number[];
}

type Table = Map<number, number>;

export class RegisterBank {
  readonly #tables: Readonly<Record<ModbusTable, Table>> = {
    coil: new Map(),
    discrete: new Map(),
    holding: new Map(),
    input: new Map(),
  };
  readonly #points = new Map<string, MappedPoint>();
  readonly #readOnly = new Set<number>();

  constructor(points: readonly MappedPoint[], plain: readonly PlainRegisters[] = []) {
    for (const { table, register, values } of plain) {
      for (const [index, value] of values.entries()) this.#tables[table].set(register + index, value);
    }
    for (const point of points) {
      this.#points.set(point.id, point);
      const { table, register, access } = point.address;
      for (let index = 0; index < widthOf(point.address); index += 1) {
        if (!this.#tables[table].has(register + index)) this.#tables[table].set(register + index, 0);
        if (table === 'holding' && access === 'read') this.#readOnly.add(register + index);
      }
    }
    // Scale registers first: the others are encoded by what they hold.
    const scaled = points.filter((point) => point.address.scaleRegister !== undefined);
    for (const point of points) if (!scaled.includes(point)) this.set(point.id, point.initial);
    for (const point of scaled) this.set(point.id, point.initial);
  }

  /** `count` places from `register`, or `undefined` where one of them does not exist. */
  read(table: ModbusTable, register: number, count: number): number[] | undefined {
    const found: number[] = [];
    for (let index = register; index < register + count; index += 1) {
      const value = this.#tables[table].get(index);
      if (value === undefined) return undefined;
      found.push(value);
    }
    return found;
  }

  /** Writes all or nothing. False where a place does not exist or is read-only. */
  write(table: 'coil' | 'holding', register: number, values: readonly number[]): boolean {
    if (this.read(table, register, values.length) === undefined) return false;
    if (table === 'holding' && values.some((_value, index) => this.#readOnly.has(register + index))) return false;
    for (const [index, value] of values.entries()) this.#tables[table].set(register + index, value);
    return true;
  }

  /** The point's engineering value. Throws for an id the device does not have. */
  get(id: string): SimulatedValue {
    const { address } = this.#find(id);
    return decodeValue(address, this.#words(address), this.#exponent(address));
  }

  /** The point's value as a number: booleans are 0 and 1. */
  number(id: string): number {
    return Number(this.get(id));
  }

  /** Changes a point from inside the device, sensors and read-only registers included. */
  set(id: string, value: SimulatedValue): void {
    const { address } = this.#find(id);
    const table = this.#tables[address.table];
    if (address.bit !== undefined) {
      const [word = 0] = this.#words(address);
      const mask = 1 << address.bit;
      table.set(address.register, value ? word | mask : word & ~mask);
      return;
    }
    for (const [index, word] of encodeValue(address, value, this.#exponent(address)).entries()) {
      table.set(address.register + index, word);
    }
  }

  /** Ids of the points that lie, whole or in part, in a span. */
  pointsIn(table: ModbusTable, register: number, count: number): string[] {
    return [...this.#points.values()]
      .filter(({ address }) => address.table === table)
      .filter(({ address }) => address.register < register + count && register < address.register + widthOf(address))
      .map((point) => point.id);
  }

  #find(id: string): MappedPoint {
    const point = this.#points.get(id);
    if (point === undefined) throw new Error(`no point \`${id}\` on this device`);
    return point;
  }

  #words(address: ModbusAddress): number[] {
    return this.read(address.table, address.register, widthOf(address)) ?? [];
  }

  #exponent(address: ModbusAddress): number {
    if (address.scaleRegister === undefined) return 0;
    const [word = 0] = this.read(address.table, address.scaleRegister, 1) ?? [];
    return word > 0x7fff ? word - 0x10000 : word;
  }
}
