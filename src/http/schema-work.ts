// Writing, overrides, tool sessions, asking for a right.

import { z } from 'zod';
import { OVERRIDE_STATES, ROW_STATES, USUAL_OVERRIDE_MS } from '../contract/work.ts';
import { deniedSchema, idText, moment, reasonSchema, valueSchema } from './schema-shared.ts';

const level = z.int().min(1).max(16);
const priority = level.optional().describe('BACnet: which command slot; absent: 16. Modbus has none');
const span = z
  .int()
  .min(1000)
  .max(30 * 86_400_000)
  .nullable()
  .optional();
const BY_DEFAULT = `absent: set points and commands that can be put back are put back after ${USUAL_OVERRIDE_MS / 3_600_000} h, \
all else stays. null: it stays until changed again. \
What is put back is what the slot held before (BACnet: the same priority, NULL where it was empty; Modbus: the registers), \
and only while it still holds what was written. A command that the inventory does not let be put back has an end in a \
command slot only. value null (release) has none`;

export const writeBody = z.strictObject({
  value: valueSchema,
  priority,
  overrideMs: span.describe(`how long it lasts, in ms; ${BY_DEFAULT}`),
});

export const rowSchema = z.strictObject({
  point: idText,
  value: valueSchema,
  priority,
  overrideMs: span.describe('how long this row lasts, in ms, or null; absent: as said of the whole batch'),
});
export const batchBody = z.strictObject({
  rows: z.array(rowSchema).min(1).max(200),
  priority: level.optional().describe('of every row that names none, where its protocol has priorities'),
  overrideMs: span.describe(`how long every row lasts that does not say so itself, in ms; ${BY_DEFAULT}`),
});

export const checkSchema = z
  .object({
    ok: z.boolean().describe('every row is permitted'),
    approvals: z
      .int()
      .describe('how many others have to approve; above 0, and nothing else stands against it: order it as a job'),
    rows: z.array(
      z.object({
        point: z.string(),
        verdict: z
          .enum(['permitted', 'needs-approval', 'denied', 'unknown', 'faulty'])
          .describe('needs-approval: permitted to you once others have approved'),
        fault: z.string().optional(),
        reason: reasonSchema.optional().describe('of the fault'),
        field: z.enum(['point', 'value', 'priority', 'overrideMs']).optional().describe('what of the row is faulty'),
        lastsMs: z.int().optional().describe('how long it would last; absent: until changed again'),
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
        reason: reasonSchema.optional(),
        override: z.string().optional().describe('the entry of the ledger; absent: it stays until changed again'),
        until: moment.optional().describe('when it is put back by itself'),
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
    before: valueSchema.optional().describe('what it goes back to'),
    unit: z.string().optional(),
    step: z.number().optional().describe('of the point’s limits'),
    priority: z.int().optional(),
    since: moment.describe('found ones: when it was first seen'),
    until: moment.optional(),
    state: z.enum(OVERRIDE_STATES),
    why: z.string().optional(),
    reason: reasonSchema.optional(),
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
