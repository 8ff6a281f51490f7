// Many alike devices with boot loaders, each a Modbus/TCP host of its own: what firmware updates are tried and measured on.
// 1. The inventory is derived from the very devices. 2. `stop` leaves no timer, no socket and no port behind.

import { buildImage } from '../firmware-image.ts';
import type { BootLoaderOptions } from './boot-loader.ts';
import { SimulatedDevice } from './device.ts';
import { LOADER_BASE, type LoaderFrontOptions } from './loader-front.ts';
import { type PlantPoint, row } from './plant-point.ts';
import { type RtuOverTcpLine, startRtuOverTcp } from './rtu-line.ts';
import { startTcpHost, type TcpHost } from './tcp-host.ts';

/** What every device of the plant is. */
export const FIRMWARE_VENDOR = 'Northwind Cooling';
export const FIRMWARE_MODEL = 'Glacier 400W';
const FIRST_VERSION = '1.0.0';
const UNIT = 1;

export interface FirmwarePlantOptions {
  readonly count: number;
  readonly method: LoaderFrontOptions['method'];
  readonly host?: string;
  /** Whether each is a host of its own, or alone on a serial line behind a terminal server. Default `tcp`. */
  readonly line?: 'tcp' | 'rtu';
  /** Of every device, or of each by its number from 0. Default dual banks, no time taken. */
  readonly loader?: Partial<BootLoaderOptions & LoaderFrontOptions> | ((index: number) => Partial<BootLoaderOptions>);
  /** More settings of `firmware` in the devices' addresses. */
  readonly firmware?: { readonly [setting: string]: unknown };
}

export interface FirmwarePlant {
  /** `fw1` and so on; each on a line of the same name. */
  readonly devices: ReadonlyMap<string, SimulatedDevice>;
  readonly hosts: ReadonlyMap<string, TcpHost | RtuOverTcpLine>;
  /** What ran first on every device. */
  readonly first: Buffer;
  /** Devices and points in the inventory form; every device has a set point, and its command register as a point. */
  inventory(location?: string): { readonly devices: readonly object[]; readonly points: readonly object[] };
  /** An image for these devices. */
  image(version: string, size: number): Buffer;
  /** Throws where there is no such device. */
  device(id: string): SimulatedDevice;
  stop(): Promise<void>;
}

/** Starts the whole plant or nothing. */
export async function startFirmwarePlant(options: FirmwarePlantOptions): Promise<FirmwarePlant> {
  const image = (version: string, size: number): Buffer =>
    buildImage({ vendor: FIRMWARE_VENDOR, model: FIRMWARE_MODEL, version, size });
  const first = image(FIRST_VERSION, 4096);
  const devices = new Map<string, SimulatedDevice>();
  const hosts = new Map<string, TcpHost | RtuOverTcpLine>();
  const stop = async (): Promise<void> => {
    await Promise.all([...hosts.values()].map((host) => host.stop()));
  };
  try {
    for (let index = 0; index < options.count; index += 1) {
      const id = `fw${index + 1}`;
      const { loader, method, host = '127.0.0.1' } = options;
      const own = typeof loader === 'function' ? loader(index) : loader;
      const device = new SimulatedDevice({
        name: id,
        points: pointsOf(id).filter(({ class: pointClass }) => pointClass !== 'firmware'),
        bootLoader: {
          method,
          vendor: FIRMWARE_VENDOR,
          model: FIRMWARE_MODEL,
          version: FIRST_VERSION,
          image: first,
          banks: 'dual',
          ...own,
        },
      });
      devices.set(id, device);
      const started =
        options.line === 'rtu'
          ? await startRtuOverTcp({ host, port: 0, units: new Map([[UNIT, device]]) })
          : await startTcpHost({ host, port: 0, units: device });
      hosts.set(id, started);
    }
  } catch (fault) {
    await stop();
    throw fault;
  }
  return {
    devices,
    hosts,
    first,
    image,
    stop,
    device: (id) => {
      const device = devices.get(id);
      if (device === undefined) throw new Error(`the plant has no device \`${id}\``);
      return device;
    },
    inventory: (location = 'hq') => ({
      devices: [...devices].map(([id, { front }]) => ({
        id,
        name: id,
        location,
        tags: [],
        facts: { unit: true },
        vendor: FIRMWARE_VENDOR,
        model: FIRMWARE_MODEL,
        address: { modbus: { line: id, unit: UNIT, firmware: front.address(options.firmware) } },
      })),
      points: [...devices.keys()].flatMap((id) =>
        pointsOf(id).map(({ initial: _initial, ...point }) => ({ ...point, device: id })),
      ),
    }),
  };
}

function pointsOf(id: string): readonly PlantPoint[] {
  return [
    row(`${id}/sp`, 'Set point', 'set-point', { table: 'holding', register: 0, type: 'float32' }, 20, {
      facts: { sp: true },
      unit: '°C',
      limits: { min: 5, max: 35 },
    }),
    row(`${id}/loader`, 'Boot loader', 'firmware', { table: 'holding', register: LOADER_BASE, type: 'uint16' }, 0),
  ];
}
