// Properties of objects.

import { type NameTable, namesByNumber } from './name-table.ts';
import { PROPERTY_IDENTIFIERS_FROM_256 } from './property-identifier-from-256.ts';
import { PROPERTY_IDENTIFIERS_TO_255 } from './property-identifier-to-255.ts';

/** BACnetPropertyIdentifier. 512 to 4194303 are vendors' own. */
export const PROPERTY_IDENTIFIERS = {
  ...PROPERTY_IDENTIFIERS_TO_255,
  ...PROPERTY_IDENTIFIERS_FROM_256,
} as const satisfies NameTable;

export type PropertyIdentifierName = keyof typeof PROPERTY_IDENTIFIERS;

const NAMES = namesByNumber(PROPERTY_IDENTIFIERS);

/** The standard's name; `undefined` for a number it does not define. */
export function propertyIdentifierName(number: number): PropertyIdentifierName | undefined {
  return NAMES.get(number);
}
