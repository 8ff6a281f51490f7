// The same answer with its reasons: for every target every lock, every grant and how far it came, and whom to ask.
// Slow on purpose: it looks at everything; nothing here decides.

import type { Decision, DecisionRequest, TargetVerdict } from '../model/decision.ts';
import type { TargetHandle } from '../model/ids.ts';
import { type AskWhom, askWhom } from './ask-whom.ts';
import { checksFor, circumstancesOf, decide } from './decide.ts';
import { holderFor, mayConcern } from './holder.ts';
import { binds } from './lock.ts';
import { fastLocksIn, type Holder, type OrganizationRights, ownerOf, type PolicySnapshot } from './rights.ts';
import type { KnownAction } from './vocabulary.ts';
import { approvalsBy, type Circumstances, isLive, PERMITS, STAGES, stageOf } from './weigh.ts';

interface ExplainedLock {
  readonly id: string;
  readonly why: string;
  readonly matches: boolean;
}

interface ExplainedGrant {
  /** As in verdicts. */
  readonly grant: string;
  /** Where it stands in the bundle; absent for what an identity provider gave. */
  readonly path?: string;
  /** `permits`, or the reason where it stopped; `not-in-force` where its time, its link or the narrowing to a role keeps it out. */
  readonly came: (typeof STAGES)[number] | 'permits' | 'not-in-force';
  /** How many other persons must approve what it permits; absent = none. */
  readonly approvals?: number;
}

/** One thing that has to be permitted: the action, or what it needs as well. */
interface ExplainedCheck {
  readonly action: string;
  readonly grants: readonly ExplainedGrant[];
}

interface ExplainedTarget {
  readonly verdict: TargetVerdict;
  readonly name?: string;
  readonly organization?: string;
  readonly locks: readonly ExplainedLock[];
  readonly checks: readonly ExplainedCheck[];
  /** For denied targets. */
  readonly askWhom?: AskWhom;
}

export interface Explanation {
  readonly decision: Decision;
  readonly action: string;
  /** `null` is a peer without an identity. */
  readonly principal: string | null;
  readonly targets: readonly ExplainedTarget[];
  /** Where the request was denied before a target was looked at. */
  readonly askWhom?: AskWhom;
}

/** The decision and everything that was considered on the way. */
export function explain(snapshot: PolicySnapshot, request: DecisionRequest): Explanation {
  const decision = decide(snapshot, request);
  const holder = holderFor(snapshot.rights, request.principal, request.identity);
  const targets =
    typeof holder === 'string'
      ? []
      : decision.verdicts.map((verdict) => explainTarget(snapshot, holder, request, verdict));
  return {
    decision,
    action: request.action,
    principal: request.principal,
    targets,
    ...(decision.verdicts.length === 0 ? { askWhom: askWhom(snapshot, request, undefined) } : {}),
  };
}

function explainTarget(
  snapshot: PolicySnapshot,
  holder: Holder,
  request: DecisionRequest,
  verdict: TargetVerdict,
): ExplainedTarget {
  const { rights, inventory } = snapshot;
  const whom = verdict.permitted ? {} : { askWhom: askWhom(snapshot, request, verdict.target) };
  const handle = inventory.find(verdict.target);
  if (handle === undefined) return { verdict, locks: [], checks: [], ...whom };
  const organization = ownerOf(rights, handle);
  const circumstances = circumstancesOf(organization, holder.in(organization), request);
  const action = organization.words.action(request.action);
  const checks = action === undefined ? [] : checksFor(organization, action, request);
  return {
    verdict,
    name: inventory.nameOf(handle),
    organization: organization.id,
    locks: explainLocks(snapshot, circumstances, holder.id, request.action, handle),
    checks: checks.map((check) => explainCheck(snapshot, circumstances, check, handle)),
    ...whom,
  };
}

function explainLocks(
  snapshot: PolicySnapshot,
  circumstances: Circumstances,
  principal: string | undefined,
  action: string,
  handle: TargetHandle,
): ExplainedLock[] {
  const { organization, holding } = circumstances;
  return [...organization.locks, ...fastLocksIn(snapshot, organization)].map((lock) => ({
    id: lock.id,
    why: lock.why,
    matches: mayConcern(lock, principal, holding.groups, holding.grants) && binds(lock, circumstances, action, handle),
  }));
}

function explainCheck(
  { inventory }: PolicySnapshot,
  circumstances: Circumstances,
  check: KnownAction,
  handle: TargetHandle,
): ExplainedCheck {
  const { organization, holding, onlyRole } = circumstances;
  return {
    action: check.name,
    grants: holding.grants.map((held) => {
      const counts = (onlyRole === undefined || held.grant.role === onlyRole) && isLive(circumstances, held);
      const stage = stageOf(circumstances, inventory, check, handle, held);
      const approvals = approvalsBy(held.grant, check);
      return {
        grant: held.grant.label,
        ...pathOf(organization, held.grant.index),
        came: counts ? (STAGES[stage] ?? 'permits') : 'not-in-force',
        ...(counts && stage === PERMITS && approvals > 0 && { approvals }),
      };
    }),
  };
}

function pathOf({ index }: OrganizationRights, place: number): { path?: string } {
  return place < 0 ? {} : { path: `organizations.${index}.grants.${place}` };
}

/** The explanation as lines of text for a person. */
export function formatExplanation({ decision, action, principal, targets, askWhom: whom }: Explanation): string {
  const who = principal === null ? 'anyone' : `\`${principal}\``;
  const outcome = decision.decision === 'permit' ? `permit${inWords(decision.approvals)}` : `deny: ${decision.reason}`;
  const lines = [`${who} \`${action}\` under revision ${decision.revision}: ${outcome}`];
  for (const target of targets) lines.push(...formatTarget(target));
  if (whom !== undefined) lines.push(`  ${formatWhom(whom)}`);
  return lines.join('\n');
}

function inWords(approvals = 0): string {
  if (approvals === 0) return '';
  return approvals === 1 ? ', needs 1 approval' : `, needs ${approvals} approvals`;
}

function formatTarget({ verdict, name, locks, checks, askWhom: whom }: ExplainedTarget): string[] {
  const outcome = verdict.permitted ? `permit by ${verdict.grant}` : `deny: ${verdict.reason} (\`${verdict.missing}\`)`;
  const lines = [`  \`${verdict.target}\`${name === undefined ? '' : ` ${name}`}: ${outcome}`];
  for (const lock of locks)
    lines.push(`    lock ${lock.id} (${lock.why}): ${lock.matches ? 'matches' : 'does not match'}`);
  for (const check of checks) {
    lines.push(`    ${check.action}: ${check.grants.length === 0 ? 'no grant' : ''}`.trimEnd());
    for (const { grant, path, came, approvals } of check.grants) {
      lines.push(`      ${grant}${path === undefined ? '' : ` (${path})`}: ${came}${inWords(approvals)}`);
    }
  }
  if (whom !== undefined) lines.push(`    ${formatWhom(whom)}`);
  return lines;
}

function formatWhom({ people, count, withheld }: AskWhom): string {
  if (count === 0) return 'nobody could';
  if (withheld) return 'somebody could: names are not shown to you';
  return `could: ${people.map(({ id, name }) => `${name} (\`${id}\`)`).join(', ')}`;
}
