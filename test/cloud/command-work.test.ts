// What a verified command does: by whom it is judged, what goes to the writer, and what its result says.

import { describe, expect, it } from 'vitest';
import { type Command, commandSchema } from '../../src/cloud/command-form.ts';
import { commandWork } from '../../src/cloud/command-work.ts';
import type { Caller, Denial } from '../../src/contract/gate.ts';
import { ROW_STATES, type RowResult, type WriteOrder, type WriteResult } from '../../src/contract/work.ts';
import { decisionId, type TargetHandle, targetId } from '../../src/model/ids.ts';
import { siteBundle, snapshotFrom } from '../policy/scene.ts';

const policy = snapshotFrom(
  siteBundle({
    devices: [
      { id: 'ahu1', name: 'AHU 1', location: 'hq', address: { gone: {}, modbus: { unit: 1 } } },
      { id: 'vav1', name: 'VAV 1', location: 'hq' },
      { id: 'lift', name: 'Lift', location: 'annex' },
    ],
    roles: [{ id: 'op', name: 'Operator', permissions: ['point.write', 'point.read'] }],
    grants: [{ to: 'user:ben', role: 'op', at: 'hq' }],
  }),
);

const command = (operation: object, change: object = {}): Command =>
  commandSchema.parse({
    format: 'gatehouse.command/1',
    jti: 'c-1',
    sub: 'ben',
    aud: 'site-12',
    iat: 1_000,
    exp: 1_060,
    operation,
    ...change,
  });

function scene(result: WriteResult | undefined = undefined) {
  const orders: { caller: Caller; order: WriteOrder }[] = [];
  const denied: number[] = [];
  const readable = new Set(['ahu1/sp', 'ahu1/fan', 'vav1/sp']);
  const work = commandWork({
    gate: {
      reader: () => ({ permits: (target: TargetHandle) => readable.has(policy.inventory.idOf(target)) }),
      countDeniedReads: (_caller, count) => void denied.push(count),
    },
    writer: () =>
      result && {
        async write(caller, order) {
          orders.push({ caller, order });
          return result;
        },
      },
    jobs: () => undefined,
    drivers: new Map([
      [
        'modbus',
        {
          read: async (targets: readonly TargetHandle[]) =>
            targets.map((target) =>
              policy.inventory.idOf(target) === targetId('ahu1/sp')
                ? { target, ok: true as const, value: 7n, at: 0 }
                : { target, ok: false as const, why: 'no answer' },
            ),
        },
      ],
    ]),
    policy: () => policy,
    now: () => 1_000_000,
  });
  return { work, orders, denied };
}

const row = (change: Partial<RowResult>): RowResult => ({
  point: 'ahu1/sp',
  device: 'ahu1',
  state: 'done',
  decision: decisionId('d-1'),
  wanted: 21.5,
  ...change,
});
const carriedOut = (...rows: RowResult[]): WriteResult => ({ kind: 'carried-out', job: 'j', ok: true, rows });

describe('a command that writes', () => {
  it.each<[string, object, object[], object?]>([
    [
      'write',
      { op: 'write', target: 'ahu1/sp', value: 21.5, priority: 9, overrideMs: 60_000 },
      [{ point: 'ahu1/sp', value: 21.5, priority: 9, overrideMs: 60_000 }],
    ],
    [
      'a 64-bit write',
      { op: 'write', target: 'ahu1/sp', value: { integer: '-9007199254740993' } },
      [{ point: 'ahu1/sp', value: -9007199254740993n }],
    ],
    ['release', { op: 'release', target: 'ahu1/sp', priority: 8 }, [{ point: 'ahu1/sp', value: null, priority: 8 }]],
    [
      'batch',
      {
        op: 'batch',
        writes: [
          { target: 'ahu1/sp', value: true },
          { target: 'ahu1/fan', value: 'on', overrideMs: null },
        ],
        priority: 8,
        overrideMs: 3_600_000,
      },
      [
        { point: 'ahu1/sp', value: true },
        { point: 'ahu1/fan', value: 'on', overrideMs: null },
      ],
      { priority: 8, overrideMs: 3_600_000 },
    ],
  ])('goes to the writer in its own name, for its own time: %s', async (_what, operation, rows, whole = {}) => {
    const { work, orders } = scene(carriedOut());
    await work(command(operation), 'commands-1');
    expect(orders).toEqual([
      {
        caller: {
          principal: 'ben',
          channel: 'remote',
          proof: { kind: 'command', jti: 'c-1', key: 'commands-1' },
          from: 'mqtt',
          peer: 'mqtt ben',
          until: 1_060_000,
        },
        order: { rows, ...whole },
      },
    ]);
  });

  it.each(ROW_STATES)('says what became of it: %s', async (state) => {
    const { work } = scene(carriedOut(row({ state, why: 'because', old: 20, readBack: 1n, until: 0 })));
    const kind = ['done', 'not-read-back'].includes(state) ? 'acknowledged' : state;
    expect(await work(command({ op: 'write', target: 'ahu1/sp', value: 21.5 }), 'k')).toMatchObject({
      ok: true,
      value: {
        steps: [
          {
            decision: 'd-1',
            targets: ['ahu1/sp'],
            outcome: { kind },
            old: 20,
            readBack: { integer: '1' },
            until: '1970-01-01T00:00:00.000Z',
          },
        ],
      },
    });
  });

  const denial: Denial = {
    decisionId: decisionId('d-2'),
    reason: 'locked',
    target: targetId('ahu1/sp'),
    verdicts: [{ target: targetId('ahu1/sp'), permitted: false, reason: 'locked', missing: 'point.write', lock: 'l' }],
    text: 'a lock is in force',
  };
  it.each<[string, WriteResult | undefined, object]>([
    [
      'denied',
      { kind: 'denied', denials: [denial] },
      { code: 'denied', denial: { decision: 'd-2', reason: 'locked', target: 'ahu1/sp', verdicts: denial.verdicts } },
    ],
    [
      'denied before any target',
      { kind: 'denied', denials: [{ decisionId: denial.decisionId, reason: 'no-policy', verdicts: [], text: '' }] },
      { code: 'denied', denial: { reason: 'no-policy' } },
    ],
    [
      'no such point',
      {
        kind: 'faulty',
        rows: [
          { point: 'gone', fault: 'no point' },
          { point: 'ahu1/sp', device: 'ahu1' },
        ],
      },
      { code: 'unknown-target', text: '`gone`: no point' },
    ],
    [
      'a value that does not fit',
      { kind: 'faulty', rows: [{ point: 'ahu1/sp', device: 'ahu1', fault: 'no number' }] },
      { code: 'not-writable' },
    ],
    ['unrecorded', { kind: 'unrecorded', why: 'disk full' }, { code: 'not-durable', text: 'disk full' }],
    ['still starting', undefined, { code: 'unknown-target' }],
  ])('is refused: %s', async (_what, result, fault) => {
    const { work } = scene(result);
    expect(await work(command({ op: 'write', target: 'ahu1/sp', value: 21.5 }), 'k')).toMatchObject({
      ok: false,
      fault,
    });
  });
});

describe('a command that would write what its principal may not see', () => {
  const denials: [Denial] = [
    {
      decisionId: decisionId('d-3'),
      reason: 'no-permission',
      target: targetId('lift/sp'),
      verdicts: [
        { target: targetId('ahu1/sp'), permitted: true, grant: 'g' },
        { target: targetId('lift/sp'), permitted: false, reason: 'no-permission', missing: 'point.write' },
      ],
      text: '`lift/sp`: nobody may',
    },
  ];

  it('is judged and recorded as every other, and named nowhere', async () => {
    const [decision] = denials;
    const { work, orders } = scene({
      kind: 'denied',
      denials: [{ ...decision, verdicts: decision.verdicts.slice(1) }],
    });
    expect(await work(command({ op: 'write', target: 'lift/sp', value: 1 }), 'k')).toEqual({
      ok: false,
      fault: {
        code: 'denied',
        text: 'denied: no-permission',
        denial: { decision: 'd-3', reason: 'no-permission', verdicts: [] },
      },
    });
    expect(orders).toHaveLength(1);
  });

  it('is not told what else a write that was denied would move', async () => {
    const { work } = scene({ kind: 'denied', denials });
    expect(await work(command({ op: 'write', target: 'ahu1/sp', value: 1 }), 'k')).toEqual({
      ok: false,
      fault: {
        code: 'denied',
        text: 'denied: no-permission',
        denial: { decision: 'd-3', reason: 'no-permission', verdicts: [denials[0].verdicts[0]] },
      },
    });
  });
});

describe('a command that asks', () => {
  it('reads what it may, once each, and learns nothing of the rest', async () => {
    const { work, denied } = scene();
    const targets = ['ahu1/sp', 'ahu1/fan', 'vav1/sp', 'ahu1/sched', 'gone', 'ahu1/sp'];
    expect(await work(command({ op: 'read', targets }), 'k')).toEqual({
      ok: true,
      value: {
        readings: [
          { target: 'ahu1/sp', ok: true, value: { integer: '7' }, at: '1970-01-01T00:00:00.000Z' },
          { target: 'ahu1/fan', ok: false, why: 'no answer' },
          { target: 'vav1/sp', ok: false, why: 'no driver serves it' },
          { target: 'ahu1/sched', ok: false, why: 'denied' },
          { target: 'gone', ok: false, why: 'denied' },
        ],
      },
    });
    expect(denied).toEqual([2]);
  });

  it('is explained its own rights, by the channel it comes by', async () => {
    const { work } = scene();
    const ask = (targets: string[], priority?: number) =>
      work(
        command({ op: 'explain', action: 'point.write', targets, ...(priority === undefined ? {} : { priority }) }),
        'k',
      );
    expect(await ask(['ahu1/sp'], 9)).toMatchObject({ ok: true, value: { explanation: { decision: 'permit' } } });
    expect(await ask(['ahu1/sp', 'lift'])).toMatchObject({
      value: {
        explanation: {
          decision: 'deny',
          reason: 'out-of-scope',
          target: 'lift',
          verdicts: [{ permitted: true }, { permitted: false }],
        },
      },
    });
    expect(await ask([])).toMatchObject({
      value: { explanation: { decision: 'deny', reason: 'no-target', verdicts: [] } },
    });
  });

  it('for a job is refused while the gateway starts', async () => {
    const order = { kind: 'firmware', image: 'a'.repeat(64), devices: ['ahu1'] };
    for (const operation of [
      { op: 'job', order },
      { op: 'job-act', job: 'j-1', act: 'pause' },
    ]) {
      expect(await scene().work(command(operation), 'k')).toMatchObject({ fault: { code: 'job-unsupported' } });
    }
  });
});
