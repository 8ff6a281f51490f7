// Signed firmware images for the demo's air handler and its chiller, newer than what they run: to be uploaded by the page or the
// command line.

import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { plantInventory as bacnetInventory } from '../bacnet/plant.ts';
import { signImage } from '../cloud/image-commands.ts';
import type { SigningKey } from '../cloud/signing.ts';
import { buildImage } from '../firmware-image.ts';
import { plantInventory as modbusInventory } from '../modbus/plant.ts';

const VERSION = '2.5.0';
/** By device: octets, and how a person knows it. A block of the chiller takes twenty milliseconds. */
const DEVICES = {
  ahu2: { size: 262_144, name: 'the air handler on BACnet' },
  chiller1: { size: 65_536, name: 'the chiller on Modbus' },
} as const;
type DeviceId = keyof typeof DEVICES;

export interface DemoImage {
  readonly device: DeviceId;
  readonly name: string;
  readonly id: string;
  readonly version: string;
  readonly file: string;
  readonly manifestFile: string;
}

/** Writes images and manifests into `folder`, one for each device. */
export function writeImages(folder: string, key: SigningKey): readonly DemoImage[] {
  mkdirSync(folder, { recursive: true });
  return [writeImage(folder, 'ahu2', key), writeImage(folder, 'chiller1', key)];
}

function writeImage(folder: string, device: DeviceId, key: SigningKey): DemoImage {
  const { size, name } = DEVICES[device];
  const found = [...bacnetInventory().devices, ...modbusInventory().devices].find(({ id }) => id === device);
  const { vendor = '', model = '' } = found ?? {};
  const octets = buildImage({ vendor, model, version: VERSION, size });
  const id = createHash('sha256').update(octets).digest('hex');
  const file = join(folder, `${device}-${VERSION}.bin`);
  const manifestFile = `${file}.manifest`;
  writeFileSync(file, octets);
  const said = { vendor, model, version: VERSION, notes: 'quieter at night' };
  writeFileSync(manifestFile, `${signImage({ size: octets.length, sha256: id }, said, key)}\n`);
  return { device, name, id, version: VERSION, file, manifestFile };
}
