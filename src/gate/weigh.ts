// The step "decide": every objection to a change, in a fixed order; the first one denies the whole change.
// Order: no-policy, stale-policy, unattributed, unknown-point, the policy's own reasons, out-of-scope of a narrowed session,
// unattributed of a proof that ended meanwhile, image-unverified, transfer-in-progress, out-of-limits, rate-limited, approval-required.
// Invariants: 1. every target or nothing; 2. observing or finishing a transfer turns soft objections only, and records them.

import type { Clock } from '../contract/clock.ts';
import type { Caller, Change } from '../contract/gate.ts';
import type { DenialReason, TargetVerdict } from '../model/decision.ts';
import type { PrincipalId, TargetId } from '../model/ids.ts';
import type { IntentRow } from '../model/journal-row.ts';
import type { InventoryView } from '../model/point.ts';
import { describeWho, REASON_TEXT, shownValue, whoIs } from './describe.ts';
import { outOfLimits } from './limits.ts';
import { type AskerKeys, askerOf, type PolicyInForce } from './policy-in-force.ts';
import { changesIn, type RateWindow } from './rate.ts';
import { deviceOf, type EffectGroup, type Intended, isChanging, resolve } from './resolve.ts';
import type { OpenSession } from './sessions.ts';
import type { Transfers } from './transfers.ts';

export interface WeighedPermit {
  readonly permitted: true;
  readonly intended: Intended;
  readonly verdicts: readonly TargetVerdict[];
  readonly by: IntentRow['by'];
  /** Who approved it, as far as the policy permits them the whole of it. */
  readonly approvedBy: readonly PrincipalId[];
  readonly wouldDeny?: DenialReason;
  /** ms since 1970. */
  readonly validUntil: number;
}

export interface WeighedDenial {
  readonly permitted: false;
  readonly intended: Intended;
  readonly verdicts: readonly TargetVerdict[];
  readonly reason: DenialReason;
  readonly target?: TargetId;
  readonly text: string;
}

export type Weighed = WeighedPermit | WeighedDenial;

interface Objection {
  readonly reason: DenialReason;
  readonly target?: TargetId | undefined;
  readonly text?: string;
}

/** What the kernel says of all groups of a change. */
interface PolicyAnswer {
  readonly verdicts: readonly TargetVerdict[];
  /** ms since 1970. */
  readonly validUntil: number;
  /** The most that any group asks, and the first target of that group. */
  readonly approvals: { readonly count: number; readonly target?: TargetId | undefined };
  readonly objection: Objection | undefined;
}

export interface Scales {
  weigh(caller: Caller, change: Change<unknown>): Weighed;
  /** How many other persons must approve; 0 also where it is denied anyway. */
  approvalsFor(caller: Caller, change: Change<unknown>): number;
  /** What may have changed although nobody's standing did: transfers and rates. */
  weighAgainLightly(
    caller: Caller,
    change: Change<unknown>,
    before: WeighedPermit,
    inventory: InventoryView,
  ): WeighedDenial | undefined;
  /** The end (ms since 1970) of observing; `undefined` where the signed policy enforces, its time has passed, or time is unsure. */
  observesUntil(policy: PolicyInForce): number | undefined;
}

interface ScalesServices {
  readonly clock: Clock;
  readonly rates: RateWindow;
  readonly transfers: Transfers;
  policy(): PolicyInForce | undefined;
  isNeverGated(caller: Caller, intended: Intended): boolean;
  session(id: NonNullable<Caller['session']>): OpenSession | undefined;
  /** Whether the proof a caller came with still stands: its session is open, its certificate still maps to it. */
  isProven(caller: Caller): boolean;
}

const HOUR_MS = 3_600_000;

/** What is forwarded in observe mode is never firmware, restart or life safety. */
const NEVER_OBSERVED: ReadonlySet<string> = new Set(['firmware.update', 'device.control', 'lifeSafety.operate']);

function canBeObserved(change: Change<unknown>, { effects }: Intended): boolean {
  return (
    change.rawImage !== true &&
    effects.every(
      ({ action, effect, point }) =>
        !NEVER_OBSERVED.has(action) &&
        point?.class !== 'firmware' &&
        (effect.priority === undefined || effect.priority > 2),
    )
  );
}

/** Where in the change's own order the verdict stands: the kernel follows each point with what it involves. */
function placeOf(verdicts: readonly TargetVerdict[], denied: TargetVerdict, { targets }: EffectGroup): number {
  let next = 0;
  for (const verdict of verdicts) {
    if (verdict.target === targets[next]) next += 1;
    if (verdict === denied) break;
  }
  return Math.max(0, next - 1);
}

export function createScales(services: ScalesServices): Scales {
  const { clock, rates, transfers } = services;

  function staleness(policy: PolicyInForce, { effects }: Intended): Objection | undefined {
    const { expiresAt, graceHours } = policy;
    const now = clock.now();
    if (expiresAt === undefined || now < expiresAt) return undefined;
    if (now < expiresAt + graceHours * HOUR_MS && effects.every(({ action }) => action === 'point.write'))
      return undefined;
    return { reason: 'stale-policy', text: `the policy expired at ${new Date(expiresAt).toISOString()}` };
  }

  function askPolicy(policy: PolicyInForce, caller: Pick<Caller, AskerKeys>, intended: Intended): PolicyAnswer {
    const asker = askerOf(caller, clock);
    const verdicts: TargetVerdict[] = [];
    let validUntil = Number.POSITIVE_INFINITY;
    let approvals: PolicyAnswer['approvals'] = { count: 0 };
    let objection: (Objection & { readonly at: number }) | undefined;
    for (const group of intended.groups) {
      const decision = policy.decide({
        ...asker,
        action: group.action,
        targets: group.targets,
        ...(group.priority !== undefined && { priority: group.priority }),
      });
      for (const verdict of decision.verdicts) verdicts.push(verdict);
      if (decision.decision === 'permit') {
        validUntil = Math.min(validUntil, decision.validUntil ?? validUntil);
        if (decision.approvals > approvals.count) approvals = { count: decision.approvals, target: group.targets[0] };
        continue;
      }
      const denied = decision.verdicts.find((verdict) => !verdict.permitted);
      const place = denied ? placeOf(decision.verdicts, denied, group) : 0;
      const at = intended.effects.findIndex(
        ({ id, action, effect }) =>
          id === group.targets[place] && action === group.action && effect.priority === group.priority,
      );
      if (objection && objection.at <= at) continue;
      const lacks = denied && !denied.permitted ? `: \`${denied.missing}\` on \`${denied.target}\`` : '';
      const lock = denied && !denied.permitted && denied.lock !== undefined ? ` (lock \`${denied.lock}\`)` : '';
      objection = {
        at,
        reason: decision.reason,
        target: decision.target,
        text: `${REASON_TEXT[decision.reason]}${lacks}${lock}`,
      };
    }
    return { verdicts, validUntil, approvals, objection };
  }

  /** Persons other than the caller whom the policy permits the whole change by themselves; what they would need approved is not asked. */
  function approversOf(policy: PolicyInForce, caller: Caller, change: Change<unknown>, intended: Intended) {
    const approvedBy = new Set<PrincipalId>();
    let validUntil = Number.POSITIVE_INFINITY;
    for (const approver of change.approvedBy ?? []) {
      const { principal } = approver;
      if (principal === caller.principal || policy.isApplication(principal)) continue;
      const answer = askPolicy(policy, approver, intended);
      if (answer.objection) continue;
      approvedBy.add(principal);
      validUntil = Math.min(validUntil, answer.validUntil);
    }
    return { approvedBy: [...approvedBy], validUntil };
  }

  function outsideSession(
    caller: Caller,
    inventory: InventoryView,
    verdicts: readonly TargetVerdict[],
  ): Objection | undefined {
    const devices = caller.session === undefined ? undefined : services.session(caller.session)?.deviceSet;
    if (!devices) return undefined;
    for (const { target } of verdicts) {
      const device = deviceOf(inventory, target);
      if (!device || !devices.has(device.id)) {
        return {
          reason: 'out-of-scope',
          target,
          text: `the tool session is for other devices than that of \`${target}\``,
        };
      }
    }
    return undefined;
  }

  function unverifiedImage(caller: Caller, change: Change<unknown>, { effects }: Intended): Objection | undefined {
    const byFrames = caller.channel === 'tool' || caller.channel === 'tls';
    for (const { action, device, id } of effects) {
      if (!change.rawImage && !(byFrames && action === 'firmware.update')) continue;
      if (device?.rawFirmware !== 'permit') return { reason: 'image-unverified', target: id };
    }
    return undefined;
  }

  function inTransfer(
    caller: Caller,
    change: Change<unknown>,
    intended: Intended,
    inventory: InventoryView,
  ): Objection | undefined {
    const busy = transfers.objection(caller, change, intended, inventory);
    return busy && { reason: 'transfer-in-progress', ...busy };
  }

  function beyondLimits({ effects }: Intended): Objection | undefined {
    for (const { effect, point, id } of effects) {
      if (!point) continue;
      if (effect.value === undefined) {
        if (effect.asks !== 'write' || !point.limits) continue;
        return {
          reason: 'out-of-limits',
          target: id,
          text: `the value for \`${id}\` is not known, and the point has limits`,
        };
      }
      const why = outOfLimits(effect.value, point.limits);
      if (why !== undefined) {
        return { reason: 'out-of-limits', target: id, text: `\`${shownValue(effect.value)}\` for \`${id}\`: ${why}` };
      }
    }
    return undefined;
  }

  function tooOften(intended: Intended): Objection | undefined {
    const over = changesIn(intended).find(({ point, rate, count }) => !rates.admits(point, rate, count));
    if (!over) return undefined;
    const { point, rate } = over;
    return { reason: 'rate-limited', target: point, text: `\`${point}\` may change \`${rate}\` times an hour` };
  }

  function observesUntil({ observeUntil }: PolicyInForce): number | undefined {
    return observeUntil !== undefined && clock.sure() && clock.now() < observeUntil ? observeUntil : undefined;
  }

  function deny(
    intended: Intended,
    verdicts: readonly TargetVerdict[],
    { reason, target, text }: Objection,
  ): WeighedDenial {
    return {
      permitted: false,
      intended,
      verdicts,
      reason,
      text: text ?? REASON_TEXT[reason],
      ...(target !== undefined && { target }),
    };
  }

  return {
    observesUntil,
    weigh(caller, change) {
      const policy = services.policy();
      const intended = resolve(change, policy?.inventory);
      if (services.isNeverGated(caller, intended)) {
        const validUntil = Number.POSITIVE_INFINITY;
        return { permitted: true, intended, verdicts: [], by: 'never-gated', approvedBy: [], validUntil };
      }
      if (!policy) return deny(intended, [], { reason: 'no-policy' });
      const stale = staleness(policy, intended);
      if (stale) return deny(intended, [], stale);
      const late = caller.until !== undefined && caller.until <= clock.now();
      if (late) return deny(intended, [], { reason: 'unattributed', text: 'it comes after the time it was asked for' });

      const observing = observesUntil(policy) !== undefined && canBeObserved(change, intended);
      let by: IntentRow['by'] = 'permit';
      let wouldDeny: DenialReason | undefined;
      /** Whether a soft objection is recorded instead of denying. */
      const passes = ({ reason }: Objection, finishes: boolean): boolean => {
        if (observing) by = 'observed';
        else if (!(finishes && transfers.mayFinish(caller, change, intended, policy.inventory))) return false;
        wouldDeny ??= reason;
        return true;
      };

      const unattributed: Objection | undefined =
        caller.principal === null && isChanging(intended)
          ? { reason: 'unattributed', text: unattributedText(caller) }
          : undefined;
      if (unattributed && !passes(unattributed, true)) return deny(intended, [], unattributed);
      const unknown = intended.unknown[0];
      if (unknown !== undefined) return deny(intended, [], { reason: 'unknown-point' });

      const answer = askPolicy(policy, caller, intended);
      const { verdicts } = answer;
      if (answer.objection && !passes(answer.objection, true)) return deny(intended, verdicts, answer.objection);
      const narrowed = outsideSession(caller, policy.inventory, verdicts);
      if (narrowed && !passes(narrowed, false)) return deny(intended, verdicts, narrowed);
      const unproven: Objection | undefined = services.isProven(caller)
        ? undefined
        : { reason: 'unattributed', text: unprovenText(caller) };
      if (unproven && !passes(unproven, true)) return deny(intended, verdicts, unproven);

      const hard = unverifiedImage(caller, change, intended) ?? inTransfer(caller, change, intended, policy.inventory);
      if (hard) return deny(intended, verdicts, hard);
      for (const objection of [beyondLimits(intended), tooOften(intended)]) {
        if (objection && !passes(objection, false)) return deny(intended, verdicts, objection);
      }
      // Last, so that nobody is asked to approve what would be denied all the same.
      const { count: needed, target } = answer.approvals;
      const approvers = approversOf(policy, caller, change, intended);
      const has = approvers.approvedBy.length;
      const unapproved: Objection | undefined =
        has < needed ? { reason: 'approval-required', target, text: approvalText(needed, has) } : undefined;
      if (unapproved && !passes(unapproved, true)) return deny(intended, verdicts, unapproved);
      const ends = [
        answer.validUntil,
        approvers.validUntil,
        caller.until ?? Number.POSITIVE_INFINITY,
        ...momentsOf(policy),
      ];
      return {
        permitted: true,
        intended,
        verdicts,
        by,
        approvedBy: approvers.approvedBy,
        ...(wouldDeny !== undefined && { wouldDeny }),
        validUntil: Math.min(...ends.filter((end) => end > clock.now())),
      };
    },
    approvalsFor(caller, change) {
      const policy = services.policy();
      const intended = resolve(change, policy?.inventory);
      if (!policy || services.isNeverGated(caller, intended)) return 0;
      const { objection, approvals } = askPolicy(policy, caller, intended);
      return objection ? 0 : approvals.count;
    },
    weighAgainLightly(caller, change, { intended, verdicts, by }, inventory) {
      const objection =
        inTransfer(caller, change, intended, inventory) ?? (by === 'observed' ? undefined : tooOften(intended));
      return objection && deny(intended, verdicts, objection);
    },
  };
}

/** When the policy as a whole begins to mean something else. */
function momentsOf({ expiresAt, graceHours, observeUntil }: PolicyInForce): number[] {
  return [
    ...(expiresAt === undefined ? [] : [expiresAt, expiresAt + graceHours * HOUR_MS]),
    ...(observeUntil === undefined ? [] : [observeUntil]),
  ];
}

function approvalText(needed: number, has: number): string {
  return `it needs the approval of \`${needed}\` other ${needed === 1 ? 'person' : 'persons'} with the same right, and has \`${has}\``;
}

function unprovenText(caller: Caller): string {
  if (caller.credential === undefined) return `the proof of ${describeWho(whoIs(caller))} stands no more`;
  return `the policy has withdrawn the ${caller.credential.kind} of \`${caller.principal}\` that it was started with`;
}

function unattributedText({ proof, peer }: Caller): string {
  return proof.kind === 'certificate'
    ? `no principal of the policy has the certificate \`${proof.subject}\``
    : `no tool session, certificate or application of the site stands for \`${peer}\``;
}
