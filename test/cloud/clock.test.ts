import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openClock } from '../../src/cloud/clock.ts';
import { MemoryDisk, openMemoryStore } from './memory-policy-store.ts';
import { START, VirtualTime } from './virtual-time.ts';

const DAY = 86_400_000;

function begin(): { disk: MemoryDisk; time: VirtualTime } {
  const time = new VirtualTime();
  time.isSynchronised = false;
  return { disk: new MemoryDisk(), time };
}

describe('the clock', () => {
  it('is unsure after boot, and sure once a new signed message was accepted', () => {
    const { disk, time } = begin();
    const clock = openClock(openMemoryStore(disk), time);
    expect(clock.sure()).toBe(false);
    clock.witness(START - DAY);
    expect(clock.sure()).toBe(false);
    clock.confirm(START - DAY);
    expect(clock.sure()).toBe(true);
    expect(clock.now()).toBe(START);
  });

  it('is sure with a synchronised clock, or one the site vouches for', () => {
    const { disk, time } = begin();
    time.isSynchronised = true;
    expect(openClock(openMemoryStore(disk), time).sure()).toBe(true);
    time.isSynchronised = false;
    time.trustSystem = true;
    expect(openClock(openMemoryStore(disk), time).sure()).toBe(true);
  });

  it('asks the time service again, not at every call', () => {
    const { disk, time } = begin();
    const clock = openClock(openMemoryStore(disk), time);
    expect(clock.sure()).toBe(false);
    time.isSynchronised = true;
    expect(clock.sure()).toBe(false);
    time.advance(10_000);
    expect(clock.sure()).toBe(true);
  });

  it('wakes in 1970 and goes on from the stored floor', async () => {
    const { disk, time } = begin();
    const before = openClock(openMemoryStore(disk), time);
    before.confirm(START);
    time.advance(600_000);
    await before.keep();
    time.setSystem(0);
    const clock = openClock(openMemoryStore(disk), time);
    expect(clock.now()).toBe(START + 600_000);
    expect(clock.sure()).toBe(false);
    time.advance(5_000);
    expect(clock.now()).toBe(START + 605_000);
  });

  it('stores nothing before it knows anything, and passes over a stored value that is none', async () => {
    const { disk, time } = begin();
    const clock = openClock(openMemoryStore(disk), time);
    await clock.keep();
    expect(disk.settings.size).toBe(0);
    expect(clock.floor()).toBe(0);
    disk.settings.set('clock.floor', 'garbage');
    expect(openClock(openMemoryStore(disk), time).floor()).toBe(0);
  });

  it('never lets a jump of the system’s clock move the floor; a jump makes it unsure', () => {
    const { disk, time } = begin();
    const clock = openClock(openMemoryStore(disk), time);
    clock.confirm(START);
    time.setSystem(START + 400 * DAY);
    expect(clock.floor()).toBe(START);
    expect(clock.sure()).toBe(false);
    time.setSystem(START - 400 * DAY);
    expect(clock.now()).toBe(START);
    time.advance(1_000);
    expect(clock.now()).toBe(START + 1_000);
    clock.confirm(START + 500);
    expect(clock.sure()).toBe(true);
    time.setSystem(START - 400 * DAY + 31_000);
    expect(clock.sure()).toBe(true);
  });

  it('an older signed message does not lower the floor', () => {
    const { disk, time } = begin();
    const clock = openClock(openMemoryStore(disk), time);
    clock.confirm(START);
    clock.witness(START - DAY);
    expect(clock.floor()).toBe(START);
  });

  it('whatever happens, the floor never falls, nor does time below it', async () => {
    const step = fc.oneof(
      fc.record({ set: fc.integer({ min: 0, max: START * 2 }) }),
      fc.record({ advance: fc.integer({ min: 0, max: 3 * DAY }) }),
      fc.record({ signed: fc.integer({ min: START - 30 * DAY, max: START + 30 * DAY }) }),
      fc.record({ reboot: fc.constant(true) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const { disk, time } = begin();
        let clock = openClock(openMemoryStore(disk), time);
        let floor = 0;
        for (const next of steps) {
          if ('set' in next) time.setSystem(next.set);
          else if ('advance' in next) time.advance(next.advance);
          else if ('signed' in next) clock.confirm(next.signed);
          else {
            await clock.keep();
            floor = Math.floor(floor);
            clock = openClock(openMemoryStore(disk), time);
          }
          expect(clock.floor()).toBeGreaterThanOrEqual(floor);
          floor = clock.floor();
          expect(clock.now()).toBeGreaterThanOrEqual(floor);
        }
      }),
      { numRuns: 100 },
    );
  });
});
