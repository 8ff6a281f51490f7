// Jobs of who is known no more: an application's token or certificate that the policy withdrew, a person it removed or locks.
// Before the next device the job pauses; inside a transfer the device's own word counts.

import { describe, expect, it } from 'vitest';
import type { Caller } from '../../src/contract/gate.ts';
import { JobStage } from './job-stage.ts';

const NAME = 'a1b2c3d4e5f6';
const TOKEN = `sha256:${NAME}${'0'.repeat(52)}`;
const OTHER = `sha256:${'9'.repeat(64)}`;
const ONE_BY_ONE = { rollout: { canary: false, atOnce: 1, stopAtFailedPercent: 100 } };

const application = (stage: JobStage, token = NAME): Caller => ({
  ...stage.as('optimizer'),
  proof: { kind: 'token', token },
});

async function begun(stage: JobStage, caller = application(stage)): Promise<string> {
  const started = await stage.through(stage.jobs.start(caller, stage.order(['d1', 'd2'], ONE_BY_ONE)));
  if (started.kind !== 'started') throw new Error(JSON.stringify(started));
  await stage.pass(400);
  expect(stage.states(started.job.id)).toEqual(['transferring', 'queued']);
  return started.job.id;
}

const why = 'the policy has withdrawn the token of `optimizer` that it was started with';

describe('a token that is withdrawn', () => {
  it.each([
    ['stop', ['rolled-back', 'queued'], 'old'],
    // What it finishes is the transfer: what was sent is never activated for who may not.
    ['finish', ['rolled-back', 'queued'], 'old'],
  ] as const)(
    'in a transfer, with `%s`: the device as it says, the next one not at all',
    async (onRevoke, states, runs) => {
      const stage = await JobStage.set({ tokens: [TOKEN], onRevoke });
      const id = await begun(stage);
      stage.policy({ tokens: [OTHER], onRevoke });
      expect(stage.job(id)).toMatchObject({ state: 'paused', paused: { by: 'gateway', why } });
      await stage.pass(30_000, 500);
      expect(stage.states(id)).toEqual(states);
      expect(stage.runs().slice(0, 2)).toEqual([runs, 'old']);
      expect(stage.rows('job-revoked')).toMatchObject([{ target: 'd1', reason: 'unattributed', onRevoke }]);
      const isWhole = stage.steps.some(({ device, to }) => device === 'd1' && to === 'verifying');
      expect(isWhole).toBe(onRevoke === 'finish');
    },
  );

  it('between two devices: the next is not begun, also after a restart of the gateway', async () => {
    const stage = await JobStage.set({ tokens: [TOKEN] });
    const started = await stage.through(
      stage.jobs.start(
        application(stage),
        stage.order(['d1'], { window: { from: stage.time.now() + 60_000, until: stage.time.now() + 600_000 } }),
      ),
    );
    if (started.kind !== 'started') throw new Error(started.kind);
    stage.kill();
    await stage.boot();
    stage.policy({ tokens: [] });
    await stage.pass(90_000, 1000);
    expect(stage.states(started.job.id)).toEqual(['queued']);
    expect(stage.job(started.job.id)).toMatchObject({ state: 'paused', paused: { why } });
    expect(stage.intents()).toEqual([]);
  });

  it('nothing goes on by resuming with it; with the new one it does', async () => {
    const stage = await JobStage.set({ tokens: [TOKEN] });
    const id = await begun(stage);
    stage.policy({ tokens: [OTHER] });
    await stage.pass(30_000, 500);
    await stage.through(stage.jobs.resume(application(stage), id));
    await stage.pass(5000, 500);
    expect(stage.states(id)).toEqual(['rolled-back', 'queued']);
    expect(stage.job(id).paused).toMatchObject({ why });
    await stage.through(stage.jobs.resume(application(stage, '9'.repeat(12)), id));
    await stage.ended(id);
    expect(stage.states(id)).toEqual(['rolled-back', 'done']);
  });

  it('of somebody else, or a policy that keeps it, hinders nothing', async () => {
    const stage = await JobStage.set({ tokens: [TOKEN, OTHER] });
    const id = await begun(stage);
    stage.policy({ tokens: [TOKEN.toUpperCase().replace('SHA', 'sha')] });
    expect((await stage.ended(id)).state).toBe('done');
  });

  it('starts nothing', async () => {
    const stage = await JobStage.set({ tokens: [OTHER] });
    const started = await stage.through(stage.jobs.start(application(stage), stage.order(['d1'])));
    expect(started).toMatchObject({ kind: 'not-started', denials: [{ reason: 'unattributed' }] });
  });
});

describe('whoever the policy', () => {
  it.each([
    ['removed, an application', 'optimizer', 'unknown-principal', { tokens: [TOKEN], removed: 'optimizer' }],
    ['removed, a person', 'anna', 'unknown-principal', { tokens: [TOKEN], removed: 'anna' }],
    ['locks', 'optimizer', 'locked', undefined],
  ])('%s', async (_what, who, reason, policy) => {
    const stage = await JobStage.set({ tokens: [TOKEN] });
    const id = await begun(stage, who === 'optimizer' ? application(stage) : stage.as(who));
    if (policy) stage.policy(policy);
    else stage.revoke(who);
    expect(stage.job(id)).toMatchObject({ state: 'paused', paused: { by: 'gateway' } });
    expect(stage.rows('job-revoked')).toMatchObject([{ target: 'd1', reason, onRevoke: 'stop' }]);
    await stage.pass(5000, 500);
    expect(stage.states(id)).toEqual(['rolled-back', 'queued']);
    expect(stage.runs().slice(0, 2)).toEqual(['old', 'old']);
  });
});

it('a certificate that the policy withdrew proves as little as such a token', async () => {
  const stage = await JobStage.set();
  const shown = { kind: 'certificate', subject: 'CN=anna,O=Acme', fingerprint: 'aa' } as const;
  const id = await begun(stage, { ...stage.as('anna'), proof: shown });
  stage.policy({ certificates: false });
  expect(stage.job(id).paused).toMatchObject({ why: expect.stringContaining('withdrawn the certificate of `anna`') });
});
