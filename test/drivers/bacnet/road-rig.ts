// The driver between raw tools and the demo plant, with the real gate and policy: people have tool sessions on loopback addresses.

import { onTestFinished } from 'vitest';
import { compileAddresses } from '../../../drivers/bacnet/address.ts';
import { createRoad } from '../../../drivers/bacnet/road.ts';
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
import type { GateControl, SiteRules } from '../../../src/gate/options.ts';
import { driverName } from '../../../src/model/ids.ts';
import type { PolicySnapshot } from '../../../src/policy/rights.ts';
import { type StageJournal, type StageLog, snapshot } from '../../gate/stage.ts';
import { openGate, openSession, realTime, realTimers, siteBundle } from '../gate-stage.ts';
import { eventually, ownHost, PLANT_NETWORK, rigSection } from './transport-rig.ts';

export const PEOPLE = ['anna', 'ben', 'carla'] as const;
export type Person = (typeof PEOPLE)[number] | 'nobody';

const look = ['point.read', 'device.view', 'alarm.view'];
const everything = [
  ...look,
  'point.write',
  'alarm.threshold',
  'alarm.acknowledge',
  'device.configure',
  'device.control',
  'firmware.update',
  'engineering.modify',
];

export interface BundleChanges {
  readonly revision?: number;
  readonly grants?: readonly object[];
  readonly more?: object;
  readonly devices?: (devices: readonly object[]) => readonly object[];
  readonly points?: (points: readonly object[]) => readonly object[];
}

/** Anna may do all but life safety, Ben reads and writes set points and commands of the air handler at 8 to 16, Carla looks. */
export function rigBundle({ revision = 1, grants, more, devices, points }: BundleChanges = {}): object {
  const inventory = plantInventory();
  return siteBundle({
    revision,
    users: PEOPLE.map((id) => ({ id, name: id, home: 'acme' })),
    applications: [{ id: 'bms', name: 'Supervisory controller', home: 'acme' }],
    more,
    devices: devices?.(inventory.devices) ?? inventory.devices,
    points: points?.(inventory.points) ?? inventory.points,
    filters: [{ id: 'unsafe', expression: 'not lifeSafety' }],
    roles: [
      { id: 'admin', name: 'Admin', permissions: everything },
      { id: 'operator', name: 'Operator', permissions: [...look, 'point.write'], filters: ['unsafe'] },
      { id: 'viewer', name: 'Viewer', permissions: look },
      { id: 'safety', name: 'Safety', permissions: [...look, 'lifeSafety.operate'] },
      {
        id: 'engineer',
        name: 'Engineer',
        permissions: [...everything, 'lifeSafety.operate'],
        priorities: { from: 1, to: 16 },
      },
    ],
    grants: grants ?? [
      { to: 'user:anna', role: 'admin', at: 'hq' },
      { to: 'user:ben', role: 'operator', at: 'ahu2' },
      { to: 'user:carla', role: 'viewer', at: 'hq' },
    ],
  });
}

export interface RoadRigOptions {
  readonly bundle?: BundleChanges;
  readonly plant?: BacnetPlantOptions;
  readonly north?: object;
  readonly section?: object;
  /** What stands beside the demo plant: settings of its network, and more networks. */
  readonly beside?: (plant: RunningBacnetPlant) => Promise<{ readonly network?: object; readonly networks?: object }>;
  readonly site?: Partial<SiteRules>;
}

export class RoadRig {
  readonly gate: GateControl;
  readonly journal: StageJournal;
  readonly log: StageLog;
  readonly plant: RunningBacnetPlant;
  readonly driver: RunningBacnet;
  #snapshot: PolicySnapshot;
  readonly #hosts = new Map<Person, string>();
  readonly #clients = new Map<Person, BacnetClient>();

  private constructor(parts: {
    gate: GateControl;
    journal: StageJournal;
    log: StageLog;
    plant: RunningBacnetPlant;
    driver: RunningBacnet;
    snapshot: PolicySnapshot;
  }) {
    this.gate = parts.gate;
    this.journal = parts.journal;
    this.log = parts.log;
    this.plant = parts.plant;
    this.driver = parts.driver;
    this.#snapshot = parts.snapshot;
  }

  static async start(options: RoadRigOptions = {}): Promise<RoadRig> {
    const plant = await startPlant({ hostBase: hostsForPlant(), ...options.plant });
    const current = snapshot(rigBundle(options.bundle));
    const { gate, journal, log } = openGate(current, options.site);
    const beside = await options.beside?.(plant);
    const section = rigSection(plant.addresses.ahu2.port, { ...options, ...beside });
    const services = { gate, log, clock: realTime, timers: realTimers };
    const driver = new RunningBacnet(driverName('bacnet'), section, services, createRoad);
    const rig = new RoadRig({ gate, journal, log, plant, driver, snapshot: current });
    onTestFinished(() => rig.stop());
    await driver.listen();
    driver.activate(await compiled(current));
    await eventually(() => driver.status().lines.every(({ state, why }) => state === 'up' && why === undefined));
    return rig;
  }

  get north(): Endpoint {
    const listening = this.driver.status().listening.find(({ name }) => name === 'north');
    return { host: listening?.address ?? '', port: listening?.port ?? 0 };
  }

  /** A device as a tool behind the router reaches it. */
  device(id: BacnetPlantDeviceId): Peer {
    return { endpoint: this.north, route: { network: PLANT_NETWORK, mac: macOf(this.plant.addresses[id]) } };
  }

  /** A person's tool; the person has a session for its address. */
  async tool(person: Person): Promise<BacnetClient> {
    const known = this.#clients.get(person);
    if (known !== undefined) return known;
    const host = ownHost();
    this.#hosts.set(person, host);
    if (person !== 'nobody') await this.claim(person, host);
    const client = await BacnetClient.open({ host, port: this.north.port });
    this.#clients.set(person, client);
    return client;
  }

  claim(person: Exclude<Person, 'nobody'>, address: string): Promise<string> {
    return openSession(this.gate, person, address);
  }

  /** What a person's tool is answered, as text. */
  async ask(person: Person, request: ServiceRequest, device: BacnetPlantDeviceId = 'ahu2'): Promise<string> {
    const client = await this.tool(person);
    return outcomeText(await client.request(this.device(device), request));
  }

  /** Other rights over the same inventory. */
  regrant(grants: readonly object[], revision = 2): void {
    this.#snapshot = snapshot(rigBundle({ grants, revision }), this.#snapshot);
    this.gate.activate(this.#snapshot);
  }

  /** Another policy altogether. */
  async replace(changes: BundleChanges): Promise<void> {
    const next = snapshot(rigBundle(changes));
    const index = await compiled(next);
    this.#snapshot = next;
    this.gate.activate(next, () => this.driver.activate(index));
  }

  /** Handle of a point or device by its id. */
  handle(id: string) {
    const handle = this.#snapshot.inventory.find(id);
    if (handle === undefined) throw new Error(`no \`${id}\``);
    return handle;
  }

  get rows(): StageJournal['rows'] {
    return this.journal.rows.bind(this.journal);
  }

  /** Octets that ever came to a device from the gateway, but for its own identity checks and searches. */
  writesAt(id: BacnetPlantDeviceId = 'ahu2'): number {
    return this.plant.devices[id].record.writesSeen();
  }

  get writes(): number {
    return this.plant.writesSeen();
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#clients.values()].map((client) => client.stop()));
    await this.driver.stop();
    await this.gate.stop();
    await this.plant.stop();
  }
}

async function compiled(policy: PolicySnapshot) {
  const index = await compileAddresses(policy.inventory, async () => undefined);
  if (!index.ok) throw new Error(JSON.stringify(index.fault));
  return index.value.index;
}

function hostsForPlant(): string {
  const first = ownHost();
  for (let taken = 0; taken < 7; taken += 1) ownHost();
  return first;
}
