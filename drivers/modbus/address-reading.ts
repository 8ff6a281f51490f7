// Policy in ─► the keys of one address, read strictly, with every fault gathered and named by its place in the bundle.
// 1. An unknown key is a fault.

import { type DocumentFault, describeFound } from '../../src/model/fault.ts';
import type { OpaqueAddress } from '../../src/model/point.ts';

/** Reads the keys of one address and gathers what is wrong with them. */
export class AddressReading {
  readonly faults: DocumentFault[];
  readonly #address: OpaqueAddress;
  readonly #path: string;

  /** `faults`: where a part of an address gathers with the whole. */
  constructor(address: OpaqueAddress, path: string, known: readonly string[], faults: DocumentFault[] = []) {
    this.#address = address;
    this.#path = path;
    this.faults = faults;
    for (const key of Object.keys(address)) {
      if (!known.includes(key)) this.say(key, `unknown key \`${key}\``, `one of ${listed(known)}`);
    }
  }

  has(key: string): boolean {
    return this.#address[key] !== undefined;
  }

  /** A key's own keys; `undefined` where it is absent, or is no object and said so. `known` may depend on what is there. */
  part(key: string, known: (keys: OpaqueAddress) => readonly string[], expected: string): AddressReading | undefined {
    const value = this.#address[key];
    if (value === undefined) return undefined;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      this.wrong(key, expected);
      return undefined;
    }
    const keys: OpaqueAddress = { ...value };
    return new AddressReading(keys, `${this.#path}.${key}`, known(keys), this.faults);
  }

  value(key: string): unknown {
    return this.#address[key];
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

/** What was read, or every fault of it. */
export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly faults: readonly DocumentFault[] };

/** The value, where nothing was wrong with it. */
export function outcome<T>(reading: AddressReading, value: T): Parsed<T> {
  return reading.faults.length === 0 ? { ok: true, value } : { ok: false, faults: reading.faults };
}
