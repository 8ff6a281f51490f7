// The only place that constructs: store, clock, gate, cloud, drivers, sockets; and takes them down in the other order.
// Invariants: 1. nothing listens before the stored policy is in force; 2. policy, inventory and every driver's addresses
// are swapped in one tick; 3. whatever breaks the state ends the daemon, and the supervisor starts it again.

import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { openClock, type PolicyClock, systemSource } from '../cloud/clock.ts';
import type { CommandMemory } from '../contract/command-memory.ts';
import type { DriverModule, Listening, RunningDriver } from '../contract/driver.ts';
import { LateOpening } from '../contract/late-opening.ts';
import type { Log } from '../contract/log.ts';
import type { PolicyStore } from '../contract/policy-store.ts';
import type { Shelf } from '../contract/shelf.ts';
import { createGate } from '../gate/gate.ts';
import { principalId } from '../model/ids.ts';
import { type JournalStore, openJournal } from '../store/journal.ts';
import { openOverrideShelf } from '../store/override-shelf.ts';
import { openPolicyStore } from '../store/policy-store.ts';
import { systemTimers } from '../store/system-time.ts';
import { openCloud } from './cloud-side.ts';
import { controlRoutes } from './control-routes.ts';
import { startControlServer } from './control-server.ts';
import { holdDataFolder } from './data-folder.ts';
import { deviceRoutes } from './device-routes.ts';
import { createHealthServer } from './health-server.ts';
import { linkLayer } from './link-layer.ts';
import { createLog } from './log.ts';
import { JOURNAL_FILE, POLICY_FILE, SHELF_FILE } from './memory-files.ts';
import { createNotifier } from './notify.ts';
import { openHttp, type Work } from './open-http.ts';
import { keepRetention } from './retention.ts';
import type { SiteConfig } from './site-config.ts';
import { DaemonStanding } from './standing.ts';
import { VERSION } from './version.ts';

const LINK_CHECK_MS = 5_000;

interface Daemon {
  /** Resolves when the daemon found itself broken and must be restarted. */
  readonly failed: Promise<void>;
  healthy(): boolean;
  stop(): Promise<void>;
}

/** What has been opened so far, so that a start that fails half-way leaves nothing open. */
type Closer = () => Promise<void> | void;

/** @throws StartFault with a code and one line for the integrator */
export async function startDaemon(config: SiteConfig, modules: readonly DriverModule[]): Promise<Daemon> {
  const closers: Closer[] = [];
  try {
    return await open(config, modules, closers);
  } catch (error) {
    for (const close of closers.reverse()) await close();
    throw error;
  }
}

async function open(config: SiteConfig, modules: readonly DriverModule[], closers: Closer[]): Promise<Daemon> {
  const log = createLog(config.log);
  const { store, journal, shelf, clock } = await openMemory(config, closers);
  const standing = new DaemonStanding(config.gateway, clock);
  const gate = createGate({
    journal,
    log,
    clock,
    timers: systemTimers,
    links: linkLayer,
    site: {
      applicationAddresses: config.attribution.applications.map(({ address, principal }) => ({
        address,
        principal: principalId(principal),
      })),
      sharedNetworks: config.attribution.sharedNetworks,
      neverGated: {
        peers: config.neverGated.flatMap(({ peer }) => peer ?? []),
        targets: config.neverGated.flatMap(({ object }) => object ?? []),
      },
      longestSessionMs: config.attribution.sessionMaxHours * 3_600_000,
    },
    newId: (kind) => `${kind === 'decision' ? 'd' : 's'}-${randomUUID()}`,
  });
  closers.push(() =>
    journal.note({ kind: 'system', at: clock.now(), event: 'gateway-stopped', detail: { version: VERSION } }),
  );
  closers.push(() => gate.stop());
  journal.onState((state) => reportJournal(log, state));
  noteStart(config, journal, clock, log);

  const drivers = new Map<string, RunningDriver>();
  let work: Work | undefined;
  const cloud = await openCloud(config, modules, {
    store,
    journal,
    clock,
    timers: systemTimers,
    log,
    gate,
    drivers,
    writer: () => work?.writer,
    jobs: () => work?.jobs,
    standing,
    closers,
  });
  if (cloud) closers.push(() => cloud.stop());
  await closeOpenIntents(journal, clock, log);

  for (const module of modules) {
    const section = config.drivers[module.name];
    if (section === undefined) continue;
    const index = cloud?.active()?.snapshot.indexes.get(module.name);
    const driver = await module.start(section, index, { gate, log, clock, timers: systemTimers, shelf });
    drivers.set(module.name, driver);
    // A policy that was swapped in while this driver opened its sockets passed it by.
    const current = cloud?.active()?.snapshot.indexes.get(module.name);
    if (current && current !== index) driver.activate(current);
    closers.push(() => driver.stop());
  }

  standing.attach({ gate, journal, drivers, ...(cloud ? { cloud } : {}), neverGated: config.neverGated });
  const socket = config.control.socket ?? join(config.data, 'control.sock');
  const devices = deviceRoutes({
    gate,
    modules,
    drivers,
    sections: config.drivers,
    indexes: () => cloud?.active()?.snapshot.indexes,
  });
  const control = await startControlServer(socket, [...controlRoutes({ gate, standing, clock }), ...devices], log);
  closers.push(() => control.close());
  if (config.health) {
    const health = createHealthServer(config.health, standing);
    closers.push(() => health.close());
    const said = ({ address, port }: Listening): void =>
      log.write('info', 'health.listening', { address, port }, `health on ${address}:${port}`);
    const door = new LateOpening('health', () => health.listen(), { log, timers: systemTimers, said });
    standing.watch(door);
    closers.push(() => door.stop());
    await door.begin();
  }
  const endRetention = keepRetention({
    journal,
    clock,
    timers: systemTimers,
    log,
    keepDays: config.journal.keepDays,
    // With a cloud whose upload is not possible nothing may go.
    acknowledged: () => (cloud ? (cloud.acknowledged()?.number ?? 0) : undefined),
  });
  closers.push(endRetention);
  work = await openHttp({ config, gate, journal, shelf, clock, timers: systemTimers, log, drivers, standing }, closers);
  if (cloud) {
    for (const job of work.jobs.list()) if (job.endedAt === undefined) cloud.tellJob(job);
    closers.push(work.jobs.onChange((job) => cloud.tellJob(job)));
    // Before anything a command may be using: the line goes down first.
    closers.push(() => cloud.stop());
  }
  const links = setInterval(() => gate.checkLinks(), LINK_CHECK_MS);
  const notifier = createNotifier(process.env, () => standing.failure === undefined);
  closers.push(() => {
    clearInterval(links);
    notifier.close();
  });
  announce(config, standing, log, socket);
  notifier.ready(`gateway ${config.gateway}, policy ${standing.revisionText()}`);
  return {
    failed: standing.failed,
    healthy: () => standing.failure === undefined,
    async stop() {
      notifier.stopping();
      log.write('info', 'daemon.stopping', {}, 'stopping');
      for (const close of closers.reverse()) await close();
      log.write('info', 'daemon.stopped', {}, 'stopped');
    },
  };
}

interface Memory {
  readonly store: PolicyStore & CommandMemory;
  readonly journal: JournalStore;
  readonly shelf: Shelf;
  readonly clock: PolicyClock;
}

async function openMemory(config: SiteConfig, closers: Closer[]): Promise<Memory> {
  const folder = holdDataFolder(config.data);
  closers.push(() => folder.release());
  const store = await openPolicyStore(join(config.data, POLICY_FILE));
  closers.push(() => store.close());
  const clock = openClock(store, systemSource(config.clock.trustSystem));
  const journal = await openJournal({
    file: join(config.data, JOURNAL_FILE),
    limits: { maxBytes: config.journal.maxBytes },
    clock,
  });
  closers.push(() => journal.close());
  const shelf = await openOverrideShelf(join(config.data, SHELF_FILE));
  closers.push(() => shelf.close());
  return { store, journal, shelf, clock };
}

/** Changes that were under way when the gateway died: what became of them is not known, and the record says so. */
async function closeOpenIntents(journal: JournalStore, clock: PolicyClock, log: Log): Promise<void> {
  const outcome = { kind: 'unknown', why: 'the gateway stopped before the outcome was known' } as const;
  const closing = journal.openIntents().map(async ({ row }) => {
    if (row.kind !== 'intent') return;
    await journal.append({ kind: 'outcome', at: clock.now(), decision: row.decision, outcome }, { reserved: true });
  });
  // A record that cannot be written refuses changes; reading goes on, so this must not end the start.
  for (const closed of await Promise.allSettled(closing)) {
    if (closed.status === 'fulfilled') continue;
    const why = String(closed.reason);
    log.write('error', 'journal.intent-left-open', { why }, `could not close a change of before the start: ${why}`);
  }
}

function noteStart(config: SiteConfig, journal: JournalStore, clock: PolicyClock, log: Log): void {
  journal.note({
    kind: 'system',
    at: clock.now(),
    event: 'gateway-started',
    detail: { gateway: config.gateway, version: VERSION, neverGated: config.neverGated },
  });
  for (const entry of config.neverGated) {
    const what = entry.peer ? `peer ${entry.peer}` : `object ${entry.object}`;
    log.write('warn', 'never-gated.configured', entry, `${what} is never gated: ${entry.why}`);
  }
}

function reportJournal(log: Log, state: ReturnType<JournalStore['state']>): void {
  if (state.writable) log.write('info', 'journal.writable', {}, 'the journal can be written');
  else log.write('error', 'journal.unavailable', { why: state.why }, `changes are refused: ${state.why}`);
}

function announce(config: SiteConfig, standing: DaemonStanding, log: Log, socket: string): void {
  const policy = `policy ${standing.revisionText()}`;
  log.write('info', 'daemon.ready', { gateway: config.gateway, version: VERSION, socket }, `ready, ${policy}`);
}
