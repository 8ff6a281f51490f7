// A node-bacnet client as an unmodified tool, behind own framing: the package trusts datagrams with its life.
// 1. Only whole frames reach the package; a frame that is none would end the process or hang it.
// 2. Every datagram of both directions is kept.

import { createSocket, type Socket } from 'node:dgram';
import { EventEmitter } from 'node:events';
import { createRequire } from 'node:module';
import { isWholeFrame, type SeenDatagram } from './client.ts';
import type { Endpoint } from './framing.ts';

const DEFAULT_PORT = 47_808;

/** `host:port`, behind a router with the station's network and MAC. */
export type NodeBacnetReceiver =
  | string
  | { readonly address?: string; readonly net?: number; readonly adr?: readonly number[] };

/** The confirmed services that the package can ask for, by its own names. */
export type NodeBacnetService =
  | 'readProperty'
  | 'writeProperty'
  | 'readPropertyMultiple'
  | 'writePropertyMultiple'
  | 'deviceCommunicationControl'
  | 'reinitializeDevice'
  | 'writeFile'
  | 'readFile'
  | 'readRange'
  | 'subscribeCov'
  | 'createObject'
  | 'deleteObject'
  | 'addListElement'
  | 'removeListElement'
  | 'getAlarmSummary'
  | 'getEventInformation'
  | 'confirmedPrivateTransfer';

type Answer = Readonly<Record<string, unknown>>;
type Method = (...parameters: readonly unknown[]) => void;
/** What of node-bacnet's client is used; it comes without types. */
interface NodeBacnetClient extends EventEmitter {
  whoIs(receiver: NodeBacnetReceiver | undefined, options: object): void;
  timeSync(receiver: NodeBacnetReceiver, at: Date): void;
}

type NodeBacnetConstructor = new (options: object) => NodeBacnetClient;

export interface NodeBacnetTool {
  /** For its events (`iAm`, `covNotify`, `covNotifyUnconfirmed`, `eventNotify`) and what is unconfirmed. */
  readonly client: NodeBacnetClient;
  /** Asks for a service with the package's own parameters, options last; fails with the package's own error. */
  call(service: NodeBacnetService, ...parameters: readonly unknown[]): Promise<Answer | undefined>;
  readonly endpoint: Endpoint;
  readonly datagrams: readonly SeenDatagram[];
  /** Datagrams that the package was spared. */
  readonly spared: () => number;
  stop(): Promise<void>;
}

export interface NodeBacnetToolOptions {
  /** Default 127.0.0.2: node-bacnet does not listen to requests from 127.0.0.1:47808. */
  readonly host?: string;
  /** Default 0: chosen by the system. */
  readonly port?: number;
  /** Where its Who-Is goes. Default 127.255.255.255 at 47808. */
  readonly broadcast?: Endpoint;
  readonly apduTimeoutMs?: number;
}

/** Opens the tool at its address. Fails as `dgram` does. */
export async function openNodeBacnet(options: NodeBacnetToolOptions = {}): Promise<NodeBacnetTool> {
  const transport = new GuardedTransport(options.broadcast ?? { host: '127.255.255.255', port: DEFAULT_PORT });
  await transport.bind(options.host ?? '127.0.0.2', options.port ?? 0);
  const construct = createRequire(import.meta.url)('node-bacnet') as NodeBacnetConstructor;
  const client = new construct({ transport, apduTimeout: options.apduTimeoutMs ?? 2000 });
  // The package reports what it cannot make sense of here; without a listener that would be thrown.
  client.on('error', () => undefined);
  return {
    client,
    call: (service, ...parameters) => {
      const method = (client as unknown as Readonly<Record<NodeBacnetService, Method>>)[service];
      return new Promise((resolve, reject) => {
        const then = (fault: Error | null | undefined, answer?: Answer): void =>
          fault ? reject(fault) : resolve(answer);
        method.call(client, ...parameters, then);
      });
    },
    endpoint: transport.endpoint,
    datagrams: transport.datagrams,
    spared: () => transport.spared,
    stop: () => transport.end(),
  };
}

/** `127.0.1.21:47808` as node-bacnet writes addresses. */
export function nodeBacnetAddress(endpoint: Endpoint): string {
  return `${endpoint.host}:${endpoint.port}`;
}

class GuardedTransport extends EventEmitter {
  readonly datagrams: SeenDatagram[] = [];
  spared = 0;
  readonly #broadcast: Endpoint;
  readonly #socket: Socket = createSocket('udp4');
  #closed = false;

  constructor(broadcast: Endpoint) {
    super();
    this.#broadcast = broadcast;
    this.#socket.on('message', (bytes, from) => {
      this.datagrams.push({ at: Date.now(), direction: 'in', other: { host: from.address, port: from.port }, bytes });
      if (isWholeFrame(bytes)) this.emit('message', bytes, nodeBacnetAddress({ host: from.address, port: from.port }));
      else this.spared += 1;
    });
  }

  get endpoint(): Endpoint {
    const { address, port } = this.#socket.address();
    return { host: address, port };
  }

  bind(host: string, port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.once('error', reject);
      this.#socket.bind({ address: host, port, exclusive: true }, () => {
        this.#socket.removeListener('error', reject);
        this.#socket.on('error', () => undefined);
        this.#socket.setBroadcast(true);
        resolve();
      });
    });
  }

  getBroadcastAddress(): string {
    return nodeBacnetAddress(this.#broadcast);
  }

  getMaxPayload(): number {
    return 1482;
  }

  send(buffer: Buffer, offset: number, receiver: string | undefined): void {
    const [host = '', port] = (receiver ?? this.getBroadcastAddress()).split(':');
    const bytes = Buffer.from(buffer.subarray(0, offset));
    const other = { host, port: port === undefined ? DEFAULT_PORT : Number(port) };
    this.datagrams.push({
      at: Date.now(),
      direction: 'out',
      other: receiver === undefined ? 'broadcast' : other,
      bytes,
    });
    if (!this.#closed) this.#socket.send(bytes, other.port, other.host, () => undefined);
  }

  open(): void {
    this.emit('listening', this.#socket.address());
  }

  close(): void {
    void this.end();
  }

  end(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    this.#closed = true;
    return new Promise((resolve) => this.#socket.close(() => resolve()));
  }
}
