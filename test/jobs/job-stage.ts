// A gateway for jobs that can be switched off at any moment: the real gate and policy, devices, shelf and record that outlive it.

import type { Timers } from '../../src/contract/clock.ts';
import type { RunningDriver } from '../../src/contract/driver.ts';
import type { Caller } from '../../src/contract/gate.ts';
import type { ImageManifest, Images, StoredImage } from '../../src/contract/images.ts';
import type { DeviceState, FirmwareOrder, Job, Rollout } from '../../src/contract/jobs.ts';
import type { Journal } from '../../src/contract/journal.ts';
import type { Shelf } from '../../src/contract/shelf.ts';
import type { Writer } from '../../src/contract/work.ts';
import { createGate } from '../../src/gate/gate.ts';
import type { GateControl } from '../../src/gate/options.ts';
import { createJobs, type RunningJobs } from '../../src/jobs/create-jobs.ts';
import { type DecisionId, principalId } from '../../src/model/ids.ts';
import { fail, isNonEmpty, ok } from '../../src/model/result.ts';
import type { FastLock } from '../../src/policy/lock.ts';
import { bundle, StageJournal, StageLog, StageTime, snapshot } from '../gate/stage.ts';
import { BootLoader, BootLoaderDriver } from './boot-loader.ts';
import { MemoryShelf } from './slot-driver.ts';

export const DEVICES = ['d1', 'd2', 'd3', 'd4', 'd5'] as const;
const IMAGE_OCTETS = 2000;
export const ROLLOUT: Rollout = { canary: false, atOnce: 2, stopAtFailedPercent: 100 };

export const manifest: ImageManifest = {
  format: 'gatehouse.image/1',
  vendor: 'Acme',
  model: 'X1',
  version: '2.0',
  size: IMAGE_OCTETS,
  sha256: 'new',
};

interface Policy {
  readonly approvals?: object;
  readonly onRevoke?: 'stop' | 'finish';
  readonly without?: string;
  /** The device that stands at another address. */
  readonly moved?: string;
  /** Until when anna's grant counts; ms since 1970. */
  readonly until?: number;
  readonly expiresAt?: number;
  /** The optimizer may do what anna may, and has these tokens. */
  readonly tokens?: readonly string[];
  /** False: no certificate is anybody's. */
  readonly certificates?: boolean;
  /** A person or application that the policy knows no more. */
  readonly removed?: string;
  /** So many devices more, `x1` and on. */
  readonly more?: number;
}

function jobBundle(policy: Policy = {}): object {
  const {
    approvals = {},
    onRevoke = 'stop',
    without,
    moved,
    until,
    expiresAt,
    tokens = [],
    removed,
    more = 0,
  } = policy;
  const document = bundle(expiresAt === undefined ? {} : { expiresAt: new Date(expiresAt).toISOString() }) as {
    users: { id: string; certificates?: readonly string[] }[];
    applications: { id: string; tokens?: readonly string[] }[];
    organizations: [
      { devices: object[]; roles: { id: string; approvals?: object }[]; grants: { to: string; until?: string }[] },
    ];
  };
  const [organization] = document.organizations;
  const known = [...DEVICES.filter((id) => id !== without), ...namesOf(more)];
  organization.devices.push(
    ...known.map((id) => ({
      id,
      name: id,
      location: 'hq',
      vendor: 'Acme',
      model: 'X1',
      onRevoke,
      address: { boot: { id: id === moved ? `${id}-elsewhere` : id } },
    })),
  );
  for (const role of organization.roles) if (role.id === 'admin') role.approvals = approvals;
  for (const grant of until === undefined ? [] : organization.grants) {
    if (grant.to === 'user:anna') grant.until = new Date(until ?? 0).toISOString();
  }
  for (const each of document.applications) if (each.id === 'optimizer') each.tokens = tokens;
  organization.grants.push({ to: 'application:optimizer', role: 'admin', at: 'hq' } as { to: string });
  organization.grants = organization.grants.filter(({ to }) => !to.endsWith(`:${removed}`));
  document.users = document.users.filter(({ id }) => id !== removed);
  if (policy.certificates === false) for (const user of document.users) delete user.certificates;
  document.applications = document.applications.filter(({ id }) => id !== removed);
  return document;
}

const namesOf = (more: number): string[] => Array.from({ length: more }, (_, at) => `x${at + 1}`);

const noWriter: Writer = {
  check: () => [],
  write: () => Promise.reject(new Error('nothing is written here')),
  spanOf: () => ({ mayEnd: false }),
};

/** One life of the gateway. */
interface Life {
  readonly gate: GateControl;
  readonly jobs: RunningJobs;
  alive: boolean;
}

export class JobStage {
  readonly time = new StageTime();
  readonly journal = new StageJournal();
  readonly log = new StageLog();
  readonly shelf = new MemoryShelf();
  readonly devices = new Map<string, BootLoader>(DEVICES.map((id) => [id, new BootLoader()]));
  /** Every change of a device of a job that was told. */
  readonly steps: { readonly job: string; readonly device: string; readonly to: DeviceState }[] = [];
  manifest = manifest;
  /** The image cannot be opened: why. */
  imageFault: string | undefined;
  isRevoked = false;
  /** The shelf cannot be written. */
  isFull = false;
  #life: Life | undefined;
  #ids = 0;
  #document: object = jobBundle();
  #locks: readonly FastLock[] = [];

  static async set(policy: Policy = {}): Promise<JobStage> {
    const stage = new JobStage();
    stage.#document = jobBundle(policy);
    for (const id of namesOf(policy.more ?? 0)) stage.devices.set(id, new BootLoader());
    await stage.boot();
    return stage;
  }

  get life(): Life {
    if (this.#life === undefined) throw new Error('it is switched off');
    return this.#life;
  }

  get jobs(): RunningJobs {
    return this.life.jobs;
  }

  async boot(): Promise<void> {
    const life: { alive: boolean } & Partial<Life> = { alive: true };
    const never = new Promise<never>(() => {});
    const timers: Timers = {
      after: (ms, run) => this.time.after(ms, () => void (life.alive && run())),
    };
    const journal: Journal = {
      append: (row, options) => (life.alive ? this.journal.append(row, options) : never),
      note: (row) => void (life.alive && this.journal.note(row)),
      state: () => this.journal.state(),
      onState: (listener) => this.journal.onState(listener),
      close: () => this.journal.close(),
    };
    const shelf: Shelf = {
      put: async (kind, document) => {
        if (!life.alive) return never;
        if (this.isFull) throw new Error('disk full');
        return this.shelf.put(kind, document);
      },
      remove: (kind, id) => (life.alive ? this.shelf.remove(kind, id) : never),
      get: (kind, id) => this.shelf.get(kind, id),
      list: (kind) => this.shelf.list(kind),
      close: () => this.shelf.close(),
    };
    const newId = (kind: string): string => {
      this.#ids += 1;
      return `${kind}-${this.#ids}`;
    };
    const gate = createGate({
      journal,
      log: this.log,
      clock: this.time,
      timers,
      links: { lookup: () => undefined },
      newId,
      site: { applicationAddresses: [], sharedNetworks: [], neverGated: { peers: [], targets: [] } },
    });
    gate.activate(snapshot(this.#document));
    gate.setFastLocks(this.#locks);
    const site = {
      gate,
      isAlive: () => life.alive,
      isRevoked: () => this.isRevoked,
      now: () => this.time.monotonic(),
      wait: (ms: number, signal?: AbortSignal) =>
        new Promise<void>((resolve) => {
          const done = () => {
            signal?.removeEventListener('abort', done);
            resolve();
          };
          this.time.after(ms, done);
          signal?.addEventListener('abort', done);
        }),
    };
    const driver = new BootLoaderDriver(site, (handle) => {
      const view = gate.policy()?.inventory;
      return view && this.devices.get(view.idOf(handle));
    });
    const jobs = createJobs({
      gate,
      journal,
      shelf,
      clock: this.time,
      timers,
      log: this.log,
      drivers: new Map<string, RunningDriver>([['boot', driver]]),
      inventory: () => gate.policy()?.inventory,
      images: this.images(),
      writer: noWriter,
      newId,
      intentOf: (decision) => this.journal.rows('intent').find((row) => row.decision === decision),
    });
    const before = new Map<string, DeviceState>();
    jobs.onChange((job) => {
      for (const { device, state } of job.devices) {
        const key = `${job.id} ${device}`;
        if (before.get(key) !== state) this.steps.push({ job: job.id, device, to: state });
        before.set(key, state);
      }
    });
    this.#life = Object.assign(life, { gate, jobs });
    await jobs.takeUp();
  }

  images(): Pick<Images, 'get' | 'open'> {
    const stored = (): StoredImage => ({
      id: this.manifest.sha256,
      manifest: this.manifest,
      key: 'k',
      state: 'ready',
      received: this.manifest.size,
      addedAt: 0,
      addedBy: 'anna',
    });
    return {
      get: (id) => (id === this.manifest.sha256 ? stored() : undefined),
      open: async (id) => {
        if (this.imageFault !== undefined) return fail({ code: 'image-digest', text: this.imageFault });
        if (id !== this.manifest.sha256) return fail({ code: 'image-unknown', text: 'no such image' });
        const { vendor, model, version, size } = this.manifest;
        const read = async (offset: number, length: number) => new Uint8Array(Math.min(length, size - offset));
        return ok({ id, size, vendor, model, version, read, manifest: this.manifest });
      },
    };
  }

  /** As if the plug had been pulled. */
  kill(): void {
    this.life.alive = false;
    this.#life = undefined;
  }

  policy(policy: Policy): void {
    this.#document = jobBundle(policy);
    this.life.gate.activate(snapshot(this.#document));
  }

  revoke(principal: string): void {
    this.isRevoked = true;
    this.#locks = [{ id: 'stop', why: 'leaving', principal, until: this.time.now() + 3_600_000 * 24 }];
    this.life.gate.setFastLocks(this.#locks);
  }

  restore(): void {
    this.isRevoked = false;
    this.#locks = [];
    this.life.gate.setFastLocks(this.#locks);
  }

  as(principal: string): Caller {
    return {
      principal: principalId(principal),
      channel: 'local',
      proof: { kind: 'sign-in', session: 's' },
      from: '127.0.0.1:1',
      peer: '127.0.0.1',
    };
  }

  order(devices: readonly string[] = DEVICES, more: Partial<FirmwareOrder> = {}): FirmwareOrder {
    if (!isNonEmpty(devices)) throw new Error('no device');
    return { kind: 'firmware', image: 'new', devices, rollout: ROLLOUT, ...more };
  }

  async begin(devices: readonly string[] = DEVICES, more: Partial<FirmwareOrder> = {}): Promise<string> {
    const started = await this.through(this.jobs.start(this.as('anna'), this.order(devices, more)));
    if (started.kind !== 'started') throw new Error(JSON.stringify(started));
    return started.job.id;
  }

  /** Everything that needs no time, and a little of that for whoever waits 0 ms. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 4; turn += 1) {
      await new Promise((resolve) => setImmediate(resolve));
      this.time.pass(0);
    }
  }

  async pass(ms: number, stepMs = 50): Promise<void> {
    for (let passed = 0; passed < ms; passed += stepMs) {
      await this.settle();
      this.time.pass(Math.min(stepMs, ms - passed));
    }
    await this.settle();
  }

  async through<T>(promise: Promise<T>): Promise<T> {
    let isDone = false;
    const done = promise.finally(() => {
      isDone = true;
    });
    for (let turn = 0; turn < 200 && !isDone; turn += 1) {
      await this.settle();
      this.time.pass(1);
    }
    return done;
  }

  job(id: string): Job {
    const job = this.jobs.get(id);
    if (job === undefined) throw new Error(`no job \`${id}\``);
    return job;
  }

  async ended(id: string, mostMs = 3_600_000): Promise<Job> {
    for (let passed = 0; passed < mostMs && this.job(id).endedAt === undefined; passed += 500)
      await this.pass(500, 100);
    return this.job(id);
  }

  states(id: string): DeviceState[] {
    return this.job(id).devices.map(({ state }) => state);
  }

  device(id: string): BootLoader {
    const found = this.devices.get(id);
    if (found === undefined) throw new Error(`no \`${id}\``);
    return found;
  }

  runs(): (string | undefined)[] {
    return [...this.devices.values()].map(({ runs }) => runs?.image);
  }

  intents(): DecisionId[] {
    return this.journal.rows('intent').map(({ decision }) => decision as DecisionId);
  }

  rows(event: string): { readonly [key: string]: unknown }[] {
    return this.journal.rows('system').flatMap((row) => (row.event === event ? [row.detail] : []));
  }
}
