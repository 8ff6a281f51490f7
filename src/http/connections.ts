// How many connections one address may hold, from the first byte on: whoever opens more does not keep others out.

import type { Server } from 'node:https';
import type { Socket } from 'node:net';
import { addressGroup } from './attempts.ts';
import { plainAddress } from './peer-address.ts';

export function boundByAddress(server: Server, most: number): void {
  const open = new Map<string, number>();
  server.prependListener('connection', (socket: Socket) => {
    const address = addressGroup(plainAddress(socket.remoteAddress ?? ''));
    const count = open.get(address) ?? 0;
    if (count >= most) {
      socket.destroy();
      return;
    }
    open.set(address, count + 1);
    socket.once('close', () => {
      const left = (open.get(address) ?? 1) - 1;
      if (left > 0) open.set(address, left);
      else open.delete(address);
    });
  });
}
