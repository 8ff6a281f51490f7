// The compile step of acceptance on the spot, where the daemon has threads and drivers for it; the self-test is the daemon's own.

import type { Compiled, CompileRefusal } from '../../src/cloud/compile-step.ts';
import type { ManifestPayload } from '../../src/cloud/manifest.ts';
import { mergeContents } from '../../src/cloud/merge-contents.ts';
import type { PolicyPart } from '../../src/cloud/policy-parts.ts';
import { selfTest } from '../../src/daemon/compile-pushed.ts';
import { fail, ok, type Result } from '../../src/model/result.ts';
import { parseBundle } from '../../src/policy/bundle.ts';
import { compileInventory, compileRights, headerOf, snapshotOf } from '../../src/policy/compile.ts';
import type { PolicySnapshot } from '../../src/policy/rights.ts';

export async function compileInProcess(
  { epoch: _epoch, refreshBy: _refreshBy, parts: _parts, ...header }: ManifestPayload,
  parts: readonly PolicyPart[],
): Promise<Result<Compiled<PolicySnapshot>, CompileRefusal>> {
  const merged = await mergeContents(header, parts, () => false);
  if (!merged.ok) return merged;
  const parsed = parseBundle(merged.value);
  if (!parsed.ok) return fail({ code: 'refused-bundle', faults: parsed.fault });
  const { document, notices } = parsed.value;
  const inventory = compileInventory(document.organizations);
  const rights = compileRights(inventory, document);
  return ok({ snapshot: snapshotOf(inventory, rights, headerOf(document)), notices });
}

export const selfTestPolicy = (snapshot: PolicySnapshot, header: ManifestPayload) => selfTest({ snapshot }, header);
