// "Compile" on the policy's road, for parts that were pushed. A few rights for an inventory that is in force already are
// compiled on the spot, in milliseconds; everything else in a thread of its own, its heavy half, and the rest in slices.
// Invariant: where no inventory part changed, the inventory object and the drivers' addresses stay the very same.

import { Worker } from 'node:worker_threads';
import type { CompilePolicy } from '../cloud/compile-step.ts';
import type { ManifestPayload } from '../cloud/manifest.ts';
import { mergeContents } from '../cloud/merge-contents.ts';
import type { PolicyPart } from '../cloud/policy-parts.ts';
import type { DriverModule } from '../contract/driver.ts';
import type { DocumentFault, Notice } from '../model/fault.ts';
import { targetHandle } from '../model/ids.ts';
import { fail, isNonEmpty, ok } from '../model/result.ts';
import { parseRights } from '../policy/bundle.ts';
import { compileRights, headerOf, snapshotOf } from '../policy/compile.ts';
import { decide } from '../policy/decide.ts';
import { hydrate } from '../policy/transfer.ts';
import { type AddressIndexes, type CompiledPolicy, compileAddresses, pauseForOthers } from './compile-policy.ts';
import type { CompileAnswer, CompileJob } from './compile-worker.ts';

/** What is swapped in, and what its inventory was made from: organizations in their order, and hashes of their parts. */
export interface PushedPolicy extends CompiledPolicy {
  readonly madeFrom: string;
  /** About the drivers' addresses in that inventory. */
  readonly addressNotices: readonly Notice[];
}

/** Rights up to this size, unpacked, are compiled on the event loop. */
const FEW_BYTES = 131_072;

/** The compile step of acceptance. Throws where the thread dies: acceptance answers `compile-failed`. */
export function pushedCompiler(drivers: readonly DriverModule[]): CompilePolicy<PushedPolicy> {
  return async (header, parts, previous) => {
    const madeFrom = inventoryOf(parts);
    const kept = previous?.madeFrom === madeFrom ? previous : undefined;
    const rightsBytes = parts.reduce((sum, { kind, size }) => (kind === 'inventory' ? sum : sum + size), 0);
    if (kept && rightsBytes <= FEW_BYTES) return compileHere(bundleHeader(header), parts, kept);
    const job = { header: bundleHeader(header), parts: await readAll(parts), keepsInventory: kept !== undefined };
    const answer = await compileAside(job);
    if (answer.is === 'refused') {
      return fail({ code: answer.code, faults: isNonEmpty(answer.faults) ? answer.faults : [nothingSaid] });
    }
    const snapshot = await hydrate(answer.data, pauseForOthers, previous?.snapshot);
    const addresses = await addressesFor(snapshot.inventory, previous, drivers);
    if (!addresses.ok) return fail({ code: 'refused-bundle', faults: addresses.fault });
    const { indexes, notices: addressNotices } = addresses.value;
    const notices = [...answer.notices, ...addressNotices];
    return ok({ snapshot: { snapshot, indexes, notices, madeFrom, addressNotices }, notices });
  };
}

/** The same checks and the same result as in the thread; the inventory's own passed when it came. */
async function compileHere(
  header: Readonly<Record<string, unknown>>,
  parts: readonly PolicyPart[],
  kept: PushedPolicy,
): ReturnType<CompilePolicy<PushedPolicy>> {
  const merged = await mergeContents(header, parts, ({ kind }) => kind === 'inventory');
  if (!merged.ok) return merged;
  const { inventory, rights } = kept.snapshot;
  const parsed = parseRights(merged.value, inventory);
  if (!parsed.ok) return fail({ code: 'refused-bundle', faults: parsed.fault });
  const { document } = parsed.value;
  const notices = [...parsed.value.notices, ...kept.addressNotices];
  const snapshot = snapshotOf(inventory, compileRights(inventory, document, rights), headerOf(document));
  return ok({ snapshot: { ...kept, snapshot, notices }, notices });
}

const nothingSaid: DocumentFault = { path: '', found: 'a bundle that was refused', expected: 'one without faults' };

/** Asks the compiled policy what is known: nobody may do anything, and it must say so for every organization's root. */
export function selfTest(
  { snapshot }: Pick<CompiledPolicy, 'snapshot'>,
  header: ManifestPayload,
): readonly DocumentFault[] {
  const faults: DocumentFault[] = [];
  if (snapshot.header.revision !== header.revision) {
    faults.push({ path: 'revision', found: `\`${snapshot.header.revision}\``, expected: `\`${header.revision}\`` });
  }
  for (const { id, root } of snapshot.rights.organizations) {
    const target = snapshot.inventory.idOf(targetHandle(root));
    const { decision } = decide(snapshot, { principal: null, action: 'point.write', targets: [target], at: 0 });
    if (decision !== 'deny') {
      faults.push({ path: 'organizations', found: `\`${id}\` permits a write to nobody known`, expected: 'a denial' });
    }
  }
  return faults;
}

async function addressesFor(
  inventory: CompiledPolicy['snapshot']['inventory'],
  previous: PushedPolicy | undefined,
  drivers: readonly DriverModule[],
): ReturnType<typeof compileAddresses> {
  const kept: AddressIndexes | undefined = previous?.snapshot.inventory === inventory ? previous.indexes : undefined;
  return kept ? ok({ indexes: kept, notices: previous?.addressNotices ?? [] }) : compileAddresses(inventory, drivers);
}

function inventoryOf(parts: readonly PolicyPart[]): string {
  const organizations = new Set(parts.flatMap(({ organization }) => organization ?? []));
  const hashes = parts.flatMap(({ kind, organization, sha256 }) =>
    kind === 'inventory' ? [organization, sha256] : [],
  );
  return JSON.stringify([[...organizations], hashes]);
}

async function readAll(parts: readonly PolicyPart[]): Promise<CompileJob['parts']> {
  return Promise.all(
    parts.map(async (part) => ({
      kind: part.kind,
      bytes: await part.read(),
      ...(part.organization === undefined ? {} : { organization: part.organization }),
    })),
  );
}

/** The manifest's header without what is the manifest's own. */
function bundleHeader({ epoch, refreshBy, parts, ...header }: ManifestPayload): Readonly<Record<string, unknown>> {
  return header;
}

function compileAside(job: CompileJob): Promise<CompileAnswer> {
  // A thread loads compiled programs only: started from the sources, it takes the compiled twin in dist/.
  const here = import.meta.url;
  const twin = here.endsWith('.ts') ? '../../dist/src/daemon/compile-worker.js' : './compile-worker.js';
  const file = new URL(twin, here);
  return new Promise((resolve, reject) => {
    const worker = new Worker(file, { workerData: job, name: 'gatehouse-compile' });
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', (code) => reject(new Error(`the compiling thread ended with ${code} and no answer`)));
  });
}
