// A writing thread for files that are seldom written: started for the first order, ended when none came for a while, so
// that it takes no memory meanwhile. Invariants: 1. at most one thread has the file; 2. an order that was answered is done.

import { StoreFault, type StoreFaultCode } from './store-fault.ts';
import type { WorkerLine } from './worker-line.ts';

const REST_AFTER_MS = 5_000;

/** What every such thread answers with. */
export type ThreadAnswer =
  | { readonly kind: 'done' }
  | { readonly kind: 'failed'; readonly code: StoreFaultCode; readonly message: string };

export class RestingLine<Order> {
  readonly #file: string;
  readonly #start: () => WorkerLine<Order, ThreadAnswer>;
  readonly #closeOrder: Order;
  #line: WorkerLine<Order, ThreadAnswer> | undefined;
  #resting: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #underWay = 0;
  #closed: Promise<void> | undefined;

  constructor(file: string, start: () => WorkerLine<Order, ThreadAnswer>, closeOrder: Order) {
    this.#file = file;
    this.#start = start;
    this.#closeOrder = closeOrder;
  }

  /** @throws StoreFault what the thread refused with; `store-unavailable` after `close` or where the thread died */
  async order(what: Order): Promise<void> {
    if (this.#closed) throw new StoreFault('store-unavailable', `\`${this.#file}\` is closed`);
    this.#underWay += 1;
    clearTimeout(this.#timer);
    try {
      await this.#resting;
      if (!this.#line?.alive()) this.#line = this.#start();
      const answer = await this.#line.ask(what);
      if (answer.kind === 'failed') throw new StoreFault(answer.code, answer.message);
    } finally {
      this.#underWay -= 1;
      if (this.#underWay === 0 && !this.#closed) this.#restLater();
    }
  }

  /** Waits for what is under way, then ends the thread. */
  close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#closed ??= this.#resting.then(() => this.#end());
    return this.#closed;
  }

  #restLater(): void {
    this.#timer = setTimeout(() => {
      if (this.#underWay === 0) this.#resting = this.#end();
    }, REST_AFTER_MS);
    this.#timer.unref();
  }

  async #end(): Promise<void> {
    const line = this.#line;
    this.#line = undefined;
    if (!line) return;
    await line.ask(this.#closeOrder).catch(() => {});
    await line.end();
  }
}
