// POLICY.md, The decision: a row a sentence. Where the text is silent the row says which closed reading was taken.

import { describe, expect, it } from 'vitest';
import type { DecisionRequest } from '../../src/model/decision.ts';
import { decide } from '../../src/policy/decide.ts';
import type { PolicySnapshot } from '../../src/policy/rights.ts';
import { siteBundle, snapshotFrom } from './scene.ts';

type Asked = Partial<DecisionRequest> & Pick<DecisionRequest, 'principal' | 'action' | 'targets'>;

/** `permit`, or the reason with the denied target, where one was looked at. */
function answer(snapshot: PolicySnapshot, asked: Asked): string {
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

const ben = (role: string, at: string, more: Record<string, unknown> = {}) => ({ to: 'user:ben', role, at, ...more });
const inline = (permissions: string[], at: string, more: Record<string, unknown> = {}) => ({
  to: 'user:ben',
  permissions,
  at,
  ...more,
});
const write = (target: string, more: Partial<Asked> = {}): Asked => ({
  principal: 'ben',
  action: 'point.write',
  targets: [target],
  ...more,
});
const ask = (action: string, targets: string[], more: Partial<Asked> = {}): Asked => ({
  principal: 'ben',
  action,
  targets,
  ...more,
});
const role = (more: Record<string, unknown>) => ({
  id: 'r',
  name: 'R',
  permissions: ['point.write', 'point.read'],
  ...more,
});
const provider = (more: Record<string, unknown> = {}) => ({ organization: 'acme', groups: [], ...more });
const second = (changes: Record<string, unknown>) => ({
  id: 'fm',
  name: 'FM',
  model: { siteAccess: 'all', roleHierarchy: 'flat', rolesPerUser: 'many' },
  locations: [{ id: 'fm', name: 'FM', kind: 'organization' }],
  roles: [{ id: 'tech', name: 'Tech', permissions: ['point.read'] }],
  ...changes,
});

const withSecond = (acme: Record<string, unknown>, fm: Record<string, unknown>): Record<string, unknown> => ({
  ...siteBundle(acme),
  organizations: [...siteBundle(acme).organizations, second(fm)],
});

const ROWS: Record<string, readonly Row[]> = {
  'before any target': [
    { says: 'a principal nobody knows', ask: { ...write('ahu1/sp'), principal: 'nobody' }, is: 'unknown-principal' },
    {
      says: 'names of every object are nobody',
      ask: { ...write('ahu1/sp'), principal: '__proto__' },
      is: 'unknown-principal',
    },
    {
      says: 'a disabled user',
      document: { users: [{ id: 'ben', name: 'B', home: 'acme', disabled: true }] },
      ask: write('ahu1/sp'),
      is: 'unknown-principal',
    },
    {
      says: 'a disabled user with an identity',
      document: { users: [{ id: 'ben', name: 'B', home: 'acme', disabled: true }] },
      ask: write('ahu1/sp', { identity: provider() }),
      is: 'unknown-principal',
    },
    { says: 'an action nobody knows', ask: ask('point.erase', ['ahu1/sp']), is: 'unknown-action' },
    { says: 'constructor is no action', ask: ask('constructor', ['ahu1/sp']), is: 'unknown-action' },
    { says: 'a channel nobody knows', ask: write('ahu1/sp', { channel: 'pigeon' }), is: 'unknown-channel' },
    {
      says: 'all of none is not permission',
      organization: { grants: [ben('op', 'root')] },
      ask: ask('point.write', []),
      is: 'no-target',
    },
    {
      says: 'the principal is judged before the action',
      ask: { ...ask('nope', []), principal: 'nobody' },
      is: 'unknown-principal',
    },
    { says: 'nobody has no home organization', ask: { ...ask('user.view', []), principal: null }, is: 'no-target' },
  ],
  targets: [
    {
      says: 'every target counts, the first denied is marked',
      organization: { grants: [ben('op', 'hq')] },
      ask: ask('point.write', ['ahu1/sp', 'lift/cmd', 'gone']),
      is: 'out-of-scope lift/cmd',
    },
    {
      says: 'an unknown target',
      organization: { grants: [ben('op', 'root')] },
      ask: write('gone'),
      is: 'unknown-target gone',
    },
    {
      says: 'constructor is no target',
      organization: { grants: [ben('op', 'root')] },
      ask: write('constructor'),
      is: 'unknown-target constructor',
    },
    {
      says: 'at a location covers everything below',
      organization: { grants: [ben('op', 'root')] },
      ask: write('lift/cmd'),
      is: 'permit',
    },
    {
      says: 'at a device covers its points',
      organization: { grants: [ben('op', 'ahu1')] },
      ask: write('ahu1/fan'),
      is: 'permit',
    },
    {
      says: 'at a device does not cover its location',
      organization: { grants: [ben('viewer', 'ahu1')] },
      ask: ask('device.view', ['hq']),
      is: 'out-of-scope hq',
    },
    {
      says: 'at a point covers that point alone',
      organization: { grants: [ben('op', 'ahu1/fan')] },
      ask: write('ahu1/sp'),
      is: 'out-of-scope ahu1/sp',
    },
    {
      says: 'a changing action follows what the point involves, devices too',
      organization: { grants: [ben('op', 'hq')] },
      ask: write('ahu1/sched'),
      is: 'out-of-scope lift',
    },
    {
      says: 'one step only: what those involve is their own business',
      organization: { grants: [ben('op', 'ahu1/sched'), ben('op', 'vav1/sp'), ben('op', 'lift')] },
      ask: write('ahu1/sched'),
      is: 'permit',
    },
    {
      says: 'reading follows nothing',
      organization: { grants: [ben('viewer', 'hq')] },
      ask: ask('point.read', ['ahu1/sched']),
      is: 'permit',
    },
    {
      says: 'a place can be asked about',
      organization: { grants: [ben('op', 'root')] },
      ask: write('hq'),
      is: 'permit',
    },
  ],
  reasons: [
    { says: 'no grant at all', ask: write('ahu1/sp'), is: 'no-role ahu1/sp' },
    {
      says: 'a grant that is over is none',
      organization: { grants: [ben('op', 'root', { until: '1970-01-01T00:00:00Z' })] },
      ask: write('ahu1/sp'),
      is: 'no-role ahu1/sp',
    },
    {
      says: 'the furthest of all grants is said',
      organization: { grants: [ben('op', 'annex'), ben('viewer', 'hq')] },
      ask: write('ahu1/sp'),
      is: 'out-of-scope ahu1/sp',
    },
    {
      says: 'grants add up whatever their order',
      organization: { grants: [ben('viewer', 'hq'), ben('op', 'hq')] },
      ask: write('ahu1/sp'),
      is: 'permit',
    },
    {
      says: 'what it needs is judged on the same target',
      organization: {
        roles: [{ id: 'r', name: 'R', permissions: ['device.view', 'remote.access'] }],
        channels: { remote: ['remote.access'] },
        grants: [inline(['device.view'], 'root'), ben('r', 'annex')],
      },
      ask: ask('device.view', ['ahu1'], { channel: 'remote' }),
      is: 'out-of-scope ahu1',
    },
  ],
  time: [
    {
      says: 'from is inclusive',
      organization: { grants: [ben('op', 'root', { from: '1970-01-01T00:00:01Z' })] },
      ask: write('ahu1/sp', { at: 1000 }),
      is: 'permit',
    },
    {
      says: 'before it there is nothing',
      organization: { grants: [ben('op', 'root', { from: '1970-01-01T00:00:01Z' })] },
      ask: write('ahu1/sp', { at: 999 }),
      is: 'no-role ahu1/sp',
    },
    {
      says: 'until is exclusive',
      organization: { grants: [ben('op', 'root', { until: '1970-01-01T00:00:01Z' })] },
      ask: write('ahu1/sp', { at: 999 }),
      is: 'permit',
    },
    {
      says: 'at until it is over',
      organization: { grants: [ben('op', 'root', { until: '1970-01-01T00:00:01Z' })] },
      ask: write('ahu1/sp', { at: 1000 }),
      is: 'no-role ahu1/sp',
    },
    {
      says: 'offsets count',
      organization: { grants: [ben('op', 'root', { until: '1970-01-01T01:00:01+01:00' })] },
      ask: write('ahu1/sp', { at: 999 }),
      is: 'permit',
    },
    {
      says: 'time unsure: what ends does not count',
      organization: { grants: [ben('op', 'root', { until: '2970-01-01T00:00:00Z' })] },
      ask: write('ahu1/sp', { timeUnsure: true }),
      is: 'no-role ahu1/sp',
    },
    {
      says: 'time unsure: what does not end counts',
      organization: { grants: [ben('op', 'root')] },
      ask: write('ahu1/sp', { timeUnsure: true }),
      is: 'permit',
    },
    {
      says: 'time unsure: a lock that is over binds',
      organization: { grants: [ben('op', 'root')], locks: [{ id: 'l', why: 'w', until: '1960-01-01T00:00:00Z' }] },
      ask: write('ahu1/sp', { timeUnsure: true }),
      is: 'locked ahu1/sp',
    },
    {
      says: 'time sure: it does not',
      organization: { grants: [ben('op', 'root')], locks: [{ id: 'l', why: 'w', until: '1960-01-01T00:00:00Z' }] },
      ask: write('ahu1/sp'),
      is: 'permit',
    },
  ],
  channels: [
    {
      says: 'refused by tool is refused before the rights are looked at',
      ask: ask('firmware.update', ['ahu1'], { channel: 'tool' }),
      is: 'channel-restricted ahu1',
    },
    {
      says: 'an own list replaces the default',
      organization: { refusedByTool: [], grants: [inline(['firmware.update', 'device.view'], 'root')] },
      ask: ask('firmware.update', ['ahu1'], { channel: 'tool' }),
      is: 'permit',
    },
    {
      says: 'tls is no tool',
      organization: { grants: [inline(['firmware.update', 'device.view'], 'root')] },
      ask: ask('firmware.update', ['ahu1'], { channel: 'tls' }),
      is: 'permit',
    },
    {
      says: 'what the channel needs',
      organization: { channels: { remote: ['remote.access'] }, grants: [ben('op', 'root')] },
      ask: write('ahu1/sp', { channel: 'remote' }),
      is: 'no-permission ahu1/sp',
    },
    {
      says: 'another channel does not need it',
      organization: { channels: { remote: ['remote.access'] }, grants: [ben('op', 'root')] },
      ask: write('ahu1/sp', { channel: 'local' }),
      is: 'permit',
    },
  ],
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
};

for (const [title, rows] of Object.entries(ROWS)) {
  describe(title, () => {
    for (const row of rows) {
      it(`${row.says} → ${row.is}`, () => {
        expect(answer(snapshotFrom(siteBundle(row.organization, row.document)), row.ask)).toBe(row.is);
      });
    }
  });
}

describe('a decision carries', () => {
  const snapshot = snapshotFrom(
    siteBundle({
      grants: [
        ben('op', 'hq', { until: '1970-01-01T00:01:00Z' }),
        ben('op', 'annex', { from: '1970-01-01T00:00:30Z' }),
      ],
      locks: [{ id: 'belt', why: 'belt change', at: 'vav1', until: '1970-01-01T00:00:10Z' }],
    }),
  );

  it('the revision, the grant, and until when it holds', () => {
    expect(decide(snapshot, { principal: 'ben', action: 'point.write', targets: ['ahu1/sp'], at: 0 })).toEqual({
      decision: 'permit',
      revision: 7,
      verdicts: [{ target: 'ahu1/sp', permitted: true, grant: 'role op to user:ben at hq' }],
      validUntil: 10_000,
    });
  });

  it('the next moment after the last one that passed, and none when nothing changes any more', () => {
    const later = decide(snapshot, { principal: 'ben', action: 'point.write', targets: ['ahu1/sp'], at: 10_000 });
    expect(later.decision === 'permit' && later.validUntil).toBe(30_000);
    const never = decide(snapshot, { principal: 'ben', action: 'point.write', targets: ['lift/cmd'], at: 60_000 });
    expect('validUntil' in never).toBe(false);
    expect(never.decision).toBe('permit');
  });

  it('a reason for every target, the missing action, the lock', () => {
    const decision = decide(snapshot, {
      principal: 'ben',
      action: 'point.write',
      targets: ['ahu1/sp', 'vav1/sp', 'lift/cmd', 'gone'],
      at: 0,
    });
    expect(decision).toEqual({
      decision: 'deny',
      revision: 7,
      reason: 'locked',
      target: 'vav1/sp',
      verdicts: [
        { target: 'ahu1/sp', permitted: true, grant: 'role op to user:ben at hq' },
        { target: 'vav1/sp', permitted: false, reason: 'locked', missing: 'point.write', lock: 'belt' },
        { target: 'ahu1/fan', permitted: true, grant: 'role op to user:ben at hq' },
        { target: 'lift/cmd', permitted: false, reason: 'out-of-scope', missing: 'point.write' },
        { target: 'gone', permitted: false, reason: 'unknown-target', missing: 'point.write' },
      ].map((verdict) => (verdict.target === 'lift/cmd' ? { ...verdict, reason: 'out-of-scope' } : verdict)),
    });
  });
});
