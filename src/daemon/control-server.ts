// The daemon's local socket: who may open it is the file's mode (0660, the group `gatehouse`), nothing else.
// Routes are given by the daemon; this file owns the socket, the bounds and the JSON.

import { chmodSync, existsSync, lstatSync, mkdirSync, unlinkSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { StartFault } from '../contract/driver.ts';
import type { Log } from '../contract/log.ts';

const MAX_BODY_BYTES = 262_144;
/** Of a unix socket's path; a longer one is cut off without a word. */
const MAX_PATH_BYTES = 107;

/** Ends a control request with a status and a message for a person. */
export class ControlFault extends Error {
  readonly status: 400 | 403 | 404 | 409 | 503;
  constructor(status: ControlFault['status'], message: string) {
    super(message);
    this.status = status;
  }
}

/** `path` is matched whole; a last segment `:id` matches anything and is handed on. */
export interface ControlRoute {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  run(body: unknown, id: string): unknown;
}

interface ControlServer {
  close(): Promise<void>;
}

/** Throws a StartFault where another daemon answers on the socket; a dead socket's file is replaced. */
export async function startControlServer(
  socketPath: string,
  routes: readonly ControlRoute[],
  log: Log,
): Promise<ControlServer> {
  const pathBytes = Buffer.byteLength(socketPath);
  if (pathBytes > MAX_PATH_BYTES) {
    const text = `got a path of ${pathBytes} bytes, \`${socketPath}\`, expected at most ${MAX_PATH_BYTES} bytes (\`control.socket\`)`;
    throw new StartFault('control-socket', text);
  }
  if (existsSync(socketPath)) {
    if (await answers(socketPath)) {
      throw new StartFault('control-socket-in-use', `another gateway answers on \`${socketPath}\`; stop it first`);
    }
    if (!lstatSync(socketPath).isSocket()) {
      throw new StartFault('control-socket', `\`${socketPath}\` is no socket: it is left alone (\`control.socket\`)`);
    }
    unlinkSync(socketPath);
  }
  mkdirSync(dirname(socketPath), { recursive: true });
  const server = createServer((request, response) => void serve(request, response, routes, log));
  server.requestTimeout = 10_000;
  server.maxConnections = 32;
  await listen(server, socketPath);
  chmodSync(socketPath, 0o660);
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function answers(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(socketPath);
    probe.on('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.on('error', () => resolve(false));
  });
}

function listen(server: Server, socketPath: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) =>
      reject(
        new StartFault('control-socket', `cannot listen on \`${socketPath}\`: ${error.message}`, { cause: error }),
      ),
    );
    server.listen(socketPath, resolve);
  });
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  routes: readonly ControlRoute[],
  log: Log,
): Promise<void> {
  try {
    const path = (request.url ?? '/').split('?')[0] ?? '/';
    const { route, id } = find(routes, request.method ?? 'GET', path);
    const body = request.method === 'POST' ? await readBody(request) : undefined;
    send(response, 200, (await route.run(body, id)) ?? {});
  } catch (error) {
    if (error instanceof ControlFault) return send(response, error.status, { error: error.message });
    const message = error instanceof Error ? error.message : String(error);
    log.write('error', 'control.fault', { message }, `the control socket failed: ${message}`);
    send(response, 500, { error: message });
  }
}

function find(routes: readonly ControlRoute[], method: string, path: string): { route: ControlRoute; id: string } {
  for (const route of routes) {
    if (route.method !== method) continue;
    if (route.path === path) return { route, id: '' };
    if (route.path.endsWith('/:id')) {
      const prefix = route.path.slice(0, -3);
      if (path.startsWith(prefix) && path.length > prefix.length) {
        return { route, id: decoded(path.slice(prefix.length)) };
      }
    }
  }
  throw new ControlFault(404, `got \`${method} ${path}\`, expected a route of the control socket`);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new ControlFault(400, `got \`${text}\`, expected text that is percent-encoded`);
  }
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) throw new ControlFault(400, `got more than ${MAX_BODY_BYTES} bytes, expected fewer`);
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    throw new ControlFault(400, 'got a body that is not JSON, expected JSON');
  }
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}
