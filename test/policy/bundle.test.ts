// Bundles: every fault named with its path, found and expected; what is accepted but said.

import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { parseBundle } from '../../src/policy/bundle.ts';
import { bundleSchema } from '../../src/policy/schema.ts';
import { parsed, siteBundle } from './scene.ts';

function pathsOf(bundle: unknown): string[] {
  const result = parseBundle(bundle);
  return result.ok ? [] : result.fault.map(({ path }) => path);
}

const O = 'organizations.0';
const role = (more: Record<string, unknown>) => ({ id: 'r', name: 'R', permissions: ['point.read'], ...more });
const grant = (more: Record<string, unknown>) => ({ to: 'user:ben', role: 'r', at: 'hq', ...more });
const places = [
  { id: 'root', name: 'Acme', kind: 'organization' },
  { id: 'hq', name: 'HQ', parent: 'root', kind: 'site' },
];
const device = { id: 'd', name: 'D', location: 'hq' };
const point = { id: 'd/p', name: 'P', device: 'd', class: 'sensor' };
const listed = { siteAccess: 'all', roleHierarchy: 'flat', rolesPerUser: 'many' };
const inventory = (more: Record<string, unknown>) => ({ locations: places, devices: [device], points: [], ...more });

interface Row {
  readonly says: string;
  readonly organization?: Record<string, unknown>;
  readonly document?: Record<string, unknown>;
  readonly path: string;
}

const ROWS: Record<string, readonly Row[]> = {
  header: [
    { says: 'no time zone', document: { issuedAt: '2026-11-22T08:00:00' }, path: 'issuedAt' },
    { says: 'observe without an end', document: { mode: 'observe' }, path: 'observeUntil' },
    {
      says: 'observe for more than 14 days',
      document: { mode: 'observe', observeUntil: '1970-01-15T00:00:01Z' },
      path: 'observeUntil',
    },
    { says: 'negative grace', document: { graceHours: -1 }, path: 'graceHours' },
    {
      says: 'a private key',
      document: { keys: { commands: [{ kty: 'OKP', d: 'secret' }] } },
      path: 'keys.commands.0.d',
    },
    { says: 'an unknown mode', document: { mode: 'maybe' }, path: 'mode' },
    { says: 'a negative revision', document: { revision: -1 }, path: 'revision' },
  ],
  people: [
    {
      says: 'a home that does not exist',
      document: { users: [{ id: 'u', name: 'U', home: 'gone' }] },
      path: 'users.0.home',
    },
    {
      says: 'one id for a user and an application',
      document: { applications: [{ id: 'ben', name: 'B', home: 'acme' }] },
      path: 'applications.0.id',
    },
    {
      says: 'a password that is no hash',
      document: { users: [{ id: 'u', name: 'U', home: 'acme', password: 'secret' }] },
      path: 'users.0.password',
    },
    {
      says: 'one login for two',
      document: {
        users: [
          { id: 'u', name: 'U', home: 'acme', login: 'x' },
          { id: 'v', name: 'V', home: 'acme', login: 'x' },
        ],
      },
      path: 'users.1.login',
    },
    {
      says: 'one certificate for two',
      document: {
        users: [{ id: 'u', name: 'U', home: 'acme', certificates: ['x'] }],
        applications: [{ id: 'v', name: 'V', home: 'acme', certificates: ['x'] }],
      },
      path: 'applications.0.certificates.0',
    },
    {
      says: 'one token for two',
      document: {
        applications: [
          { id: 'v', name: 'V', home: 'acme', tokens: ['x'] },
          { id: 'w', name: 'W', home: 'acme', tokens: ['x'] },
        ],
      },
      path: 'applications.1.tokens.0',
    },
  ],
  inventory: [
    { says: 'no location at all', organization: inventory({ locations: [], devices: [] }), path: `${O}.locations` },
    {
      says: 'a parent that does not exist',
      organization: inventory({ locations: [...places, { id: 'x', name: 'X', kind: 'floor', parent: 'gone' }] }),
      path: `${O}.locations.2.parent`,
    },
    {
      says: 'a device as a parent',
      organization: inventory({ locations: [...places, { id: 'x', name: 'X', kind: 'floor', parent: 'd' }] }),
      path: `${O}.locations.2.parent`,
    },
    {
      says: 'a location that does not exist',
      organization: inventory({ devices: [{ ...device, location: 'gone' }] }),
      path: `${O}.devices.0.location`,
    },
    {
      says: 'a slash in a device id',
      organization: inventory({ devices: [{ ...device, id: 'a/b' }] }),
      path: `${O}.devices.0.id`,
    },
    {
      says: 'a space in a point id',
      organization: inventory({ points: [{ ...point, id: 'a b' }] }),
      path: `${O}.points.0.id`,
    },
    {
      says: 'a device that does not exist',
      organization: inventory({ points: [{ ...point, device: 'hq' }] }),
      path: `${O}.points.0.device`,
    },
    {
      says: 'involves nothing',
      organization: inventory({ points: [{ ...point, involves: ['gone'] }] }),
      path: `${O}.points.0.involves.0`,
    },
    {
      says: 'involves a place',
      organization: inventory({ points: [{ ...point, involves: ['hq'] }] }),
      path: `${O}.points.0.involves.0`,
    },
    {
      says: 'a fact that refers to nothing',
      organization: inventory({ points: [{ ...point, facts: { a: { $ref: 'gone' } } }] }),
      path: `${O}.points.0.facts.a.$ref`,
    },
    {
      says: 'a device fact the engine owns',
      organization: inventory({ devices: [{ ...device, facts: { id: 'x' } }] }),
      path: `${O}.devices.0.facts.id`,
    },
    {
      says: 'a fact of no kind',
      organization: inventory({ points: [{ ...point, facts: { a: null } }] }),
      path: `${O}.points.0.facts.a`,
    },
    {
      says: 'a fact named __proto__',
      organization: inventory({ points: [{ ...point, facts: JSON.parse('{"__proto__": true}') }] }),
      path: `${O}.points.0.facts.__proto__`,
    },
    {
      says: 'two devices with one address',
      organization: inventory({
        devices: [
          { ...device, address: { modbus: { line: 'a', unit: 1 } } },
          { ...device, id: 'e', address: { modbus: { unit: 1, line: 'a' } } },
        ],
      }),
      path: `${O}.devices.1.address.modbus`,
    },
    {
      says: 'two points with one address',
      organization: inventory({
        points: [
          { ...point, address: { bits: [1, null] } },
          { ...point, id: 'q', address: { bits: [1, null] } },
        ],
      }),
      path: `${O}.points.1.address`,
    },
    {
      says: 'a step of nothing',
      organization: inventory({ points: [{ ...point, limits: { step: 0 } }] }),
      path: `${O}.points.0.limits.step`,
    },
    {
      says: 'a class nobody knows',
      organization: inventory({ points: [{ ...point, class: 'valve' }] }),
      path: `${O}.points.0.class`,
    },
    {
      says: 'the same organization twice',
      document: { organizations: [...siteBundle().organizations, ...siteBundle().organizations] },
      path: 'organizations.1.id',
    },
    { says: 'a slash in an organization id', organization: { id: 'a/b' }, path: `${O}.id` },
  ],
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
};

for (const [title, rows] of Object.entries(ROWS)) {
  describe(`faults of ${title}`, () => {
    for (const { says, organization, document, path } of rows) {
      it(`${says}: ${path}`, () => {
        expect(pathsOf(siteBundle(organization, document))).toContain(path);
      });
    }
  });
}

describe('a bundle', () => {
  it('is accepted where nothing is wrong', () => {
    expect(pathsOf(siteBundle())).toEqual([]);
  });

  it('may observe for 14 days', () => {
    expect(pathsOf(siteBundle({}, { mode: 'observe', observeUntil: '1970-01-15T00:00:00Z' }))).toEqual([]);
  });

  it('may give one role twice where one is permitted, and two to an application', () => {
    const organization = {
      model: { ...listed, rolesPerUser: 'one' },
      roles: [role({}), { ...role({}), id: 's' }],
      groups: [{ id: 'g', members: ['ben'] }],
      grants: [
        grant({}),
        grant({ to: 'group:g' }),
        grant({ to: 'anyone', role: 's' }),
        { to: 'user:ben', permissions: ['trend.view'], at: 'hq' },
      ],
    };
    expect(pathsOf(siteBundle(organization))).toEqual([]);
  });

  it('names every fault, unknown keys and dangling references together', () => {
    const bundle = siteBundle(
      { colour: 'red', roles: [role({ filters: ['gone'] })], grants: [grant({ at: 'gone' })] },
      { extra: 1 },
    );
    expect(pathsOf(bundle).sort()).toEqual(['extra', `${O}.colour`, `${O}.grants.0.at`, `${O}.roles.0.filters.0`]);
  });

  it('says what was found and what was expected', () => {
    const result = parseBundle(siteBundle({ grants: [grant({ role: 'op', at: 'gone' })] }));
    expect(result.ok ? [] : result.fault).toEqual([
      { path: `${O}.grants.0.at`, found: '`"gone"`', expected: 'a location, device or point of this organization' },
    ]);
  });

  for (const input of [null, undefined, 7, 'text', [], {}, new Map(), () => 1]) {
    it(`of the wrong kind is refused: ${typeof input} ${JSON.stringify(input)}`, () => {
      expect(parseBundle(input).ok).toBe(false);
    });
  }

  it('that cannot even be read is refused', () => {
    const bundle = Object.defineProperty(siteBundle(), 'users', {
      enumerable: true,
      get: () => {
        throw new Error('no');
      },
    });
    expect(parseBundle(bundle)).toMatchObject({ ok: false, fault: [{ path: '', found: 'Error: no' }] });
  });

  it('with values that cannot be copied is refused', () => {
    expect(pathsOf({ ...siteBundle(), extra: () => 1 })).toEqual(['extra']);
  });

  it('nested too deep, or in a circle, is refused without a crash', () => {
    let deep: unknown = 1;
    for (let i = 0; i < 50_000; i += 1) deep = [deep];
    expect(pathsOf({ ...siteBundle(), deep }).length).toBeGreaterThan(0);
    const circle: Record<string, unknown> = siteBundle();
    circle.self = circle;
    expect(pathsOf(circle).length).toBeGreaterThan(0);
  });

  it('has a JSON Schema', () => {
    expect(z.toJSONSchema(bundleSchema, { io: 'input' })).toMatchObject({
      type: 'object',
      additionalProperties: false,
      required: ['format', 'revision', 'issuedAt'],
    });
  });
});

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
