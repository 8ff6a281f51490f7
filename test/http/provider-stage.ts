// A real OpenID Connect provider on loopback. Whoever comes says who they are: a program by the header `x-person`, a browser in a
// form; both agree to everything.

import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Provider } from 'oidc-provider';

const CLAIMS: { readonly [subject: string]: object } = {
  gina: { name: 'Gina Guest' },
  egon: { name: 'Egon', groups: ['Engineers', 'engineers', 'Unknown'] },
  rita: { name: 'Rita', role: 'Operator', groups: 'Engineers' },
  otto: { name: 'Otto', role: 'operator' },
};

export interface ProviderStage {
  readonly issuer: string;
  /** People begin to be sent back to this address. */
  serve(redirect: string): void;
  stop(): void;
}

export async function startProvider(): Promise<ProviderStage> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const bound = server.address();
  const issuer = `http://127.0.0.1:${typeof bound === 'object' && bound ? bound.port : 0}`;
  return {
    issuer,
    serve(redirect) {
      server.on('request', answerer(issuer, redirect));
    },
    stop() {
      server.closeAllConnections();
      server.close();
    },
  };
}

function answerer(issuer: string, redirect: string): (request: IncomingMessage, response: ServerResponse) => void {
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: 'gatehouse',
        redirect_uris: [redirect],
        token_endpoint_auth_method: 'none',
        response_types: ['code'],
        grant_types: ['authorization_code'],
      },
    ],
    pkce: { required: () => true },
    claims: { openid: ['sub'], profile: ['name', 'groups', 'role'] },
    conformIdTokenClaims: false,
    features: { devInteractions: { enabled: false } },
    cookies: { keys: ['a-key-of-this-test'] },
    interactions: { url: (_context: unknown, { uid }: { uid: string }) => `/interaction/${uid}` },
    findAccount: (_context: unknown, subject: string) => ({
      accountId: subject,
      claims: () => ({ sub: subject, ...CLAIMS[subject] }),
    }),
  });
  const callback = provider.callback();

  async function interact(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { prompt, params, session } = await provider.interactionDetails(request, response);
    const typed = new URL(request.url ?? '/', issuer).searchParams.get('person');
    const accountId = session?.accountId ?? request.headers['x-person'] ?? typed;
    if (typeof accountId !== 'string') {
      response.writeHead(200, { 'content-type': 'text/html' });
      response.end(
        '<!doctype html><title>Provider</title><form><label>Who <input name=person></label><button>Go</button></form>',
      );
      return;
    }
    if (prompt.name === 'login') {
      await provider.interactionFinished(request, response, { login: { accountId } });
      return;
    }
    const grant = new provider.Grant({ accountId, clientId: String(params.client_id) });
    grant.addOIDCScope('openid profile');
    await provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } });
  }

  return (request, response) => {
    if (request.url?.startsWith('/interaction/')) void interact(request, response);
    else void callback(request, response);
  };
}
