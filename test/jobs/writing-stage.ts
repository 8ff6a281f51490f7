// Controllers whose configuration and alarm limits jobs write: slots in memory, the real writer and gate.

import type { ConfigurationOrder, Job, JobOrder, ThresholdsOrder } from '../../src/contract/jobs.ts';
import { createJobs, type RunningJobs } from '../../src/jobs/create-jobs.ts';
import type { PointValue } from '../../src/model/point.ts';
import { fail } from '../../src/model/result.ts';
import { bundle } from '../gate/stage.ts';
import { type WriterStage, writerStage } from './writer-stage.ts';

/** Three controllers of the same kind, and one of another. */
interface StageOrganization {
  readonly devices: object[];
  readonly points: object[];
  readonly grants: object[];
  readonly roles: { approvals?: object }[];
}

function plantBundle(approvals: object, change: (organization: StageOrganization) => void): object {
  const document = bundle() as { organizations: [StageOrganization] };
  const [organization] = document.organizations;
  const { devices, points, roles } = organization;
  for (const id of ['c1', 'c2', 'c3']) {
    devices.push({ id, name: id, location: 'hq' });
    points.push(
      { id: `${id}/kp`, name: 'Gain', device: id, class: 'parameter', limits: { min: 0, max: 10 } },
      { id: `${id}/ti`, name: 'Time', device: id, class: 'parameter' },
      { id: `${id}/hi`, name: 'High limit', device: id, class: 'alarm-limit' },
    );
  }
  for (const role of roles) role.approvals = approvals;
  change(organization);
  return document;
}

export const copy: ConfigurationOrder = {
  kind: 'configuration',
  source: 'c1',
  devices: ['c2', 'c3'],
  classes: ['parameter'],
};
export const limits: ThresholdsOrder = {
  kind: 'alarm-thresholds',
  devices: ['c1', 'c2'],
  values: [{ key: 'hi', value: 30 }],
};

export async function settle(): Promise<void> {
  for (let turn = 0; turn < 30; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

export const statesOf = (job: Job | undefined) => job?.devices.map(({ state }) => state);

export class WritingStage {
  readonly all: WriterStage;
  jobs: RunningJobs;

  private constructor(approvals: object, change: (organization: StageOrganization) => void) {
    this.all = writerStage(plantBundle(approvals, change));
    this.jobs = this.#open();
  }

  static async set(
    approvals: object = {},
    change: (organization: StageOrganization) => void = () => {},
  ): Promise<WritingStage> {
    const stage = new WritingStage(approvals, change);
    await stage.jobs.takeUp();
    for (const [id, value] of [
      ['c1/kp', 5],
      ['c1/ti', 60],
      ['c2/kp', 1],
      ['c2/ti', 60],
      ['c3/kp', 2],
      ['c3/ti', 30],
    ] as const)
      stage.put(id, value);
    return stage;
  }

  #open(): RunningJobs {
    const { stage, shelf, drivers, writer } = this.all;
    let ids = 0;
    return createJobs({
      gate: stage.gate,
      journal: stage.journal,
      shelf,
      clock: stage.time,
      timers: stage.time,
      log: stage.log,
      drivers,
      inventory: () => stage.gate.policy()?.inventory,
      images: { get: () => undefined, open: async () => fail({ code: 'image-unknown', text: 'none' }) },
      writer,
      newId: () => {
        ids += 1;
        return `j-${ids}`;
      },
      intentOf: (decision) => stage.journal.rows('intent').find((row) => row.decision === decision),
    });
  }

  /** As after a restart. */
  async reopen(): Promise<void> {
    this.jobs = this.#open();
    await this.jobs.takeUp();
  }

  put(id: string, value: PointValue): void {
    this.all.driver.array(this.all.stage.handle(id))[15] = value;
  }

  held(id: string): PointValue {
    return this.all.driver.array(this.all.stage.handle(id))[15] ?? null;
  }

  async begin(order: JobOrder, who = 'anna'): Promise<string> {
    const started = await this.jobs.start(this.all.stage.as(who), order);
    if (started.kind !== 'started') throw new Error(JSON.stringify(started));
    return started.job.id;
  }

  async carried(order: JobOrder): Promise<Job | undefined> {
    const id = await this.begin(order);
    await settle();
    return this.jobs.get(id);
  }
}
