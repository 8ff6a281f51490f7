// Outside ─► connections: one listening port, plain or Modbus/TCP Security, and the bounds on who may hold how many.
// 1. A connection over a bound is closed before anything of it is read. 2. Rights that moved are looked at on every open connection.

import { createServer, type Server, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { Listening } from '../../src/contract/driver.ts';
import { StartFault } from '../../src/contract/driver.ts';
import type { Caller, Gate, Peer, PeerCertificate } from '../../src/contract/gate.ts';
import { AddressMissing } from '../../src/contract/late-opening.ts';
import type { DriverName } from '../../src/model/ids.ts';
import type { ListenerConfig } from './config.ts';
import { Connection } from './connection.ts';
import type { Counters } from './counters.ts';
import type { LineServices } from './link.ts';
import type { Road } from './road.ts';
import type { Route } from './routes.ts';
import type { SecureSide } from './secure-side.ts';

interface ListenerServices extends LineServices {
  readonly driver: DriverName;
  readonly gate: Gate;
  readonly road: Road;
  readonly counters: Counters;
  route(unitId: number): Route | undefined;
}

const sweepMs = 1000;
/** How long a frame may stay unfinished: on a network it comes in one piece, or nearly so. */
const halfFrameMs = 10_000;
/** Of all connections, the share that peers nobody knows may hold together: the others must always find a place. */
const strangersShare = 0.75;
/** How long a stop waits for answers, and for clients to take them. */
export const patienceMs = 3000;

export class Listener {
  readonly config: ListenerConfig;
  readonly #services: ListenerServices;
  readonly #secure: SecureSide | undefined;
  readonly #server: Server;
  readonly #connections = new Set<Connection>();
  /** Every accepted socket, those that still shake hands included, with its peer's address. */
  readonly #sockets = new Map<Socket, string>();
  readonly #perPeer = new Map<string, number>();
  #sweep: { cancel(): void } | undefined;

  /** `secure`: the TLS side of a Modbus/TCP Security listener. */
  constructor(config: ListenerConfig, services: ListenerServices, secure: SecureSide | undefined) {
    this.config = config;
    this.#services = services;
    this.#secure = secure;
    this.#server = createServer({ noDelay: true, allowHalfOpen: true, pauseOnConnect: false }, (socket) =>
      this.#accept(socket),
    );
    secure?.onRevoked(() => this.lookAgain());
  }

  /** Throws an `AddressMissing`, or a `StartFault` where the port cannot be had; then it may be called again. */
  async start(): Promise<Listening> {
    const { address, port, name, tls } = this.config;
    const server = this.#server;
    await new Promise<void>((resolve, reject) => {
      const failed = (error: NodeJS.ErrnoException): void => {
        server.removeListener('listening', opened);
        reject(faultOf(error, this.config));
      };
      const opened = (): void => {
        server.removeListener('error', failed);
        server.on('error', (error) =>
          this.#services.log.write(
            'error',
            'listener.fault',
            { listener: name },
            `listener \`${name}\`: ${error.message}`,
          ),
        );
        resolve();
      };
      server.once('error', failed);
      server.once('listening', opened);
      server.listen({ host: address, port });
    });
    const bound = this.#server.address();
    this.#watch();
    const own = typeof bound === 'object' && bound !== null ? bound.port : port;
    return { name, address, port: own, transport: tls === undefined ? 'tcp' : 'tls' };
  }

  /** Ends connections of peers that the gate, or the revocation list, admits no more. */
  lookAgain(): void {
    for (const connection of [...this.#connections]) {
      const { certificate } = connection.remote;
      const isRevoked = certificate !== undefined && this.#secure?.admits(certificate) === false;
      if (isRevoked || !this.#services.gate.admits(connection.remote)) connection.destroy();
    }
  }

  /** Accepts and reads nothing more, lets what was asked be answered for a while, closes every socket. */
  async stop(): Promise<void> {
    this.#sweep?.cancel();
    this.#secure?.stop();
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const connection of [...this.#connections]) connection.finish();
    const deadline = this.#services.timers.after(patienceMs, () => {
      for (const socket of this.#sockets.keys()) socket.destroy();
    });
    await closed;
    deadline.cancel();
  }

  #accept(socket: Socket): void {
    const { counters } = this.#services;
    const address = socket.remoteAddress;
    if (address === undefined) {
      socket.destroy();
      return;
    }
    const held = this.#perPeer.get(address) ?? 0;
    const caller = this.#services.gate.callerOf(this.#peerOf(socket, address));
    if (this.#sockets.size >= this.#placesFor(caller) || held >= this.config.maxConnectionsPerPeer) {
      counters.connections_refused += 1;
      const detail = `\`${held}\` connections of this peer and \`${this.#sockets.size}\` in all, expected fewer`;
      this.#services.gate.refuse(caller, { operation: 'connect', reason: 'rate-limited', detail });
      socket.destroy();
      return;
    }
    counters.connections += 1;
    this.#sockets.set(socket, address);
    this.#perPeer.set(address, held + 1);
    socket.once('close', () => this.#release(socket, address));
    if (this.#secure === undefined) this.#open(socket, this.#peerOf(socket, address));
    else
      this.#secure.shakeHands(socket, (outcome) => {
        if ('refused' in outcome)
          this.#services.gate.refuse(this.#services.gate.callerOf(this.#peerOf(socket, address)), {
            operation: 'handshake',
            reason: 'unattributed',
            detail: outcome.refused,
          });
        else this.#open(outcome.socket, this.#peerOf(socket, address, outcome.certificate));
      });
  }

  /** On a secure listener nobody is known before the handshake, and only who shows a certificate gets through it. */
  #placesFor(caller: Caller): number {
    const { maxConnections } = this.config;
    const isStranger = this.#secure === undefined && caller.principal === null && caller.neverGated !== true;
    return isStranger ? Math.max(1, Math.floor(maxConnections * strangersShare)) : maxConnections;
  }

  #peerOf(socket: Socket, address: string, certificate?: PeerCertificate): Peer {
    const { driver } = this.#services;
    const peer = { driver, listener: this.config.name, address, port: socket.remotePort ?? 0 };
    return certificate === undefined ? peer : { ...peer, certificate };
  }

  #open(socket: Socket, peer: Peer): void {
    const { gate, road, counters, clock } = this.#services;
    if (!gate.admits(peer)) {
      const detail = 'nobody stands behind this certificate, or they may not come in';
      gate.refuse(gate.callerOf(peer), { operation: 'connect', reason: 'unattributed', detail });
      socket.destroy();
      return;
    }
    const connection = new Connection(socket, peer, {
      gate,
      road,
      counters,
      maxPending: this.config.maxPending,
      now: () => clock.monotonic(),
      route: (unitId) => this.#services.route(unitId),
      closed: () => this.#connections.delete(connection),
    });
    this.#connections.add(connection);
  }

  #release(socket: Socket, address: string): void {
    this.#sockets.delete(socket);
    const held = (this.#perPeer.get(address) ?? 1) - 1;
    if (held > 0) this.#perPeer.set(address, held);
    else this.#perPeer.delete(address);
  }

  #watch(): void {
    this.#sweep = this.#services.timers.after(sweepMs, () => {
      const now = this.#services.clock.monotonic();
      const idleAt = now - this.config.idleSeconds * 1000;
      for (const connection of [...this.#connections]) {
        const { certificate } = connection.remote;
        const isOver = certificate !== undefined && this.#secure?.admits(certificate) === false;
        if (isOver || connection.isIdle(idleAt, now - halfFrameMs)) connection.destroy();
      }
      this.#watch();
    });
  }
}

function faultOf(error: NodeJS.ErrnoException, { name, address, port }: ListenerConfig): Error {
  const listener = `listener \`${name}\``;
  if (error.code === 'EADDRNOTAVAIL') return new AddressMissing(listener, address, networkInterfaces());
  const text = `${listener}: ${sentenceOf(error, address, port)}`;
  if (error.code === 'EADDRINUSE') return new StartFault('port-in-use', text, { cause: error });
  return new StartFault('listen-failed', text, { cause: error });
}

function sentenceOf(error: NodeJS.ErrnoException, address: string, port: number): string {
  switch (error.code) {
    case 'EADDRINUSE':
      return `port \`${port}\` of \`${address}\` is in use by another program; choose another port or end that program`;
    case 'EACCES':
      return `port \`${port}\` needs the right to bind low ports (CAP_NET_BIND_SERVICE); choose a port from 1024 on or grant it`;
    default:
      return error.message;
  }
}
