// Scale and offset: no noise of binary fractions up, no rounding into another value down.

import { describe, expect, it } from 'vitest';
import { scale, unscale } from '../../../../drivers/modbus/wire/scaling.ts';

const unscaled = { factor: 1, offset: 0 };
const tenth = { factor: 0.1, offset: 0 };

describe('scale', () => {
  it.each([
    [3, tenth, 0.3],
    [215, tenth, 21.5],
    [-400, { factor: 0.01, offset: 0 }, -4],
    [1000, { factor: 0.1, offset: -40 }, 60],
    [7, { factor: 5, offset: 2 }, 37],
    [12n, tenth, 1.2],
    [2n ** 60n, unscaled, 2n ** 60n],
    [21.3, unscaled, 21.3],
  ])('%s by %j', (raw, scaling, value) => {
    expect(scale(raw, scaling)).toEqual({ ok: true, value });
  });

  it('does not round a 64-bit integer', () => {
    expect(scale(2n ** 60n, tenth)).toMatchObject({ ok: false, fault: { code: 'precision' } });
  });
});

describe('unscale', () => {
  it.each([
    [0.3, tenth, true, 3],
    [21.5, tenth, true, 215],
    [-4, { factor: 0.01, offset: 0 }, true, -400],
    [60, { factor: 0.1, offset: -40 }, true, 1000],
    [-0, unscaled, true, 0],
    [21.3, unscaled, false, 21.3],
    [21.5, { factor: 10, offset: 0 }, false, 2.15],
    [5n, unscaled, true, 5n],
    [5n, tenth, true, 50],
  ])('%s by %j', (value, scaling, whole, raw) => {
    expect(unscale(value, scaling, whole)).toEqual({ ok: true, value: raw });
  });

  it.each([
    [21.55, tenth, true, 'off-step'],
    [1.5, unscaled, true, 'off-step'],
    [Number.NaN, tenth, false, 'not-finite'],
    [2n ** 60n, tenth, true, 'precision'],
    [2 ** 53, tenth, true, 'precision'],
  ])('%s by %j is a fault', (value, scaling, whole, code) => {
    expect(unscale(value, scaling, whole)).toMatchObject({ ok: false, fault: { code } });
  });

  it('names the steps on both sides', () => {
    expect(unscale(21.55, tenth, true)).toMatchObject({
      fault: { message: 'value `21.55` lies between steps, expected `21.5` or `21.6`' },
    });
  });

  it('undoes scale for every raw 16-bit number', () => {
    const scalings = [
      tenth,
      { factor: 0.01, offset: -273.15 },
      { factor: 0.005, offset: 3 },
      { factor: 1 / 3, offset: 0 },
    ];
    const lost: unknown[] = [];
    for (const scaling of scalings) {
      for (let raw = -32768; raw < 32768; raw += 1) {
        const value = scale(raw, scaling);
        const back = value.ok ? unscale(value.value, scaling, true) : value;
        if (!back.ok || back.value !== raw) lost.push([raw, scaling, back]);
      }
    }
    expect(lost).toEqual([]);
  });
});
