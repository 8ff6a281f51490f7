// Permissions that stand for actions are expanded before anything is compared, wherever actions are named.

import { describe, expect, it } from 'vitest';
import { withLocks } from '../../src/policy/lock.ts';
import { reach } from '../../src/policy/reach.ts';
import { answer, ask, ben, inline, testRows, write } from './asking.ts';
import { grant, O, testFaults } from './faulty.ts';
import { siteBundle, snapshotFrom } from './scene.ts';

const permissions = [
  { id: 'change', level: 'site', gives: ['point.write', 'point.read'] },
  { id: 'look', level: 'site', gives: ['device.view', 'remote.access'] },
  { id: 'report', level: 'site', needs: ['look'] },
];
const granted = { permissions, grants: [ben('op', 'root')] };

testRows({
  'a name that stands for actions': [
    {
      says: 'locks those',
      organization: { ...granted, locks: [{ id: 'l', why: 'w', action: 'change' }] },
      ask: write('ahu1/sp'),
      is: 'locked ahu1/sp',
    },
    {
      says: 'locks no others',
      organization: { ...granted, locks: [{ id: 'l', why: 'w', action: 'change' }] },
      ask: ask('device.view', ['ahu1']),
      is: 'permit',
    },
    {
      says: 'keeps those from tools',
      organization: { ...granted, refusedByTool: ['change'] },
      ask: write('ahu1/sp', { channel: 'tool' }),
      is: 'channel-restricted ahu1/sp',
    },
    {
      says: 'is what a channel needs: all of them',
      organization: { ...granted, channels: { remote: ['look'] } },
      ask: write('ahu1/sp', { channel: 'remote' }),
      is: 'no-permission ahu1/sp',
    },
    {
      says: 'is what an action needs: all of them',
      organization: { permissions, grants: [inline(['report', 'look'], 'root')] },
      ask: ask('report', ['ahu1']),
      is: 'permit',
    },
  ],
});

testFaults({
  'a name that stands for actions': [
    {
      says: 'needed in a role that has only one of them',
      organization: { permissions, grants: [grant({ permissions: ['report', 'device.view'] })] },
      path: `${O}.grants.0.permissions`,
    },
    {
      says: 'in a circle of needs',
      organization: {
        permissions: [
          { id: 'x', level: 'site', needs: ['y'] },
          { id: 'y', level: 'site', gives: ['x'] },
        ],
      },
      path: `${O}.permissions`,
    },
    {
      says: 'exclusive, in another role',
      organization: {
        permissions,
        model: { siteAccess: 'all', roleHierarchy: 'flat', rolesPerUser: 'many', exclusive: { change: ['op'] } },
      },
      path: `${O}.roles.1.permissions`,
    },
    {
      says: 'exclusive to one role, and one of its actions to another',
      organization: {
        permissions,
        model: {
          siteAccess: 'all',
          roleHierarchy: 'flat',
          rolesPerUser: 'many',
          exclusive: { change: ['op', 'viewer'], 'point.write': ['viewer'] },
        },
      },
      path: `${O}.roles.0.permissions`,
    },
    {
      says: 'exclusive, in an inline grant',
      organization: {
        permissions,
        model: { siteAccess: 'all', roleHierarchy: 'flat', rolesPerUser: 'many', exclusive: { look: [] } },
        roles: [],
        grants: [grant({ permissions: ['remote.access'] })],
      },
      path: `${O}.grants.0.permissions`,
    },
  ],
});

describe('a lock of the fast channel on a name that stands for actions', () => {
  const snapshot = snapshotFrom(siteBundle(granted));
  const locked = withLocks(snapshot, [{ id: 'f', why: 'w', action: 'change', until: 1 }]);

  it('locks those, and no others', () => {
    expect(answer(locked, write('ahu1/sp'))).toBe('locked ahu1/sp');
    expect(answer(locked, ask('device.view', ['ahu1']))).toBe('permit');
    const reached = (action: string) =>
      reach(locked, { principal: 'ben', action, at: 0 }).mask.some((word) => word !== 0);
    expect([reached('point.read'), reached('device.view')]).toEqual([false, true]);
  });

  it('locks nothing where nobody knows the name', () => {
    const odd = withLocks(snapshot, [{ id: 'f', why: 'w', action: 'gone', until: 1 }]);
    expect(answer(odd, write('ahu1/sp'))).toBe('permit');
  });
});
