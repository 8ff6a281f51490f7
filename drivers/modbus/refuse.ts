// Denial ─refuse─► the exception a Modbus client gets. A denial is always visible; a broadcast alone has no answer.
// 1. A reason that is missing here does not compile.

import type { DenialReason } from '../../src/model/decision.ts';
import type { ReadVerdict } from './classify.ts';
import { exceptionCodes } from './wire/fault.ts';

const notPermitted = exceptionCodes.illegalFunction;

/**
 * Modbus/TCP Security asks for 01 where a role does not suffice; the others are the standard's own words for the case.
 * `journal-unavailable` is 04: the gateway itself cannot carry it out, whoever asks.
 */
const exceptionOfReason = {
  'unknown-principal': notPermitted,
  'no-sign-in': notPermitted,
  'unknown-action': notPermitted,
  'unknown-channel': notPermitted,
  'no-target': notPermitted,
  'unknown-target': exceptionCodes.illegalDataAddress,
  'channel-restricted': notPermitted,
  locked: notPermitted,
  'no-role': notPermitted,
  'no-permission': notPermitted,
  'out-of-scope': notPermitted,
  'no-site-access': notPermitted,
  'tag-restricted': notPermitted,
  'filter-restricted': notPermitted,
  'priority-reserved': notPermitted,
  unattributed: notPermitted,
  'no-policy': notPermitted,
  'stale-policy': notPermitted,
  'unknown-point': exceptionCodes.illegalDataAddress,
  'approval-required': notPermitted,
  'out-of-limits': exceptionCodes.illegalDataValue,
  'rate-limited': exceptionCodes.serverDeviceBusy,
  'image-unverified': notPermitted,
  'transfer-in-progress': exceptionCodes.serverDeviceBusy,
  'journal-unavailable': exceptionCodes.serverDeviceFailure,
  unsupported: notPermitted,
} as const satisfies Record<DenialReason, number>;

/** The exception code that answers a denied change. */
export function exceptionFor(reason: DenialReason): number {
  return exceptionOfReason[reason];
}

/** The exception code that answers a read with something in it that the caller may not read. */
export function exceptionForRead(verdict: ReadVerdict): number {
  return verdict.onlyUnmapped ? exceptionCodes.illegalDataAddress : notPermitted;
}
