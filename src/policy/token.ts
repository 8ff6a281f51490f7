// Whether the policy still knows a bearer token: it holds `sha256:<hex>` of each.

import type { Person } from './rights.ts';

/** `name`: the first hex digits of its SHA-256, as records and jobs name it. Only applications have tokens. */
export function hasToken(person: Person | undefined, name: string): boolean {
  if (person?.kind !== 'application' || person.disabled) return false;
  return person.tokens.some((entry) => entry.toLowerCase().startsWith(`sha256:${name}`));
}
