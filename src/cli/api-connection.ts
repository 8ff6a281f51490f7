// One request to a gateway's API. Invariants: 1. nothing is sent before the other end proved who it is: by an authority, or by the
// very certificate that was named; 2. a token goes to that gateway alone: no redirect is followed.

import { readFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { isIP } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import { badInput, failed } from './exit.ts';

const CONNECT_MS = 10_000;
const ANSWER_MS = 120_000;
const MOST_ANSWER_BYTES = 67_108_864;

export interface GatewayPlace {
  readonly url: URL;
  /** PEM of the authorities that count; absent: those of the system. */
  readonly ca?: string;
  /** SHA-256 of the gateway's own certificate, lower-case hex: then that counts, and no authority. */
  readonly fingerprint?: string;
}

export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly headers?: { readonly [name: string]: string };
  readonly body?: string | Uint8Array;
}

export interface ApiAnswer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
}

/** Throws bad input where what was given cannot be one. */
export function placeOf(given: {
  readonly url?: string;
  readonly ca?: string;
  readonly fingerprint?: string;
}): GatewayPlace {
  const text = given.url ?? process.env.GATEHOUSE_URL;
  if (text === undefined) throw badInput('name the gateway: --url https://gateway.example, or GATEHOUSE_URL');
  if (!URL.canParse(text) || new URL(text).protocol !== 'https:') {
    throw badInput(`got --url \`${text}\`, expected one such as \`https://gateway.example\``);
  }
  const fingerprint = given.fingerprint?.replaceAll(':', '').toLowerCase();
  if (fingerprint !== undefined && !/^[0-9a-f]{64}$/.test(fingerprint)) {
    throw badInput(`got --fingerprint \`${given.fingerprint}\`, expected a SHA-256 of 64 hex digits`);
  }
  return {
    url: new URL(text),
    ...(given.ca !== undefined && { ca: readText(given.ca) }),
    ...(fingerprint !== undefined && { fingerprint }),
  };
}

export function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw badInput(`could not read \`${file}\`: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Throws a fault that says what to do where the gateway cannot be reached or is not who it should be. */
export async function askGateway(place: GatewayPlace, asked: ApiRequest): Promise<ApiAnswer> {
  const { url } = place;
  try {
    const socket = await openConnection(place);
    return await exchange(socket, url, asked);
  } catch (error) {
    const cause = error as NodeJS.ErrnoException;
    throw failed(`could not reach the gateway at \`${url.origin}\`: ${hintOf(cause)}`, error);
  }
}

function hintOf({ code = '', message }: NodeJS.ErrnoException): string {
  if (code === 'ECONNREFUSED' || code === 'ENOTFOUND' || code === 'ETIMEDOUT')
    return `${message}: is the address right?`;
  if (/CERT|SIGNATURE|ALTNAME|SELF_SIGNED/.test(code)) {
    return `${message}: name its authority with --ca, or its certificate with --fingerprint`;
  }
  return message;
}

function openConnection({ url, ca, fingerprint }: GatewayPlace): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const host = url.hostname.replace(/^\[|\]$/g, '');
    const socket = connect({
      host,
      port: url.port === '' ? 443 : Number(url.port),
      ...(isIP(host) === 0 && { servername: host }),
      ...(ca !== undefined && { ca }),
      ALPNProtocols: ['http/1.1'],
      // The fingerprint is compared below, before anything is sent.
      rejectUnauthorized: fingerprint === undefined,
      timeout: CONNECT_MS,
    });
    const fail = (error: Error): void => {
      socket.destroy();
      reject(error);
    };
    socket.once('error', fail);
    socket.once('timeout', () => fail(new Error(`no connection within ${CONNECT_MS / 1000} s`)));
    socket.once('secureConnect', () => {
      const found = socket.getPeerCertificate().fingerprint256?.replaceAll(':', '').toLowerCase();
      if (fingerprint !== undefined && found !== fingerprint) {
        fail(new Error(`its certificate has fingerprint \`${found}\`, expected \`${fingerprint}\``));
        return;
      }
      socket.setTimeout(0);
      resolve(socket);
    });
  });
}

function exchange(socket: TLSSocket, { host }: URL, asked: ApiRequest): Promise<ApiAnswer> {
  const { method, path, headers = {}, body } = asked;
  return new Promise((resolve, reject) => {
    const call = request(
      {
        createConnection: () => socket,
        method,
        path,
        timeout: ANSWER_MS,
        headers: {
          host,
          connection: 'close',
          'user-agent': 'gatehouse-cli',
          ...(body !== undefined && { 'content-length': String(Buffer.byteLength(body)) }),
          ...headers,
        },
      },
      (response) => {
        const chunks: Buffer[] = [];
        let size = 0;
        response.on('data', (chunk: Buffer) => {
          size += chunk.length;
          if (size > MOST_ANSWER_BYTES) call.destroy(new Error('its answer is too long'));
          else chunks.push(chunk);
        });
        response.on('error', reject);
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          resolve({ status: response.statusCode ?? 500, headers: response.headers, text });
        });
      },
    );
    call.on('timeout', () => call.destroy(new Error(`no answer within ${ANSWER_MS / 1000} s`)));
    call.on('error', reject);
    call.end(body);
  });
}
