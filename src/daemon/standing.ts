// How the daemon stands, in one place: for `status`, `/readyz`, `/metrics` and the supervisor.

import type { RunningCloud } from '../cloud/cloud.ts';
import type { Clock } from '../contract/clock.ts';
import type { RunningDriver } from '../contract/driver.ts';
import type { Journal } from '../contract/journal.ts';
import type { LateOpening } from '../contract/late-opening.ts';
import type { GateControl } from '../gate/options.ts';
import type { Remark } from '../http/options.ts';
import { cloudText } from './cloud-text.ts';
import type { StatusReply } from './control-api.ts';
import type { HealthSource } from './health-server.ts';
import type { SiteConfig } from './site-config.ts';
import { VERSION } from './version.ts';

interface StandingParts {
  readonly gate: GateControl;
  readonly journal: Journal;
  readonly drivers: ReadonlyMap<string, RunningDriver>;
  readonly cloud?: RunningCloud<unknown>;
  readonly neverGated: SiteConfig['neverGated'];
}

const ofGateway = (text: string): Remark => ({ text, about: 'gateway' });
const ofSite = (text: string): Remark => ({ text, about: 'site' });

export class DaemonStanding implements HealthSource {
  readonly failed: Promise<void>;
  readonly #gateway: string;
  readonly #clock: Clock;
  readonly #startedAt: number;
  readonly #tellFailure: () => void;
  #parts: StandingParts | undefined;
  #activatedAt: number | undefined;
  #activations = 0;
  #failure: string | undefined;
  readonly #doors: LateOpening[] = [];

  constructor(gateway: string, clock: Clock) {
    this.#gateway = gateway;
    this.#clock = clock;
    this.#startedAt = clock.now();
    let tell = (): void => {};
    this.failed = new Promise((resolve) => {
      tell = resolve;
    });
    this.#tellFailure = tell;
  }

  attach(parts: StandingParts): void {
    this.#parts = parts;
  }

  /** A door of the daemon's own: what it waits for is said from now on. */
  watch(door: LateOpening): void {
    this.#doors.push(door);
  }

  get failure(): string | undefined {
    return this.#failure;
  }

  fail(why: string): void {
    this.#failure = why;
    this.#tellFailure();
  }

  policyActivated(): void {
    this.#activatedAt = this.#clock.now();
    this.#activations += 1;
  }

  revisionText(): string {
    const policy = this.#parts?.gate.policy();
    return policy ? `revision ${policy.header.revision}` : 'none yet: every change is refused';
  }

  notReady(): readonly string[] {
    return this.#notReady().map(({ text }) => text);
  }

  #notReady(): readonly Remark[] {
    const parts = this.#parts;
    if (!parts) return [ofGateway('starting')];
    const journal = parts.journal.state();
    return [
      ...(this.#failure === undefined ? [] : [ofSite(this.#failure)]),
      ...(parts.gate.policy() ? [] : [ofGateway('no policy is in force: every change is refused')]),
      ...(journal.writable ? [] : [ofGateway(`the journal cannot be written, changes are refused: ${journal.why}`)]),
      ...[...parts.drivers].flatMap(([name, driver]) =>
        (driver.status().degraded ?? []).map((what) => ofSite(`degraded: ${name}: ${what}`)),
      ),
      ...this.#doors.flatMap(({ waiting }) => (waiting === undefined ? [] : [ofSite(`degraded: ${waiting}`)])),
    ];
  }

  /** What hinders, and what is not wrong but must not be overlooked. */
  remarks(): readonly Remark[] {
    return [...this.#notReady(), ...(this.#parts ? this.#loud(this.#parts) : [])];
  }

  #loud(parts: StandingParts): Remark[] {
    const header = parts.gate.policy()?.header;
    const now = this.#clock.now();
    const remarks: Remark[] = [];
    if (header?.mode === 'observe') {
      const until = header.observeUntil === undefined ? '' : ` until ${new Date(header.observeUntil).toISOString()}`;
      remarks.push(ofGateway(`OBSERVE MODE${until}: what would be refused is forwarded and recorded`));
    }
    if (header?.expiresAt !== undefined && header.expiresAt <= now) {
      remarks.push(ofGateway(`the policy expired ${new Date(header.expiresAt).toISOString()}: changes are refused`));
    }
    for (const { peer, object, why } of parts.neverGated) {
      const what = object === undefined ? `peer ${peer}` : `object ${object}`;
      const about = object === undefined ? 'site' : { target: object };
      remarks.push({ text: `NEVER GATED: ${what} (${why})`, about });
    }
    return remarks;
  }

  status(): StatusReply {
    const parts = this.#parts;
    const snapshot = parts?.gate.policy();
    const cloud = parts?.cloud?.status();
    return {
      gateway: this.#gateway,
      version: VERSION,
      startedAt: this.#startedAt,
      now: this.#clock.now(),
      clockSure: this.#clock.sure(),
      ready: this.#notReady().length === 0,
      remarks: this.remarks().map(({ text }) => text),
      policy: snapshot && {
        revision: snapshot.header.revision,
        mode: snapshot.header.mode,
        ...(snapshot.header.observeUntil === undefined ? {} : { observeUntil: snapshot.header.observeUntil }),
        ...(snapshot.header.expiresAt === undefined ? {} : { expiresAt: snapshot.header.expiresAt }),
        devices: snapshot.inventory.deviceCount,
        points: snapshot.inventory.pointCount,
      },
      journal: parts?.journal.state() ?? { writable: false, why: 'starting' },
      cloud: cloud && { ...cloud, state: cloudText(cloud) },
      drivers: Object.fromEntries([...(parts?.drivers ?? [])].map(([name, driver]) => [name, driver.status()])),
      sessions: parts?.gate.sessions().length ?? 0,
      counters: parts?.gate.counters() ?? {},
    };
  }

  metrics(): ReadonlyMap<string, number> {
    const status = this.status();
    const metrics = new Map<string, number>([
      ['gatehouse_ready', status.ready ? 1 : 0],
      ['gatehouse_start_time_seconds', status.startedAt / 1000],
      ['gatehouse_policy_revision', status.policy?.revision ?? -1],
      ['gatehouse_policy_activations_total', this.#activations],
      ['gatehouse_policy_activated_time_seconds', (this.#activatedAt ?? 0) / 1000],
      ['gatehouse_policy_observe', status.policy?.mode === 'observe' ? 1 : 0],
      ['gatehouse_journal_writable', status.journal.writable ? 1 : 0],
      ['gatehouse_clock_sure', status.clockSure ? 1 : 0],
      ['gatehouse_tool_sessions', status.sessions],
      ['gatehouse_resident_memory_bytes', process.memoryUsage.rss()],
    ]);
    for (const [name, value] of Object.entries(status.counters)) {
      metrics.set(`gatehouse_gate_${name}${/_(open|waiting)$/.test(name) ? '' : '_total'}`, value);
    }
    for (const [driver, { counters, lines }] of Object.entries(status.drivers)) {
      for (const [name, value] of Object.entries(counters)) {
        metrics.set(`gatehouse_driver_${name}_total{driver="${driver}"}`, value);
      }
      for (const line of lines) {
        metrics.set(`gatehouse_line_up{driver="${driver}",line="${line.name}"}`, line.state === 'down' ? 0 : 1);
      }
    }
    return metrics;
  }
}
