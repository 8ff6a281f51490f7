// A sentence of the engine as the API says it: in words, and by its code where it has one.

import { type Reason, reasonOf } from '../contract/reasons.ts';

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
