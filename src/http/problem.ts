// What the API answers instead of a result (RFC 9457). Invariant: an id that nobody has and one that the asker may not see
// give the same answer, octet for octet.

import type { ApiDenied, ApiProblem } from './schema-shared.ts';

/** Thrown by a route; caught once, by the error handler of the server. */
export class Problem extends Error {
  readonly body: ApiProblem;
  readonly headers: { readonly [name: string]: string };

  constructor(body: Omit<ApiProblem, 'type'>, headers: { readonly [name: string]: string } = {}) {
    super(body.detail ?? body.title);
    this.body = { type: `https://gatehouse.invalid/problems/${slugOf(body.title)}`, ...body };
    this.headers = headers;
  }
}

const slugOf = (title: string): string => title.replace(/[^a-z]+/g, '-');

export const notSignedIn = (detail = 'sign in first'): Problem =>
  new Problem({ title: 'not signed in', status: 401, detail }, { 'www-authenticate': 'Bearer realm="gatehouse"' });

/** The same for what does not exist and for what the asker may not see. */
export const notFound = (what = 'thing'): Problem =>
  new Problem({ title: 'not found', status: 404, detail: `there is no such ${what}, or you may not see it` });

export const notPermitted = (needed: string, revision: number | undefined): Problem =>
  new Problem({
    title: 'not permitted',
    status: 403,
    detail: `this needs \`${needed}\``,
    denied: [{ reason: 'no-permission', needed }],
    ...(revision !== undefined && { policyRevision: revision }),
  });

export const tooMany = (detail: string, seconds: number): Problem =>
  new Problem(
    { title: 'too many requests', status: 429, detail, retryAfter: seconds },
    { 'retry-after': String(seconds) },
  );

type FieldError = NonNullable<ApiProblem['errors']>[number];

export const invalid = (errors: readonly FieldError[]): Problem =>
  new Problem({
    title: 'invalid request',
    status: 422,
    detail: errors.map(({ path, message }) => `${path}: ${message}`).join('; '),
    errors: [...errors],
  });

export const noPolicy = (): Problem =>
  new Problem({ title: 'no policy', status: 503, detail: 'no policy is in force: nobody is known' });

export const denied = (
  rows: readonly ApiDenied[],
  more: { readonly detail: string; readonly decisionId?: string; readonly policyRevision?: number },
): Problem => new Problem({ title: 'denied', status: 403, ...more, denied: [...rows] });
