// The door as everybody outside sees it. Whoever wants a change asks `judge`, and the only way on is to redeem the
// Permit it gives, at the head of the device's lane, right before the first byte.
// Invariants: 1. no Permit, no forward; 2. every target or nothing; 3. no durable intent row, no redemption;
// 4. a Permit is redeemed once and hands back the very change that was judged.

import type { ActionName, Channel } from '../model/action.ts';
import type { DenialReason, ProviderIdentity, TargetVerdict } from '../model/decision.ts';
import type {
  DecisionId,
  DriverName,
  PolicyRevision,
  PrincipalId,
  SessionId,
  TargetHandle,
  TargetId,
} from '../model/ids.ts';
import type { Credential, IntentRow, Outcome, Proof, RecordedFirmware } from '../model/journal-row.ts';
import type { PointValue } from '../model/point.ts';
import type { NonEmpty, Result } from '../model/result.ts';

/** A certificate that the listener has already verified against the site's CA and its revocation list. */
export interface PeerCertificate {
  /** RFC 4514 text, most specific first: `CN=anna,O=Acme`. */
  readonly subject: string;
  /** SHA-256 of the DER, lower-case hex. */
  readonly fingerprint: string;
  /** Role extension 1.3.6.1.4.1.50316.802.1; absent = NULL role. */
  readonly role?: string;
}

/** The other end of a conversation, as the socket says it: never what the peer claims. */
export interface Peer {
  readonly driver: DriverName;
  /** Name of the listener in the site's configuration. */
  readonly listener: string;
  readonly address: string;
  readonly port: number;
  readonly certificate?: PeerCertificate;
}

/** Who asks, by which proof. Frames get one by `callerOf`; the page, commands and jobs bring their own. */
export interface Caller {
  readonly principal: PrincipalId | null;
  readonly channel: Channel;
  readonly proof: Proof;
  /** What a job was started with: once the policy has withdrawn it, nothing is judged in this name any more. */
  readonly credential?: Credential;
  /** For the record and for folding refusals: `address:port`, a socket's path, `mqtt`. */
  readonly from: string;
  /** Folding key of the peer: the address without its port. */
  readonly peer: string;
  readonly driver?: DriverName;
  readonly identity?: ProviderIdentity;
  readonly narrowToRole?: string;
  readonly session?: SessionId;
  /** ms since 1970, exclusive: from then on nothing is judged in its name any more, whatever is under way. */
  readonly until?: number;
  /** Of this caller the site says: always forwarded, recorded. */
  readonly neverGated?: true;
}

/** A second person, as the decision needs one. */
export interface Approver {
  readonly principal: PrincipalId;
  readonly channel: Channel;
  readonly identity?: ProviderIdentity;
}

/** What a change would do to one target. */
export interface Effect {
  /** A point, or a device where the thing has no point of its own. */
  readonly target: TargetHandle;
  /** `write`: the action follows from the point's class; else the action it asks, whatever the class. */
  readonly asks: 'write' | ActionName;
  /** The engineering value, judged against the point's limits; absent where there is none (a restart). */
  readonly value?: PointValue;
  /** BACnet priority. */
  readonly priority?: number;
}

/** A decoded change: the driver's own immutable value and what it would do. An empty list of effects cannot be written. */
export interface Change<C> {
  readonly what: C;
  /** The standard's word, for the record: `writeMultipleRegisters`. */
  readonly operation: string;
  readonly effects: NonEmpty<Effect>;
  /** Same text = same bytes to the same slots of the same device: what a standing intent goes by. Absent = never standing. */
  readonly sameness?: string;
  /** A frame of a multi-frame transfer to this device (firmware, file): binds it to one principal. */
  readonly transfer?: { readonly device: TargetHandle; readonly ends: boolean };
  /** Restart, clock, firmware, life safety … carry their own actions in `effects`; `raw` marks firmware that comes as frames. */
  readonly rawImage?: true;
  /** Drops what an earlier step of the job staged, or brings the former image back: what undoes asks nothing new. */
  readonly reverts?: true;
  /** The job it is a step of; a device that a job holds takes its steps and nobody else's transfers. */
  readonly job?: string;
  /** For the record. */
  readonly firmware?: RecordedFirmware;
  /** Who has approved it besides the caller; each is judged for the whole change too. */
  readonly approvedBy?: readonly Approver[];
}

/** Refused. Everything the protocol's refusal, the page and the journal need. */
export interface Denial {
  readonly decisionId: DecisionId;
  readonly reason: DenialReason;
  /** The first refused target, where one can be named. */
  readonly target?: TargetId;
  readonly verdicts: readonly TargetVerdict[];
  readonly revision?: PolicyRevision;
  readonly text: string;
}

declare const permitBrand: unique symbol;

/** Cannot be made outside the gate: the brand is not exported. Worth one redemption. */
export interface Permit<C> {
  readonly [permitBrand]: C;
  readonly decisionId: DecisionId;
  /** The points whose old value is to be read in the same lane turn, before redeeming. */
  readonly readFirst: readonly TargetHandle[];
  /** What was judged: the slots that would be written. */
  readonly effects: NonEmpty<Effect>;
  /** The devices the change touches, those of `involves` included, each once. */
  readonly involves: NonEmpty<TargetHandle>;
}

export type Judgement<C> =
  | { readonly permitted: true; readonly permit: Permit<C> }
  | { readonly permitted: false; readonly denial: Denial };

/** What a point, or one slot of it, was read to hold. */
export type OldValue = { readonly value: PointValue } | { readonly unknown: string };

export type Redemption<C> =
  | { readonly redeemed: true; readonly change: C }
  | { readonly redeemed: false; readonly denial: Denial };

/** A view of what a caller may read; valid for the current tick only, so take a new one for every frame. */
export interface Reader {
  permits(target: TargetHandle): boolean;
}

/** A frame that is refused without asking the policy: not understood, refused by table, or broken. */
interface Refusal {
  readonly operation: string;
  readonly reason: DenialReason;
  readonly target?: TargetHandle;
  /** One line: what was got and what was expected, or what was answered. */
  readonly detail: string;
}

export interface Gate {
  /** The strongest proof at hand decides (PROTOCOLS.md, "Who is it?"). Never fails: nobody known is `anyone`. */
  callerOf(peer: Peer): Caller;
  reader(caller: Caller, action: 'point.read' | 'alarm.view' | 'device.view' | 'trend.view'): Reader;
  /** Counts reads that were refused; not journaled one by one. */
  countDeniedReads(caller: Caller, count: number): void;
  /** Resolve, decide and issue in one go. A denial is already recorded when it is returned. */
  judge<C>(caller: Caller, change: Change<C>): Judgement<C>;
  /**
   * At the head of the device's lane: judges again if the stamp changed or the permit is older than 2 s, makes the intent
   * durable, and hands the change back. After `redeemed: false` nothing may be sent; it is recorded already.
   * The send must follow in the same tick.
   */
  redeem<C>(permit: Permit<C>, old: ReadonlyMap<TargetHandle, OldValue>): Promise<Redemption<C>>;
  /** What became of a redeemed change: exactly one call for each redemption. */
  settle(permit: Permit<unknown>, outcome: Outcome, readBack?: ReadonlyMap<TargetHandle, PointValue>): void;
  /** A permit that will not be redeemed (the device is gone, the lane is full): recorded as `not-sent`. */
  abandon(permit: Permit<unknown>, why: string): void;
  refuse(caller: Caller, refusal: Refusal): DecisionId;
  /** Called after every swap of policy, locks or sessions, so that open connections are looked at again. */
  onStanding(listener: () => void): () => void;
  /** False once a peer's certificate maps to nobody, or its principal is disabled or locked: close its sockets. */
  admits(peer: Peer): boolean;
}

/** What became of a change that came as a frame of somebody's tool, slot by slot. */
export interface SentFrame {
  readonly decision: DecisionId;
  readonly outcome: Outcome;
  /** `value` absent: nobody can read it, or it has none. */
  readonly effects: readonly { readonly target: string; readonly value?: PointValue; readonly priority?: number }[];
}

/** What the gateway itself does on: to look before anybody writes, and to put back what was permitted. */
export interface UndoGate {
  /** Called in the lane turn of every frame that was redeemed, once its outcome is known. Must not throw. */
  onFrame(listener: (frame: SentFrame) => void): () => void;
  /** The same judgement without a permit and without a record; `undefined` = it would be permitted now. */
  preview(caller: Caller, change: Change<unknown>): Omit<Denial, 'decisionId'> | undefined;
  /**
   * A permit to release or put back what `permit` changed, whoever has been revoked or locked since: only those targets,
   * with NULL or the old value that was recorded, or, where the change says that it `reverts`, by the same actions and without
   * values. Its rows may use the journal's reserve.
   */
  undoPermit<C>(permit: Permit<unknown>, change: Change<C>): Judgement<C>;
  /** The same after a restart, from the intent row as the journal holds it. */
  undoRecorded<C>(intent: IntentRow, change: Change<C>): Judgement<C>;
}

/** What work on several devices asks of the door besides. */
export interface JobGate {
  /**
   * Binds a device to a job until it is released: firmware, configuration and restart of it by anybody else wait, the starter's
   * own tool included; reads, set points and releases go on. A text says who holds it already. Whoever has `device.control` there
   * may end it: then `onStanding` tells, and the job's changes are denied `transfer-in-progress` until it holds the device anew.
   */
  holdDevice(caller: Caller, device: TargetHandle, job: string): Result<void, string>;
  /** Also where somebody ended it; more than once does nothing. */
  releaseDevice(device: TargetId, job: string, why: string): void;
  /** How many other persons must approve this change of this caller; 0 = none, also where it is denied. */
  approvalsFor(caller: Caller, change: Change<unknown>): number;
  /** Whether an approval of theirs could ever count: a person's; applications do not approve. */
  mayApprove(caller: Caller): boolean;
}
