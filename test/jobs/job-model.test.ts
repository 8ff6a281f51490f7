// Whatever people, devices and power cuts do to an update, in whatever order: nothing is sent without a permit, every device ends
// with the old or the new image, and a job that ended holds nothing.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEVICE_STATES, type DeviceState } from '../../src/contract/jobs.ts';
import { isEnded, mayGo, rowOf } from '../../src/jobs/machine.ts';
import type { BootLoader } from './boot-loader.ts';
import { JobStage } from './job-stage.ts';

const USED = ['d1', 'd2', 'd3'] as const;
const RUNS = 120;

interface Run {
  readonly stage: JobStage;
  readonly id: string;
}

type Command = fc.AsyncCommand<object, Run>;

function command(name: string, run: (real: Run) => Promise<unknown>): Command {
  return {
    check: () => true,
    async run(_model, real) {
      await run(real);
      holdsAlways(real);
    },
    toString: () => name,
  };
}

/** What is so at any moment. */
function holdsAlways({ stage, id }: Run): void {
  const job = stage.job(id);
  for (const { state, since, deadline } of job.devices) {
    if (isEnded(state)) expect(deadline).toBeUndefined();
    else expect(deadline).toBeGreaterThan(since);
  }
  expect(job.endedAt !== undefined).toBe(job.devices.every(({ state }) => isEnded(state)));
  const begun = job.devices.filter(({ state }) => rowOf(state).phase === 'works').length;
  const taken = job.devices.filter(({ state }) => state === 'rolling-back').length;
  // An abort rolls back at once whatever holds a part.
  expect(begun - taken).toBeLessThanOrEqual(2);
}

const person = fc.constantFrom('anna', 'dora', 'ben');
const device = fc.constantFrom(...USED);
const fault = fc.constantFrom<BootLoader['fault'][]>(
  undefined,
  'refuses',
  'silent',
  'corrupts',
  'ignores-activation',
  'forgets',
);

const commands = fc.commands(
  [
    fc.integer({ min: 1, max: 2500 }).map((ms) => command(`pass ${ms}`, ({ stage }) => stage.pass(ms, 50))),
    fc.integer({ min: 5000, max: 400_000 }).map((ms) => command(`pass ${ms}`, ({ stage }) => stage.pass(ms, 2000))),
    person.map((who) =>
      command(`${who} pauses`, ({ stage, id }) => stage.through(stage.jobs.pause(stage.as(who), id, 'p'))),
    ),
    person.map((who) =>
      command(`${who} resumes`, ({ stage, id }) => stage.through(stage.jobs.resume(stage.as(who), id))),
    ),
    person.map((who) =>
      command(`${who} retries`, ({ stage, id }) => stage.through(stage.jobs.retry(stage.as(who), id))),
    ),
    person.map((who) =>
      command(`${who} aborts`, ({ stage, id }) => stage.through(stage.jobs.abort(stage.as(who), id, 'a'))),
    ),
    fc
      .tuple(person, fc.constantFrom('approved' as const, 'approved' as const, 'refused' as const))
      .map(([who, verdict]) =>
        command(`${who} ${verdict}`, ({ stage, id }) =>
          stage.through(stage.jobs.answerApproval(stage.as(who), id, verdict, '')),
        ),
      ),
    fc.constant(command('revoke', async ({ stage }) => stage.revoke('anna'))),
    fc.constant(command('restore', async ({ stage }) => stage.restore())),
    fc.constant(
      command('kill', async ({ stage }) => {
        stage.kill();
        await stage.boot();
      }),
    ),
    fc.tuple(fc.nat(60), fc.nat(40)).map(([ms, turns]) =>
      command(`kill after ${ms} ms and ${turns} turns`, async ({ stage }) => {
        stage.time.pass(ms);
        for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
        stage.kill();
        await stage.boot();
      }),
    ),
    fc.constant(
      command('stop', async ({ stage }) => {
        const stopping = stage.jobs.stop();
        await stage.through(stopping);
        stage.kill();
        await stage.boot();
      }),
    ),
    fc.tuple(device, fault).map(([id, what]) =>
      command(`${id} ${what}`, async ({ stage }) => {
        stage.device(id).fault = what;
      }),
    ),
    fc.tuple(device, fc.integer({ min: 100, max: 1900 })).map(([id, at]) =>
      command(`${id} reboots at ${at}`, async ({ stage }) => {
        stage.device(id).rebootsAt = at;
      }),
    ),
  ],
  { maxCommands: 25, size: '+1' },
);

/** Nobody hinders it any more: does it end, and how? */
async function finish({ stage, id }: Run): Promise<void> {
  stage.restore();
  for (const each of stage.devices.values()) each.fault = undefined;
  await stage.through(stage.jobs.resume(stage.as('anna'), id));
  for (const who of ['anna', 'dora']) await stage.through(stage.jobs.answerApproval(stage.as(who), id, 'approved', ''));
  for (let minutes = 0; minutes < 120 && stage.job(id).endedAt === undefined; minutes += 1)
    await stage.pass(60_000, 5000);
  expect(stage.job(id).endedAt).toBeDefined();
}

function holdsAtTheEnd({ stage, id }: Run): void {
  const job = stage.job(id);
  const intents = new Map(stage.journal.rows('intent').map((row) => [row.decision, row]));
  for (const { device: name, state } of job.devices) {
    const { runs, staged, received } = stage.device(name);
    expect(['old', 'new']).toContain(runs?.image);
    if (state === 'done') expect(runs?.image).toBe('new');
    if (state === 'rolled-back' || state === 'aborted' || state === 'refused') expect(runs?.image).toBe('old');
    if (state === 'done' || state === 'rolled-back') expect(staged).toBeUndefined();
    for (const { decision, what, revoked } of received) {
      const intent = intents.get(decision);
      expect(intent?.job).toBe(id);
      expect(intent?.operation).toBe(what);
      if (what === 'activate' && revoked) expect(intent?.who.principal).not.toBe('anna');
      if (what === 'activate') expect(intent?.approvedBy).toHaveLength(1);
    }
    expect(new Set(received.map(({ decision }) => decision)).size).toBe(received.length);
  }
  expect(stage.life.gate.transfers()).toEqual([]);
  const known: readonly string[] = DEVICE_STATES;
  for (const { from, to } of stage.rows('job-step')) {
    expect(known).toContain(from);
    expect(mayGo(from as DeviceState, to as DeviceState), `${from} to ${to}`).toBe(true);
  }
  expect(stage.log.of('job.fault')).toEqual([]);
}

describe('an update', () => {
  it('ends every device old or new, whatever happens', async () => {
    const ends = new Map<string, number>();
    await fc.assert(
      fc.asyncProperty(commands, fc.constantFrom('stop' as const, 'finish' as const), async (given, onRevoke) => {
        const stage = await JobStage.set({ approvals: { 'firmware.update': 1 }, onRevoke });
        const id = await stage.begin(USED);
        await stage.pass(50);
        await stage.through(stage.jobs.answerApproval(stage.as('dora'), id, 'approved', ''));
        const real = { stage, id };
        await fc.asyncModelRun(() => ({ model: {}, real }), given);
        await finish(real);
        holdsAtTheEnd(real);
        for (const state of stage.states(id)) ends.set(state, (ends.get(state) ?? 0) + 1);
      }),
      { numRuns: RUNS },
    );
    // The commands lead somewhere: a property of nothing but aborted jobs would say little.
    for (const state of ['done', 'rolled-back', 'aborted'] as const) expect(ends.get(state)).toBeGreaterThan(0);
  });
});
