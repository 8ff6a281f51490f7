// What a batch works with: the gate, the record, the ledger of overrides, the plant.

import type { Clock, Timers } from '../contract/clock.ts';
import type { Caller, Gate, JobGate, UndoGate } from '../contract/gate.ts';
import type { Journal } from '../contract/journal.ts';
import type { Log } from '../contract/log.ts';
import type { Shelf } from '../contract/shelf.ts';
import type { RowResult, WriteRow } from '../contract/work.ts';
import type { DecisionId } from '../model/ids.ts';
import type { PlantParts, Reached } from './plant.ts';
import type { WorkRecord } from './work-record.ts';

export interface BatchServices extends PlantParts, WorkRecord {
  readonly gate: Gate & UndoGate & Pick<JobGate, 'approvalsFor'>;
  readonly journal: Pick<Journal, 'append' | 'note'>;
  readonly shelf: Shelf;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
  newId(kind: 'job' | 'override'): string;
  /** Told before the first write and after each device, so that what ends by itself is known in time. */
  readonly ledger: Ledger;
}

/** The part of the override ledger that writes go through. */
export interface Ledger {
  /** Durable when it resolves. Gives the override's id for each row that ends by itself. */
  open(caller: Caller, decision: DecisionId, rows: readonly PlannedRow[]): Promise<readonly OverrideId[]>;
  /** Written. Whoever held one of these slots before holds it no more, also where what was written stays. */
  begun(ids: readonly OverrideId[], planned: readonly PlannedRow[], rows: readonly RowResult[]): Promise<void>;
  /** Nothing was written, or it was put back at once. */
  dropped(ids: readonly OverrideId[]): Promise<void>;
  /** The ids that were opened for a change and are open still. */
  idsOf(decision: string): readonly string[];
}

/** Absent where the row stays until changed again. */
export type OverrideId = string | undefined;

export interface PlannedRow {
  readonly row: WriteRow;
  readonly reached: Reached;
  /** ms since 1970; absent = it stays. */
  readonly until?: number;
}
