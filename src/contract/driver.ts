// What a protocol folder under drivers/ gives the daemon, and what it gets. A new protocol is one more of these.
// Life cycle: load → configuration parsed → compileAddresses for the policy in force → start → activate(index) for
// every later policy → stop. `activate` is synchronous: policy, inventory and addresses change in one tick.

import type { DocumentFault, Notice } from '../model/fault.ts';
import type { DriverName, TargetHandle } from '../model/ids.ts';
import type { Outcome } from '../model/journal-row.ts';
import type { InventoryView, PointValue } from '../model/point.ts';
import type { NonEmpty, Result } from '../model/result.ts';
import type { AlarmDriver } from './alarms.ts';
import type { Clock, Timers } from './clock.ts';
import type { DescribeFrame } from './described-frame.ts';
import type { FirmwareDriver } from './firmware.ts';
import type { Change, Gate, OldValue, Permit } from './gate.ts';
import type { Holds } from './holds.ts';
import type { InventoryDraft, InventoryImport, SurveyOrder } from './inventory-draft.ts';
import type { Log } from './log.ts';
import type { Shelf } from './shelf.ts';

/** A driver's own compiled addresses of one inventory; nobody else looks inside. */
export interface AddressIndex {
  readonly inventory: InventoryView;
}

export interface DriverServices {
  readonly gate: Gate;
  readonly log: Log;
  readonly clock: Clock;
  readonly timers: Timers;
  /** What outlives a restart; absent: nothing does. */
  readonly shelf?: Shelf;
}

export interface Listening {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly transport: 'tcp' | 'tls' | 'udp';
  /** Devices answer there: no tool is pointed at it. */
  readonly faces?: 'plant';
}

/** One way to the devices: a line, a host, a network. */
export interface LineHealth {
  readonly name: string;
  readonly state: 'up' | 'down' | 'unused';
  readonly why?: string;
}

export interface DriverStatus {
  readonly listening: readonly Listening[];
  readonly lines: readonly LineHealth[];
  /** What does not listen yet, and what it waits for, one line each; absent or empty: nothing. */
  readonly degraded?: readonly string[];
  /** Counters by stable name (`frames_in`, `changes_refused`), for /metrics. */
  readonly counters: { readonly [name: string]: number };
}

export type Reading =
  | { readonly target: TargetHandle; readonly ok: true; readonly value: PointValue; readonly at: number }
  | { readonly target: TargetHandle; readonly ok: false; readonly why: string };

export interface PointWrite {
  readonly target: TargetHandle;
  readonly value: PointValue;
  readonly priority?: number;
}

/** What became of a planned change, and what its points held afterwards. */
export interface Performed {
  readonly outcome: Outcome;
  /** Read in the lane turn of the write, each in the slot that was written; absent where nothing was carried out. */
  readonly readBack?: ReadonlyMap<TargetHandle, OldValue>;
  /** Nothing was sent: a point holds something else than it was said to. */
  readonly overtaken?: true;
}

/** Ends what `watch` began; more than once does nothing. */
export type Watch = () => void;

export interface RunningDriver {
  activate(index: AddressIndex): void;
  status(): DriverStatus;
  /** The devices of the policy in force on a line, or behind a listener. Absent: nobody can say. */
  behind?(what: 'line' | 'listener', name: string): readonly TargetHandle[];
  /** Reads points for the gateway itself (page, read-back); the caller has judged who may see them. */
  read(targets: readonly TargetHandle[]): Promise<readonly Reading[]>;
  /**
   * The command slots of a point, in the order of their priorities from 1; NULL where nobody commands. Absent for protocols
   * without priorities; `undefined` for a point without slots, or one that could not be read.
   */
  slots?(target: TargetHandle): Promise<readonly PointValue[] | undefined>;
  /**
   * Tells of a point whenever its device does, until the returned function is called. Absent for protocols in which devices
   * only answer; `undefined`: this one is to be read. `ended`: nothing more comes (the device is gone, the inventory is another).
   */
  watch?(target: TargetHandle, heard: (reading: Reading) => void, ended: () => void): Promise<Watch | undefined>;
  /** The change that would write these points of one device; the caller takes it to `gate.judge`. */
  plan(writes: NonEmpty<PointWrite>): Result<Change<unknown>, NonEmpty<DocumentFault>>;
  /**
   * Sends a planned change: lane, old values, redeem, send, read back, settle. Resolves with what became of it. With `holds`
   * only where those slots hold that still, read in the same lane turn: nobody's later value is written over.
   */
  perform(permit: Permit<unknown>, holds?: Holds): Promise<Performed>;
  /** Absent for protocols, or drivers, that update no firmware. */
  readonly firmware?: FirmwareDriver;
  /** Absent for protocols in which devices hold no alarms. */
  readonly alarms?: AlarmDriver;
  /** Asks the devices of a network who they are and what they hold, one request at a time each. A text says why not. */
  survey?(order: SurveyOrder): Promise<Result<InventoryDraft, string>>;
  /** The device a frame to the gateway is for, as its stations are known now; `undefined` where nobody can say. */
  addressee?(octets: Uint8Array): TargetHandle | undefined;
  /** Stops listening, answers what is in flight or lets it time out, closes every socket. */
  stop(): Promise<void>;
}

export interface DriverModule {
  readonly name: DriverName;
  /** A zod schema of the section under the driver's name in the site's configuration. */
  readonly configuration: unknown;
  /** Faults across a parsed section that a schema cannot say: one unit for two devices, two listeners on one port. */
  checkConfiguration(section: unknown): readonly DocumentFault[];
  /**
   * What the driver makes of a text that stands for one of its own stations and is no IP address: `undefined` where it is
   * one, else what it expects. Absent: peers of this driver have IP addresses alone.
   */
  checkStation?(section: unknown, text: string): string | undefined;
  /** Every address this driver owns, whole: faults name the place in the bundle. `pause` is awaited every few ms of work. */
  compileAddresses(
    inventory: InventoryView,
    pause: () => Promise<void>,
  ): Promise<Result<{ readonly index: AddressIndex; readonly notices: readonly Notice[] }, NonEmpty<DocumentFault>>>;
  /** Point lists of others that this driver can read, by the form's name (`ede`). */
  readonly imports?: { readonly [format: string]: InventoryImport };
  /** Takes a frame of this protocol apart for a person. */
  readonly describeFrame: DescribeFrame;
  /** Throws a `StartFault` that names the setting (a port in use, a serial line that is not there). */
  start(section: unknown, index: AddressIndex | undefined, services: DriverServices): Promise<RunningDriver>;
}

/** Something of the world hinders the start: shown as one line, exit code 1. */
export class StartFault extends Error {
  readonly code: string;
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
