// openssl s_client: a TLS client that nobody here wrote, for bytes over Modbus/TCP Security.

import { spawn } from 'node:child_process';
import { type ProgramResult, run } from './program.ts';

export interface TlsTarget {
  readonly host: string;
  readonly port: number;
  /** PEM files. Without `certificate` the client shows none. */
  readonly ca: string;
  readonly certificate?: string;
  readonly key?: string;
  /** Further options: `-tls1_1`, `-sess_in FILE` for example. */
  readonly options?: readonly string[];
}

function argsOf(target: TlsTarget): string[] {
  const own =
    target.certificate === undefined ? [] : ['-cert', target.certificate, '-key', target.key ?? target.certificate];
  return [
    's_client',
    '-connect',
    `${target.host}:${target.port}`,
    '-CAfile',
    target.ca,
    '-verify_return_error',
    ...own,
    ...(target.options ?? []),
  ];
}

/** Only shakes hands: `stdout` has the session as openssl tells it, `code` is not 0 where the handshake failed. */
export function opensslHandshake(target: TlsTarget): Promise<ProgramResult> {
  return run('openssl', argsOf(target));
}

interface TlsExchange {
  /** What the server sent, as it came. */
  readonly received: Buffer;
  readonly stderr: string;
  /** The server closed the connection, or the handshake failed, before `expected` bytes came. */
  readonly closed: boolean;
}

/** Sends bytes through TLS and reads until `expected` bytes came, the connection ended, or the time (default half a minute) was over. */
export function opensslExchange(
  target: TlsTarget,
  bytes: Uint8Array,
  expected: number,
  timeoutMs = 30_000,
): Promise<TlsExchange> {
  return new Promise((resolve, reject) => {
    const child = spawn('openssl', [...argsOf(target), '-quiet'], { stdio: ['pipe', 'pipe', 'pipe'] });
    const chunks: Buffer[] = [];
    let stderr = '';
    let received = 0;
    let closed = true;
    const end = (): void => {
      closed = false;
      child.kill('SIGKILL');
    };
    const timer = setTimeout(end, timeoutMs);
    child.stdout.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      received += chunk.length;
      if (received >= expected) end();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    child.stdin.on('error', () => undefined);
    child.stdin.write(bytes);
    child.once('error', reject);
    child.once('close', () => {
      clearTimeout(timer);
      resolve({ received: Buffer.concat(chunks), stderr, closed });
    });
  });
}
