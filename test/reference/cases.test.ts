// The reference evaluator answers every worked decision of the clouds exactly as the case says.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { DecisionRequest } from '../../src/model/decision.ts';
import type { RawBundle } from './bundle.ts';
import { evaluate } from './evaluator.ts';

interface WorkedRequest extends DecisionRequest {
  readonly decision: 'permit' | 'deny';
  readonly reason?: string;
  readonly target?: string;
}
interface WorkedCase {
  readonly title: string;
  readonly bundle: RawBundle;
  readonly requests: readonly WorkedRequest[];
}

const CASES = join(import.meta.dirname, '../../../shared/cases');
const files = readdirSync(CASES).filter((file) => file.endsWith('.json') && file !== 'refused.json');

test('the cases are there', () => {
  expect(files.length).toBeGreaterThanOrEqual(6);
});

describe.each(files)('%s', (file) => {
  const cases = JSON.parse(readFileSync(join(CASES, file), 'utf8')) as readonly WorkedCase[];
  test.each(cases)('$title', ({ bundle, requests }) => {
    expect(requests.length).toBeGreaterThan(0);
    for (const row of requests) {
      const verdict = evaluate(bundle, { ...row, at: row.at * 1000 });
      const { decision, reason, target } = row;
      expect(verdict, JSON.stringify(row)).toMatchObject({
        decision,
        ...(reason === undefined ? {} : { reason }),
        ...(target === undefined ? {} : { target }),
      });
    }
  });
});
