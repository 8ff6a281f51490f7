// What several routes speak of: ids, values, pages of a list, problems. Times are ms since 1970 everywhere.

import { z } from 'zod';
import { REASONS, type ReasonCode } from '../contract/reasons.ts';

export const idText = z.string().min(1).max(256);
export const moment = z.int().describe('ms since 1970-01-01T00:00:00Z');

/** As in the record: 64-bit integers and what JSON numbers cannot say are wrapped. */
export const valueSchema = z
  .union(
    [
      z.number(),
      z.boolean(),
      z.string().max(1024),
      z.null(),
      z.strictObject({ integer: z.string().regex(/^-?\d{1,20}$/, { error: 'a whole number as text' }) }),
      z.strictObject({ float: z.enum(['NaN', 'Infinity', '-Infinity']) }),
    ],
    { error: 'expected a number, true, false, null, a text of at most 1024 characters, {integer} or {float}' },
  )
  .meta({ id: 'Value', description: 'An engineering value; null is BACnet NULL (release)' });
export type ApiValue = z.output<typeof valueSchema>;

/** A sentence by its code, for who says it in another language; what a part of it says may be a sentence itself. */
export interface ApiReason {
  readonly code: ReasonCode;
  readonly data: { readonly [name: string]: string | ApiReason };
}
export const reasonSchema: z.ZodType<ApiReason> = z
  .object({
    code: z.enum(Object.keys(REASONS) as [ReasonCode, ...ReasonCode[]]),
    get data() {
      return z.record(z.string(), z.union([z.string(), reasonSchema]));
    },
  })
  .meta({
    id: 'Reason',
    description: 'the sentence beside it by its code; absent beside a device’s or a person’s own words',
  });

const askWhomSchema = z
  .object({
    people: z.array(z.object({ id: z.string(), name: z.string() })),
    count: z.int(),
    withheld: z.boolean().describe('somebody could, but names are not shown to you'),
  })
  .meta({ id: 'AskWhom' });

export const deniedSchema = z
  .object({
    device: z.string().optional(),
    point: z.string().optional(),
    location: z.string().optional(),
    reason: z.string().describe('why, from the closed list of reasons'),
    needed: z.string().optional().describe('the action that is missing'),
    rule: z.string().optional().describe('the lock that denied'),
    text: z.string().optional(),
    askWhom: askWhomSchema.optional(),
  })
  .meta({ id: 'Denied' });
export type ApiDenied = z.output<typeof deniedSchema>;

const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string().optional(),
    reason: reasonSchema.optional().describe('of the detail'),
    decisionId: z.string().optional(),
    policyRevision: z.int().optional(),
    denied: z.array(deniedSchema).optional(),
    errors: z.array(z.object({ path: z.string(), message: z.string(), reason: reasonSchema.optional() })).optional(),
    retryAfter: z.int().optional().describe('seconds'),
    holder: z.string().optional(),
  })
  .meta({ id: 'Problem', description: 'RFC 9457' });
export type ApiProblem = z.output<typeof problemSchema>;

export const pageQuery = {
  cursor: z.string().max(400).optional().describe('`next` of the page before'),
  limit: z.coerce.number().int().min(1).max(500).default(100),
};

/** A page of a list; `next` is absent on the last one. */
export const pageOf = <T extends z.ZodType>(item: T) => z.object({ items: z.array(item), next: z.string().optional() });

export const problems = { '4xx': problemSchema, '5xx': problemSchema };
