// The line to a thread that answers each order once and in order. Invariants: 1. every order gets an answer or a fault;
// 2. a thread that ended takes no more orders.

import { Worker } from 'node:worker_threads';
import { asStoreFault, StoreFault } from './store-fault.ts';
import { workerFile } from './worker-file.ts';

interface Waiting<Answer> {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (fault: StoreFault) => void;
}

export class WorkerLine<Order, Answer> {
  readonly #worker: Worker;
  readonly #name: string;
  readonly #waiting: Waiting<Answer>[] = [];
  readonly #ended: Promise<void>;
  #fault: StoreFault | undefined;

  constructor(name: 'journal-worker' | 'policy-worker' | 'override-worker', workerData: unknown) {
    this.#name = name;
    this.#worker = new Worker(workerFile(name), { workerData });
    this.#worker.on('message', (answer: Answer) => this.#waiting.shift()?.resolve(answer));
    this.#worker.on('error', (error) => {
      this.#fault ??= asStoreFault(error, name);
    });
    this.#ended = new Promise((resolve) => {
      this.#worker.on('exit', () => {
        this.#fault ??= new StoreFault('store-unavailable', `thread \`${name}\` ended`);
        for (const { reject } of this.#waiting.splice(0)) reject(this.#fault);
        resolve();
      });
    });
  }

  /** False after the thread ended: a new line is needed. */
  alive(): boolean {
    return this.#fault === undefined;
  }

  /** @throws StoreFault `store-unavailable` where the thread ended, before or meanwhile */
  ask(order: Order): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (this.#fault !== undefined) {
        reject(new StoreFault('store-unavailable', `thread \`${this.#name}\` ended`, { cause: this.#fault }));
        return;
      }
      this.#waiting.push({ resolve, reject });
      this.#worker.postMessage(order);
    });
  }

  /** Resolves when the thread is gone, by itself or ended now. */
  async end(): Promise<void> {
    await this.#worker.terminate();
    await this.#ended;
  }
}
