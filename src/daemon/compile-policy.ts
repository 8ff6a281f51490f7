// "Compile" on the policy's road, for a whole bundle document: parse, inventory, every driver's addresses, rights.
// The same faults whether a bundle was pushed, checked on the command line or loaded at boot.

import type { AddressIndex, DriverModule } from '../contract/driver.ts';
import type { DocumentFault, Notice } from '../model/fault.ts';
import type { DriverName } from '../model/ids.ts';
import type { InventoryView } from '../model/point.ts';
import { fail, isNonEmpty, type NonEmpty, ok, type Result } from '../model/result.ts';
import { parseBundle } from '../policy/bundle.ts';
import { compileInventory, compileRights, headerOf, snapshotOf } from '../policy/compile.ts';
import type { PolicySnapshot } from '../policy/rights.ts';

export type AddressIndexes = ReadonlyMap<DriverName, AddressIndex>;

/** A snapshot and the addresses that belong to its inventory: swapped together. */
export interface CompiledPolicy {
  readonly snapshot: PolicySnapshot;
  readonly indexes: AddressIndexes;
  readonly notices: readonly Notice[];
}

/** Lets timers and sockets run: awaited every few milliseconds of work. */
export function pauseForOthers(): Promise<void> {
  return new Promise((resume) => setImmediate(resume));
}

/** Every driver's addresses of one inventory; the faults of all drivers at once. */
export async function compileAddresses(
  inventory: InventoryView,
  drivers: readonly DriverModule[],
): Promise<Result<{ indexes: AddressIndexes; notices: readonly Notice[] }, NonEmpty<DocumentFault>>> {
  const indexes = new Map<DriverName, AddressIndex>();
  const faults: DocumentFault[] = [];
  const notices: Notice[] = [];
  for (const driver of drivers) {
    const compiled = await driver.compileAddresses(inventory, pauseForOthers);
    if (compiled.ok) {
      indexes.set(driver.name, compiled.value.index);
      notices.push(...compiled.value.notices);
    } else faults.push(...compiled.fault);
  }
  return isNonEmpty(faults) ? fail(faults) : ok({ indexes, notices });
}

/** A whole bundle document → what is swapped in, or every fault of it. */
export async function compilePolicy(
  input: unknown,
  drivers: readonly DriverModule[],
): Promise<Result<CompiledPolicy, NonEmpty<DocumentFault>>> {
  const parsed = parseBundle(input);
  if (!parsed.ok) return parsed;
  const { document, notices } = parsed.value;
  const inventory = compileInventory(document.organizations);
  const addresses = await compileAddresses(inventory, drivers);
  if (!addresses.ok) return addresses;
  const rights = compileRights(inventory, document);
  return ok({
    snapshot: snapshotOf(inventory, rights, headerOf(document)),
    indexes: addresses.value.indexes,
    notices: [...notices, ...addresses.value.notices],
  });
}
