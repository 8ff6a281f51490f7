// Bundles that are refused: words, filters, roles, grants, locks.

import { grant, listed, O, role, testFaults } from './faulty.ts';

testFaults({
  words: [
    {
      says: 'a permission named like an action',
      organization: { permissions: [{ id: 'point.write', level: 'site' }] },
      path: `${O}.permissions.0.id`,
    },
    {
      says: 'gives what is no action',
      organization: { permissions: [{ id: 'x', level: 'site', gives: ['gone'] }] },
      path: `${O}.permissions.0.gives.0`,
    },
    {
      says: 'gives what stands for others',
      organization: {
        permissions: [
          { id: 'x', level: 'site', gives: ['y'] },
          { id: 'y', level: 'site', gives: ['point.read'] },
        ],
      },
      path: `${O}.permissions.0.gives.0`,
    },
    {
      says: 'needs what is no action',
      organization: { permissions: [{ id: 'x', level: 'site', needs: ['gone'] }] },
      path: `${O}.permissions.0.needs.0`,
    },
    {
      says: 'gives and needs',
      organization: { permissions: [{ id: 'x', level: 'site', gives: ['point.read'], needs: ['device.view'] }] },
      path: `${O}.permissions.0.needs`,
    },
    {
      says: 'needs in a circle',
      organization: {
        permissions: [
          { id: 'x', level: 'site', needs: ['y', 'z'] },
          { id: 'y', level: 'site', needs: ['x', 'z'] },
          { id: 'z', level: 'site' },
        ],
      },
      path: `${O}.permissions`,
    },
    { says: 'no level', organization: { permissions: [{ id: 'x' }] }, path: `${O}.permissions.0.level` },
    { says: 'a channel nobody knows', organization: { channels: { pigeon: [] } }, path: `${O}.channels.pigeon` },
    {
      says: 'a channel that needs what is no action',
      organization: { channels: { remote: ['gone'] } },
      path: `${O}.channels.remote.0`,
    },
    {
      says: 'a tool refused what is no action',
      organization: { refusedByTool: ['gone'] },
      path: `${O}.refusedByTool.0`,
    },
    {
      says: 'an exclusive name that is no action',
      organization: { model: { ...listed, exclusive: { gone: [] } } },
      path: `${O}.model.exclusive.gone`,
    },
    {
      says: 'exclusive to a role that does not exist',
      organization: { model: { ...listed, exclusive: { 'audit.read': ['gone'] } } },
      path: `${O}.model.exclusive.audit.read.0`,
    },
    {
      says: 'an exclusive action in a grant',
      organization: {
        model: { ...listed, exclusive: { 'audit.read': ['op'] } },
        grants: [{ to: 'user:ben', permissions: ['audit.read'], at: 'root' }],
      },
      path: `${O}.grants.0.permissions`,
    },
  ],
  filters: [
    {
      says: 'two ways at once',
      organization: { filters: [{ id: 'f', names: '*', points: [] }] },
      path: `${O}.filters.0`,
    },
    { says: 'no way at all', organization: { filters: [{ id: 'f' }] }, path: `${O}.filters.0` },
    {
      says: 'a glob no id can match',
      organization: { filters: [{ id: 'f', names: 'a?' }] },
      path: `${O}.filters.0.names`,
    },
    {
      says: 'a device among points',
      organization: { filters: [{ id: 'f', points: ['ahu1'] }] },
      path: `${O}.filters.0.points.0`,
    },
    {
      says: 'within nothing',
      organization: { filters: [{ id: 'f', names: '*', within: 'gone' }] },
      path: `${O}.filters.0.within`,
    },
    {
      says: 'twice',
      organization: {
        filters: [
          { id: 'f', names: '*' },
          { id: 'f', names: '*' },
        ],
      },
      path: `${O}.filters.1.id`,
    },
  ],
  roles: [
    {
      says: 'a permission nobody knows',
      organization: { roles: [role({ permissions: ['gone'] })] },
      path: `${O}.roles.0.permissions.0`,
    },
    {
      says: 'a parent that does not exist, under flat too',
      organization: { roles: [role({ parent: 'gone' })] },
      path: `${O}.roles.0.parent`,
    },
    {
      says: 'priorities upside down',
      organization: { roles: [role({ priorities: { from: 9, to: 8 } })] },
      path: `${O}.roles.0.priorities`,
    },
    {
      says: 'priority 17',
      organization: { roles: [role({ priorities: { from: 9, to: 17 } })] },
      path: `${O}.roles.0.priorities.to`,
    },
    {
      says: 'approvals for what is no action',
      organization: { roles: [role({ approvals: { gone: 1 } })] },
      path: `${O}.roles.0.approvals.gone`,
    },
    {
      says: 'a home that does not exist',
      organization: { roles: [role({ home: 'gone' })] },
      path: `${O}.roles.0.home`,
    },
    {
      says: 'needs missing after expansion',
      organization: {
        permissions: [{ id: 'x', level: 'site', gives: ['alarm.threshold'] }],
        roles: [role({ permissions: ['x'] })],
      },
      path: `${O}.roles.0.permissions`,
    },
    {
      says: 'a member who does not exist',
      organization: { groups: [{ id: 'g', members: ['gone'] }] },
      path: `${O}.groups.0.members.0`,
    },
  ],
  grants: [
    {
      says: 'to nobody that can be named',
      organization: { roles: [role({})], grants: [grant({ to: 'ben' })] },
      path: `${O}.grants.0.to`,
    },
    {
      says: 'to a user that does not exist',
      organization: { roles: [role({})], grants: [grant({ to: 'user:gone' })] },
      path: `${O}.grants.0.to`,
    },
    {
      says: 'to an application that does not exist',
      organization: { roles: [role({})], grants: [grant({ to: 'application:ben' })] },
      path: `${O}.grants.0.to`,
    },
    {
      says: 'to a group that does not exist',
      organization: { roles: [role({})], grants: [grant({ to: 'group:gone' })] },
      path: `${O}.grants.0.to`,
    },
    {
      says: 'to a link to itself',
      organization: { roles: [role({})], grants: [grant({ to: 'link:acme/r' })] },
      path: `${O}.grants.0.to`,
    },
    {
      says: 'to a link to nowhere',
      organization: { roles: [role({})], grants: [grant({ to: 'link:fm/r' })] },
      path: `${O}.grants.0.to`,
    },
    {
      says: 'neither role nor permissions',
      organization: { grants: [{ to: 'user:ben', at: 'hq' }] },
      path: `${O}.grants.0`,
    },
    {
      says: 'a permission nobody knows',
      organization: { grants: [{ to: 'user:ben', permissions: ['gone'], at: 'hq' }] },
      path: `${O}.grants.0.permissions.0`,
    },
    {
      says: 'anyone with an inline change',
      organization: { grants: [{ to: 'anyone', permissions: ['point.write', 'point.read'], at: 'hq' }] },
      path: `${O}.grants.0`,
    },
    {
      says: 'a time that is none',
      organization: { roles: [role({})], grants: [grant({ until: 'tomorrow' })] },
      path: `${O}.grants.0.until`,
    },
    { says: 'access to nobody', organization: { access: [{ to: 'user:gone', at: ['hq'] }] }, path: `${O}.access.0.to` },
    {
      says: 'access to nowhere',
      organization: { access: [{ to: 'user:ben', at: ['gone'] }] },
      path: `${O}.access.0.at.0`,
    },
    {
      says: 'two roles, one of them for everyone',
      organization: {
        model: { ...listed, rolesPerUser: 'one' },
        roles: [role({}), { ...role({}), id: 's' }],
        groups: [{ id: 'e', everyone: true }],
        grants: [grant({}), grant({ to: 'group:e', role: 's' })],
      },
      path: `${O}.grants.1`,
    },
  ],
  locks: [
    {
      says: 'a group that does not exist',
      organization: { locks: [{ id: 'l', why: 'w', group: 'gone' }] },
      path: `${O}.locks.0.group`,
    },
    {
      says: 'a role that does not exist',
      organization: { locks: [{ id: 'l', why: 'w', role: 'gone' }] },
      path: `${O}.locks.0.role`,
    },
    {
      says: 'an action that does not exist',
      organization: { locks: [{ id: 'l', why: 'w', action: 'gone' }] },
      path: `${O}.locks.0.action`,
    },
    {
      says: 'a place that does not exist',
      organization: { locks: [{ id: 'l', why: 'w', at: 'gone' }] },
      path: `${O}.locks.0.at`,
    },
    { says: 'no reason', organization: { locks: [{ id: 'l' }] }, path: `${O}.locks.0.why` },
  ],
});
