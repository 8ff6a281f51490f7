// Outside ─► link: the UDP sockets of one network. A second socket hears the broadcast address, which a bound one does not.
// 1. What this gateway sent is never heard by itself. 2. A datagram that cannot be sent is counted, it ends nothing.

import { createSocket, type Socket, type SocketOptions } from 'node:dgram';
import { networkInterfaces } from 'node:os';
import { StartFault } from '../../src/contract/driver.ts';
import { AddressMissing } from '../../src/contract/late-opening.ts';
import { broadcastOf, type Endpoint, sameSubnet } from './endpoint.ts';
import type { TurnEnd } from './turn-end.ts';

/** Whole, or in parts that follow each other. */
export type Datagram = Uint8Array | readonly Uint8Array[];

export interface SocketEvents {
  /** `broadcast`: it came to the broadcast address. */
  datagram(octets: Uint8Array, from: Endpoint, broadcast: boolean): void;
  sendFailed(): void;
}

interface SocketPlace extends Endpoint {
  /** For messages: `drivers.bacnet.north`. */
  readonly setting: string;
  readonly broadcastAddress: string | undefined;
}

const receiveBufferOctets = 1 << 20;
/** How many of a turn go before the rest: fewer wake who hears them too often, more leave it idle. */
const firstTogether = 4;
/** Every address here is a number already: nothing is to be looked up. */
const asIs = ((address: string, _options: unknown, done: (error: null, address: string, family: number) => void) =>
  done(null, address, 4)) as NonNullable<SocketOptions['lookup']>;

export class DatagramSocket {
  readonly endpoint: Endpoint;
  readonly broadcastAddress: string;
  readonly #own: Socket;
  readonly #ear: Socket;
  readonly #turn: TurnEnd;
  #open = true;
  /** What `sendSoon` took in this turn of the loop. */
  #ofTurn = 0;
  #soon: { readonly octets: Datagram; readonly to: Endpoint }[] = [];

  private constructor(own: Socket, ear: Socket, broadcastAddress: string, events: SocketEvents, turn: TurnEnd) {
    this.#own = own;
    this.#ear = ear;
    this.#turn = turn;
    this.broadcastAddress = broadcastAddress;
    const { address, port } = own.address();
    this.endpoint = { address, port };
    own.on('message', (octets, from) => {
      if (from.address !== address || from.port !== port) events.datagram(octets, from, false);
    });
    ear.on('message', (octets, from) => {
      if (from.address !== address || from.port !== port) events.datagram(octets, from, true);
    });
    own.on('error', () => events.sendFailed());
    ear.on('error', () => events.sendFailed());
  }

  /** Throws an `AddressMissing`, or a `StartFault` where the port cannot be had; then nothing is open. */
  static async open(place: SocketPlace, events: SocketEvents, turn: TurnEnd): Promise<DatagramSocket> {
    const broadcastAddress = place.broadcastAddress ?? broadcastAddressOf(place);
    const own = await bound(place, place, false);
    try {
      own.setBroadcast(true);
      const ear = await bound(place, { address: broadcastAddress, port: own.address().port }, true);
      return new DatagramSocket(own, ear, broadcastAddress, events, turn);
    } catch (fault) {
      await closed(own);
      throw fault;
    }
  }

  /** At once, after what waits. */
  send(octets: Datagram, { address, port }: Endpoint): void {
    if (this.#soon.length > 0) this.#flush();
    if (this.#open) this.#own.send(octets, port, address);
  }

  /**
   * As `send`, but with what else this turn of the loop brings: who hears it wakes up once. The first few go before the rest, so
   * that it works on them while the rest is made.
   */
  sendSoon(octets: Datagram, to: Endpoint): void {
    if (this.#ofTurn === 0) this.#turn.add(this.#turnEnds);
    this.#ofTurn += 1;
    this.#soon.push({ octets, to });
    if (this.#ofTurn === firstTogether) this.#flush();
  }

  async stop(): Promise<void> {
    if (!this.#open) return;
    this.#flush();
    this.#open = false;
    await Promise.all([closed(this.#own), closed(this.#ear)]);
  }

  readonly #turnEnds = (): void => {
    this.#ofTurn = 0;
    this.#flush();
  };

  #flush(): void {
    const soon = this.#soon;
    this.#soon = [];
    if (this.#open) for (const { octets, to } of soon) this.#own.send(octets, to.port, to.address);
  }
}

function bound(place: SocketPlace, at: Endpoint, shared: boolean): Promise<Socket> {
  const socket = createSocket({
    type: 'udp4',
    reuseAddr: shared,
    lookup: asIs,
    recvBufferSize: receiveBufferOctets,
  });
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException): void => {
      socket.close();
      if (error.code === 'EADDRNOTAVAIL') {
        reject(new AddressMissing(`${place.setting}.address`, at.address, networkInterfaces()));
        return;
      }
      const code = error.code === 'EADDRINUSE' ? 'port-in-use' : 'listen-failed';
      reject(new StartFault(code, sentenceOf(error, place, at), { cause: error }));
    };
    socket.once('error', failed);
    socket.bind({ address: at.address, port: at.port, exclusive: true }, () => {
      socket.off('error', failed);
      resolve(socket);
    });
  });
}

function sentenceOf(error: NodeJS.ErrnoException, { setting }: SocketPlace, { address, port }: Endpoint): string {
  switch (error.code) {
    case 'EADDRINUSE':
      return `${setting}.port: port \`${port}\` of \`${address}\` is in use by another program; choose another port or end that program`;
    case 'EACCES':
      return `${setting}.port: port \`${port}\` needs the right to bind low ports (CAP_NET_BIND_SERVICE); choose a port from 1024 on or grant it`;
    default:
      return `${setting}: ${error.message}`;
  }
}

function broadcastAddressOf({ address, setting }: SocketPlace): string {
  const found = Object.values(networkInterfaces())
    .flatMap((entries) => entries ?? [])
    .find((entry) => entry.family === 'IPv4' && sameSubnet(entry.address, address, entry.netmask));
  if (found !== undefined) return broadcastOf(address, found.netmask);
  throw new AddressMissing(`${setting}.address`, address, networkInterfaces());
}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.close(() => resolve()));
}
