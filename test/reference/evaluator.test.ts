// What the worked cases do not reach: unsure time, narrowing to a role, the fast channel, links that meet in a circle.

import { expect, test } from 'vitest';
import type { DecisionRequest } from '../../src/model/decision.ts';
import type { RawBundle, RawOrganization } from './bundle.ts';
import { evaluate } from './evaluator.ts';

const HOUR = '1970-01-01T01:00:00Z';
const own: RawOrganization = {
  id: 'acme',
  name: 'Acme',
  model: { siteAccess: 'all', roleHierarchy: 'flat', rolesPerUser: 'many' },
  locations: [{ id: 'root', name: 'Acme', kind: 'organization' }],
  devices: [{ id: 'ahu', name: 'AHU', location: 'root' }],
  points: [
    { id: 'ahu/a', name: 'A', device: 'ahu', class: 'set-point', involves: ['ahu/b'] },
    { id: 'ahu/b', name: 'B', device: 'ahu', class: 'set-point', involves: ['ahu/c', 'ahu/a'] },
    { id: 'ahu/c', name: 'C', device: 'ahu', class: 'set-point' },
  ],
  roles: [
    { id: 'op', name: 'Operator', permissions: ['point.write', 'point.read'] },
    { id: 'view', name: 'Viewer', permissions: ['point.read'] },
  ],
  grants: [
    { to: 'user:ben', role: 'op', at: 'root' },
    { to: 'user:ben', role: 'view', at: 'root' },
    { to: 'user:lia', role: 'op', at: 'root', until: HOUR },
    { to: 'link:fm/tech', role: 'op', at: 'ahu/b' },
  ],
};
const linked: RawOrganization = {
  ...own,
  id: 'fm',
  locations: [{ id: 'fm-root', name: 'FM', kind: 'organization' }],
  devices: [],
  points: [],
  roles: [{ id: 'tech', name: 'Technician', permissions: ['point.read'] }],
  grants: [{ to: 'link:acme/op', role: 'tech', at: 'fm-root' }],
};
const bundle: RawBundle = {
  format: 'gatehouse.policy/1',
  revision: 1,
  audience: ['case'],
  issuedAt: '1970-01-01T00:00:00Z',
  users: ['ben', 'lia', 'tom'].map((id) => ({ id, name: id, home: 'acme' })),
  organizations: [own, linked],
};
const write = { principal: 'ben', action: 'point.write', targets: ['ahu/c'], at: 0 };
const locked = {
  ...bundle,
  organizations: [{ ...own, locks: [{ id: 'k', why: 'belt', at: 'ahu/c', until: HOUR }] }, linked],
};

const rows: readonly (readonly [string, RawBundle, DecisionRequest, string])[] = [
  ['a role that narrows and permits', bundle, { ...write, narrowToRole: 'op' }, 'permit'],
  ['a role that narrows to less', bundle, { ...write, narrowToRole: 'view' }, 'no-permission'],
  ['a role that narrows to nothing', bundle, { ...write, narrowToRole: 'tech' }, 'no-role'],
  ['a grant with an end, time sure', bundle, { ...write, principal: 'lia' }, 'permit'],
  ['a grant with an end, time unsure', bundle, { ...write, principal: 'lia', timeUnsure: true }, 'no-role'],
  ['a lock at its end', locked, { ...write, at: 3_600_000 }, 'permit'],
  ['a lock at its end, time unsure', locked, { ...write, at: 3_600_000, timeUnsure: true }, 'locked'],
  ['what the point moves is judged too', locked, { ...write, targets: ['ahu/b'] }, 'locked'],
  ['what that moves in turn is not', locked, { ...write, targets: ['ahu/a'] }, 'permit'],
  ['links that meet in a circle', bundle, { ...write, principal: 'tom', targets: ['fm-root'] }, 'no-role'],
  ['a link to a role held', bundle, { ...write, action: 'point.read', targets: ['fm-root'] }, 'permit'],
  ['nobody has no home', bundle, { principal: null, action: 'org.view', targets: [], at: 0 }, 'no-target'],
];

test.each(rows)('%s', (_name, policy, request, expected) => {
  const verdict = evaluate(policy, request);
  expect(verdict.decision === 'permit' ? 'permit' : verdict.reason).toBe(expected);
});

test('a lock of the fast channel binds everywhere', () => {
  const fast = [{ id: 'f', why: 'left the house', principal: 'ben' }];
  const read = { principal: 'ben', action: 'point.read', targets: ['fm-root'], at: 0 };
  expect(evaluate(bundle, read)).toEqual({ decision: 'permit', approvals: 0 });
  expect(evaluate(bundle, read, fast)).toEqual({ decision: 'deny', reason: 'locked', target: 'fm-root' });
});
