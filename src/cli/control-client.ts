// Asks the running daemon over its local socket. A daemon that is not there is said plainly, with what to do.

import { request } from 'node:http';
import type { ControlError } from '../daemon/control-api.ts';
import { badInput, CommandFault, EXIT, failed } from './exit.ts';

export const DEFAULT_SOCKET = '/run/gatehouse/control.sock';

/** Sends one request and gives the parsed body. Throws a CommandFault for every other end. */
export function askDaemon<T>(
  socketPath: string,
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  body?: unknown,
  timeoutMs = 10_000,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const payload = body === undefined ? undefined : JSON.stringify(body);
    const call = request(
      {
        socketPath,
        method,
        path,
        timeout: timeoutMs,
        headers: payload ? { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) } : {},
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          const status = response.statusCode ?? 500;
          try {
            const reply = text === '' ? undefined : JSON.parse(text);
            if (status < 300) resolve(reply as T);
            else reject(faultOf(status, (reply as ControlError | undefined)?.error ?? `status ${status}`));
          } catch (error) {
            reject(failed(`the daemon at \`${socketPath}\` answered something that is not JSON`, error));
          }
        });
      },
    );
    call.on('timeout', () => call.destroy(new Error(`no answer within ${timeoutMs / 1000} s`)));
    call.on('error', (error: NodeJS.ErrnoException) => {
      const hint =
        error.code === 'ENOENT' || error.code === 'ECONNREFUSED'
          ? 'is the gateway running? name its socket with --socket or its configuration with --config'
          : error.code === 'EACCES'
            ? 'this account may not use it: join the group `gatehouse` or use sudo'
            : error.message;
      reject(failed(`could not reach the gateway at \`${socketPath}\`: ${hint}`, error));
    });
    call.end(payload);
  });
}

function faultOf(status: number, message: string): CommandFault {
  if (status === 403 || status === 409) return new CommandFault(EXIT.denied, message);
  return status < 500 ? badInput(message) : failed(message);
}
