// Who wrote a slot last through the gateway has it: neither an override nor a batch that is undone gives anything back over the
// frame of somebody's tool, although that wrote the same value.

import { beforeEach, describe, expect, it } from 'vitest';
import type { Caller } from '../../src/contract/gate.ts';
import type { StoredRow } from '../../src/contract/journal.ts';
import { createWriter } from '../../src/jobs/batch.ts';
import { createOverrides } from '../../src/jobs/overrides.ts';
import { createWorkRecord } from '../../src/jobs/work-record.ts';
import { driverName } from '../../src/model/ids.ts';
import type { IntentRow, Outcome } from '../../src/model/journal-row.ts';
import type { PointValue } from '../../src/model/point.ts';
import { HOUR } from '../gate/stage.ts';
import { type WriterStage, writerStage } from './writer-stage.ts';

let on: WriterStage;
beforeEach(() => {
  on = writerStage();
});

const slot = (id: string, priority = 8): PointValue => on.driver.array(on.stage.handle(id))[priority - 1] ?? null;
const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};
const tool = (): Caller => on.stage.as('dora', { driver: driverName('slots'), from: '192.0.2.7:4000' });

async function override(value = 22): Promise<void> {
  const rows = [{ point: 'ahu/sp', value, priority: 8 }] as const;
  const written = await on.writer.write(on.stage.as('anna'), { rows, overrideMs: HOUR });
  expect(written).toMatchObject({ ok: true });
}

/** As the frame of a tool: what it leaves at the device is the test's. */
async function frame(value: PointValue | undefined, priority = 8, outcome: Outcome = { kind: 'acknowledged' }) {
  const { gate } = on.stage;
  const effect = on.stage.effect('ahu/sp', value, { priority, ...(value === undefined && { asks: 'point.read' }) });
  const permit = on.stage.permit(tool(), on.stage.change([effect]));
  const redeemed = await gate.redeem(permit, new Map());
  if (!redeemed.redeemed) throw new Error(redeemed.denial.text);
  if (outcome.kind === 'acknowledged' && value !== undefined) {
    on.driver.array(on.stage.handle('ahu/sp'))[priority - 1] = value;
  }
  gate.settle(permit, outcome);
  return permit.decisionId;
}

async function afterItsTime() {
  on.stage.time.pass(HOUR);
  await settled();
  const [entry] = on.overrides.list();
  return [slot('ahu/sp'), entry?.state, entry?.why];
}

describe('an override whose slot a tool writes meanwhile', () => {
  it.each([
    ['the same value', 22],
    ['another value', 19],
    ['NULL', null],
  ])('ends at once, whatever was written: %s', async (_name, value) => {
    await override();
    const decision = await frame(value);
    expect(on.overrides.list()).toMatchObject([{ state: 'superseded', why: `by change \`${decision}\`` }]);
    expect(await afterItsTime()).toEqual([value, 'superseded', `by change \`${decision}\``]);
  });

  it.each<[string, Outcome]>([
    ['refused by the device', { kind: 'refused-by-device', answer: 'write-access-denied' }],
    ['never sent', { kind: 'not-sent', why: 'the line is down' }],
  ])('ends in its time where the frame was %s', async (_name, outcome) => {
    await override();
    await frame(22, 8, outcome);
    expect(await afterItsTime()).toEqual([null, 'released', undefined]);
  });

  it('ends in its time where the frame went to another slot, or wrote nothing', async () => {
    await override();
    await frame(22, 10);
    await frame(undefined);
    expect(await afterItsTime()).toEqual([null, 'released', undefined]);
  });

  it('is somebody else’s where nobody knows whether the same value arrived; another value the slot itself tells', async () => {
    await override();
    await frame(19, 8, { kind: 'unknown', why: 'no answer' });
    expect(on.overrides.list()).toMatchObject([{ state: 'active' }]);
    const decision = await frame(22, 8, { kind: 'unknown', why: 'no answer' });
    expect(await afterItsTime()).toEqual([22, 'superseded', `by change \`${decision}\``]);
  });

  it('is theirs also where the frame comes between the last look and the turn of the release', async () => {
    await override();
    let sent: Promise<string> | undefined;
    // The frame's own turn, right before.
    on.driver.beforeTurn = () => {
      on.driver.beforeTurn = () => {};
      const permit = on.stage.permit(tool(), on.stage.change([on.stage.effect('ahu/sp', 22, { priority: 8 })]));
      sent = on.stage.gate.redeem(permit, new Map()).then(() => {
        on.stage.gate.settle(permit, { kind: 'acknowledged' });
        return permit.decisionId;
      });
    };
    expect(await afterItsTime()).toEqual([22, 'left', `change \`${await sent}\` wrote it since`]);
  });

  it('is theirs after a restart, although nobody was told', async () => {
    await override();
    await on.overrides.stop();
    const decision = await frame(22);
    const again = createOverrides(on.services);
    await again.start();
    expect(again.list()).toMatchObject([{ state: 'superseded', why: `by change \`${decision}\`` }]);
    on.stage.time.pass(HOUR);
    await settled();
    expect(slot('ahu/sp')).toBe(22);
    await again.stop();
  });

  it('is theirs where the frame comes while the rest of a batch is still written', async () => {
    const rows = [
      { point: 'ahu/sp', value: 20, priority: 8 },
      { point: 'vav/sp', value: 21, priority: 8 },
    ] as const;
    let turns = 0;
    on.driver.beforeTurn = () => {
      turns += 1;
      if (turns === 2) void frame(20);
    };
    await on.writer.write(on.stage.as('anna'), { rows, overrideMs: HOUR });
    await settled();
    expect(on.overrides.list()).toMatchObject([
      { point: 'vav/sp', state: 'active' },
      { point: 'ahu/sp', state: 'superseded' },
    ]);
  });

  it('of a point without slots is theirs under whatever priority they wrote', async () => {
    on.driver.slots = async () => undefined as never;
    on.driver.read = async (targets) =>
      targets.map((target) => ({ target, ok: true, value: on.driver.array(target)[7] ?? 0, at: 0 }));
    await override();
    const decision = await frame(22, 10);
    expect(await afterItsTime()).toEqual([22, 'left', `change \`${decision}\` wrote it since`]);
  });
});

describe('a batch that is put back', () => {
  const rows = [
    { point: 'ahu/sp', value: 20, priority: 8 },
    { point: 'vav/sp', value: 21, priority: 8 },
  ] as const;

  it('leaves a slot that a tool wrote meanwhile, although it holds the same value', async () => {
    on.driver.failing.set(on.stage.handle('vav/sp'), { kind: 'refused-by-device', answer: 'write-access-denied' });
    let turns = 0;
    let sent: Promise<string> | undefined;
    on.driver.beforeTurn = () => {
      turns += 1;
      if (turns === 2) sent = frame(20);
    };
    const result = await on.writer.write(on.stage.as('anna'), { rows });
    const why = `change \`${await sent}\` wrote it since`;
    expect(result).toMatchObject({ rows: [{ state: 'left-written', why }, { state: 'refused-by-device' }] });
    expect(slot('ahu/sp')).toBe(20);
  });

  it('leaves it after a restart, too', async () => {
    const result = await on.writer.write(on.stage.as('anna'), { rows });
    if (result.kind !== 'carried-out') throw new Error(result.kind);
    const decisions = result.rows.map(({ decision }) => decision);
    await on.shelf.put('batch', { id: result.job, at: 1, body: JSON.stringify({ decisions }) });
    await frame(20);
    await createWriter({ ...on.services, ledger: on.overrides }).putBackInterrupted();
    expect([slot('ahu/sp'), slot('vav/sp')]).toEqual([20, null]);
  });
});

describe('the record of frames', () => {
  const intent = (decision: string, driver?: string): IntentRow => ({
    kind: 'intent',
    at: 0,
    decision,
    who: { principal: 'anna', proof: { kind: 'none' }, from: 'x', ...(driver !== undefined && { driver }) },
    operation: 'write',
    effects: [],
    revision: 1,
    by: 'permit',
  });

  it('is read on from the change itself, page by page, and holds frames alone', () => {
    const rows: StoredRow[] = Array.from({ length: 250 }, (_, at) => ({
      number: at + 1,
      hash: '',
      row: intent(`d${at}`, at % 2 === 0 ? 'modbus' : undefined),
    }));
    const record = createWorkRecord({
      rows: ({ after = 0, limit, decision }) =>
        rows
          .filter(
            ({ number, row }) => number > after && (decision === undefined || (row as IntentRow).decision === decision),
          )
          .slice(0, limit),
    });
    const since = [...record.framesSince('d9', 'p')].map(({ decision }) => decision);
    expect([since.length, since[0], since.at(-1)]).toEqual([120, 'd10', 'd248']);
    expect([...record.framesSince('nowhere', 'p')]).toEqual([]);
    expect([record.intentOf('d3')?.decision, record.outcomeOf('d3')]).toEqual(['d3', undefined]);
  });
});
