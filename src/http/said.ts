// A sentence of the engine as the API says it: in words, and by its code where it has one.

import { type Reason, reason, reasonOf } from '../contract/reasons.ts';
import type { TargetHandle } from '../model/ids.ts';
import type { InventoryView } from '../model/point.ts';

const MOST_READ = 1000;
/** Sentences read lately: a job of many devices says the same of most of them. */
const read = new Map<string, Reason | undefined>();

function readOnce(text: string): Reason | undefined {
  if (read.has(text)) return read.get(text);
  const found = reasonOf(text);
  if (read.size >= MOST_READ) read.clear();
  read.set(text, found);
  return found;
}

/** Nothing where nothing is said. */
export function reasonIn(text: string | undefined): { readonly reason?: Reason } {
  const found = text === undefined || text === '' ? undefined : readOnce(text);
  return found ? { reason: found } : {};
}

/** The sentence as it is, or, where it names a thing of the inventory that is not seen, that it does. */
export function saidOf(
  text: string,
  inventory: Pick<InventoryView, 'find'>,
  sees: (target: TargetHandle) => boolean,
): string {
  // What is named stands in backticks; a value may hold one, too, so that they need not come in pairs.
  const namesUnseen = text.split('`').some((part) => {
    const handle = inventory.find(part);
    return handle !== undefined && !sees(handle);
  });
  return namesUnseen ? reason('names-unseen') : text;
}
