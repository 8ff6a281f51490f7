// The form of an order for work on several devices, as a command of the cloud carries it.

import { z } from 'zod';
import { commandValueSchema, overrideMsSchema, prioritySchema, writeSchema } from './write-form.ts';

const MOST_DEVICES = 500;
const MOST_VALUES = 64;

const device = z.string().min(1).max(256);
const devices = z.array(device).min(1).max(MOST_DEVICES);
const instant = z.iso.datetime({ offset: true });
const base = {
  /** Nothing is begun before or after. */
  window: z.strictObject({ from: instant.optional(), until: instant }).optional(),
  note: z.string().max(500).optional(),
};

export const jobOrderSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('firmware'),
    /** SHA-256 of an image that the gateway holds. */
    image: z.string().regex(/^[0-9a-f]{64}$/, 'a SHA-256 in lower-case hex'),
    devices,
    /** The first device alone; so many at a time; no further one once so many percent have failed. */
    rollout: z
      .strictObject({
        canary: z.boolean().default(true),
        atOnce: z.int().min(1).max(32).default(4),
        stopAtFailedPercent: z.int().min(1).max(100).default(20),
      })
      .prefault({}),
    ...base,
  }),
  z.strictObject({
    kind: z.literal('configuration'),
    source: device,
    devices,
    classes: z
      .array(z.enum(['parameter', 'alarm-limit', 'set-point']))
      .min(1)
      .max(3)
      .default(['parameter']),
    ...base,
  }),
  z.strictObject({
    kind: z.literal('alarm-thresholds'),
    devices,
    /** `key`: what follows `DEVICE/` in the id of an `alarm-limit` point, or its name. */
    values: z
      .array(z.strictObject({ key: z.string().min(1).max(256), value: commandValueSchema }))
      .min(1)
      .max(MOST_VALUES),
    ...base,
  }),
  z.strictObject({
    kind: z.literal('batch'),
    writes: z.array(writeSchema).min(1).max(MOST_DEVICES),
    priority: prioritySchema,
    overrideMs: overrideMsSchema,
    ...base,
  }),
]);

export type OrderedJob = z.output<typeof jobOrderSchema>;
