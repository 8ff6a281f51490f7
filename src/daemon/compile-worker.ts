// Off the event loop: parts of a pushed policy → parsed, checked, compiled, and handed back as arrays that are moved.
// One job, then the thread ends and its memory with it.

import { parentPort, workerData } from 'node:worker_threads';
import type { DocumentFault, Notice } from '../model/fault.ts';
import { parseBundle } from '../policy/bundle.ts';
import { compileInventory, compileRights, headerOf, snapshotOf } from '../policy/compile.ts';
import { type BundlePart, mergeParts } from '../policy/parts.ts';
import { dehydrate, dehydrateRights, type TransferableSnapshot } from '../policy/transfer.ts';

export interface CompileJob {
  readonly header: Readonly<Record<string, unknown>>;
  readonly parts: readonly { kind: BundlePart['kind']; organization?: string; bytes: Uint8Array }[];
  /** The inventory on the other side stays: only rights are to be sent back. */
  readonly keepsInventory: boolean;
}

export type CompileAnswer =
  | { readonly is: 'compiled'; readonly data: TransferableSnapshot; readonly notices: readonly Notice[] }
  | {
      readonly is: 'refused';
      readonly code: 'malformed' | 'refused-bundle';
      readonly faults: readonly DocumentFault[];
    };

function compile({ header, parts, keepsInventory }: CompileJob): [CompileAnswer, readonly ArrayBuffer[]] {
  const contents: BundlePart[] = [];
  const unreadable: DocumentFault[] = [];
  for (const [index, { kind, organization, bytes }] of parts.entries()) {
    try {
      const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
      contents.push({ kind, content: JSON.parse(text), ...(organization === undefined ? {} : { organization }) });
    } catch (error) {
      const found = error instanceof Error ? error.message : String(error);
      unreadable.push({ path: `parts.${index}`, found, expected: 'UTF-8 JSON' });
    }
  }
  if (unreadable.length > 0) return [{ is: 'refused', code: 'malformed', faults: unreadable }, []];
  const merged = mergeParts(header, contents);
  if (!merged.ok) return [{ is: 'refused', code: 'malformed', faults: merged.fault }, []];
  const parsed = parseBundle(merged.value);
  if (!parsed.ok) return [{ is: 'refused', code: 'refused-bundle', faults: parsed.fault }, []];
  const { document, notices } = parsed.value;
  if (keepsInventory) {
    return [{ is: 'compiled', data: dehydrateRights(document, headerOf(document)), notices }, []];
  }
  const inventory = compileInventory(document.organizations);
  const snapshot = snapshotOf(inventory, compileRights(inventory, document), headerOf(document));
  const { data, transfer } = dehydrate(snapshot, document);
  return [{ is: 'compiled', data, notices }, transfer];
}

const [answer, transfer] = compile(workerData as CompileJob);
parentPort?.postMessage(answer, [...transfer]);
