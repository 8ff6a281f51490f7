// What a command that writes is made of: values, priorities, ends.

import { z } from 'zod';

const LONGEST_OVERRIDE_MS = 30 * 86_400_000;

/** A point's value; JSON has no 64-bit integers, so those may be wrapped. */
export const commandValueSchema = z.union([
  z.number(),
  z.boolean(),
  z.string(),
  z.strictObject({ integer: z.string().regex(/^-?\d{1,20}$/, 'a whole number in decimal') }),
]);

export const targetSchema = z.string().min(1);
export const prioritySchema = z.int().min(1).max(16).optional();
/** ms until it is put back by itself; null = until changed again; absent = 2 h, where it can be put back at all. */
export const overrideMsSchema = z.int().min(1_000).max(LONGEST_OVERRIDE_MS).nullable().optional();
export const writeSchema = z.strictObject({
  target: targetSchema,
  value: commandValueSchema,
  priority: prioritySchema,
  overrideMs: overrideMsSchema,
});

export type CommandValue = z.output<typeof commandValueSchema>;
