// POLICY.md, The decision: a row a sentence. What is asked: targets, time, channels.
// Where the text is silent the row says which closed reading was taken.

import { ask, ben, inline, provider, testRows, write } from './asking.ts';

testRows({
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
});
