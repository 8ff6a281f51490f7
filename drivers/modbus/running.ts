// The running driver: what `start` gives the daemon. Holds the tables that are swapped whole, and starts and stops the parts.

import type {
  AddressIndex,
  DriverServices,
  DriverStatus,
  Performed,
  PointWrite,
  Reading,
  RunningDriver,
} from '../../src/contract/driver.ts';
import type { Change, Permit } from '../../src/contract/gate.ts';
import type { Holds } from '../../src/contract/holds.ts';
import { LateOpening, sayListening } from '../../src/contract/late-opening.ts';
import { RawTransfers } from '../../src/contract/raw-transfers.ts';
import type { DocumentFault } from '../../src/model/fault.ts';
import type { DriverName, TargetHandle } from '../../src/model/ids.ts';
import type { NonEmpty, Result } from '../../src/model/result.ts';
import type { ModbusIndex } from './address.ts';
import { asker, carryOut } from './carry-out.ts';
import type { SitePermits } from './classify.ts';
import type { ModbusSection } from './config.ts';
import { newCounters } from './counters.ts';
import { FirmwareUpdates } from './firmware-update.ts';
import { inTurn } from './lane-turn.ts';
import { Listener, patienceMs } from './listener.ts';
import type { ModbusChange } from './modbus-change.ts';
import { planWrites } from './plan.ts';
import { makeTracks, type Track } from './plant.ts';
import { readEntries } from './point-reading.ts';
import { Road } from './road.ts';
import { asModbusIndex, type RouteTable, routesOf, trackOf } from './routes.ts';
import type { SecureSide } from './secure-side.ts';

const noRoutes: RouteTable = new Map();
/** The gateway's own reads stand in the lanes as one peer among the others. */
const ownPeer = 'gateway';

export class RunningModbus implements RunningDriver {
  readonly #config: ModbusSection;
  readonly #services: DriverServices;
  readonly #tracks: ReadonlyMap<string, Track>;
  readonly #counters = newCounters();
  readonly #listeners: readonly Listener[];
  readonly #openings: readonly LateOpening[];
  readonly #forget: () => void;
  readonly firmware: FirmwareUpdates;
  #index: ModbusIndex | undefined;
  #routes: ReadonlyMap<string, RouteTable> = new Map();
  #standing = 0;

  constructor(
    name: DriverName,
    config: ModbusSection,
    services: DriverServices,
    secure: ReadonlyMap<string, SecureSide>,
  ) {
    this.#config = config;
    this.#services = services;
    this.#tracks = makeTracks(config.lines, services);
    const transfers = new RawTransfers(services);
    const road = new Road({
      transfers,
      gate: services.gate,
      clock: services.clock,
      log: services.log,
      permits: sitePermits(config, () => this.#index),
      counters: this.#counters,
      index: () => this.#index,
      standing: () => this.#standing,
    });
    this.firmware = new FirmwareUpdates({
      ...services,
      transfers,
      tracks: this.#tracks,
      index: () => this.#index,
    });
    this.#listeners = config.listen.map(
      (listener) =>
        new Listener(
          listener,
          {
            ...services,
            driver: name,
            road,
            counters: this.#counters,
            route: (unitId) => (this.#routes.get(listener.name) ?? noRoutes).get(unitId),
          },
          secure.get(listener.name),
        ),
    );
    const opening = { ...services, said: sayListening(services.log, name) };
    this.#openings = this.#listeners.map(
      (listener) => new LateOpening(listener.config.name, () => listener.start(), opening),
    );
    this.#forget = services.gate.onStanding(() => {
      this.#standing += 1;
      for (const listener of this.#listeners) listener.lookAgain();
    });
  }

  /** Throws a `StartFault` where a port cannot be had; a listener without its address yet is waited for. */
  async listen(): Promise<void> {
    for (const opening of this.#openings) await opening.begin();
  }

  activate(index: AddressIndex): void {
    const modbus = asModbusIndex(index);
    this.#index = modbus;
    this.#standing += 1;
    const { units, listen } = this.#config;
    this.#routes = new Map(listen.map(({ name }) => [name, routesOf(name, units, modbus, this.#tracks)]));
    for (const { line } of modbus.devices) this.#tracks.get(line)?.line.open();
    for (const [listener, table] of this.#routes) {
      for (const [unit, route] of table) {
        if (route.kind !== 'nowhere' || route.silent) continue;
        const text = `unit \`${unit}\` of listener \`${listener}\` goes nowhere: ${route.why}`;
        this.#services.log.write('warn', 'unit.unreachable', { listener, unit, why: route.why }, text);
      }
    }
  }

  status(): DriverStatus {
    const counters: Record<string, number> = { ...this.#counters };
    for (const { line } of this.#tracks.values()) {
      for (const [counter, value] of Object.entries(line.counters()))
        counters[`south_${counter}`] = (counters[`south_${counter}`] ?? 0) + value;
    }
    return {
      listening: this.#openings.flatMap(({ listening }) => listening ?? []),
      degraded: [
        ...this.#openings.flatMap(({ waiting }) => waiting ?? []),
        ...[...this.#tracks.values()].flatMap(closedPort),
      ],
      lines: [...this.#tracks.values()].map(({ line }) => line.health()),
      counters,
    };
  }

  behind(what: 'line' | 'listener', name: string): readonly TargetHandle[] {
    const devices =
      what === 'line'
        ? (this.#index?.devices ?? []).filter(({ line }) => line === name)
        : [...(this.#routes.get(name)?.values() ?? [])].flatMap((route) => ('device' in route ? route.device : []));
    return devices.map(({ handle }) => handle);
  }

  async read(targets: readonly TargetHandle[]): Promise<readonly Reading[]> {
    const index = this.#index;
    const byDevice = new Map<TargetHandle, TargetHandle[]>();
    const found = new Map<TargetHandle, Reading>();
    for (const target of targets) {
      const device = index?.inventory.point(target)?.device;
      if (index === undefined || device === undefined || index.entryOf(target) === undefined)
        found.set(target, { target, ok: false, why: 'no point with a Modbus address' });
      else byDevice.set(device, [...(byDevice.get(device) ?? []), target]);
    }
    if (index !== undefined)
      await Promise.all(
        [...byDevice].map(async ([device, points]) => {
          for (const reading of await this.#readDevice(index, device, points)) found.set(reading.target, reading);
        }),
      );
    return targets.flatMap((target) => found.get(target) ?? []);
  }

  plan(writes: NonEmpty<PointWrite>): Result<Change<ModbusChange>, NonEmpty<DocumentFault>> {
    return planWrites(writes, this.#index);
  }

  perform(permit: Permit<unknown>, holds?: Holds): Promise<Performed> {
    // A permit of this driver was issued for a change of its own `plan`.
    return this.#perform(permit as Permit<ModbusChange>, holds);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#openings.map((opening) => opening.stop()));
    await Promise.all(this.#listeners.map((listener) => listener.stop()));
    await this.#quiet();
    this.#forget();
    for (const { line } of this.#tracks.values()) line.stop();
  }

  /** Every lane is idle: what was sent has its outcome. Waits a while at the most. */
  #quiet(): Promise<void> {
    const { clock, timers } = this.#services;
    const deadline = clock.monotonic() + patienceMs;
    return new Promise((resolve) => {
      const look = (): void => {
        const isIdle = [...this.#tracks.values()].every(({ lane }) => lane.idle);
        if (isIdle || clock.monotonic() > deadline) resolve();
        else timers.after(10, look);
      };
      look();
    });
  }

  async #readDevice(index: ModbusIndex, handle: TargetHandle, targets: readonly TargetHandle[]): Promise<Reading[]> {
    const device = index.device(handle);
    const track = device === undefined ? { why: 'the device has no address' } : trackOf(device, index, this.#tracks);
    if (device === undefined || 'why' in track) {
      const why = 'why' in track ? track.why : 'the device has no address';
      return targets.map((target) => ({ target, ok: false, why }));
    }
    const entries = targets.flatMap((target) => index.entryOf(target) ?? []);
    const values = await inTurn(track.lane, { exclusive: false, peer: ownPeer }, () =>
      readEntries(index, device, entries, asker(track.line)),
    );
    const at = this.#services.clock.now();
    return targets.map((target): Reading => {
      const value = typeof values === 'string' ? { unknown: values } : values.get(index.entryOf(target) ?? -1);
      if (value === undefined) return { target, ok: false, why: 'it was not read' };
      return 'value' in value
        ? { target, ok: true, value: value.value, at }
        : { target, ok: false, why: value.unknown };
    });
  }

  async #perform(permit: Permit<ModbusChange>, holds?: Holds): Promise<Performed> {
    const { gate } = this.#services;
    const index = this.#index;
    const [first] = permit.involves;
    const device = index?.device(index.inventory.point(first)?.device ?? first);
    const track = index && device ? trackOf(device, index, this.#tracks) : undefined;
    if (index === undefined || device === undefined || track === undefined || 'why' in track) {
      const why = track !== undefined && 'why' in track ? track.why : 'the device has no address';
      gate.abandon(permit, why);
      return { outcome: { kind: 'not-sent', why } };
    }
    const isCurrent = (): boolean => this.#index?.inventory === index.inventory;
    const performed = await inTurn(track.lane, { exclusive: true, peer: ownPeer }, () =>
      carryOut({ gate, line: track.line, index, isCurrent, readsBack: true, holds }, permit, [device], () => undefined),
    );
    if (typeof performed !== 'string') return performed;
    gate.abandon(permit, performed);
    return { outcome: { kind: 'not-sent', why: performed } };
  }
}

/** A serial port that is opened again and again until it is there: a line of this machine's own, unlike a host. */
function closedPort({ port, line }: Track): string[] {
  const { name, state, why } = line.health();
  return port === undefined || state !== 'down'
    ? []
    : [`line \`${name}\`: serial port \`${port}\` is not open: ${why}`];
}

function sitePermits({ permit }: ModbusSection, index: () => ModbusIndex | undefined): SitePermits {
  const actions = new Map(
    permit.map((entry) => [`${entry.functionCode} ${entry.subFunction ?? ''} ${entry.device}`, entry.action]),
  );
  return (device, functionCode, selector) => {
    const id = index()?.inventory.idOf(device.handle);
    return actions.get(`${functionCode} ${selector ?? ''} ${id}`);
  };
}
