// POLICY.md, The decision: a row a sentence. Who holds a grant: groups, people of a provider, links; whose words count.
// Where the text is silent the row says which closed reading was taken.

import { ask, ben, inline, provider, role, testRows, withSecond, write } from './asking.ts';

testRows({
  'who holds what': [
    {
      says: 'everyone is for applications too',
      organization: { groups: [{ id: 'e', everyone: true }], grants: [{ to: 'group:e', role: 'viewer', at: 'root' }] },
      ask: { principal: 'optimizer', action: 'point.read', targets: ['ahu1/sp'] },
      is: 'permit',
    },
    {
      says: 'but not for those at home elsewhere',
      document: withSecond(
        { groups: [{ id: 'e', everyone: true }], grants: [{ to: 'group:e', role: 'viewer', at: 'root' }] },
        {},
      ),
      ask: { principal: 'ben', action: 'point.read', targets: ['fm'] },
      is: 'no-role fm',
    },
    {
      says: 'default groups are for the identity provider only',
      organization: { groups: [{ id: 'd', default: true }], grants: [{ to: 'group:d', role: 'viewer', at: 'root' }] },
      ask: ask('point.read', ['ahu1/sp']),
      is: 'no-role ahu1/sp',
    },
    {
      says: 'a user is no application of that name',
      organization: { grants: [{ to: 'application:optimizer', role: 'viewer', at: 'root' }] },
      ask: ask('point.read', ['ahu1/sp']),
      is: 'no-role ahu1/sp',
    },
    {
      says: 'a known user’s identity adds nothing',
      organization: { roles: [role({ default: true })] },
      ask: write('ahu1/sp', { identity: provider({ role: 'R' }) }),
      is: 'no-role ahu1/sp',
    },
    {
      says: 'only the role narrowed to counts',
      organization: { grants: [ben('op', 'root'), ben('viewer', 'root')] },
      ask: write('ahu1/sp', { narrowToRole: 'viewer' }),
      is: 'no-permission ahu1/sp',
    },
    {
      says: 'narrowed to a role nobody has',
      organization: { grants: [ben('op', 'root'), inline(['point.read'], 'root')] },
      ask: write('ahu1/sp', { narrowToRole: 'gone' }),
      is: 'no-role ahu1/sp',
    },
    {
      says: 'narrowed to the role that permits',
      organization: { grants: [ben('op', 'root')] },
      ask: write('ahu1/sp', { narrowToRole: 'op' }),
      is: 'permit',
    },
  ],
  'the identity provider': [
    {
      says: 'speaks for its own organization only',
      organization: { roles: [role({ default: true })] },
      ask: write('ahu1/sp', { principal: 'fm:i#1', identity: provider() }),
      is: 'unknown-principal',
    },
    {
      says: 'of an organization nobody knows',
      ask: write('ahu1/sp', { principal: 'gone:i#1', identity: provider({ organization: 'gone' }) }),
      is: 'unknown-principal',
    },
    {
      says: 'needs an issuer',
      organization: { roles: [role({ default: true })] },
      ask: write('ahu1/sp', { principal: 'acme:#1', identity: provider() }),
      is: 'unknown-principal',
    },
    {
      says: 'needs a subject',
      organization: { roles: [role({ default: true })] },
      ask: write('ahu1/sp', { principal: 'acme:i#', identity: provider() }),
      is: 'unknown-principal',
    },
    {
      says: 'names match exactly',
      organization: { roles: [role({})] },
      ask: write('ahu1/sp', { principal: 'acme:i#1', identity: provider({ role: 'r' }) }),
      is: 'no-sign-in',
    },
    {
      says: 'two roles of one name match neither (closed)',
      organization: { roles: [role({}), { ...role({}), id: 'r2' }] },
      ask: write('ahu1/sp', { principal: 'acme:i#1', identity: provider({ role: 'R' }) }),
      is: 'no-sign-in',
    },
    {
      says: 'the role is granted at the root',
      organization: { roles: [role({})] },
      ask: write('lift/cmd', { principal: 'acme:i#1', identity: provider({ role: 'R' }) }),
      is: 'permit',
    },
    {
      says: 'everyone groups are theirs',
      organization: {
        roles: [role({ permissions: [], default: true })],
        groups: [{ id: 'e', everyone: true }],
        grants: [{ to: 'group:e', permissions: ['trend.view'], at: 'root' }],
      },
      ask: ask('trend.view', ['hq'], { principal: 'acme:i#1', identity: provider() }),
      is: 'permit',
    },
    {
      says: 'a group with a name is not matched by its id (closed)',
      organization: {
        roles: [role({ permissions: [], default: true })],
        groups: [{ id: 'g', name: 'G' }],
        grants: [{ to: 'group:g', permissions: ['trend.view'], at: 'root' }],
      },
      ask: ask('trend.view', ['hq'], { principal: 'acme:i#1', identity: provider({ groups: ['g'] }) }),
      is: 'no-permission hq',
    },
    {
      says: 'a group without one is',
      organization: {
        roles: [role({ permissions: [], default: true })],
        groups: [{ id: 'g' }],
        grants: [{ to: 'group:g', permissions: ['trend.view'], at: 'root' }],
      },
      ask: ask('trend.view', ['hq'], { principal: 'acme:i#1', identity: provider({ groups: ['g'] }) }),
      is: 'permit',
    },
    {
      says: 'an action without a target is judged at home',
      organization: { roles: [role({ permissions: ['user.view'], default: true })] },
      ask: ask('user.view', [], { principal: 'acme:i#1', identity: provider() }),
      is: 'permit',
    },
  ],
  links: [
    {
      says: 'what the link was granted',
      document: withSecond(
        { grants: [{ to: 'link:fm/tech', role: 'viewer', at: 'hq' }] },
        { grants: [{ to: 'user:ben', role: 'tech', at: 'fm' }] },
      ),
      ask: ask('point.read', ['ahu1/sp']),
      is: 'permit',
    },
    {
      says: 'the home role must be in force',
      document: withSecond(
        { grants: [{ to: 'link:fm/tech', role: 'viewer', at: 'hq' }] },
        { grants: [{ to: 'user:ben', role: 'tech', at: 'fm', until: '1970-01-01T00:00:00Z' }] },
      ),
      ask: ask('point.read', ['ahu1/sp']),
      is: 'no-role ahu1/sp',
    },
    {
      says: 'a link of a link does not travel',
      document: withSecond(
        {
          roles: [
            { id: 'boss', name: 'Boss', permissions: [] },
            { id: 'viewer', name: 'V', permissions: ['point.read'] },
          ],
          grants: [
            { to: 'user:ben', role: 'boss', at: 'root' },
            { to: 'link:fm/tech', role: 'viewer', at: 'hq' },
          ],
        },
        { grants: [{ to: 'link:acme/boss', role: 'tech', at: 'fm' }] },
      ),
      ask: ask('point.read', ['ahu1/sp']),
      is: 'no-permission ahu1/sp',
    },
    {
      says: 'what everybody has is no home role (closed)',
      document: withSecond(
        { grants: [{ to: 'link:fm/tech', role: 'op', at: 'hq' }] },
        { grants: [{ to: 'anyone', role: 'tech', at: 'fm' }] },
      ),
      ask: { ...write('ahu1/sp'), principal: null },
      is: 'no-role ahu1/sp',
    },
    {
      says: 'the provider’s role is one',
      document: withSecond({ grants: [{ to: 'link:fm/tech', role: 'viewer', at: 'hq' }] }, {}),
      ask: ask('point.read', ['ahu1/sp'], {
        principal: 'fm:i#1',
        identity: { organization: 'fm', groups: [], role: 'Tech' },
      }),
      is: 'permit',
    },
    {
      says: 'access by a link',
      document: withSecond(
        {
          model: { siteAccess: 'listed', roleHierarchy: 'flat', rolesPerUser: 'many' },
          access: [{ to: 'link:fm/tech', at: ['hq'] }],
          grants: [{ to: 'user:ben', role: 'viewer', at: 'root' }],
        },
        { grants: [{ to: 'user:ben', role: 'tech', at: 'fm' }] },
      ),
      ask: ask('point.read', ['ahu1/sp']),
      is: 'permit',
    },
    {
      says: 'access by a link whose role is over',
      document: withSecond(
        {
          model: { siteAccess: 'listed', roleHierarchy: 'flat', rolesPerUser: 'many' },
          access: [{ to: 'link:fm/tech', at: ['hq'] }],
          grants: [{ to: 'user:ben', role: 'viewer', at: 'root' }],
        },
        { grants: [{ to: 'user:ben', role: 'tech', at: 'fm', until: '1970-01-01T00:00:00Z' }] },
      ),
      ask: ask('point.read', ['ahu1/sp']),
      is: 'no-site-access ahu1/sp',
    },
  ],
  'the cloud’s own words': [
    {
      says: 'an action of its own with needs',
      organization: {
        permissions: [{ id: 'tune', level: 'site', needs: ['point.read'] }],
        grants: [inline(['tune', 'point.read'], 'hq')],
      },
      ask: ask('tune', ['ahu1/sp']),
      is: 'permit',
    },
    {
      says: 'unknown where it is not of that organization',
      document: withSecond({ permissions: [{ id: 'tune', level: 'site' }] }, {}),
      ask: ask('tune', ['fm']),
      is: 'unknown-action fm',
    },
    {
      says: 'without a target, where home does not know it',
      document: { ...withSecond({}, { permissions: [{ id: 'tune', level: 'organization' }] }) },
      ask: ask('tune', []),
      is: 'unknown-action',
    },
  ],
});
