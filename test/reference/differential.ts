// The engine against the reference: many scenes, every answer compared, the distribution of reasons counted.
// A bundle that the engine refuses is a disagreement too: the generator makes valid ones only.

import fc from 'fast-check';
import type { DecisionRequest } from '../../src/model/decision.ts';
import type { RawBundle, RawFastLock } from './bundle.ts';
import { engineFor } from './engine.ts';
import { evaluate, type ReferenceVerdict } from './evaluator.ts';
import { scenes } from './generate.ts';
import { shrink } from './shrink.ts';

/** One question on which the two readings differ. `engine` is text where it refused the bundle or threw. */
interface Disagreement {
  readonly bundle: RawBundle;
  readonly fastLocks: readonly RawFastLock[];
  readonly request: DecisionRequest;
  readonly engine: ReferenceVerdict | string;
  readonly reference: ReferenceVerdict;
}

interface DifferentialRun {
  readonly policies: number;
  readonly requests: number;
  /** How often each reason occurred, and `permit`, and `permit, approved` for those that need approvals. */
  readonly distribution: ReadonlyMap<string, number>;
  /** The first disagreement, made small; absent where there is none. */
  readonly disagreement?: Disagreement;
}

const CHUNK = 250;

/**
 * Compares the engine with the reference on `policies` generated scenes with `requests` questions each, and stops at the
 * first disagreement. The same seed gives the same scenes. `onProgress` hears the number of policies done.
 */
export function runDifferential(
  options: { readonly policies: number; readonly requests: number; readonly seed: number },
  onProgress: (done: number) => void = () => undefined,
): DifferentialRun {
  const distribution = new Map<string, number>();
  let asked = 0;
  for (let done = 0; done < options.policies; done += CHUNK) {
    const numRuns = Math.min(CHUNK, options.policies - done);
    for (const scene of fc.sample(scenes(options.requests), { numRuns, seed: options.seed + done })) {
      const engine = engineFor(scene.bundle, scene.fastLocks);
      for (const request of scene.requests) {
        const reference = evaluate(scene.bundle, request, scene.fastLocks);
        const key = keyOf(reference);
        distribution.set(key, (distribution.get(key) ?? 0) + 1);
        asked += 1;
        if (typeof engine !== 'string' && same(ask(engine, request), reference)) continue;
        const disagreement = smallest({ bundle: scene.bundle, fastLocks: scene.fastLocks, request });
        return { policies: done, requests: asked, distribution, disagreement };
      }
    }
    onProgress(done + numRuns);
  }
  return { policies: options.policies, requests: asked, distribution };
}

/** The distribution, one reason a line, most frequent first. */
export function describeDistribution(run: DifferentialRun): string {
  const rows = [...run.distribution].sort((a, b) => b[1] - a[1]);
  const lines = rows.map(([reason, count]) => `${reason.padEnd(20)} ${String(count).padStart(9)}`);
  return [`${run.policies} policies, ${run.requests} requests`, ...lines].join('\n');
}

/** A counterexample as text that can be read and pasted. */
export function describeDisagreement(found: Disagreement): string {
  const { bundle, fastLocks, request, engine, reference } = found;
  const show = (value: unknown): string => JSON.stringify(value);
  return [
    `engine:     ${typeof engine === 'string' ? engine : show(engine)}`,
    `reference:  ${show(reference)}`,
    `request:    ${show(request)}`,
    `fast locks: ${show(fastLocks)}`,
    `bundle:     ${show(bundle)}`,
  ].join('\n');
}

function keyOf(verdict: ReferenceVerdict): string {
  if (verdict.decision === 'deny') return verdict.reason;
  return verdict.approvals === 0 ? 'permit' : 'permit, approved';
}

type Question = Pick<Disagreement, 'bundle' | 'fastLocks' | 'request'>;

function ask(
  engine: (request: DecisionRequest) => ReferenceVerdict,
  request: DecisionRequest,
): ReferenceVerdict | string {
  try {
    return engine(request);
  } catch (error) {
    return `threw ${String(error)}`;
  }
}

function same(engine: ReferenceVerdict | string, reference: ReferenceVerdict): boolean {
  if (typeof engine === 'string') return false;
  if (engine.decision === 'permit') return reference.decision === 'permit' && engine.approvals === reference.approvals;
  if (reference.decision === 'permit') return false;
  return engine.reason === reference.reason && engine.target === reference.target;
}

function answers({ bundle, fastLocks, request }: Question): Disagreement {
  const engine = engineFor(bundle, fastLocks);
  const answer = typeof engine === 'string' ? engine : ask(engine, request);
  return { bundle, fastLocks, request, engine: answer, reference: evaluate(bundle, request, fastLocks) };
}

/** Taking something away must leave a bundle that is accepted, unless being refused is what was found. */
function smallest(question: Question): Disagreement {
  const refusal = engineFor(question.bundle, question.fastLocks);
  if (typeof refusal === 'string') return answers(question);
  const small = shrink(question, (candidate) => {
    try {
      if (!isWhole(candidate.request)) return false;
      const engine = engineFor(candidate.bundle, candidate.fastLocks);
      if (typeof engine === 'string') return false;
      const found = answers(candidate);
      return !same(found.engine, found.reference);
    } catch {
      return false;
    }
  });
  return answers(small);
}

/** Whether nothing that a request must have was taken away. */
function isWhole({ principal, action, targets, at }: Partial<DecisionRequest>): boolean {
  return principal !== undefined && action !== undefined && targets !== undefined && at !== undefined;
}
