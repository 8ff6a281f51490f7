// Why a request could not be understood.

import { type NameTable, namesByNumber } from './name-table.ts';

/** BACnetRejectReason (18.9). 64 to 255 are vendors' own. */
export const REJECT_REASONS = {
  other: 0,
  'buffer-overflow': 1,
  'inconsistent-parameters': 2,
  'invalid-parameter-data-type': 3,
  'invalid-tag': 4,
  'missing-required-parameter': 5,
  'parameter-out-of-range': 6,
  'too-many-arguments': 7,
  'undefined-enumeration': 8,
  'unrecognized-service': 9,
  'invalid-data-encoding': 10,
} as const satisfies NameTable;

export type RejectReasonName = keyof typeof REJECT_REASONS;

const NAMES = namesByNumber(REJECT_REASONS);

/** The standard's name; `undefined` for a number it does not define. */
export function rejectReasonName(number: number): RejectReasonName | undefined {
  return NAMES.get(number);
}
