// Explanations: every lock, every grant and how far it came, whom to ask, and who may see names.

import { describe, expect, it } from 'vitest';
import { askWhom } from '../../src/policy/ask-whom.ts';
import { explain, formatExplanation } from '../../src/policy/explain.ts';
import { siteBundle, snapshotFrom } from './scene.ts';

const roles = [
  { id: 'op', name: 'Operator', permissions: ['point.write', 'point.read'] },
  { id: 'viewer', name: 'Viewer', permissions: ['point.read'] },
  { id: 'chief', name: 'Chief', permissions: ['point.read', 'user.manage'], seesOtherUsers: true },
];
const snapshot = snapshotFrom(
  siteBundle({
    roles: [...roles, { id: 'guest', name: 'Guest', permissions: ['point.read'], default: true }],
    groups: [{ id: 'ops', members: ['ada'] }],
    grants: [
      { to: 'user:ben', role: 'viewer', at: 'hq' },
      { to: 'user:ben', role: 'op', at: 'annex' },
      { to: 'user:ben', role: 'op', at: 'hq', until: '1970-01-01T00:00:00Z' },
      { to: 'group:ops', role: 'op', at: 'root' },
      { to: 'user:eve', role: 'chief', at: 'root' },
    ],
    locks: [{ id: 'belt', why: 'belt change', at: 'vav1' }],
  }),
);
const ask = { principal: 'ben', action: 'point.write', targets: ['ahu1/sp'], at: 0 };

describe('explain', () => {
  it('shows how far every grant came', () => {
    const { decision, targets } = explain(snapshot, ask);
    expect(decision).toMatchObject({ decision: 'deny', reason: 'out-of-scope', target: 'ahu1/sp' });
    expect(targets).toMatchObject([
      {
        name: 'Set point',
        organization: 'acme',
        locks: [{ id: 'belt', why: 'belt change', matches: false }],
        checks: [
          {
            action: 'point.write',
            grants: [
              { grant: 'role viewer to user:ben at hq', path: 'organizations.0.grants.0', came: 'no-permission' },
              { grant: 'role op to user:ben at annex', path: 'organizations.0.grants.1', came: 'out-of-scope' },
              { grant: 'role op to user:ben at hq', path: 'organizations.0.grants.2', came: 'not-in-force' },
            ],
          },
          {
            action: 'point.read',
            grants: [{ came: 'permits' }, { came: 'out-of-scope' }, { came: 'not-in-force' }],
          },
        ],
        askWhom: { people: [], count: 1, withheld: true },
      },
    ]);
  });

  it('says it in words', () => {
    expect(formatExplanation(explain(snapshot, ask))).toBe(
      [
        '`ben` `point.write` under revision 7: deny: out-of-scope',
        '  `ahu1/sp` Set point: deny: out-of-scope (`point.write`)',
        '    lock belt (belt change): does not match',
        '    point.write:',
        '      role viewer to user:ben at hq (organizations.0.grants.0): no-permission',
        '      role op to user:ben at annex (organizations.0.grants.1): out-of-scope',
        '      role op to user:ben at hq (organizations.0.grants.2): not-in-force',
        '    point.read:',
        '      role viewer to user:ben at hq (organizations.0.grants.0): permits',
        '      role op to user:ben at annex (organizations.0.grants.1): out-of-scope',
        '      role op to user:ben at hq (organizations.0.grants.2): not-in-force',
        '    somebody could: names are not shown to you',
      ].join('\n'),
    );
  });

  it('a permit, a matching lock, a target nobody knows, and nobody at all', () => {
    expect(formatExplanation(explain(snapshot, { ...ask, principal: 'ada' }))).toContain('under revision 7: permit\n');
    const text = formatExplanation(
      explain(snapshot, { ...ask, principal: 'ada', targets: ['vav1/sp', 'gone', 'lift/cmd'] }),
    );
    expect(text).toContain('`lift/cmd` Call: permit by role op to group:ops at root');
    expect(text).toContain('lock belt (belt change): matches');
    expect(text).toContain('`gone`: deny: unknown-target (`point.write`)\n    nobody could');
    const nobody = formatExplanation(explain(snapshot, { ...ask, principal: null }));
    expect(nobody).toContain('anyone `point.write` under revision 7: deny: no-role');
    expect(nobody).toContain('point.write: no grant');
  });

  it('a denial before any target', () => {
    const unknown = explain(snapshot, { ...ask, principal: 'nobody' });
    expect(unknown).toMatchObject({
      decision: { reason: 'unknown-principal' },
      targets: [],
      askWhom: { count: 0, withheld: true },
    });
    expect(formatExplanation(unknown)).toBe(
      '`nobody` `point.write` under revision 7: deny: unknown-principal\n  nobody could',
    );
    const none = explain(snapshot, { ...ask, targets: [] });
    expect(none.decision).toMatchObject({ reason: 'no-target' });
  });

  it('what an identity provider gave, without a path; and the narrowing to a role', () => {
    const [target] = explain(snapshot, {
      ...ask,
      principal: 'acme:i#1',
      identity: { organization: 'acme', groups: [] },
    }).targets;
    expect(target?.checks[0]?.grants).toEqual([
      { grant: 'role guest from the identity provider', came: 'no-permission' },
    ]);
    expect(
      formatExplanation(
        explain(snapshot, { ...ask, principal: 'acme:i#1', identity: { organization: 'acme', groups: [] } }),
      ),
    ).toContain('      role guest from the identity provider: no-permission\n');
    const [narrowed] = explain(snapshot, { ...ask, narrowToRole: 'viewer' }).targets;
    expect(narrowed?.checks[0]?.grants.map(({ came }) => came)).toEqual([
      'no-permission',
      'not-in-force',
      'not-in-force',
    ]);
  });

  it('an action that is not known where the target is', () => {
    const fm = {
      id: 'fm',
      name: 'FM',
      model: { siteAccess: 'all', roleHierarchy: 'flat', rolesPerUser: 'many' },
      locations: [{ id: 'fm', name: 'FM', kind: 'organization' }],
    };
    const bundle = siteBundle({ permissions: [{ id: 'tune', level: 'site' }] });
    const both = snapshotFrom({ ...bundle, organizations: [...bundle.organizations, fm] });
    const [target] = explain(both, { principal: 'ben', action: 'tune', targets: ['fm'], at: 0 }).targets;
    expect(target).toMatchObject({ verdict: { reason: 'unknown-action' }, checks: [] });
  });
});

describe('whom to ask', () => {
  it('names only where the asker may see other users', () => {
    expect(askWhom(snapshot, { ...ask, principal: 'eve' }, 'ahu1/sp')).toEqual({
      people: [{ id: 'ada', name: 'ADA' }],
      count: 1,
      withheld: false,
    });
    expect(formatExplanation(explain(snapshot, { ...ask, principal: 'eve' }))).toContain('could: ADA (`ada`)');
  });

  it('for an action without a target; never the asker; not nobody', () => {
    const request = { principal: 'ben', action: 'user.manage', targets: [], at: 0 };
    expect(askWhom(snapshot, request, undefined)).toEqual({ people: [], count: 1, withheld: true });
    expect(askWhom(snapshot, { ...request, principal: 'eve' }, undefined)).toEqual({
      people: [],
      count: 0,
      withheld: false,
    });
    expect(askWhom(snapshot, { ...request, principal: null }, undefined)).toMatchObject({ withheld: true });
  });

  it('by the same channel, priority and clock; at most so many', () => {
    expect(askWhom(snapshot, { ...ask, priority: 7 }, 'ahu1/sp').count).toBe(0);
    expect(askWhom(snapshot, { ...ask, channel: 'pigeon' }, 'ahu1/sp').count).toBe(0);
    expect(askWhom(snapshot, { ...ask, timeUnsure: true }, 'ahu1/sp').count).toBe(1);
    expect(askWhom(snapshot, { ...ask, action: 'point.read', principal: 'nobody' }, 'ahu1/sp', 2).count).toBe(2);
  });

  it('an inline grant shows no names', () => {
    const inline = [{ to: 'user:eve', permissions: ['user.view'], at: 'root' }];
    expect(
      askWhom(snapshotFrom(siteBundle({ grants: inline })), { ...ask, principal: 'eve' }, 'ahu1/sp').withheld,
    ).toBe(true);
  });

  it('not those who are disabled', () => {
    const grants = [{ to: 'user:eve', role: 'op', at: 'root' }];
    const users = [
      { id: 'ben', name: 'Ben', home: 'acme' },
      { id: 'eve', name: 'Eve', home: 'acme', disabled: true },
    ];
    expect(askWhom(snapshotFrom(siteBundle({ grants }, { users })), ask, 'ahu1/sp').count).toBe(0);
  });
});
