// Many alike devices with boot loaders, each at a loopback address of its own: what firmware updates are tried and measured on.
// 1. The inventory is derived from the very devices. 2. `stop` leaves no timer, no socket and no port behind.

import { buildImage } from '../firmware-image.ts';
import type { BootLoaderOptions } from './boot-loader.ts';
import { SimulatedDevice, type SimulatedDeviceOptions } from './device.ts';
import type { SimulatedFile } from './device-state.ts';
import type { Endpoint } from './framing.ts';
import { fileObject } from './object-kinds.ts';
import { PLANT_NETWORK, VENDOR } from './plant.ts';
import { row } from './plant-point.ts';

/** What every device of the plant is. */
export const FIRMWARE_MODEL = 'Boreas 9000-C';
const FIRST_VERSION = '1.0.0';
const FILE = 1;
const FIRST_INSTANCE = 2001;

export interface FirmwarePlantOptions {
  readonly count: number;
  /** Address of the first device; the others count up from it. Default 127.0.3.1. */
  readonly hostBase?: string;
  /** The one port of all devices. Default 0: chosen by the system. */
  readonly port?: number;
  /** Of every device, or of each by its number from 0. Default dual banks, no time taken. */
  readonly loader?: Partial<BootLoaderOptions> | ((index: number) => Partial<BootLoaderOptions>);
  /** Whatever else of the devices is not as usual: max-APDU, segmentation, password, the clock. */
  readonly device?: Partial<SimulatedDeviceOptions>;
  /** More settings of `firmware` in the devices' addresses. */
  readonly firmware?: { readonly [setting: string]: unknown };
}

export interface FirmwarePlant {
  /** `fw1` and so on. */
  readonly devices: ReadonlyMap<string, SimulatedDevice>;
  readonly port: number;
  /** What ran first on every device. */
  readonly first: Buffer;
  /** Devices and points in the inventory form; every device has a set point and its firmware file. */
  inventory(location?: string): { readonly devices: readonly object[]; readonly points: readonly object[] };
  /** An image for these devices. */
  image(version: string, size: number): Buffer;
  /** Throws where there is no such device. */
  device(id: string): SimulatedDevice;
  endpoint(id: string): Endpoint;
  stop(): Promise<void>;
}

const TRIES = 10;

/** Starts the whole plant or nothing. */
export async function startFirmwarePlant(options: FirmwarePlantOptions): Promise<FirmwarePlant> {
  // The system chooses a port that is free at the first address; another may have it taken, so it may have to choose again.
  for (let left = TRIES; ; left -= 1) {
    try {
      return await startOnce(options);
    } catch (fault) {
      if (left <= 0 || (options.port ?? 0) !== 0) throw fault;
    }
  }
}

async function startOnce(options: FirmwarePlantOptions): Promise<FirmwarePlant> {
  const devices = new Map<string, SimulatedDevice>();
  const image = (version: string, size: number): Buffer =>
    buildImage({ vendor: VENDOR, model: FIRMWARE_MODEL, version, size });
  const first = image(FIRST_VERSION, 4096);
  const stop = async (): Promise<void> => {
    await Promise.all([...devices.values()].map((device) => device.stop()));
  };
  let port = options.port ?? 0;
  try {
    for (let index = 0; index < options.count; index += 1) {
      const { loader } = options;
      const own = typeof loader === 'function' ? loader(index) : loader;
      const id = `fw${index + 1}`;
      const file: SimulatedFile = { access: 'stream', role: 'firmware', content: Buffer.alloc(0), records: [] };
      const device = await SimulatedDevice.start({
        name: `Unit ${index + 1}`,
        instance: FIRST_INSTANCE + index,
        model: FIRMWARE_MODEL,
        firmware: FIRST_VERSION,
        port,
        host: addressAfter(options.hostBase ?? '127.0.3.1', index),
        objects: rowsOf(id).flatMap(({ build }) => (build === undefined ? [] : [build()])),
        files: new Map([[FILE, file]]),
        bootLoader: { file: FILE, banks: 'dual', image: first, ...own },
        keptFrames: 100,
        ...options.device,
      });
      devices.set(id, device);
      port = device.endpoint.port;
    }
  } catch (fault) {
    await stop();
    throw fault;
  }
  const found = (id: string): SimulatedDevice => {
    const device = devices.get(id);
    if (device === undefined) throw new Error(`the plant has no device \`${id}\``);
    return device;
  };
  return {
    devices,
    port,
    first,
    image,
    stop,
    device: found,
    endpoint: (id) => found(id).endpoint,
    inventory: (location = 'hq') => ({
      devices: [...devices].map(([id, { name, instance }]) => ({
        id,
        name,
        location,
        tags: [],
        facts: { unit: true },
        vendor: VENDOR,
        model: FIRMWARE_MODEL,
        address: { bacnet: { network: PLANT_NETWORK, instance, firmware: { file: FILE, ...options.firmware } } },
      })),
      points: [...devices.keys()].flatMap((id) =>
        rowsOf(id).flatMap(({ point }) => (point === undefined ? [] : [{ ...point, device: id }])),
      ),
    }),
  };
}

function rowsOf(id: string) {
  const point = { id: `${id}/firmware`, name: 'Firmware image', class: 'firmware', address: { object: 'file,1' } };
  return [
    row(`${id}/sp`, 'Set point', 'set-point', 'analog-value,1', 20, { unit: '°C', min: 5, max: 35 }),
    { point, build: () => fileObject(FILE, 'Firmware image', 'firmware', 'stream') },
  ];
}

function addressAfter(base: string, steps: number): string {
  const parts = base.split('.');
  return [...parts.slice(0, 3), Number(parts[3]) + steps].join('.');
}
