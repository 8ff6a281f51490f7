// What a new policy would have changed: the last recorded writes, asked again under what is in force and under what is to be.

import type { BundleJson } from './bundle-parts.ts';
import { type DecisionAnswer, type DecisionQuestion, decideAll } from './gatehouse-program.ts';
import type { UploadedRow } from './journal-chain.ts';

interface ChangedDecision {
  /** Of the journal. */
  readonly number: number;
  readonly at: string;
  readonly principal: string | null;
  readonly action: string;
  readonly targets: readonly string[];
  readonly before: string;
  readonly after: string;
}

export interface WhatIf {
  /** Recorded writes that were asked again. */
  readonly judged: number;
  readonly changed: readonly ChangedDecision[];
}

interface Effect {
  readonly target: string;
  readonly action: string;
  readonly priority?: number;
}

interface Asked {
  readonly number: number;
  readonly question: DecisionQuestion;
  /** What the gateway did, where nothing is known of the policy it had. */
  readonly recorded: DecisionAnswer;
}

/** A row is one question for each action and priority in it: all of it had to be permitted. */
function questionsOf({ number, row }: UploadedRow): readonly Asked[] {
  if (row.kind !== 'intent' && row.kind !== 'refusal') return [];
  const who = row.who as { principal?: string | null; channel?: string } | undefined;
  const principal = who?.principal ?? null;
  const groups = new Map<string, Effect[]>();
  for (const effect of (row.effects ?? []) as readonly Effect[]) {
    const key = `${effect.action} ${effect.priority ?? ''}`;
    groups.set(key, [...(groups.get(key) ?? []), effect]);
  }
  const recorded: DecisionAnswer =
    row.kind === 'intent' ? { decision: 'permit' } : { decision: 'deny', reason: String(row.reason) };
  return [...groups.values()].map((effects) => {
    const [{ action, priority } = { action: '' }] = effects;
    return {
      number,
      recorded,
      question: {
        principal,
        action,
        targets: [...new Set(effects.map(({ target }) => target))],
        at: new Date(Number(row.at)).toISOString(),
        ...(who?.channel === undefined ? {} : { channel: who.channel }),
        ...(priority === undefined ? {} : { priority }),
      },
    };
  });
}

const said = ({ decision, reason }: DecisionAnswer): string => (decision === 'permit' ? 'permit' : `deny ${reason}`);

/** Rows in order; `before` is undefined where the console does not know what is in force. */
export async function whatWouldChange(
  rows: readonly UploadedRow[],
  before: BundleJson | undefined,
  after: BundleJson,
): Promise<WhatIf> {
  const asked = rows.flatMap(questionsOf);
  const questions = asked.map(({ question }) => question);
  const now = before ? await decideAll(before, questions) : asked.map(({ recorded }) => recorded);
  const then = await decideAll(after, questions);
  const changed = asked.flatMap(({ number, question }, index): ChangedDecision[] => {
    const [left, right] = [now[index], then[index]];
    if (!left || !right || left.decision === right.decision) return [];
    const { at, principal, action, targets } = question;
    return [{ number, at, principal, action, targets, before: said(left), after: said(right) }];
  });
  return { judged: new Set(asked.map(({ number }) => number)).size, changed };
}

export function describeChanged({ number, principal, action, targets, before, after }: ChangedDecision): string {
  return `row ${number}: ${principal ?? 'nobody known'} ${action} ${targets.join(', ')}: ${before} → ${after}`;
}
