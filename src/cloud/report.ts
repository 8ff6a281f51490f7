// What the gateway tells the cloud about the last manifest: in force, or refused with the code and every fault.
// Invariant: a report fits into one message; what does not fit is counted.

import { z } from 'zod';
import type { DocumentFault, Notice } from '../model/fault.ts';
import { MAX_MESSAGE_BYTES } from './manifest.ts';
import { NACKS, type NackCode } from './nack.ts';

const codes = Object.keys(NACKS) as [NackCode, ...NackCode[]];
const order = z.int().min(0).nullable();

/** Message `policy/reported`. */
export const reportSchema = z.strictObject({
  /** Null where the manifest could not be read so far, or there is none. */
  epoch: order,
  revision: order,
  manifestSha256: z.string().nullable(),
  /**
   * `active`: in force; `stale`: in force, `refreshBy` has passed; `expired`: in force, `expiresAt` has passed, changes
   * are refused; `refused`: not in force, what was before still is; `none`: no policy yet.
   */
  state: z.enum(['active', 'stale', 'expired', 'refused', 'none']),
  /** Why it was refused; null otherwise. */
  code: z.enum(codes).nullable(),
  faults: z.array(z.strictObject({ path: z.string(), found: z.string(), expected: z.string() })),
  notices: z.array(z.strictObject({ path: z.string(), text: z.string() })),
  at: z.iso.datetime(),
});

export type Report = z.output<typeof reportSchema>;
export type PolicyState = Report['state'];

/** Message `policy/locks/reported`: the same about the list of locks, whose order and floor are its own. */
export const locksReportSchema = reportSchema.omit({ notices: true }).extend({
  state: z.enum(['active', 'refused']),
  /** Entries of the list in force. */
  count: z.int().min(0),
});

export type LocksReport = z.output<typeof locksReportSchema>;

/** Message `root/reported`: about the last root that came by message `root`, and the one that is trusted. */
export const rootReportSchema = z.strictObject({
  state: z.enum(['active', 'refused']),
  /** Of the root that is trusted: its version and the SHA-256 (hex) of its payload. */
  version: z.int().min(1),
  fingerprint: z.string(),
  /** SHA-256 (hex) of the text that was refused; null otherwise. */
  refusedSha256: z.string().nullable(),
  code: z.enum(codes).nullable(),
  faults: reportSchema.shape.faults,
  at: z.iso.datetime(),
});

export type RootReport = z.output<typeof rootReportSchema>;

/** How the journal's upload stands. `stopped`: an acknowledgement named a head that this journal never had. */
const uploadSchema = z.strictObject({
  state: z.enum(['idle', 'sending', 'stopped']),
  /** The last row acknowledged; 0: none. */
  acked: z.int().min(0),
  /** Rows after it. */
  unsent: z.int().min(0),
  why: z.string().nullable(),
});

export type UploadState = z.output<typeof uploadSchema>;

/** Message `state`. */
export const stateSchema = z.strictObject({
  status: z.enum(['online', 'offline']),
  startedAt: z.iso.datetime(),
  version: z.string(),
  /** The policy in force; null where there is none, and in the will. */
  epoch: order,
  revision: order,
  /** Null in the will, and where no journal is uploaded. */
  upload: uploadSchema.nullable(),
});

export type GatewayState = z.output<typeof stateSchema>;

const ROOM = MAX_MESSAGE_BYTES - 2048;

function fitting<T>(items: readonly T[], room: number, rest: (count: number) => T): { list: T[]; bytes: number } {
  const list: T[] = [];
  let bytes = 0;
  for (const item of items) {
    const size = Buffer.byteLength(JSON.stringify(item)) + 1;
    if (bytes + size > room) {
      list.push(rest(items.length - list.length));
      break;
    }
    bytes += size;
    list.push(item);
  }
  return { list, bytes };
}

/** The message. Faults come first; what has no room is named by a count as the last entry. */
export function reportText(report: Report): string {
  const faults = fitting<DocumentFault>(report.faults, ROOM, (count) => ({
    path: '',
    found: `${count} more faults`,
    expected: 'none',
  }));
  const notices = fitting<Notice>(report.notices, ROOM - faults.bytes, (count) => ({
    path: '',
    text: `${count} more notices`,
  }));
  return JSON.stringify({ ...report, faults: faults.list, notices: notices.list });
}
