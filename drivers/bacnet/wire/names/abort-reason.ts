// Why a transaction was given up.

import { type NameTable, namesByNumber } from './name-table.ts';

/** BACnetAbortReason (18.10). 64 to 255 are vendors' own. */
export const ABORT_REASONS = {
  other: 0,
  'buffer-overflow': 1,
  'invalid-apdu-in-this-state': 2,
  'preempted-by-higher-priority-task': 3,
  'segmentation-not-supported': 4,
  'security-error': 5,
  'insufficient-security': 6,
  'window-size-out-of-range': 7,
  'application-exceeded-reply-time': 8,
  'out-of-resources': 9,
  'tsm-timeout': 10,
  'apdu-too-long': 11,
} as const satisfies NameTable;

export type AbortReasonName = keyof typeof ABORT_REASONS;

const NAMES = namesByNumber(ABORT_REASONS);

/** The standard's name; `undefined` for a number it does not define. */
export function abortReasonName(number: number): AbortReasonName | undefined {
  return NAMES.get(number);
}
