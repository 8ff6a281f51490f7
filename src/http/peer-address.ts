// The other end of a request, as the socket says it: never what a header claims.

import { isIP } from 'node:net';
import type { FastifyRequest } from 'fastify';

/** An IPv4 address that came over an IPv6 socket is an IPv4 address. */
export function plainAddress(text: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(text);
  return (mapped?.[1] ?? text).toLowerCase();
}

export function peerOf({ socket }: Pick<FastifyRequest, 'socket'>): string {
  return plainAddress(socket.remoteAddress ?? '0.0.0.0');
}

export function originOf({ socket }: Pick<FastifyRequest, 'socket'>): string {
  const address = peerOf({ socket });
  const port = socket.remotePort ?? 0;
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

export const isAddress = (text: string): boolean => isIP(text) !== 0;
