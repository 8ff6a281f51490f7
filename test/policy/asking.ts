// What the rows of the decision tests are made of: questions, organizations in few words, and the answer as text.

import { describe, expect, it } from 'vitest';
import type { DecisionRequest } from '../../src/model/decision.ts';
import { decide } from '../../src/policy/decide.ts';
import type { PolicySnapshot } from '../../src/policy/rights.ts';
import { siteBundle, snapshotFrom } from './scene.ts';

type Asked = Partial<DecisionRequest> & Pick<DecisionRequest, 'principal' | 'action' | 'targets'>;

/** `permit`, or the reason with the denied target, where one was looked at. */
export function answer(snapshot: PolicySnapshot, asked: Asked): string {
  const decision = decide(snapshot, { at: 0, ...asked });
  if (decision.decision === 'permit') return 'permit';
  return decision.target === undefined ? decision.reason : `${decision.reason} ${decision.target}`;
}

interface Row {
  readonly says: string;
  readonly organization?: Record<string, unknown>;
  readonly document?: Record<string, unknown>;
  readonly ask: Asked;
  readonly is: string;
}

export const ben = (role: string, at: string, more: Record<string, unknown> = {}) => ({
  to: 'user:ben',
  role,
  at,
  ...more,
});
export const inline = (permissions: string[], at: string, more: Record<string, unknown> = {}) => ({
  to: 'user:ben',
  permissions,
  at,
  ...more,
});
export const write = (target: string, more: Partial<Asked> = {}): Asked => ({
  principal: 'ben',
  action: 'point.write',
  targets: [target],
  ...more,
});
export const ask = (action: string, targets: string[], more: Partial<Asked> = {}): Asked => ({
  principal: 'ben',
  action,
  targets,
  ...more,
});
export const role = (more: Record<string, unknown>) => ({
  id: 'r',
  name: 'R',
  permissions: ['point.write', 'point.read'],
  ...more,
});
export const provider = (more: Record<string, unknown> = {}) => ({ organization: 'acme', groups: [], ...more });
const second = (changes: Record<string, unknown>) => ({
  id: 'fm',
  name: 'FM',
  model: { siteAccess: 'all', roleHierarchy: 'flat', rolesPerUser: 'many' },
  locations: [{ id: 'fm', name: 'FM', kind: 'organization' }],
  roles: [{ id: 'tech', name: 'Tech', permissions: ['point.read'] }],
  ...changes,
});

export const withSecond = (acme: Record<string, unknown>, fm: Record<string, unknown>): Record<string, unknown> => ({
  ...siteBundle(acme),
  organizations: [...siteBundle(acme).organizations, second(fm)],
});

/** A test a row, under its title. */
export function testRows(sections: Record<string, readonly Row[]>): void {
  for (const [title, rows] of Object.entries(sections)) {
    describe(title, () => {
      for (const row of rows) {
        it(`${row.says} → ${row.is}`, () => {
          expect(answer(snapshotFrom(siteBundle(row.organization, row.document)), row.ask)).toBe(row.is);
        });
      }
    });
  }
}
