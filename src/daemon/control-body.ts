// Bodies of the control socket: checked whole, every fault of one named.

import type { z } from 'zod';
import { ControlFault } from './control-server.ts';

/** Throws a ControlFault 400. */
export function parseBody<T>(schema: z.ZodType<T>, body: unknown): T {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  throw new ControlFault(
    400,
    parsed.error.issues.map((issue) => `${issue.path.join('.') || 'body'}: ${issue.message.toLowerCase()}`).join('; '),
  );
}
