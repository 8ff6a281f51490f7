// Frame ─classify─► Change: which points a write moves, with the engineering value each would get.
// 1. Every register, coil and bit of the span has an owner among the effects: its point, or the device (`engineering.modify`).
// 2. Part of a point, or registers its type cannot hold, get a value no limit admits, so that the gate denies.
// 3. A register by which the device takes firmware asks `firmware.update` of the device, and of the point it may be, whole or in part.

import type { Effect } from '../../src/contract/gate.ts';
import { ACTION_OF_WRITING, type ActionName } from '../../src/model/action.ts';
import type { IndexedDevice, ModbusIndex } from './address.ts';
import { writtenOf } from './firmware-frame.ts';
import { tables } from './point-address.ts';
import { exponentAt, pointValue } from './point-value.ts';
import { packRegisters, registerAt } from './wire/octets.ts';

const coilTable = tables.indexOf('coil');
export const holdingTable = tables.indexOf('holding');

/** Exponents by scale register as they were read; `undefined`: not read yet, so scaled points get no value. */
export type Exponents = ReadonlyMap<number, number | undefined> | undefined;

/** Gathers the effects of one change; the device itself is a target once at the most. */
export class EffectList {
  readonly effects: Effect[] = [];
  /** Scale registers that must be read before values can be told. */
  readonly needed = new Set<number>();
  readonly #index: ModbusIndex;
  readonly #device: IndexedDevice;
  readonly #exponents: Exponents;
  readonly #asked = new Set<Effect['asks']>();

  constructor(index: ModbusIndex, device: IndexedDevice, exponents: Exponents) {
    this.#index = index;
    this.#device = device;
    this.#exponents = exponents;
  }

  /** FC 5 and 15: `values` packed, low bit first. */
  coils(address: number, quantity: number, values: Uint8Array): void {
    const span = this.#index.span(this.#device, coilTable, address, quantity);
    for (let entry = span.from; entry < span.to; entry += 1)
      this.#write(entry, values, this.#index.startOf(entry) - address, undefined);
    if (span.to - span.from < quantity) this.#engineering();
  }

  /** FC 6, 16 and 23: `values` two octets a register. */
  registers(address: number, quantity: number, values: Uint8Array): void {
    const index = this.#index;
    const end = address + quantity;
    const span = index.span(this.#device, holdingTable, address, quantity);
    let next = address;
    for (let entry = span.from; entry < span.to; entry += 1) {
      const start = index.startOf(entry);
      if (start > next) this.#unowned(next, start);
      if (this.#isLoader(entry)) this.#updates(entry);
      else if (start < address || index.endOf(entry) > end) this.#foreign(entry);
      else this.#write(entry, values, start - address, this.#exponentFor(entry, address, quantity, values));
      next = Math.max(next, index.endOf(entry));
    }
    if (next < end) this.#unowned(next, end);
    this.#strayBits(address, quantity, (at) => registerAt(values, at - address));
    this.#rescaled(address, end);
  }

  /** FC 22: bits whose And-mask bit is 0 take the Or-mask's. A mask that keeps every bit is taken as touching all. */
  mask(address: number, andMask: number, orMask: number): void {
    const index = this.#index;
    const changed = ~andMask & 0xffff || 0xffff;
    const span = index.span(this.#device, holdingTable, address, 1);
    const register = packRegisters([orMask]);
    for (let entry = span.from; entry < span.to; entry += 1) {
      const { format } = index.shapeOf(entry);
      const isWhole = index.endOf(entry) - index.startOf(entry) === 1 && andMask === 0;
      if (this.#isLoader(entry)) this.#updates(entry);
      else if (format.type === 'bit') {
        if (((changed >>> format.bit) & 1) === 1) this.#write(entry, register, 0, undefined);
      } else if (isWhole) this.#write(entry, register, 0, this.#exponentFor(entry, address, 1, register));
      else this.#foreign(entry);
    }
    if (span.from === span.to) this.#unowned(address, address + 1);
    this.#strayBits(address, 1, () => changed);
    this.#rescaled(address, address + 1);
  }

  /** Whatever the device has, whether a point or not. */
  device(asks: Effect['asks']): void {
    this.effects.push({ target: this.#device.handle, asks });
  }

  /** The read half of FC 23: who may not read a point may not ask for it by a write. */
  reads(address: number, quantity: number): void {
    const span = this.#index.span(this.#device, holdingTable, address, quantity);
    let next = address;
    let unmapped = false;
    for (let entry = span.from; entry < span.to; entry += 1) {
      unmapped ||= this.#index.startOf(entry) > next;
      next = Math.max(next, this.#index.endOf(entry));
      this.effects.push({ target: this.#index.handleOf(entry), asks: 'point.read' });
    }
    if (unmapped || next < address + quantity) this.device('point.read');
  }

  #exponentFor(entry: number, address: number, quantity: number, values: Uint8Array): number | undefined | 'unread' {
    const { scaleRegister } = this.#index.shapeOf(entry);
    if (scaleRegister === undefined) return undefined;
    if (scaleRegister >= address && scaleRegister < address + quantity)
      return exponentAt(values, scaleRegister - address);
    if (this.#exponents !== undefined) return this.#exponents.get(scaleRegister);
    this.needed.add(scaleRegister);
    return 'unread';
  }

  #write(entry: number, values: Uint8Array, at: number, exponent: number | undefined | 'unread'): void {
    const shape = this.#index.shapeOf(entry);
    const target = this.#index.handleOf(entry);
    if (exponent === 'unread') {
      // Only the rights are asked about; with the exponent it is judged again, limits included.
      this.effects.push({ target, asks: shape.readOnly ? 'engineering.modify' : this.#actionOfWriting(entry) });
      return;
    }
    const value = pointValue(shape, values, at, exponent);
    if (value.ok)
      this.effects.push({ target, asks: shape.readOnly ? 'engineering.modify' : 'write', value: value.value });
    else this.#foreign(entry);
  }

  #foreign(entry: number): void {
    this.#engineering();
    this.effects.push({ target: this.#index.handleOf(entry), asks: 'write', value: Number.NaN });
  }

  #engineering(): void {
    this.#once('engineering.modify');
  }

  #once(asks: Effect['asks']): void {
    if (this.#asked.has(asks)) return;
    this.#asked.add(asks);
    this.device(asks);
  }

  /** Registers without a point: the device's, or those by which it takes firmware. */
  #unowned(from: number, to: number): void {
    const written = this.#written(from, to);
    if (written > 0) this.#once('firmware.update');
    if (written < to - from) this.#engineering();
  }

  #updates(entry: number): void {
    this.#once('firmware.update');
    this.effects.push({ target: this.#index.handleOf(entry), asks: 'firmware.update' });
  }

  #isLoader(entry: number): boolean {
    return this.#written(this.#index.startOf(entry), this.#index.endOf(entry)) > 0;
  }

  /** How many of these registers an update of the device writes. */
  #written(from: number, to: number): number {
    const { firmware } = this.#device;
    return firmware === undefined ? 0 : writtenOf(firmware.written, from, to);
  }

  /** A bit that is touched and belongs to no point, in a register whose other bits are points. */
  #strayBits(address: number, quantity: number, touched: (register: number) => number): void {
    const index = this.#index;
    const span = index.span(this.#device, holdingTable, address, quantity);
    let register = -1;
    let owned = 0;
    const close = (): void => {
      if (register >= 0 && (touched(register) & ~owned) !== 0) this.#unowned(register, register + 1);
    };
    for (let entry = span.from; entry < span.to; entry += 1) {
      const { format } = index.shapeOf(entry);
      if (format.type !== 'bit') continue;
      if (index.startOf(entry) !== register) {
        close();
        register = index.startOf(entry);
        owned = 0;
      }
      owned |= 1 << format.bit;
    }
    close();
  }

  /** Writing a scale register changes what the points it scales mean: they ask what the register itself asks. */
  #rescaled(from: number, end: number): void {
    const { scaledBy } = this.#device;
    if (scaledBy.size === 0) return;
    for (let register = from; register < end; register += 1) {
      const owner = this.#index.span(this.#device, holdingTable, register, 1);
      const asks = owner.from < owner.to ? this.#actionOfWriting(owner.from) : 'engineering.modify';
      for (const entry of scaledBy.get(register) ?? []) {
        const isWritten = this.#index.startOf(entry) < end && this.#index.endOf(entry) > from;
        if (!isWritten) this.effects.push({ target: this.#index.handleOf(entry), asks });
      }
    }
  }

  #actionOfWriting(entry: number): ActionName {
    const point = this.#index.inventory.point(this.#index.handleOf(entry));
    return point === undefined ? 'engineering.modify' : ACTION_OF_WRITING[point.class];
  }
}
