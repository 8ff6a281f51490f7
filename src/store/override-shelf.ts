// What must be carried through after a restart: a thread writes, and what is committed is read here.
// Invariant: what a promise here said is done is what the next read gives.

import type { Shelf, ShelfDocument } from '../contract/shelf.ts';
import { openForReading } from './database.ts';
import { overrideSchema } from './override-schema.ts';
import type { OverrideAnswer, OverrideOrder, OverrideWorkerData } from './override-worker.ts';
import { StoreFault } from './store-fault.ts';
import { WorkerLine } from './worker-line.ts';

/**
 * The shelf in `file`, made if there is none. Its promises reject with a `StoreFault`; then nothing was changed.
 * @throws StoreFault `store-not-ours`, `store-too-new`, `store-corrupt`, `store-unavailable`
 */
export async function openOverrideShelf(file: string): Promise<Shelf> {
  const data: OverrideWorkerData = { file };
  const start = () => new WorkerLine<OverrideOrder, OverrideAnswer>('override-worker', data);
  let line = start();
  let closed: Promise<void> | undefined;
  const order = async (what: OverrideOrder): Promise<void> => {
    if (closed !== undefined) throw new StoreFault('store-unavailable', `\`${file}\` is closed`);
    if (!line.alive()) line = start();
    const answer = await line.ask(what);
    if (answer.kind === 'failed') throw new StoreFault(answer.code, answer.message);
  };
  try {
    await order({ kind: 'open' });
  } catch (fault) {
    await line.end();
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
    trim: (kind, most) => order({ kind: 'trim', of: kind, most }),
    get: (kind, id) => one.get(kind, id),
    list: (kind) => all.all(kind),
    close() {
      closed ??= (async () => {
        database.close();
        await line.ask({ kind: 'close' }).catch(() => {});
        await line.end();
      })();
      return closed;
    },
  };
}
