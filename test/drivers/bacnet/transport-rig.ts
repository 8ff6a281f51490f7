// The transport between tools and the simulated plant on loopback, with a road that lets everything through.

import { onTestFinished } from 'vitest';
import { compileAddresses } from '../../../drivers/bacnet/address.ts';
import { type BacnetSection, bacnetSection } from '../../../drivers/bacnet/config.ts';
import { RunningBacnet } from '../../../drivers/bacnet/running.ts';
import { BacnetClient, outcomeText } from '../../../simulators/bacnet/client.ts';
import { type Endpoint, macOf } from '../../../simulators/bacnet/framing.ts';
import type { Peer } from '../../../simulators/bacnet/peer.ts';
import {
  type BacnetPlantDeviceId,
  type BacnetPlantOptions,
  plantInventory,
  type RunningBacnetPlant,
  startPlant,
} from '../../../simulators/bacnet/plant.ts';
import type { ServiceRequest } from '../../../simulators/bacnet/requests.ts';
import type { StationOptions } from '../../../simulators/bacnet/station.ts';
import type { Gate } from '../../../src/contract/gate.ts';
import { driverName, principalId } from '../../../src/model/ids.ts';
import { StageLog, snapshot } from '../../gate/stage.ts';
import { realTime, realTimers, siteBundle } from '../gate-stage.ts';
import { OpenRoad } from './open-road.ts';

export const NORTH_NETWORK = 100;
export const PLANT_NETWORK = 200;

/** Counts addresses, in a part of 127/8 that goes by the process. */
let nextHost = 0;
export function ownHost(): string {
  nextHost += 1;
  return `127.${1 + (process.pid % 250)}.${1 + (nextHost >> 7)}.${1 + (nextHost & 127)}`;
}

interface SectionChanges {
  readonly north?: object | undefined;
  /** Of the plant. */
  readonly network?: object | undefined;
  /** Further plants. */
  readonly networks?: object | undefined;
  /** Beside `north` and `networks`. */
  readonly section?: object | undefined;
}

/** The driver's section of a site with one plant, at `port`, on addresses of its own. */
export function rigSection(port: number, changes: SectionChanges = {}): BacnetSection {
  return bacnetSection.parse({
    north: { networkNumber: NORTH_NETWORK, address: ownHost(), port: 0, ...changes.north },
    networks: {
      plant: {
        networkNumber: PLANT_NETWORK,
        address: ownHost(),
        port,
        timeoutMs: 300,
        segmentTimeoutMs: 200,
        ...changes.network,
      },
      ...changes.networks,
    },
    ...changes.section,
  });
}

interface TransportRigOptions extends SectionChanges {
  readonly plant?: BacnetPlantOptions;
  /** Waits until the plant's devices are verified. Default true. */
  readonly settle?: boolean;
  /** Addresses the gate knows. */
  readonly known?: readonly string[];
}

export class TransportRig {
  readonly plant: RunningBacnetPlant;
  readonly driver: RunningBacnet;
  readonly road: OpenRoad;
  readonly log: StageLog;
  readonly #clients: BacnetClient[] = [];

  private constructor(plant: RunningBacnetPlant, driver: RunningBacnet, road: OpenRoad, log: StageLog) {
    this.plant = plant;
    this.driver = driver;
    this.road = road;
    this.log = log;
  }

  static async start(options: TransportRigOptions = {}): Promise<TransportRig> {
    const plant = await startPlant({ hostBase: ownHostBase(), ...options.plant });
    const log = new StageLog();
    const section = rigSection(plant.addresses.ahu2.port, options);
    let road: OpenRoad | undefined;
    const services = { gate: gateThatKnows(options.known ?? []), log, clock: realTime, timers: realTimers };
    const driver = new RunningBacnet(driverName('bacnet'), section, services, (parts) => {
      road = new OpenRoad(parts);
      return road;
    });
    if (road === undefined) throw new Error('the driver made no road');
    const rig = new TransportRig(plant, driver, road, log);
    onTestFinished(() => rig.stop());
    await driver.listen();
    driver.activate(await plantIndex());
    if (options.settle !== false) await eventually(() => driver.status().lines.every(({ why }) => why === undefined));
    return rig;
  }

  get north(): Endpoint {
    const listening = this.driver.status().listening.find(({ name }) => name === 'north');
    return { host: listening?.address ?? '', port: listening?.port ?? 0 };
  }

  get plantSide(): Endpoint {
    const listening = this.driver.status().listening.find(({ name }) => name === 'plant');
    return { host: listening?.address ?? '', port: listening?.port ?? 0 };
  }

  /** A device as a tool behind the router reaches it. */
  device(id: BacnetPlantDeviceId): Peer {
    return { endpoint: this.north, route: { network: PLANT_NETWORK, mac: macOf(this.plant.addresses[id]) } };
  }

  async client(options: StationOptions = {}): Promise<BacnetClient> {
    const client = await BacnetClient.open({ host: ownHost(), port: this.north.port, ...options });
    this.#clients.push(client);
    return client;
  }

  counter(name: string): number {
    return this.driver.status().counters[name] ?? 0;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.stop()));
    await this.driver.stop();
    await this.plant.stop();
  }
}

export async function ask(client: BacnetClient, to: Peer, request: ServiceRequest): Promise<string> {
  return outcomeText(await client.request(to, request));
}

export async function eventually(ready: () => boolean, timeoutMs = 30_000): Promise<void> {
  const end = Date.now() + timeoutMs;
  while (!ready()) {
    if (Date.now() > end) throw new Error(`what was waited for did not come in ${timeoutMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Everybody is nobody, but for who works from these addresses. */
function gateThatKnows(known: readonly string[]): Gate {
  const gate: Pick<Gate, 'callerOf' | 'onStanding'> = {
    callerOf: ({ address }) => ({
      principal: known.includes(address) ? principalId('anna') : null,
      channel: 'tool',
      proof: { kind: 'none' } as never,
      from: address,
      peer: address,
    }),
    onStanding: () => () => undefined,
  };
  return gate as Gate;
}

/** The first of several addresses in a row. */
export function ownHostBase(): string {
  const first = ownHost();
  nextHost += 8;
  return first;
}

async function plantIndex() {
  const { devices, points } = plantInventory();
  const bundle = siteBundle({ devices, points });
  const compiled = await compileAddresses(snapshot(bundle).inventory, async () => undefined);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.fault));
  return compiled.value.index;
}
