// How a simulated BACnet device can be told to fail.

import type { FrameKind } from '../arrival-record.ts';

/**
 * `hold`: the answer waits for `release()` while others pass it by: a late answer without a clock.
 * `twice`: the answer comes two times. `elsewhere`: it comes from `host` (another loopback address) instead of the device's own.
 * `wrong-invoke-id`: under the id plus `by`. `raw`: these octets are sent as a whole datagram instead of an answer.
 * `error`, `reject` and `abort` do not carry the request out; the others do unless `carriedOut` is false.
 */
export type Failure =
  | { readonly kind: 'silence'; readonly carriedOut?: boolean }
  | { readonly kind: 'delay'; readonly ms: number }
  | { readonly kind: 'hold' }
  | { readonly kind: 'twice' }
  | { readonly kind: 'elsewhere'; readonly host: string }
  | { readonly kind: 'wrong-invoke-id'; readonly by: number }
  | { readonly kind: 'error'; readonly errorClass: number; readonly errorCode: number }
  | { readonly kind: 'reject'; readonly reason: number }
  | { readonly kind: 'abort'; readonly reason: number }
  | { readonly kind: 'raw'; readonly bytes: Buffer; readonly carriedOut?: boolean };

/** `times`: how often, default until told otherwise. `on`: only for requests of this kind, default any. */
export interface FailureScope {
  readonly times?: number;
  readonly on?: FrameKind;
}

/** Whether the device does what was asked before it fails to answer properly. */
export function carriesOut(failure: Failure | undefined): boolean {
  switch (failure?.kind) {
    case 'error':
    case 'reject':
    case 'abort':
      return false;
    case 'silence':
    case 'raw':
      return failure.carriedOut ?? true;
    default:
      return true;
  }
}

/** The failure a device is told to show, for as long as it was told. */
export class Misbehaviour {
  #inTurn: (Failure | undefined)[] = [];
  #current: { readonly failure: Failure; readonly scope: FailureScope; left: number } | undefined;

  begin(failure: Failure, scope: FailureScope): void {
    this.#current = { failure, scope, left: scope.times ?? Number.POSITIVE_INFINITY };
  }

  /** One for each request that comes, in this order, none where it is `undefined`; after them what `begin` says. */
  beginInTurn(failures: readonly (Failure | undefined)[]): void {
    this.#inTurn = [...failures];
  }

  end(): void {
    this.#inTurn = [];
    this.#current = undefined;
  }

  /** How to fail this request; `undefined` for not at all. */
  next(kind: FrameKind): Failure | undefined {
    if (this.#inTurn.length > 0) return this.#inTurn.shift();
    const current = this.#current;
    if (current === undefined || (current.scope.on !== undefined && current.scope.on !== kind)) return undefined;
    current.left -= 1;
    if (current.left <= 0) this.#current = undefined;
    return current.failure;
  }
}
