// Cross checks of users and applications: one space of ids, a home that exists, a login or certificate that is one person's.

import type { FaultList } from './fault-list.ts';
import type { BundleDocument } from './schema.ts';

export function checkPeople({ users, applications, organizations }: BundleDocument, list: FaultList): void {
  const homes = new Set(organizations.map(({ id }) => id));
  const taken = new Map<string, string>();
  const proofs = new Map<string, string>();
  const own = (kind: string, proof: string, path: string, owner: string): void => {
    const key = `${kind} ${proof}`;
    const first = proofs.get(key) ?? owner;
    proofs.set(key, first);
    if (first !== owner) list.say(path, `the ${kind} of \`${first}\``, `a ${kind} of its own`);
  };
  for (const [key, people] of [
    ['users', users],
    ['applications', applications],
  ] as const) {
    list.unique(key, people, taken);
    for (const [index, person] of people.entries()) {
      const path = `${key}.${index}`;
      if (!homes.has(person.home)) list.add(`${path}.home`, person.home, 'an organization');
      for (const [place, text] of person.certificates.entries()) {
        own('certificate', text, `${path}.certificates.${place}`, path);
      }
      if ('login' in person && person.login !== undefined) own('login', person.login, `${path}.login`, path);
      if ('tokens' in person) {
        for (const [place, text] of person.tokens.entries()) own('token', text, `${path}.tokens.${place}`, path);
      }
    }
  }
}
