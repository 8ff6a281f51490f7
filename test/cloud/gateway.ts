// The cloud side of a gateway as the daemon starts it, on real time and a store that lives in memory or is given.

import type { BrokerSettings } from '../../src/cloud/broker-address.ts';
import { openClock, systemSource } from '../../src/cloud/clock.ts';
import { type CloudOptions, type RunningCloud, startCloud } from '../../src/cloud/cloud.ts';
import type { Timers } from '../../src/contract/clock.ts';
import type { PolicyStore } from '../../src/contract/policy-store.ts';
import { decide } from '../../src/policy/decide.ts';
import type { PolicySnapshot } from '../../src/policy/rights.ts';
import { compileInProcess, selfTestPolicy } from './compile-in-process.ts';
import { MemoryDisk, openMemoryStore } from './memory-policy-store.ts';
import { trustedRoot } from './road.ts';

export const realTimers: Timers = {
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
};

export interface TestGateway {
  readonly cloud: RunningCloud<PolicySnapshot>;
  readonly logged: { readonly event: string; readonly text: string }[];
  /** When each revision was swapped in, by `performance.now()`. */
  readonly swapped: Map<number, number>;
  /** Whether this person may write the first point, under what is in force now. */
  mayWrite(principal: string): boolean;
}

export async function startGateway(
  gateway: string,
  broker: BrokerSettings,
  store: PolicyStore = openMemoryStore(new MemoryDisk()),
  change: Partial<CloudOptions<PolicySnapshot>> = {},
): Promise<TestGateway> {
  const logged: { event: string; text: string }[] = [];
  const swapped = new Map<number, number>();
  let snapshot: PolicySnapshot | undefined;
  const cloud = await startCloud<PolicySnapshot>({
    gateway,
    root: await trustedRoot(),
    store,
    clock: openClock(store, systemSource(true)),
    timers: realTimers,
    log: { write: (_level, event, _fields, text) => void logged.push({ event, text }) },
    compile: compileInProcess,
    selfTest: selfTestPolicy,
    activate(policy) {
      snapshot = policy.snapshot;
      swapped.set(policy.manifest.payload.revision, performance.now());
    },
    torn: (error) => {
      throw error;
    },
    broker,
    version: '0.0.0-test',
    timing: { firstMs: 20, mostMs: 200, connectMs: 5_000 },
    ...change,
  });
  return {
    cloud,
    logged,
    swapped,
    mayWrite(principal) {
      if (!snapshot) return false;
      const request = { principal, action: 'point.write', targets: ['ahu0/point-0'], channel: 'local', at: Date.now() };
      return decide(snapshot, request).decision === 'permit';
    },
  };
}
