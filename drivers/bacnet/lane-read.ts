// Observation ─► device and back: one request that only reads, in its turn of the device's lane. 1. Where it had to wait, it is
// looked at once more before it goes out. 2. `seen` or `broken` is called, once. 3. The turn ends with the answer, whatever that is.

import { turnKey } from './callers.ts';
import { BUSY, errorAnswer, lostAnswer, type VisibleAnswer } from './refuse.ts';
import type { RoadParts } from './road-services.ts';
import type { IncomingRequest, InLane, PlantAnswer } from './seam.ts';
import type { ConfirmedRequest } from './wire/confirmed-service.ts';

/** A request that only reads. */
export type ReadRequest = Extract<
  ConfirmedRequest,
  {
    service:
      | 'read-property'
      | 'read-property-multiple'
      | 'read-range'
      | 'atomic-read-file'
      | 'get-event-information'
      | 'get-alarm-summary'
      | 'get-enrollment-summary';
  }
>;

/** What became of a read: an answer, or nothing was asked. */
export type Asked = VisibleAnswer | { readonly kind: 'denied' };

const DENIED = { kind: 'denied' } as const;
/** A turn in the lane that asked nothing. */
const OVER = Promise.resolve();

/** An object for each read instead of a handful of closures: reads come by ten thousand a second. */
export abstract class LaneRead<R extends ReadRequest> implements InLane {
  protected readonly parts: RoadParts;
  protected readonly incoming: IncomingRequest;
  protected readonly request: R;
  #over = nothing;
  #hasWaited = false;

  constructor(parts: RoadParts, incoming: IncomingRequest, request: R) {
    this.parts = parts;
    this.incoming = incoming;
    this.request = request;
  }

  /** What goes out after it had to wait; `undefined`: nothing of it may any more. */
  protected abstract again(): ReadRequest | undefined;
  protected abstract seen(answer: Asked): void;
  protected abstract broken(fault: unknown): void;

  get peer(): string {
    return turnKey(this.incoming.from);
  }

  expire(): void {
    this.parts.counted.busy += 1;
    this.seen(errorAnswer(this.request, BUSY));
  }

  /** The request has been judged just now. */
  protected enter(): void {
    if (!this.parts.plant.lane(this.incoming.to).read(this.#run, this)) this.expire();
    this.#hasWaited = true;
  }

  readonly #run = (over: () => void): Promise<void> | undefined => {
    try {
      const now = this.#hasWaited ? this.again() : this.request;
      if (now !== undefined) {
        this.#over = over;
        this.parts.plant.read(this.incoming.to, now, this.#answered);
        return undefined;
      }
    } catch (fault) {
      // Nothing was asked: the turn ends here.
      this.#over = nothing;
      this.broken(fault);
      return OVER;
    }
    this.seen(DENIED);
    return OVER;
  };

  /** The next one in the lane goes before this one's answer does: its device need not wait for that. */
  readonly #answered = (answer: PlantAnswer): void => {
    try {
      this.#over();
    } finally {
      if (answer.kind === 'complex-ack') this.parts.plant.afterSends(() => this.seen(answer));
      else this.seen(visible(answer));
    }
  };
}

function visible(answer: PlantAnswer): VisibleAnswer {
  if (answer.kind === 'no-answer') return lostAnswer();
  return answer.kind === 'unreachable' ? lostAnswer(answer.abort) : answer;
}

function nothing(): void {}
