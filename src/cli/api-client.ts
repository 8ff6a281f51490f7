// The gateway's API as a person on the command line, or a program with a token, speaks it. What is refused ends the command with
// the exit code of a refusal, and everything the gateway said about it.

import type { Command } from 'commander';
import type { ApiProblem } from '../http/schema-shared.ts';
import { type ApiAnswer, type ApiRequest, askGateway, type GatewayPlace, placeOf, readText } from './api-connection.ts';
import { badInput, CommandFault, EXIT, failed, type Terminal } from './exit.ts';

export interface ApiOptions {
  readonly url?: string;
  readonly tokenFile?: string;
  readonly user?: string;
  readonly ca?: string;
  readonly fingerprint?: string;
  readonly json?: boolean;
}

/** What every command takes that speaks to the API. */
export function withApi(command: Command): Command {
  return command
    .option('--url <url>', 'the gateway: `https://gateway.example` (or GATEHOUSE_URL)')
    .option('--token-file <file>', 'an application’s token (or GATEHOUSE_TOKEN_FILE)')
    .option('--user <login>', 'sign in as a person; the password is asked for, or read from standard input')
    .option('--ca <file>', 'PEM of the authority that vouches for the gateway')
    .option('--fingerprint <sha256>', 'of the gateway’s own certificate, instead of an authority')
    .option('--json', 'print JSON');
}

export interface Api {
  /** The parsed answer. Throws a CommandFault for everything but success. */
  ask<T>(
    method: ApiRequest['method'],
    path: string,
    body?: unknown,
    headers?: { readonly [name: string]: string },
  ): Promise<T>;
  /** Octets as they are; the answer whatever it is. */
  send(path: string, octets: Uint8Array, headers: { readonly [name: string]: string }): Promise<ApiAnswer>;
}

/** Runs with the API at hand; a person who was signed in for it is signed out in the end. */
export async function withGateway<T>(
  options: ApiOptions,
  terminal: Terminal,
  work: (api: Api) => Promise<T>,
): Promise<T> {
  const place = placeOf(options);
  const { headers, signOut } = await proofOf(place, options, terminal);
  const call = async (request: ApiRequest): Promise<ApiAnswer> =>
    askGateway(place, { ...request, headers: { ...headers, ...request.headers } });
  const api: Api = {
    async ask<Reply>(method: ApiRequest['method'], path: string, body?: unknown, more = {}) {
      const isJson = body !== undefined;
      const answer = await call({
        method,
        path,
        headers: { accept: 'application/json', ...(isJson && { 'content-type': 'application/json' }), ...more },
        ...(isJson && { body: JSON.stringify(body) }),
      });
      return parsed<Reply>(answer);
    },
    send: (path, octets, more) =>
      call({
        method: 'PUT',
        path,
        headers: { 'content-type': 'application/octet-stream', ...more },
        body: octets,
      }),
  };
  try {
    return await work(api);
  } finally {
    await signOut().catch(() => undefined);
  }
}

interface Proven {
  readonly headers: { readonly [name: string]: string };
  signOut(): Promise<unknown>;
}

async function proofOf(place: GatewayPlace, options: ApiOptions, terminal: Terminal): Promise<Proven> {
  const tokenFile = options.tokenFile ?? (options.user === undefined ? process.env.GATEHOUSE_TOKEN_FILE : undefined);
  if (tokenFile !== undefined) {
    if (options.user !== undefined) throw badInput('got --user and --token-file, expected one of them');
    return { headers: { authorization: `Bearer ${readText(tokenFile).trim()}` }, signOut: async () => undefined };
  }
  const { user } = options;
  if (user === undefined) throw badInput('say who asks: --token-file FILE, or --user LOGIN');
  if (!terminal.secret) throw badInput('there is no way to ask for a password here');
  const password = await terminal.secret(`password of ${user}: `);
  // As the page would: a cookie counts from the gateway's own origin only.
  const { origin } = place.url;
  const answer = await askGateway(place, {
    method: 'POST',
    path: '/api/v1/sign-in',
    headers: { 'content-type': 'application/json', origin },
    body: JSON.stringify({ login: user, password }),
  });
  if (answer.status >= 300) throw faultOf(answer);
  const cookie = (answer.headers['set-cookie'] ?? []).map((each) => each.split(';')[0] ?? '').join('; ');
  const headers = { cookie, origin };
  return { headers, signOut: () => askGateway(place, { method: 'POST', path: '/api/v1/sign-out', headers }) };
}

export function parsed<T>(answer: ApiAnswer): T {
  if (answer.status >= 300) throw faultOf(answer);
  if (answer.text === '') return undefined as T;
  try {
    return JSON.parse(answer.text) as T;
  } catch (error) {
    throw failed('the gateway answered something that is not JSON', error);
  }
}

/** What the gateway said against it, in lines; its kind decides the exit code. */
export function faultOf({ status, text }: ApiAnswer): CommandFault {
  const problem = problemIn(text);
  const lines = [
    problem.detail ?? problem.title ?? `the gateway answered ${status}`,
    ...(problem.errors ?? []).map(({ path, message }) => `  ${path}: ${message}`),
    ...describeDenied(problem.denied ?? []),
    ...(problem.decisionId === undefined ? [] : [`  decision ${problem.decisionId}`]),
  ];
  return new CommandFault(exitOf(status), lines.join('\n'));
}

function exitOf(status: number): CommandFault['exitCode'] {
  if (status === 401 || status === 403) return EXIT.denied;
  if (status === 409 || status === 429 || status >= 500) return EXIT.failed;
  return EXIT.badInput;
}

function problemIn(text: string): Partial<ApiProblem> {
  try {
    return JSON.parse(text) as Partial<ApiProblem>;
  } catch {
    return {};
  }
}

/** One line for each device or point, with whom to ask. */
export function describeDenied(rows: NonNullable<ApiProblem['denied']>): string[] {
  return rows.map(({ device, point, location, reason, needed, rule, askWhom }) => {
    const where = point ?? device ?? location ?? 'what you asked';
    const why = [reason, needed && `needs ${needed}`, rule].filter((part) => part !== undefined && part !== '');
    const people = (askWhom?.people ?? []).map(({ name }) => name).join(', ');
    return `  ${where}: ${why.join(', ')}${people === '' ? '' : `; ask ${people}`}`;
  });
}
