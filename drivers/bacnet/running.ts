// The running driver: what `start` gives the daemon. Holds the addresses that are swapped whole, and starts and stops the parts.

import type { AlarmDriver } from '../../src/contract/alarms.ts';
import type {
  AddressIndex,
  DriverServices,
  DriverStatus,
  LineHealth,
  Listening,
  Performed,
  PointWrite,
  Reading,
  RunningDriver,
  Watch,
} from '../../src/contract/driver.ts';
import type { FirmwareDriver } from '../../src/contract/firmware.ts';
import type { Change, Permit } from '../../src/contract/gate.ts';
import type { Holds } from '../../src/contract/holds.ts';
import type { InventoryDraft, SurveyOrder } from '../../src/contract/inventory-draft.ts';
import { LateOpening, sayListening } from '../../src/contract/late-opening.ts';
import type { DocumentFault } from '../../src/model/fault.ts';
import type { DriverName, TargetHandle } from '../../src/model/ids.ts';
import type { PointValue } from '../../src/model/point.ts';
import { fail, type NonEmpty, type Result } from '../../src/model/result.ts';
import { BacnetIndex } from './address.ts';
import type { BacnetSection } from './config.ts';
import { newCounters } from './counters.ts';
import { Deadlines } from './deadlines.ts';
import { destinationOf } from './describe-frame.ts';
import type { Link } from './link.ts';
import { North } from './north.ts';
import { Plant } from './plant.ts';
import type { PlantNetwork } from './plant-network.ts';
import type { RoadServices, RunningRoad } from './seam.ts';
import { survey } from './survey.ts';
import { Transport } from './transport.ts';

/** One side of the driver, which may open later than the others. */
interface Side {
  readonly link: Link;
  readonly opening: LateOpening;
}

/** How long `stop` waits for what is under way. */
const drainMs = 2000;

export class RunningBacnet implements RunningDriver {
  readonly firmware?: FirmwareDriver;
  readonly alarms?: AlarmDriver;
  readonly #services: DriverServices;
  readonly #counters = newCounters();
  readonly #deadlines: Deadlines;
  readonly #plant: Plant;
  readonly #north: North;
  readonly #road: RunningRoad;
  readonly #forget: () => void;
  readonly #surveying = new Set<string>();
  readonly #sides: readonly Side[];
  #index: BacnetIndex | undefined;

  constructor(
    name: DriverName,
    section: BacnetSection,
    services: DriverServices,
    makeRoad: (services: RoadServices) => RunningRoad,
  ) {
    this.#services = services;
    const { gate, log, clock, timers } = services;
    this.#deadlines = new Deadlines(clock, timers);
    const transport = new Transport({
      driver: name,
      gate,
      log,
      deadlines: this.#deadlines,
      counters: this.#counters,
      road: () => this.#road,
    });
    this.#plant = new Plant(section, transport, () => this.#north);
    this.#north = new North(section.north, transport, this.#plant);
    this.#road = makeRoad({
      ...services,
      driver: name,
      section,
      plant: this.#plant,
      north: this.#north,
      index: () => this.#index,
    });
    const networks = [...this.#plant.networks.values()];
    this.#sides = [
      this.#sideOf(name, 'north', this.#north),
      ...networks.map((network) => this.#sideOf(name, network.name, network)),
    ];
    const { firmware, alarms } = this.#road;
    if (firmware !== undefined) this.firmware = firmware;
    if (alarms !== undefined) this.alarms = alarms;
    this.#forget = gate.onStanding(() => this.#north.link.lookAgain());
  }

  /** Throws a `StartFault` where a port cannot be had; what has no address yet is waited for. */
  async listen(): Promise<void> {
    for (const side of this.#sides) await side.opening.begin();
  }

  /** Each goes on without the others: of several networks one may come later. */
  #sideOf(driver: DriverName, name: string, side: { readonly link: Link; open(): Promise<void>; begin(): void }): Side {
    const open = async (): Promise<Listening> => {
      await side.open();
      side.begin();
      const { address, port } = side.link.endpoint;
      return { name, address, port, transport: 'udp', ...(side !== this.#north && { faces: 'plant' as const }) };
    };
    const { log, timers } = this.#services;
    return { link: side.link, opening: new LateOpening(name, open, { log, timers, said: sayListening(log, driver) }) };
  }

  activate(index: AddressIndex): void {
    if (!(index instanceof BacnetIndex)) throw new TypeError('got addresses of another driver, expected BACnet’s');
    this.#index = index;
    for (const network of this.#plant.networks.values()) {
      const own = index.devices.filter((device) => device.network === network.name);
      network.discovery.want(new Set(own.map(({ instance }) => instance)));
    }
    for (const { handle, network } of index.devices) {
      if (this.#plant.networks.has(network)) continue;
      const device = index.inventory.idOf(handle);
      const text = `device \`${device}\` is on network \`${network}\`, which the configuration does not have`;
      this.#services.log.write('warn', 'device.unreachable', { device, network }, text);
    }
    this.#road.activated();
  }

  status(): DriverStatus {
    return {
      listening: this.#sides.flatMap(({ opening }) => opening.listening ?? []),
      degraded: this.#sides.flatMap(({ opening }) => opening.waiting ?? []),
      lines: [...this.#plant.networks.values()].map((network) => this.#healthOf(network)),
      counters: {
        ...this.#counters,
        north_stations: this.#north.stationCount,
        north_under_way: this.#north.underWay,
        plant_devices: [...this.#plant.devices()].length,
        ...this.#road.counters(),
      },
    };
  }

  behind(what: 'line' | 'listener', name: string): readonly TargetHandle[] {
    const isNorth = what === 'listener' && !this.#plant.networks.has(name);
    const devices = (this.#index?.devices ?? []).filter(({ network }) => isNorth || network === name);
    return devices.map(({ handle }) => handle);
  }

  read(targets: readonly TargetHandle[]): Promise<readonly Reading[]> {
    return this.#road.read(targets);
  }

  async slots(target: TargetHandle): Promise<readonly PointValue[] | undefined> {
    return this.#road.slots?.(target);
  }

  async watch(target: TargetHandle, heard: (reading: Reading) => void, ended: () => void): Promise<Watch | undefined> {
    return this.#road.watch?.(target, heard, ended);
  }

  plan(writes: NonEmpty<PointWrite>): Result<Change<unknown>, NonEmpty<DocumentFault>> {
    return this.#road.plan(writes);
  }

  perform(permit: Permit<unknown>, holds?: Holds): Promise<Performed> {
    return this.#road.perform(permit, holds);
  }

  async survey(order: SurveyOrder): Promise<Result<InventoryDraft, string>> {
    const networks = [...this.#plant.networks.keys()];
    if (!networks.includes(order.network))
      return fail(`got network \`${order.network}\`, expected one of \`${networks.join('`, `')}\``);
    if (this.#surveying.has(order.network)) return fail(`network \`${order.network}\` is being surveyed already`);
    this.#surveying.add(order.network);
    try {
      return await survey(order, {
        plant: this.#plant,
        timers: this.#services.timers,
        idOf: (network, instance) => {
          const known = this.#index?.deviceAt(network, instance);
          return known && this.#index?.inventory.idOf(known.handle);
        },
      });
    } finally {
      this.#surveying.delete(order.network);
    }
  }

  addressee(octets: Uint8Array): TargetHandle | undefined {
    const destination = destinationOf(octets);
    const device = destination && this.#plant.networkOf(destination.network)?.at(destination.network, destination.mac);
    if (device?.instance === undefined) return undefined;
    return this.#index?.deviceAt(device.network, device.instance)?.handle;
  }

  async stop(): Promise<void> {
    this.#forget();
    const end = this.#deadlines.now() + drainMs;
    while (this.#north.underWay + this.#plant.underWay > 0 && this.#deadlines.now() < end)
      await new Promise<void>((resolve) => this.#services.timers.after(20, resolve));
    await Promise.all(this.#sides.map(({ opening }) => opening.stop()));
    this.#road.stop();
    await Promise.all([this.#north.stop(), this.#plant.stop()]);
    this.#deadlines.stop();
  }

  #healthOf({ name, isOpen, link, discovery }: PlantNetwork): LineHealth {
    const waiting = this.#sides.find((side) => side.link === link)?.opening.waiting;
    if (!isOpen) return { name, state: 'down', why: waiting ?? 'it is closed' };
    if (!link.isRegistered) return { name, state: 'down', why: 'the BBMD has not taken the registration' };
    if (discovery.wanted === 0) return { name, state: 'unused' };
    const { missing, wanted } = discovery;
    if (missing === 0) return { name, state: 'up' };
    const why = `\`${missing}\` of \`${wanted}\` devices of the policy have not been found`;
    return { name, state: missing === wanted ? 'down' : 'up', why };
  }
}
