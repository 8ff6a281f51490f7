// How many connections one address may hold and begin, from the first byte on: whoever opens more does not keep others out, and
// shaking hands, which costs a millisecond of the one thread, does not keep devices waiting.

import type { Server } from 'node:https';
import type { Socket } from 'node:net';
import type { Clock } from '../contract/clock.ts';
import { addressGroup } from './attempts.ts';
import { plainAddress } from './peer-address.ts';

export interface ConnectionBounds {
  /** Open at once, of one address. */
  readonly held: number;
  /** Begun within a second, after `burst` at once. */
  readonly pace: number;
  readonly burst: number;
  /** The same of all addresses together. */
  readonly paceOfAll: number;
  readonly burstOfAll: number;
}

/** A browser has six at most; several people may work behind one router, and every page comes back when the gateway does. */
export const USUAL_BOUNDS: ConnectionBounds = { held: 256, pace: 50, burst: 256, paceOfAll: 200, burstOfAll: 512 };

interface Pace {
  left: number;
  at: number;
}

interface Place {
  open: number;
  readonly pace: Pace;
}

export function boundConnections(server: Server, clock: Pick<Clock, 'monotonic'>, bounds: ConnectionBounds): void {
  const places = new Map<string, Place>();
  const all: Pace = { left: bounds.burstOfAll, at: clock.monotonic() };

  function refill(pace: Pace, perSecond: number, most: number): number {
    const now = clock.monotonic();
    pace.left = Math.min(most, pace.left + ((now - pace.at) / 1000) * perSecond);
    pace.at = now;
    return pace.left;
  }

  /** Nothing is kept of an address that holds nothing and could begin as many as any other. */
  function forgetRested(): void {
    for (const [address, { open, pace }] of places) {
      if (open === 0 && refill(pace, bounds.pace, bounds.burst) >= bounds.burst) places.delete(address);
    }
  }

  server.prependListener('connection', (socket: Socket) => {
    const address = addressGroup(plainAddress(socket.remoteAddress ?? ''));
    if (places.size >= bounds.burstOfAll) forgetRested();
    const place = places.get(address) ?? { open: 0, pace: { left: bounds.burst, at: clock.monotonic() } };
    const isTooMany = place.open >= bounds.held || refill(place.pace, bounds.pace, bounds.burst) < 1;
    if (isTooMany || refill(all, bounds.paceOfAll, bounds.burstOfAll) < 1) {
      socket.destroy();
      return;
    }
    places.set(address, place);
    place.pace.left -= 1;
    all.left -= 1;
    place.open += 1;
    socket.once('close', () => {
      place.open -= 1;
    });
  });
}
