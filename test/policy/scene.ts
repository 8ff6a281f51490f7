// From a bundle as data to a snapshot, as a gateway does it; a bundle with a fault fails the test that brought it.

import { describeFault } from '../../src/model/fault.ts';
import { type ParsedBundle, parseBundle } from '../../src/policy/bundle.ts';
import { compileInventory, compileRights, headerOf, snapshotOf } from '../../src/policy/compile.ts';
import type { PolicySnapshot } from '../../src/policy/rights.ts';

export function parsed(bundle: unknown): ParsedBundle {
  const result = parseBundle(bundle);
  if (!result.ok) throw new Error(result.fault.map(describeFault).join('\n'));
  return result.value;
}

export function snapshotFrom(bundle: unknown): PolicySnapshot {
  const { document } = parsed(bundle);
  const inventory = compileInventory(document.organizations);
  return snapshotOf(inventory, compileRights(inventory, document), headerOf(document));
}
