// What a person reads before a push: the words for what differs, and nothing secret.

import { describe, expect, it } from 'vitest';
import type { BundleJson } from '../../../simulators/cloud/bundle-parts.ts';
import { describeDifference, differenceOf } from '../../../simulators/cloud/policy-difference.ts';

const bundle = (change: object = {}, header: object = {}): BundleJson => ({
  format: 'gatehouse.policy/1',
  revision: 1,
  issuedAt: '2026-11-22T08:00:00Z',
  audience: ['site-1'],
  users: [{ id: 'anna', name: 'Anna', home: 'acme' }],
  organizations: [
    {
      id: 'acme',
      roles: [{ id: 'operator', permissions: ['point.read', 'point.write'] }],
      grants: [{ to: 'user:anna', role: 'operator', at: 'hq' }],
      ...change,
    },
  ],
  ...header,
});

const said = (after: BundleJson, before: BundleJson = bundle()) => differenceOf(before, after).map(describeDifference);

describe('the difference between two policies', () => {
  it('is none where only what every push changes differs, or the order of what has names', () => {
    expect(said(bundle({}, { revision: 9, issuedAt: '2027-01-01T00:00:00Z' }))).toEqual([]);
    const two = [{ id: 'a' }, { id: 'b' }];
    expect(said(bundle({ filters: [...two].reverse() }), bundle({ filters: two }))).toEqual([]);
    expect(said(bundle({ locks: [] }))).toEqual([]);
    expect(said(bundle(), bundle({ locks: [] }))).toEqual([]);
  });

  it('names what came, went and changed by the ids people gave', () => {
    const roles = [
      { id: 'operator', permissions: ['point.read'] },
      { id: 'viewer', permissions: ['point.read'] },
    ];
    const grants = [{ to: 'user:ben', role: 'operator', at: 'hq' }];
    expect(said(bundle({ roles, grants }, { graceHours: 2 }))).toEqual([
      '~ organizations/acme/roles/operator/permissions: ["point.read","point.write"] → ["point.read"]',
      '+ organizations/acme/roles/viewer',
      '- organizations/acme/grants/to user:anna role operator at hq',
      '+ organizations/acme/grants/to user:ben role operator at hq',
      '+ graceHours: 2',
    ]);
  });

  it('says that a password changed, never what it is', () => {
    const users = (password?: string) => ({ users: [{ id: 'anna', name: 'Anna', home: 'acme', password }] });
    const [before, after] = [bundle({}, users('$scrypt$one')), bundle({}, users('$scrypt$two'))];
    expect(said(after, before)).toEqual(['~ users/anna/password']);
    expect(said(after)).toEqual(['+ users/anna/password']);
    expect(said(bundle(), after)).toEqual(['- users/anna/password']);
  });

  it('shortens what is long', () => {
    const [line = ''] = said(bundle({ name: 'x'.repeat(500) }));
    expect(line.length).toBeLessThan(160);
    expect(line).toMatch(/…$/);
  });
});
