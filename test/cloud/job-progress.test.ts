// What goes out on `jobs/{id}`: in its form, small enough, not too often, and the last word always.

import { describe, expect, it } from 'vitest';
import { jobSchema } from '../../src/cloud/job-form.ts';
import { JobReports, progressText } from '../../src/cloud/job-progress.ts';
import { MAX_MESSAGE_BYTES } from '../../src/cloud/manifest.ts';
import type { Job, JobDevice } from '../../src/contract/jobs.ts';
import { START, StageTime } from '../gate/stage.ts';

const device = (id: string, change: Partial<JobDevice> = {}): JobDevice => ({
  device: id,
  state: 'transferring',
  since: START,
  tries: 1,
  decisions: [],
  ...change,
});

function jobOf(devices: readonly JobDevice[], change: Partial<Job> = {}): Job {
  return {
    id: 'j-1',
    order: {
      kind: 'firmware',
      image: 'a'.repeat(64),
      devices: ['ahu1'],
      rollout: { canary: true, atOnce: 4, stopAtFailedPercent: 20 },
      note: 'spring',
    },
    starter: { principal: 'ben', channel: 'remote', from: 'mqtt' },
    startedAt: START,
    state: 'running',
    approvals: { needed: 0, given: [] },
    devices,
    revision: 1,
    ...change,
  };
}

describe('a job on the wire', () => {
  it('is of its form, with everything there is to say', () => {
    const job = jobOf(
      [
        device('ahu1', { oldVersion: '1', newVersion: '2', progress: { octets: 5, total: 9, perSecond: 1.5 } }),
        device('ahu2', {
          state: 'refused',
          denial: { reason: 'locked', verdicts: [], text: '' },
          why: 'x'.repeat(999),
        }),
      ],
      {
        endedAt: START,
        paused: { by: 'ben', why: 'lunch' },
        stopping: { by: 'anna', why: 'enough' },
        approvals: {
          needed: 1,
          given: [
            {
              by: { principal: 'carla', channel: 'local', from: '' },
              verdict: 'approved',
              comment: 'ok',
              at: START,
            },
          ],
        },
      },
    );
    const said = jobSchema.parse(JSON.parse(progressText(job, START)));
    expect(said).toMatchObject({
      id: 'j-1',
      kind: 'firmware',
      starter: 'ben',
      done: 1,
      total: 2,
      counts: { transferring: 1, refused: 1 },
      note: 'spring',
      devices: [{ octets: 5, size: 9, oldVersion: '1' }, { reason: 'locked' }],
      approvals: { given: [{ by: 'carla' }] },
    });
    expect(said.devices[1]?.why).toHaveLength(300);
    expect(said.omitted).toBe(undefined);
  });

  it('fits one message; what is under way is kept before what has ended', () => {
    const ended = Array.from({ length: 900 }, (_, at) =>
      device(`old-${at}`, { state: 'failed', why: 'ü'.repeat(300) }),
    );
    const text = progressText(jobOf([...ended, device('now-1'), device('now-2')]), START);
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(MAX_MESSAGE_BYTES);
    const said = jobSchema.parse(JSON.parse(text));
    expect(said.devices.slice(0, 2).map((each) => each.device)).toEqual(['now-1', 'now-2']);
    expect(said.devices.length + (said.omitted ?? 0)).toBe(902);
    expect(said.counts).toEqual({ failed: 900, transferring: 2 });
  });
});

describe('reports of jobs', () => {
  function scene() {
    const time = new StageTime();
    const sent: [string, number][] = [];
    const line = { isUp: true };
    const reports = new JobReports({
      clock: time,
      timers: time,
      send: async (id, text) => {
        if (line.isUp) sent.push([id, (JSON.parse(text) as { revision: number }).revision]);
        return line.isUp;
      },
    });
    return { time, sent, line, reports };
  }
  const at = (revision: number, id = 'j-1'): Job => jobOf([device('ahu1')], { revision, id });

  it('go out at once, then once a second, the newest last', async () => {
    const { time, sent, reports } = scene();
    for (let revision = 1; revision <= 50; revision += 1) reports.changed(at(revision));
    reports.changed(at(7, 'j-2'));
    expect(sent).toEqual([
      ['j-1', 1],
      ['j-2', 7],
    ]);
    await time.pass(1_000);
    expect(sent.at(-1)).toEqual(['j-1', 50]);
    await time.pass(10_000);
    expect(sent).toHaveLength(3);
    reports.stop();
  });

  it('that the broker did not take are said again when the line is up, the newest alone', async () => {
    const { time, sent, line, reports } = scene();
    line.isUp = false;
    reports.changed(at(1));
    await time.pass(1_000);
    reports.changed(at(2));
    await time.pass(1_000);
    line.isUp = true;
    reports.up();
    expect(sent).toEqual([['j-1', 2]]);
    await time.pass(5_000);
    reports.up();
    expect(sent).toHaveLength(1);
  });

  it('say the last word before they stop', async () => {
    const { sent, reports } = scene();
    reports.changed(at(1));
    reports.changed(at(2));
    reports.stop();
    expect(sent.at(-1)).toEqual(['j-1', 2]);
  });
});
