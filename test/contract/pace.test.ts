// Pieces of images, one in a turn of the event loop.

import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Pace } from '../../src/contract/pace.ts';

describe('the pace of pieces', () => {
  it('lets one go in a turn of the loop, in the order they came, and other work between', async () => {
    const pace = new Pace();
    const done: string[] = [];
    for (const piece of ['a', 'b', 'c']) void pace.turn(async () => done.push(piece));
    expect(done).toEqual([]);
    for (let turn = 1; turn <= 3; turn += 1) {
      await nextTurn();
      done.push(`other ${turn}`);
    }
    expect(done).toEqual(['a', 'other 1', 'b', 'other 2', 'c', 'other 3']);
  });

  it('puts what a piece begins behind who waits', async () => {
    const pace = new Pace();
    const done: string[] = [];
    const again = pace.turn(async () => {
      done.push('first');
      await pace.turn(async () => done.push('first again'));
    });
    await Promise.all([again, pace.turn(async () => done.push('second'))]);
    expect(done).toEqual(['first', 'second', 'first again']);
  });

  it('ends as the piece does, and goes on with the next', async () => {
    const pace = new Pace();
    const lost = pace.turn(() => Promise.reject(new Error('lost')));
    await expect(lost).rejects.toThrow('lost');
    expect(await pace.turn(async () => 7)).toBe(7);
  });
});
