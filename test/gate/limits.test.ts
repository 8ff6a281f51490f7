// Limits on engineering values, and how often a point may change.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shownValue } from '../../src/gate/describe.ts';
import { outOfLimits } from '../../src/gate/limits.ts';
import { createLogBudget } from '../../src/gate/log-budget.ts';
import { createRateWindow } from '../../src/gate/rate.ts';
import type { PointLimits, PointValue } from '../../src/model/point.ts';
import { HOUR, StageTime } from './stage.ts';

const nextFloat32 = (value: number): number => {
  const bits = new Int32Array(1);
  const float = new Float32Array(bits.buffer);
  float[0] = value;
  bits[0] = (bits[0] ?? 0) + 1;
  return float[0];
};

describe('outOfLimits', () => {
  it.each<[PointValue, PointLimits | undefined, boolean]>([
    [null, { min: 1, values: [2] }, true],
    [1, undefined, true],
    [Number.NaN, undefined, false],
    [Number.POSITIVE_INFINITY, { min: 0 }, false],
    [Number.NEGATIVE_INFINITY, { max: 0 }, false],
    ['text', undefined, true],
    ['text', {}, true],
    ['text', { rate: 1 }, true],
    ['text', { min: 0 }, false],
    ['19', { min: 0, max: 20 }, false],
    ['eco', { values: ['eco', 'comfort'] }, true],
    ['off', { values: ['eco', 'comfort'] }, false],
    [true, { values: [true] }, true],
    [false, { values: [true] }, false],
    [true, { min: 0, max: 1 }, true],
    [true, { max: 0 }, false],
    [14, { min: 14, max: 24 }, true],
    [24, { min: 14, max: 24 }, true],
    [13.999, { min: 14 }, false],
    [24.001, { max: 24 }, false],
    [nextFloat32(24), { max: 24 }, false],
    [Math.fround(24.1), { max: 24.1 }, true],
    [nextFloat32(24.1), { max: 24.1 }, false],
    [241 * 0.1, { max: 24.1 }, true],
    [Math.fround(0.1), { min: 0.1, max: 0.1 }, true],
    [16_777_217, { max: 16_777_216 }, false],
    [5n, { min: 5, max: 5 }, true],
    [6n, { max: 5 }, false],
    [6n, { max: 5.5 }, false],
    [2n ** 53n + 1n, { max: 2 ** 53 }, false],
    [5n, { values: [5] }, true],
    [5n, { values: [5n] }, true],
    [5, { values: [5n] }, false],
    [5n, { values: ['5'] }, false],
    [5n, { values: [5.5] }, false],
    [Math.fround(21.1), { values: [20.9, 21.1] }, true],
    [21.2, { values: [20.9, 21.1] }, false],
    [19.5, { min: 14, step: 0.5 }, true],
    [19.25, { min: 14, step: 0.5 }, false],
    [Math.fround(19.1), { min: 14, step: 0.1 }, true],
    [0, { min: -20, step: 0.1 }, true],
    [0, { step: 0.1 }, true],
    [0.3, { step: 0.1 }, true],
    [Math.fround(0.3), { step: 0.1 }, true],
    [0.30001, { step: 0.1 }, false],
    [6n, { step: 3 }, true],
    [7n, { step: 3 }, false],
    [7n, { min: 1, step: 3 }, true],
    [7n, { step: 0.5 }, true],
    [2n ** 60n + 1n, { step: 2 }, false],
  ])('%s within %o: %s', (value, limits, expected) => {
    expect(outOfLimits(value, limits) === undefined).toBe(expected);
  });

  it('takes every step counted from min, also as the float32 a register holds', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -100, max: 100 }),
        fc.constantFrom(0.1, 0.25, 0.5, 1, 5),
        fc.nat(1000),
        (min, step, count) => {
          const value = min + count * step;
          expect(outOfLimits(value, { min, step })).toBeUndefined();
          expect(outOfLimits(Math.fround(value), { min, step })).toBeUndefined();
          expect(outOfLimits(value + step / 2, { min, step })).toBeDefined();
        },
      ),
    );
  });
});

describe('how values are shown', () => {
  it.each<[PointValue, string]>([
    [null, 'NULL'],
    [true, 'true'],
    [1.5, '1.5'],
    ['x', 'x'],
    [2n ** 60n, (2n ** 60n).toString()],
    [Number.NaN, 'NaN'],
  ])('%s as %s', (value, text) => {
    expect(shownValue(value)).toBe(text);
  });
});

describe('a rate window', () => {
  it('admits nothing at rate 0 and keeps no more moments than it needs', () => {
    const time = new StageTime();
    const rates = createRateWindow(time);
    expect(rates.admits('p', 0)).toBe(false);
    for (let count = 0; count < 10; count += 1) rates.count('p', 3);
    expect(rates.admits('p', 4)).toBe(true);
    expect(rates.admits('p', 3)).toBe(false);
    time.pass(HOUR - 1);
    expect(rates.admits('p', 3)).toBe(false);
    time.pass(1);
    expect(rates.admits('p', 3)).toBe(true);
  });
});

describe('a log budget', () => {
  it('is bounded in peers: the rest share one, and peers that were quiet make room', () => {
    const time = new StageTime();
    const budget = createLogBudget(time);
    for (let peer = 0; peer < 1024; peer += 1) expect(budget.take(`peer ${peer}`)).toBe(0);
    for (let line = 0; line < 20; line += 1) expect(budget.take(`late ${line}`)).toBe(0);
    expect(budget.take('one more')).toBeUndefined();
    time.pass(1000);
    expect(budget.take('one more')).toBe(0);
    for (let line = 0; line < 19; line += 1) expect(budget.take('one more')).toBe(0);
    expect(budget.take('one more')).toBeUndefined();
    time.pass(30_000);
    expect(budget.take('one more')).toBe(1);
  });
});
