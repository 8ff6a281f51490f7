// A writer on a stage: the real gate and ledger, devices that are arrays of slots, a shelf in memory.

import type { RunningDriver } from '../../src/contract/driver.ts';
import { createWriter } from '../../src/jobs/batch.ts';
import { createOverrides, type OverrideLedger } from '../../src/jobs/overrides.ts';
import { bundle, Stage } from '../gate/stage.ts';
import { MemoryShelf, SlotDriver } from './slot-driver.ts';

export interface WriterStage {
  readonly shelf: MemoryShelf;
  readonly stage: Stage;
  readonly driver: SlotDriver;
  readonly drivers: Map<string, RunningDriver>;
  readonly writer: ReturnType<typeof createWriter>;
  readonly overrides: OverrideLedger;
  /** What both are made of. */
  readonly services: Omit<Parameters<typeof createWriter>[0], 'ledger'>;
}

/** Every device of the stage has an address that the slot driver knows. */
export function writerStage(given = bundle()): WriterStage {
  const document = given as { organizations: [{ devices: { address?: object }[] }] };
  for (const [n, device] of document.organizations[0].devices.entries()) device.address = { slots: { n } };
  const stage = Stage.set({}, document);
  const driver = new SlotDriver(stage);
  const drivers = new Map<string, RunningDriver>([['slots', driver]]);
  const shelf = new MemoryShelf();
  let ids = 0;
  const services = {
    gate: stage.gate,
    journal: stage.journal,
    shelf,
    clock: stage.time,
    timers: stage.time,
    log: stage.log,
    drivers,
    inventory: () => stage.gate.policy()?.inventory,
    newId: (kind: string) => {
      ids += 1;
      return `${kind}-${ids}`;
    },
    intentOf: (decision: string) => stage.journal.rows('intent').find((row) => row.decision === decision),
    outcomeOf: (decision: string) => stage.journal.rows('outcome').find((row) => row.decision === decision),
    isBefore(decision: string, other: string) {
      const rows = stage.journal.rows('intent').map((row) => row.decision);
      return rows.indexOf(decision) >= 0 && rows.indexOf(decision) < rows.indexOf(other);
    },
    framesSince(decision: string) {
      const rows = stage.journal.rows('intent');
      const own = rows.findIndex((row) => row.decision === decision);
      return own < 0 ? [] : rows.slice(own + 1).filter(({ who }) => who.driver !== undefined);
    },
  };
  const overrides = createOverrides(services);
  return {
    shelf,
    stage,
    driver,
    drivers,
    writer: createWriter({ ...services, ledger: overrides }),
    overrides,
    services,
  };
}
