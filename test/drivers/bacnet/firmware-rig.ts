// The driver over a plant of devices with boot loaders, with the real gate and policy: Anna may update, Carla only looks.

import { createHash } from 'node:crypto';
import { onTestFinished } from 'vitest';
import { compileAddresses } from '../../../drivers/bacnet/address.ts';
import { bacnetSection } from '../../../drivers/bacnet/config.ts';
import { createRoad } from '../../../drivers/bacnet/road.ts';
import { RunningBacnet } from '../../../drivers/bacnet/running.ts';
import { BacnetClient, outcomeText } from '../../../simulators/bacnet/client.ts';
import {
  FIRMWARE_MODEL,
  type FirmwarePlant,
  type FirmwarePlantOptions,
  startFirmwarePlant,
} from '../../../simulators/bacnet/firmware-plant.ts';
import { macOf } from '../../../simulators/bacnet/framing.ts';
import { VENDOR } from '../../../simulators/bacnet/plant.ts';
import type { ServiceRequest } from '../../../simulators/bacnet/requests.ts';
import type { FirmwareDriver, FirmwareStep, ImageSource, StepWatch } from '../../../src/contract/firmware.ts';
import type { Caller } from '../../../src/contract/gate.ts';
import { createGate } from '../../../src/gate/gate.ts';
import type { GateControl, SiteRules } from '../../../src/gate/options.ts';
import { driverName, principalId } from '../../../src/model/ids.ts';
import type { Outcome } from '../../../src/model/journal-row.ts';
import type { PolicySnapshot } from '../../../src/policy/rights.ts';
import { ADMINISTRATOR, StageJournal, StageLog, snapshot } from '../../gate/stage.ts';
import { rigBundle } from './road-rig.ts';
import {
  eventually,
  NORTH_NETWORK,
  ownHost,
  ownHostBase,
  PLANT_NETWORK,
  realTime,
  realTimers,
} from './transport-rig.ts';

export interface FirmwareRigOptions extends Partial<FirmwarePlantOptions> {
  readonly onRevoke?: 'stop' | 'finish';
  readonly raw?: boolean;
  readonly network?: object;
  readonly site?: Partial<SiteRules>;
}

export function sourceOf(image: Buffer, version = '2.0.0'): ImageSource & { readonly reads: number[] } {
  const reads: number[] = [];
  return {
    id: createHash('sha256').update(image).digest('hex'),
    size: image.length,
    vendor: VENDOR,
    model: FIRMWARE_MODEL,
    version,
    reads,
    read: async (offset, length) => {
      reads.push(offset);
      return image.subarray(offset, offset + length);
    },
  };
}

export class FirmwareRig {
  readonly plant: FirmwarePlant;
  readonly gate: GateControl;
  readonly journal: StageJournal;
  readonly driver: RunningBacnet;
  readonly #options: FirmwareRigOptions;
  readonly #clients = new Map<string, BacnetClient>();
  #snapshot: PolicySnapshot;

  private constructor(
    plant: FirmwarePlant,
    gate: GateControl,
    journal: StageJournal,
    driver: RunningBacnet,
    policy: PolicySnapshot,
    options: FirmwareRigOptions,
  ) {
    this.plant = plant;
    this.gate = gate;
    this.journal = journal;
    this.driver = driver;
    this.#snapshot = policy;
    this.#options = options;
  }

  static async start(options: FirmwareRigOptions = {}): Promise<FirmwareRig> {
    const base = ownHostBase();
    for (let more = 0; more < (options.count ?? 1); more += 8) ownHostBase();
    const plant = await startFirmwarePlant({ count: 1, hostBase: base, ...options });
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
    const section = bacnetSection.parse({
      north: { networkNumber: NORTH_NETWORK, address: ownHost(), port: 0 },
      networks: {
        plant: {
          networkNumber: PLANT_NETWORK,
          address: ownHost(),
          port: plant.port,
          timeoutMs: 150,
          segmentTimeoutMs: 100,
          retries: 1,
          ...options.network,
        },
      },
    });
    const services = { gate, log, clock: realTime, timers: realTimers };
    const driver = new RunningBacnet(driverName('bacnet'), section, services, createRoad);
    const rig = new FirmwareRig(plant, gate, journal, driver, current, options);
    onTestFinished(() => rig.stop());
    await driver.listen();
    const index = await compileAddresses(current.inventory, async () => undefined);
    if (!index.ok) throw new Error(JSON.stringify(index.fault));
    driver.activate(index.value.index);
    await eventually(() => driver.status().lines.every(({ state, why }) => state === 'up' && why === undefined));
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

  verify(image: Buffer, id = 'fw1') {
    return this.firmware.verify(this.handle(id), sourceOf(image), watching({}));
  }

  loader(id = 'fw1') {
    return this.plant.device(id).loader;
  }

  /** What the device's file holds. */
  content(id = 'fw1'): Buffer {
    return this.plant.device(id).state.files.get(1)?.content ?? Buffer.alloc(0);
  }

  /** What a person's tool is answered, as text. */
  async ask(person: 'anna' | 'ben' | 'carla', request: ServiceRequest, id = 'fw1'): Promise<string> {
    const listening = this.driver.status().listening.find(({ name }) => name === 'north');
    const endpoint = { host: listening?.address ?? '', port: listening?.port ?? 0 };
    let client = this.#clients.get(person);
    if (client === undefined) {
      const host = ownHost();
      const claim = { principal: principalId(person), address: host, forMs: 3_600_000, by: ADMINISTRATOR };
      const opened = await this.gate.openSession(claim);
      if (!opened.ok) throw new Error(opened.fault.text);
      client = await BacnetClient.open({ host, port: endpoint.port });
      this.#clients.set(person, client);
    }
    const route = { network: PLANT_NETWORK, mac: macOf(this.plant.endpoint(id)) };
    return outcomeText(await client.request({ endpoint, route }, request));
  }

  /** Other rights over the same inventory. */
  regrant(grants: readonly object[], revision = 2): void {
    this.#snapshot = snapshot(bundleOf(this.plant, this.#options, grants, revision), this.#snapshot);
    this.gate.activate(this.#snapshot);
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#clients.values()].map((client) => client.stop()));
    await this.driver.stop();
    await this.gate.stop();
    await this.plant.stop();
  }
}

export function watching({ signal, progress }: Partial<StepWatch>): StepWatch {
  return { signal: signal ?? new AbortController().signal, progress: progress ?? (() => undefined) };
}

function bundleOf(
  plant: FirmwarePlant,
  { onRevoke, raw }: FirmwareRigOptions,
  grants?: readonly object[],
  revision = 1,
): object {
  const { devices, points } = plant.inventory();
  const more = { ...(onRevoke && { onRevoke }), ...(raw && { firmware: { raw: 'permit' } }) };
  return rigBundle({
    revision,
    devices: () => devices.map((device) => ({ ...device, ...more })),
    points: () => points,
    grants: grants ?? [
      { to: 'user:anna', role: 'admin', at: 'hq' },
      { to: 'user:ben', role: 'admin', at: 'hq' },
      { to: 'user:carla', role: 'viewer', at: 'hq' },
    ],
  });
}
