// One station on a BACnet/IP network: asks and answers, routed or not, in one piece or in segments. Devices and tools stand on it.
// 1. An answer counts only from the peer that was asked and under the invoke id it was asked with; anything else is a stray.
// 2. `stop` leaves no timer, no socket and no port behind.

import { afterAwake } from '../awake-time.ts';
import {
  type Apdu,
  apduCodeOf,
  apduLengthOf,
  type ComplexAck,
  type ConfirmedRequest,
  decodeApdu,
  encodeApdu,
  type Segment,
  segmentCountOf,
} from './apci.ts';
import { type DatagramPort, type DatagramPortOptions, openPort } from './datagram-port.ts';
import {
  BVLC,
  decodeBvlc,
  decodeNpdu,
  type Endpoint,
  encodeBvlc,
  encodeNpdu,
  type Npdu,
  type Route,
} from './framing.ts';
import {
  type ArrivedRequest,
  keyOf,
  type Outcome,
  type Peer,
  type RequestOptions,
  type StationHandlers,
} from './peer.ts';
import { SegmentReceiver, SegmentSender } from './segments.ts';

export interface StationOptions extends Omit<DatagramPortOptions, 'arrived'> {
  /** Largest APDU this station takes. Default 1476. */
  readonly maxApdu?: number;
  /** Default `both`. */
  readonly segmentation?: 'both' | 'none';
  /** Segments proposed and taken at once, default 8. */
  readonly window?: number;
  /** Default 3000. */
  readonly apduTimeoutMs?: number;
  /** Default 2000. */
  readonly segmentTimeoutMs?: number;
  /** How often a request or a window of segments is sent again, default 1. */
  readonly retries?: number;
  /** A broadcast is given to this BBMD to distribute. */
  readonly distributeTo?: Endpoint;
}

/** Another way onto the wire than the station's own socket, for answers that come from somewhere else. */
export type Transmit = (bytes: Buffer, to: Endpoint) => void;

interface Pending {
  readonly service: number;
  readonly settle: (outcome: Outcome) => void;
  sender?: SegmentSender;
  receiver?: SegmentReceiver;
}

const MOST_OCTETS = 1 << 20;
const ABORT_SEGMENTATION_NOT_SUPPORTED = 4;
const ABORT_APDU_TOO_LONG = 11;

export class Station {
  readonly maxApdu: number;
  readonly segmented: boolean;
  /** Answers nobody here had asked for. */
  strays = 0;
  readonly #options: StationOptions;
  readonly #handlers: StationHandlers;
  readonly #port: DatagramPort;
  readonly #pending = new Map<string, Pending>();
  readonly #arriving = new Map<string, SegmentReceiver>();
  readonly #answering = new Map<string, SegmentSender>();
  readonly #timers = new Set<{ cancel(): void }>();
  #nextInvokeId = 1;

  private constructor(port: DatagramPort, options: StationOptions, handlers: StationHandlers) {
    this.#port = port;
    this.#options = options;
    this.#handlers = handlers;
    this.maxApdu = options.maxApdu ?? 1476;
    this.segmented = (options.segmentation ?? 'both') === 'both';
  }

  static async open(options: StationOptions, handlers: StationHandlers): Promise<Station> {
    let hear = (_bytes: Buffer, _from: Endpoint): void => undefined;
    const station = new Station(
      await openPort({ ...options, arrived: (...datagram) => hear(...datagram) }),
      options,
      handlers,
    );
    hear = (bytes, from) => station.#arrived(bytes, from);
    return station;
  }

  get endpoint(): Endpoint {
    return this.#port.endpoint;
  }

  /** Sends a confirmed request and waits for what becomes of it. Fails where nothing comes in time. */
  request(to: Peer, service: number, payload: Buffer, options: RequestOptions = {}): Promise<Outcome> {
    const invokeId = options.invokeId ?? this.#freeInvokeId(to);
    const key = keyOf(to, invokeId);
    if (this.#pending.has(key)) return Promise.reject(new Error(`invoke id \`${invokeId}\` is in use with ${key}`));
    const header = {
      kind: 'confirmed-request',
      invokeId,
      service,
      segmentedAnswerAccepted: this.segmented,
      maxSegments: this.segmented ? 7 : 0,
      maxApdu: apduCodeOf(this.maxApdu),
    } as const;
    const limit = Math.min(options.peerMaxApdu ?? this.maxApdu, 1476);
    return new Promise((resolve, reject) => {
      let cancel: (() => void) | undefined;
      const end = (): void => {
        cancel?.();
        pending.sender?.stop();
        pending.receiver?.stop();
        this.#pending.delete(key);
      };
      const pending: Pending = {
        service,
        settle: (outcome) => {
          end();
          resolve(outcome);
        },
      };
      this.#pending.set(key, pending);
      const failed = (): void => {
        if (!this.#pending.has(key)) return;
        end();
        reject(new Error(`no answer to service ${service} from ${keyOf(to, invokeId)}`));
      };
      const timeoutMs = options.timeoutMs ?? this.#options.apduTimeoutMs ?? 3000;
      const wait = (left: number, again: () => void): void => {
        cancel = this.#later(timeoutMs, () => {
          if (this.#pending.get(key) !== pending || pending.receiver !== undefined) return;
          if (left <= 0) failed();
          else again();
        });
      };
      const retries = options.retries ?? this.#options.retries ?? 1;
      const transmit = (left: number): void => {
        this.sendApdu(to, { ...header, payload });
        wait(left, () => transmit(left - 1));
      };
      if (payload.length + 4 <= limit) {
        transmit(retries);
        return;
      }
      pending.sender = new SegmentSender({
        payload,
        size: limit - 6,
        proposedWindow: this.#window,
        timeoutMs: this.#segmentTimeoutMs,
        retries,
        send: (chunk, segment) => this.sendApdu(to, { ...header, payload: chunk, segment }),
        done: () => wait(0, failed),
        failed,
      });
      pending.sender.start();
    });
  }

  /** Answers a request: whole, in segments, or with an Abort where neither fits what the peer takes. */
  answer(request: ArrivedRequest, outcome: Outcome, invokeIdShift = 0, transmit?: Transmit): void {
    const { peer, header } = request;
    const { service } = header;
    const invokeId = (header.invokeId + invokeIdShift) & 0xff;
    const send = (apdu: Apdu): void => this.sendApdu(peer, apdu, transmit);
    const abort = (reason: number): void => send({ kind: 'abort', server: true, invokeId, reason });
    if (outcome.kind === 'simple-ack') send({ kind: 'simple-ack', invokeId, service });
    else if (outcome.kind === 'error') send({ kind: 'error', invokeId, service, payload: outcome.payload });
    else if (outcome.kind === 'reject') send({ kind: 'reject', invokeId, reason: outcome.reason });
    else if (outcome.kind === 'abort') abort(outcome.reason);
    else {
      const limit = Math.min(apduLengthOf(header.maxApdu), this.maxApdu);
      const { payload } = outcome;
      if (payload.length + 3 <= limit) send({ kind: 'complex-ack', invokeId, service, payload });
      else if (!this.segmented || !header.segmentedAnswerAccepted) abort(ABORT_SEGMENTATION_NOT_SUPPORTED);
      else if (Math.ceil(payload.length / (limit - 5)) > segmentCountOf(header.maxSegments)) abort(ABORT_APDU_TOO_LONG);
      else {
        const key = keyOf(peer, header.invokeId);
        const end = (): void => {
          this.#answering.delete(key);
        };
        const sender = new SegmentSender({
          payload,
          size: limit - 5,
          proposedWindow: this.#window,
          timeoutMs: this.#segmentTimeoutMs,
          retries: this.#options.retries ?? 1,
          send: (chunk, segment) => send({ kind: 'complex-ack', invokeId, service, payload: chunk, segment }),
          done: end,
          failed: end,
        });
        this.#answering.get(key)?.stop();
        this.#answering.set(key, sender);
        sender.start();
      }
    }
  }

  /** An unconfirmed request to one station, or to all of a network (of every one with `EVERY_NETWORK`). */
  unconfirmed(service: number, payload: Buffer, to: Peer | 'broadcast', route?: Route): void {
    const apdu = encodeApdu({ kind: 'unconfirmed-request', service, payload });
    if (to !== 'broadcast') this.sendApdu(to, { kind: 'unconfirmed-request', service, payload });
    else
      this.broadcastNpdu({ expectingReply: false, priority: 0, payload: apdu, ...(route && { destination: route }) });
  }

  sendApdu(to: Peer, apdu: Apdu, transmit?: Transmit): void {
    const expectingReply =
      apdu.kind === 'confirmed-request' || (apdu.kind === 'complex-ack' && apdu.segment !== undefined);
    const destination = to.route === undefined ? {} : { destination: to.route };
    const npdu = encodeNpdu({ expectingReply, priority: to.priority ?? 0, payload: encodeApdu(apdu), ...destination });
    this.sendRaw(encodeBvlc(BVLC.unicast, npdu), to.endpoint, transmit);
  }

  broadcastNpdu(npdu: Npdu): void {
    const { distributeTo } = this.#options;
    const payload = encodeNpdu(npdu);
    if (distributeTo !== undefined) {
      this.sendRaw(encodeBvlc(BVLC.distributeBroadcast, payload), distributeTo);
      return;
    }
    const bytes = encodeBvlc(BVLC.broadcast, payload);
    this.#handlers.datagram?.(bytes, 'broadcast', 'out');
    this.#port.broadcast(bytes);
  }

  /** Any octets whatever to an address. */
  sendRaw(bytes: Buffer, to: Endpoint, transmit?: Transmit): void {
    this.#handlers.datagram?.(bytes, to, 'out');
    if (transmit === undefined) this.#port.send(bytes, to);
    else transmit(bytes, to);
  }

  async stop(): Promise<void> {
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
    for (const part of [...this.#arriving.values(), ...this.#answering.values()]) part.stop();
    for (const pending of [...this.#pending.values()]) pending.settle({ kind: 'abort', reason: 0 });
    await this.#port.stop();
  }

  get #window(): number {
    return this.#options.window ?? 8;
  }

  get #segmentTimeoutMs(): number {
    return this.#options.segmentTimeoutMs ?? 2000;
  }

  /** Gives back what cancels it. */
  #later(ms: number, then: () => void): () => void {
    const timer = afterAwake(ms, () => {
      this.#timers.delete(timer);
      then();
    });
    this.#timers.add(timer);
    return () => void (this.#timers.delete(timer) && timer.cancel());
  }

  #freeInvokeId(to: Peer): number {
    for (let tried = 0; tried < 256; tried += 1) {
      const invokeId = this.#nextInvokeId;
      this.#nextInvokeId = (invokeId + 1) & 0xff;
      if (!this.#pending.has(keyOf(to, invokeId))) return invokeId;
    }
    return 0;
  }

  #arrived(bytes: Buffer, from: Endpoint): void {
    this.#handlers.datagram?.(bytes, from, 'in');
    const bvlc = decodeBvlc(bytes);
    if (bvlc === undefined) return;
    const carries: readonly number[] = [BVLC.unicast, BVLC.broadcast, BVLC.forwarded];
    if (!carries.includes(bvlc.function)) {
      this.#handlers.control?.(bvlc.function, bvlc.payload, from);
      return;
    }
    const npdu = decodeNpdu(bvlc.payload);
    if (npdu === undefined) return;
    const peer: Peer = { endpoint: bvlc.origin ?? from, ...(npdu.source && { route: npdu.source }) };
    if (npdu.message !== undefined) {
      this.#handlers.networkMessage?.(npdu, peer);
      return;
    }
    // This is no router: what is meant for another network is not for it.
    if (npdu.destination !== undefined && npdu.destination.network !== 0xffff) return;
    const apdu = decodeApdu(npdu.payload);
    if (apdu !== undefined) this.#apdu(apdu, peer, bvlc.function !== BVLC.unicast);
  }

  #apdu(apdu: Apdu, peer: Peer, broadcast: boolean): void {
    switch (apdu.kind) {
      case 'confirmed-request':
        if (apdu.segment === undefined) this.#handlers.confirmed?.({ peer, header: apdu, payload: apdu.payload });
        else this.#segmentOfRequest(apdu, apdu.segment, peer);
        return;
      case 'unconfirmed-request':
        this.#handlers.unconfirmed?.(apdu.service, apdu.payload, peer, broadcast);
        return;
      case 'segment-ack': {
        const key = keyOf(peer, apdu.invokeId);
        // Tools of one family set the server bit in their acknowledgements too, and devices in the field do not mind.
        const [asking, answering] = [this.#pending.get(key)?.sender, this.#answering.get(key)];
        const sender = apdu.server ? (asking ?? answering) : (answering ?? asking);
        sender?.acknowledged(apdu.sequence, apdu.window);
        return;
      }
      case 'abort':
        if (!apdu.server) this.#forget(keyOf(peer, apdu.invokeId));
        else this.#settle(peer, apdu.invokeId, undefined, { kind: 'abort', reason: apdu.reason });
        return;
      case 'complex-ack':
        if (apdu.segment === undefined) {
          this.#settle(peer, apdu.invokeId, apdu.service, { kind: 'complex-ack', payload: Buffer.from(apdu.payload) });
        } else this.#segmentOfAnswer(apdu, apdu.segment, peer);
        return;
      case 'reject':
        this.#settle(peer, apdu.invokeId, undefined, { kind: 'reject', reason: apdu.reason });
        return;
      case 'simple-ack':
        this.#settle(peer, apdu.invokeId, apdu.service, { kind: 'simple-ack' });
        return;
      case 'error':
        this.#settle(peer, apdu.invokeId, apdu.service, { kind: 'error', payload: Buffer.from(apdu.payload) });
    }
  }

  #settle(peer: Peer, invokeId: number, service: number | undefined, outcome: Outcome): void {
    const pending = this.#pending.get(keyOf(peer, invokeId));
    if (pending === undefined || (service !== undefined && pending.service !== service)) this.strays += 1;
    else pending.settle(outcome);
  }

  #forget(key: string): void {
    this.#arriving.get(key)?.stop();
    this.#arriving.delete(key);
    this.#answering.get(key)?.stop();
    this.#answering.delete(key);
  }

  #segmentOfRequest(header: ConfirmedRequest, segment: Segment, peer: Peer): void {
    const { invokeId } = header;
    const key = keyOf(peer, invokeId);
    const abort = (reason: number): void => this.sendApdu(peer, { kind: 'abort', server: true, invokeId, reason });
    if (!this.segmented) {
      abort(ABORT_SEGMENTATION_NOT_SUPPORTED);
      return;
    }
    let receiver = this.#arriving.get(key);
    if (receiver === undefined) {
      // Only the first segment opens a message; a late one of a finished message is not its beginning.
      if (segment.sequence !== 0) return;
      receiver = this.#receiver(peer, invokeId, true, (payload) => {
        this.#arriving.delete(key);
        if (payload !== undefined) this.#handlers.confirmed?.({ peer, header, payload });
      });
      this.#arriving.set(key, receiver);
    }
    receiver.take(header.payload, segment);
  }

  #segmentOfAnswer(ack: ComplexAck, segment: Segment, peer: Peer): void {
    const pending = this.#pending.get(keyOf(peer, ack.invokeId));
    if (pending === undefined || pending.service !== ack.service) {
      this.strays += 1;
      return;
    }
    if (pending.receiver === undefined && segment.sequence !== 0) return;
    pending.receiver ??= this.#receiver(peer, ack.invokeId, false, (payload) => {
      pending.settle(payload === undefined ? { kind: 'abort', reason: 0 } : { kind: 'complex-ack', payload });
    });
    pending.receiver.take(ack.payload, segment);
  }

  #receiver(peer: Peer, invokeId: number, server: boolean, ended: (payload?: Buffer) => void): SegmentReceiver {
    return new SegmentReceiver({
      window: this.#window,
      timeoutMs: 4 * this.#segmentTimeoutMs,
      maxOctets: MOST_OCTETS,
      acknowledge: (sequence, window, negative) =>
        this.sendApdu(peer, { kind: 'segment-ack', negative, server, invokeId, sequence, window }),
      done: ended,
      failed: () => ended(),
    });
  }
}
