// How much the journal may take, and for whom. Invariants: 1. space kept for undoing and closing changes is taken from
// the disk beforehand, so that no other program can use it up; 2. notes never touch it; 3. nothing is admitted on hope.

import { randomFillSync } from 'node:crypto';
import { closeSync, fsyncSync, openSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import type { EncodedRow } from './chain.ts';
import { syncDirectory } from './database.ts';
import { errorCode } from './store-fault.ts';

/**
 * All in bytes, except `noteRows`. Kept to within a few pages; the write-ahead log, usually 4 MiB, comes on top of
 * `maxBytes`.
 */
export interface JournalLimits {
  readonly maxBytes: number;
  /** Part of `maxBytes`, and the same again on disk beside the journal: for `reserved` rows alone. */
  readonly reserveBytes: number;
  /** What notes may take in all while they are kept. */
  readonly noteBytes: number;
  readonly noteRows: number;
  /** Free space on the disk below which nothing but `reserved` rows is written. */
  readonly minFreeBytes: number;
}

const MiB = 1024 * 1024;

export const defaultJournalLimits: JournalLimits = {
  maxBytes: 2048 * MiB,
  reserveBytes: 16 * MiB,
  noteBytes: 256 * MiB,
  noteRows: 500_000,
  minFreeBytes: 16 * MiB,
};

/** `reserve`: closes or undoes what was begun. `change`: anything appended. `note`: never waited on. */
export type Space = 'reserve' | 'change' | 'note';

export interface Entry {
  readonly row: EncodedRow;
  readonly space: Space;
}

/** What is taken at the moment rows ask for admission. */
interface SpaceTaken {
  readonly databaseBytes: number;
  readonly diskFreeBytes: number;
  readonly noteBytes: number;
  readonly noteRows: number;
  readonly reserveHeld: boolean;
}

/** For each entry `undefined` where it is admitted, else why not. In order: an earlier entry's space is gone for a later. */
export function admit(
  entries: readonly { readonly row: { readonly cost: number }; readonly space: Space }[],
  taken: SpaceTaken,
  limits: JournalLimits,
): (string | undefined)[] {
  let database = taken.databaseBytes;
  let disk = taken.diskFreeBytes;
  let noteBytes = taken.noteBytes;
  let noteRows = taken.noteRows;
  return entries.map(({ row, space }) => {
    const why =
      space === 'reserve'
        ? whyOverReserve(row.cost)
        : (whyOver(row.cost) ?? (space === 'note' ? whyOverNotes(row.cost) : undefined));
    if (why !== undefined) return why;
    database += row.cost;
    disk -= row.cost;
    if (space === 'note') {
      noteBytes += row.cost;
      noteRows += 1;
    }
    return undefined;
  });

  function whyOverReserve(cost: number): string | undefined {
    return database + cost > limits.maxBytes ? full(limits.maxBytes) : undefined;
  }
  function whyOver(cost: number): string | undefined {
    const bytes = limits.maxBytes - limits.reserveBytes;
    if (database + cost > bytes) return full(bytes);
    if (!taken.reserveHeld) return 'the disk has no room for the reserve kept to close changes';
    if (disk - cost < limits.minFreeBytes) {
      return `the disk has ${Math.max(0, disk)} bytes free, expected at least ${limits.minFreeBytes}`;
    }
    return undefined;
  }
  function whyOverNotes(cost: number): string | undefined {
    const over = noteRows + 1 > limits.noteRows || noteBytes + cost > limits.noteBytes;
    return over ? `the quota of notes is used up: ${noteRows} rows, ${noteBytes} bytes` : undefined;
  }
  function full(bytes: number): string {
    return `the journal is full: ${database} bytes, expected at most ${bytes}`;
  }
}

/** Bytes set aside on the disk as a file beside the journal; given up when a reserved row finds the disk full. */
export interface Ballast {
  held(): boolean;
  /** Sets the bytes aside; a disk without room leaves `held` false. */
  take(): void;
  /** True where it was held until now. */
  release(): boolean;
}

export function openBallast(file: string, bytes: number): Ballast {
  let held = false;
  return {
    held: () => held,
    take() {
      held = held || bytes === 0 || sizeOf(file) === bytes || fill(file, bytes);
    },
    release() {
      const released = held && bytes > 0;
      if (released) rmSync(file, { force: true });
      held = false;
      return released;
    },
  };
}

function sizeOf(file: string): number | undefined {
  return statSync(file, { throwIfNoEntry: false })?.size;
}

/** Random bytes, because a file system that compresses would give zeros no room. Complete or not there at all. */
function fill(file: string, bytes: number): boolean {
  const unfinished = `${file}.new`;
  try {
    const handle = openSync(unfinished, 'w', 0o600);
    try {
      const chunk = Buffer.alloc(Math.min(bytes, MiB));
      for (let written = 0; written < bytes; ) {
        written += writeSync(handle, randomFillSync(chunk), 0, Math.min(chunk.length, bytes - written));
      }
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    renameSync(unfinished, file);
    syncDirectory(dirname(file));
    return true;
  } catch (thrown) {
    if (errorCode(thrown) === '') throw thrown;
    rmSync(unfinished, { force: true });
    return false;
  }
}
