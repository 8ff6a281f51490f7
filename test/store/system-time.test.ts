// The machine's own timers: what has come in is heard before anything is late.

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { systemTimers } from '../../src/store/system-time.ts';

function standStill(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

it('hear an answer that came while the process stood still, before they say that none came', async () => {
  const ear = createSocket('udp4').bind(0, '127.0.0.1');
  const mouth = createSocket('udp4').bind(0, '127.0.0.1');
  try {
    await Promise.all([once(ear, 'listening'), once(mouth, 'listening')]);
    const heard: string[] = [];
    ear.on('message', () => heard.push('the answer'));
    const late = new Promise<void>((resolve) => {
      systemTimers.after(10, () => {
        heard.push('it is late');
        resolve();
      });
    });
    mouth.send('x', ear.address().port, '127.0.0.1', () => standStill(50));
    await late;
    expect(heard).toEqual(['the answer', 'it is late']);
  } finally {
    ear.close();
    mouth.close();
  }
});

it('are cancelled until they run, also when they are due', async () => {
  const ran: string[] = [];
  const first = systemTimers.after(1, () => ran.push('first'));
  first.cancel();
  const second = systemTimers.after(1, () => ran.push('second'));
  setTimeout(() => second.cancel(), 1);
  standStill(20);
  await new Promise<void>((resolve) => systemTimers.after(20, resolve));
  expect(ran).toEqual([]);
  first.cancel();
});
