// Steps of firmware updates over the real gate, planned, judged and carried out as a job does: Anna and Ben may update, Carla looks.

import { createHash } from 'node:crypto';
import type { RunningDriver } from '../../src/contract/driver.ts';
import type { FirmwareDriver, FirmwareStep, ImageSource, StepWatch } from '../../src/contract/firmware.ts';
import type { Caller } from '../../src/contract/gate.ts';
import type { GateControl } from '../../src/gate/options.ts';
import { principalId } from '../../src/model/ids.ts';
import type { Outcome } from '../../src/model/journal-row.ts';
import type { PolicySnapshot } from '../../src/policy/rights.ts';
import { type StageJournal, snapshot } from '../gate/stage.ts';

export const everybody: readonly object[] = [
  { to: 'user:anna', role: 'admin', at: 'hq' },
  { to: 'user:ben', role: 'admin', at: 'hq' },
  { to: 'user:carla', role: 'viewer', at: 'hq' },
];

export interface PolicyWords {
  readonly onRevoke?: 'stop' | 'finish';
  readonly raw?: boolean;
}

/** Devices as such a policy has them. */
export function withWords(devices: readonly object[], { onRevoke, raw }: PolicyWords): readonly object[] {
  const more = { ...(onRevoke && { onRevoke }), ...(raw && { firmware: { raw: 'permit' } }) };
  return devices.map((device) => ({ ...device, ...more }));
}

export type CountedSource = ImageSource & { readonly reads: number[] };

/** An image that says where it was read. */
export function imageSource(image: Buffer, made: Pick<ImageSource, 'vendor' | 'model' | 'version'>): CountedSource {
  const reads: number[] = [];
  return {
    ...made,
    id: createHash('sha256').update(image).digest('hex'),
    size: image.length,
    reads,
    read: async (offset, length) => {
      reads.push(offset);
      return image.subarray(offset, offset + length);
    },
  };
}

export function watching({ signal, progress }: Partial<StepWatch>): StepWatch {
  return { signal: signal ?? new AbortController().signal, progress: progress ?? (() => undefined) };
}

interface Parts<Driver> {
  readonly gate: GateControl;
  readonly journal: StageJournal;
  readonly driver: Driver;
  readonly policy: PolicySnapshot;
  /** The policy with these grants. */
  bundle(grants: readonly object[], revision: number): object;
  sourceOf(image: Buffer): ImageSource;
}

export class FirmwareSteps<Driver extends RunningDriver> {
  readonly gate: GateControl;
  readonly journal: StageJournal;
  readonly driver: Driver;
  readonly #parts: Parts<Driver>;
  #snapshot: PolicySnapshot;

  constructor(parts: Parts<Driver>) {
    this.gate = parts.gate;
    this.journal = parts.journal;
    this.driver = parts.driver;
    this.#parts = parts;
    this.#snapshot = parts.policy;
  }

  get firmware(): FirmwareDriver {
    if (this.driver.firmware === undefined) throw new Error('the driver updates no firmware');
    return this.driver.firmware;
  }

  /** Handle of a point or device by its id. */
  handle(id = 'fw1') {
    const handle = this.#snapshot.inventory.find(id);
    if (handle === undefined) throw new Error(`no \`${id}\``);
    return handle;
  }

  caller(principal = 'anna'): Caller {
    return {
      principal: principalId(principal),
      channel: 'local',
      proof: { kind: 'sign-in', session: 'rig' },
      from: `page of ${principal}`,
      peer: `page of ${principal}`,
    };
  }

  /** Plans, judges and carries out one step; a denial is its reason. */
  async step(step: FirmwareStep, watch: Partial<StepWatch> = {}, id = 'fw1', who = 'anna'): Promise<Outcome | string> {
    const planned = this.firmware.plan(this.handle(id), step);
    if (!planned.ok) return planned.fault;
    const judgement = this.gate.judge(this.caller(who), planned.value);
    if (!judgement.permitted) return judgement.denial.reason;
    return this.firmware.perform(judgement.permit, watching(watch));
  }

  async transfer(image: Buffer, more: Partial<StepWatch> & { readonly goesOn?: boolean; readonly id?: string } = {}) {
    const { goesOn = false, id, ...watch } = more;
    return this.step({ kind: 'transfer', image: this.#parts.sourceOf(image), goesOn }, watch, id);
  }

  activate(image: Buffer, watch: Partial<StepWatch> = {}) {
    return this.step({ kind: 'activate', image: this.#parts.sourceOf(image) }, watch);
  }

  verify(image: Buffer, id = 'fw1') {
    return this.firmware.verify(this.handle(id), this.#parts.sourceOf(image), watching({}));
  }

  /** Other rights over the same inventory. */
  regrant(grants: readonly object[], revision = 2): void {
    this.#snapshot = snapshot(this.#parts.bundle(grants, revision), this.#snapshot);
    this.gate.activate(this.#snapshot);
  }
}
