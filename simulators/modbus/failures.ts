// How a simulated device can be told to fail, and what the transports then put on the wire.

import type { FrameKind } from '../arrival-record.ts';

/**
 * `hold`: the answer waits for `release()` while others pass it by: a late answer without a clock.
 * `truncated`: only the first `keep` bytes of the answering frame are sent. `raw`: this PDU is answered instead.
 * `exception` and `refuse` (the connection is closed) do not carry the request out; the others do unless `carriedOut` is false.
 * `wrong-transaction` has no meaning on a serial line, `wrong-crc` none on Modbus/TCP.
 */
export type Failure =
  | { readonly kind: 'delay'; readonly ms: number }
  | { readonly kind: 'hold' }
  | { readonly kind: 'silence'; readonly carriedOut?: boolean }
  | { readonly kind: 'wrong-transaction'; readonly by: number }
  | { readonly kind: 'wrong-unit'; readonly unit: number }
  | { readonly kind: 'wrong-crc' }
  | { readonly kind: 'truncated'; readonly keep: number }
  | { readonly kind: 'exception'; readonly code: number }
  | { readonly kind: 'twice' }
  | { readonly kind: 'raw'; readonly pdu: Buffer; readonly carriedOut?: boolean }
  | { readonly kind: 'refuse' };

/** `times`: how often, default until told otherwise. `on`: only for frames of this kind, default any. */
export interface FailureScope {
  readonly times?: number;
  readonly on?: FrameKind;
}

/** An answer as the device wants it on the wire; the absent fields mean "as the standard has it". */
export interface Reply {
  readonly pdu: Buffer;
  readonly unit?: number;
  readonly transactionShift?: number;
  readonly breakCrc?: boolean;
  readonly keep?: number;
  readonly copies?: number;
}

/** Dresses a correct answer in a failure that concerns its form. */
export function disfigure(pdu: Buffer, failure: Failure | undefined): Reply {
  switch (failure?.kind) {
    case 'wrong-transaction':
      return { pdu, transactionShift: failure.by };
    case 'wrong-unit':
      return { pdu, unit: failure.unit };
    case 'wrong-crc':
      return { pdu, breakCrc: true };
    case 'truncated':
      return { pdu, keep: failure.keep };
    case 'twice':
      return { pdu, copies: 2 };
    default:
      return { pdu };
  }
}

/** Whether the device does what was asked before it fails to answer properly. */
export function carriesOut(failure: Failure | undefined): boolean {
  switch (failure?.kind) {
    case 'exception':
    case 'refuse':
      return false;
    case 'silence':
    case 'raw':
      return failure.carriedOut ?? true;
    default:
      return true;
  }
}

/** The bytes of a reply, cut and doubled as it says. */
export function onTheWire(reply: Reply, frame: Buffer): Buffer {
  const kept = reply.keep === undefined ? frame : frame.subarray(0, reply.keep);
  return Buffer.concat(Array.from({ length: reply.copies ?? 1 }, () => kept));
}
