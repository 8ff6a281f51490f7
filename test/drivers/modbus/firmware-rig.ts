// The driver over devices with boot loaders, with the real gate and policy: Anna and Ben may update, Carla only looks.

import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { onTestFinished } from 'vitest';
import { driver } from '../../../drivers/modbus/driver.ts';
import {
  FIRMWARE_MODEL,
  FIRMWARE_VENDOR,
  type FirmwarePlant,
  type FirmwarePlantOptions,
  startFirmwarePlant,
} from '../../../simulators/modbus/firmware-plant.ts';
import type { RunningDriver } from '../../../src/contract/driver.ts';
import type { FirmwareDriver, FirmwareStep, ImageSource, StepWatch } from '../../../src/contract/firmware.ts';
import type { Caller } from '../../../src/contract/gate.ts';
import { createGate } from '../../../src/gate/gate.ts';
import type { GateControl, SiteRules } from '../../../src/gate/options.ts';
import { principalId } from '../../../src/model/ids.ts';
import type { Outcome } from '../../../src/model/journal-row.ts';
import type { PolicySnapshot } from '../../../src/policy/rights.ts';
import { ADMINISTRATOR, StageJournal, StageLog, snapshot } from '../../gate/stage.ts';
import { compile, parseSection, people, RawClient, realTime, realTimers, rigBundle } from './rig.ts';

export interface FirmwareRigOptions extends Partial<FirmwarePlantOptions> {
  readonly onRevoke?: 'stop' | 'finish';
  readonly raw?: boolean;
  readonly site?: Partial<SiteRules>;
  readonly timeoutMs?: number;
}

export function sourceOf(image: Buffer, version = '2.0.0'): ImageSource & { readonly reads: number[] } {
  const reads: number[] = [];
  return {
    id: createHash('sha256').update(image).digest('hex'),
    size: image.length,
    vendor: FIRMWARE_VENDOR,
    model: FIRMWARE_MODEL,
    version,
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

const may = (one: string, more: readonly object[] = []): readonly object[] => [
  ...more,
  { to: `user:${one}`, role: 'admin', at: 'hq' },
];
export const everybody = may('anna', may('ben', [{ to: 'user:carla', role: 'viewer', at: 'hq' }]));

export class FirmwareRig {
  readonly plant: FirmwarePlant;
  readonly gate: GateControl;
  readonly journal: StageJournal;
  readonly driver: RunningDriver;
  readonly #options: FirmwareRigOptions;
  readonly #clients: RawClient[] = [];
  #snapshot: PolicySnapshot;

  private constructor(
    plant: FirmwarePlant,
    gate: GateControl,
    journal: StageJournal,
    running: RunningDriver,
    policy: PolicySnapshot,
    options: FirmwareRigOptions,
  ) {
    this.plant = plant;
    this.gate = gate;
    this.journal = journal;
    this.driver = running;
    this.#snapshot = policy;
    this.#options = options;
  }

  /** `finished`: that of the test's own context, where tests run beside each other. */
  static async start(options: FirmwareRigOptions = {}, finished = onTestFinished): Promise<FirmwareRig> {
    const plant = await startFirmwarePlant({ count: 1, method: 'registers', ...options });
    const journal = new StageJournal();
    const log = new StageLog();
    let ids = 0;
    const gate = createGate({
      journal,
      log,
      clock: realTime,
      timers: realTimers,
      links: { lookup: () => undefined },
      newId: (kind) => {
        ids += 1;
        return `${kind}-${ids}`;
      },
      site: {
        applicationAddresses: [],
        sharedNetworks: ['127.0.0.0/8'],
        neverGated: { peers: [], targets: [] },
        ...options.site,
      },
    });
    const current = snapshot(bundleOf(plant, options));
    gate.activate(current);
    for (const id of ['anna', 'ben', 'carla'] as const) {
      const claim = { principal: principalId(id), address: people[id], forMs: 3_600_000, by: ADMINISTRATOR };
      const opened = await gate.openSession(claim);
      if (!opened.ok) throw new Error(opened.fault.text);
    }
    const lines = Object.fromEntries(
      [...plant.hosts].map(([id, { host, port }]) => [
        id,
        options.line === 'rtu'
          ? { rtuOverTcp: { host, port }, timeoutMs: options.timeoutMs ?? 100, turnaroundMs: 5 }
          : { tcp: { host, port }, timeoutMs: options.timeoutMs ?? 100, inFlight: 4 },
      ]),
    );
    const section = parseSection({
      listen: [{ name: 'north', address: '127.0.0.1', port: 0 }],
      lines,
      units: [...plant.devices.keys()].map((device, index) => ({ unit: index + 1, device })),
    });
    const services = { gate, log, clock: realTime, timers: realTimers };
    const running = await driver.start(section, await compile(current), services);
    const rig = new FirmwareRig(plant, gate, journal, running, current, options);
    finished(() => rig.stop());
    return rig;
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
    return this.step({ kind: 'transfer', image: sourceOf(image), goesOn }, watch, id);
  }

  activate(image: Buffer) {
    return this.step({ kind: 'activate', image: sourceOf(image) });
  }

  verify(image: Buffer, id = 'fw1') {
    return this.firmware.verify(this.handle(id), sourceOf(image), watching({}));
  }

  standing(id = 'fw1') {
    return this.firmware.standing(this.handle(id));
  }

  loader(id = 'fw1') {
    return this.plant.device(id).loader;
  }

  /** A tool of a person, connected to the gateway. */
  async client(person: 'anna' | 'ben' | 'carla'): Promise<RawClient> {
    const port = this.driver.status().listening[0]?.port ?? 0;
    const socket = connect({ host: '127.0.0.1', port, localAddress: people[person], noDelay: true });
    const client = new RawClient(socket);
    this.#clients.push(client);
    await once(socket, 'connect');
    return client;
  }

  /** Other rights over the same inventory. */
  regrant(grants: readonly object[], revision = 2): void {
    this.#snapshot = snapshot(bundleOf(this.plant, this.#options, grants, revision), this.#snapshot);
    this.gate.activate(this.#snapshot);
  }

  async stop(): Promise<void> {
    for (const client of this.#clients) await client.end();
    await this.driver.stop();
    await this.gate.stop();
    await this.plant.stop();
  }
}

function bundleOf(
  plant: FirmwarePlant,
  { onRevoke, raw }: FirmwareRigOptions,
  grants: readonly object[] = everybody,
  revision = 1,
): object {
  const { devices, points } = plant.inventory();
  const more = { ...(onRevoke && { onRevoke }), ...(raw && { firmware: { raw: 'permit' } }) };
  return rigBundle({ revision, grants, plant: { devices: devices.map((device) => ({ ...device, ...more })), points } });
}
