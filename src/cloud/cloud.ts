// The cloud side as one thing: stored policy first, then the line to the broker; every message by the table of topics.
// Invariant: a gateway without a broker is the gateway it was: the last good policy stays in force.

import { Acceptance, type AcceptanceOptions, type ActivePolicy } from './acceptance.ts';
import type { BrokerSettings } from './broker-address.ts';
import { Connection, type ConnectionTiming, type LinkState, USUAL_TIMING } from './connection.ts';
import { Locks, type SetLocks } from './locks.ts';
import type { Refused } from './nack.ts';
import { type GatewayState, type PolicyState, type Report, reportText } from './report.ts';
import { matchTopic, topicOf } from './topics.ts';

const MINUTE_MS = 60_000;
const PARTS_TIMEOUT_MS = 60_000;

export interface CloudOptions<S>
  extends Pick<
    AcceptanceOptions<S>,
    'gateway' | 'root' | 'store' | 'clock' | 'timers' | 'log' | 'compile' | 'selfTest' | 'activate' | 'torn'
  > {
  /** Absent: no cloud; the stored policy is loaded all the same. */
  readonly broker?: BrokerSettings;
  /** The whole list of the fast channel, whenever it changes; absent: the channel is not listened to. */
  readonly setLocks?: SetLocks;
  /** Of the software. */
  readonly version: string;
  readonly timing?: Partial<ConnectionTiming>;
  readonly partsTimeoutMs?: number;
  readonly random?: () => number;
}

export interface CloudStatus {
  readonly link: LinkState | { readonly is: 'none' };
  /** The policy in force. */
  readonly active: { readonly epoch: number; readonly revision: number; readonly sha256: string } | undefined;
  readonly state: Exclude<PolicyState, 'refused'>;
  /** A manifest on its way into force. */
  readonly underWay: { readonly epoch: number; readonly revision: number } | undefined;
  /** What was reported last. */
  readonly report: Report | undefined;
  /** The list of locks in force; undefined before the first one. */
  readonly locks: { readonly epoch: number; readonly revision: number; readonly count: number } | undefined;
  readonly clock: { readonly sure: boolean; readonly now: number; readonly floor: number };
}

export interface RunningCloud<S> {
  active(): ActivePolicy<S> | undefined;
  /** Why the stored policy was not loaded, if it was not. */
  readonly storedRefused: Refused | undefined;
  status(): CloudStatus;
  /** Says offline, stores the floor of time, ends what is under way. */
  stop(): Promise<void>;
}

/**
 * Loads the stored policy (it is in force when this resolves), then connects in the background.
 * @throws StartFault `cloud-settings`
 */
export async function startCloud<S>(options: CloudOptions<S>): Promise<RunningCloud<S>> {
  const { gateway, broker, clock, timers, log, version } = options;
  const startedAt = new Date(clock.now()).toISOString();
  const stateText = (status: GatewayState['status']): string => {
    const { epoch = null, revision = null } = acceptance.active()?.manifest.payload ?? {};
    const state: GatewayState = { status, startedAt, version, epoch, revision, upload: null };
    return JSON.stringify(state);
  };

  const acceptance = new Acceptance<S>({
    ...options,
    partsTimeoutMs: options.partsTimeoutMs ?? PARTS_TIMEOUT_MS,
    report: (report) => {
      connection?.keep(topicOf(gateway, 'state'), stateText('online'));
      connection?.keep(topicOf(gateway, 'policyReported'), reportText(report));
    },
    want: (hashes) => connection?.subscribeAlso(hashes.map((hash) => topicOf(gateway, 'policyPart', hash))),
  });

  const locks = options.setLocks ? new Locks({ ...options, setLocks: options.setLocks }) : undefined;

  const connection = broker
    ? new Connection({
        settings: broker,
        clientId: `gatehouse-${gateway}`,
        timing: { ...USUAL_TIMING, ...options.timing },
        timers,
        log,
        random: options.random ?? Math.random,
        will: { topic: topicOf(gateway, 'state'), payload: stateText('offline') },
        subscriptions: (['policyDesired', ...(locks ? (['policyLocks'] as const) : [])] as const).map((key) =>
          topicOf(gateway, key),
        ),
        message(topic, payload) {
          const match = matchTopic(gateway, topic);
          if (match?.key === 'policyDesired') acceptance.arrive(payload);
          if (match?.key === 'policyLocks') locks?.arrive(payload);
          if (match?.key === 'policyPart') {
            const [hash = '', index = ''] = match.levels;
            if (/^(0|[1-9]\d{0,3})$/.test(index)) acceptance.chunk(hash, Number(index), payload);
          }
        },
      })
    : undefined;

  await locks?.loadStored();
  const loaded = await acceptance.loadStored();
  connection?.start();

  const keepTime = () =>
    clock.keep().catch((error: unknown) => {
      const why = error instanceof Error ? error.message : String(error);
      log.write('error', 'clock.not-stored', { why }, `could not store the floor of time: ${why}`);
    });
  let minute = timers.after(MINUTE_MS, everyMinute);
  function everyMinute(): void {
    minute = timers.after(MINUTE_MS, everyMinute);
    acceptance.tick();
    void keepTime();
  }

  return {
    active: () => acceptance.active(),
    storedRefused: loaded.ok ? undefined : loaded.fault,
    status() {
      const { payload, sha256 } = acceptance.active()?.manifest ?? {};
      const next = acceptance.underWay()?.payload;
      return {
        link: connection?.state() ?? { is: 'none' },
        active: payload && sha256 ? { epoch: payload.epoch, revision: payload.revision, sha256 } : undefined,
        state: acceptance.state(),
        underWay: next && { epoch: next.epoch, revision: next.revision },
        report: acceptance.lastReport(),
        locks: locks?.inForce(),
        clock: { sure: clock.sure(), now: clock.now(), floor: clock.floor() },
      };
    },
    async stop() {
      minute.cancel();
      await acceptance.stop();
      await locks?.idle();
      connection?.keep(topicOf(gateway, 'state'), stateText('offline'));
      await connection?.stop();
      await keepTime();
    },
  };
}
