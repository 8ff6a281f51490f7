// Hex in, octets out, for tables of frames.

import type { AnyValue } from '../../../../drivers/bacnet/wire/any-value.ts';
import { anyValue } from '../../../../drivers/bacnet/wire/any-value.ts';
import { decodeWhole } from '../../../../drivers/bacnet/wire/whole.ts';

/** Octets of hex; blanks are for the eye. */
export function hex(text: string): Uint8Array {
  return Uint8Array.from(text.replaceAll(' ', '').match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

export function show(octets: Uint8Array): string {
  return Buffer.from(octets).toString('hex');
}

/** A value a service carries unread. */
export function value(text: string): AnyValue {
  const decoded = decodeWhole(anyValue, hex(text));
  if (!decoded.ok) throw new Error(`\`${text}\` is no value: ${decoded.fault.message}`);
  return decoded.value;
}

/** The object identifier of type and instance. */
export function oid(type: number, instance: number): { type: number; instance: number } {
  return { type, instance };
}

/** A string of character set 0. */
export function text(characters: string): { characterSet: number; octets: Uint8Array } {
  return { characterSet: 0, octets: new TextEncoder().encode(characters) };
}
