// The socket side that Modbus/TCP hosts and RTU-over-TCP lines share: listen, count, record, close.

import { createServer, type Server, type Socket } from 'node:net';
import type { Conversation } from './conversation.ts';

export interface ListenOptions {
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Default 0: chosen by the system. */
  readonly port?: number;
}

interface Listener {
  readonly host: string;
  readonly port: number;
  /** Ends open connections and waits until the port is free. */
  stop(): Promise<void>;
  /** Ends open connections; new ones are accepted. */
  dropConnections(): void;
}

/** What a transport does with one connection. */
export interface ConnectionHandler {
  readonly data: (chunk: Buffer) => void;
  readonly end: () => void;
}

/** Listens, and hands every connection to `accept`. Fails as `net.Server` does where the port is in use. */
export async function listen(
  options: ListenOptions,
  conversation: Conversation,
  accept: (socket: Socket, peer: string) => ConnectionHandler,
): Promise<Listener> {
  const host = options.host ?? '127.0.0.1';
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    const peer = `${socket.remoteAddress ?? 'unknown'}:${socket.remotePort ?? 0}`;
    sockets.add(socket);
    conversation.connected();
    const handler = accept(socket, peer);
    socket.on('data', (chunk: Buffer) => {
      conversation.add(peer, 'in', chunk);
      handler.data(chunk);
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      sockets.delete(socket);
      handler.end();
    });
  });
  await opened(server, host, options.port ?? 0);
  const address = server.address();
  const dropConnections = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    host,
    port: typeof address === 'object' && address !== null ? address.port : 0,
    dropConnections,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        dropConnections();
      }),
  };
}

function opened(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => {
      server.removeListener('error', reject);
      resolve();
    });
  });
}
