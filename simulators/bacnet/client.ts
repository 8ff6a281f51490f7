// A technician's tool on BACnet/IP: it asks stations directly or behind routers, by the book or with any octets whatever.
// 1. It keeps every datagram of both directions, so that an analyser can judge them.
// 2. Nothing is retried unless told: a request the test made is the request that was sent.

import { type Element, parseElements } from './elements.ts';
import { outcomeOf } from './faults.ts';
import { type Endpoint, EVERY_NETWORK, type Npdu, type Route } from './framing.ts';
import { CONFIRMED, confirmedName, UNCONFIRMED, unconfirmedName } from './names.ts';
import { Parameters } from './parameters.ts';
import { nameOf, type Outcome, type Peer, type RequestOptions } from './peer.ts';
import { ask, type PropertySpecification, type ServiceRequest, say, type WriteSpecification } from './requests.ts';
import { Station, type StationOptions } from './station.ts';
import { decoded, TAG } from './values.ts';

/** A datagram as it passed. */
export interface SeenDatagram {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly direction: 'in' | 'out';
  /** `broadcast` for what went to everybody. */
  readonly other: Endpoint | 'broadcast';
  readonly bytes: Buffer;
}

interface FoundDevice {
  readonly instance: number;
  readonly peer: Peer;
  readonly maxApdu: number;
  /** 0 both, 1 transmit, 2 receive, 3 none. */
  readonly segmentation: number;
  readonly vendor: number;
}

/** A COV or event notification that came; a confirmed one was acknowledged. */
export interface HeardNotification {
  readonly service: string;
  readonly peer: Peer;
  readonly parameters: readonly Element[];
  readonly payload: Buffer;
}

const NOTIFICATIONS: readonly number[] = [
  CONFIRMED['confirmed-cov-notification'],
  CONFIRMED['confirmed-event-notification'],
];

export class BacnetClient {
  readonly datagrams: SeenDatagram[] = [];
  readonly notifications: HeardNotification[] = [];
  /** Network layer messages that came. */
  readonly networkMessages: { readonly npdu: Npdu; readonly peer: Peer }[] = [];
  /** BVLL messages without an NPDU, such as results of a registration. */
  readonly controls: { readonly function: number; readonly payload: Buffer; readonly from: Endpoint }[] = [];
  readonly #found = new Map<string, FoundDevice>();
  readonly #waiting = new Set<() => void>();
  #station: Station | undefined;
  /** Whether confirmed notifications are acknowledged; a console that hangs does not. */
  acknowledges = true;

  static async open(options: StationOptions = {}): Promise<BacnetClient> {
    const client = new BacnetClient();
    client.#station = await Station.open(
      { retries: 0, ...options },
      {
        datagram: (bytes, other, direction) => {
          client.datagrams.push({ at: Date.now(), direction, other, bytes: Buffer.from(bytes) });
          // Waiters look once everything that this datagram brings about has happened.
          if (direction === 'in') queueMicrotask(() => client.#wake());
        },
        confirmed: (request) => {
          const { service } = request.header;
          const notification = NOTIFICATIONS.includes(service);
          if (notification) client.#heard(confirmedName(service) ?? '', request.peer, request.payload);
          if (!notification) client.#running.answer(request, { kind: 'reject', reason: 9 });
          else if (client.acknowledges) client.#running.answer(request, { kind: 'simple-ack' });
        },
        unconfirmed: (service, payload, peer) => client.#told(service, payload, peer),
        networkMessage: (npdu, peer) => client.networkMessages.push({ npdu, peer }),
        control: (bvlcFunction, payload, from) => {
          client.controls.push({ function: bvlcFunction, payload: Buffer.from(payload), from });
        },
      },
    );
    return client;
  }

  get endpoint(): Endpoint {
    return this.#running.endpoint;
  }

  get station(): Station {
    return this.#running;
  }

  /** Answers that matched no request of this client's. */
  get strays(): number {
    return this.#running.strays;
  }

  /** Devices whose I-Am was heard, the last one of each address. */
  get found(): readonly FoundDevice[] {
    return [...this.#found.values()];
  }

  request(to: Peer, request: ServiceRequest, options: RequestOptions = {}): Promise<Outcome> {
    return this.#running.request(to, request.service, request.payload, options);
  }

  /** The value of one property. Fails with the error's class and code, or with the reason of a Reject or Abort. */
  async read(to: Peer, one: PropertySpecification): Promise<readonly Element[]> {
    const parameters = new Parameters(parseElements(await this.acknowledged(to, ask.readProperty(one))));
    parameters.needObject(0);
    parameters.needUnsigned(1);
    parameters.unsigned(2);
    return parameters.needInside(3);
  }

  /** Fails as `read` does. */
  async write(to: Peer, one: WriteSpecification, options?: RequestOptions): Promise<void> {
    await this.acknowledged(to, ask.writeProperty(one), options);
  }

  /** The acknowledgement's octets, empty for a SimpleACK. Fails as `read` does. */
  async acknowledged(to: Peer, request: ServiceRequest, options?: RequestOptions): Promise<Buffer> {
    const outcome = await this.request(to, request, options);
    if (outcome.kind === 'simple-ack') return Buffer.alloc(0);
    if (outcome.kind === 'complex-ack') return outcome.payload;
    throw new Error(outcomeText(outcome));
  }

  /** Says something to one station, or to all of a network; to all of every network where `route` is absent. */
  tell(request: ServiceRequest, to: Peer | 'broadcast' = 'broadcast', route: Route | 'local' = EVERYWHERE): void {
    this.#running.unconfirmed(request.service, request.payload, to, route === 'local' ? undefined : route);
  }

  /** Asks who is there and waits until so many have answered. */
  async discover(
    count: number,
    range?: { readonly low: number; readonly high: number },
  ): Promise<readonly FoundDevice[]> {
    const inRange = (one: FoundDevice): boolean =>
      range === undefined || (one.instance >= range.low && one.instance <= range.high);
    const found = (): readonly FoundDevice[] => this.found.filter(inRange);
    this.tell(range === undefined ? say.whoIs() : say.whoIs(range.low, range.high));
    await this.until(() => found().length >= count);
    return found();
  }

  /** Any octets whatever. */
  sendRaw(bytes: Buffer, to: Endpoint): void {
    this.#running.sendRaw(bytes, to);
  }

  /** Waits until `ready`, asked at every datagram that comes. Fails after `timeoutMs`. */
  async until(ready: () => boolean, timeoutMs = 30_000): Promise<void> {
    if (ready()) return;
    await new Promise<void>((resolve, reject) => {
      const end = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(look);
      };
      const look = (): void => {
        if (!ready()) return;
        end();
        resolve();
      };
      const timer = setTimeout(() => {
        end();
        reject(new Error(`what was waited for did not come in ${timeoutMs} ms`));
      }, timeoutMs);
      this.#waiting.add(look);
    });
  }

  async stop(): Promise<void> {
    await this.#running.stop();
  }

  get #running(): Station {
    if (this.#station === undefined) throw new Error('the client is not open');
    return this.#station;
  }

  #wake(): void {
    for (const look of [...this.#waiting]) look();
  }

  #told(service: number, payload: Buffer, peer: Peer): void {
    try {
      if (service === UNCONFIRMED['i-am']) this.#found.set(nameOf(peer), deviceIn(payload, peer));
      else this.#heard(unconfirmedName(service) ?? `unconfirmed service ${service}`, peer, payload);
    } catch (fault) {
      // An announcement that cannot be read is dropped, as tools do.
      outcomeOf(fault);
    }
  }

  #heard(service: string, peer: Peer, payload: Buffer): void {
    this.notifications.push({ service, peer, parameters: parseElements(payload), payload: Buffer.from(payload) });
  }
}

function deviceIn(iAm: Buffer, peer: Peer): FoundDevice {
  const parameters = new Parameters(parseElements(iAm));
  const { instance } = parameters.applicationObject();
  const maxApdu = parameters.applicationUnsigned();
  const segmentation = decoded.unsigned(parameters.application(TAG.enumerated).octets);
  return { instance, peer, maxApdu, segmentation, vendor: parameters.applicationUnsigned() };
}

const EVERYWHERE: Route = { network: EVERY_NETWORK, mac: Buffer.alloc(0) };

/** `error 2,40`, `reject 9`, `abort 4`; an error of a service's own form as its octets. */
export function outcomeText(outcome: Outcome): string {
  switch (outcome.kind) {
    case 'error': {
      const pair = errorOf(outcome.payload);
      return pair === undefined ? `error ${outcome.payload.toString('hex')}` : `error ${pair[0]},${pair[1]}`;
    }
    case 'reject':
    case 'abort':
      return `${outcome.kind} ${outcome.reason}`;
    default:
      return outcome.kind;
  }
}

/** Class and code of an Error, whatever form it has; `undefined` where there is none. */
export function errorOf(payload: Buffer): readonly [number, number] | undefined {
  const items = parseElements(payload);
  const [first] = items;
  const pair = first?.kind === 'constructed' && first.tag === 0 ? first.items : items;
  const [errorClass, errorCode] = pair;
  if (errorClass?.kind !== 'application' || errorCode?.kind !== 'application') return undefined;
  return [decoded.unsigned(errorClass.octets), decoded.unsigned(errorCode.octets)];
}
