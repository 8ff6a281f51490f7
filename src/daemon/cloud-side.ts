// How the daemon brings up the cloud side: the trusted root, the gateway's own keys, the journal's reader, and what a new
// policy, a list of locks or a command means to gate and drivers.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BrokerSettings } from '../cloud/broker-address.ts';
import type { PolicyClock } from '../cloud/clock.ts';
import { type CloudOptions, type RunningCloud, startCloud } from '../cloud/cloud.ts';
import { commandWork } from '../cloud/command-work.ts';
import { openGatewayKeys } from '../cloud/gateway-keys.ts';
import { installRoot, type TrustedRoot } from '../cloud/root.ts';
import type { Timers } from '../contract/clock.ts';
import type { CommandMemory } from '../contract/command-memory.ts';
import { type DriverModule, type RunningDriver, StartFault } from '../contract/driver.ts';
import type { Jobs } from '../contract/jobs.ts';
import type { Log } from '../contract/log.ts';
import type { PolicyStore } from '../contract/policy-store.ts';
import type { Writer } from '../contract/work.ts';
import type { GateControl } from '../gate/options.ts';
import { describeFault } from '../model/fault.ts';
import type { JournalStore } from '../store/journal.ts';
import { openJournalReader } from '../store/journal-reader.ts';
import { type PushedPolicy, pushedCompiler, selfTest } from './compile-pushed.ts';
import { readEnrolment } from './enrolment.ts';
import { JOURNAL_FILE } from './memory-files.ts';
import type { SiteConfig } from './site-config.ts';
import type { DaemonStanding } from './standing.ts';
import { VERSION } from './version.ts';

interface CloudParts {
  readonly store: PolicyStore & CommandMemory;
  readonly journal: JournalStore;
  readonly clock: PolicyClock;
  readonly timers: Timers;
  readonly log: Log;
  readonly gate: GateControl;
  /** Filled while the daemon starts. */
  readonly drivers: ReadonlyMap<string, RunningDriver>;
  /** Undefined while the daemon starts. */
  readonly writer: () => Writer | undefined;
  readonly jobs: () => Jobs | undefined;
  readonly standing: DaemonStanding;
  /** Takes what must be closed at the end. */
  readonly closers: (() => Promise<void> | void)[];
}

/** Undefined where neither the configuration nor an enrolment names a cloud. @throws StartFault */
export async function openCloud(
  config: SiteConfig,
  modules: readonly DriverModule[],
  parts: CloudParts,
): Promise<RunningCloud<PushedPolicy> | undefined> {
  const { store, journal, clock, timers, log, gate, drivers, writer, jobs, standing } = parts;
  const settings = config.cloud ?? readEnrolment(config.data);
  if (!settings) return undefined;
  const { rootFile, ...given } = { rootFile: undefined, ...settings };
  const configured = modules.filter(({ name }) => config.drivers[name] !== undefined);
  const reader = openReader(config, parts);
  const options: CloudOptions<PushedPolicy> = {
    gateway: config.gateway,
    root: await trustRoot(store, rootFile),
    keys: openGatewayKeys(config.data, clock.now()),
    store,
    clock,
    timers,
    log,
    compile: pushedCompiler(configured),
    selfTest,
    setLocks: (locks) => gate.setFastLocks(locks),
    commands: {
      memory: store,
      work: commandWork({ gate, writer, jobs, drivers, policy: () => gate.policy(), now: () => clock.now() }),
    },
    ...(reader ? { journal: reader } : {}),
    record: (row) => journal.note(row),
    broker: brokerSettings(given),
    version: VERSION,
    activate: ({ manifest, snapshot: { snapshot, indexes } }) => {
      gate.activate(snapshot, () => {
        for (const [name, driver] of drivers) {
          const index = indexes.get(name as Parameters<typeof indexes.get>[0]);
          if (index) driver.activate(index);
        }
      });
      standing.policyActivated();
      const { epoch, revision } = manifest.payload;
      const detail = { epoch, revision, manifestSha256: manifest.sha256, mode: snapshot.header.mode };
      journal.note({ kind: 'system', at: Math.floor(clock.now()), event: 'policy-in-force', detail });
    },
    torn: (error) => standing.fail(`a policy could not be swapped in: ${String(error)}`),
  };
  return startCloud(options);
}

/** The schema says `string | undefined`, the broker's settings say absent. */
export function brokerSettings<T extends { readonly url: string }>(settings: T): BrokerSettings {
  const given = Object.entries(settings).filter(([, value]) => value !== undefined);
  return { url: settings.url, ...Object.fromEntries(given) };
}

function openReader({ data }: SiteConfig, { log, closers }: CloudParts) {
  try {
    const reader = openJournalReader(join(data, JOURNAL_FILE));
    closers.push(() => reader.close());
    return reader;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    log.write('error', 'upload.unavailable', { why }, `the journal is not uploaded until the next start: ${why}`);
    return undefined;
  }
}

/** The root that `file` brings; without a file the one that was installed before. @throws StartFault */
async function trustRoot(store: PolicyStore, file: string | undefined): Promise<TrustedRoot> {
  const text = file === undefined ? store.root() : readRootFile(file);
  if (text === undefined) {
    throw new StartFault(
      'not-enrolled',
      'no trusted root is installed: run `gatehouse enrol`, or name a `cloud.rootFile`',
    );
  }
  const root = await installRoot(store, text);
  if (root.ok) return root.value;
  const what = file === undefined ? 'the installed trusted root' : `the trusted root \`${file}\``;
  throw new StartFault('root-refused', `${what} is refused: ${root.fault.map(describeFault).join('; ')}`);
}

/** @throws StartFault `root-file` */
export function readRootFile(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new StartFault('root-file', `cannot read the trusted root \`${file}\`: ${(error as Error).message}`);
  }
}
