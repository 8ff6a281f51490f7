// Devices for work on several at once, behind the real gate: boot loaders that take images, and alarms to acknowledge.

import { afterAwake, awakeMs } from '../../simulators/awake-time.ts';
import type { ActiveAlarm, AlarmDriver } from '../../src/contract/alarms.ts';
import type { DriverServices, Performed, RunningDriver } from '../../src/contract/driver.ts';
import type { StepWatch } from '../../src/contract/firmware.ts';
import type { Effect, Permit } from '../../src/contract/gate.ts';
import type { TargetHandle } from '../../src/model/ids.ts';
import type { Outcome } from '../../src/model/journal-row.ts';
import { fail, type NonEmpty, ok, type Result } from '../../src/model/result.ts';
import type { PolicySnapshot } from '../../src/policy/rights.ts';
import { BootLoader, BootLoaderDriver } from '../jobs/boot-loader.ts';
import type { SiteChanges } from './site-bundle.ts';

export const BOOT_DEVICES = ['d1', 'd2', 'd3', 'd4'] as const;

/** All stand in the headquarters, d3 in its attic. `d1At`: d1 stands elsewhere. */
export function bootInventory(d1At = 'hq'): NonNullable<SiteChanges['inventory']> {
  const locations = { d1: d1At, d2: 'hq', d3: 'attic', d4: 'hq' };
  return {
    devices: BOOT_DEVICES.map((id) => ({
      id,
      name: `Device ${id}`,
      location: locations[id],
      vendor: 'Acme',
      model: 'X1',
      address: { boot: { id } },
    })),
    points: BOOT_DEVICES.flatMap((device) => [
      { id: `${device}/high`, name: 'High limit', device, class: 'alarm-limit', address: { high: 1 } },
      { id: `${device}/gain`, name: 'Gain', device, class: 'parameter', address: { gain: 1 } },
    ]),
  };
}

export class DeviceStage {
  readonly devices = new Map<string, BootLoader>(BOOT_DEVICES.map((id) => [id, new BootLoader()]));
  readonly alarms = new Map<string, { key: string; state: string; acknowledged: boolean; point?: string }[]>();
  readonly acknowledgedBy: string[] = [];
  /** The device of this id does not say what is in alarm. */
  silent: string | undefined;
  /** What the device answers to an acknowledgement. */
  outcome: Outcome = { kind: 'acknowledged' };

  readonly drivers = async (
    { gate }: DriverServices,
    _current: PolicySnapshot,
    policy: () => PolicySnapshot | undefined,
  ): Promise<Iterable<[string, RunningDriver]>> => {
    const idOf = (handle: TargetHandle): string => policy()?.inventory.idOf(handle) ?? '';
    const boot = new BootLoaderDriver(
      {
        gate,
        isAlive: () => true,
        isRevoked: () => false,
        now: awakeMs,
        wait: (ms, signal) =>
          new Promise((resolve) => {
            const done = () => {
              timer.cancel();
              signal?.removeEventListener('abort', done);
              resolve();
            };
            const timer = afterAwake(ms / 10, done);
            signal?.addEventListener('abort', done);
          }),
      },
      (handle) => this.devices.get(idOf(handle)),
    );
    const alarms: AlarmDriver = {
      list: async (device): Promise<Result<readonly ActiveAlarm[], string>> => {
        if (this.silent === idOf(device)) return fail('no answer');
        const inventory = policy()?.inventory;
        return ok(
          (this.alarms.get(idOf(device)) ?? []).map(({ point, ...alarm }) => {
            const target = point === undefined ? undefined : inventory?.find(point);
            return { device, ...alarm, ...(target !== undefined && { target }) };
          }),
        );
      },
      planAcknowledge: ({ device, target, key }, by) =>
        key === 'stuck'
          ? fail('it asks for none')
          : ok({
              what: { device: idOf(device), key, by },
              operation: 'acknowledgeAlarm',
              effects: [{ target: target ?? device, asks: 'alarm.acknowledge' }],
            }),
    };
    const acknowledge = async (permit: Permit<unknown>): Promise<Performed> => {
      const redeemed = await gate.redeem(permit, new Map());
      if (!redeemed.redeemed) return { outcome: { kind: 'withdrawn', reason: redeemed.denial.reason } };
      const { device, key, by } = redeemed.change as { device: string; key: string; by: string };
      if (this.outcome.kind === 'acknowledged') {
        this.acknowledgedBy.push(by);
        for (const alarm of this.alarms.get(device) ?? []) if (alarm.key === key) alarm.acknowledged = true;
      }
      gate.settle(permit, this.outcome);
      return { outcome: this.outcome };
    };
    const perform = (permit: Permit<unknown>, watch?: StepWatch) =>
      watch ? boot.perform(permit, watch) : acknowledge(permit);
    const driver: RunningDriver = {
      firmware: boot,
      alarms,
      activate: () => undefined,
      status: () => boot.status(),
      // Each device its own value, so that a copy has something to write.
      read: async (targets) =>
        targets.map((target) => ({ target, ok: true, value: Number(idOf(target).charAt(1)), at: Date.now() })),
      plan: (writes) =>
        ok({
          what: writes,
          operation: 'write',
          effects: writes.map(({ target, value }) => ({ target, asks: 'write', value })) as unknown as NonEmpty<Effect>,
        }),
      perform: perform as RunningDriver['perform'],
      stop: () => boot.stop(),
    };
    return [['boot', driver]];
  };
}
