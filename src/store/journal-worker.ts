// The thread that owns the journal's connection: it takes orders one after the other and answers each once, so that
// neither a flush nor a disk that hangs ever holds the gateway's event loop.

import { parentPort, workerData } from 'node:worker_threads';
import type { Receipt, StoredRow } from '../contract/journal.ts';
import { type Inheritance, JournalCore, type WriteResult } from './journal-core.ts';
import type { Entry, JournalLimits } from './journal-space.ts';
import { asStoreFault, type StoreFaultCode } from './store-fault.ts';

export interface JournalWorkerData {
  readonly file: string;
  readonly limits: JournalLimits;
  readonly inherited?: Inheritance;
}

export type JournalOrder =
  | { readonly kind: 'write'; readonly entries: readonly Entry[] }
  | { readonly kind: 'probe' }
  | { readonly kind: 'prune'; readonly before: number; readonly ackedUpTo: number; readonly atMost: number }
  | { readonly kind: 'close' };

export type JournalAnswer =
  | {
      readonly kind: 'probed';
      readonly why: string | undefined;
      /** Absent until the file could be opened; so are the open intents. */
      readonly head: Receipt | undefined;
      readonly openIntents: readonly StoredRow[];
    }
  | ({ readonly kind: 'written' } & WriteResult)
  | { readonly kind: 'pruned'; readonly removed: number }
  | { readonly kind: 'failed'; readonly code: StoreFaultCode; readonly message: string }
  | { readonly kind: 'closed' };

const port = parentPort;
if (port !== null) {
  const data = workerData as JournalWorkerData;
  const core = new JournalCore(data);
  const answer = (message: JournalAnswer) => port.postMessage(message);
  port.on('message', (order: JournalOrder) => {
    try {
      switch (order.kind) {
        case 'write':
          return answer({ kind: 'written', ...core.write(order.entries) });
        case 'probe':
          return answer({
            kind: 'probed',
            why: core.probe(),
            head: core.head(),
            openIntents: core.openIntents(),
          });
        case 'prune':
          return answer({ kind: 'pruned', removed: core.prune(order.before, order.ackedUpTo, order.atMost) });
        case 'close':
          core.close();
          answer({ kind: 'closed' });
          return port.close();
      }
    } catch (thrown) {
      const { code, message } = asStoreFault(thrown, data.file);
      answer({ kind: 'failed', code, message });
    }
  });
}
