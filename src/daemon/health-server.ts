// `/livez`, `/readyz` and `/metrics` on a local port, for supervisors and Prometheus. Tells states and counts, never names.

import { createServer } from 'node:http';
import { StartFault } from '../contract/driver.ts';

export interface HealthSource {
  /** Empty = ready. */
  notReady(): readonly string[];
  /** Name → value; names end in `_total` for counters. Labels are part of the name, Prometheus style. */
  metrics(): ReadonlyMap<string, number>;
}

interface HealthServer {
  readonly port: number;
  close(): Promise<void>;
}

export async function startHealthServer(
  options: { readonly address: string; readonly port: number },
  source: HealthSource,
): Promise<HealthServer> {
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
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? 'the port is in use' : error.message;
      reject(
        new StartFault('health-port', `cannot listen on \`${options.address}:${options.port}\` (health): ${why}`, {
          cause: error,
        }),
      );
    });
    server.listen(options.port, options.address, resolve);
  });
  const bound = server.address();
  return {
    port: typeof bound === 'object' && bound ? bound.port : options.port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
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
