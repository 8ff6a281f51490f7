// The driver with the real gate between attackers and the simulated plant, outside of any test runner.

import { compileAddresses } from '../../drivers/bacnet/address.ts';
import { driver } from '../../drivers/bacnet/driver.ts';
import { BacnetClient } from '../../simulators/bacnet/client.ts';
import { type Endpoint, macOf } from '../../simulators/bacnet/framing.ts';
import type { Peer } from '../../simulators/bacnet/peer.ts';
import { type BacnetPlantDeviceId, type RunningBacnetPlant, startPlant } from '../../simulators/bacnet/plant.ts';
import type { RunningDriver } from '../../src/contract/driver.ts';
import type { GateControl } from '../../src/gate/options.ts';
import { rigBundle } from '../drivers/bacnet/road-rig.ts';
import { openGate, openSession, realTime, realTimers } from '../drivers/gate-stage.ts';
import { type StageJournal, snapshot } from '../gate/stage.ts';

const PLANT_NETWORK = 200;
const HOSTS = { ben: '127.77.0.2', carla: '127.77.0.3', nobody: '127.77.0.4', plant: '127.77.1.9' } as const;
export type Attacker = keyof typeof HOSTS;
const GATEWAY = { north: '127.77.0.1', plant: '127.77.1.1' } as const;

export class BacnetFuzzRig {
  readonly plant: RunningBacnetPlant;
  readonly journal: StageJournal;
  readonly #gate: GateControl;
  readonly #driver: RunningDriver;
  readonly #clients = new Map<string, BacnetClient>();

  private constructor(plant: RunningBacnetPlant, journal: StageJournal, gate: GateControl, running: RunningDriver) {
    this.plant = plant;
    this.journal = journal;
    this.#gate = gate;
    this.#driver = running;
  }

  /** Everything up, the devices found, Ben and Carla at their addresses. */
  static async start(): Promise<BacnetFuzzRig> {
    const plant = await startPlant({ hostBase: '127.77.1.21' });
    const policy = snapshot(rigBundle());
    const { gate, journal, log } = openGate(policy);
    const compiled = await compileAddresses(policy.inventory, async () => undefined);
    if (!compiled.ok) throw new Error(JSON.stringify(compiled.fault));
    const configuration = driver.configuration as { parse(input: unknown): unknown };
    const section = configuration.parse({
      north: { networkNumber: 100, address: GATEWAY.north, port: 0 },
      networks: {
        plant: {
          networkNumber: PLANT_NETWORK,
          address: GATEWAY.plant,
          port: plant.addresses.ahu2.port,
          timeoutMs: 1000,
        },
      },
    });
    const running = await driver.start(section, compiled.value.index, {
      gate,
      log,
      clock: realTime,
      timers: realTimers,
    });
    const rig = new BacnetFuzzRig(plant, journal, gate, running);
    for (let tries = 0; running.status().lines[0]?.state !== 'up' || tries < 10; tries += 1) {
      if (tries > 200) throw new Error('the plant was not found');
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    for (const person of ['ben', 'carla'] as const) {
      await openSession(gate, person, HOSTS[person]);
      rig.#clients.set(person, await BacnetClient.open({ host: HOSTS[person], port: rig.north.port }));
    }
    return rig;
  }

  get north(): Endpoint {
    return this.#listening('north');
  }

  get plantSide(): Endpoint {
    return this.#listening('plant');
  }

  get macs(): readonly Buffer[] {
    return Object.values(this.plant.addresses).map(macOf);
  }

  #listening(wanted: string): Endpoint {
    const found = this.#driver.status().listening.find(({ name }) => name === wanted);
    return { host: found?.address ?? '', port: found?.port ?? 0 };
  }

  device(id: BacnetPlantDeviceId): Peer {
    return { endpoint: this.north, route: { network: PLANT_NETWORK, mac: macOf(this.plant.addresses[id]) } };
  }

  /** A person's own tool, at the address of the session. */
  client(person: 'ben' | 'carla'): BacnetClient {
    const client = this.#clients.get(person);
    if (client === undefined) throw new Error(`no client of ${person}`);
    return client;
  }

  /** A socket to attack from: at the person's address another port, or on the plant's side. */
  attacker(who: Attacker): Promise<BacnetClient> {
    return BacnetClient.open({ host: HOSTS[who], port: 0, broadcastAddress: 'none' });
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#clients.values()].map((client) => client.stop()));
    await this.#driver.stop();
    await this.#gate.stop();
    await this.plant.stop();
  }
}
