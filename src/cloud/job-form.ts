// The form of `jobs/{id}`: progress of work on several devices, which goes on by itself.

import { z } from 'zod';

export const jobSchema = z.strictObject({
  format: z.literal('gatehouse.job/1'),
  id: z.string().min(1),
  kind: z.string().min(1),
  state: z.enum(['queued', 'running', 'done', 'failed', 'cancelled']),
  /** Steps that have ended, of all. */
  done: z.int().min(0),
  total: z.int().min(0),
  text: z.string(),
  at: z.iso.datetime(),
});

export type JobProgress = z.output<typeof jobSchema>;
