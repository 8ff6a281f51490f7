// Finds the drivers: the folders under drivers/ that were shipped with this program, and nothing else on the disk.

import { existsSync, readdirSync } from 'node:fs';
import { extname } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { DriverModule } from '../contract/driver.ts';

const driversFolder = fileURLToPath(new URL('../../drivers/', import.meta.url));
const extension = extname(fileURLToPath(import.meta.url));

/** Names of the shipped folders that hold a driver. */
export function shippedDriverNames(): string[] {
  return readdirSync(driversFolder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(`${driversFolder}${entry.name}/driver${extension}`))
    .map((entry) => entry.name)
    .sort();
}

/** The shipped drivers, loaded: all, or those of `wanted` that there are. Each folder's `driver.ts` exports `driver`. */
export async function loadShippedDrivers(wanted?: ReadonlySet<string>): Promise<DriverModule[]> {
  const names = shippedDriverNames().filter((name) => wanted === undefined || wanted.has(name));
  return Promise.all(
    names.map(async (name) => {
      const file = pathToFileURL(`${driversFolder}${name}/driver${extension}`).href;
      const module = (await import(file)) as { readonly driver: DriverModule };
      return module.driver;
    }),
  );
}
