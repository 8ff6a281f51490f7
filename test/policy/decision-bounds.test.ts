// POLICY.md, The decision: a row a sentence. What bounds a role: locks, tags, priorities, the hierarchy, sites.
// Where the text is silent the row says which closed reading was taken.

import { ask, ben, inline, provider, role, testRows, write } from './asking.ts';

testRows({
  locks: [
    {
      says: 'a lock beats every permit',
      organization: { grants: [ben('op', 'root')], locks: [{ id: 'l', why: 'w', at: 'ahu1' }] },
      ask: write('ahu1/sp'),
      is: 'locked ahu1/sp',
    },
    {
      says: 'outside its place it does nothing',
      organization: { grants: [ben('op', 'root')], locks: [{ id: 'l', why: 'w', at: 'ahu1' }] },
      ask: write('vav1/sp', { action: 'point.read' }),
      is: 'permit',
    },
    {
      says: 'it names the action, not what is needed',
      organization: { grants: [ben('op', 'root')], locks: [{ id: 'l', why: 'w', action: 'point.read' }] },
      ask: write('ahu1/sp'),
      is: 'permit',
    },
    {
      says: 'every key that is given must match',
      organization: { grants: [ben('op', 'root')], locks: [{ id: 'l', why: 'w', principal: 'eve', at: 'ahu1' }] },
      ask: write('ahu1/sp'),
      is: 'permit',
    },
    {
      says: 'by group',
      organization: {
        grants: [ben('op', 'root')],
        groups: [{ id: 'g', members: ['ben'] }],
        locks: [{ id: 'l', why: 'w', group: 'g' }],
      },
      ask: write('ahu1/sp'),
      is: 'locked ahu1/sp',
    },
    {
      says: 'by a role held anywhere here',
      organization: {
        grants: [ben('op', 'root'), ben('viewer', 'lift')],
        locks: [{ id: 'l', why: 'w', role: 'viewer' }],
      },
      ask: write('ahu1/sp'),
      is: 'locked ahu1/sp',
    },
    {
      says: 'by a role that is over: no',
      organization: {
        grants: [ben('op', 'root'), ben('viewer', 'lift', { until: '1970-01-01T00:00:00Z' })],
        locks: [{ id: 'l', why: 'w', role: 'viewer' }],
      },
      ask: write('ahu1/sp'),
      is: 'permit',
    },
    {
      says: 'by a role that is over, time unsure: yes (closed)',
      organization: {
        grants: [ben('op', 'root'), ben('viewer', 'lift', { until: '1970-01-01T00:00:00Z' })],
        locks: [{ id: 'l', why: 'w', role: 'viewer' }],
      },
      ask: write('ahu1/sp', { timeUnsure: true }),
      is: 'locked ahu1/sp',
    },
    {
      says: 'it binds nobody too',
      organization: {
        grants: [{ to: 'anyone', permissions: ['point.read'], at: 'root' }],
        locks: [{ id: 'l', why: 'w' }],
      },
      ask: { principal: null, action: 'point.read', targets: ['ahu1/sp'] },
      is: 'locked ahu1/sp',
    },
    {
      says: 'on a person of the identity provider',
      organization: { roles: [role({ default: true })], locks: [{ id: 'l', why: 'w', principal: 'acme:i#1' }] },
      ask: write('ahu1/sp', { principal: 'acme:i#1', identity: provider() }),
      is: 'locked ahu1/sp',
    },
  ],
  tags: [
    {
      says: 'a role with tags and a device without',
      organization: { roles: [role({ tags: ['air'] })], grants: [ben('r', 'root')] },
      ask: write('vav1/sp', { action: 'point.read' }),
      is: 'tag-restricted vav1/sp',
    },
    {
      says: 'untagged admits it',
      organization: { roles: [role({ tags: ['air'], untagged: true })], grants: [ben('r', 'root')] },
      ask: write('vav1/sp', { action: 'point.read' }),
      is: 'permit',
    },
    {
      says: 'a place carries no tags (closed)',
      organization: { roles: [role({ tags: ['air'] })], grants: [ben('r', 'root')] },
      ask: write('hq'),
      is: 'tag-restricted hq',
    },
    {
      says: 'untagged admits a place',
      organization: { roles: [role({ tags: ['air'], untagged: true })], grants: [ben('r', 'root')] },
      ask: write('hq'),
      is: 'permit',
    },
    {
      says: 'a tag no device has',
      organization: { roles: [role({ tags: ['none'] })], grants: [ben('r', 'root')] },
      ask: write('ahu1/sp'),
      is: 'tag-restricted ahu1/sp',
    },
    {
      says: 'expert admits related actions',
      organization: {
        roles: [{ id: 'r', name: 'R', permissions: ['ticket.read', 'asset.view'], tags: ['air'], expert: true }],
        grants: [ben('r', 'root')],
      },
      ask: ask('ticket.read', ['lift', 'hq']),
      is: 'permit',
    },
    {
      says: 'never the device itself',
      organization: {
        roles: [{ id: 'r', name: 'R', permissions: ['ticket.read', 'asset.view'], tags: ['air'], expert: true }],
        grants: [ben('r', 'root')],
      },
      ask: ask('asset.view', ['lift']),
      is: 'tag-restricted lift',
    },
    {
      says: 'tags say nothing of organization actions',
      organization: {
        roles: [{ id: 'r', name: 'R', permissions: ['user.view'], tags: ['air'] }],
        grants: [ben('r', 'root')],
      },
      ask: ask('user.view', []),
      is: 'permit',
    },
  ],
  priorities: [
    {
      says: 'absent is 8 to 16',
      organization: { grants: [ben('op', 'root')] },
      ask: write('ahu1/sp', { priority: 8 }),
      is: 'permit',
    },
    {
      says: '7 is reserved',
      organization: { grants: [ben('op', 'root')] },
      ask: write('ahu1/sp', { priority: 7 }),
      is: 'priority-reserved ahu1/sp',
    },
    {
      says: 'inline has 8 to 16',
      organization: { grants: [inline(['point.write', 'point.read'], 'root')] },
      ask: write('ahu1/sp', { priority: 7 }),
      is: 'priority-reserved ahu1/sp',
    },
    {
      says: '17 is nobody’s',
      organization: { grants: [ben('op', 'root')] },
      ask: write('ahu1/sp', { priority: 17 }),
      is: 'priority-reserved ahu1/sp',
    },
    {
      says: 'half a priority is nobody’s (closed)',
      organization: { grants: [ben('op', 'root')] },
      ask: write('ahu1/sp', { priority: 8.5 }),
      is: 'priority-reserved ahu1/sp',
    },
    {
      says: '1 and 2 need life safety',
      organization: { roles: [role({ priorities: { from: 1, to: 16 } })], grants: [ben('r', 'root')] },
      ask: write('ahu1/sp', { priority: 2 }),
      is: 'no-permission ahu1/sp',
    },
    {
      says: '3 does not',
      organization: { roles: [role({ priorities: { from: 1, to: 16 } })], grants: [ben('r', 'root')] },
      ask: write('ahu1/sp', { priority: 3 }),
      is: 'permit',
    },
    {
      says: 'reading has no priority',
      organization: { grants: [ben('viewer', 'root')] },
      ask: ask('point.read', ['ahu1/sp'], { priority: 5 }),
      is: 'permit',
    },
  ],
  'the hierarchy that bounds': [
    {
      says: 'filters of every role above',
      organization: {
        model: { siteAccess: 'all', roleHierarchy: 'bounding', rolesPerUser: 'many' },
        filters: [
          { id: 'f', names: 'ahu1/s*' },
          { id: 'g', names: '*/sp' },
        ],
        roles: [role({ filters: ['f'] }), { ...role({ filters: ['g'] }), id: 'child', parent: 'r' }],
        grants: [ben('child', 'root')],
      },
      ask: ask('point.write', ['ahu1/sp', 'vav1/sp']),
      is: 'filter-restricted vav1/sp',
    },
    {
      says: 'tags of every role above',
      organization: {
        model: { siteAccess: 'all', roleHierarchy: 'bounding', rolesPerUser: 'many' },
        roles: [role({ tags: ['air'] }), { ...role({ tags: ['lifts'] }), id: 'child', parent: 'r' }],
        grants: [ben('child', 'root')],
      },
      ask: write('lift/cmd'),
      is: 'tag-restricted lift/cmd',
    },
    {
      says: 'priorities of every role above',
      organization: {
        model: { siteAccess: 'all', roleHierarchy: 'bounding', rolesPerUser: 'many' },
        roles: [role({}), { ...role({ priorities: { from: 4, to: 12 } }), id: 'child', parent: 'r' }],
        grants: [ben('child', 'root')],
      },
      ask: write('lift/cmd', { priority: 7 }),
      is: 'priority-reserved lift/cmd',
    },
    {
      says: 'flat ignores the parent',
      organization: {
        roles: [{ id: 'top', name: 'Top', permissions: [] }, role({ parent: 'top' })],
        grants: [ben('r', 'root')],
      },
      ask: write('ahu1/sp'),
      is: 'permit',
    },
  ],
  'sites that are listed': [
    {
      says: 'without access nothing',
      organization: {
        model: { siteAccess: 'listed', roleHierarchy: 'flat', rolesPerUser: 'many' },
        grants: [ben('op', 'root')],
      },
      ask: write('ahu1/sp'),
      is: 'no-site-access ahu1/sp',
    },
    {
      says: 'with it, where it is',
      organization: {
        model: { siteAccess: 'listed', roleHierarchy: 'flat', rolesPerUser: 'many' },
        grants: [ben('op', 'root')],
        access: [{ to: 'user:ben', at: ['ahu1'] }],
      },
      ask: write('ahu1/sp'),
      is: 'permit',
    },
    {
      says: 'organization actions need none',
      organization: {
        model: { siteAccess: 'listed', roleHierarchy: 'flat', rolesPerUser: 'many' },
        grants: [inline(['user.view'], 'root')],
      },
      ask: ask('user.view', []),
      is: 'permit',
    },
    {
      says: 'anywhere: a grant that counts nowhere is not held (closed)',
      organization: {
        model: { siteAccess: 'listed', roleHierarchy: 'flat', rolesPerUser: 'many' },
        grants: [inline(['deviceConfig.read'], 'hq')],
        access: [{ to: 'user:ben', at: ['annex'] }],
      },
      ask: ask('deviceConfig.read', []),
      is: 'no-site-access root',
    },
    {
      says: 'anywhere: enough to hold it somewhere',
      organization: {
        model: { siteAccess: 'listed', roleHierarchy: 'flat', rolesPerUser: 'many' },
        grants: [inline(['deviceConfig.read'], 'hq')],
        access: [{ to: 'user:ben', at: ['ahu1'] }],
      },
      ask: ask('deviceConfig.read', ['lift']),
      is: 'permit',
    },
  ],
});
