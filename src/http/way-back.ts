// The last step of a sign-in at an identity provider, taken by a page of our own: a redirect from elsewhere would not carry the
// strict cookie. Invariant: it leads to this gateway's page and nowhere else; what went wrong is a word of a closed list.

import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import type { App } from './context.ts';
import { Problem } from './problem.ts';
import type { WayBack } from './schema-sign-in.ts';

export const sendBack = (reply: FastifyReply, path = '/'): FastifyReply =>
  reply
    .type('text/html; charset=utf-8')
    .serializer(String)
    .send(
      `<!doctype html><meta http-equiv="refresh" content="0;url=${path}"><title>Gatehouse</title><a href="${path}">Gatehouse</a>`,
    );

/** A browser comes back to the page, which says why; a program is told as everywhere. */
export function toldOnPage(app: App) {
  return (error: FastifyError, request: FastifyRequest, reply: FastifyReply): void => {
    if (!(error instanceof Problem) || !/\btext\/html\b/.test(request.headers.accept ?? '')) {
      app.errorHandler(error, request, reply);
      return;
    }
    sendBack(reply.code(error.body.status), `/#/sign-in/${whyOf(error)}`);
  };
}

function whyOf({ body }: Problem): WayBack {
  if (body.denied?.some(({ reason }) => reason === 'no-sign-in')) return 'no-role';
  if (body.title === 'locked') return 'locked';
  return body.status === 503 ? 'no-policy' : 'provider';
}
