// `/livez`, `/readyz` and `/metrics` on a local port, for supervisors and Prometheus. Tells states and counts, never names.

import { createServer } from 'node:http';
import { networkInterfaces } from 'node:os';
import { type Listening, StartFault } from '../contract/driver.ts';
import { AddressMissing } from '../contract/late-opening.ts';

export interface HealthSource {
  /** Empty = ready. */
  notReady(): readonly string[];
  /** Name → value; names end in `_total` for counters. Labels are part of the name, Prometheus style. */
  metrics(): ReadonlyMap<string, number>;
}

interface HealthServer {
  /** Throws an `AddressMissing`, or a `StartFault` `health-port`; then it may be called again. */
  listen(): Promise<Listening>;
  close(): Promise<void>;
}

export function createHealthServer(
  { address, port }: { readonly address: string; readonly port: number },
  source: HealthSource,
): HealthServer {
  const server = createServer((request, response) => {
    const path = (request.url ?? '/').split('?')[0];
    const text = (status: number, body: string): void => {
      response.writeHead(status, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' });
      response.end(body);
    };
    if (request.method !== 'GET') return text(405, 'only GET\n');
    if (path === '/livez') return text(200, 'live\n');
    if (path === '/readyz') {
      const reasons = source.notReady();
      return text(reasons.length === 0 ? 200 : 503, reasons.length === 0 ? 'ready\n' : `${reasons.join('\n')}\n`);
    }
    if (path === '/metrics') return text(200, renderMetrics(source.metrics()));
    return text(404, 'expected /livez, /readyz or /metrics\n');
  });
  server.requestTimeout = 5_000;
  server.maxConnections = 64;
  return {
    async listen() {
      await new Promise<void>((resolve, reject) => {
        const failed = (error: NodeJS.ErrnoException): void => {
          server.removeListener('listening', opened);
          reject(faultOf(error, `${address}:${port}`, address));
        };
        const opened = (): void => {
          server.removeListener('error', failed);
          resolve();
        };
        server.once('error', failed);
        server.once('listening', opened);
        server.listen(port, address);
      });
      const bound = server.address();
      const own = typeof bound === 'object' && bound ? bound.port : port;
      return { name: 'health', address, port: own, transport: 'tcp' };
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function faultOf(error: NodeJS.ErrnoException, place: string, address: string): Error {
  if (error.code === 'EADDRNOTAVAIL') return new AddressMissing('health.address', address, networkInterfaces());
  const why = error.code === 'EADDRINUSE' ? 'the port is in use' : error.message;
  return new StartFault('health-port', `cannot listen on \`${place}\` (health): ${why}`, { cause: error });
}

function renderMetrics(metrics: ReadonlyMap<string, number>): string {
  let text = '';
  let family = '';
  for (const [name, value] of [...metrics].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const base = name.split('{')[0] ?? name;
    if (base !== family) {
      family = base;
      text += `# TYPE ${base} ${base.endsWith('_total') ? 'counter' : 'gauge'}\n`;
    }
    text += `${name} ${value}\n`;
  }
  return text;
}
