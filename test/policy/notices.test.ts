// What is accepted, but said (POLICY.md, Notices).

import { describe, expect, it } from 'vitest';
import { listed, O, role } from './faulty.ts';
import { parsed, siteBundle } from './scene.ts';

describe('notices', () => {
  const textsOf = (organization: Record<string, unknown>, document: Record<string, unknown> = {}): string[] =>
    parsed(siteBundle(organization, document)).notices.map(({ path, text }) => `${path}: ${text}`);
  const admins = [
    { to: 'user:ben', permissions: ['user.manage'], at: 'root' },
    { to: 'user:eve', permissions: ['user.manage'], at: 'root' },
  ];
  const model = { ...listed, roleHierarchy: 'bounding' };

  it('none where all is well', () => {
    expect(textsOf({ grants: admins })).toEqual([]);
  });

  it('fewer than two people may manage users', () => {
    expect(textsOf({})).toEqual([`${O}: nobody may manage users: two are advised`]);
    expect(textsOf({ grants: admins.slice(1) })).toEqual([`${O}: only \`eve\` may manage users: two are advised`]);
    expect(textsOf({ groups: [{ id: 'e', everyone: true }], grants: [{ ...admins[0], to: 'group:e' }] })).toEqual([]);
    expect(
      textsOf({ groups: [{ id: 'g', members: ['ben', 'ada'] }], grants: [{ ...admins[0], to: 'group:g' }] }),
    ).toEqual([]);
  });

  it('organization permissions below the root', () => {
    expect(textsOf({ grants: [...admins, { to: 'user:ada', permissions: ['audit.read'], at: 'hq' }] })).toEqual([
      `${O}.grants.2: \`audit.read\` without effect below the root`,
    ]);
  });

  it('a narrower grant below a wider one', () => {
    const grants = [
      ...admins,
      { to: 'user:ada', role: 'op', at: 'root' },
      { to: 'user:ada', role: 'viewer', at: 'ahu1/sp' },
      { to: 'user:ben', role: 'viewer', at: 'hq' },
    ];
    expect(textsOf({ grants })).toEqual([`${O}.grants.3: narrower than grant 2 above it, which it does not reduce`]);
  });

  it('rights trimmed by a role above', () => {
    const roles = [role({}), { id: 's', name: 'S', parent: 'r', permissions: ['point.read', 'trend.view'] }];
    expect(textsOf({ model, roles, grants: admins })).toEqual([
      `${O}.roles.1.permissions: \`trend.view\` cut off by role \`r\` above`,
    ]);
  });

  it('a parent under flat', () => {
    expect(textsOf({ roles: [role({}), { ...role({ parent: 'r' }), id: 's' }], grants: admins })).toEqual([
      `${O}.roles.1.parent: ignored: the role hierarchy is \`flat\``,
    ]);
  });

  it('references inside filters that resolve to nothing', () => {
    const filters = [
      { id: 'f', expression: 'equipRef == @ahu1 or equipRef == @gone' },
      { id: 'g', names: '*' },
    ];
    expect(textsOf({ filters, grants: admins })).toEqual([`${O}.filters.0.expression: \`@gone\` resolves to nothing`]);
  });
});
