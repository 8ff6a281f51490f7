// The engine as the differential check asks it: raw JSON in, a verdict of the reference's form out.

import type { DecisionRequest } from '../../src/model/decision.ts';
import { parseBundle } from '../../src/policy/bundle.ts';
import { compileInventory, compileRights, headerOf, snapshotOf } from '../../src/policy/compile.ts';
import { decide } from '../../src/policy/decide.ts';
import { type FastLock, withLocks } from '../../src/policy/lock.ts';
import type { RawBundle, RawFastLock } from './bundle.ts';
import type { ReferenceVerdict } from './evaluator.ts';

type Ask = (request: DecisionRequest) => ReferenceVerdict;

/** How the engine answers under this bundle; text where it refuses the bundle or throws on the way. */
export function engineFor(bundle: RawBundle, fastLocks: readonly RawFastLock[]): Ask | string {
  const parsed = parseBundle(bundle);
  if (!parsed.ok) return `refused ${JSON.stringify(parsed.fault)}`;
  try {
    const { document } = parsed.value;
    const inventory = compileInventory(document.organizations);
    const rights = compileRights(inventory, document);
    const snapshot = withLocks(snapshotOf(inventory, rights, headerOf(document)), fastLocks.map(read));
    return (request) => {
      const answer = decide(snapshot, request);
      if (answer.decision === 'permit') return { decision: 'permit', approvals: answer.approvals };
      const { reason, target } = answer;
      return target === undefined ? { decision: 'deny', reason } : { decision: 'deny', reason, target };
    };
  } catch (error) {
    return `threw ${String(error)}`;
  }
}

function read({ from, until, ...rest }: RawFastLock): FastLock {
  const end = until ? Date.parse(until) : Number.POSITIVE_INFINITY;
  return from ? { ...rest, from: Date.parse(from), until: end } : { ...rest, until: end };
}
