// The page's picture of a job's machine against the machine itself: a state that the engine learns must not be missing here.

import { describe, expect, it } from 'vitest';
import { DEVICE_STATES, type DeviceState, JOB_STATES } from '../../src/contract/jobs.ts';
import { isEnded, MACHINE, mayGo, type StateRow } from '../../src/jobs/machine.ts';
import { ASIDE, ENDED, ROADS, WAITING } from '../../src/web/device-states.ts';
import { de } from '../../src/web/messages/de.ts';
import { en } from '../../src/web/messages/en.ts';

const roads = Object.entries(ROADS);

describe('the picture of the machine', () => {
  it.each(roads)('of %s shows every state that a device can come to, once', (_, road) => {
    const shown = [...WAITING, ...road, ...ASIDE];
    expect(new Set(shown).size).toBe(shown.length);
    // From the start, without the states that only another kind of work has.
    const others = roads.flatMap(([, each]) => each).filter((state) => !road.includes(state));
    const reached = new Set<DeviceState>(['queued']);
    for (const from of reached) {
      for (const state of DEVICE_STATES) if (mayGo(from, state) && !others.includes(state)) reached.add(state);
    }
    expect([...reached].sort()).toEqual([...shown].sort());
  });

  it('has every state of the engine on one road or the other', () => {
    const shown = new Set([...WAITING, ...ASIDE, ...roads.flatMap(([, road]) => road)]);
    expect([...shown].sort()).toEqual(Object.keys(MACHINE).sort());
  });

  it.each(roads)('draws the road of %s the way the machine goes, from the first state to the last', (_, road) => {
    expect([road[0], road.at(-1)]).toEqual(['queued', 'done']);
    const steps = road.slice(1).map((state, at) => [road[at], state] as const);
    for (const [from, to] of steps) expect([from, to, from && mayGo(from, to)]).toEqual([from, to, true]);
  });

  it('waits where the machine waits, and has aside what ends otherwise or is taken back', () => {
    const waits = DEVICE_STATES.filter((state) => (MACHINE[state] as StateRow).phase === 'waits');
    expect([...WAITING, 'queued'].sort()).toEqual([...waits].sort());
    expect(ASIDE.filter((state) => !isEnded(state))).toEqual(['rolling-back']);
  });

  it('knows which states are ends', () => {
    expect([...ENDED].sort()).toEqual(DEVICE_STATES.filter(isEnded).sort());
  });

  it.each([
    ['en', en],
    ['de', de],
  ] as const)('has a word for every state of a device and of a job in %s', (_, words) => {
    const wanted = [
      ...DEVICE_STATES.map((state) => `job.at.${state}`),
      ...JOB_STATES.map((state) => `job.state.${state}`),
    ];
    expect(wanted.filter((key) => !Object.hasOwn(words, key))).toEqual([]);
  });
});
