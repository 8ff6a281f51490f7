// The end of an override where things happen at once: released before its write went out, two writes of one slot, a clock that leaps.

import { beforeEach, describe, expect, it } from 'vitest';
import { HOUR, MINUTE } from '../gate/stage.ts';
import { type WriterStage, writerStage } from './writer-stage.ts';

let on: WriterStage;
beforeEach(() => {
  on = writerStage();
});

const slot = () => on.driver.array(on.stage.handle('ahu/sp'))[7] ?? null;
const write = (value: number, overrideMs: number | null) =>
  on.writer.write(on.stage.as('anna'), { rows: [{ point: 'ahu/sp', value, priority: 8, overrideMs }] });
const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};
const passes = async (ms: number): Promise<void> => {
  on.stage.time.pass(ms);
  await settled();
};

describe('an override', () => {
  it('that is released before its write went out ends right behind it, and is not forgotten', async () => {
    on.driver.beforeTurn = () => {
      on.driver.beforeTurn = () => {};
      const [pending] = on.overrides.list();
      void on.overrides.release(on.stage.as('anna'), pending?.id ?? '');
    };
    await write(22, HOUR);
    await passes(MINUTE);
    expect([slot(), on.overrides.list()]).toMatchObject([null, [{ state: 'released' }]]);
  });

  it('whose write waits behind another one of the same slot has its end all the same', async () => {
    await Promise.all([write(20, HOUR), write(22, 2 * HOUR)]);
    expect(slot()).toBe(22);
    expect(on.overrides.list()).toMatchObject([
      { state: 'active', value: 22 },
      { state: 'superseded', value: 20 },
    ]);
    await passes(2 * HOUR);
    expect([slot(), on.overrides.list()[0]]).toMatchObject([null, { state: 'released' }]);
  });

  it('put over the first device of a batch that is still under way stands over it', async () => {
    const perform = on.driver.perform.bind(on.driver);
    let first = true;
    on.driver.perform = async (permit, holds) => {
      if (!first) on.driver.perform = perform;
      if (!first) await write(22, 2 * HOUR);
      first = false;
      return perform(permit, holds);
    };
    on.driver.array(on.stage.handle('ahu/sp'))[7] = 18;
    const rows = [
      { point: 'ahu/sp', value: 20 },
      { point: 'vav/sp', value: 21 },
    ] as const;
    await on.writer.write(on.stage.as('anna'), { rows, priority: 8, overrideMs: HOUR });
    const of = (state: string) => on.overrides.list().filter((each) => each.state === state);
    expect(of('active')).toMatchObject([{ point: 'vav/sp' }, { point: 'ahu/sp', value: 22, before: 18 }]);
    expect(of('superseded')).toMatchObject([{ point: 'ahu/sp', value: 20 }]);
    await passes(2 * HOUR);
    expect([slot(), of('released').length]).toEqual([18, 2]);
  });

  it('ends within a minute where a clock without a battery learns that its time is over', async () => {
    await write(22, 2 * HOUR);
    on.stage.time.wall += 10 * HOUR;
    await passes(MINUTE);
    expect([slot(), on.overrides.list()]).toMatchObject([null, [{ state: 'released' }]]);
  });
});
