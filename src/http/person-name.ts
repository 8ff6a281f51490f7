// What a principal is called: by the policy, else as its identity provider said when it signed in, else by its subject there.

import type { Context } from './context.ts';

export function personName({ options, sessions }: Pick<Context, 'options' | 'sessions'>, principal: string): string {
  const known = options.gate.policy()?.rights.people.get(principal)?.name;
  if (known !== undefined) return known;
  const open = sessions.list().find((session) => session.principal === principal);
  return open?.name ?? principal.slice(principal.indexOf('#') + 1);
}
