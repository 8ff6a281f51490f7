// A node-bacnet client as an unmodified tool, behind own framing: the package trusts datagrams with its life.
// 1. Only whole frames reach the package; a frame that is none would end the process or hang it.
// 2. Every datagram of both directions is kept.

import { EventEmitter } from 'node:events';
import { createRequire } from 'node:module';
import { decodeApdu, encodeApdu } from '../../../simulators/bacnet/apci.ts';
import type { SeenDatagram } from '../../../simulators/bacnet/client.ts';
import { type DatagramPort, type DatagramPortOptions, openPort } from '../../../simulators/bacnet/datagram-port.ts';
import { encodeElements, parseElements } from '../../../simulators/bacnet/elements.ts';
import { decodeBvlc, decodeNpdu, type Endpoint } from '../../../simulators/bacnet/framing.ts';

const DEFAULT_PORT = 47_808;

/** `host:port`, behind a router with the station's network and MAC. */
type NodeBacnetReceiver =
  | string
  | { readonly address?: string; readonly net?: number; readonly adr?: readonly number[] };

/** The confirmed services that the package can ask for, by its own names. */
type NodeBacnetService =
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

interface NodeBacnetToolOptions {
  /** Default 127.0.0.2: node-bacnet does not listen to requests from 127.0.0.1:47808. */
  readonly host?: string;
  /** Its own port and that of the broadcasts it sends and hears. Default 47808. */
  readonly port?: number;
  /** Default 127.255.255.255. */
  readonly broadcastAddress?: string;
  readonly apduTimeoutMs?: number;
}

/** Opens the tool at its address. Fails as `dgram` does. */
export async function openNodeBacnet(options: NodeBacnetToolOptions = {}): Promise<NodeBacnetTool> {
  const transport = new GuardedTransport();
  await transport.bind({ host: '127.0.0.2', port: DEFAULT_PORT, ...options });
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
  #port: DatagramPort | undefined;

  get endpoint(): Endpoint {
    return this.#bound.endpoint;
  }

  async bind(options: Omit<DatagramPortOptions, 'arrived'>): Promise<void> {
    this.#port = await openPort({ ...options, arrived: (bytes, from) => this.#arrived(bytes, from) });
  }

  getBroadcastAddress(): string {
    return '';
  }

  getMaxPayload(): number {
    return 1482;
  }

  /** `receiver` absent: to everybody. The package leaves the port out where it is 47808. */
  send(buffer: Buffer, offset: number, receiver: string | null | undefined): void {
    const bytes = Buffer.from(buffer.subarray(0, offset));
    if (!receiver) {
      this.datagrams.push({ at: Date.now(), direction: 'out', other: 'broadcast', bytes });
      this.#bound.broadcast(bytes);
      return;
    }
    const [host = '', port] = receiver.split(':');
    const other = { host, port: port === undefined ? DEFAULT_PORT : Number(port) };
    this.datagrams.push({ at: Date.now(), direction: 'out', other, bytes });
    this.#bound.send(bytes, other);
  }

  open(): void {
    this.emit('listening', this.endpoint);
  }

  close(): void {
    void this.end();
  }

  async end(): Promise<void> {
    await this.#port?.stop();
  }

  get #bound(): DatagramPort {
    if (this.#port === undefined) throw new Error('the transport is not bound');
    return this.#port;
  }

  #arrived(bytes: Buffer, from: Endpoint): void {
    this.datagrams.push({ at: Date.now(), direction: 'in', other: from, bytes: Buffer.from(bytes) });
    if (isWholeFrame(bytes) && !isSegmentAck(bytes)) this.emit('message', bytes, nodeBacnetAddress(from));
    else this.spared += 1;
  }
}

/** It never sends segments, and takes an acknowledgement of one for a segment itself. */
function isSegmentAck(bytes: Buffer): boolean {
  const bvlc = decodeBvlc(bytes);
  const npdu = bvlc === undefined ? undefined : decodeNpdu(bvlc.payload);
  return npdu !== undefined && npdu.message === undefined && decodeApdu(npdu.payload)?.kind === 'segment-ack';
}

/** Whether this reading finds a whole frame in a datagram, every octet of it: headers as they are written, tags where a service has them. */
function isWholeFrame(bytes: Buffer): boolean {
  const bvlc = decodeBvlc(bytes);
  const npdu = bvlc === undefined ? undefined : decodeNpdu(bvlc.payload);
  if (npdu === undefined || npdu.message !== undefined) return npdu !== undefined;
  const apdu = decodeApdu(npdu.payload);
  if (apdu === undefined || !encodeApdu(apdu).equals(npdu.payload)) return false;
  if (!('payload' in apdu) || ('segment' in apdu && apdu.segment !== undefined)) return true;
  try {
    return encodeElements(parseElements(apdu.payload)).equals(apdu.payload);
  } catch {
    return false;
  }
}
