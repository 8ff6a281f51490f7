// Reads a site's configuration for a command. What only some commands need is loaded by those alone: the others start
// in half the time.

import type { DriverModule } from '../contract/driver.ts';
import type { readSiteConfig } from '../daemon/site-config.ts';
import { describeFault } from '../model/fault.ts';
import { badInput } from './exit.ts';

/** Every shipped driver, loaded now. */
export async function shippedDrivers(): Promise<DriverModule[]> {
  const { loadShippedDrivers } = await import('../daemon/shipped-drivers.ts');
  return loadShippedDrivers();
}

/** The drivers that a configuration names. An unknown name is the schema's to say: then all of them are loaded. */
export async function driversNamedIn(file: string): Promise<DriverModule[]> {
  const { loadShippedDrivers, shippedDriverNames } = await import('../daemon/shipped-drivers.ts');
  const { driverNamesIn } = await import('../daemon/site-config.ts');
  const named = driverNamesIn(file);
  const shipped = shippedDriverNames();
  const known = named !== undefined && [...named].every((name) => shipped.includes(name));
  return loadShippedDrivers(known ? named : undefined);
}

/** The configuration of a file, or every fault of it. */
export async function readSite(
  file: string,
  drivers?: readonly DriverModule[],
): Promise<ReturnType<typeof readSiteConfig>> {
  const site = await import('../daemon/site-config.ts');
  return site.readSiteConfig(file, drivers ?? (await shippedDrivers()));
}

/** The same for commands that cannot go on without it: throws a CommandFault that names every fault. */
export async function mustReadSite(file: string) {
  const config = await readSite(file);
  if (!config.ok) throw badInput(config.fault.map(describeFault).join('\n'));
  return config.value;
}
