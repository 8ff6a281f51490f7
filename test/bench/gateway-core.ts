// What stands around a driver in its benchmark: the real gate, a policy, and the journal on disk in a folder of its own.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DriverModule, RunningDriver } from '../../src/contract/driver.ts';
import type { Gate, JobGate } from '../../src/contract/gate.ts';
import { createGate } from '../../src/gate/gate.ts';
import { principalId } from '../../src/model/ids.ts';
import type { InventoryView } from '../../src/model/point.ts';
import { parseBundle } from '../../src/policy/bundle.ts';
import { compileInventory, compileRights, headerOf, snapshotOf } from '../../src/policy/compile.ts';
import { openJournal } from '../../src/store/journal.ts';

/** The driver, started on `section`; `client` is the fixed address of the application `bms`. */
export async function startBenched(
  driver: DriverModule,
  bundle: object,
  client: string,
  section: object,
): Promise<RunningDriver> {
  return (await openBenched(driver, bundle, client, section)).running;
}

/** The same, with the gate it stands at and the inventory in force. */
export async function openBenched(
  driver: DriverModule,
  bundle: object,
  client: string,
  section: object,
): Promise<{ readonly running: RunningDriver; readonly gate: Gate & JobGate; readonly inventory: InventoryView }> {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-bench-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  const journal = await openJournal({ file: join(folder, 'journal.sqlite') });
  const parsed = parseBundle(bundle);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.fault.slice(0, 3)));
  const { document } = parsed.value;
  const inventory = compileInventory(document.organizations);
  const clock = { now: () => Date.now(), monotonic: () => performance.now(), sure: () => true };
  const timers = {
    after: (delayMs: number, run: () => void) => {
      const timer = setTimeout(run, delayMs);
      return { cancel: () => clearTimeout(timer) };
    },
  };
  const log = { write: () => undefined };
  let ids = 0;
  const gate = createGate({
    journal,
    log,
    clock,
    timers,
    links: { lookup: () => undefined },
    newId: (kind) => {
      ids += 1;
      return `${kind}-${ids}`;
    },
    site: {
      applicationAddresses: [{ address: client, principal: principalId('bms') }],
      sharedNetworks: [],
      neverGated: { peers: [], targets: [] },
    },
  });
  gate.activate(snapshotOf(inventory, compileRights(inventory, document), headerOf(document)));
  const compiled = await driver.compileAddresses(inventory, async () => undefined);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.fault.slice(0, 3)));
  const configuration = driver.configuration as { parse(input: unknown): unknown };
  const running = await driver.start(configuration.parse(section), compiled.value.index, { gate, log, clock, timers });
  return { running, gate, inventory };
}
