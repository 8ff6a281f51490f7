// A permitted change goes at once, and nothing that was said before it comes after it.

import { expect, it } from 'vitest';
import { DatagramSocket, type SocketEvents } from '../../../drivers/bacnet/datagram-socket.ts';
import { TurnEnd } from '../../../drivers/bacnet/turn-end.ts';

const turn = new TurnEnd((error) => {
  throw error;
});
const open = (address: string, events: SocketEvents): Promise<DatagramSocket> =>
  DatagramSocket.open({ address, port: 0, broadcastAddress: '127.255.255.255', setting: 'test' }, events, turn);

it('what goes at once takes with it what waits; the end of a turn takes the rest', async () => {
  const heard: number[] = [];
  let count = 0;
  let all: () => void = () => undefined;
  const whole = new Promise<void>((resolve) => {
    all = resolve;
  });
  const ear = await open('127.0.0.1', {
    datagram(octets) {
      heard.push(...octets);
      count += 1;
      if (count === 9) all();
    },
    sendFailed: () => undefined,
  });
  const mouth = await open('127.0.0.1', { datagram: () => undefined, sendFailed: () => undefined });
  try {
    mouth.sendSoon(Uint8Array.of(1), ear.endpoint);
    mouth.sendSoon(Uint8Array.of(2), ear.endpoint);
    mouth.send(Uint8Array.of(3), ear.endpoint);
    mouth.sendSoon(Uint8Array.of(4), ear.endpoint);
    // More than the first few of a turn: in their order all the same.
    for (const octet of [5, 6, 7, 8, 9]) mouth.sendSoon(Uint8Array.of(octet), ear.endpoint);
    await whole;
    expect(heard).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  } finally {
    await mouth.stop();
    await ear.stop();
  }
});
