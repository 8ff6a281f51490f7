// The form of `result/{id}`: what became of a command. First `accepted`, then `done` or `refused`, with the whole decision.
// Invariant: a command that comes again gets the very result it got before.

import { z } from 'zod';
import { JOB_STATES } from '../contract/jobs.ts';
import { commandIdSchema } from './command-form.ts';
import { COMMAND_REFUSALS, type CommandRefusalCode } from './command-refusals.ts';

const codes = Object.keys(COMMAND_REFUSALS) as [CommandRefusalCode, ...CommandRefusalCode[]];

const base = {
  format: z.literal('gatehouse.result/1'),
  /** The command's `jti`; for one that could not be read, the id of its topic. */
  id: commandIdSchema,
  at: z.iso.datetime(),
};

/** A value as the journal writes it. */
const resultValueSchema = z.union([
  z.number(),
  z.boolean(),
  z.string(),
  z.null(),
  z.strictObject({ integer: z.string() }),
  z.strictObject({ float: z.enum(['NaN', 'Infinity', '-Infinity']) }),
]);

const verdictSchema = z.union([
  z.strictObject({ target: z.string(), permitted: z.literal(true), grant: z.string() }),
  z.strictObject({
    target: z.string(),
    permitted: z.literal(false),
    reason: z.string(),
    missing: z.string(),
    lock: z.string().optional(),
  }),
]);

/** What became of one write: `decision` is its id in the journal. `old` was there before, `readBack` is there now. */
const stepSchema = z.strictObject({
  decision: z.string(),
  targets: z.array(z.string()).min(1),
  outcome: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('acknowledged') }),
    z.strictObject({ kind: z.literal('refused-by-device'), answer: z.string() }),
    z.strictObject({ kind: z.literal('unknown'), why: z.string() }),
    z.strictObject({ kind: z.literal('not-sent'), why: z.string() }),
    z.strictObject({ kind: z.literal('withdrawn'), reason: z.string() }),
    /** Acknowledged, but the device holds another value. */
    z.strictObject({ kind: z.literal('differs') }),
    /** Of a batch that failed: undone, or not to be undone. */
    z.strictObject({ kind: z.literal('put-back'), why: z.string() }),
    z.strictObject({ kind: z.literal('left-written'), why: z.string() }),
  ]),
  old: resultValueSchema.optional(),
  readBack: resultValueSchema.optional(),
  /** When it is put back by itself; absent: it stays until changed again. */
  until: z.iso.datetime().optional(),
});

const readingSchema = z.union([
  z.strictObject({ target: z.string(), ok: z.literal(true), value: resultValueSchema, at: z.iso.datetime() }),
  z.strictObject({ target: z.string(), ok: z.literal(false), why: z.string() }),
]);

const jobCheckSchema = z.strictObject({
  /** Nothing stands against it. */
  ok: z.boolean(),
  /** How many other persons must approve. */
  approvals: z.int(),
  faults: z.array(z.strictObject({ path: z.string(), found: z.string(), expected: z.string() })),
  devices: z.array(
    z.strictObject({
      device: z.string(),
      /** Why the gate would deny it, and at which target. */
      reason: z.string().optional(),
      target: z.string().optional(),
      /** Why it cannot be done. */
      fault: z.string().optional(),
      version: z.string().optional(),
      /** What would be written: points that the principal may read. */
      rows: z
        .array(
          z.strictObject({
            point: z.string(),
            wanted: resultValueSchema,
            now: resultValueSchema.optional(),
            differs: z.boolean(),
            fault: z.string().optional(),
          }),
        )
        .optional(),
    }),
  ),
});

export const resultSchema = z.discriminatedUnion('state', [
  z.strictObject({ ...base, state: z.literal('accepted'), revision: z.int() }),
  z.strictObject({
    ...base,
    state: z.literal('done'),
    /** The policy by which it was decided. */
    revision: z.int(),
    /** Of `write`, `release` and `batch`: whether a device acknowledged, refused or stayed silent is said here. */
    steps: z.array(stepSchema).optional(),
    /** Of `read`: a target that may not be read says so. */
    readings: z.array(readingSchema).optional(),
    /** Of `explain`. */
    explanation: z
      .strictObject({
        decision: z.enum(['permit', 'deny']),
        reason: z.string().optional(),
        target: z.string().optional(),
        /** How many other persons must approve what is permitted; absent: none. */
        approvals: z.int().min(1).optional(),
        verdicts: z.array(verdictSchema),
        text: z.string(),
      })
      .optional(),
    /** Of `job` and `job-act`: how it goes on is said on `jobs/{id}`. */
    job: z.strictObject({ id: z.string(), state: z.enum(JOB_STATES) }).optional(),
    /** Of a `job` that was only looked at. */
    check: jobCheckSchema.optional(),
  }),
  z.strictObject({
    ...base,
    state: z.literal('refused'),
    code: z.enum(codes),
    text: z.string(),
    revision: z.int().nullable(),
    /** Where the code is `denied`: the whole decision. */
    denial: z
      .strictObject({
        decision: z.string(),
        reason: z.string(),
        target: z.string().optional(),
        verdicts: z.array(verdictSchema),
      })
      .optional(),
  }),
]);

export type CommandResult = z.output<typeof resultSchema>;
