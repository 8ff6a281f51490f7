// Whom a grant or an access entry is for, read from its `to` text (POLICY.md, The bundle).

export type Recipient =
  | { readonly is: 'user' | 'application' | 'group'; readonly id: string }
  | { readonly is: 'link'; readonly organization: string; readonly role: string }
  | { readonly is: 'anyone' };

/** `to` has passed the schema: one of the five forms. Organization ids have no `/`, so the first one ends the id. */
export function readRecipient(to: string): Recipient {
  const colon = to.indexOf(':');
  const id = to.slice(colon + 1);
  switch (to.slice(0, Math.max(colon, 0))) {
    case 'user':
      return { is: 'user', id };
    case 'application':
      return { is: 'application', id };
    case 'group':
      return { is: 'group', id };
    case 'link': {
      const slash = id.indexOf('/');
      return { is: 'link', organization: id.slice(0, slash), role: id.slice(slash + 1) };
    }
    default:
      return { is: 'anyone' };
  }
}
