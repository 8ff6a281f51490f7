// Server-sent events: bounded in number, each bounded in what may wait for a slow reader. Invariants: 1. a stream ends with the
// standing of its asker; 2. who does not read is dropped; 3. nothing is sent that the asker may not see at that moment;
// 4. what becomes known in one turn of the event loop goes out as one write.

import type { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Clock, Timers } from '../contract/clock.ts';
import type { PolicySnapshot } from '../policy/rights.ts';
import { type Asker, standsNow } from './asker.ts';
import { tooMany } from './problem.ts';

const PER_PERSON = 8;
/** A whole crew behind one router, but not everybody's share. */
const PER_ADDRESS = 64;
const MOST_WAITING_BYTES = 262_144;
const BEAT_MS = 15_000;

/** Why a stream ends; never a name. `signed-out`: its session is over, whoever ended it. */
type StreamEnd = 'signed-out' | 'revoked' | 'no-policy' | 'stopping';

export interface EventStream {
  readonly asker: Asker;
  send(event: string, data: unknown): void;
  /** The same with an event that was put into words before, by `eventText`. */
  sendText(text: string): void;
  /** Says why, and closes. */
  end(why: StreamEnd): void;
  onEnd(run: () => void): void;
  /** After every change of anybody's standing that this stream survived. */
  onLook(run: () => void): void;
}

export interface EventStreams {
  /** @throws Problem 429 where there are too many */
  open(asker: Asker, response: ServerResponse, headers: { readonly [name: string]: string }): EventStream;
  /** Every stream is looked at again: after a swap of policy, locks or sessions. */
  lookAgain(): void;
  endOf(session: string): void;
  /** Those that go out by this connection. */
  endOn(socket: Duplex, why: StreamEnd): void;
  readonly size: number;
  all(): readonly EventStream[];
  stop(): void;
}

export const eventText = (event: string, data: unknown): string => `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;

interface Open extends EventStream {
  readonly response: ServerResponse;
  look(): void;
  beat(): void;
}

interface StreamServices {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly most: number;
  policy(): PolicySnapshot | undefined;
  /** The session or the token it came with still holds. */
  isProven(asker: Asker): boolean;
}

export function createEventStreams({ clock, timers, most, policy, isProven }: StreamServices): EventStreams {
  const streams = new Set<Open>();
  let beat = timers.after(BEAT_MS, onBeat);

  function onBeat(): void {
    beat = timers.after(BEAT_MS, onBeat);
    lookAgain();
    for (const stream of [...streams]) stream.beat();
  }

  function lookAgain(): void {
    const snapshot = policy();
    for (const stream of [...streams]) {
      const { asker } = stream;
      if (!snapshot) stream.end('no-policy');
      else if (!isProven(asker)) stream.end('signed-out');
      else if (standsNow(snapshot, asker.caller, clock) !== 'stands') stream.end('revoked');
      else stream.look();
    }
  }

  return {
    open(asker, response, headers) {
      const own = [...streams].filter((stream) => stream.asker.caller.principal === asker.caller.principal);
      if (streams.size >= most) throw tooMany('there are too many event streams', 10);
      if (own.length >= PER_PERSON) throw tooMany(`you have ${PER_PERSON} event streams already`, 10);
      const near = [...streams].filter((stream) => stream.asker.caller.peer === asker.caller.peer);
      if (near.length >= PER_ADDRESS) throw tooMany('there are too many event streams from this address', 10);
      const listeners: (() => void)[] = [];
      const looks: (() => void)[] = [];
      let isOver = false;
      let waiting = '';
      const flush = (): void => {
        const text = waiting;
        waiting = '';
        if (text !== '' && !isOver) response.write(text);
      };
      const over = (): void => {
        if (isOver) return;
        isOver = true;
        streams.delete(stream);
        for (const run of listeners) run();
      };
      const stream: Open = {
        asker,
        response,
        send: (event, data) => stream.sendText(eventText(event, data)),
        sendText(text) {
          if (isOver) return;
          if (response.writableLength + waiting.length > MOST_WAITING_BYTES) {
            response.destroy();
            over();
            return;
          }
          if (waiting === '') setImmediate(flush);
          waiting += text;
        },
        end(why) {
          if (isOver) return;
          response.end(`${waiting}${eventText('end', { why })}`);
          over();
        },
        beat: () => stream.sendText(': \n\n'),
        onEnd: (run) => void listeners.push(run),
        onLook: (run) => void looks.push(run),
        look() {
          for (const run of looks) run();
        },
      };
      response.writeHead(200, {
        ...headers,
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
        'x-accel-buffering': 'no',
      });
      response.write('retry: 3000\n\n');
      response.on('close', over);
      streams.add(stream);
      return stream;
    },
    lookAgain,
    endOf(session) {
      for (const stream of [...streams]) if (stream.asker.session?.id === session) stream.end('signed-out');
    },
    endOn(socket, why) {
      for (const stream of [...streams]) if (stream.response.socket === socket) stream.end(why);
    },
    get size() {
      return streams.size;
    },
    all: () => [...streams],
    stop() {
      beat.cancel();
      for (const stream of [...streams]) stream.end('stopping');
    },
  };
}
