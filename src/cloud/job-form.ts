// The form of `jobs/{id}`: how work on several devices stands, said again whenever that changes.

import { z } from 'zod';
import { DEVICE_STATES, JOB_KINDS, JOB_STATES } from '../contract/jobs.ts';

const instant = z.iso.datetime();
const halted = z.strictObject({ by: z.string(), why: z.string() });

export const jobSchema = z.strictObject({
  format: z.literal('gatehouse.job/1'),
  id: z.string().min(1),
  kind: z.enum(JOB_KINDS),
  state: z.enum(JOB_STATES),
  /** Grows with every change of the job: of two messages the higher one counts. */
  revision: z.int().min(0),
  /** The principal who started it. */
  starter: z.string(),
  startedAt: instant,
  endedAt: instant.optional(),
  note: z.string().optional(),
  /** Of a firmware update: SHA-256 of the image. */
  image: z.string().optional(),
  /** Devices that have come to an end, of all. */
  done: z.int().min(0),
  total: z.int().min(1),
  paused: halted.optional(),
  /** No further device is begun. */
  stopping: halted.optional(),
  approvals: z.strictObject({
    needed: z.int().min(0),
    given: z.array(
      z.strictObject({ by: z.string(), verdict: z.enum(['approved', 'refused']), comment: z.string(), at: instant }),
    ),
  }),
  /** How many devices stand in which state. */
  counts: z.partialRecord(z.enum(DEVICE_STATES), z.int().min(1)),
  devices: z.array(
    z.strictObject({
      device: z.string(),
      state: z.enum(DEVICE_STATES),
      tries: z.int().min(0),
      oldVersion: z.string().optional(),
      newVersion: z.string().optional(),
      /** Octets of the image that the device has, of all. */
      octets: z.int().min(0).optional(),
      size: z.int().min(0).optional(),
      /** Why the gate denied it, or why it failed. */
      reason: z.string().optional(),
      why: z.string().optional(),
    }),
  ),
  /** Devices that had no room in this message. */
  omitted: z.int().min(1).optional(),
  at: instant,
});

export type JobProgress = z.output<typeof jobSchema>;
