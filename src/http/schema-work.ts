// Writing, overrides, tool sessions, asking for a right.

import { z } from 'zod';
import { OVERRIDE_STATES, ROW_STATES } from '../contract/work.ts';
import { deniedSchema, idText, moment, valueSchema } from './schema-shared.ts';

const priority = z.int().min(1).max(16).optional();
const forMs = z
  .int()
  .min(1000)
  .max(30 * 86_400_000);

export const writeBody = z.strictObject({
  value: valueSchema,
  priority,
  overrideMs: forMs.optional().describe('an override: it is put back by itself after so long'),
});

export const rowSchema = z.strictObject({ point: idText, value: valueSchema, priority });
export const checkBody = z.strictObject({ rows: z.array(rowSchema).min(1).max(200) });
export const batchBody = z.strictObject({ rows: z.array(rowSchema).min(1).max(200), overrideMs: forMs.optional() });

export const checkSchema = z
  .object({
    ok: z.boolean(),
    rows: z.array(
      z.object({
        point: z.string(),
        verdict: z.enum(['permitted', 'denied', 'unknown', 'faulty']),
        fault: z.string().optional(),
        denied: z.array(deniedSchema),
      }),
    ),
  })
  .meta({ id: 'Check' });
export type ApiCheck = z.output<typeof checkSchema>;

export const writeResultSchema = z
  .object({
    job: z.string(),
    ok: z.boolean().describe('every row was acknowledged and reads back as wanted'),
    rows: z.array(
      z.object({
        point: z.string(),
        device: z.string().optional(),
        state: z.enum(ROW_STATES),
        decisionId: z.string(),
        wanted: valueSchema,
        old: valueSchema.optional(),
        readBack: valueSchema.optional(),
        why: z.string().optional(),
        override: z.string().optional(),
      }),
    ),
  })
  .meta({ id: 'WriteResult' });
export type ApiWriteResult = z.output<typeof writeResultSchema>;

export const overrideSchema = z
  .object({
    id: z.string(),
    point: z.object({ id: z.string(), name: z.string() }),
    device: z.object({ id: z.string(), name: z.string() }).optional(),
    owner: z.string().optional().describe('absent: names of others are not shown to you'),
    own: z.boolean(),
    origin: z
      .enum(['gateway', 'found'])
      .describe(
        'found: on the device and without an end; `owner` where it came through the gateway; released by writing null',
      ),
    value: valueSchema,
    before: valueSchema.optional(),
    priority: z.int().optional(),
    since: moment.describe('found ones: when it was first seen'),
    until: moment.optional(),
    state: z.enum(OVERRIDE_STATES),
    why: z.string().optional(),
  })
  .meta({ id: 'Override' });
export type ApiOverride = z.output<typeof overrideSchema>;

export const claimBody = z.strictObject({
  address: z.string().min(2).max(64).optional().describe('absent: the address this request comes from'),
  minutes: z.int().min(1).max(1440).default(120),
  devices: z.array(idText).min(1).max(100).optional(),
});

export const toolSessionSchema = z
  .object({
    id: z.string(),
    owner: z.string().optional(),
    own: z.boolean(),
    address: z.string(),
    since: moment,
    until: moment,
    devices: z.array(z.string()).optional(),
    shared: z.boolean().describe('the address proves less here, and the site accepts it'),
    contestedAt: moment.optional().describe('somebody else tried to claim the address'),
  })
  .meta({ id: 'ToolSession' });
export type ApiToolSession = z.output<typeof toolSessionSchema>;

export const claimedSchema = z
  .object({
    session: toolSessionSchema.optional(),
    confirm: z
      .object({ code: z.string(), path: z.string(), address: z.string(), until: moment })
      .optional()
      .describe('to be opened from the typed address before the session begins'),
  })
  .meta({ id: 'Claimed' });
export type ApiClaimed = z.output<typeof claimedSchema>;

export const confirmBody = z.strictObject({ code: z.string().min(8).max(64) });

export const pointAtSchema = z
  .object({
    listeners: z.array(
      z.object({
        driver: z.string(),
        name: z.string(),
        address: z.string(),
        port: z.int(),
        transport: z.enum(['tcp', 'tls', 'udp']),
      }),
    ),
    yourAddress: z.string(),
  })
  .meta({ id: 'PointToolAt' });

export const askBody = z.strictObject({
  decisionId: z.string().max(100).optional(),
  action: z.string().min(1).max(100),
  targets: z.array(idText).min(1).max(50),
  note: z.string().max(500).optional(),
});
