// The driver over a plant of devices with boot loaders, with the real gate and policy.

import { onTestFinished } from 'vitest';
import { compileAddresses } from '../../../drivers/bacnet/address.ts';
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
import type { Shelf } from '../../../src/contract/shelf.ts';
import type { SiteRules } from '../../../src/gate/options.ts';
import { driverName } from '../../../src/model/ids.ts';
import { snapshot } from '../../gate/stage.ts';
import {
  type CountedSource,
  everybody,
  FirmwareSteps,
  imageSource,
  type PolicyWords,
  withWords,
} from '../firmware-steps.ts';
import { openGate, openSession, realTime, realTimers } from '../gate-stage.ts';
import { rigBundle } from './road-rig.ts';
import { eventually, ownHost, ownHostBase, PLANT_NETWORK, rigSection } from './transport-rig.ts';

export interface FirmwareRigOptions extends Partial<FirmwarePlantOptions>, PolicyWords {
  readonly network?: object;
  readonly site?: Partial<SiteRules>;
  readonly shelf?: Shelf;
}

export function sourceOf(image: Buffer, version = '2.0.0'): CountedSource {
  return imageSource(image, { vendor: VENDOR, model: FIRMWARE_MODEL, version });
}

export class FirmwareRig extends FirmwareSteps<RunningBacnet> {
  readonly plant: FirmwarePlant;
  readonly #clients = new Map<string, BacnetClient>();

  private constructor(plant: FirmwarePlant, parts: ConstructorParameters<typeof FirmwareSteps<RunningBacnet>>[0]) {
    super(parts);
    this.plant = plant;
  }

  static async start(options: FirmwareRigOptions = {}): Promise<FirmwareRig> {
    const base = ownHostBase();
    for (let more = 0; more < (options.count ?? 1); more += 8) ownHostBase();
    const plant = await startFirmwarePlant({ count: 1, hostBase: base, ...options });
    const { devices, points } = plant.inventory();
    const bundle = (grants: readonly object[], revision: number): object =>
      rigBundle({ revision, grants, devices: () => withWords(devices, options), points: () => points });
    const policy = snapshot(bundle(everybody, 1));
    const { gate, journal, log } = openGate(policy, options.site);
    const network = { timeoutMs: 150, segmentTimeoutMs: 100, retries: 1, ...options.network };
    const section = rigSection(plant.port, { network });
    const { shelf } = options;
    const services = { gate, log, clock: realTime, timers: realTimers, ...(shelf && { shelf }) };
    const driver = new RunningBacnet(driverName('bacnet'), section, services, createRoad);
    const rig = new FirmwareRig(plant, { gate, journal, driver, policy, bundle, sourceOf });
    onTestFinished(() => rig.stop());
    await driver.listen();
    const index = await compileAddresses(policy.inventory, async () => undefined);
    if (!index.ok) throw new Error(JSON.stringify(index.fault));
    driver.activate(index.value.index);
    await eventually(() => driver.status().lines.every(({ state, why }) => state === 'up' && why === undefined));
    return rig;
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
      await openSession(this.gate, person, host);
      client = await BacnetClient.open({ host, port: endpoint.port });
      this.#clients.set(person, client);
    }
    const route = { network: PLANT_NETWORK, mac: macOf(this.plant.endpoint(id)) };
    return outcomeText(await client.request({ endpoint, route }, request));
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#clients.values()].map((client) => client.stop()));
    await this.driver.stop();
    await this.gate.stop();
    await this.plant.stop();
  }
}
