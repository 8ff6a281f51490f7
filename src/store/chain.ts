// The form in which a row is kept, and the chain over it:
//   hash(0) = 32 zero bytes;  hash(n) = SHA-256( hash(n-1) as 32 bytes, then the UTF-8 bytes of body(n) )
// where body(n) is the row's canonical JSON exactly as stored. The number is not part of the body: it is the place in the chain.

import { createHash } from 'node:crypto';
import type { JournalRow } from '../model/journal-row.ts';

/** 32 bytes as 64 hex digits: the hash before row 1. */
export const CHAIN_START = '0'.repeat(64);

/** Hex in, hex out. */
export function chainHash(previous: string, body: string | Uint8Array): string {
  return createHash('sha256').update(previous, 'hex').update(body).digest('hex');
}

/** A row ready to be stored: its bytes, and the columns copied out of it. */
export interface EncodedRow {
  readonly body: string;
  readonly kind: JournalRow['kind'];
  readonly at: number;
  readonly decision: string | null;
  readonly principal: string | null;
  /** Each once, in order of appearance. */
  readonly targets: readonly string[];
  /** Bytes the row will take in the database, indexes included: an upper estimate for the quotas. */
  readonly cost: number;
}

/** @throws TypeError where the row is not JSON-safe: an error of its writer */
export function encodeRow(row: JournalRow): EncodedRow {
  if (!Number.isSafeInteger(row.at)) throw new TypeError(`row has time \`${row.at}\`, expected whole ms`);
  const body = canonicalJson(row);
  const columns = columnsOf(row);
  const cost =
    Buffer.byteLength(body) + 320 + columns.targets.reduce((sum, target) => sum + 48 + Buffer.byteLength(target), 0);
  return { body, ...columns, cost };
}

/** What is copied out of a row to be searched. Only the row itself is looked at: an outcome has its read-back's targets. */
export function columnsOf(row: JournalRow): Omit<EncodedRow, 'body' | 'cost'> {
  const { kind, at } = row;
  switch (row.kind) {
    case 'intent':
      return { kind, at, decision: row.decision, principal: row.who.principal, targets: targetsOf(row.effects) };
    case 'outcome':
      return { kind, at, decision: row.decision, principal: null, targets: targetsOf(row.readBack ?? []) };
    case 'refusal': {
      const named = row.target === undefined ? [] : [{ target: row.target }];
      const targets = targetsOf([...named, ...row.effects]);
      return { kind, at, decision: row.decision, principal: row.who.principal, targets };
    }
    case 'session':
      return { kind, at, decision: null, principal: row.principal, targets: [] };
    case 'system':
      return { kind, at, decision: null, principal: null, targets: [] };
  }
}

function targetsOf(parts: readonly { readonly target: string }[]): string[] {
  return [...new Set(parts.map((part) => part.target))];
}

/**
 * JSON without white space, keys in order of their UTF-16 code units, absent where `undefined` (as RFC 8785).
 * @throws TypeError for anything JSON has no word for: NaN, a bigint, a Date, a hole in a list
 */
export function canonicalJson(value: unknown): string {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return JSON.stringify(value);
    case 'number':
      if (!Number.isFinite(value)) throw new TypeError(`got \`${value}\`, expected a number JSON can hold`);
      return JSON.stringify(value);
    case 'object':
      if (value === null) return 'null';
      if (Array.isArray(value)) return `[${Array.from(value, canonicalJson).join(',')}]`;
      return canonicalObject(value);
    default:
      throw new TypeError(`got a ${typeof value}, expected a value JSON can hold`);
  }
}

function canonicalObject(value: object): string {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    throw new TypeError(`got a ${value.constructor.name}, expected a plain object`);
  }
  const members: string[] = [];
  const entries: [string, unknown][] = Object.entries(value);
  for (const [key, member] of entries.sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (member !== undefined) members.push(`${JSON.stringify(key)}:${canonicalJson(member)}`);
  }
  return `{${members.join(',')}}`;
}
