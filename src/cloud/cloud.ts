// The cloud side as one thing: what is stored first, then the line to the broker; every message by the table of topics.
// Invariant: a gateway without a broker is the gateway it was: the last good policy stays in force.

import type { CommandMemory } from '../contract/command-memory.ts';
import type { Job } from '../contract/jobs.ts';
import type { JournalReader, Receipt } from '../contract/journal.ts';
import { describeFault } from '../model/fault.ts';
import type { SystemRow } from '../model/journal-row.ts';
import { Acceptance, type AcceptanceOptions, type ActivePolicy } from './acceptance.ts';
import type { BrokerSettings } from './broker-address.ts';
import type { CommandWork } from './command-work.ts';
import { Commands } from './commands.ts';
import { Connection, type ConnectionTiming, type LinkState, USUAL_TIMING } from './connection.ts';
import { credentialsOpener } from './credentials.ts';
import type { GatewayKeys } from './gateway-keys.ts';
import { JobReports } from './job-progress.ts';
import { Locks, type SetLocks } from './locks.ts';
import type { Refused } from './nack.ts';
import { RefusalRecord } from './refusal-record.ts';
import { type GatewayState, type PolicyState, type Report, reportText, type UploadState } from './report.ts';
import type { TrustedRoot } from './root.ts';
import { type KeysOf, matchTopic, type TopicKey, topicOf } from './topics.ts';
import { Trust } from './trust.ts';
import { Upload, type UploadTiming } from './upload.ts';

/** What a report of policy, locks or root says of a refusal. */
type Refusable = Pick<Report, 'code' | 'faults'> & { readonly state: string };

const MINUTE_MS = 60_000;
const PARTS_TIMEOUT_MS = 60_000;

export interface CloudOptions<S>
  extends Pick<
    AcceptanceOptions<S>,
    'gateway' | 'store' | 'clock' | 'timers' | 'log' | 'compile' | 'selfTest' | 'activate' | 'torn'
  > {
  /** The one installed; a later one may come by MQTT. */
  readonly root: TrustedRoot;
  /** Absent: no cloud; the stored policy is loaded all the same. */
  readonly broker?: BrokerSettings;
  /** Absent: credentials cannot be read, and no journal is uploaded. */
  readonly keys?: GatewayKeys;
  /** The whole list of the fast channel, whenever it changes; absent: the channel is not listened to. */
  readonly setLocks?: SetLocks;
  /** Absent: commands are not listened to. */
  readonly commands?: { readonly memory: CommandMemory; readonly work: CommandWork };
  /** Absent: nothing is uploaded. */
  readonly journal?: Pick<JournalReader, 'rows' | 'head' | 'anchor'>;
  /** Rows about the cloud side itself. */
  readonly record?: (row: SystemRow) => void;
  /** Of the software. */
  readonly version: string;
  readonly timing?: Partial<ConnectionTiming>;
  readonly uploadTiming?: Partial<UploadTiming>;
  readonly partsTimeoutMs?: number;
  readonly random?: () => number;
}

export interface CloudStatus {
  readonly link: LinkState | { readonly is: 'none' };
  /** The policy in force. */
  readonly active:
    | {
        readonly epoch: number;
        readonly revision: number;
        readonly sha256: string;
        readonly refreshBy?: number;
        readonly expiresAt?: number;
      }
    | undefined;
  readonly state: Exclude<PolicyState, 'refused'>;
  /** A manifest on its way into force. */
  readonly underWay: { readonly epoch: number; readonly revision: number } | undefined;
  /** What was reported last. */
  readonly report: Report | undefined;
  /** The list of locks in force; undefined before the first one. */
  readonly locks: { readonly epoch: number; readonly revision: number; readonly count: number } | undefined;
  readonly root: { readonly version: number; readonly fingerprint: string; readonly expiresAt?: number };
  readonly upload: UploadState | undefined;
  readonly clock: { readonly sure: boolean; readonly now: number; readonly floor: number };
}

export interface RunningCloud<S> {
  active(): ActivePolicy<S> | undefined;
  /** Why the stored policy was not loaded, if it was not. */
  readonly storedRefused: Refused | undefined;
  status(): CloudStatus;
  /** The last journal row the cloud has acknowledged: retention may remove up to it. Undefined where nothing is uploaded. */
  acknowledged(): Receipt | undefined;
  /** Says on `jobs/{id}` how a job stands. */
  tellJob(job: Job): void;
  /** Says offline, stores the floor of time, ends what is under way. */
  stop(): Promise<void>;
}

/**
 * Loads what is stored (it is in force when this resolves), then connects in the background.
 * @throws StartFault `cloud-settings`
 */
export async function startCloud<S>(options: CloudOptions<S>): Promise<RunningCloud<S>> {
  const { gateway, broker, clock, timers, log, keys, version } = options;
  const record = options.record ?? (() => {});
  const startedAt = new Date(clock.now()).toISOString();
  let uploading: Upload | undefined;
  const keep = (key: KeysOf<'up'>, text: string) => connection?.keep(topicOf(gateway, key), text);
  const stateText = (status: GatewayState['status']): string => {
    const { epoch = null, revision = null } = acceptance.active()?.manifest.payload ?? {};
    const upload = status === 'online' ? (uploading?.state() ?? null) : null;
    const state: GatewayState = { status, startedAt, version, epoch, revision, upload };
    return JSON.stringify(state);
  };
  const sayState = () => keep('state', stateText('online'));

  const records = {
    policy: new RefusalRecord(clock, record, 'policy-refused'),
    locks: new RefusalRecord(clock, record, 'locks-refused'),
    root: new RefusalRecord(clock, record, 'root-refused'),
  };
  /** Reports are made when something is new, so a refusal that comes again is recorded once. */
  const recordRefusal = (about: keyof typeof records, { state, code, faults }: Refusable, sha256: string | null) => {
    if (state !== 'refused' || code === null) return;
    const [first] = faults;
    records[about].refused(code, first ? describeFault(first) : '', sha256 === null ? {} : { sha256 });
  };

  const trust = new Trust({
    ...options,
    report(report) {
      recordRefusal('root', report, report.refusedSha256);
      keep('rootReported', JSON.stringify(report));
    },
    changed(root) {
      if (keys) keep('key', keys.publicText(gateway, root));
      const { version: rootVersion } = root.document;
      const detail = { version: rootVersion, fingerprint: root.fingerprint };
      record({ kind: 'system', at: Math.floor(clock.now()), event: 'root-replaced', detail });
      acceptance.tick();
    },
  });

  const acceptance = new Acceptance<S>({
    ...options,
    trust,
    ...(keys ? { openCredentials: credentialsOpener(keys) } : {}),
    partsTimeoutMs: options.partsTimeoutMs ?? PARTS_TIMEOUT_MS,
    report: (report) => {
      recordRefusal('policy', report, report.manifestSha256);
      sayState();
      keep('policyReported', reportText(report));
    },
    want: (hashes) => connection?.subscribeAlso(hashes.map((hash) => topicOf(gateway, 'policyPart', hash))),
  });

  const { setLocks } = options;
  const locks = setLocks
    ? new Locks({
        ...options,
        trust,
        setLocks,
        report(report) {
          recordRefusal('locks', report, report.manifestSha256);
          keep('locksReported', JSON.stringify(report));
        },
      })
    : undefined;

  const commands = options.commands
    ? new Commands({
        ...options,
        ...options.commands,
        trust,
        record,
        policy: () => acceptance.active()?.manifest.payload,
        send: async (id, text) => (await connection?.send(topicOf(gateway, 'result', id), text, id)) ?? false,
      })
    : undefined;

  const jobReports = new JobReports({
    clock,
    timers,
    send: async (id, text) => (await connection?.send(topicOf(gateway, 'jobs', id), text)) ?? false,
  });

  const heard: readonly TopicKey[] = [
    'policyDesired',
    'root',
    ...(locks ? (['policyLocks'] as const) : []),
    ...(commands ? (['command'] as const) : []),
    ...(keys && options.journal ? (['auditAck'] as const) : []),
  ];

  const connection = broker
    ? new Connection({
        settings: broker,
        clientId: `gatehouse-${gateway}`,
        timing: { ...USUAL_TIMING, ...options.timing },
        timers,
        log,
        random: options.random ?? Math.random,
        will: { topic: topicOf(gateway, 'state'), payload: stateText('offline') },
        subscriptions: heard.map((key) => topicOf(gateway, key)),
        message: receive,
        connected() {
          commands?.up();
          jobReports.up();
          uploading?.up();
        },
      })
    : undefined;

  function receive(topic: string, payload: Uint8Array): void {
    const match = matchTopic(gateway, topic);
    const [first = '', second = ''] = match?.levels ?? [];
    if (match?.key === 'policyDesired') acceptance.arrive(payload);
    if (match?.key === 'policyLocks') locks?.arrive(payload);
    if (match?.key === 'root') trust.arrive(payload);
    if (match?.key === 'command') commands?.arrive(first, payload);
    if (match?.key === 'auditAck') uploading?.acknowledged(payload);
    if (match?.key === 'policyPart' && /^(0|[1-9]\d{0,3})$/.test(second)) {
      acceptance.chunk(first, Number(second), payload);
    }
  }

  await trust.load();
  await locks?.loadStored();
  const loaded = await acceptance.loadStored();
  await commands?.load();
  uploading =
    keys && options.journal
      ? new Upload({
          ...options,
          ...(options.uploadTiming ? { timing: options.uploadTiming } : { timing: {} }),
          keys,
          journal: options.journal,
          trust,
          record,
          changed: sayState,
          send: async (text) => (await connection?.send(topicOf(gateway, 'auditBatch'), text)) ?? false,
        })
      : undefined;
  if (keys) keep('key', keys.publicText(gateway, trust.root()));
  sayState();
  connection?.start();

  const keepTime = () =>
    clock.keep().catch((error: unknown) => {
      const why = error instanceof Error ? error.message : String(error);
      log.write('error', 'clock.not-stored', { why }, `could not store the floor of time: ${why}`);
    });
  let minute = timers.after(MINUTE_MS, everyMinute);
  let saidUnsent = 0;
  function everyMinute(): void {
    minute = timers.after(MINUTE_MS, everyMinute);
    acceptance.tick();
    void commands?.tick();
    for (const refusals of Object.values(records)) refusals.flush();
    const unsent = uploading?.state().unsent ?? 0;
    if (unsent !== saidUnsent) sayState();
    saidUnsent = unsent;
    void keepTime();
  }

  let stopped: Promise<void> | undefined;
  return {
    active: () => acceptance.active(),
    storedRefused: loaded.ok ? undefined : loaded.fault,
    acknowledged: () => uploading?.cursor(),
    status() {
      const { payload, sha256, refreshBy, expiresAt } = acceptance.active()?.manifest ?? {};
      const next = acceptance.underWay()?.payload;
      const root = trust.root();
      return {
        link: connection?.state() ?? { is: 'none' },
        active:
          payload && sha256
            ? {
                epoch: payload.epoch,
                revision: payload.revision,
                sha256,
                ...(refreshBy === undefined ? {} : { refreshBy }),
                ...(expiresAt === undefined ? {} : { expiresAt }),
              }
            : undefined,
        state: acceptance.state(),
        underWay: next && { epoch: next.epoch, revision: next.revision },
        report: acceptance.lastReport(),
        locks: locks?.inForce(),
        root: {
          version: root.document.version,
          fingerprint: root.fingerprint,
          ...(root.expiresAt === undefined ? {} : { expiresAt: root.expiresAt }),
        },
        upload: uploading?.state(),
        clock: { sure: clock.sure(), now: clock.now(), floor: clock.floor() },
      };
    },
    tellJob: (job) => jobReports.changed(job),
    stop() {
      stopped ??= stop();
      return stopped;
    },
  };

  async function stop(): Promise<void> {
    minute.cancel();
    await acceptance.stop();
    await locks?.idle();
    await trust.idle();
    await commands?.stop();
    jobReports.stop();
    await uploading?.stop();
    keep('state', stateText('offline'));
    await connection?.stop();
    for (const refusals of Object.values(records)) refusals.flush();
    await keepTime();
  }
}
