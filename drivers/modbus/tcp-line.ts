// ─► device over Modbus/TCP: the gateway's own transaction ids, answers matched strictly.
// 1. An id that is outstanding, or whose answer may still come, is never used again on this connection.
// 2. A late answer, one of another unit, or one nobody asked for goes to nobody. 3. A change is written once, at once.

import type { LineHealth } from '../../src/contract/driver.ts';
import type { TcpLineConfig } from './config.ts';
import type { Answer, Line, Settle } from './line.ts';
import { type LineServices, Link, tcpStream } from './link.ts';
import { decodeResponse } from './wire/decode-response.ts';
import { type MbapAdu, MbapFramer } from './wire/mbap.ts';
import { MbapBatch } from './wire/mbap-batch.ts';
import { isAnswered, type Request } from './wire/request.ts';

/** After so many answers that never came the connection is opened anew: then none of them can come any more. */
const mostOverdue = 16;

class Outstanding {
  readonly id: number;
  readonly unitId: number;
  readonly request: Request;
  readonly settle: Settle;
  readonly deadline: number;
  readonly again: boolean;

  constructor(id: number, unitId: number, request: Request, settle: Settle, deadline: number, again: boolean) {
    this.id = id;
    this.unitId = unitId;
    this.request = request;
    this.settle = settle;
    this.deadline = deadline;
    this.again = again;
  }
}

export class TcpLine implements Line {
  readonly name: string;
  readonly isOneDevice: boolean;
  readonly #config: TcpLineConfig;
  readonly #services: LineServices;
  readonly #link: Link;
  #framer = new MbapFramer();
  /** In the order they were sent, and so of their deadlines; few, and the first is mostly the one that is answered. */
  #outstanding: Outstanding[] = [];
  readonly #overdue = new Set<number>();
  #lastId = 0;
  readonly #out = new MbapBatch();
  /** Half of what may be in flight: the device works on one half while answers of the other are passed on. */
  readonly #burst: number;
  readonly #flushSoon = (): void => this.#flush();
  #timer: { cancel(): void } | undefined;
  readonly #counts = { requests: 0, timeouts: 0, strays: 0, faults: 0, reconnects: 0 };

  constructor(name: string, config: TcpLineConfig, services: LineServices) {
    this.name = name;
    this.isOneDevice = config.kind === 'device';
    this.#config = config;
    this.#services = services;
    this.#burst = Math.max(1, config.inFlight >> 1);
    const stream = tcpStream(config.tcp.host, config.tcp.port, config.connectTimeoutMs, services.timers);
    this.#link = new Link(name, stream, services, {
      opened: () => {
        this.#framer = new MbapFramer();
        this.#overdue.clear();
      },
      data: (chunk) => this.#take(chunk),
      closed: (why) => this.#lose(why),
    });
  }

  open(): void {
    this.#link.open();
  }

  ready(then: (up: boolean) => void): void {
    this.#link.ready(then);
  }

  exchange(unitId: number, request: Request, change: boolean, settle: Settle): void {
    if (this.#link.isUp) this.#send(unitId, request, change, settle, !change);
    else if (change) settle({ kind: 'down', why: this.#link.why });
    else this.#sendWhenUp(unitId, request, settle);
  }

  broadcast(request: Request, settle: Settle): void {
    if (!this.#link.isUp) {
      settle({ kind: 'down', why: this.#link.why });
      return;
    }
    const fault = this.#out.addRequest(this.#nextId(), 0, request);
    if (fault !== undefined) {
      settle({ kind: 'down', why: fault.message });
      return;
    }
    this.#counts.requests += 1;
    this.#flush();
    // Nobody answers, so the units behind the host are given the time an answer would have had.
    this.#services.timers.after(this.#config.timeoutMs, () => settle({ kind: 'unanswered' }));
  }

  health(): LineHealth {
    return this.#link.health();
  }

  counters(): { readonly [name: string]: number } {
    return this.#counts;
  }

  stop(): void {
    this.#timer?.cancel();
    this.#link.stop();
  }

  #sendWhenUp(unitId: number, request: Request, settle: Settle): void {
    this.#link.ready((up) => {
      if (up && this.#link.isUp) this.#send(unitId, request, false, settle, false);
      else settle({ kind: 'down', why: this.#link.why });
    });
  }

  #send(unitId: number, request: Request, change: boolean, settle: Settle, again: boolean): void {
    const id = this.#nextId();
    const fault = this.#out.addRequest(id, unitId, request);
    if (fault !== undefined) {
      settle({ kind: 'down', why: fault.message });
      return;
    }
    this.#counts.requests += 1;
    const isAwaited = isAnswered(request);
    if (isAwaited) {
      const deadline = this.#services.clock.monotonic() + this.#config.timeoutMs;
      this.#outstanding.push(new Outstanding(id, unitId, request, settle, deadline, again));
      if (this.#timer === undefined) this.#watch(this.#config.timeoutMs);
    }
    if (change || this.#out.frames >= this.#burst) this.#flush();
    else if (this.#out.frames === 1) {
      // While others are outstanding, what all clients ask in this turn of the event loop leaves in one write.
      if (this.#outstanding.length > 1) setImmediate(this.#flushSoon);
      else process.nextTick(this.#flushSoon);
    }
    if (!isAwaited) settle({ kind: 'unanswered' });
  }

  #flush(): void {
    if (this.#out.frames > 0) this.#link.write(this.#out.take());
  }

  #nextId(): number {
    do this.#lastId = (this.#lastId + 1) & 0xffff;
    while (this.#placeOf(this.#lastId) >= 0 || this.#overdue.has(this.#lastId));
    return this.#lastId;
  }

  /** Where an outstanding id stands; below 0 where it is none. */
  #placeOf(id: number): number {
    return this.#outstanding.findIndex((one) => one.id === id);
  }

  #take(chunk: Uint8Array): void {
    this.#framer.push(chunk);
    for (let adu = this.#framer.next(); adu !== undefined; adu = this.#framer.next()) {
      if (adu.kind === 'adu') this.#answer(adu);
      else {
        this.#counts.faults += 1;
        this.#link.restart(`the device sent a broken frame: ${adu.message}`);
        return;
      }
    }
  }

  #answer(adu: MbapAdu): void {
    const place = this.#placeOf(adu.transactionId);
    const waiting = this.#outstanding[place];
    if (waiting === undefined || waiting.unitId !== adu.unitId) {
      this.#overdue.delete(adu.transactionId);
      this.#counts.strays += 1;
      return;
    }
    if (place === 0) this.#outstanding.shift();
    else this.#outstanding.splice(place, 1);
    this.#link.proved();
    const decoded = decodeResponse(waiting.request, adu.bytes, adu.start, adu.end);
    if (decoded.ok) {
      waiting.settle({ kind: 'response', response: decoded.value });
      return;
    }
    this.#counts.faults += 1;
    waiting.settle({ kind: 'lost', why: `the device's answer is broken: ${decoded.fault.message}` });
  }

  #watch(delayMs: number): void {
    this.#timer = this.#services.timers.after(delayMs, () => this.#sweep());
  }

  // One timer for all: deadlines come in the order of sending.
  #sweep(): void {
    this.#timer = undefined;
    const now = this.#services.clock.monotonic();
    const late: Outstanding[] = [];
    for (let first = this.#outstanding[0]; first !== undefined; first = this.#outstanding[0]) {
      if (first.deadline > now) {
        this.#watch(Math.max(1, first.deadline - now));
        break;
      }
      this.#outstanding.shift();
      this.#overdue.add(first.id);
      late.push(first);
    }
    this.#counts.timeouts += late.length;
    const answer: Answer = { kind: 'lost', why: `no answer within ${this.#config.timeoutMs} ms` };
    for (const { settle } of late) settle(answer);
    if (this.#overdue.size > mostOverdue) this.#link.restart('too many answers never came');
  }

  #lose(why: string): void {
    this.#out.take();
    this.#counts.reconnects += 1;
    const lost = this.#outstanding;
    this.#outstanding = [];
    for (const { unitId, request, settle, again } of lost) {
      if (again) this.#sendWhenUp(unitId, request, settle);
      else settle({ kind: 'lost', why });
    }
  }
}
