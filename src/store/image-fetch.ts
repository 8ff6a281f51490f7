// Getting an image over HTTPS, from where it was left off. Invariants: 1. the server's certificate is verified; 2. only hosts that the
// site names are asked, and no other is even looked up; every hop of a redirect obeys the same rules as the first; 3. what comes is
// taken only where it goes on at the very octet that is next.

import { type IncomingMessage, request as plainRequest } from 'node:http';
import { request as tlsRequest } from 'node:https';
import { isIP } from 'node:net';
import type { ImageFault } from '../contract/images.ts';
import { fail, ok, type Result } from '../model/result.ts';

const MOST_REDIRECTS = 5;
const IDLE_MS = 30_000;

export interface FetchSettings {
  /** `host`, or `host:port` where it is not 443, as `URL.host` has it; exactly these. Absent: nothing is fetched. */
  readonly hosts?: readonly string[];
  /** PEM of further authorities whose servers are believed; absent: those of the system. */
  readonly ca?: string;
  /** `http:` too, but to a loopback address only. */
  readonly plainLoopback?: boolean;
  /** Without an octet for so long, the attempt is over. Default 30 s. */
  readonly idleMs?: number;
}

interface Coming {
  readonly octets: AsyncIterable<Uint8Array>;
  /** Where they begin: as asked, or 0 where the server begins anew. */
  readonly offset: number;
  /** For the next attempt: that it is the same file. */
  readonly etag?: string;
  /** Nothing more of it is read. */
  drop(): void;
}

interface Hindrance {
  readonly why: string;
  /** Another attempt may do better. */
  readonly passing: boolean;
}

/** Why an image is not fetched from there; `undefined`: it may be. */
export function faultOfUrl(text: string, { hosts = [], plainLoopback = false }: FetchSettings): ImageFault | undefined {
  const unreachable = (why: string): ImageFault => ({ code: 'image-unreachable', text: why });
  if (!URL.canParse(text)) return unreachable('got no URL, expected one such as `https://images.example/ahu.bin`');
  const { username, password, protocol, hostname, host } = new URL(text);
  if (username !== '' || password !== '') return unreachable('got a URL with a password in it, expected none');
  const isPlain = protocol === 'http:' && plainLoopback && isLoopback(hostname);
  if (protocol !== 'https:' && !isPlain) return unreachable(`got \`${protocol}\`, expected \`https:\``);
  if (hosts.includes(host)) return undefined;
  return {
    code: 'image-host-denied',
    text: `got host \`${host}\`, expected one that the site’s configuration names in \`images.hosts\``,
  };
}

function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '');
  return bare === '::1' || (isIP(bare) === 4 && bare.startsWith('127.'));
}

interface FetchOrder {
  readonly url: string;
  readonly from: number;
  /** Of the whole image. */
  readonly size: number;
  readonly etag?: string;
  readonly signal: AbortSignal;
}

/** One attempt, up to where the octets come. Never rejects. */
export async function askForImage(order: FetchOrder, settings: FetchSettings): Promise<Result<Coming, Hindrance>> {
  let { url } = order;
  for (let hop = 0; hop <= MOST_REDIRECTS; hop += 1) {
    const fault = faultOfUrl(url, settings);
    if (fault) return forGood(hop === 0 ? fault.text : `led on to another place: ${fault.text}`);
    let response: IncomingMessage;
    try {
      response = await answerOf(new URL(url), order, settings);
    } catch (error) {
      return fail({ why: error instanceof Error ? error.message : String(error), passing: !order.signal.aborted });
    }
    const { statusCode = 0, headers } = response;
    if (statusCode < 300 || statusCode > 399 || statusCode === 304) return comingOf(response, order);
    response.destroy();
    if (headers.location === undefined || !URL.canParse(headers.location, url)) {
      return forGood(`answered ${statusCode} without saying where to`);
    }
    url = new URL(headers.location, url).href;
  }
  return forGood(`led on more than ${MOST_REDIRECTS} times`);
}

function answerOf(url: URL, order: FetchOrder, settings: FetchSettings): Promise<IncomingMessage> {
  const { from, etag, signal } = order;
  const headers = {
    'accept-encoding': 'identity',
    'user-agent': 'gatehouse',
    ...(from > 0 && { range: `bytes=${from}-` }),
    ...(from > 0 && etag !== undefined && { 'if-range': etag }),
  };
  return new Promise((resolve, reject) => {
    const timeout = settings.idleMs ?? IDLE_MS;
    const common = { method: 'GET', headers, signal, timeout, agent: false } as const;
    const call =
      url.protocol === 'https:'
        ? tlsRequest(url, { ...common, ...(settings.ca !== undefined && { ca: settings.ca }) })
        : plainRequest(url, common);
    let response: IncomingMessage | undefined;
    call.on('timeout', () => (response ?? call).destroy(new Error(`nothing came for ${timeout / 1000} s`)));
    call.on('error', reject);
    call.on('response', (came) => {
      response = came;
      resolve(came);
    });
    call.end();
  });
}

function comingOf(response: IncomingMessage, { from, size }: FetchOrder): Result<Coming, Hindrance> {
  const { statusCode = 0, headers } = response;
  const end = (hindrance: Hindrance): Result<Coming, Hindrance> => {
    response.destroy();
    return fail(hindrance);
  };
  if (statusCode === 408 || statusCode === 429 || statusCode >= 500) {
    return end({ why: `the server answered ${statusCode}`, passing: true });
  }
  if (statusCode !== 200 && statusCode !== 206)
    return end({ why: `the server answered ${statusCode}`, passing: false });
  if ((headers['content-encoding'] ?? 'identity') !== 'identity') {
    return end({ why: `the server sent it encoded as \`${headers['content-encoding']}\``, passing: false });
  }
  const offset = statusCode === 206 ? from : 0;
  const [, first, , total] = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(headers['content-range'] ?? '') ?? [];
  if (statusCode === 206 && Number(first) !== from) {
    return end({ why: `the server went on at octet ${first ?? '?'}, expected ${from}`, passing: false });
  }
  const length = headers['content-length'] === undefined ? undefined : offset + Number(headers['content-length']);
  const whole = total === undefined || total === '*' ? length : Number(total);
  if (whole !== undefined && whole !== size) {
    return end({ why: `the server has ${whole} octets, expected ${size}`, passing: false });
  }
  const { etag } = headers;
  return ok({
    octets: response,
    offset,
    drop: () => void response.destroy(),
    ...(etag !== undefined && !etag.startsWith('W/') && { etag }),
  });
}

const forGood = (why: string) => fail({ why, passing: false });
