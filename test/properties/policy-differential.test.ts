// The engine decides exactly as the naive reading of POLICY.md does: decision, reason and first denied target.

import { expect, test } from 'vitest';
import { POLICY_REASONS } from '../../src/model/decision.ts';
import { describeDisagreement, describeDistribution, runDifferential } from '../reference/differential.ts';

test('engine and reference agree, and every reason occurs in hundreds', () => {
  const run = runDifferential({ policies: 2_000, requests: 24, seed: 20_261_122 });
  console.log(describeDistribution(run));
  expect(run.disagreement && describeDisagreement(run.disagreement)).toBeUndefined();
  for (const reason of POLICY_REASONS) {
    expect(run.distribution.get(reason), reason).toBeGreaterThanOrEqual(200);
  }
  expect(run.distribution.get('permit')).toBeGreaterThanOrEqual(200);
});
