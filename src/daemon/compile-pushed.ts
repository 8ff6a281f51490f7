// "Compile" on the policy's road, for parts that were pushed: the heavy half in a thread of its own, the rest in slices.
// Invariant: where no inventory part changed, the inventory object and the drivers' addresses stay the very same.

import { Worker } from 'node:worker_threads';
import type { CompilePolicy } from '../cloud/compile-step.ts';
import type { ManifestPayload } from '../cloud/manifest.ts';
import type { PolicyPart } from '../cloud/policy-parts.ts';
import type { DriverModule } from '../contract/driver.ts';
import type { DocumentFault } from '../model/fault.ts';
import { targetHandle } from '../model/ids.ts';
import { fail, isNonEmpty, ok } from '../model/result.ts';
import { decide } from '../policy/decide.ts';
import { hydrate } from '../policy/transfer.ts';
import { type AddressIndexes, type CompiledPolicy, compileAddresses, pauseForOthers } from './compile-policy.ts';
import type { CompileAnswer, CompileJob } from './compile-worker.ts';

/** What is swapped in, and the hashes of the inventory parts it was made from. */
export interface PushedPolicy extends CompiledPolicy {
  readonly inventoryHashes: string;
}

/** The compile step of acceptance. Throws where the thread dies: acceptance answers `compile-failed`. */
export function pushedCompiler(drivers: readonly DriverModule[]): CompilePolicy<PushedPolicy> {
  return async (header, parts, previous) => {
    const inventoryHashes = hashesOf(parts);
    const keepsInventory = previous?.inventoryHashes === inventoryHashes;
    const answer = await compileAside({ header: bundleHeader(header), parts: await readAll(parts), keepsInventory });
    if (answer.is === 'refused') {
      return fail({ code: answer.code, faults: isNonEmpty(answer.faults) ? answer.faults : [nothingSaid] });
    }
    const snapshot = await hydrate(answer.data, pauseForOthers, previous?.snapshot);
    const addresses = await addressesFor(snapshot.inventory, previous, drivers);
    if (!addresses.ok) return fail({ code: 'refused-bundle', faults: addresses.fault });
    const { indexes, notices } = addresses.value;
    const compiled = { snapshot, indexes, notices: [...answer.notices, ...notices], inventoryHashes };
    return ok({ snapshot: compiled, notices: compiled.notices });
  };
}

const nothingSaid: DocumentFault = { path: '', found: 'a bundle that was refused', expected: 'one without faults' };

/** Asks the compiled policy what is known: nobody may do anything, and it must say so for every organization's root. */
export function selfTest({ snapshot }: CompiledPolicy, header: ManifestPayload): readonly DocumentFault[] {
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
  return kept ? ok({ indexes: kept, notices: [] }) : compileAddresses(inventory, drivers);
}

function hashesOf(parts: readonly PolicyPart[]): string {
  return parts
    .filter(({ kind }) => kind === 'inventory')
    .map(({ organization, sha256 }) => `${organization} ${sha256}`)
    .join('\n');
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
