// A reach mask has exactly the targets that `decide` permits one by one.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type TargetHandle, targetHandle } from '../../src/model/ids.ts';
import { hasBit } from '../../src/policy/bitset.ts';
import { decide } from '../../src/policy/decide.ts';
import { withLocks } from '../../src/policy/lock.ts';
import { type ReachRequest, reach } from '../../src/policy/reach.ts';
import type { PolicySnapshot } from '../../src/policy/rights.ts';
import { siteBundle, snapshotFrom } from './scene.ts';

const AT = ['root', 'hq', 'annex', 'ahu1', 'vav1', 'lift', 'ahu1/sp', 'lift/cmd'];
const WORDS = [
  'point.read',
  'device.view',
  'ticket.read',
  'trend.view',
  'remote.access',
  'tune',
  'audit',
  'roam',
  'point.write',
  'lifeSafety.operate',
  'user.view',
  'deviceConfig.read',
];
const PRINCIPALS = ['ben', 'eve', 'optimizer', 'nobody', null, 'acme:i#1'];
const ALL = [...WORDS.slice(0, 5), 'point.write', 'lifeSafety.operate', 'user.view', 'deviceConfig.read'];

const time = fc.constantFrom(undefined, null, '1970-01-01T00:00:01Z', '1970-01-01T00:00:02Z');
const place = fc.constantFrom(...AT);
const roleId = fc.constantFrom('r0', 'r1', 'r2');
const reading = fc.subarray([
  'point.read',
  'device.view',
  'ticket.read',
  'trend.view',
  'remote.access',
  'user.view',
  'deviceConfig.read',
]);
const to = fc.constantFrom(
  'user:ben',
  'user:eve',
  'application:optimizer',
  'group:g',
  'group:e',
  'anyone',
  'link:fm/tech',
);

const roleBody = fc.record(
  {
    permissions: fc.oneof(reading, fc.constant(ALL), fc.constant([...ALL, 'tune', 'audit', 'roam'])),
    tags: fc.subarray(['air', 'lifts', 'none']),
    untagged: fc.boolean(),
    expert: fc.boolean(),
    filters: fc.constantFrom(null, [], ['f']),
    default: fc.constant(false),
  },
  { requiredKeys: ['permissions'] },
);

const organization = fc.record({
  model: fc.record({
    siteAccess: fc.constantFrom('all', 'listed'),
    roleHierarchy: fc.constantFrom('flat', 'bounding'),
    rolesPerUser: fc.constant('many'),
  }),
  channels: fc.constantFrom(
    {},
    { remote: ['remote.access'] },
    { remote: ['lifeSafety.operate', 'point.write'], tls: ['user.view'] },
  ),
  refusedByTool: fc.constantFrom([], ['trend.view']),
  filters: fc.constant([{ id: 'f', names: 'ahu1/s*' }]),
  permissions: fc.constant([
    { id: 'tune', level: 'site', needs: ['point.write', 'point.read'] },
    { id: 'audit', level: 'organization' },
    { id: 'roam', level: 'site', needs: ['deviceConfig.read'] },
  ]),
  roles: fc
    .tuple(roleBody, roleBody, roleBody)
    .map((bodies) =>
      bodies.map((body, n) => ({ id: `r${n}`, name: `R${n}`, ...(n > 0 ? { parent: `r${n - 1}` } : {}), ...body })),
    ),
  groups: fc.constant([
    { id: 'g', members: ['ben'] },
    { id: 'e', everyone: true },
  ]),
  grants: fc.array(
    fc.oneof(
      fc.record({ to: to.filter((whom) => whom !== 'anyone'), role: roleId, at: place, from: time, until: time }),
      fc.record({ to, permissions: reading, at: place, from: time, until: time }),
    ),
    { maxLength: 5 },
  ),
  access: fc.array(fc.record({ to, at: fc.array(place, { maxLength: 2 }) }), { maxLength: 3 }),
  locks: fc
    .array(
      fc.record(
        {
          why: fc.constant('w'),
          principal: fc.constantFrom('ben', 'eve'),
          group: fc.constantFrom('g', 'e'),
          role: roleId,
          action: fc.constantFrom('point.read', 'trend.view'),
          at: place,
          from: time,
          until: time,
        },
        { requiredKeys: ['why'] },
      ),
      { maxLength: 2 },
    )
    .map((locks) => locks.map((lock, n) => ({ id: `l${n}`, ...lock }))),
});

const request: fc.Arbitrary<ReachRequest> = fc
  .record({
    principal: fc.constantFrom(...PRINCIPALS),
    action: fc.constantFrom(...WORDS),
    channel: fc.constantFrom(undefined, 'tool', 'remote', 'tls', 'pigeon'),
    narrowToRole: fc.constantFrom(undefined, undefined, 'r1', 'gone'),
    timeUnsure: fc.constantFrom(undefined, true),
    at: fc.constantFrom(0, 1000, 1999, 2000),
  })
  .map(({ principal, action, channel, narrowToRole, timeUnsure, at }) => ({
    principal,
    action,
    at,
    ...(channel === undefined ? {} : { channel }),
    ...(narrowToRole === undefined ? {} : { narrowToRole }),
    ...(timeUnsure === undefined ? {} : { timeUnsure }),
    ...(principal?.includes('#') === true ? { identity: { organization: 'acme', groups: ['g'], role: 'R0' } } : {}),
  }));

const FM = {
  id: 'fm',
  name: 'FM',
  model: { siteAccess: 'all', roleHierarchy: 'flat', rolesPerUser: 'many' },
  locations: [{ id: 'fm', name: 'FM', kind: 'organization' }],
  roles: [{ id: 'tech', name: 'Tech', permissions: ['point.read'] }],
  grants: [{ to: 'user:eve', role: 'tech', at: 'fm', until: '1970-01-01T00:00:02Z' }],
};

function handlesOf({ inventory }: PolicySnapshot): TargetHandle[] {
  return Array.from({ length: inventory.handleCount }, (_, handle) => targetHandle(handle));
}

describe('reach', () => {
  it('is decide for every target, where the action reads and is judged for each', () => {
    fc.assert(
      fc.property(organization, request, fc.boolean(), (changes, asked, fast) => {
        const bundle = siteBundle(changes);
        const plain = snapshotFrom({ ...bundle, organizations: [...bundle.organizations, FM] });
        const snapshot = fast ? withLocks(plain, [{ id: 'x', why: 'w', principal: 'ben', until: 2000 }]) : plain;
        const mask = reach(snapshot, asked);
        const reads = !['audit', 'point.write', 'lifeSafety.operate', 'user.view', 'deviceConfig.read'].includes(
          asked.action,
        );
        const permitted = (handle: TargetHandle): boolean =>
          decide(snapshot, { ...asked, targets: [snapshot.inventory.idOf(handle)] }).decision === 'permit';
        const expected = handlesOf(snapshot).filter((handle) => reads && permitted(handle));
        expect(handlesOf(snapshot).filter((handle) => hasBit(mask.mask, handle))).toEqual(expected);
        // Until the moment it names, it stays the same.
        if (mask.validUntil !== undefined) {
          expect(mask.validUntil).toBeGreaterThan(asked.at);
          expect(reach(snapshot, { ...asked, at: mask.validUntil - 1 }).mask).toEqual(mask.mask);
        } else if (asked.timeUnsure !== true) {
          expect(reach(snapshot, { ...asked, at: Number.MAX_SAFE_INTEGER }).mask).toEqual(mask.mask);
        }
      }),
      { numRuns: 1500 },
    );
  });
});
