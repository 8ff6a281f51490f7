// What must be carried through after a restart: a thread writes, and what is committed is read here.
// Invariant: what a promise here said is done is what the next read gives.

import type { Shelf, ShelfDocument } from '../contract/shelf.ts';
import { openForReading } from './database.ts';
import { overrideSchema } from './override-schema.ts';
import type { OverrideOrder } from './override-worker.ts';
import { RestingLine, type ThreadAnswer } from './resting-line.ts';
import type { ThreadData } from './thread-orders.ts';
import { WorkerLine } from './worker-line.ts';

/**
 * The shelf in `file`, made if there is none. Its promises reject with a `StoreFault`; then nothing was changed.
 * @throws StoreFault `store-not-ours`, `store-too-new`, `store-corrupt`, `store-unavailable`
 */
export async function openOverrideShelf(file: string): Promise<Shelf> {
  const data: ThreadData = { file };
  const start = () => new WorkerLine<OverrideOrder, ThreadAnswer>('override-worker', data);
  const line = new RestingLine<OverrideOrder>(file, start, { kind: 'close' });
  const order = (what: OverrideOrder) => line.order(what);
  let closed: Promise<void> | undefined;
  try {
    await order({ kind: 'open' });
  } catch (fault) {
    await line.close();
    throw fault;
  }
  const database = openForReading(file, overrideSchema);
  const one = database.prepare<[string, string], ShelfDocument>(
    'SELECT id, at, body FROM document WHERE kind = ? AND id = ?',
  );
  const all = database.prepare<[string], ShelfDocument>(
    'SELECT id, at, body FROM document WHERE kind = ? ORDER BY at, id',
  );
  return {
    put: (kind, { id, at, body }) => order({ kind: 'put', of: kind, id, at, body }),
    remove: (kind, id) => order({ kind: 'remove', of: kind, id }),
    get: (kind, id) => one.get(kind, id),
    list: (kind) => all.all(kind),
    close() {
      if (closed === undefined) database.close();
      closed ??= line.close();
      return closed;
    },
  };
}
