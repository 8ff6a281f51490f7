// ─► device as RTU master, on a serial port or through TCP: one request at a time, its answer framed by expected length.
// 1. t3.5 of silence before every frame; the turnaround after a broadcast. 2. Only reads are sent again.
// 3. What comes after the time is up is thrown away: the line must have been silent before the next request.

import type { LineHealth } from '../../src/contract/driver.ts';
import type { Line, Settle } from './line.ts';
import { type LineServices, Link, type OpenStream } from './link.ts';
import { decodeResponse } from './wire/decode-response.ts';
import { isAnswered, type Request } from './wire/request.ts';
import { encodeRtuRequest, type RtuAdu, type RtuFault, RtuFramer } from './wire/rtu.ts';

export interface RtuSettings {
  readonly openStream: OpenStream;
  readonly timeoutMs: number;
  readonly turnaroundMs: number;
  readonly retries: number;
  /** Silence between frames: 3.5 characters on a serial line (Serial Line V1.02, 2.5.1.1); 0 in a TCP stream. */
  readonly silenceMs: number;
  /** Another connection is made after a lost answer, so that it cannot come any more; a serial port cannot. */
  readonly reconnects: boolean;
}

/** 3.5 characters of 11 bits, 1.75 ms above 19 200 baud. */
export function silenceOf(baudRate: number): number {
  return baudRate > 19_200 ? 1.75 : (3.5 * 11 * 1000) / baudRate;
}

/** Ends answers that only silence ends (vendor functions): longer than any pause a driver or a terminal server makes. */
const endOfFrameMs = 30;

function endsBySilence({ kind }: Request): boolean {
  return kind === 'unsupported' || kind === 'encapsulatedInterfaceTransport' || kind === 'diagnostics';
}

interface Current {
  readonly unitId: number;
  readonly request: Request;
  readonly settle: Settle;
  readonly framer: RtuFramer;
  timer: { cancel(): void };
  silence: { cancel(): void } | undefined;
  /** How often it may still be sent. */
  left: number;
}

export class RtuLine implements Line {
  readonly name: string;
  readonly isOneDevice = false;
  readonly #settings: RtuSettings;
  readonly #services: LineServices;
  readonly #link: Link;
  #current: Current | undefined;
  /** Monotonic ms before which nothing is sent. */
  #quietUntil = 0;
  readonly #counts = { requests: 0, timeouts: 0, strays: 0, faults: 0, reconnects: 0, retries: 0 };

  constructor(name: string, settings: RtuSettings, services: LineServices) {
    this.name = name;
    this.#settings = settings;
    this.#services = services;
    this.#link = new Link(name, settings.openStream, services, {
      opened: () => undefined,
      data: (chunk) => this.#take(chunk),
      closed: (why) => this.#lose(why),
    });
  }

  open(): void {
    this.#link.open();
  }

  ready(then: (up: boolean) => void): void {
    this.#link.ready((up) => {
      const wait = this.#quietUntil - this.#services.clock.monotonic();
      if (!up || wait <= 0) then(up && this.#link.isUp);
      else this.#services.timers.after(Math.ceil(wait), () => this.ready(then));
    });
  }

  exchange(unitId: number, request: Request, change: boolean, settle: Settle): void {
    const framer = new RtuFramer(request);
    const left = change ? 0 : this.#settings.retries;
    const current: Current = { unitId, request, settle, framer, left, timer: { cancel() {} }, silence: undefined };
    if (change) this.#send(current);
    else this.#sendWhenReady(current);
  }

  broadcast(request: Request, settle: Settle): void {
    if (!this.#write(0, request, settle)) return;
    this.#hush(this.#settings.turnaroundMs);
    this.#services.timers.after(this.#settings.turnaroundMs, () => settle({ kind: 'unanswered' }));
  }

  health(): LineHealth {
    return this.#link.health();
  }

  counters(): { readonly [name: string]: number } {
    return this.#counts;
  }

  stop(): void {
    this.#link.stop();
  }

  #sendWhenReady(current: Current): void {
    this.ready((up) => {
      if (up) this.#send(current);
      else current.settle({ kind: 'down', why: this.#link.why });
    });
  }

  #send(current: Current): void {
    const { unitId, request, settle } = current;
    if (this.#current !== undefined) {
      settle({ kind: 'down', why: 'the line is busy' });
      return;
    }
    if (!this.#write(unitId, request, settle)) return;
    if (!isAnswered(request)) {
      this.#hush(this.#settings.turnaroundMs);
      settle({ kind: 'unanswered' });
      return;
    }
    current.framer.reset();
    current.timer = this.#services.timers.after(this.#settings.timeoutMs, () => {
      this.#counts.timeouts += 1;
      this.#fail(current, `no answer within ${this.#settings.timeoutMs} ms`);
    });
    this.#current = current;
  }

  #write(unitId: number, request: Request, settle: Settle): boolean {
    const encoded = this.#link.isUp ? encodeRtuRequest(unitId, request) : undefined;
    if (encoded?.ok) {
      this.#counts.requests += 1;
      this.#link.write(encoded.value);
      return true;
    }
    settle({ kind: 'down', why: encoded === undefined ? this.#link.why : encoded.fault.message });
    return false;
  }

  #take(chunk: Uint8Array): void {
    this.#hush(0);
    const current = this.#current;
    if (current === undefined) {
      this.#counts.strays += 1;
      return;
    }
    current.framer.push(chunk);
    for (let event = current.framer.next(); event !== undefined; event = current.framer.next()) {
      if (this.#hear(current, event)) return;
    }
    if (!endsBySilence(current.request)) return;
    current.silence?.cancel();
    current.silence = this.#services.timers.after(endOfFrameMs, () => {
      const event = current.framer.silence();
      if (event !== undefined && this.#current === current) this.#hear(current, event);
    });
  }

  /** `true` where the exchange is over. */
  #hear(current: Current, event: RtuAdu | RtuFault): boolean {
    if (event.kind === 'fault') {
      this.#counts.faults += 1;
      this.#fail(current, `the device's answer is broken: ${event.message}`);
      return true;
    }
    if (event.unitId !== current.unitId) {
      this.#counts.strays += 1;
      return false;
    }
    const decoded = decodeResponse(current.request, event.bytes, event.start, event.end);
    if (decoded.ok) {
      this.#end(current);
      this.#link.proved();
      current.settle({ kind: 'response', response: decoded.value });
    } else {
      this.#counts.faults += 1;
      this.#fail(current, `the device's answer is broken: ${decoded.fault.message}`);
    }
    return true;
  }

  /** The answer did not come, or not in a form to pass on. */
  #fail(current: Current, why: string): void {
    this.#end(current);
    this.#hush(this.#settings.turnaroundMs);
    if (this.#settings.reconnects) this.#link.restart(why);
    this.#againOrLost(current, why);
  }

  #againOrLost(current: Current, why: string): void {
    if (current.left === 0) {
      current.settle({ kind: 'lost', why });
      return;
    }
    current.left -= 1;
    this.#counts.retries += 1;
    this.#sendWhenReady(current);
  }

  #end(current: Current): void {
    current.timer.cancel();
    current.silence?.cancel();
    this.#current = undefined;
  }

  #lose(why: string): void {
    this.#counts.reconnects += 1;
    const current = this.#current;
    if (current === undefined) return;
    this.#end(current);
    this.#againOrLost(current, why);
  }

  #hush(ms: number): void {
    const until = this.#services.clock.monotonic() + Math.max(ms, this.#settings.silenceMs);
    this.#quietUntil = Math.max(this.#quietUntil, until);
  }
}
