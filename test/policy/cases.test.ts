// Every worked decision and every bundle that must be refused, of the shared folder of cases, exactly.
// The folder is `../shared/cases` beside the repository, or `GATEHOUSE_CASES`; without it this file fails.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseBundle } from '../../src/policy/bundle.ts';
import { decide } from '../../src/policy/decide.ts';
import { snapshotFrom } from './scene.ts';

const folder = process.env.GATEHOUSE_CASES ?? join(import.meta.dirname, '../../../shared/cases');
const files = readdirSync(folder).filter((name) => name.endsWith('.json'));

interface RefusedRow {
  readonly title: string;
  readonly refused: boolean;
  readonly path?: string;
  readonly bundle: unknown;
}

interface DecisionRow {
  readonly principal: string | null;
  readonly action: string;
  readonly targets?: readonly string[];
  readonly channel?: string;
  readonly priority?: number;
  readonly identity?: { readonly organization: string; readonly groups: readonly string[]; readonly role?: string };
  /** Seconds since 1970. */
  readonly at: number;
  readonly decision: 'permit' | 'deny';
  readonly reason?: string;
  readonly target?: string;
  readonly note?: string;
}

interface DecisionCase {
  readonly title: string;
  readonly bundle: unknown;
  readonly requests: readonly DecisionRow[];
}

const load = (name: string): unknown => JSON.parse(readFileSync(join(folder, name), 'utf8'));

it('finds all clouds, the kernel and the refused bundles', () => {
  expect(files).toEqual(
    expect.arrayContaining([
      'abb-eliona.json',
      'avelon.json',
      'desigo-optic.json',
      'ecostruxure-it-expert.json',
      'kernel.json',
      'priva.json',
      'refused.json',
    ]),
  );
});

describe('bundles that must be refused', () => {
  for (const row of load('refused.json') as RefusedRow[]) {
    it(row.title, () => {
      const parsed = parseBundle(row.bundle);
      expect(parsed.ok).toBe(!row.refused);
      const paths = parsed.ok ? [''] : parsed.fault.map(({ path }) => path);
      expect(paths.some((path) => path.startsWith(row.path ?? ''))).toBe(true);
    });
  }
});

for (const file of files.filter((name) => name !== 'refused.json')) {
  describe(file, () => {
    for (const { title, bundle, requests } of load(file) as DecisionCase[]) {
      describe(title, () => {
        const snapshot = snapshotFrom(bundle);
        for (const [index, row] of requests.entries()) {
          it(`${index}: ${row.principal} ${row.action} ${(row.targets ?? []).join(' ')} ${row.note ?? ''}`, () => {
            const { principal, action, targets = [], channel, priority, identity, at } = row;
            const decision = decide(snapshot, {
              principal,
              action,
              targets,
              at: at * 1000,
              ...(channel === undefined ? {} : { channel }),
              ...(priority === undefined ? {} : { priority }),
              ...(identity === undefined ? {} : { identity }),
            });
            expect(decision.decision).toBe(row.decision);
            if (decision.decision === 'deny') {
              expect(decision.reason).toBe(row.reason);
              if (row.target !== undefined) expect(decision.target).toBe(row.target);
            }
          });
        }
      });
    }
  });
}
