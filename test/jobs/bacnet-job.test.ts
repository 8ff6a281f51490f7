// The engine over the real BACnet driver and devices with real boot loaders: what the two take for granted of one another.

import { describe, expect, it, onTestFinished } from 'vitest';
import type { RunningDriver } from '../../src/contract/driver.ts';
import type { ImageManifest } from '../../src/contract/images.ts';
import type { Job, Rollout } from '../../src/contract/jobs.ts';
import { createJobs, type RunningJobs } from '../../src/jobs/create-jobs.ts';
import { fail, isNonEmpty, ok } from '../../src/model/result.ts';
import { FirmwareRig, type FirmwareRigOptions, sourceOf } from '../drivers/bacnet/firmware-rig.ts';
import { realTime, realTimers } from '../drivers/bacnet/transport-rig.ts';
import { StageLog } from '../gate/stage.ts';
import { MemoryShelf } from './slot-driver.ts';

const SIZE = 60_000;
const ROLLOUT: Rollout = { canary: false, atOnce: 4, stopAtFailedPercent: 100 };

class Site {
  readonly rig: FirmwareRig;
  readonly image: Buffer;
  readonly shelf = new MemoryShelf();
  jobs: RunningJobs;
  #ids = 0;

  private constructor(rig: FirmwareRig) {
    this.rig = rig;
    this.image = rig.plant.image('2.0.0', SIZE);
    this.jobs = this.#open();
  }

  static async start(options: FirmwareRigOptions): Promise<Site> {
    const site = new Site(await FirmwareRig.start(options));
    onTestFinished(() => site.jobs.stop());
    await site.jobs.takeUp();
    return site;
  }

  #open(): RunningJobs {
    const { gate, journal, driver } = this.rig;
    const source = sourceOf(this.image);
    const { id, size, vendor, model, version } = source;
    const manifest: ImageManifest = { format: 'gatehouse.image/1', vendor, model, version, size, sha256: id };
    const stored = { id, manifest, key: 'k', state: 'ready', received: size, addedAt: 0, addedBy: 'anna' } as const;
    return createJobs({
      gate,
      journal,
      shelf: this.shelf,
      clock: realTime,
      timers: realTimers,
      log: new StageLog(),
      drivers: new Map<string, RunningDriver>([['bacnet', driver]]),
      inventory: () => gate.policy()?.inventory,
      images: {
        get: (asked) => (asked === id ? stored : undefined),
        open: async (asked) =>
          asked === id ? ok({ ...source, manifest }) : fail({ code: 'image-unknown', text: 'no such image' }),
      },
      writer: {
        check: () => [],
        write: () => Promise.reject(new Error('not here')),
        spanOf: () => ({ mayEnd: false }),
      },
      newId: () => {
        this.#ids += 1;
        return `j-${this.#ids}`;
      },
      intentOf: (decision) => journal.rows('intent').find((row) => row.decision === decision),
    });
  }

  /** As after a restart, with the driver that was there. */
  async reopen(): Promise<void> {
    await this.jobs.stop();
    this.jobs = this.#open();
    await this.jobs.takeUp();
  }

  async begin(devices: readonly string[]): Promise<string> {
    if (!isNonEmpty(devices)) throw new Error('no device');
    const { id: image } = sourceOf(this.image);
    const order = { kind: 'firmware', image, devices, rollout: ROLLOUT } as const;
    const started = await this.jobs.start(this.rig.caller(), order);
    if (started.kind !== 'started') throw new Error(JSON.stringify(started));
    return started.job.id;
  }

  /** Resolves as soon as the job is as wanted. */
  until(id: string, wanted: (job: Job) => boolean): Promise<Job> {
    return new Promise((resolve) => {
      const look = (job: Job | undefined) => {
        if (job?.id !== id || !wanted(job)) return;
        end();
        resolve(job);
      };
      const end = this.jobs.onChange(look);
      look(this.jobs.get(id));
    });
  }

  ended = (id: string): Promise<Job> => this.until(id, ({ endedAt }) => endedAt !== undefined);
  sending = (id: string): Promise<Job> =>
    this.until(id, ({ devices }) => devices.some(({ state }) => state === 'transferring'));
  banks = (...devices: string[]) => devices.map((id) => this.rig.loader(id).bank(this.rig.plant.first, this.image));
}

const states = ({ devices }: Job) => devices.map(({ state }) => state);

describe('BACnet devices', () => {
  it('are brought to the new image, whatever they lose on the way', async () => {
    const site = await Site.start({ count: 3, firmware: { staging: true, confirmSeconds: 10 } });
    site.rig.loader('fw2').fail({ kind: 'lose-answers', every: 7 });
    site.rig.loader('fw3').fail({ kind: 'reboot', at: 9 });
    const job = await site.ended(await site.begin(['fw1', 'fw2', 'fw3']));
    expect(states(job)).toEqual(['done', 'done', 'done']);
    expect(site.banks('fw1', 'fw2', 'fw3')).toEqual(['new', 'new', 'new']);
    expect(job.devices[0]).toMatchObject({ oldVersion: '1.0.0', newVersion: '2.0.0' });
    expect(site.rig.gate.transfers()).toEqual([]);
  }, 30_000);

  it('hold nothing of an image that was aborted, or that they stored wrong', async () => {
    const site = await Site.start({ count: 2, firmware: { staging: true, confirmSeconds: 10 } });
    site.rig.loader('fw2').fail({ kind: 'damage', at: 5 });
    const damaged = await site.ended(await site.begin(['fw2']));
    expect(states(damaged)).toEqual(['rolled-back']);
    expect(damaged.devices[0]?.why).toContain('another octet than the image');
    const id = await site.begin(['fw1']);
    await site.sending(id);
    const before = realTime.monotonic();
    await site.jobs.abort(site.rig.caller(), id, 'not today');
    expect(realTime.monotonic() - before).toBeLessThan(1000);
    expect(states(await site.ended(id))).toEqual(['rolled-back']);
    expect(site.banks('fw1', 'fw2')).toEqual(['old', 'old']);
    expect([site.rig.content('fw1').length, site.rig.content('fw2').length]).toEqual([0, 0]);
  }, 30_000);

  it('go on where they were after a pause, and after a restart of the gateway', async () => {
    const site = await Site.start({
      count: 1,
      firmware: { staging: true, confirmSeconds: 10 },
      loader: { timeScale: 0.5 },
    });
    const id = await site.begin(['fw1']);
    await site.sending(id);
    await site.jobs.pause(site.rig.caller(), id, 'lunch');
    await site.until(id, ({ devices }) => devices[0]?.state === 'queued');
    await site.jobs.resume(site.rig.caller(), id);
    await site.sending(id);
    await site.reopen();
    expect(states(await site.ended(id))).toEqual(['done']);
    expect(site.banks('fw1')).toEqual(['new']);
    expect(site.rig.loader().transfers.at(-1)).toMatchObject({ gaps: 0 });
  }, 30_000);

  it('without a bank beside what runs are rescued by a retry', async () => {
    const site = await Site.start({ count: 1, loader: { banks: 'single' }, firmware: { confirmSeconds: 10 } });
    const id = await site.begin(['fw1']);
    await site.sending(id);
    await site.jobs.abort(site.rig.caller(), id, 'oh');
    const torn = await site.ended(id);
    expect(states(torn)).toEqual(['aborted']);
    await site.jobs.retry(site.rig.caller(), id);
    expect(states(await site.ended(id))).toEqual(['done']);
    expect(site.banks('fw1')).toEqual(['new']);
  }, 30_000);
});
