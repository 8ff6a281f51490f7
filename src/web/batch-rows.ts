// The points chosen for one change together; they last as long as the page is open.

import type { ApiPointDetail } from '../http/schema-browse.ts';
import { createStore } from './store.ts';

export interface BatchRow {
  readonly point: ApiPointDetail;
  /** As typed; empty: not yet. */
  readonly text: string;
}

export const batch = createStore<readonly BatchRow[]>([]);

export function addToBatch(point: ApiPointDetail): void {
  if (!batch.get().some((row) => row.point.id === point.id)) batch.set([...batch.get(), { point, text: '' }]);
}

export function dropFromBatch(id: string): void {
  batch.set(batch.get().filter(({ point }) => point.id !== id));
}
