// ─► device: one stream to a host or a serial port, opened again with growing pauses for as long as it is wanted.
// 1. `data` and `closed` come only for the stream that is open now. 2. Whoever asks while it is closed learns so at once.

import { connect } from 'node:net';
import type { SerialPort } from 'serialport';
import type { Clock, Timers } from '../../src/contract/clock.ts';
import type { LineHealth } from '../../src/contract/driver.ts';
import type { Log } from '../../src/contract/log.ts';

/** An open or opening stream. After `close` none of its events comes any more. */
interface Stream {
  write(bytes: Uint8Array): void;
  close(): void;
}

interface StreamEvents {
  opened(): void;
  data(chunk: Uint8Array): void;
  closed(why: string): void;
}

/** Begins to open a stream; what happens is told by its events, never in the same call. */
export type OpenStream = (events: StreamEvents) => Stream;

/** What a line needs of the world. */
export interface LineServices {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
}

export function tcpStream(host: string, port: number, connectTimeoutMs: number, timers: Timers): OpenStream {
  return (events) => {
    const socket = connect({ host, port, noDelay: true, keepAlive: true });
    const timer = timers.after(connectTimeoutMs, () => end(`no connection within ${connectTimeoutMs} ms`));
    let open = true;
    const close = (): void => {
      open = false;
      timer.cancel();
      socket.destroy();
    };
    const end = (why: string): void => {
      if (!open) return;
      close();
      events.closed(why);
    };
    socket.on('connect', () => {
      timer.cancel();
      if (open) events.opened();
    });
    socket.on('data', (chunk) => {
      if (open) events.data(chunk);
    });
    socket.on('error', (error) => end(error.message));
    socket.on('close', () => end('the host closed the connection'));
    return { write: (bytes) => socket.write(bytes), close };
  };
}

interface SerialSettings {
  readonly path: string;
  readonly baudRate: number;
  readonly dataBits: 7 | 8;
  readonly parity: 'none' | 'even' | 'odd';
  readonly stopBits: 1 | 2;
}

export function serialStream(settings: SerialSettings): OpenStream {
  return (events) => {
    let open = true;
    let port: SerialPort | undefined;
    const close = (): void => {
      open = false;
      if (port?.isOpen) port.close(() => undefined);
    };
    const end = (why: string): void => {
      if (!open) return;
      close();
      events.closed(why);
    };
    const begin = async (): Promise<void> => {
      // The native binding costs memory: sites without a serial line never load it.
      const serialport = await import('serialport');
      if (!open) return;
      const made = new serialport.SerialPort({ ...settings, autoOpen: false });
      port = made;
      made.on('data', (chunk: Buffer) => {
        if (open) events.data(chunk);
      });
      made.on('error', (error: Error) => end(error.message));
      made.on('close', () => end('the serial port was closed'));
      made.open((error) => {
        if (error) end(error.message);
        else if (open) events.opened();
        else made.close(() => undefined);
      });
    };
    begin().catch((error: unknown) => end(error instanceof Error ? error.message : String(error)));
    return { write: (bytes) => port?.write(Buffer.from(bytes)), close };
  };
}

const firstPauseMs = 100;
const longestPauseMs = 5000;

/** Keeps one stream open. */
export class Link {
  readonly #name: string;
  readonly #openStream: OpenStream;
  readonly #services: LineServices;
  readonly #on: StreamEvents;
  #stream: Stream | undefined;
  #state: 'unused' | 'opening' | 'up' | 'pausing' | 'stopped' = 'unused';
  #why = '';
  #pauseMs = firstPauseMs;
  #pause: { cancel(): void } | undefined;
  #asking: ((up: boolean) => void)[] = [];
  #saidDown = false;

  constructor(name: string, openStream: OpenStream, services: LineServices, on: StreamEvents) {
    this.#name = name;
    this.#openStream = openStream;
    this.#services = services;
    this.#on = on;
  }

  get isUp(): boolean {
    return this.#state === 'up';
  }

  /** Why it is not up, for a person. */
  get why(): string {
    return this.#why;
  }

  open(): void {
    if (this.#state === 'unused') this.#begin();
  }

  ready(then: (up: boolean) => void): void {
    if (this.#state === 'opening') this.#asking.push(then);
    else then(this.#state === 'up');
  }

  write(bytes: Uint8Array): void {
    this.#stream?.write(bytes);
  }

  /** The far end has answered: the next pause is a short one again. */
  proved(): void {
    this.#pauseMs = firstPauseMs;
  }

  /** Ends this stream because of what came through it, or did not, and opens another at once. */
  restart(why: string): void {
    if (this.#state !== 'up') return;
    this.#stream?.close();
    this.#begin();
    this.#on.closed(why);
  }

  health(): LineHealth {
    if (this.#state === 'up') return { name: this.#name, state: 'up' };
    if (this.#state === 'unused') return { name: this.#name, state: 'unused' };
    return { name: this.#name, state: 'down', why: this.#why === '' ? 'connecting' : this.#why };
  }

  stop(): void {
    const wasUp = this.#state === 'up';
    this.#state = 'stopped';
    this.#why = 'stopped';
    this.#pause?.cancel();
    this.#stream?.close();
    this.#tell(false);
    if (wasUp) this.#on.closed('stopped');
  }

  #begin(): void {
    this.#state = 'opening';
    this.#stream = this.#openStream({
      opened: () => this.#opened(),
      data: (chunk) => this.#on.data(chunk),
      closed: (why) => this.#closed(why),
    });
  }

  #opened(): void {
    this.#state = 'up';
    this.#why = '';
    this.#saidDown = false;
    this.#services.log.write('info', 'line.up', { line: this.#name }, `line \`${this.#name}\` is up`);
    this.#on.opened();
    this.#tell(true);
  }

  #closed(why: string): void {
    const wasUp = this.#state === 'up';
    this.#state = 'pausing';
    this.#why = why;
    if (!this.#saidDown) {
      this.#saidDown = true;
      this.#services.log.write(
        'warn',
        'line.down',
        { line: this.#name, why },
        `line \`${this.#name}\` is down: ${why}`,
      );
    }
    // One that was up may only have been idle: it is opened again at once, so that the next request finds it.
    const pauseMs = wasUp && this.#pauseMs === firstPauseMs ? 0 : this.#pauseMs;
    this.#pauseMs = Math.min(this.#pauseMs * 2, longestPauseMs);
    if (pauseMs === 0) this.#begin();
    else this.#pause = this.#services.timers.after(pauseMs, () => this.#begin());
    if (wasUp) this.#on.closed(why);
    else this.#tell(false);
  }

  #tell(up: boolean): void {
    const asking = this.#asking;
    this.#asking = [];
    for (const then of asking) then(up);
  }
}
