// Asking the gateway. Invariants: 1. the page speaks to this origin alone; 2. every write carries an idempotency key, so that
// a repeat after a lost answer is never a second change; 3. an answer of 401 ends the session here, too.

import type { ApiProblem } from '../http/schema-shared.ts';

/** A refusal or a fault, as the gateway told it (RFC 9457). Status 0: the gateway was not reached. */
export class ApiFault extends Error {
  readonly problem: ApiProblem;

  constructor(problem: ApiProblem) {
    super(problem.detail ?? problem.title);
    this.problem = problem;
  }
}

let onSignedOut: () => void = () => {};
let onReach: (reached: boolean) => void = () => {};

export function hearOfSession(signedOut: () => void, reach: (reached: boolean) => void): void {
  onSignedOut = signedOut;
  onReach = reach;
}

interface AskOptions {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly body?: unknown;
  readonly signal?: AbortSignal;
  /** Carries a write safely over a lost answer. */
  readonly key?: string;
  /** A piece of a file, from this octet on. */
  readonly piece?: { readonly octets: Blob; readonly offset: number };
}

/** @throws ApiFault for everything that is not 2xx */
export async function ask<T>(path: string, { method = 'GET', body, signal, key, piece }: AskOptions = {}): Promise<T> {
  let response: Response;
  try {
    response = await fetch(`/api/v1/${path}`, {
      method,
      credentials: 'same-origin',
      cache: 'no-store',
      headers: {
        accept: 'application/json, application/problem+json',
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(key !== undefined && { 'idempotency-key': key }),
        ...(piece && { 'content-type': 'application/octet-stream', 'upload-offset': String(piece.offset) }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      ...(piece && { body: piece.octets }),
      ...(signal && { signal }),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    onReach(false);
    throw new ApiFault({ type: 'about:blank', title: 'not reached', status: 0 });
  }
  onReach(true);
  if (response.ok) return (response.status === 204 ? undefined : await response.json()) as T;
  const problem = await problemOf(response);
  if (response.status === 401 && path !== 'sign-in') onSignedOut();
  throw new ApiFault(problem);
}

async function problemOf(response: Response): Promise<ApiProblem> {
  try {
    return (await response.json()) as ApiProblem;
  } catch {
    return { type: 'about:blank', title: response.statusText, status: response.status };
  }
}

/** `?a=1&b=2` without what is undefined or empty. */
export function query(values: { readonly [key: string]: string | number | undefined }): string {
  const given = Object.entries(values).filter(([, value]) => value !== undefined && value !== '');
  const text = new URLSearchParams(given.map(([key, value]) => [key, String(value)])).toString();
  return text === '' ? '' : `?${text}`;
}

export const newKey = (): string => crypto.randomUUID();
export const seg = encodeURIComponent;

export interface Page<T> {
  readonly items: readonly T[];
  readonly next?: string;
}
