// The demo plant on BACnet/IP: an air handler, a VAV box and a large controller, each at a loopback address of its own.
// 1. The inventory is derived from the very sheets the devices run on.
// 2. `stop` leaves no timer, no socket and no port behind.

import type { InventoryDevice } from '../plant-point.ts';
import { SimulatedDevice, type SimulatedDeviceOptions } from './device.ts';
import type { Endpoint } from './framing.ts';
import { AHU_BOOT_LOADER, AHU_FIRMWARE, ahuFiles, ahuRows, behaveAsAhu } from './plant-ahu.ts';
import { behaveAsVav, CTL_ROWS, VAV_ROWS } from './plant-boxes.ts';
import type { PlantPoint, PlantRow } from './plant-point.ts';
import type { ArrivedFrame } from './record.ts';

export const BACNET_PLANT_DEVICES = ['ahu2', 'vav1', 'ctl1'] as const;
export type BacnetPlantDeviceId = (typeof BACNET_PLANT_DEVICES)[number];

/** The name that device addresses use for the plant's network. */
export const PLANT_NETWORK = 'plant';
/** What restarts and communication control of the air handler ask for. */
const AHU_PASSWORD = 'filters';

type InventoryDeviceRow = InventoryDevice<BacnetPlantDeviceId, { readonly bacnet: BacnetDeviceAddress }>;

/** Where a device is, and how it takes firmware. */
interface BacnetDeviceAddress {
  readonly network: string;
  readonly instance: number;
  readonly firmware?: { readonly file: number; readonly [setting: string]: unknown };
}

/** A point as the signed inventory writes it. */
interface InventoryPointRow extends PlantPoint {
  readonly device: BacnetPlantDeviceId;
}

interface DeviceSheet extends Omit<InventoryDeviceRow, 'location' | 'address' | 'vendor'> {
  readonly instance: number;
  readonly rows: readonly PlantRow[];
  readonly firmware?: BacnetDeviceAddress['firmware'];
}

/** The maker of every simulated device. */
export const VENDOR = 'Northwind Controls';

const SHEETS: Readonly<Record<BacnetPlantDeviceId, DeviceSheet>> = {
  ahu2: {
    id: 'ahu2',
    name: 'Air handling unit 2',
    tags: ['Ventilation systems'],
    facts: { ahu: true },
    model: 'Boreas 9000-B',
    instance: 1001,
    rows: ahuRows(),
    firmware: { file: AHU_BOOT_LOADER.file, password: AHU_PASSWORD, staging: true },
  },
  vav1: {
    id: 'vav1',
    name: 'VAV box 1',
    tags: ['Ventilation systems'],
    facts: { vav: true },
    model: 'Zephyr 20',
    instance: 1002,
    rows: VAV_ROWS,
  },
  ctl1: {
    id: 'ctl1',
    name: 'Room controller 1',
    tags: ['Room automation'],
    facts: { controller: true },
    model: 'Atrium 200',
    instance: 1003,
    rows: CTL_ROWS,
  },
};

/** The plant's devices and points in the inventory form, all devices at `location`. */
export function plantInventory(location = 'hq'): {
  readonly devices: readonly InventoryDeviceRow[];
  readonly points: readonly InventoryPointRow[];
} {
  const sheets = BACNET_PLANT_DEVICES.map((id) => SHEETS[id]);
  return {
    devices: sheets.map(({ rows: _rows, instance, firmware, ...device }) => ({
      ...device,
      location,
      vendor: VENDOR,
      address: { bacnet: { network: PLANT_NETWORK, instance, ...(firmware && { firmware }) } },
    })),
    points: sheets.flatMap(({ id, rows }) =>
      rows.flatMap(({ point }) => (point === undefined ? [] : [{ ...point, device: id }])),
    ),
  };
}

export interface BacnetPlantOptions {
  /** Address of the first device; the others count up from it. Default 127.0.1.21. */
  readonly hostBase?: string;
  /** The one port of all devices. Default 0: chosen by the system. */
  readonly port?: number;
  /** Where the devices send and hear broadcasts. Default 127.255.255.255; `none` leaves `members` alone. */
  readonly broadcastAddress?: string | 'none';
  /** Who else gets the devices' broadcasts, one by one, where there is no broadcast address. The devices are members of themselves. */
  readonly members?: readonly Endpoint[];
  /** Who is told of the air handler's alarms: device instances or addresses. Default nobody. */
  readonly alarmsTo?: readonly (number | Endpoint)[];
  /** One line for every write that reached a device. Default: none. */
  readonly log?: (line: string, frame: ArrivedFrame) => void;
  /** How often the process moves; 0 (default) leaves that to `advance`. */
  readonly tickMs?: number;
  /** For notifications and segments the devices send. Defaults 3000 and 2000. */
  readonly apduTimeoutMs?: number;
  readonly segmentTimeoutMs?: number;
  /** How much of the real time erasing, activating and restarting take. Default 0: none. */
  readonly timeScale?: number;
  readonly now?: () => number;
}

export interface RunningBacnetPlant {
  readonly devices: Readonly<Record<BacnetPlantDeviceId, SimulatedDevice>>;
  readonly addresses: Readonly<Record<BacnetPlantDeviceId, Endpoint>>;
  /** Where a broadcast on the plant's network goes; `undefined` where there are only members. */
  readonly broadcast: Endpoint | undefined;
  /** Lets every device go on by so many seconds. */
  advance(seconds: number): void;
  /** Writes that ever arrived at any device. */
  writesSeen(): number;
  stop(): Promise<void>;
}

const TRIES = 10;

/** Starts the whole plant or nothing. */
export async function startPlant(options: BacnetPlantOptions = {}): Promise<RunningBacnetPlant> {
  // The system chooses a port that is free at the first address; the next may have it taken, so it may have to choose again.
  for (let left = TRIES; ; left -= 1) {
    try {
      return await startOnce(options);
    } catch (fault) {
      if (left <= 0 || (options.port ?? 0) !== 0) throw fault;
    }
  }
}

async function startOnce(options: BacnetPlantOptions): Promise<RunningBacnetPlant> {
  const started: SimulatedDevice[] = [];
  const stopAll = async (): Promise<void> => {
    await Promise.all(started.map((device) => device.stop()));
  };
  let port = options.port ?? 0;
  const begin = async (index: number, own: Partial<SimulatedDeviceOptions>): Promise<SimulatedDevice> => {
    const id = BACNET_PLANT_DEVICES[index] ?? 'ahu2';
    const hosts = BACNET_PLANT_DEVICES.map((_, at) => addressAfter(options.hostBase ?? '127.0.1.21', at));
    const { name, model, instance, rows } = SHEETS[id];
    const built = id === 'ahu2' ? ahuRows(options.alarmsTo) : rows;
    const members =
      options.broadcastAddress === 'none' || options.members !== undefined
        ? { members: () => [...hosts.map((host) => ({ host, port })), ...(options.members ?? [])] }
        : {};
    const device = await SimulatedDevice.start({
      name,
      model,
      instance,
      port,
      host: hosts[index] ?? '127.0.0.1',
      objects: built.flatMap(({ build }) => (build === undefined ? [] : [build()])),
      points: new Map(
        rows.flatMap(({ point }) =>
          point === undefined ? [] : [...targetsOf(point)].map((target) => [target, point.id]),
        ),
      ),
      ...members,
      ...picked(options),
      ...own,
    });
    started.push(device);
    port = device.endpoint.port;
    return device;
  };
  try {
    // The air handler learns the port; the two others must have it too.
    const ahu2 = await begin(0, {
      files: ahuFiles(),
      firmware: AHU_FIRMWARE,
      bootLoader: { ...AHU_BOOT_LOADER, timeScale: options.timeScale ?? 0 },
      password: AHU_PASSWORD,
      behave: behaveAsAhu,
    });
    const vav1 = await begin(1, { maxApdu: 206, segmentation: 'none', behave: behaveAsVav });
    const ctl1 = await begin(2, { maxApdu: 480, segmentation: 'both' });
    const advance = (seconds: number): void => {
      for (const device of started) device.advance(seconds);
    };
    const tickMs = options.tickMs ?? 0;
    const ticking = tickMs > 0 ? setInterval(() => advance(tickMs / 1000), tickMs) : undefined;
    const host = options.broadcastAddress ?? '127.255.255.255';
    return {
      devices: { ahu2, vav1, ctl1 },
      addresses: { ahu2: ahu2.endpoint, vav1: vav1.endpoint, ctl1: ctl1.endpoint },
      broadcast: host === 'none' ? undefined : { host, port },
      advance,
      writesSeen: () => started.reduce((sum, device) => sum + device.record.writesSeen(), 0),
      stop: async () => {
        clearInterval(ticking);
        await stopAll();
      },
    };
  } catch (fault) {
    await stopAll();
    throw fault;
  }
}

function picked(options: BacnetPlantOptions): Partial<SimulatedDeviceOptions> {
  const { broadcastAddress, log, apduTimeoutMs, segmentTimeoutMs, now } = options;
  return {
    ...(broadcastAddress === undefined ? {} : { broadcastAddress }),
    ...(log === undefined ? {} : { log }),
    ...(apduTimeoutMs === undefined ? {} : { apduTimeoutMs }),
    ...(segmentTimeoutMs === undefined ? {} : { segmentTimeoutMs }),
    ...(now === undefined ? {} : { now }),
  };
}

/** How the record names the point: object and property, and for a file the object alone. */
function targetsOf({ address }: PlantPoint): readonly [string] {
  if (address.object.startsWith('file,')) return [address.object];
  return [`${address.object} ${address.property ?? 'present-value'}`];
}

function addressAfter(base: string, steps: number): string {
  const parts = base.split('.');
  return [...parts.slice(0, 3), Number(parts[3]) + steps].join('.');
}
