// Work on several devices, as the API speaks of it. Times are ms since 1970, ids are those of the policy.
//
// GET    /api/v1/images                      → page of Image                    who may `firmware.update` somewhere, as below
// POST   /api/v1/images                      manifestBody → 201 Image           the manifest is a compact JWS
// GET    /api/v1/images/{id}                 → Image
// PUT    /api/v1/images/{id}/content         octets, header `upload-offset` (= `received`) → Image; goes on where it stopped
// POST   /api/v1/images/{id}/fetch           fetchBody → 202 Image              over HTTPS, by the gateway itself
// DELETE /api/v1/images/{id}                 → 204; who added it, or `admin.manage`; 409 while a job uses it
// POST   /api/v1/jobs/check                  orderBody → JobCheck               nothing is sent or recorded
// POST   /api/v1/jobs                        orderBody, `idempotency-key` → 201 Job · 403 denied[] · 409 errors[] (cannot be done) · 422
// GET    /api/v1/jobs                        jobsQuery → page of JobSummary, the newest first
// GET    /api/v1/jobs/{id}                   → Job; what is not yours to see does not exist
// POST   /api/v1/jobs/{id}/pause|abort       whyBody → Job; `resume|retry` take no body
// POST   /api/v1/jobs/{id}/approval          approvalBody → Job
// GET    /api/v1/live?work=true&job=ID       events `job` (JobSummary; of the job that is named: Job without rows), `image`
//                                            (Image), `gone` {kind, id}; at most two a second for each job
// GET    /api/v1/moves · POST /api/v1/moves moveBody → 201 Move · POST /api/v1/moves/{id}/withdraw → Move
// GET    /api/v1/transfers → {items: Transfer[]} · POST /api/v1/transfers/{device}/end whyBody → Transfer, as it was
// GET    /api/v1/alarms                      alarmsQuery → Alarms, as the devices report them now
// POST   /api/v1/alarms/acknowledge          acknowledgeBody → Acknowledged

import { z } from 'zod';
import { DEVICE_STATES, JOB_KINDS, JOB_STATES } from '../contract/jobs.ts';
import { ROW_STATES } from '../contract/work.ts';
import { deniedSchema, idText, moment, pageQuery, reasonSchema, valueSchema } from './schema-shared.ts';
import { batchBody, rowSchema } from './schema-work.ts';

const MOST_DEVICES = 500;
const place = z.object({ id: z.string(), name: z.string() });
const person = z.string().optional().describe('absent: names of others are not shown to you');

export const manifestBody = z.strictObject({
  manifest: z.string().min(1).max(16_384).describe('compact JWS, EdDSA, typ `gatehouse.image+jws`'),
});
export const fetchBody = z.strictObject({ url: z.url({ protocol: /^https?$/ }).max(2000) });
export const imageIdText = z.string().regex(/^[0-9a-f]{64}$/, { error: 'a SHA-256 in lower-case hex' });

export const imageSchema = z
  .object({
    id: z.string().describe('SHA-256 of the image'),
    vendor: z.string(),
    model: z.string(),
    version: z.string(),
    minimumVersion: z.string().optional().describe('devices that run an older one refuse it'),
    permitsDowngrade: z.boolean().describe('signed: devices may go back to it from a newer one'),
    notes: z.string().optional(),
    size: z.int().describe('octets'),
    received: z.int().describe('octets; where the upload goes on'),
    state: z.enum(['receiving', 'ready']),
    key: z.string().describe('of the policy’s `keys.images`, that signed it'),
    addedAt: moment,
    addedBy: person,
    own: z.boolean(),
    fetching: z.object({ url: z.string(), why: z.string().optional() }).optional().describe('why: what hinders it'),
  })
  .meta({ id: 'Image' });
export type ApiImage = z.output<typeof imageSchema>;

const devices = z.array(idText).min(1).max(MOST_DEVICES);
const base = {
  window: z
    .strictObject({ from: moment.optional(), until: moment })
    .refine(({ from, until }) => from === undefined || from < until, {
      error: 'ends before it begins',
      path: ['until'],
    })
    .optional()
    .describe('nothing is begun before or after'),
  note: z.string().max(500).optional(),
};
const rolloutSchema = z.strictObject({
  canary: z.boolean().default(true).describe('the first device alone, before the others'),
  atOnce: z.int().min(1).max(32).default(4),
  stopAtFailedPercent: z.int().min(1).max(100).default(20),
});

export const orderBody = z
  .discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('firmware'),
      image: imageIdText,
      devices,
      rollout: rolloutSchema.prefault({}),
      ...base,
    }),
    z.strictObject({
      kind: z.literal('configuration'),
      source: idText,
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
      values: z
        .array(z.strictObject({ key: z.string().min(1).max(256), value: valueSchema }))
        .min(1)
        .max(64)
        .describe('key: what follows `DEVICE/` in the id of an `alarm-limit` point, or its name'),
      ...base,
    }),
    z.strictObject({
      kind: z.literal('batch'),
      ...batchBody.shape,
      rows: z.array(rowSchema).min(1).max(MOST_DEVICES),
      ...base,
    }),
  ])
  .meta({ id: 'JobOrder' });
export type ApiJobOrder = z.input<typeof orderBody>;
export type GivenJobOrder = z.output<typeof orderBody>;

const differenceSchema = z.object({
  point: z.string(),
  wanted: valueSchema,
  now: valueSchema.optional().describe('absent: it could not be read'),
  differs: z.boolean(),
  fault: z.string().optional(),
  reason: reasonSchema.optional().describe('of the fault'),
});

export const jobCheckSchema = z
  .object({
    ok: z.boolean().describe('nothing stands against it'),
    approvals: z.int().describe('how many other persons must approve'),
    faults: z
      .array(z.object({ path: z.string(), message: z.string(), reason: reasonSchema.optional() }))
      .describe('of the order itself: `devices.3`'),
    devices: z.array(
      z.object({
        device: place,
        denied: z.array(deniedSchema),
        fault: z.string().optional().describe('it cannot be done'),
        reason: reasonSchema.optional().describe('of the fault'),
        version: z.string().optional().describe('it runs now, or ran last where only its boot loader runs'),
        remark: z.string().optional().describe('it can be done, but look at this first'),
        rows: z
          .array(differenceSchema)
          .optional()
          .describe('what would be written; points you may not read are left out'),
        unmatched: z
          .array(z.string())
          .optional()
          .describe('of a copy: points of the source without a partner here, which stay as they are; absent: none'),
      }),
    ),
  })
  .meta({ id: 'JobCheck' });
export type ApiJobCheck = z.output<typeof jobCheckSchema>;

/** What may be tried now by who looks; the gate decides then. */
export const JOB_ACTS = ['pause', 'resume', 'abort', 'retry', 'approve'] as const;

const reason = reasonSchema.optional();
const halted = z.object({ by: person, why: z.string(), reason });

export const jobSummarySchema = z
  .object({
    id: z.string(),
    kind: z.enum(JOB_KINDS),
    state: z.enum(JOB_STATES),
    revision: z.int().describe('grows with every change of the job'),
    starter: person,
    own: z.boolean(),
    startedAt: moment,
    endedAt: moment.optional(),
    note: z.string().optional(),
    may: z.array(z.enum(JOB_ACTS)).describe('what you may try; empty: you only look on'),
    paused: halted.optional(),
    stopping: halted.optional().describe('no further device is begun'),
    approvals: z.object({
      needed: z.int(),
      given: z.array(
        z.object({
          by: person,
          own: z.boolean(),
          verdict: z.enum(['approved', 'refused']),
          comment: z.string(),
          at: moment,
        }),
      ),
    }),
    counts: z
      .partialRecord(z.enum(DEVICE_STATES), z.int())
      .describe('how many of the devices you may see stand in which state'),
    octets: z
      .object({ sent: z.int(), total: z.int(), perSecond: z.number() })
      .optional()
      .describe('of those, firmware'),
    image: z
      .object({
        id: z.string(),
        vendor: z.string().optional(),
        model: z.string().optional(),
        version: z.string().optional(),
      })
      .optional(),
  })
  .meta({ id: 'JobSummary' });
export type ApiJobSummary = z.output<typeof jobSummarySchema>;

const jobDeviceSchema = z.object({
  device: place,
  state: z.enum(DEVICE_STATES),
  since: moment,
  deadline: moment.optional().describe('it leaves this state until then; absent: it has ended'),
  tries: z.int(),
  oldVersion: z.string().optional(),
  newVersion: z.string().optional(),
  progress: z.object({ octets: z.int(), total: z.int(), perSecond: z.number() }).optional(),
  rows: z
    .array(
      z.object({
        point: z.string(),
        state: z.enum(ROW_STATES),
        decisionId: z.string(),
        wanted: valueSchema,
        old: valueSchema.optional(),
        readBack: valueSchema.optional(),
        why: z.string().optional(),
        reason,
      }),
    )
    .optional()
    .describe('of points you may read'),
  decisions: z.array(z.string()),
  denied: z.array(deniedSchema),
  why: z.string().optional(),
  reason,
});
export type ApiJobDevice = z.output<typeof jobDeviceSchema>;

export const jobSchema = z
  .object({
    ...jobSummarySchema.shape,
    window: z.object({ from: moment.optional(), until: moment }).optional(),
    rollout: z.object({ canary: z.boolean(), atOnce: z.int(), stopAtFailedPercent: z.int() }).optional(),
    source: place.optional(),
    classes: z.array(z.string()).optional(),
    values: z.array(z.object({ key: z.string(), value: valueSchema })).optional(),
    rows: z
      .array(
        z.object({
          point: place,
          device: place.optional(),
          value: valueSchema,
          unit: z.string().optional(),
          step: z.number().optional().describe('of the point’s limits'),
          priority: z.int().optional(),
          lastsMs: z.int().optional().describe('from the write on; absent: until changed again'),
        }),
      )
      .optional()
      .describe('of a batch: what was ordered, of points you may read'),
    partial: z.boolean().describe('there are devices that you may not see'),
    devices: z.array(jobDeviceSchema),
  })
  .meta({ id: 'Job' });
export type ApiJob = z.output<typeof jobSchema>;

export const jobsQuery = z.object({
  ...pageQuery,
  state: z.enum(JOB_STATES).optional(),
  kind: z.enum(JOB_KINDS).optional(),
  ended: z.stringbool().optional().describe('false: those under way alone'),
});

export const whyBody = z.strictObject({ why: z.string().trim().max(500).default('') }).prefault({});
export const approvalBody = z.strictObject({
  verdict: z.enum(['approved', 'refused']),
  comment: z.string().trim().max(500).default(''),
});

export const moveBody = z.strictObject({
  device: idText,
  to: idText.describe('a location'),
  note: z.string().max(500).optional(),
});
export const moveSchema = z
  .object({
    id: z.string(),
    device: place,
    from: place.optional().describe('where it was when it was asked'),
    to: place,
    state: z.enum(['open', 'fulfilled', 'withdrawn']).describe('fulfilled: a policy in force has it there'),
    requestedAt: moment,
    endedAt: moment.optional(),
    by: person,
    own: z.boolean(),
    note: z.string().optional(),
    why: z.string().optional().describe('of a withdrawn one'),
  })
  .meta({ id: 'Move' });
export type ApiMove = z.output<typeof moveSchema>;
export const movesQuery = z.object({ ...pageQuery, open: z.stringbool().optional() });

export const transferSchema = z
  .object({
    device: place,
    by: z.enum(['tool', 'job']).describe('frames of somebody’s tool, or the steps of a job'),
    job: z.string().optional().describe('absent: a tool’s, or a job that you may not see'),
    holder: person,
    own: z.boolean(),
    since: moment,
    mayEnd: z.boolean(),
  })
  .meta({ id: 'Transfer' });
export type ApiTransfer = z.output<typeof transferSchema>;

const alarmSchema = z
  .object({
    device: place,
    point: place.optional().describe('absent: no point of the inventory, or you may not read it'),
    key: z.string().describe('names it within its device'),
    state: z.string().describe('the standard’s word: `high-limit`; `normal`: gone, and not acknowledged yet'),
    since: moment.optional(),
    acknowledged: z.boolean(),
    mayAcknowledge: z.boolean(),
  })
  .meta({ id: 'Alarm' });
export type ApiAlarm = z.output<typeof alarmSchema>;
export const alarmsSchema = z
  .object({
    items: z.array(alarmSchema),
    next: z.string().optional(),
    unreachable: z.array(z.object({ device: place, why: z.string() })).describe('devices that could not be asked'),
  })
  .meta({ id: 'Alarms' });
export type ApiAlarms = z.output<typeof alarmsSchema>;
export const alarmsQuery = z.object({ ...pageQuery, device: idText.optional(), location: idText.optional() });

export const acknowledgeBody = z.strictObject({ device: idText, key: z.string().min(1).max(512) });
export const acknowledgedSchema = z
  .object({
    state: z.enum(['done', 'refused-by-device', 'unknown', 'stopped', 'not-sent', 'withdrawn']),
    decisionId: z.string(),
    why: z.string().optional(),
  })
  .meta({ id: 'Acknowledged' });
export type ApiAcknowledged = z.output<typeof acknowledgedSchema>;
