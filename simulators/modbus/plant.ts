// The demo plant: a chiller and an air handling unit on Modbus/TCP hosts of their own, and two meters on one RTU line over TCP.
// 1. The inventory is derived from the very register maps the devices run on.
// 2. `stop` leaves no timer, no socket and no port behind.

import type { InventoryDevice } from '../plant-point.ts';
import { SimulatedDevice } from './device.ts';
import type { MbapFraming } from './framing.ts';
import { loaderAddress } from './loader-front.ts';
import { AHU_POINTS, behaveAsAhu } from './plant-ahu.ts';
import { behaveAsChiller, CHILLER_BOOT_LOADER, CHILLER_POINTS } from './plant-chiller.ts';
import { behaveAsMeter, meterPoints } from './plant-meter.ts';
import type { PlantPoint } from './plant-point.ts';
import type { ArrivedFrame } from './record.ts';
import { type RtuOverTcpLine, startRtuOverTcp } from './rtu-line.ts';
import { startTcpHost, type TcpHost } from './tcp-host.ts';
import type { ModbusAddress } from './values.ts';

export const PLANT_DEVICES = ['chiller1', 'ahu1', 'meter1', 'meter2'] as const;
type PlantDeviceId = (typeof PLANT_DEVICES)[number];
/** The plant's lines by the names that device addresses use: two hosts and one serial-style line. */
export const PLANT_LINES = ['chiller', 'ahu', 'meters'] as const;
export type PlantLine = (typeof PLANT_LINES)[number];

type InventoryDeviceRow = InventoryDevice<
  PlantDeviceId,
  { readonly modbus: { readonly line: PlantLine; readonly unit: number; readonly firmware?: object } }
>;

/** A point as the signed inventory writes it. */
interface InventoryPointRow extends Omit<PlantPoint, 'initial'> {
  readonly device: PlantDeviceId;
  readonly address: ModbusAddress;
}

interface DeviceSheet extends Omit<InventoryDeviceRow, 'location'> {
  readonly points: readonly PlantPoint[];
}

const METER_ENERGY = { meter1: 48_211_377_204, meter2: 9_007_199_254 } as const;

const SHEETS: readonly DeviceSheet[] = [
  {
    id: 'chiller1',
    name: 'Chiller 1',
    tags: ['Cooling systems'],
    facts: { chiller: true },
    vendor: 'Northwind Cooling',
    model: 'Glacier 400W',
    address: { modbus: { line: 'chiller', unit: 1, firmware: { ...loaderAddress(CHILLER_BOOT_LOADER), pollMs: 20 } } },
    points: CHILLER_POINTS,
  },
  {
    id: 'ahu1',
    name: 'Air handling unit 1',
    tags: ['Ventilation systems'],
    facts: { ahu: true },
    vendor: 'Northwind Air',
    model: 'Boreas 9000-X',
    address: { modbus: { line: 'ahu', unit: 1 } },
    points: AHU_POINTS,
  },
  {
    id: 'meter1',
    name: 'Main meter',
    tags: ['Metering'],
    facts: { meter: true, elec: true },
    vendor: 'Tally',
    model: '3P',
    address: { modbus: { line: 'meters', unit: 11 } },
    points: meterPoints('meter1', 20_418_811, METER_ENERGY.meter1),
  },
  {
    id: 'meter2',
    name: 'Ventilation meter',
    tags: ['Metering'],
    facts: { meter: true, elec: true },
    vendor: 'Tally',
    model: '3P',
    address: { modbus: { line: 'meters', unit: 12 } },
    points: meterPoints('meter2', 20_418_812, METER_ENERGY.meter2),
  },
];

/** The plant's devices and points in the inventory form, all devices at `location`. */
export function plantInventory(location = 'hq'): {
  readonly devices: readonly InventoryDeviceRow[];
  readonly points: readonly InventoryPointRow[];
} {
  return {
    devices: SHEETS.map(({ points: _points, ...device }) => ({ ...device, location })),
    points: SHEETS.flatMap((sheet) =>
      sheet.points.map(({ initial: _initial, ...point }) => ({ ...point, device: sheet.id })),
    ),
  };
}

export interface PlantOptions {
  /** Address of the chiller's host, default 127.0.0.1. */
  readonly hostBase?: string;
  /** Gives each line an address of its own, counting up from `hostBase`. Default: all on `hostBase`. */
  readonly separateHosts?: boolean;
  /** Default 0: chosen by the system. */
  readonly ports?: Readonly<Partial<Record<PlantLine, number>>>;
  /** How the two Modbus/TCP hosts find the end of a request, default `by-length`. */
  readonly framing?: MbapFraming;
  /** One line for every write that reached a device. Default: none. */
  readonly log?: (line: string, frame: ArrivedFrame) => void;
  /** How much of the real time the chiller's boot loader takes. Default 0: none. */
  readonly timeScale?: number;
  /** How often sensors move; 0 (default) leaves that to `advance`. */
  readonly tickMs?: number;
  readonly now?: () => number;
}

export interface RunningPlant {
  readonly devices: Readonly<Record<PlantDeviceId, SimulatedDevice>>;
  /** Where each line listens, and every byte that went in and out. */
  readonly lines: { readonly chiller: TcpHost; readonly ahu: TcpHost; readonly meters: RtuOverTcpLine };
  /** Lets every device go on by so many seconds. */
  advance(seconds: number): void;
  /** Writes that ever arrived at any device. */
  writesSeen(): number;
  stop(): Promise<void>;
}

/** Starts the whole plant or nothing. */
export async function startPlant(options: PlantOptions = {}): Promise<RunningPlant> {
  const devices = plantDevices(options);
  const now = options.now === undefined ? {} : { now: options.now };
  const framing = options.framing ?? 'by-length';
  const where = (line: PlantLine, index: number): { host: string; port: number } => ({
    host: addressAfter(options.hostBase ?? '127.0.0.1', options.separateHosts === true ? index : 0),
    port: options.ports?.[line] ?? 0,
  });
  const started: { stop(): Promise<void> }[] = [];
  const keep = <T extends { stop(): Promise<void> }>(line: T): T => {
    started.push(line);
    return line;
  };
  try {
    const chiller = keep(await startTcpHost({ ...now, ...where('chiller', 0), framing, units: devices.chiller1 }));
    const ahu = keep(await startTcpHost({ ...now, ...where('ahu', 1), framing, units: devices.ahu1 }));
    const units = new Map([
      [11, devices.meter1],
      [12, devices.meter2],
    ]);
    const meters = keep(await startRtuOverTcp({ ...now, ...where('meters', 2), units }));
    const all = Object.values(devices);
    const advance = (seconds: number): void => {
      for (const device of all) device.advance(seconds);
    };
    const tickMs = options.tickMs ?? 0;
    const ticking = tickMs > 0 ? setInterval(() => advance(tickMs / 1000), tickMs) : undefined;
    return {
      devices,
      lines: { chiller, ahu, meters },
      advance,
      writesSeen: () => all.reduce((sum, device) => sum + device.record.writesSeen(), 0),
      stop: async () => {
        clearInterval(ticking);
        await Promise.all(started.map((line) => line.stop()));
      },
    };
  } catch (fault) {
    await Promise.all(started.map((line) => line.stop()));
    throw fault;
  }
}

function plantDevices(options: PlantOptions): Record<PlantDeviceId, SimulatedDevice> {
  const shared = {
    ...(options.log === undefined ? {} : { log: options.log }),
    ...(options.now === undefined ? {} : { now: options.now }),
  };
  const device = (
    id: PlantDeviceId,
    behave: (bank: SimulatedDevice['bank'], seconds: number, elapsed: number) => void,
  ) => {
    const sheet = SHEETS.find((candidate) => candidate.id === id);
    const identification = new Map([
      [0, sheet?.vendor ?? ''],
      [1, id],
      [2, '2.4'],
      [5, sheet?.model ?? ''],
    ]);
    const files = new Map([[1, Array.from({ length: 64 }, () => 0)]]);
    const { vendor = '', model = '', points = [] } = sheet ?? {};
    const loader = { ...CHILLER_BOOT_LOADER, vendor, model, timeScale: options.timeScale ?? 0 };
    const bootLoader = id === 'chiller1' ? { bootLoader: loader } : {};
    return new SimulatedDevice({ ...shared, ...bootLoader, name: id, points, identification, files, behave });
  };
  return {
    chiller1: device('chiller1', behaveAsChiller),
    ahu1: device('ahu1', behaveAsAhu),
    meter1: device('meter1', behaveAsMeter('meter1', METER_ENERGY.meter1, 84.2)),
    meter2: device('meter2', behaveAsMeter('meter2', METER_ENERGY.meter2, 11.5)),
  };
}

function addressAfter(base: string, steps: number): string {
  const parts = base.split('.');
  return [...parts.slice(0, 3), Number(parts[3]) + steps].join('.');
}
