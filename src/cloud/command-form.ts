// The form of `command/{id}`: a compact JWS (typ `gatehouse.command+jws`) by a key that the root names for commands.
// Invariant: what does not fit this form to the letter is no command. `jti` is the `{id}` of its topic and of its result's.

import { z } from 'zod';
import { jobOrderSchema } from './job-order-form.ts';
import { commandValueSchema, overrideMsSchema, prioritySchema, targetSchema, writeSchema } from './write-form.ts';

export const COMMAND_TYP = 'gatehouse.command+jws';
/** Longest time between `iat` and `exp`: a command is for now. */
export const LONGEST_COMMAND_S = 3_600;
const MOST_WRITES = 64;
const MOST_TARGETS = 500;

/** Fits a topic level. */
export const commandIdSchema = z.string().regex(/^[A-Za-z0-9_.~-]{1,64}$/, 'an id of A-Z a-z 0-9 _ . ~ -');

const target = targetSchema;
const priority = prioritySchema;
const overrideMs = overrideMsSchema;

/** `write` and `batch` set points, `release` relinquishes a priority slot, `read` and `explain` change nothing. */
export const operationSchema = z.discriminatedUnion('op', [
  z.strictObject({ op: z.literal('write'), target, value: commandValueSchema, priority, overrideMs }),
  z.strictObject({ op: z.literal('release'), target, priority }),
  z.strictObject({ op: z.literal('read'), targets: z.array(target).min(1).max(MOST_TARGETS) }),
  /**
   * Every write is permitted or none is begun; the first that fails ends it, and what was written is put back. `priority`
   * (where a protocol has priorities) and `overrideMs` are of each write that says nothing of its own.
   */
  z.strictObject({
    op: z.literal('batch'),
    writes: z.array(writeSchema).min(1).max(MOST_WRITES),
    priority,
    overrideMs,
  }),
  z.strictObject({
    op: z.literal('explain'),
    action: z.string().min(1),
    targets: z.array(target).max(MOST_TARGETS),
    priority,
  }),
  /** Work that goes on by itself, said on `jobs/{id}`: every device is permitted, or nothing is begun. `dryRun`: only looked at. */
  z.strictObject({ op: z.literal('job'), order: jobOrderSchema, dryRun: z.literal(true).optional() }),
  /** `approve` and `refuse` by another person than its starter; `why` is their comment. */
  z.strictObject({
    op: z.literal('job-act'),
    job: z.string().min(1).max(100),
    act: z.enum(['pause', 'resume', 'abort', 'retry', 'approve', 'refuse']),
    why: z.string().max(500).optional(),
  }),
]);

export const commandSchema = z.strictObject({
  format: z.literal('gatehouse.command/1'),
  jti: commandIdSchema,
  /** The principal who asks: a user's or application's id. */
  sub: z.string().min(1).max(256),
  /** The one gateway that is meant. */
  aud: z.string().min(1),
  /** s since 1970. */
  iat: z.number().min(0),
  /** s since 1970, exclusive; at most an hour after `iat`. */
  exp: z.number().min(0),
  /** The policy in force must be of this revision or a later one. */
  minRevision: z.int().min(0).optional(),
  operation: operationSchema,
});

export type Command = z.output<typeof commandSchema>;
export type Operation = z.output<typeof operationSchema>;
