// What the daemon hands to the page and the API, and what it gets. This room is one more caller of the gate.

import type { Clock, Timers } from '../contract/clock.ts';
import type { LineHealth, Listening, RunningDriver } from '../contract/driver.ts';
import type { Caller, Gate, UndoGate } from '../contract/gate.ts';
import type { Images } from '../contract/images.ts';
import type { Jobs } from '../contract/jobs.ts';
import type { Journal, JournalReader } from '../contract/journal.ts';
import type { Log } from '../contract/log.ts';
import type { Shelf } from '../contract/shelf.ts';
import type { SessionClaim, SessionRefusal, ToolSession, Transfer } from '../contract/tool-session.ts';
import type { Overrides, Writer } from '../contract/work.ts';
import type { SessionId, TargetId } from '../model/ids.ts';
import type { Who } from '../model/journal-row.ts';
import type { Result } from '../model/result.ts';
import type { PolicySnapshot } from '../policy/rights.ts';
import type { ConnectionBounds } from './connections.ts';
import type { TlsFiles } from './tls-files.ts';

/** The part of the gate this room drives. */
interface HttpGate extends Gate, UndoGate {
  policy(): PolicySnapshot | undefined;
  openSession(claim: SessionClaim): Promise<Result<ToolSession, SessionRefusal>>;
  endSession(id: SessionId, by: Who, why: string): boolean;
  sessions(): readonly ToolSession[];
  transfers(): readonly Transfer[];
  /** In the name of who has `device.control` there; a job does not go on with a device that was ended. */
  endTransfer(caller: Caller, device: TargetId, why: string): Result<Transfer, string>;
}

export interface Remark {
  readonly text: string;
  /** `gateway`: it names nothing of the site. `site`: it may name anything there. Else the device or point it names. */
  readonly about: 'gateway' | 'site' | { readonly target: string };
}

/** How the gateway stands, as the administrators' page shows it. */
export interface GatewayStanding {
  readonly gateway: string;
  readonly version: string;
  readonly startedAt: number;
  readonly now: number;
  readonly clockSure: boolean;
  readonly ready: boolean;
  /** What keeps the gateway from being ready or whole, one line each; loud things (observe mode, never gated) too. */
  readonly remarks: readonly Remark[];
  readonly policy:
    | {
        readonly revision: number;
        readonly mode: 'enforce' | 'observe';
        readonly observeUntil?: number;
        readonly expiresAt?: number;
        readonly devices: number;
        readonly points: number;
      }
    | undefined;
  readonly journal: { readonly writable: boolean; readonly why?: string };
  readonly cloud: { readonly state: string } | undefined;
  readonly drivers: {
    readonly [name: string]: { readonly listening: readonly Listening[]; readonly lines: readonly LineHealth[] };
  };
}

export interface ProviderSettings {
  readonly issuer: string;
  /** Absent: a public client, PKCE alone. */
  readonly clientSecret?: string;
  readonly groupsClaim: string;
  readonly roleClaim: string;
  readonly scope: string;
}

export interface HttpSettings extends TlsFiles {
  readonly address: string;
  /** 0 = chosen by the system. */
  readonly port: number;
  /** `https://gateway.example`, where people reach it; absent = what the browser says in `Host`. */
  readonly origin?: string;
  readonly providers: readonly ProviderSettings[];
  /** Default 30 min. */
  readonly idleMs?: number;
  /** Default 12 h. */
  readonly longestMs?: number;
  /** How often subscribed points are read. Default 2 s. */
  readonly pollMs?: number;
  /** How often every point is read for its trend; 0 = never. Default 60 s. */
  readonly sampleMs?: number;
  /** How often command slots are looked at for overrides from elsewhere; 0 = never. Default 5 min. */
  readonly lookMs?: number;
  readonly mostStreams?: number;
  /** Within which hands are shaken and a request has arrived whole. Default 10 s. */
  readonly requestMs?: number;
  readonly connections?: ConnectionBounds;
}

export interface HttpOptions {
  readonly gate: HttpGate;
  readonly journal: Pick<Journal, 'append' | 'note'>;
  readonly reader: JournalReader;
  readonly shelf: Shelf;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
  readonly drivers: ReadonlyMap<string, RunningDriver>;
  readonly writer: Writer;
  readonly overrides: Overrides;
  readonly jobs: Jobs;
  readonly images: Images;
  readonly settings: HttpSettings;
  /** Folder of the built page; absent = the API alone. */
  readonly pages?: string;
  standing(): GatewayStanding;
}

export interface RunningHttp {
  /** Throws an `AddressMissing`, or a `StartFault` `http-port`; then it may be called again. */
  listen(): Promise<Listening>;
  /**
   * These are in force from now on, false where they were before; streams and connections of certificates they withdraw are ended.
   * @throws where they cannot be used; the old ones stay in force
   */
  renew(files: TlsFiles): boolean;
  stop(): Promise<void>;
}
