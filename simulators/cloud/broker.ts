// A small MQTT broker (3.1.1) in this process, for the demo and for tests: the gateway meets it as any other broker.

import { createServer, type Socket } from 'node:net';
import { Aedes, type AedesOptions } from 'aedes';
import { freePort } from '../free-port.ts';

export interface RunningBroker {
  readonly url: string;
  readonly port: number;
  /** Ends every connection; what was retained is lost. */
  close(): Promise<void>;
}

/** `port` 0: one that is free, and to which it can come back. `options`: who may connect, publish and subscribe, as aedes takes it. */
export async function startBroker(port = 0, host = '127.0.0.1', options: AedesOptions = {}): Promise<RunningBroker> {
  const bound = port === 0 ? await freePort() : port;
  const aedes = await Aedes.createBroker(options);
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
    aedes.handle(socket);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(bound, host, resolve);
  });
  let closed: Promise<void> | undefined;
  const close = async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise<void>((resolve) => server.close(() => resolve()));
    await new Promise<void>((resolve) => aedes.close(() => resolve()));
  };
  return {
    url: `mqtt://${host}:${bound}`,
    port: bound,
    close() {
      closed ??= close();
      return closed;
    },
  };
}
