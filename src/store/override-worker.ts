// The thread that writes overrides, batches under way and replies to repeat: no flush on the gateway's event loop.

import { parentPort, workerData } from 'node:worker_threads';
import type Database from 'better-sqlite3';
import { openDatabase } from './database.ts';
import { overrideSchema } from './override-schema.ts';
import type { ThreadAnswer } from './resting-line.ts';
import { asStoreFault } from './store-fault.ts';

export interface OverrideWorkerData {
  readonly file: string;
}

export type OverrideOrder =
  | { readonly kind: 'open' }
  | {
      readonly kind: 'put';
      readonly of: string;
      readonly id: string;
      readonly at: number;
      readonly body: string;
    }
  | { readonly kind: 'remove'; readonly of: string; readonly id: string }
  | { readonly kind: 'trim'; readonly of: string; readonly most: number }
  | { readonly kind: 'close' };

const PUT = `INSERT INTO document (kind, id, at, body) VALUES (?, ?, ?, ?)
  ON CONFLICT (kind, id) DO UPDATE SET at = excluded.at, body = excluded.body`;
const TRIM = `DELETE FROM document WHERE kind = ? AND id NOT IN
  (SELECT id FROM document WHERE kind = ? ORDER BY at DESC, id DESC LIMIT ?)`;

const port = parentPort;
if (port !== null) {
  const { file } = workerData as OverrideWorkerData;
  let database: Database.Database | undefined;
  const perform = (order: OverrideOrder): void => {
    if (order.kind === 'close') {
      database?.close();
      port.close();
      return;
    }
    database ??= openDatabase(file, overrideSchema);
    if (order.kind === 'put') database.prepare(PUT).run(order.of, order.id, order.at, order.body);
    if (order.kind === 'remove')
      database.prepare('DELETE FROM document WHERE kind = ? AND id = ?').run(order.of, order.id);
    if (order.kind === 'trim') database.prepare(TRIM).run(order.of, order.of, order.most);
  };
  port.on('message', (order: OverrideOrder) => {
    let answer: ThreadAnswer = { kind: 'done' };
    try {
      perform(order);
    } catch (thrown) {
      const { code, message } = asStoreFault(thrown, file);
      answer = { kind: 'failed', code, message };
    }
    port.postMessage(answer);
  });
}
