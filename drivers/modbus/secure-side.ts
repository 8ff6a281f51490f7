// Modbus/TCP Security: the TLS side of one listener.

import type { Socket } from 'node:net';
import type { PeerCertificate } from '../../src/contract/gate.ts';
import type { ListenerConfig } from './config.ts';
import type { LineServices } from './link.ts';

export type Handshake =
  | { readonly socket: Socket; readonly certificate: PeerCertificate }
  | { readonly refused: string };

export interface SecureSide {
  shakeHands(socket: Socket, done: (outcome: Handshake) => void): void;
  admits(certificate: PeerCertificate): boolean;
  onRevoked(listener: () => void): void;
  stop(): void;
}

export function openSecureSide(
  _name: string,
  _tls: NonNullable<ListenerConfig['tls']>,
  _services: LineServices,
): SecureSide {
  throw new Error('not yet');
}
