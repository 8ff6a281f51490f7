// Enrolment: whom this gateway trusts and whom it belongs to, said once, on the box. Invariants: 1. it is recorded before
// anything changes; 2. a second one needs to be asked for; 3. the floor of policy stays: another cloud begins a new epoch.

import { join } from 'node:path';
import type { BrokerSettings } from '../cloud/broker-address.ts';
import { openClock, systemSource } from '../cloud/clock.ts';
import { Connection, USUAL_TIMING } from '../cloud/connection.ts';
import { type GatewayKeys, openGatewayKeys, replaceGatewayKeys } from '../cloud/gateway-keys.ts';
import { openRoot, type TrustedRoot } from '../cloud/root.ts';
import { topicOf } from '../cloud/topics.ts';
import { forgetRootBefore } from '../cloud/trust.ts';
import type { Timers } from '../contract/clock.ts';
import { StartFault } from '../contract/driver.ts';
import { JournalUnavailable } from '../contract/journal.ts';
import { describeFault } from '../model/fault.ts';
import { openJournal } from '../store/journal.ts';
import { openPolicyStore } from '../store/policy-store.ts';
import { brokerSettings, readRootFile } from './cloud-side.ts';
import { holdDataFolder } from './data-folder.ts';
import { type Enrolment, writeEnrolment } from './enrolment.ts';
import { JOURNAL_FILE, POLICY_FILE } from './memory-files.ts';
import type { SiteConfig } from './site-config.ts';
import { VERSION } from './version.ts';

interface EnrolOptions {
  readonly rootFile: string;
  /** Which cloud, absolute paths; the configuration's `cloud` section, where there is one, must name the same broker. */
  readonly cloud: Enrolment;
  readonly replace: boolean;
  /** How long to try the broker; 0: not at all. */
  readonly connectMs: number;
}

interface Enrolled {
  readonly gateway: string;
  readonly root: { readonly fingerprint: string; readonly version: number };
  /** Of the gateway's own public keys. */
  readonly keys: string;
  readonly replaced: boolean;
  /** Undefined where it was not tried. */
  readonly connection: { readonly is: 'connected' } | { readonly is: 'failed'; readonly why: string } | undefined;
}

/** @throws StartFault `already-enrolled`, `root-refused`, `cloud-settings`, `data-folder-in-use`, `journal-unavailable` … */
export async function enrol(config: SiteConfig, options: EnrolOptions): Promise<Enrolled> {
  const opened = await openRoot(readRootFile(options.rootFile));
  if (!opened.ok) {
    const why = opened.fault.map(describeFault).join('; ');
    throw new StartFault('root-refused', `the trusted root \`${options.rootFile}\` is refused: ${why}`);
  }
  if (config.cloud && config.cloud.url !== options.cloud.url) {
    const text = `got cloud \`${options.cloud.url}\`, expected \`${config.cloud.url}\` as the configuration says`;
    throw new StartFault('cloud-settings', text);
  }
  const root = opened.value;
  const folder = holdDataFolder(config.data);
  try {
    const { keys, replaced } = await install(config, options, root);
    const settings = brokerSettings(config.cloud ?? options.cloud);
    const connection =
      options.connectMs > 0 ? await tryOut(config.gateway, settings, keys, root, options.connectMs) : undefined;
    const { fingerprint, document } = root;
    const shown = { fingerprint, version: document.version };
    return { gateway: config.gateway, root: shown, keys: keys.fingerprint, replaced, connection };
  } finally {
    folder.release();
  }
}

async function install(
  config: SiteConfig,
  { replace, cloud }: EnrolOptions,
  root: TrustedRoot,
): Promise<{ readonly keys: GatewayKeys; readonly replaced: boolean }> {
  const store = await openPolicyStore(join(config.data, POLICY_FILE));
  try {
    const before = store.root();
    if (before !== undefined && !replace) {
      const trusted = await openRoot(before);
      const name = trusted.ok ? `\`${trusted.value.fingerprint}\`` : 'one that does not hold';
      throw new StartFault(
        'already-enrolled',
        `the trusted root is ${name} already: \`--replace\` puts another in its place`,
      );
    }
    const clock = openClock(store, systemSource(config.clock.trustSystem));
    const detail = {
      url: cloud.url,
      root: root.fingerprint,
      rootVersion: root.document.version,
      replaced: before !== undefined,
      uid: process.getuid?.() ?? 0,
      version: VERSION,
    };
    await record(config, { kind: 'system', at: Math.floor(clock.now()), event: 'enrolled', detail });
    const keys =
      before === undefined ? openGatewayKeys(config.data, clock.now()) : replaceGatewayKeys(config.data, clock.now());
    await forgetRootBefore(store);
    await store.putRoot(root.text);
    if (!config.cloud) writeEnrolment(config.data, cloud);
    return { keys, replaced: before !== undefined };
  } finally {
    await store.close();
  }
}

async function record(config: SiteConfig, row: Parameters<Awaited<ReturnType<typeof openJournal>>['append']>[0]) {
  const limits = { maxBytes: config.journal.maxBytes };
  const journal = await openJournal({ file: join(config.data, JOURNAL_FILE), limits });
  try {
    await journal.append(row);
  } catch (error) {
    if (!(error instanceof JournalUnavailable)) throw error;
    throw new StartFault('journal-unavailable', `the enrolment cannot be recorded: ${error.message}`);
  } finally {
    await journal.close();
  }
}

const timers: Timers = {
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
};

/** Connects once as the gateway will, and leaves the public keys with the broker. */
async function tryOut(
  gateway: string,
  settings: BrokerSettings,
  keys: GatewayKeys,
  root: TrustedRoot,
  connectMs: number,
): Promise<Enrolled['connection']> {
  let connected = (): void => {};
  const up = new Promise<'up'>((resolve) => {
    connected = () => resolve('up');
  });
  const connection = new Connection({
    settings,
    clientId: `gatehouse-${gateway}`,
    timing: { ...USUAL_TIMING, connectMs },
    timers,
    log: { write() {} },
    random: Math.random,
    will: { topic: topicOf(gateway, 'state'), payload: '' },
    subscriptions: [topicOf(gateway, 'policyDesired')],
    message() {},
    connected,
  });
  connection.keep(topicOf(gateway, 'key'), keys.publicText(gateway, root));
  connection.start();
  let late = { cancel() {} };
  const given = new Promise<'late'>((resolve) => {
    late = timers.after(connectMs, () => resolve('late'));
  });
  const outcome = await Promise.race([up, given]);
  late.cancel();
  const state = connection.state();
  await connection.stop();
  if (outcome === 'up') return { is: 'connected' };
  return { is: 'failed', why: state.is === 'waiting' ? state.why : `no answer within ${connectMs} ms` };
}
