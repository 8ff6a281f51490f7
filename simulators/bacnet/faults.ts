// How a service says no: as Error, as Error in a form of its own, as Reject, as Abort. Thrown by services, answered in one place.

import { encodeElements, TagFault } from './elements.ts';
import { ERROR, type ErrorName, REJECT, type RejectName } from './names.ts';
import type { Outcome } from './peer.ts';
import { app } from './values.ts';

/** An Error PDU of the plain form, unless a service puts it into its own. */
export class ServiceFault extends Error {
  readonly pair: readonly [errorClass: number, errorCode: number];

  constructor(error: ErrorName | readonly [number, number]) {
    super(String(error));
    this.pair = typeof error === 'string' ? ERROR[error] : error;
  }
}

/** An Error PDU whose body the service has written itself. */
export class FormedFault extends Error {
  readonly payload: Buffer;

  constructor(payload: Buffer) {
    super('an error of the service’s own form');
    this.payload = payload;
  }
}

export class RejectFault extends Error {
  readonly reason: number;

  constructor(reason: RejectName) {
    super(reason);
    this.reason = REJECT[reason];
  }
}

/** No answer at all, whatever was done. */
export class SilenceFault extends Error {
  constructor() {
    super('no answer');
  }
}

/** Class and code as two enumerated values. */
export function errorPair(pair: readonly [number, number]): readonly ReturnType<typeof app.enumerated>[] {
  return [app.enumerated(pair[0]), app.enumerated(pair[1])];
}

/** What a thrown fault is answered with. Anything that is none of these is a bug and is thrown on. */
export function outcomeOf(fault: unknown): Outcome {
  if (fault instanceof ServiceFault) return { kind: 'error', payload: encodeElements(errorPair(fault.pair)) };
  if (fault instanceof FormedFault) return { kind: 'error', payload: fault.payload };
  if (fault instanceof RejectFault) return { kind: 'reject', reason: fault.reason };
  if (fault instanceof TagFault) return { kind: 'reject', reason: REJECT['invalid-tag'] };
  throw fault;
}
