// How many other persons must approve: over the targets and what is checked there the most, of the permitting grants the fewest.

import { describe, expect, it } from 'vitest';
import { explainReply } from '../../src/daemon/explain-reply.ts';
import type { DecisionRequest } from '../../src/model/decision.ts';
import { decide } from '../../src/policy/decide.ts';
import { explain, formatExplanation } from '../../src/policy/explain.ts';
import { ask, ben, inline, role, write } from './asking.ts';
import { siteBundle, snapshotFrom } from './scene.ts';

const four = (approvals: object, more: Record<string, unknown> = {}) =>
  role({ permissions: ['point.write', 'point.read', 'device.view', 'lifeSafety.operate'], approvals, ...more });

function approvalsOf(organization: Record<string, unknown>, asked: Omit<DecisionRequest, 'at'>): number | string {
  const decision = decide(snapshotFrom(siteBundle(organization)), { at: 0, ...asked });
  return decision.decision === 'permit' ? decision.approvals : decision.reason;
}

describe('the approvals of a decision', () => {
  it.each([
    [
      'are the role’s for the action',
      { roles: [four({ 'point.write': 2 })], grants: [ben('r', 'hq')] },
      write('ahu1/sp'),
      2,
    ],
    [
      'are none where it says none',
      { roles: [four({ 'point.write': 0 })], grants: [ben('r', 'hq')] },
      write('ahu1/sp'),
      0,
    ],
    [
      'are none for another action',
      { roles: [four({ 'point.write': 2 })], grants: [ben('r', 'hq')] },
      ask('point.read', ['ahu1/sp']),
      0,
    ],
    [
      'are those of what is needed as well',
      { roles: [four({ 'lifeSafety.operate': 1 }, { priorities: { from: 1, to: 16 } })], grants: [ben('r', 'hq')] },
      write('ahu1/sp', { priority: 1 }),
      1,
    ],
    [
      'are waived by an inline grant, in whatever order',
      {
        roles: [four({ 'point.write': 2 })],
        grants: [ben('r', 'hq'), inline(['point.write', 'point.read'], 'ahu1')],
      },
      write('ahu1/sp'),
      0,
    ],
    [
      'are the fewest of several roles',
      {
        roles: [
          four({ 'point.write': 3 }),
          four({ 'point.write': 1 }, { id: 's' }),
          four({ 'point.write': 2 }, { id: 't' }),
        ],
        grants: [ben('r', 'hq'), ben('s', 'hq'), ben('t', 'hq')],
      },
      write('ahu1/sp'),
      1,
    ],
    [
      'are not lessened by a grant that does not permit it here',
      {
        roles: [four({ 'point.write': 3 }), four({ 'point.write': 1 }, { id: 's' })],
        grants: [ben('r', 'hq'), ben('s', 'annex')],
      },
      write('ahu1/sp'),
      3,
    ],
    [
      'are the most of all targets, those that are moved too',
      {
        roles: [four({}), four({ 'point.write': 1 }, { id: 's' }), four({ 'point.write': 2 }, { id: 't' })],
        grants: [ben('r', 'ahu1'), ben('s', 'vav1'), ben('t', 'lift')],
      },
      write('ahu1/sched'),
      2,
    ],
    [
      'are the most of a bounding chain',
      {
        model: { siteAccess: 'all', roleHierarchy: 'bounding', rolesPerUser: 'many' },
        roles: [
          four({ 'point.write': 1 }, { parent: 'above' }),
          four({ 'point.write': 3, 'point.read': 1 }, { id: 'above', parent: 'top' }),
          four({}, { id: 'top' }),
        ],
        grants: [ben('r', 'hq')],
      },
      write('ahu1/sp'),
      3,
    ],
    [
      'are not those of a role above where the hierarchy is flat',
      {
        roles: [four({}, { parent: 'above' }), four({ 'point.write': 3 }, { id: 'above' })],
        grants: [ben('r', 'hq')],
      },
      write('ahu1/sp'),
      0,
    ],
    [
      'are those of a name that stands for the action; of two the larger',
      {
        permissions: [{ id: 'change', level: 'site', gives: ['point.write', 'point.read'] }],
        roles: [four({ change: 2, 'point.write': 1 })],
        grants: [ben('r', 'hq')],
      },
      write('ahu1/sp'),
      2,
    ],
    [
      'are nothing where it is denied',
      { roles: [four({ 'point.write': 2 })], grants: [] },
      write('ahu1/sp'),
      'no-role',
    ],
  ] as const)('%s', (_says, organization, asked, is) => {
    expect(approvalsOf(organization, asked)).toBe(is);
  });

  it('are explained, grant by grant', () => {
    const organization = {
      roles: [
        four({ 'point.write': 2 }),
        four({ 'point.write': 1 }, { id: 's' }),
        four({ 'point.write': 1 }, { id: 't' }),
      ],
      grants: [ben('r', 'hq'), ben('s', 'hq'), ben('t', 'annex')],
    };
    const explained = explain(snapshotFrom(siteBundle(organization)), { ...write('ahu1/sp'), at: 0 });
    expect(explained.targets[0]?.checks[0]?.grants).toMatchObject([
      { came: 'permits', approvals: 2 },
      { came: 'permits', approvals: 1 },
      { came: 'out-of-scope' },
    ]);
    expect(explainReply(explained)).toMatchObject({ decision: 'permit', approvals: 1 });
    const text = formatExplanation(explained);
    expect(text).toContain('`ben` `point.write` under revision 7: permit, needs 1 approval\n');
    expect(text).toContain('role r to user:ben at hq (organizations.0.grants.0): permits, needs 2 approvals\n');
    expect(text).toContain('role t to user:ben at annex (organizations.0.grants.2): out-of-scope\n');
  });
});
