// Pieces of images, a few in a turn of the event loop.

import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Pace } from '../../src/contract/pace.ts';

describe('the pace of pieces', () => {
  it('lets four go in a turn of the loop, in the order they came, and other work between', async () => {
    const pace = new Pace();
    let done = '';
    for (const piece of 'abcdefghi') {
      void pace.turn(async () => {
        done += piece;
      });
    }
    for (let turn = 1; turn <= 3; turn += 1) {
      done += turn;
      await nextTurn();
    }
    expect(done).toBe('abcd1efgh2i3');
  });

  it('puts what a piece begins behind who waits', async () => {
    const pace = new Pace();
    let done = '';
    const say = (piece: string) => async () => {
      done += piece;
    };
    const again = pace.turn(async () => {
      await say('a')();
      await pace.turn(say('A'));
    });
    await Promise.all([again, ...[...'bcdef'].map((piece) => pace.turn(say(piece)))]);
    expect(done).toBe('abcdefA');
  });

  it('ends as the piece does, and goes on with the next', async () => {
    const pace = new Pace();
    const lost = pace.turn(() => Promise.reject(new Error('lost')));
    await expect(lost).rejects.toThrow('lost');
    expect(await pace.turn(async () => 7)).toBe(7);
  });
});
