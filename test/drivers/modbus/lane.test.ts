// The lane: changes alone, reads side by side, peers by turns, nothing waits for ever.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Lane } from '../../../drivers/modbus/lane.ts';

class Stage {
  now = 0;
  readonly started: string[] = [];
  readonly expired: string[] = [];
  readonly lane: Lane;

  constructor(inFlight = 2, waiting = 100, waitingPerPeer = 50) {
    this.lane = new Lane({ inFlight, waiting, waitingPerPeer, longestWaitMs: 1000 }, () => this.now);
  }

  enter(name: string, exclusive = false, peer = name.slice(0, 1)): boolean {
    return this.lane.enter({
      exclusive,
      peer,
      start: () => this.started.push(name),
      expire: () => this.expired.push(name),
    });
  }
}

describe('a lane', () => {
  test('runs reads up to its limit, a change alone, and lets nothing overtake a waiting change', () => {
    const stage = new Stage();
    for (const name of ['a1', 'a2', 'a3']) stage.enter(name);
    stage.enter('b!', true);
    expect(stage.started).toEqual(['a1', 'a2']);
    stage.lane.done();
    stage.lane.done();
    stage.enter('c1');
    stage.lane.done();
    expect(stage.started).toEqual(['a1', 'a2', 'a3', 'b!']);
    stage.lane.done();
    expect(stage.started.at(-1)).toBe('c1');
    stage.lane.done();
    expect(stage.lane.idle).toBe(true);
  });

  test('gives every peer its turn', () => {
    const stage = new Stage(1);
    for (let number = 0; number < 20; number += 1) stage.enter(`a${number}`);
    stage.enter('b0');
    stage.enter('c0');
    for (let turn = 0; turn < 4; turn += 1) stage.lane.done();
    expect(stage.started.slice(1, 4).map((name) => name[0])).toEqual(['a', 'b', 'c']);
  });

  test('is full for one peer before it is full for all', () => {
    const stage = new Stage(1, 5, 3);
    stage.enter('a0');
    expect([1, 2, 3, 4].map((number) => stage.enter(`a${number}`))).toEqual([true, true, true, false]);
    expect(['b1', 'c1', 'd1'].map((name) => stage.enter(name))).toEqual([true, true, false]);
    expect(stage.lane.waiting).toBe(5);
  });

  test('gives up what waited too long', () => {
    const stage = new Stage(1);
    stage.enter('a0');
    stage.enter('a1');
    stage.now = 1001;
    stage.enter('a2');
    stage.lane.done();
    expect([stage.started, stage.expired]).toEqual([['a0', 'a2'], ['a1']]);
  });

  test('survives turns that are over before they began', () => {
    const lane = new Lane({ inFlight: 1, waiting: 5000, waitingPerPeer: 5000, longestWaitMs: 1000 }, () => 0);
    let ran = 0;
    const turn = { exclusive: false, peer: 'a', expire: () => undefined };
    lane.enter({ ...turn, start: () => undefined });
    for (let number = 0; number < 5000; number += 1) {
      lane.enter({
        ...turn,
        start: () => {
          ran += 1;
          lane.done();
        },
      });
    }
    lane.done();
    expect([ran, lane.idle]).toEqual([5000, true]);
  });
});

test('a change is never beside anything, and everything runs once', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 4 }),
      fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.boolean(), fc.nat(2)), { maxLength: 60 }),
      (inFlight, arrivals) => {
        const lane = new Lane({ inFlight, waiting: 1000, waitingPerPeer: 1000, longestWaitMs: 1000 }, () => 0);
        const running = new Set<number>();
        const ran: number[] = [];
        let alone: number | undefined;
        const end = (): void => {
          const [first] = running;
          if (first === undefined) return;
          running.delete(first);
          if (alone === first) alone = undefined;
          lane.done();
        };
        for (const [number, [peer, exclusive, ends]] of arrivals.entries()) {
          lane.enter({
            exclusive,
            peer,
            expire: () => undefined,
            start: () => {
              expect(alone).toBeUndefined();
              if (exclusive) expect(running.size).toBe(0);
              expect(running.size).toBeLessThan(inFlight);
              running.add(number);
              if (exclusive) alone = number;
              ran.push(number);
            },
          });
          for (let turn = 0; turn < ends; turn += 1) end();
        }
        while (running.size > 0) end();
        expect(ran.toSorted((a, b) => a - b)).toEqual([...arrivals.keys()]);
      },
    ),
    { numRuns: 200 },
  );
});
