// Signing in, who one is, and the sessions of the page.

import { z } from 'zod';
import { idText, moment } from './schema-shared.ts';

/** Why a sign-in at an identity provider led back to the page: `/#/sign-in/no-role`. */
export type WayBack = 'no-role' | 'locked' | 'no-policy' | 'provider';

export const signInBody = z.strictObject({ login: idText, password: z.string().min(1).max(1024) });

export const waysSchema = z.object({
  password: z.boolean(),
  providers: z.array(z.object({ organization: z.string(), name: z.string(), path: z.string() })),
});

export const meSchema = z
  .object({
    principal: z.string(),
    name: z.string(),
    kind: z.enum(['user', 'application', 'provider']),
    organization: z.object({ id: z.string(), name: z.string() }),
    home: z.object({ id: z.string(), name: z.string() }).optional().describe('where the page opens'),
    can: z.array(z.string()).describe('actions held anywhere; what is permitted where, the routes say'),
    session: z.object({ id: z.string(), idleMs: z.int(), until: moment }).optional(),
    policyRevision: z.int(),
  })
  .meta({ id: 'Me' });
export type ApiMe = z.output<typeof meSchema>;

export const webSessionSchema = z
  .object({
    id: z.string(),
    principal: z.string(),
    name: z.string(),
    address: z.string(),
    userAgent: z.string(),
    since: moment,
    lastSeen: moment,
    until: moment,
    own: z.boolean(),
    current: z.boolean(),
  })
  .meta({ id: 'WebSession' });
export type ApiWebSession = z.output<typeof webSessionSchema>;
