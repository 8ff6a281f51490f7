// The UDP side of a station: its own address, and a second ear for the broadcast address of its network.
// Loopback has a broadcast address too: what is sent to 127.255.255.255 reaches every socket bound to it on that port.

import { createSocket, type Socket } from 'node:dgram';
import type { Endpoint } from './framing.ts';

const LOOPBACK_BROADCAST = '127.255.255.255';

export interface DatagramPortOptions {
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Default 0: one that nobody has at any address, or another network of this machine would be heard on it. */
  readonly port?: number;
  /** Where the port listens besides. Default 127.255.255.255; `none` where broadcasts come by a list of members. */
  readonly broadcastAddress?: string | 'none';
  /** A broadcast goes to each of these, asked anew each time. Default: the broadcast address at the own port. */
  readonly members?: () => readonly Endpoint[];
  readonly arrived: (bytes: Buffer, from: Endpoint) => void;
}

export interface DatagramPort {
  readonly endpoint: Endpoint;
  send(bytes: Buffer, to: Endpoint): void;
  /** To every station of the network; never heard by this one itself. */
  broadcast(bytes: Buffer): void;
  stop(): Promise<void>;
}

/** Opens both sockets or none. Fails as `dgram` does where an address or port cannot be had. */
export async function openPort(options: DatagramPortOptions): Promise<DatagramPort> {
  const heard = options.broadcastAddress ?? LOOPBACK_BROADCAST;
  const wanted = options.port ?? 0;
  const own = await bound(
    options.host ?? '127.0.0.1',
    wanted === 0 && heard !== 'none' ? await unheard() : wanted,
    false,
  );
  const { address: host, port } = own.address();
  const sockets = [own];
  try {
    own.setBroadcast(true);
    if (heard !== 'none') sockets.push(await bound(heard, port, true));
  } catch (fault) {
    await closed(own);
    throw fault;
  }
  const members = options.members ?? (() => (heard === 'none' ? [] : [{ host: heard, port }]));
  for (const socket of sockets) {
    socket.on('message', (bytes, from) => {
      const itself = from.address === host && from.port === port;
      if (!itself) options.arrived(bytes, { host: from.address, port: from.port });
    });
  }
  let open = true;
  const send = (bytes: Buffer, to: Endpoint): void => {
    // What cannot be delivered is lost, as on any network; an unreachable peer must not end the process.
    if (open) own.send(bytes, to.port, to.host, () => undefined);
  };
  return {
    endpoint: { host, port },
    send,
    broadcast: (bytes) => {
      for (const member of members()) if (member.host !== host || member.port !== port) send(bytes, member);
    },
    stop: async () => {
      if (!open) return;
      open = false;
      await Promise.all(sockets.map(closed));
    },
  };
}

function bound(host: string, port: number, shared: boolean): Promise<Socket> {
  const socket = createSocket({ type: 'udp4', reuseAddr: shared });
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.bind({ address: host, port, exclusive: true }, () => {
      socket.removeListener('error', reject);
      socket.on('error', () => undefined);
      resolve(socket);
    });
  });
}

/** A port on which nobody listens, at no address. */
async function unheard(): Promise<number> {
  const everywhere = await bound('0.0.0.0', 0, false);
  const { port } = everywhere.address();
  await closed(everywhere);
  return port;
}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.close(() => resolve()));
}

/** One datagram from an address of the same machine that nobody listens at. Lost where that address cannot be had. */
export function sendFrom(host: string, bytes: Buffer, to: Endpoint): void {
  const socket = createSocket('udp4');
  socket.on('error', () => socket.close());
  socket.bind({ address: host, exclusive: true }, () => socket.send(bytes, to.port, to.host, () => socket.close()));
}
