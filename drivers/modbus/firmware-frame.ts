// Frame ─classify─► what of a write is a firmware transfer's: its registers, and the frames that end it.
// 1. Whatever may put an image into use, or drop one, ends the transfer: it never runs for somebody who lost the right.

import type { FirmwarePlace, RegisterSpan } from './firmware-address.ts';
import { registerAt } from './wire/octets.ts';
import type { Request } from './wire/request.ts';

const restartCommunications = 1;

/** How many registers of [from, to) are among these. */
export function writtenOf(written: readonly RegisterSpan[], from: number, to: number): number {
  let found = 0;
  for (const span of written) found += Math.max(0, Math.min(to, span.to) - Math.max(from, span.from));
  return found;
}

/** FC 8/1: what a device may put a new image into use by. */
export function isRestart(request: Request): boolean {
  return request.kind === 'diagnostics' && request.subFunction === restartCommunications;
}

/** Whether a write gives the loader a command after which nothing of the transfer is left. */
export function endsTransfer(request: Request, firmware: FirmwarePlace | undefined): boolean {
  const command = firmware?.command;
  if (command === undefined) return false;
  const ending = [command.commit, command.abort, command.revert].filter((code) => code !== undefined);
  const given = (address: number, quantity: number, values: Uint8Array): boolean =>
    command.register >= address &&
    command.register < address + quantity &&
    ending.includes(registerAt(values, command.register - address));
  switch (request.kind) {
    case 'writeSingleRegister':
      return request.address === command.register && ending.includes(request.value);
    case 'writeMultipleRegisters':
      return given(request.address, request.quantity, request.values);
    case 'readWriteMultipleRegisters':
      return given(request.writeAddress, request.writeQuantity, request.values);
    case 'maskWriteRegister': {
      // Bits that are kept may be whatever the code needs.
      const changed = ~request.andMask & 0xffff;
      return request.address === command.register && ending.some((code) => ((code ^ request.orMask) & changed) === 0);
    }
    default:
      return false;
  }
}
