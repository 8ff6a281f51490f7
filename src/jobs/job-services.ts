// What the job engine works with: gate, record, shelf, images, the writer, the plant.

import type { Clock, Timers } from '../contract/clock.ts';
import type { Gate, JobGate, UndoGate } from '../contract/gate.ts';
import type { Images } from '../contract/images.ts';
import type { Journal } from '../contract/journal.ts';
import type { Log } from '../contract/log.ts';
import type { Shelf } from '../contract/shelf.ts';
import type { Writer } from '../contract/work.ts';
import type { IntentRow } from '../model/journal-row.ts';
import type { LastVersions } from './last-versions.ts';
import type { PlantParts } from './plant.ts';

export interface JobServices extends PlantParts {
  readonly gate: Pick<Gate, 'judge' | 'abandon' | 'onStanding' | 'reader'> &
    Pick<UndoGate, 'preview' | 'undoRecorded'> &
    JobGate;
  readonly journal: Pick<Journal, 'append'>;
  readonly shelf: Shelf;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
  readonly images: Pick<Images, 'get' | 'open'>;
  readonly writer: Writer;
  newId(kind: 'job'): string;
  readonly versions: LastVersions;
  /** The intent row of a decision, as the record holds it. */
  intentOf(decision: string): IntentRow | undefined;
}

/** Between two questions to a device that is busy, restarting or silent. */
export const POLL_MS = 2000;
/** Progress is made durable and told at most so often. */
export const PROGRESS_MS = 1000;
/** How long a step that was stopped may take to say so. */
export const GRACE_MS = 10_000;
/** Transfers to one device without a further octet, before it is given up. */
export const MOST_FRUITLESS = 3;
export const MOST_ENDED_JOBS = 200;
export const MOST_OPEN_JOBS = 100;
/** Of one person or application, so that the others find a place. */
export const MOST_OPEN_JOBS_EACH = 20;
export const MOST_DEVICES = 1000;
