// Old journal rows go only when the cloud has them and the site no longer keeps them.

import { expect, it } from 'vitest';
import { openClock } from '../../src/cloud/clock.ts';
import { keepRetention } from '../../src/daemon/retention.ts';
import { MemoryDisk, openMemoryStore } from '../cloud/memory-policy-store.ts';
import { START, VirtualTime } from '../cloud/virtual-time.ts';

const DAY_MS = 86_400_000;

function scene(acknowledged: number | undefined, removed: () => number = () => 3) {
  const time = new VirtualTime();
  const asked: [number, number][] = [];
  const logged: string[] = [];
  const end = keepRetention({
    journal: {
      async prune(before, upTo) {
        asked.push([before, upTo]);
        return removed();
      },
    },
    clock: openClock(openMemoryStore(new MemoryDisk()), time),
    timers: time,
    log: { write: (_level, event) => void logged.push(event) },
    keepDays: 30,
    acknowledged: () => acknowledged,
  });
  return { time, asked, logged, end };
}

it('asks every hour, up to what is acknowledged and old enough', async () => {
  const { time, asked, logged, end } = scene(41);
  time.advance(60_000);
  expect(asked).toEqual([[START + 60_000 - 30 * DAY_MS, 41]]);
  await Promise.resolve();
  expect(logged).toEqual(['journal.pruned']);
  time.advance(3_600_000);
  expect(asked).toHaveLength(2);
  end();
  time.advance(36_000_000);
  expect(asked).toHaveLength(2);
});

it('without a cloud goes by age alone; with one that has acknowledged nothing, nothing goes', () => {
  const alone = scene(undefined);
  alone.time.advance(60_000);
  expect(alone.asked[0]?.[1]).toBe(Number.MAX_SAFE_INTEGER);
  const silent = scene(0);
  silent.time.advance(60_000);
  expect(silent.asked[0]?.[1]).toBe(0);
});

it('waits for the time, and goes on after a fault', async () => {
  const { time, asked, logged } = scene(41, () => {
    throw new Error('disk');
  });
  time.isSynchronised = false;
  time.advance(60_000);
  expect(asked).toEqual([]);
  time.isSynchronised = true;
  time.advance(3_600_000);
  await new Promise((resolve) => setImmediate(resolve));
  expect(logged).toEqual(['journal.not-pruned']);
  time.advance(3_600_000);
  expect(asked).toHaveLength(2);
});
