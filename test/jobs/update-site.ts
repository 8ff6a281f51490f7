// The engine over a real driver and devices with real boot loaders, in real time.

import { onTestFinished } from 'vitest';
import type { RunningDriver } from '../../src/contract/driver.ts';
import type { ImageSource } from '../../src/contract/firmware.ts';
import type { Caller } from '../../src/contract/gate.ts';
import type { ImageManifest } from '../../src/contract/images.ts';
import type { Job, Rollout } from '../../src/contract/jobs.ts';
import type { GateControl } from '../../src/gate/options.ts';
import { createJobs, type RunningJobs } from '../../src/jobs/create-jobs.ts';
import { fail, isNonEmpty, ok } from '../../src/model/result.ts';
import { realTime, realTimers } from '../drivers/gate-stage.ts';
import { type StageJournal, StageLog } from '../gate/stage.ts';
import { MemoryShelf } from './slot-driver.ts';

const SIZE = 60_000;
const ROLLOUT: Rollout = { canary: false, atOnce: 4, stopAtFailedPercent: 100 };

/** A driver's own rig. */
interface UpdateRig {
  readonly gate: GateControl;
  readonly journal: StageJournal;
  readonly driver: RunningDriver;
  readonly plant: { readonly first: Buffer; image(version: string, size: number): Buffer };
  caller(): Caller;
  loader(id: string): { bank(old: Buffer, fresh: Buffer): 'old' | 'new' | 'torn' };
}

export class UpdateSite<Rig extends UpdateRig> {
  readonly rig: Rig;
  readonly source: ImageSource;
  readonly #address: string;
  readonly image: Buffer;
  readonly shelf = new MemoryShelf();
  jobs: RunningJobs;
  #ids = 0;

  private constructor(rig: Rig, address: string, sourceOf: (image: Buffer) => ImageSource) {
    this.rig = rig;
    this.#address = address;
    this.image = rig.plant.image('2.0.0', SIZE);
    this.source = sourceOf(this.image);
    this.jobs = this.#open();
  }

  /** `address`: the name under which device addresses of the driver stand. */
  static async over<Rig extends UpdateRig>(
    rig: Rig,
    address: string,
    sourceOf: (image: Buffer) => ImageSource,
  ): Promise<UpdateSite<Rig>> {
    const site = new UpdateSite(rig, address, sourceOf);
    onTestFinished(() => site.jobs.stop());
    await site.jobs.takeUp();
    return site;
  }

  #open(): RunningJobs {
    const { gate, journal, driver } = this.rig;
    const { source } = this;
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
      drivers: new Map<string, RunningDriver>([[this.#address, driver]]),
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
    const { id: image } = this.source;
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

export const states = ({ devices }: Job) => devices.map(({ state }) => state);
