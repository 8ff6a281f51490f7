// The other side of a conversation, and what a conversation about a confirmed request can come to.

import type { ConfirmedRequest } from './apci.ts';
import type { Endpoint, Npdu, Route } from './framing.ts';

/** Where a message comes from or goes to: a B/IP address, and behind a router the station's own network and MAC. */
export interface Peer {
  readonly endpoint: Endpoint;
  readonly route?: Route;
  /** Network priority of what is sent there, 0 to 3. Default 0. */
  readonly priority?: number;
}

/** How a confirmed request ended. */
export type Outcome =
  | { readonly kind: 'simple-ack' }
  | { readonly kind: 'complex-ack'; readonly payload: Buffer }
  | { readonly kind: 'error'; readonly payload: Buffer }
  | { readonly kind: 'reject'; readonly reason: number }
  | { readonly kind: 'abort'; readonly reason: number };

/** A confirmed request, whole. `header` is that of its only or last segment. */
export interface ArrivedRequest {
  readonly peer: Peer;
  readonly header: ConfirmedRequest;
  readonly payload: Buffer;
}

export interface RequestOptions {
  /** The largest APDU the other side takes. Default: what this station takes itself. */
  readonly peerMaxApdu?: number;
  readonly invokeId?: number;
  readonly timeoutMs?: number;
  readonly retries?: number;
}

/** What a station tells whoever stands on it. */
export interface StationHandlers {
  /** Every datagram, in either direction, before anything is made of it. */
  datagram?(bytes: Buffer, other: Endpoint | 'broadcast', direction: 'in' | 'out'): void;
  confirmed?(request: ArrivedRequest): void;
  unconfirmed?(service: number, payload: Buffer, peer: Peer, broadcast: boolean): void;
  networkMessage?(npdu: Npdu, peer: Peer): void;
  /** A BVLL message that carries no NPDU. */
  control?(bvlcFunction: number, payload: Buffer, from: Endpoint): void;
}

/** Tells conversations apart: address, route and invoke id. */
export function keyOf(peer: Peer, invokeId: number): string {
  return `${nameOf(peer)}#${invokeId}`;
}

/** `127.0.0.2:47808`, behind a router with `/2:0a` for network and MAC. */
export function nameOf(peer: Peer): string {
  const route = peer.route === undefined ? '' : `/${peer.route.network}:${peer.route.mac.toString('hex')}`;
  return `${peer.endpoint.host}:${peer.endpoint.port}${route}`;
}
