// Devices with boot loaders that a test moves by hand, and the driver that reaches them: what firmware jobs are tested against.

import type { Performed, Reading, RunningDriver } from '../../src/contract/driver.ts';
import type {
  FirmwareDriver,
  FirmwarePath,
  FirmwareStanding,
  FirmwareStep,
  ImageSource,
  StepWatch,
} from '../../src/contract/firmware.ts';
import type { Change, Gate, Permit } from '../../src/contract/gate.ts';
import type { DecisionId, TargetHandle } from '../../src/model/ids.ts';
import type { Outcome } from '../../src/model/journal-row.ts';
import { fail, ok, type Result } from '../../src/model/result.ts';

const CHUNK = 100;
const CHUNK_MS = 50;
const BOOT_MS = 4000;

/** An image, told apart by its id; a device that runs anything else was torn. */
export class BootLoader {
  readonly vendor = 'Acme';
  readonly model = 'X1';
  /** What it runs: `undefined` = nothing but its boot loader. */
  runs: { readonly image: string; readonly version: string } | undefined = { image: 'old', version: '1.0' };
  staged: { readonly image: string; readonly version: string; octets: number; readonly size: number } | undefined;
  busyUntil = 0;
  /** How long it takes to say how it stands. */
  answersAfterMs = 0;
  /** What it does besides what it should. */
  fault:
    | 'refuses'
    | 'stalls'
    | 'silent'
    | 'lies'
    | 'corrupts'
    | 'ignores-activation'
    | 'forgets'
    | 'keeps'
    | 'hangs'
    | 'breaks'
    | undefined;
  /** Once: it reboots at this octet of a transfer, and keeps what it has. */
  rebootsAt: number | undefined;
  /** It runs on while it receives, and does not tell. */
  isDiscreet = false;
  path: FirmwarePath = { method: 'test', resumes: true, reverts: true, confirmMs: 20_000 };
  readonly received: { readonly decision: DecisionId; readonly what: string; readonly revoked: boolean }[] = [];
}

interface Site {
  readonly gate: Pick<Gate, 'redeem' | 'settle'>;
  readonly isAlive: () => boolean;
  /** Whether the person of whom it is asked may do nothing now. */
  readonly isRevoked: () => boolean;
  now(): number;
  wait(ms: number, signal?: AbortSignal): Promise<void>;
}

export class BootLoaderDriver implements RunningDriver, FirmwareDriver {
  readonly #site: Site;
  readonly #at: (handle: TargetHandle) => BootLoader | undefined;

  constructor(site: Site, at: (handle: TargetHandle) => BootLoader | undefined) {
    this.#site = site;
    this.#at = at;
  }

  readonly firmware: FirmwareDriver = this;
  activate(): void {}
  status() {
    return { listening: [], lines: [], counters: {} };
  }
  async read(): Promise<readonly Reading[]> {
    return [];
  }
  async stop(): Promise<void> {}

  path(device: TargetHandle): FirmwarePath | undefined {
    return this.#at(device)?.path;
  }

  async standing(device: TargetHandle): Promise<Result<FirmwareStanding, string>> {
    const it = this.#at(device);
    await this.#site.wait(it?.answersAfterMs ?? 0);
    if (it === undefined || it.fault === 'silent') return fail('no answer');
    if (it.fault === 'breaks') throw new Error('a fault of our own');
    const { vendor, model } = it;
    if (it.busyUntil > this.#site.now()) return ok({ state: 'busy', vendor, model });
    const version = it.fault === 'lies' && it.runs?.image !== 'old' ? '9.9' : it.runs?.version;
    const says = { vendor, model, ...(version !== undefined && { version }) };
    if (it.runs === undefined) return ok({ state: 'boot-loader', ...says });
    if (it.staged === undefined || it.isDiscreet) return ok({ state: 'running', ...says });
    const whole = it.staged.octets >= it.staged.size;
    return ok({ state: whole ? 'staged' : 'receiving', ...says, received: it.staged.octets });
  }

  plan(device: TargetHandle, step: FirmwareStep): Result<Change<unknown>, string>;
  plan(writes: readonly unknown[]): never;
  plan(device: unknown, step?: FirmwareStep): Result<Change<unknown>, string> {
    if (step === undefined) throw new Error('it writes no points');
    const handle = device as TargetHandle;
    return ok({
      what: { handle, step },
      operation: step.kind,
      effects: [{ target: handle, asks: 'firmware.update' }],
      transfer: { device: handle, ends: step.kind !== 'transfer' },
    });
  }

  perform(permit: Permit<unknown>): Promise<Performed>;
  perform(permit: Permit<unknown>, watch: StepWatch): Promise<Outcome>;
  async perform(permit: Permit<unknown>, watch?: StepWatch): Promise<Outcome & Performed> {
    const { gate } = this.#site;
    if (watch === undefined) throw new Error('it writes no points');
    const redeemed = await gate.redeem(permit, new Map());
    if (!redeemed.redeemed) return { kind: 'withdrawn', reason: redeemed.denial.reason } as Outcome & Performed;
    const { handle, step } = redeemed.change as { readonly handle: TargetHandle; readonly step: FirmwareStep };
    const it = this.#at(handle);
    const outcome = it
      ? await this.#step(it, step, permit.decisionId, watch)
      : { kind: 'not-sent' as const, why: 'gone' };
    // What is killed in the middle says nothing more.
    if (!this.#site.isAlive()) return new Promise(() => {});
    gate.settle(permit, outcome);
    return outcome as Outcome & Performed;
  }

  async #step(it: BootLoader, step: FirmwareStep, decision: DecisionId, watch: StepWatch): Promise<Outcome> {
    const { signal } = watch;
    if (it.fault === 'silent') return { kind: 'unknown', why: 'no answer' };
    it.received.push({ decision, what: step.kind, revoked: this.#site.isRevoked() });
    switch (step.kind) {
      case 'transfer':
        return this.#transfer(it, step.image, step.goesOn, watch);
      case 'activate': {
        if (it.staged === undefined || it.staged.octets < it.staged.size) {
          return { kind: 'refused-by-device', answer: 'nothing to activate' };
        }
        if (it.fault === 'ignores-activation') return { kind: 'acknowledged' };
        const { image, version } = it.staged;
        it.runs = { image, version };
        it.staged = undefined;
        it.busyUntil = this.#site.now() + BOOT_MS;
        return { kind: 'acknowledged' };
      }
      case 'revert':
        await this.#site.wait(CHUNK_MS, signal);
        if (it.fault === 'keeps') return { kind: 'refused-by-device', answer: 'it is mine' };
        it.staged = undefined;
        it.runs = { image: 'old', version: '1.0' };
        return { kind: 'acknowledged' };
    }
  }

  async #transfer(
    it: BootLoader,
    image: ImageSource,
    goesOn: boolean,
    { signal, progress }: StepWatch,
  ): Promise<Outcome> {
    const { id, version, size } = image;
    if (it.fault === 'refuses') return { kind: 'refused-by-device', answer: 'not for me' };
    if (!(goesOn && it.staged?.image === id)) it.staged = { image: id, version, octets: 0, size };
    progress(it.staged.octets);
    while (it.staged !== undefined && it.staged.octets < size) {
      await this.#site.wait(CHUNK_MS, it.fault === 'hangs' ? undefined : signal);
      if (it.fault === 'hangs') await new Promise(() => {});
      if (!this.#site.isAlive()) return { kind: 'unknown', why: 'killed' };
      if (signal.aborted) return { kind: 'stopped', why: 'stopped' };
      if (it.fault === 'stalls') continue;
      if (it.fault === 'breaks') throw new Error('a fault of our own');
      if (it.fault === 'forgets') it.staged = undefined;
      if (it.staged === undefined || it.fault === 'silent') return { kind: 'unknown', why: 'no answer' };
      const { length } = await image.read(it.staged.octets, CHUNK);
      it.staged.octets += length;
      if (it.rebootsAt !== undefined && it.staged.octets >= it.rebootsAt) {
        it.rebootsAt = undefined;
        it.busyUntil = this.#site.now() + BOOT_MS;
        return { kind: 'unknown', why: 'no answer' };
      }
      progress(it.staged.octets);
    }
    return { kind: 'acknowledged' };
  }

  async verify(device: TargetHandle, image: ImageSource, { signal }: StepWatch): Promise<Result<void, string>> {
    const it = this.#at(device);
    await this.#site.wait(CHUNK_MS, signal);
    if (it === undefined || it.fault === 'silent') return fail('no answer');
    const isWhole = it.staged?.image === image.id && it.staged.octets === image.size && it.fault !== 'corrupts';
    return isWhole ? ok(undefined) : fail('what it holds is another image');
  }
}
