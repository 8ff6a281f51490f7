// ─► device: one way to the devices as the rest of the driver sees it: a request goes out, exactly one answer comes back.

import type { LineHealth } from '../../src/contract/driver.ts';
import type { Request } from './wire/request.ts';
import type { Response } from './wire/response.ts';

/** What became of a request that was given to a line. */
export type Answer =
  | { readonly kind: 'response'; readonly response: Response }
  /** Nothing of it was sent. */
  | { readonly kind: 'down'; readonly why: string }
  /** Sent; what the device did with it is not known. */
  | { readonly kind: 'lost'; readonly why: string }
  /** A broadcast or a request that has no answer was sent. */
  | { readonly kind: 'unanswered' };

export type Settle = (answer: Answer) => void;

export interface Line {
  readonly name: string;
  /** A host that is one device: it answers whatever the unit id. */
  readonly isOneDevice: boolean;
  /** Starts to connect, and goes on trying until `stop`. */
  open(): void;
  /** Calls back in this tick where the line is up or cannot be; else when it is known. */
  ready(then: (up: boolean) => void): void;
  /**
   * Sends a request; bounded by the line's timeout. A `change` is sent in this very tick or not at all, and never twice;
   * a read may wait for the connection and be sent again.
   */
  exchange(unitId: number, request: Request, change: boolean, settle: Settle): void;
  /** To every device of the line, by unit 0; settles after the turnaround. Always a change. */
  broadcast(request: Request, settle: Settle): void;
  health(): LineHealth;
  counters(): { readonly [name: string]: number };
  stop(): void;
}
