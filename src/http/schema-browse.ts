// Locations, devices, points, live values and trends.

import { z } from 'zod';
import { POINT_CLASSES } from '../model/action.ts';
import { deniedSchema, idText, moment, pageQuery, valueSchema } from './schema-shared.ts';

const place = z.object({ id: z.string(), name: z.string() });

export const locationSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    parent: z.string().optional().describe('the nearest location above that you may see'),
    site: z.boolean(),
    devices: z.int().describe('how many you may see, at any depth'),
  })
  .meta({ id: 'Location' });
export type ApiLocation = z.output<typeof locationSchema>;

export const deviceSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    location: place.optional(),
    vendor: z.string().optional(),
    model: z.string().optional(),
    points: z.int().describe('how many you may read'),
    protocol: z.string().optional().describe('absent: it can be talked about, but not reached'),
  })
  .meta({ id: 'Device' });
export type ApiDevice = z.output<typeof deviceSchema>;

const readingSchema = z
  .object({
    value: valueSchema.optional().describe('the last value that was read; absent before the first'),
    at: moment.optional().describe('when it was read'),
    quality: z.enum(['good', 'bad', 'never']).describe('bad: the last attempt failed, the value is an older one'),
    why: z.string().optional(),
  })
  .meta({ id: 'Reading' });
export type ApiReading = z.output<typeof readingSchema>;

export const pointSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    class: z.enum(POINT_CLASSES),
    unit: z.string().optional(),
    step: z.number().optional().describe('of its limits: as many decimals as this has are shown'),
    device: place.optional(),
    reading: readingSchema,
  })
  .meta({ id: 'Point' });
export type ApiPoint = z.output<typeof pointSchema>;

const limitsSchema = z.object({
  min: z.number().optional(),
  max: z.number().optional(),
  step: z.number().optional(),
  values: z.array(valueSchema).optional(),
  rate: z.number().optional(),
});

const slotSchema = z
  .object({
    priority: z.int(),
    meaning: z.string().describe('a word for the page to translate: `manual-operator`'),
    value: valueSchema,
    by: z.string().optional(),
    since: moment.optional(),
  })
  .meta({ id: 'PrioritySlot' });
export type ApiSlot = z.output<typeof slotSchema>;

export const pointDetailSchema = z
  .object({
    ...pointSchema.shape,
    limits: limitsSchema.optional(),
    undo: z.boolean().describe('it may be put back by itself: an override may end'),
    write: z.object({
      action: z.string(),
      permitted: z.boolean().describe('with `approvals`, by a job that others approve; not by a single write'),
      approvals: z.int().describe('how many other persons must approve it; 0: none'),
      denied: z.array(deniedSchema),
      mayEnd: z.boolean().describe('`overrideMs` may be given'),
      usualMs: z.int().optional().describe('how long a write lasts that does not say so; absent: until changed again'),
    }),
    lastChange: z
      .object({
        at: moment,
        by: z.string().optional().describe('absent: names of others are not shown to you'),
        value: valueSchema.optional(),
        outcome: z.string().optional(),
      })
      .optional(),
    slots: z.array(slotSchema).optional().describe('BACnet: the sixteen slots, from priority 1'),
    overrides: z.array(z.string()),
  })
  .meta({ id: 'PointDetail' });
export type ApiPointDetail = z.output<typeof pointDetailSchema>;

export const foundSchema = z
  .object({ kind: z.enum(['location', 'device', 'point']), id: z.string(), name: z.string(), in: place.optional() })
  .meta({ id: 'Found' });
export type ApiFound = z.output<typeof foundSchema>;

export const searchQuery = z.object({
  q: z.string().trim().min(1).max(100),
  limit: z.coerce.number().int().min(1).max(100).default(30),
});

export const devicesQuery = z.object({
  ...pageQuery,
  location: idText.optional(),
  q: z.string().trim().max(100).optional(),
  model: z.string().max(200).optional().describe('exactly this one'),
});
export const pointsQuery = z.object({
  ...pageQuery,
  location: idText.optional(),
  device: idText.optional(),
  class: z.enum(POINT_CLASSES).optional(),
  q: z.string().trim().max(100).optional(),
});

export const trendSchema = z
  .object({
    unit: z.string().optional(),
    stepMs: z.int(),
    samples: z.array(z.object({ at: moment, min: z.number(), max: z.number(), mean: z.number() })),
  })
  .meta({ id: 'Trend', description: 'What the gateway has read within the last day; kept in memory only' });
export type ApiTrend = z.output<typeof trendSchema>;

export const liveQuery = z
  .object({
    points: z
      .string()
      .min(1)
      .max(12_000)
      .transform((text, context) => {
        try {
          return [...new Set(text.split(',').map(decodeURIComponent))];
        } catch {
          context.addIssue({ code: 'custom', message: 'expected ids that are percent-encoded' });
          return z.NEVER;
        }
      })
      .pipe(z.array(idText).min(1).max(256))
      .optional()
      .describe('ids of points, each percent-encoded, separated by commas; at most 256'),
    work: z.stringbool().optional().describe('jobs and firmware images as well'),
    job: idText.optional().describe('this job with its devices'),
  })
  .refine(({ points, work, job }) => points !== undefined || work === true || job !== undefined, {
    error: 'name points, a job, or `work=true`',
    path: ['points'],
  });
