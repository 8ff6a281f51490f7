// What opens late: waited for with growing pauses, said once, and opened without a restart.

import { describe, expect, it } from 'vitest';
import type { Listening } from '../../src/contract/driver.ts';
import { AddressMissing, LateOpening, sayListening } from '../../src/contract/late-opening.ts';
import { driverName } from '../../src/model/ids.ts';
import { StageLog, StageTime } from '../gate/stage.ts';

const nowhere = new AddressMissing('drivers.x.address', '192.0.2.1', {});

function staged(faults: readonly (Error | undefined)[]) {
  const time = new StageTime();
  const log = new StageLog();
  const tries: number[] = [];
  const open = async (): Promise<Listening> => {
    const fault = faults[tries.length];
    tries.push(time.ticks);
    if (fault !== undefined) throw fault;
    return { name: 'north', address: '192.0.2.1', port: 47_808, transport: 'udp' };
  };
  const opening = new LateOpening('north', open, { log, timers: time, said: sayListening(log, driverName('bacnet')) });
  const pass = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 500) {
      time.pass(500);
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  return { time, log, tries, opening, pass };
}

describe('an opening', () => {
  it('that finds its address waits for nothing', async () => {
    const { opening, time, log } = staged([]);
    await opening.begin();
    expect(opening.waiting).toBeUndefined();
    expect(time.pending).toBe(0);
    expect(log.of('listener.waiting')).toEqual([]);
    expect(log.of('listener.open')).toHaveLength(1);
    expect(opening.listening).toMatchObject({ name: 'north', port: 47_808 });
  });

  it('waits longer and longer for an address, and opens once it is there', async () => {
    const { opening, tries, log, pass, time } = staged([...Array(7).fill(nowhere), undefined]);
    await opening.begin();
    expect(opening.listening).toBeUndefined();
    expect(opening.waiting).toBe(
      'drivers.x.address: `192.0.2.1` is no address of an interface that is up; found none but loopback',
    );
    await pass(100_000);
    expect(tries).toEqual([0, 1000, 3000, 7000, 15_000, 30_000, 45_000, 60_000]);
    expect(opening.waiting).toBeUndefined();
    expect(opening.listening).toMatchObject({ address: '192.0.2.1' });
    expect(log.of('listener.waiting')).toHaveLength(1);
    expect(log.of('listener.open')).toHaveLength(1);
    expect(time.pending).toBe(0);
  });

  it('ends the start by any other fault, but not once it waits', async () => {
    const atOnce = staged([new Error('taken')]);
    await expect(atOnce.opening.begin()).rejects.toThrow('taken');
    expect(atOnce.time.pending).toBe(0);
    const later = staged([nowhere, new Error('taken'), undefined]);
    await later.opening.begin();
    await later.pass(1000);
    expect(later.opening.waiting).toBe('taken');
    await later.pass(2000);
    expect(later.opening.waiting).toBeUndefined();
    expect(later.log.of('listener.waiting')).toHaveLength(2);
  });

  it('that is stopped tries no more', async () => {
    const { opening, tries, pass } = staged([nowhere, nowhere]);
    await opening.begin();
    await opening.stop();
    await pass(60_000);
    expect(tries).toEqual([0]);
  });
});

describe('a missing address', () => {
  it('says what is there instead', () => {
    const found = {
      lo: [{ address: '127.0.0.1', internal: true }],
      eth0: [{ address: '192.0.2.9', internal: false }],
      none: undefined,
    };
    expect(new AddressMissing('a', '192.0.2.1', found).message).toBe(
      'a: `192.0.2.1` is no address of an interface that is up; found `192.0.2.9` (eth0)',
    );
  });
});
