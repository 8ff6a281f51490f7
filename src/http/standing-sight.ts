// How the gateway stands, as far as one administrator may hear it. Invariant: a line, a listener or a remark that belongs to devices
// or objects is for who may see one of them, and what names more than that for who holds the right on the whole site.

import type { RunningDriver } from '../contract/driver.ts';
import type { GatewayStanding, Remark } from './options.ts';
import type { Sight } from './sight.ts';

/** `wholeSite`: the asker administers every organization. */
export function standingSeen(
  { remarks, drivers, ...rest }: GatewayStanding,
  running: ReadonlyMap<string, RunningDriver>,
  sight: Sight,
  wholeSite: boolean,
) {
  const hears = ({ about }: Remark): boolean => {
    if (about === 'gateway' || wholeSite) return true;
    const handle = about === 'site' ? undefined : sight.tree.inventory.find(about.target);
    return handle !== undefined && sight.sees(handle);
  };
  const seesBehind = (driver: string, what: 'line' | 'listener', name: string): boolean =>
    wholeSite || (running.get(driver)?.behind?.(what, name) ?? []).some((device) => sight.sees(device));
  return {
    ...rest,
    remarks: remarks.filter(hears).map(({ text }) => text),
    drivers: Object.entries(drivers).map(([driver, { listening, lines }]) => ({
      name: driver,
      listening: listening
        .filter(({ name }) => seesBehind(driver, 'listener', name))
        .map(({ faces: _faces, ...each }) => each),
      lines: lines.filter(({ name }) => seesBehind(driver, 'line', name)),
    })),
  };
}
