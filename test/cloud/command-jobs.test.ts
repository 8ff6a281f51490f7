// Commands about work on several devices: what reaches the engine, in whose name, and what its answers become.

import { describe, expect, it } from 'vitest';
import { type Command, commandSchema } from '../../src/cloud/command-form.ts';
import { actOnJob, orderJob } from '../../src/cloud/command-jobs.ts';
import { resultSchema } from '../../src/cloud/result-form.ts';
import type { Caller } from '../../src/contract/gate.ts';
import type { Job, JobAct, JobCheck, JobOrder, JobStart, Jobs } from '../../src/contract/jobs.ts';
import { decisionId, principalId, type TargetHandle, targetId } from '../../src/model/ids.ts';
import { siteBundle, snapshotFrom } from '../policy/scene.ts';

const IMAGE = 'a'.repeat(64);
const policy = snapshotFrom(siteBundle());
const devices = [...policy.inventory.devices()].map(({ id }) => id);
const points = [...policy.inventory.points()].map(({ id }) => id);
const [first = '', second = ''] = devices;
const [point = '', hidden = ''] = points;
const caller: Caller = {
  principal: principalId('ben'),
  channel: 'remote',
  proof: { kind: 'command', jti: 'c-1', key: 'commands-1' },
  from: 'mqtt',
  peer: 'mqtt ben',
  until: 1_060_000,
};

function operation<Op extends Command['operation']['op']>(given: { readonly op: Op; readonly [key: string]: unknown }) {
  const parsed = commandSchema.parse({
    format: 'gatehouse.command/1',
    jti: 'c-1',
    sub: 'ben',
    aud: 'site-12',
    iat: 1_000,
    exp: 1_060,
    operation: given,
  });
  return parsed.operation as Extract<Command['operation'], { op: Op }>;
}

const job: Job = {
  id: 'j-1',
  order: {
    kind: 'firmware',
    image: IMAGE,
    devices: [first],
    rollout: { canary: true, atOnce: 4, stopAtFailedPercent: 20 },
  },
  starter: { principal: 'ben', channel: 'remote', from: 'mqtt' },
  startedAt: 0,
  state: 'queued',
  approvals: { needed: 0, given: [] },
  devices: [],
  revision: 1,
};
const denial = {
  decisionId: decisionId('d-9'),
  reason: 'out-of-scope' as const,
  target: targetId(second),
  verdicts: [],
  text: 'denied: out of scope',
};
const check: JobCheck = { ok: true, faults: [], devices: [], approvals: 0 };

function scene(
  answers: { start?: JobStart; act?: JobAct; check?: JobCheck; job?: Job } = {},
  unseen: readonly string[] = [],
) {
  const asked: [what: string, ...unknown[]][] = [];
  const note = <T>(what: string, answer: T, ...given: unknown[]): Promise<T> => {
    asked.push([what, ...given]);
    return Promise.resolve(answer);
  };
  const act: JobAct = answers.act ?? { kind: 'done', job: { ...job, state: 'paused' } };
  const jobs: Jobs = {
    check: (by, order) => note('check', answers.check ?? check, by, order),
    start: (by, order) => note('start', answers.start ?? { kind: 'started', job }, by, order),
    list: () => [],
    get: () => answers.job,
    pause: (_by, id, why) => note('pause', act, id, why),
    resume: (_by, id) => note('resume', act, id),
    abort: (_by, id, why) => note('abort', act, id, why),
    retry: (_by, id) => note('retry', act, id),
    answerApproval: (_by, id, verdict, comment) => note('answer', act, id, verdict, comment),
    onChange: () => () => undefined,
  };
  const work = {
    gate: {
      reader: () => ({ permits: (target: TargetHandle) => !unseen.includes(policy.inventory.idOf(target)) }),
    },
    jobs: () => jobs,
    inventory: () => policy.inventory,
  };
  return { work, asked };
}

describe('a command that orders a job', () => {
  const base = { window: { from: '2026-11-22T20:00:00Z', until: '2026-11-23T04:00:00Z' }, note: 'at night' };
  const window = { from: Date.parse('2026-11-22T20:00:00Z'), until: Date.parse('2026-11-23T04:00:00Z') };

  it.each<[object, JobOrder]>([
    [
      { kind: 'firmware', image: IMAGE, devices: [first, second], ...base },
      {
        kind: 'firmware',
        image: IMAGE,
        devices: [first, second],
        rollout: { canary: true, atOnce: 4, stopAtFailedPercent: 20 },
        window,
        note: 'at night',
      },
    ],
    [
      { kind: 'configuration', source: first, devices: [second], classes: ['alarm-limit', 'alarm-limit'] },
      { kind: 'configuration', source: first, devices: [second], classes: ['alarm-limit'] },
    ],
    [
      { kind: 'alarm-thresholds', devices: [first], values: [{ key: 'high', value: { integer: '7' } }] },
      { kind: 'alarm-thresholds', devices: [first], values: [{ key: 'high', value: 7n }] },
    ],
    [
      {
        kind: 'batch',
        writes: [{ target: point, value: 21, priority: 9 }],
        overrideMs: null,
        window: { until: base.window.until },
      },
      { kind: 'batch', rows: [{ point, value: 21, priority: 9 }], overrideMs: null, window: { until: window.until } },
    ],
  ])('hands it to the engine in the name of who signed: %j', async (order, expected) => {
    const { work, asked } = scene();
    const done = await orderJob(work, caller, operation({ op: 'job', order }));
    expect(done).toEqual({ ok: true, value: { job: { id: 'j-1', state: 'queued' } } });
    expect(asked).toEqual([['start', caller, expected]]);
  });

  it('is refused by its place where something is not to be seen, or is not there', async () => {
    const orders: [object, string][] = [
      [{ kind: 'firmware', image: IMAGE, devices: [first, second] }, 'devices.1'],
      [{ kind: 'configuration', source: second, devices: [first] }, 'source'],
      [
        {
          kind: 'batch',
          writes: [
            { target: point, value: 1 },
            { target: 'nowhere', value: 1 },
          ],
        },
        'writes.1',
      ],
    ];
    for (const [order, path] of orders) {
      const { work, asked } = scene({}, [second]);
      expect(await orderJob(work, caller, operation({ op: 'job', order }))).toEqual({
        ok: false,
        fault: { code: 'unknown-target', text: `${path}: no such thing, or the principal may not see it` },
      });
      expect(asked).toEqual([]);
    }
  });

  it('is only looked at by a dry run; values that may not be read are left out', async () => {
    const { work, asked } = scene(
      {
        check: {
          ok: false,
          approvals: 1,
          faults: [{ path: 'devices.1', found: 'a device twice', expected: 'each once' }],
          devices: [
            { device: first, denial, version: '1.0' },
            {
              device: second,
              fault: 'another model',
              rows: [
                { point, wanted: 7n, now: null, differs: true },
                { point: hidden, wanted: 1, differs: false, fault: 'gone' },
              ],
            },
          ],
        },
      },
      [hidden],
    );
    const order = { kind: 'configuration', source: first, devices: [second] };
    const done = await orderJob(work, caller, operation({ op: 'job', order, dryRun: true }));
    expect(asked.map(([what]) => what)).toEqual(['check']);
    expect(done).toEqual({
      ok: true,
      value: {
        check: {
          ok: false,
          approvals: 1,
          faults: [{ path: 'devices.1', found: 'a device twice', expected: 'each once' }],
          devices: [
            { device: first, reason: 'out-of-scope', target: second, version: '1.0' },
            {
              device: second,
              fault: 'another model',
              rows: [{ point, wanted: { integer: '7' }, now: null, differs: true }],
            },
          ],
        },
      },
    });
    const result = { format: 'gatehouse.result/1', id: 'c-1', at: '2026-11-22T08:00:00Z', state: 'done', revision: 1 };
    expect(resultSchema.safeParse({ ...result, ...(done.ok && done.value) }).success).toBe(true);
  });

  it('says why nothing was begun', async () => {
    const denied: JobCheck = { ...check, ok: false, devices: [{ device: second, denial }] };
    const impossible: JobCheck = {
      ...check,
      ok: false,
      faults: [{ path: 'image', found: 'none', expected: 'an image' }],
      devices: [
        { device: first, fault: 'no way for firmware' },
        { device: second, rows: [{ point, wanted: 1, differs: true, fault: 'too high' }] },
      ],
    };
    const tooMany = { path: '', found: '20 jobs of your own', expected: 'at most 19', code: 'too-many-jobs' } as const;
    const full: JobCheck = { ...check, ok: false, faults: [tooMany] };
    const rows: [JobStart, object][] = [
      [
        { kind: 'unrecorded', why: 'disk full' },
        { code: 'not-durable', text: 'disk full' },
      ],
      [
        { kind: 'not-started', check: denied, denials: [denial] },
        { code: 'denied', denial: { decision: 'd-9', reason: 'out-of-scope', target: second } },
      ],
      [{ kind: 'not-started', check: denied, denials: [] }, { code: 'denied' }],
      [
        { kind: 'not-started', check: impossible, denials: [] },
        {
          code: 'job-impossible',
          text: `image: found none, expected an image; \`${first}\`: no way for firmware; \`${second}\`: too high`,
        },
      ],
      [
        { kind: 'not-started', check: full, denials: [] },
        { code: 'too-many', text: 'found 20 jobs of your own, expected at most 19' },
      ],
    ];
    for (const [start, fault] of rows) {
      const { work } = scene({ start });
      const order = { kind: 'firmware', image: IMAGE, devices: [first, second] };
      expect(await orderJob(work, caller, operation({ op: 'job', order }))).toMatchObject({ ok: false, fault });
    }
  });
});

describe('a command that acts on a job', () => {
  it.each([
    ['pause', 'lunch', ['pause', 'j-1', 'lunch']],
    ['resume', undefined, ['resume', 'j-1']],
    ['abort', undefined, ['abort', 'j-1', '']],
    ['retry', undefined, ['retry', 'j-1']],
    ['approve', 'seen', ['answer', 'j-1', 'approved', 'seen']],
    ['refuse', 'not now', ['answer', 'j-1', 'refused', 'not now']],
  ])('hands `%s` on', async (act, why, expected) => {
    const { work, asked } = scene();
    const done = await actOnJob(work, caller, operation({ op: 'job-act', job: 'j-1', act, ...(why && { why }) }));
    expect(done).toEqual({ ok: true, value: { job: { id: 'j-1', state: 'paused' } } });
    expect(asked).toEqual([expected]);
  });

  it.each<[JobAct, object]>([
    [{ kind: 'unknown' }, { code: 'job-unknown' }],
    [
      { kind: 'impossible', why: 'it has ended' },
      { code: 'job-impossible', text: 'it has ended' },
    ],
    [
      { kind: 'denied', denial },
      { code: 'denied', denial: { reason: 'out-of-scope' } },
    ],
  ])('says why it did not: %j', async (act, fault) => {
    const { work } = scene({ act });
    expect(await actOnJob(work, caller, operation({ op: 'job-act', job: 'j-1', act: 'pause' }))).toMatchObject({
      ok: false,
      fault,
    });
  });

  it('knows no job of somebody else on devices that the principal may not view, nor names what they may not see', async () => {
    const pause = operation({ op: 'job-act', job: 'j-1', act: 'pause' });
    const devices = [{ device: first, state: 'queued', since: 0, tries: 0, decisions: [] }] as const;
    const other: Job = { ...job, devices, starter: { ...job.starter, principal: 'anna' } };
    const hiddenJob = scene({ job: other }, [first]);
    expect(await actOnJob(hiddenJob.work, caller, pause)).toMatchObject({ ok: false, fault: { code: 'job-unknown' } });
    expect(hiddenJob.asked).toEqual([]);
    expect((await actOnJob(scene({ job: other }).work, caller, pause)).ok).toBe(true);
    expect((await actOnJob(scene({ job: { ...job, devices } }, [first]).work, caller, pause)).ok).toBe(true);
    const act: JobAct = {
      kind: 'denied',
      denial: {
        ...denial,
        verdicts: [
          { target: targetId(second), permitted: false, reason: 'out-of-scope', missing: 'point.read' } as never,
        ],
      },
    };
    const told = await actOnJob(scene({ act, job: other }, [second]).work, caller, pause);
    expect(told).toMatchObject({ ok: false, fault: { code: 'denied', text: 'denied: out-of-scope' } });
    expect(JSON.stringify(told)).not.toContain(second);
  });
});
