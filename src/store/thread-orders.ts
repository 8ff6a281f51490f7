// What a writing thread does with its orders: one answer for each, in order. Invariants: 1. what is thrown is an answer, too;
// 2. the first order opens the file, `close` ends the thread.

import { parentPort, workerData } from 'node:worker_threads';
import type { ThreadAnswer } from './resting-line.ts';
import { asStoreFault } from './store-fault.ts';

export interface ThreadData {
  readonly file: string;
}

interface OpenFile<Order> {
  carryOut(order: Order): void;
  /** After it was carried out, and answered. */
  answered?(order: Order): void;
  close(): void;
}

export function answerOrders<Order extends { readonly kind: string }>(open: (file: string) => OpenFile<Order>): void {
  const port = parentPort;
  if (port === null) return;
  const { file } = workerData as ThreadData;
  let opened: OpenFile<Order> | undefined;
  const carryOut = (order: Order): void => {
    if (order.kind === 'close') {
      opened?.close();
      port.close();
      return;
    }
    opened ??= open(file);
    opened.carryOut(order);
  };
  port.on('message', (order: Order) => {
    let answer: ThreadAnswer = { kind: 'done' };
    try {
      carryOut(order);
    } catch (thrown) {
      const { code, message } = asStoreFault(thrown, file);
      answer = { kind: 'failed', code, message };
    }
    port.postMessage(answer);
    if (answer.kind === 'done') opened?.answered?.(order);
  });
}
