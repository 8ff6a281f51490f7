// Reading for many who look: one round at a time for each device, rest after each, samples of everything for the trends.

import { beforeEach, describe, expect, it } from 'vitest';
import type { Reading, RunningDriver } from '../../src/contract/driver.ts';
import { createLiveValues, type LiveValues } from '../../src/http/live-values.ts';
import { createTrends, type Trends } from '../../src/http/trend.ts';
import type { TargetHandle } from '../../src/model/ids.ts';
import { bundle, MINUTE, Stage } from '../gate/stage.ts';

let stage: Stage;
let trends: Trends;
let rounds: (readonly TargetHandle[])[];
let answer: (targets: readonly TargetHandle[]) => Promise<readonly Reading[]>;
let live: LiveValues;

function open(sampleMs: number): LiveValues {
  const driver = {
    read: (targets: readonly TargetHandle[]) => {
      rounds.push(targets);
      return answer(targets);
    },
  } as unknown as RunningDriver;
  return createLiveValues({
    clock: stage.time,
    timers: stage.time,
    drivers: new Map([['fake', driver]]),
    trends,
    pollMs: 1000,
    sampleMs,
    inventory: () => stage.gate.policy()?.inventory,
  });
}

beforeEach(() => {
  const document = bundle() as { organizations: [{ devices: { id: string; address?: object }[] }] };
  for (const [n, device] of document.organizations[0].devices.entries()) {
    if (device.id !== 'chiller') device.address = { fake: { n } };
  }
  stage = Stage.set({}, document);
  trends = createTrends();
  rounds = [];
  answer = async (targets) => targets.map((target) => ({ target, ok: true, value: 20, at: stage.time.now() }));
  live = open(0);
});

const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};
const pass = async (ms: number): Promise<void> => {
  stage.time.pass(ms);
  await settled();
};

describe('a round', () => {
  it('reads what anybody looks at once, and begins again only after a rest', async () => {
    const heard: string[] = [];
    const forgets = [1, 2, 3].map(() => live.subscribe(['ahu/sp', 'ahu/t'], (id) => heard.push(id)));
    await pass(0);
    expect(rounds.map((targets) => targets.length)).toEqual([2]);
    expect(heard).toHaveLength(6);
    await pass(1000);
    expect(rounds).toHaveLength(2);
    // A device that takes a second rests for four.
    answer = async (targets) => {
      await Promise.resolve();
      stage.time.ticks += 1000;
      return targets.map((target) => ({ target, ok: true, value: 21, at: stage.time.now() }));
    };
    await pass(1000);
    expect(rounds).toHaveLength(3);
    await pass(3900);
    expect(rounds).toHaveLength(3);
    await pass(200);
    expect(rounds).toHaveLength(4);
    for (const forget of forgets) forget();
    await pass(60_000);
    expect(rounds).toHaveLength(4);
    expect(live.looked).toBe(0);
  });

  it('says bad, with the last value, where the device fails, and never where there was none', async () => {
    live.subscribe(['ahu/sp'], () => {});
    await pass(0);
    answer = () => Promise.reject(new Error('the line is down'));
    await pass(1000);
    expect(live.cached('ahu/sp')).toMatchObject({ quality: 'bad', value: 20, why: 'the line is down' });
    expect(await live.fresh('ahu/kp', 0)).toEqual({ quality: 'never', why: 'the line is down' });
    answer = async (targets) => targets.map((target) => ({ target, ok: false, why: 'exception 2' }));
    expect(await live.fresh('ahu/sp', 0)).toMatchObject({ quality: 'bad', why: 'exception 2' });
    expect(await live.fresh('chiller/sp', 0)).toEqual({ quality: 'never', why: 'no driver reaches it' });
    expect(await live.fresh('nowhere', 0)).toMatchObject({ quality: 'never' });
  });

  it('is not waited for twice: who asks meanwhile hears the same answer; what was written is read again', async () => {
    const [one, two] = await Promise.all([live.fresh('ahu/sp', 0), live.fresh('ahu/sp', 0)]);
    expect([rounds.length, one]).toEqual([1, two]);
    await live.fresh('ahu/sp', 2000);
    expect(rounds).toHaveLength(1);
    live.touch(['ahu/sp']);
    await live.fresh('ahu/sp', 2000);
    expect(rounds).toHaveLength(2);
  });
});

describe('the samples', () => {
  it('are of every point a driver reaches, once a while, into the trends', async () => {
    live = open(MINUTE);
    await pass(5000);
    await pass(0);
    await pass(0);
    expect(rounds.flat().length).toBe(11);
    expect(trends.of('ahu/t', stage.time.now())).toMatchObject([{ min: 20, max: 20, mean: 20 }]);
    expect(trends.of('chiller/sp', stage.time.now())).toEqual([]);
    live.stop();
    await pass(10 * MINUTE);
    expect(rounds.flat().length).toBe(11);
  });
});
