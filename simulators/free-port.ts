// A port for what must listen on one known beforehand, or come back on the one it had.

import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below what systems give out by themselves (32768 on Linux, 49152 by RFC 6335): no listener on port 0 and no outgoing
 * connection takes it between two uses. */
const FIRST = 10_000;
const END = 32_000;

/** A TCP port of 127.0.0.1 that nobody listens on. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(FIRST, END);
    const server = createServer().listen(port, '127.0.0.1');
    const free = await once(server, 'listening').then(
      () => true,
      (error: NodeJS.ErrnoException) => {
        if (error.code === 'EADDRINUSE') return false;
        throw error;
      },
    );
    if (!free) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
}
