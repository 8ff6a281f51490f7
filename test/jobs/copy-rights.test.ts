// A configuration copy at its edges: who may read what is copied, and which point is whose.

import { describe, expect, it } from 'vitest';
import type { JobOrder } from '../../src/contract/jobs.ts';
import { bundle, snapshot } from '../gate/stage.ts';
import { copy, limits, settle, statesOf, WritingStage } from './writing-stage.ts';

const grants = (...readable: string[]): object[] => [
  { to: 'user:emil', permissions: ['device.view', 'device.configure'], at: 'hq' },
  ...readable.map((at) => ({ to: 'user:emil', permissions: ['point.read'], at })),
];

describe('who copies', () => {
  it('reads every point of the source that is copied, or is shown and given nothing', async () => {
    const site = await WritingStage.set({}, (organization) => organization.grants.push(...grants('c2', 'c3', 'c1/kp')));
    const emil = site.all.stage.as('emil');
    const check = await site.jobs.check(emil, copy);
    expect(check.ok).toBe(false);
    expect(check.devices[0]).toMatchObject({
      device: 'c2',
      denial: {
        target: 'c1/ti',
        verdicts: expect.arrayContaining([expect.objectContaining({ missing: 'point.read' })]),
      },
    });
    expect(JSON.stringify(check)).not.toContain('wanted');
    expect(await site.jobs.start(emil, copy)).toMatchObject({ kind: 'not-started', denials: [{ target: 'c1/ti' }] });
    expect(site.held('c3/ti')).toBe(30);
    const whole = await WritingStage.set({}, (organization) => organization.grants.push(...grants('c1', 'c2', 'c3')));
    expect(await whole.jobs.start(whole.all.stage.as('emil'), copy)).toMatchObject({ kind: 'started' });
  });

  it('is judged so again when its turn comes, before anything is read', async () => {
    const site = await WritingStage.set({}, (organization) => organization.grants.push(...grants('c1', 'c2', 'c3')));
    const now = site.all.stage.time.now();
    const window = { from: now + 60_000, until: now + 3_600_000 };
    const id = await site.begin({ ...copy, window }, 'emil');
    site.all.stage.gate.setFastLocks([{ id: 'stop', why: 'leaving', principal: 'emil', until: now + 3_600_000 }]);
    let reads = 0;
    const { read } = site.all.driver;
    site.all.driver.read = (targets) => {
      reads += 1;
      return read.call(site.all.driver, targets);
    };
    await settle();
    site.all.stage.time.pass(61_000);
    await settle();
    expect(site.jobs.get(id)).toMatchObject({ state: 'paused', paused: { by: 'gateway' } });
    expect([statesOf(site.jobs.get(id)), reads]).toEqual([['queued', 'queued'], 0]);
  });
});

describe('a point that may be configured and not be read', () => {
  const faulty = (change: (points: { id: string; unit?: string }[]) => void, ...readable: string[]) =>
    WritingStage.set({}, (organization) => {
      organization.grants.push(
        {
          to: 'user:emil',
          permissions: ['device.view', 'device.configure', 'alarm.view', 'alarm.threshold'],
          at: 'hq',
        },
        ...readable.map((at) => ({ to: 'user:emil', permissions: ['point.read'], at })),
      );
      change(organization.points as { id: string }[]);
    });
  const inFahrenheit =
    (...ids: string[]) =>
    (points: { id: string; unit?: string }[]): void => {
      for (const point of points) if (ids.includes(point.id)) point.unit = '°F';
    };
  const one = { ...copy, devices: ['c2'] } as const;
  const faultIn = async (site: WritingStage, order: JobOrder) => {
    const { ok, devices } = await site.jobs.check(site.all.stage.as('emil'), order);
    return { ok, faults: devices.map(({ fault }) => fault) };
  };

  it('stands against the whole, and is named to nobody', async () => {
    const site = await faulty(inFahrenheit('c2/kp'), 'c1');
    expect(await faultIn(site, one)).toEqual({
      ok: false,
      faults: ['a point of it that may not be read does not fit'],
    });
    const started = await site.jobs.start(site.all.stage.as('emil'), one);
    expect(started).toMatchObject({ kind: 'not-started' });
    const said = started.kind === 'not-started' ? started.check.devices.map(({ fault }) => fault) : [];
    expect(JSON.stringify(said)).not.toContain('c2/');
  });

  it('gives way to one that may be read, which is named', async () => {
    const site = await faulty(inFahrenheit('c2/kp', 'c2/ti'), 'c1', 'c2/ti');
    expect(await faultIn(site, one)).toEqual({
      ok: false,
      faults: ['`c2/ti`: got unit `°F`, expected `none` as in the source'],
    });
  });

  it('is not named by a limit whose unit is another', async () => {
    const site = await faulty(inFahrenheit('c2/hi'), 'c2');
    const other = 'got unit `°F`, expected the one that another device of the order has';
    expect(await faultIn(site, limits)).toEqual({ ok: false, faults: [undefined, `\`c2/hi\`: ${other}`] });
    const all = await faulty(inFahrenheit('c2/hi'), 'c1', 'c2');
    const named = 'got unit `°F`, expected `none` as `c1/hi` has';
    expect(await faultIn(all, limits)).toEqual({ ok: false, faults: [undefined, `\`c2/hi\`: ${named}`] });
  });
});

describe('a device that left the policy before its turn', () => {
  it('ends the copy, and nothing is read or written', async () => {
    let left: object = {};
    const site = await WritingStage.set({}, (organization) => {
      left = organization;
    });
    const now = site.all.stage.time.now();
    const id = await site.begin({ ...copy, window: { from: now + 60_000, until: now + 3_600_000 } });
    const { devices, points } = left as { devices: { id: string }[]; points: { device: string }[] };
    const rest = {
      ...left,
      devices: devices.filter((each) => each.id !== 'c3'),
      points: points.filter(({ device }) => device !== 'c3'),
    };
    site.all.stage.gate.activate(snapshot({ ...bundle(), organizations: [rest] }));
    await settle();
    site.all.stage.time.pass(61_000);
    await settle();
    const why = 'the policy in force holds no `c3`';
    expect(site.jobs.get(id)).toMatchObject({ state: 'failed', devices: [{ why }, { why }] });
    expect(site.all.stage.journal.rows('intent')).toEqual([]);
  });
});

describe('a point of a copy', () => {
  const order = { ...copy, source: 'p1', devices: ['p2'] } as const;
  const parameter = (id: string, name: string, more: object = {}) => ({
    id,
    name,
    device: /^p\d/.exec(id)?.[0] ?? '',
    class: 'parameter',
    ...more,
  });
  async function siteOf(points: readonly object[]): Promise<WritingStage> {
    const site = await WritingStage.set({}, (organization) => {
      organization.devices.push(...['p1', 'p2'].map((id) => ({ id, name: id, location: 'hq' })));
      organization.points.push(...points.map((point) => ({ class: 'parameter', ...point })));
    });
    for (const [at, { id }] of (points as { id: string }[]).entries()) site.put(id, at + 1);
    return site;
  }
  async function rowsOf(...points: object[]) {
    const site = await siteOf(points);
    const check = await site.jobs.check(site.all.stage.as('anna'), order);
    return check.devices.flatMap(({ rows = [], fault }) => [
      ...rows.map(({ point, wanted }) => [point, wanted]),
      ...(fault === undefined ? [] : [fault]),
    ]);
  }

  it('is not the one whose id ends in the name of another', async () => {
    expect(await rowsOf(parameter('p1/a', 'b'), parameter('p2/b', 'Other'))).toEqual([
      'no point of it matches one of `p1`',
    ]);
    const device = { device: 'p1' };
    expect(await rowsOf(parameter('odd', 'b', device), parameter('p2/b', 'Other'))).toEqual([
      'no point of it matches one of `p1`',
    ]);
  });

  it('goes by its id first, by its name where that has no partner, and is nobody’s where the name stands twice', async () => {
    const both = [parameter('p1/a', 'Gain'), parameter('p1/b', 'Time')];
    expect(await rowsOf(...both, parameter('p2/a', 'Time'), parameter('p2/x', 'Gain'))).toEqual([['p2/a', 1]]);
    expect(await rowsOf(...both, parameter('p2/x', 'Time'), parameter('p2/y', 'Gain'))).toEqual([
      ['p2/y', 1],
      ['p2/x', 2],
    ]);
    const twins = [parameter('p1/a', 'Gain'), parameter('p1/b', 'Gain')];
    expect(await rowsOf(...twins, parameter('p2/x', 'Gain'))).toEqual(['no point of it matches one of `p1`']);
    expect(await rowsOf(...twins, parameter('p2/b', 'Gain'), parameter('p2/x', 'Gain'))).toEqual([['p2/b', 2]]);
  });

  it('that has no partner is named', async () => {
    const only = [parameter('p1/a', 'Gain'), parameter('p1/b', 'Time'), parameter('p2/a', 'Gain')];
    const site = await siteOf(only);
    const check = await site.jobs.check(site.all.stage.as('anna'), order);
    expect(check).toMatchObject({ ok: true, devices: [{ device: 'p2', unmatched: ['p1/b'] }] });
    const all = await siteOf([...only, parameter('p2/b', 'Time')]);
    expect((await all.jobs.check(all.all.stage.as('anna'), order)).devices[0]).not.toHaveProperty('unmatched');
    const none = await siteOf([parameter('p1/a', 'Gain'), parameter('p2/x', 'Other')]);
    expect((await none.jobs.check(none.all.stage.as('anna'), order)).devices[0]).not.toHaveProperty('unmatched');
  });

  it('has the unit of the source, or a fault', async () => {
    const [, fault] = await rowsOf(parameter('p1/a', 'A', { unit: '°C' }), parameter('p2/a', 'A', { unit: '°F' }));
    expect(fault).toBe('`p2/a`: got unit `°F`, expected `°C` as in the source');
  });
});

describe('a limit for several devices', () => {
  it('is one number only where it counts the same on each', async () => {
    const site = await WritingStage.set({}, ({ points }) => {
      for (const each of points as { id: string; unit?: string }[]) {
        if (each.id.endsWith('/hi')) each.unit = each.id === 'c2/hi' ? '°F' : '°C';
      }
    });
    const check = await site.jobs.check(site.all.stage.as('anna'), limits);
    expect(check).toMatchObject({
      ok: false,
      devices: [{ device: 'c1' }, { device: 'c2', fault: '`c2/hi`: got unit `°F`, expected `°C` as `c1/hi` has' }],
    });
    expect((await site.jobs.check(site.all.stage.as('anna'), { ...limits, devices: ['c1', 'c3'] })).ok).toBe(true);
  });
});
