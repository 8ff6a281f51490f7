// For the administrators of a site: record, connections, policy, unknown peers, explanations.

import { z } from 'zod';
import { idText, moment, pageQuery } from './schema-shared.ts';

export const journalQuery = z.object({
  cursor: pageQuery.cursor,
  limit: pageQuery.limit,
  kind: z.enum(['intent', 'outcome', 'refusal', 'session', 'system']).optional(),
  principal: idText.optional(),
  target: idText.optional(),
  decision: z.string().max(100).optional(),
  since: z.coerce.number().int().optional(),
  until: z.coerce.number().int().optional(),
});

export const journalRowSchema = z
  .object({ number: z.int(), hash: z.string(), row: z.looseObject({ kind: z.string(), at: moment }) })
  .meta({ id: 'JournalRow', description: 'A row of the record, as it is uploaded and exported' });
export type ApiJournalRow = z.output<typeof journalRowSchema>;

export const standingSchema = z
  .object({
    gateway: z.string(),
    version: z.string(),
    startedAt: moment,
    now: moment,
    clockSure: z.boolean(),
    ready: z.boolean(),
    remarks: z.array(z.string()),
    policy: z
      .object({
        revision: z.int(),
        mode: z.enum(['enforce', 'observe']),
        observeUntil: moment.optional(),
        expiresAt: moment.optional(),
        devices: z.int(),
        points: z.int(),
      })
      .optional(),
    journal: z.object({ writable: z.boolean(), why: z.string().optional() }),
    cloud: z.string().optional(),
    drivers: z.array(
      z.object({
        name: z.string(),
        listening: z.array(
          z.object({ name: z.string(), address: z.string(), port: z.int(), transport: z.enum(['tcp', 'tls', 'udp']) }),
        ),
        lines: z.array(
          z.object({ name: z.string(), state: z.enum(['up', 'down', 'unused']), why: z.string().optional() }),
        ),
      }),
    ),
    streams: z.int(),
    webSessions: z.int(),
    toolSessions: z.int(),
  })
  .meta({ id: 'Standing' });

export const healthSchema = z.object({
  ready: z.boolean(),
  policyRevision: z.int().optional(),
  mode: z.enum(['enforce', 'observe']).optional(),
  changesExpireAt: moment.optional(),
  /** Loud to everybody: observe mode, an expired policy, a journal that cannot be written. */
  warnings: z.array(z.enum(['observing', 'policy-expired', 'journal-unavailable', 'no-policy', 'clock-unsure'])),
});

export const unknownPeerSchema = z
  .object({ from: z.string(), count: z.int(), first: moment, last: moment, operations: z.array(z.string()) })
  .meta({ id: 'UnknownPeer' });

export const explainBody = z.strictObject({
  principal: idText.nullable().optional().describe('absent: yourself; null: a peer nobody knows'),
  action: z.string().min(1).max(100),
  targets: z.array(idText).max(50),
  channel: z.enum(['local', 'tool', 'tls', 'remote']).default('local'),
  priority: z.int().min(1).max(16).optional(),
});

export const explanationSchema = z
  .object({
    decision: z.enum(['permit', 'deny']),
    policyRevision: z.int(),
    reason: z.string().optional(),
    target: z.string().optional(),
    approvals: z
      .int()
      .min(1)
      .optional()
      .describe('how many other persons must approve what is permitted; absent: none'),
    text: z.string(),
    targets: z.array(
      z.object({
        target: z.string(),
        name: z.string().optional(),
        permitted: z.boolean(),
        reason: z.string().optional(),
        missing: z.string().optional(),
        grant: z.string().optional(),
        locks: z.array(z.object({ id: z.string(), why: z.string(), matches: z.boolean() })),
        checks: z.array(
          z.object({
            action: z.string(),
            grants: z.array(z.object({ grant: z.string(), path: z.string().optional(), came: z.string() })),
          }),
        ),
      }),
    ),
  })
  .meta({ id: 'Explanation' });
