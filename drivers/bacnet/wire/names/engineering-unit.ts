// Units of values.

import { ENGINEERING_UNITS_FROM_47808 } from './engineering-unit-from-47808.ts';
import { ENGINEERING_UNITS_TO_254 } from './engineering-unit-to-254.ts';
import { type NameTable, namesByNumber } from './name-table.ts';

/** BACnetEngineeringUnits. 256 to 47807 and 50000 to 65535 are vendors' own. */
export const ENGINEERING_UNITS = {
  ...ENGINEERING_UNITS_TO_254,
  ...ENGINEERING_UNITS_FROM_47808,
} as const satisfies NameTable;

type EngineeringUnitName = keyof typeof ENGINEERING_UNITS;

const NAMES = namesByNumber(ENGINEERING_UNITS);

/** The standard's name; `undefined` for a number it does not define. */
export function engineeringUnitName(number: number): EngineeringUnitName | undefined {
  return NAMES.get(number);
}
