// The driver over devices with boot loaders, with the real gate and policy.

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
import type { Shelf } from '../../../src/contract/shelf.ts';
import type { SiteRules } from '../../../src/gate/options.ts';
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
import { compile, parseSection, people, RawClient, rigBundle } from './rig.ts';

export interface FirmwareRigOptions extends Partial<FirmwarePlantOptions>, PolicyWords {
  readonly site?: Partial<SiteRules>;
  readonly shelf?: Shelf;
  readonly timeoutMs?: number;
}

export function sourceOf(image: Buffer, version = '2.0.0'): CountedSource {
  return imageSource(image, { vendor: FIRMWARE_VENDOR, model: FIRMWARE_MODEL, version });
}

export class FirmwareRig extends FirmwareSteps<RunningDriver> {
  readonly plant: FirmwarePlant;
  readonly #clients: RawClient[] = [];

  private constructor(plant: FirmwarePlant, parts: ConstructorParameters<typeof FirmwareSteps<RunningDriver>>[0]) {
    super(parts);
    this.plant = plant;
  }

  /** `finished`: that of the test's own context, where tests run beside each other. */
  static async start(options: FirmwareRigOptions = {}, finished = onTestFinished): Promise<FirmwareRig> {
    const plant = await startFirmwarePlant({ count: 1, method: 'registers', ...options });
    const { devices, points } = plant.inventory();
    const bundle = (grants: readonly object[], revision: number): object =>
      rigBundle({ revision, grants, plant: { devices: withWords(devices, options), points } });
    const policy = snapshot(bundle(everybody, 1));
    const { gate, journal, log } = openGate(policy, options.site);
    for (const id of ['anna', 'ben', 'carla'] as const) await openSession(gate, id, people[id]);
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
    const { shelf } = options;
    const services = { gate, log, clock: realTime, timers: realTimers, ...(shelf && { shelf }) };
    const running = await driver.start(section, await compile(policy), services);
    const rig = new FirmwareRig(plant, { gate, journal, driver: running, policy, bundle, sourceOf });
    finished(() => rig.stop());
    return rig;
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

  async stop(): Promise<void> {
    for (const client of this.#clients) await client.end();
    await this.driver.stop();
    await this.gate.stop();
    await this.plant.stop();
  }
}
