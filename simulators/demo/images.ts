// A signed firmware image for the demo's air handler, newer than what it runs: to be uploaded by the page or the command line.

import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildImage } from '../bacnet/firmware-image.ts';
import { plantInventory } from '../bacnet/plant.ts';
import { signImage } from '../cloud/image-commands.ts';
import type { SigningKey } from '../cloud/signing.ts';

export const IMAGE_DEVICE = 'ahu2';
const VERSION = '2.5.0';
const SIZE = 262_144;

export interface DemoImage {
  readonly id: string;
  readonly version: string;
  readonly file: string;
  readonly manifestFile: string;
}

/** Writes image and manifest into `folder`. */
export function writeImage(folder: string, key: SigningKey): DemoImage {
  const device = plantInventory().devices.find(({ id }) => id === IMAGE_DEVICE);
  const { vendor = '', model = '' } = device ?? {};
  const octets = buildImage({ vendor, model, version: VERSION, size: SIZE });
  const id = createHash('sha256').update(octets).digest('hex');
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${IMAGE_DEVICE}-${VERSION}.bin`);
  const manifestFile = `${file}.manifest`;
  writeFileSync(file, octets);
  const said = { vendor, model, version: VERSION, notes: 'quieter at night' };
  writeFileSync(manifestFile, `${signImage({ size: octets.length, sha256: id }, said, key)}\n`);
  return { id, version: VERSION, file, manifestFile };
}
