// Overrides found on the devices that did not come through the gateway: command slots of manual priorities that hold a value.
// Invariants: 1. one point is looked at a time, with a rest after each; 2. what the ledger holds is not found again; 3. bounded.

import type { Clock, Timers } from '../contract/clock.ts';
import type { RunningDriver } from '../contract/driver.ts';
import type { JournalReader } from '../contract/journal.ts';
import type { Overrides } from '../contract/work.ts';
import type { InventoryPoint, InventoryView, PointValue } from '../model/point.ts';
import { driverFor } from './live-values.ts';
import { slotHolders } from './slot-holder.ts';

/** Down to the manual operator's (ISO 16484-5, 19.2); what is below is how a building is run. */
const LOWEST_MANUAL = 8;
const REST_MS = 200;
const MOST_FOUND = 2000;

export interface FoundOverride {
  readonly id: string;
  readonly point: string;
  readonly device: string;
  readonly priority: number;
  readonly value: PointValue;
  /** When the gateway first saw it, ms since 1970. */
  readonly since: number;
  /** Who wrote it through the gateway, without an end of its own; absent: nobody did. */
  readonly by?: string;
}

export interface FoundOverrides {
  list(): readonly FoundOverride[];
  stop(): void;
}

interface FoundOptions {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly drivers: ReadonlyMap<string, RunningDriver>;
  readonly overrides: Pick<Overrides, 'list'>;
  readonly reader: Pick<JournalReader, 'rows'>;
  /** From the end of one round to the next; 0 = never. */
  readonly everyMs: number;
  inventory(): InventoryView | undefined;
}

export function createFoundOverrides(options: FoundOptions): FoundOverrides {
  const { clock, timers, drivers, overrides, reader, everyMs } = options;
  const found = new Map<string, FoundOverride>();
  let stopped = false;
  let timer = everyMs > 0 ? timers.after(everyMs, () => void round()) : undefined;

  const rest = (): Promise<void> =>
    new Promise((resolve) => {
      timer = timers.after(REST_MS, resolve);
    });

  async function look(point: InventoryPoint, inventory: InventoryView): Promise<boolean> {
    const device = inventory.device(point.device);
    const driver = device && driverFor(drivers, device)?.driver;
    if (!device || !driver?.slots || point.class === 'sensor') return false;
    const slots = await driver.slots(point.handle).catch(() => undefined);
    const isHeld = slots?.some((value, at) => value !== null && at < LOWEST_MANUAL) === true;
    const holderAt = isHeld ? slotHolders(reader, point.id) : undefined;
    for (let priority = 1; slots && priority <= LOWEST_MANUAL; priority += 1) {
      const id = `found:${point.id}@${priority}`;
      const value = slots[priority - 1] ?? null;
      const before = found.get(id);
      if (value === null) found.delete(id);
      else if (before !== undefined || found.size < MOST_FOUND) {
        const since = before?.since ?? clock.now();
        const by = holderAt?.(priority, value)?.who.principal ?? undefined;
        const place = { point: point.id, device: device.id, priority };
        found.set(id, { id, ...place, value, since, ...(by !== undefined && { by }) });
      }
    }
    return true;
  }

  async function round(): Promise<void> {
    const inventory = options.inventory();
    for (const point of inventory?.points() ?? []) {
      if (stopped || !inventory || options.inventory() !== inventory) break;
      if (await look(point, inventory)) await rest();
    }
    for (const { id, point } of found.values()) if (options.inventory()?.find(point) === undefined) found.delete(id);
    if (!stopped) timer = timers.after(everyMs, () => void round());
  }

  return {
    list() {
      const held = overrides.list().filter(({ state }) => state === 'active' || state === 'releasing');
      const own = new Set(held.map(({ point, priority }) => `found:${point}@${priority}`));
      return [...found.values()].filter(({ id }) => !own.has(id));
    },
    stop() {
      stopped = true;
      timer?.cancel();
    },
  };
}
