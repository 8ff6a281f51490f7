// What kind of thing an error is about.

import { type NameTable, namesByNumber } from './name-table.ts';

/** BACnetErrorClass. 64 to 65535 are vendors' own. */
export const ERROR_CLASSES = {
  device: 0,
  object: 1,
  property: 2,
  resources: 3,
  security: 4,
  services: 5,
  vt: 6,
  communication: 7,
} as const satisfies NameTable;

type ErrorClassName = keyof typeof ERROR_CLASSES;

const NAMES = namesByNumber(ERROR_CLASSES);

/** The standard's name; `undefined` for a number it does not define. */
export function errorClassName(number: number): ErrorClassName | undefined {
  return NAMES.get(number);
}
