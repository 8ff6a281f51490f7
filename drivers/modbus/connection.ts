// bytes ─decode─► Frame and back, for one client's connection. 1. What one read of the socket brought is taken whole and answered
// with one write a tick. 2. Frames that wait for an answer are bounded: past that the socket is not read.
// 3. A client that does not read what it asked for, or says nothing, is dropped.

import type { Socket } from 'node:net';
import type { Caller, Gate, Peer, Reader } from '../../src/contract/gate.ts';
import type { Counters } from './counters.ts';
import type { Asker, Road } from './road.ts';
import type { Route } from './routes.ts';
import { decodeRequest } from './wire/decode-request.ts';
import { exceptionCodes } from './wire/fault.ts';
import { type MbapAdu, type MbapFault, MbapFramer } from './wire/mbap.ts';
import { MbapBatch } from './wire/mbap-batch.ts';
import type { Response } from './wire/response.ts';

interface ConnectionServices {
  readonly gate: Gate;
  readonly road: Road;
  readonly counters: Counters;
  readonly maxPending: number;
  now(): number;
  route(unitId: number): Route | undefined;
  closed(connection: Connection): void;
}

/** Answers that a client leaves unread, beyond what the system buffers for it. */
const mostUnread = 128 * 1024;

export class Connection implements Asker {
  readonly remote: Peer;
  readonly peer: string;
  readonly #socket: Socket;
  readonly #services: ConnectionServices;
  readonly #framer = new MbapFramer();
  #pending = 0;
  #paused = false;
  #draining = false;
  readonly #out = new MbapBatch();
  readonly #flushSoon = (): void => this.#flush();
  #reader: Reader | undefined;
  /** Monotonic ms of the last frame or answer. */
  #lastAt: number;
  /** Monotonic ms of the last octets. */
  #heardAt = 0;
  /** When a frame that is not whole yet began to wait. */
  #halfSince: number | undefined;
  #open = true;
  /** Nothing more is read: the stream is broken, or the client has said all it wanted to. */
  #closing = false;

  constructor(socket: Socket, remote: Peer, services: ConnectionServices) {
    this.#socket = socket;
    this.remote = remote;
    this.peer = remote.address;
    this.#services = services;
    this.#lastAt = services.now();
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('error', () => this.destroy());
    socket.on('close', () => this.destroy());
    socket.on('end', () => this.finish());
  }

  /** Said nothing whole since `idleAt`, or has left a frame unfinished since `halfAt` with no answer under way. */
  isIdle(idleAt: number, halfAt: number): boolean {
    if (this.#lastAt < idleAt) return true;
    return this.#halfSince !== undefined && this.#halfSince < halfAt && this.#pending === 0;
  }

  caller(): Caller {
    return this.#services.gate.callerOf(this.remote);
  }

  reader(): Reader {
    if (!this.#draining) return this.#services.gate.reader(this.caller(), 'point.read');
    this.#reader ??= this.#services.gate.reader(this.caller(), 'point.read');
    return this.#reader;
  }

  destroy(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#socket.destroy();
    this.#services.closed(this);
  }

  #take(chunk: Uint8Array): void {
    this.#heardAt = this.#services.now();
    this.#framer.push(chunk);
    this.#drain();
    if (this.#framer.held > 0) this.#halfSince ??= this.#heardAt;
  }

  #drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    while (this.#open && !this.#closing && this.#pending < this.#services.maxPending) {
      const event = this.#framer.next();
      if (event === undefined) break;
      if (event.kind === 'fault') this.#broken(event);
      else this.#frame(event);
    }
    this.#draining = false;
    // A reader is valid for this tick only; whoever comes in a later one takes a new one.
    this.#reader = undefined;
    this.#throttle();
  }

  #throttle(): void {
    const full = this.#pending >= this.#services.maxPending;
    if (full === this.#paused || !this.#open) return;
    this.#paused = full;
    if (full) this.#socket.pause();
    else this.#socket.resume();
  }

  #frame(adu: MbapAdu): void {
    const { transactionId, unitId } = adu;
    this.#services.counters.frames_in += 1;
    this.#lastAt = this.#heardAt;
    this.#halfSince = undefined;
    const decoded = decodeRequest(adu.bytes, adu.start, adu.end);
    if (!decoded.ok) {
      const { answer, message } = decoded.fault;
      const functionCode = adu.bytes[adu.start] ?? 0;
      this.#recordBroken(`function${functionCode}`, message);
      if (answer !== 'none')
        this.#send(transactionId, unitId, { kind: 'exception', functionCode, exceptionCode: answer });
      return;
    }
    this.#pending += 1;
    this.#services.road.take(this, this.#services.route(unitId), unitId, decoded.value, (response) =>
      this.#replied(transactionId, unitId, response),
    );
  }

  #replied(transactionId: number, unitId: number, response: Response | undefined): void {
    this.#pending -= 1;
    if (!this.#open) return;
    if (response !== undefined) this.#send(transactionId, unitId, response);
    else if (this.#closing) this.#flush();
    if (this.#paused && !this.#draining) this.#drain();
  }

  #broken(fault: MbapFault): void {
    this.#recordBroken('frame', fault.message);
    if (fault.answer !== undefined) {
      const { transactionId, unitId, functionCode } = fault.answer;
      this.#send(transactionId, unitId, {
        kind: 'exception',
        functionCode,
        exceptionCode: exceptionCodes.illegalDataValue,
      });
    }
    if (fault.afterwards === 'continue') return;
    this.finish();
  }

  /** Reads nothing more; what was asked before is still answered, then the connection ends. */
  finish(): void {
    this.#closing = true;
    setImmediate(this.#flushSoon);
  }

  #recordBroken(operation: string, detail: string): void {
    this.#services.counters.frames_broken += 1;
    this.#services.gate.refuse(this.caller(), { operation, reason: 'unsupported', detail });
  }

  #send(transactionId: number, unitId: number, response: Response): void {
    if (this.#out.addResponse(transactionId, unitId, response) !== undefined || this.#out.frames > 1) return;
    // While others are waited for, what all sockets bring in this turn of the event loop leaves in one write.
    if (this.#pending > 0) setImmediate(this.#flushSoon);
    else process.nextTick(this.#flushSoon);
  }

  #flush(): void {
    if (!this.#open) return;
    if (this.#out.frames > 0) {
      this.#lastAt = this.#services.now();
      this.#socket.write(this.#out.take());
      if (this.#socket.writableLength > mostUnread) this.destroy();
    }
    if (this.#closing && this.#pending === 0) this.#socket.end(() => this.destroy());
  }
}
