// Reading for many who look: one round at a time for each device, rest after each, samples of everything for the trends.

import { beforeEach, describe, expect, it } from 'vitest';
import type { Reading, RunningDriver } from '../../src/contract/driver.ts';
import { createLiveValues, type LiveValues } from '../../src/http/live-values.ts';
import { createTrends, type Trends } from '../../src/http/trend.ts';
import type { TargetHandle } from '../../src/model/ids.ts';
import { bundle, MINUTE, Stage, snapshot } from '../gate/stage.ts';

let stage: Stage;
let trends: Trends;
let rounds: (readonly TargetHandle[])[];
let answer: (targets: readonly TargetHandle[]) => Promise<readonly Reading[]>;
let live: LiveValues;

interface Watched {
  readonly target: TargetHandle;
  heard(reading: Reading): void;
  ended(): void;
  stopped: boolean;
}

/** Of what the driver is asked to tell; `refuses` what it does not tell of. */
let watched: Watched[];
let refuses: (target: TargetHandle) => boolean;

function open(sampleMs: number, tells = false): LiveValues {
  const driver = {
    ...(tells && {
      async watch(target: TargetHandle, heard: (reading: Reading) => void, ended: () => void) {
        const mine = { target, heard, ended, stopped: false };
        watched.push(mine);
        if (refuses(target)) return undefined;
        return () => {
          mine.stopped = true;
        };
      },
    }),
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

function site(revision: number): object {
  const document = bundle() as { revision: number; organizations: [{ devices: { id: string; address?: object }[] }] };
  for (const [n, device] of document.organizations[0].devices.entries()) {
    if (device.id !== 'chiller') device.address = { fake: { n } };
  }
  return { ...document, revision };
}

beforeEach(() => {
  stage = Stage.set({}, site(1));
  trends = createTrends();
  rounds = [];
  watched = [];
  refuses = () => false;
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
    answer = async (targets) => targets.map((target) => ({ target, ok: true, value: 22, at: stage.time.now() }));
    live.touch(['ahu/sp', 'ahu/kp']);
    await settled();
    expect(rounds).toHaveLength(2);
    expect([live.cached('ahu/sp'), live.cached('ahu/kp')]).toMatchObject([{ value: 22 }, { value: 22 }]);
    await live.fresh('ahu/sp', 2000);
    expect(rounds).toHaveLength(2);
  });
});

describe('a value that stays the same', () => {
  it('is told again with its new time every ten seconds, and not while it cannot be read', async () => {
    const times: number[] = [];
    live.subscribe(['ahu/sp'], (_id, value) => times.push(value.quality === 'good' ? value.at : -1));
    await pass(0);
    const begun = stage.time.now();
    for (let second = 0; second < 25; second += 1) await pass(1000);
    expect(times).toEqual([begun, begun + 10_000, begun + 20_000]);
    answer = () => Promise.reject(new Error('the line is down'));
    for (let second = 0; second < 25; second += 1) await pass(1000);
    expect(times).toEqual([begun, begun + 10_000, begun + 20_000, -1]);
  });
});

describe('a device that tells of its values', () => {
  const value = (id: string) => live.cached(id);
  const say = (at: number, told: number) => {
    const one = watched[at];
    one?.heard({ target: one.target, ok: true, value: told, at: stage.time.now() });
  };

  beforeEach(async () => {
    live = open(0, true);
  });

  it('is heard, asked once for everybody who looks, and let alone when nobody does', async () => {
    const heard: string[] = [];
    const forgets = [1, 2].map(() => live.subscribe(['ahu/sp'], (id) => heard.push(id)));
    await pass(0);
    expect(watched).toHaveLength(1);
    const before = heard.length;
    say(0, 23);
    expect([heard.length - before, value('ahu/sp')]).toMatchObject([2, { quality: 'good', value: 23 }]);
    answer = async (targets) => targets.map((target) => ({ target, ok: true, value: 23, at: stage.time.now() }));
    const reads = rounds.flat().length;
    for (let second = 0; second < 50; second += 1) await pass(1000);
    expect(rounds.flat().length).toBe(reads);
    for (let second = 0; second < 20; second += 1) await pass(1000);
    expect(rounds.flat().length).toBe(reads + 1);
    for (const forget of forgets) forget();
    expect(watched.map(({ stopped }) => stopped)).toEqual([true]);
    say(0, 24);
    expect(value('ahu/sp')).toMatchObject({ value: 23 });
  });

  it('and takes no more of it is read instead, and not asked again in every round', async () => {
    const [sp] = [stage.handle('ahu/sp')];
    refuses = (target) => target !== sp;
    live.subscribe(['ahu/sp', 'ahu/t'], () => {});
    await pass(0);
    say(0, 20);
    const reads = rounds.flat().length;
    for (let second = 0; second < 5; second += 1) await pass(1000);
    expect(rounds.flat().slice(reads)).toEqual(Array.from({ length: 5 }, () => stage.handle('ahu/t')));
    expect(watched).toHaveLength(2);
  });

  it.each([
    ['says that it ended', () => watched[0]?.ended()],
    [
      'is another inventory’s now',
      () => {
        stage.gate.activate(snapshot(site(2), stage.gate.policy()));
        watched[0]?.ended();
      },
    ],
  ])('and %s is read at once, and asked again', async (_what, happen) => {
    live.subscribe(['ahu/sp'], () => {});
    await pass(0);
    await pass(1000);
    const reads = rounds.flat().length;
    happen();
    say(0, 99);
    await pass(1000);
    expect([watched.length, watched[0]?.stopped, rounds.flat().length]).toEqual([2, true, reads + 1]);
    expect(value('ahu/sp')).toMatchObject({ value: 20 });
    say(1, 25);
    expect(value('ahu/sp')).toMatchObject({ value: 25 });
  });

  it('and forgot whom to tell is found out when it is read all the same', async () => {
    live.subscribe(['ahu/sp'], () => {});
    await pass(0);
    say(0, 20);
    answer = async (targets) => targets.map((target) => ({ target, ok: true, value: 26, at: stage.time.now() }));
    for (let second = 0; second < 62; second += 1) await pass(1000);
    expect(value('ahu/sp')).toMatchObject({ value: 26 });
    expect([watched.length, watched[0]?.stopped]).toEqual([2, true]);
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
