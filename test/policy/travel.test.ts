// How a policy travels: the parts it comes in, the fast channel of locks, the way from a worker to the main thread.

import { describe, expect, it } from 'vitest';
import { targetHandle } from '../../src/model/ids.ts';
import { compileInventory, compileRights, headerOf, snapshotOf } from '../../src/policy/compile.ts';
import { decide } from '../../src/policy/decide.ts';
import { type FastLock, withLocks } from '../../src/policy/lock.ts';
import { type BundlePart, mergeParts } from '../../src/policy/parts.ts';
import type { PolicySnapshot } from '../../src/policy/rights.ts';
import { dehydrate, dehydrateRights, hydrate } from '../../src/policy/transfer.ts';
import { parsed, siteBundle, snapshotFrom } from './scene.ts';

const grants = [
  { to: 'user:ben', role: 'op', at: 'hq' },
  { to: 'user:eve', role: 'r', at: 'root' },
];
const rich = siteBundle(
  {
    devices: [
      {
        id: 'ahu1',
        name: 'AHU 1',
        location: 'hq',
        tags: ['air'],
        vendor: 'Acme',
        model: 'X1',
        onRevoke: 'finish',
        firmware: { raw: 'permit' },
        facts: { floor: 3 },
        address: { bacnet: { network: 'plant', instance: 7 } },
      },
      { id: 'plain', name: 'Anläge 中', location: 'root' },
    ],
    points: [
      {
        id: 'ahu1/sp',
        name: 'Sollwert °',
        device: 'ahu1',
        class: 'set-point',
        facts: { sp: true, note: 'x' },
        unit: '°C',
        limits: { min: 14, max: 24, step: 0.5 },
        address: { object: 'analog-value,1' },
        involves: ['plain'],
      },
      { id: 'ahu1/fan', name: 'Fan', device: 'ahu1', class: 'command', readBeforeWrite: false },
      { id: 'ahu1/siren', name: 'Siren', device: 'ahu1', class: 'command', undo: true },
    ],
    filters: [
      { id: 'a', expression: 'sp and equipRef->floor == 3' },
      { id: 'b', names: 'ahu1/*', within: 'a' },
      { id: 'c', names: 'ahu1/sp' },
      { id: 'd', points: ['ahu1/fan'] },
    ],
    roles: [
      { id: 'op', name: 'Operator', permissions: ['point.write', 'point.read'] },
      { id: 'r', name: 'R', permissions: ['point.write', 'point.read'], filters: ['b', 'c'] },
      { id: 's', name: 'S', permissions: ['point.write', 'point.read'], filters: ['c', 'b'] },
      { id: 't', name: 'T', permissions: ['point.write', 'point.read'], filters: ['d'] },
    ],
    grants: [...grants, { to: 'user:ada', role: 't', at: 'hq' }],
  },
  {
    expiresAt: '2030-01-01T00:00:00Z',
    mode: 'observe',
    observeUntil: '1970-01-02T00:00:00Z',
    keys: { commands: [{ kty: 'OKP', crv: 'Ed25519', x: 'y' }] },
  },
);

const verdicts = (snapshot: PolicySnapshot): unknown[] =>
  ['ben', 'eve', 'ada'].map((principal) =>
    decide(snapshot, { principal, action: 'point.write', targets: ['ahu1/sp', 'ahu1/fan', 'plain'], at: 0 }),
  );

describe('the inventory', () => {
  const { inventory } = snapshotFrom(rich);
  const handle = (id: string) => inventory.find(id) ?? targetHandle(-1);

  it('gives back what the bundle said', () => {
    expect([inventory.deviceCount, inventory.pointCount]).toEqual([2, 3]);
    expect(inventory.device(handle('ahu1'))).toEqual({
      handle: handle('ahu1'),
      id: 'ahu1',
      name: 'AHU 1',
      vendor: 'Acme',
      model: 'X1',
      onRevoke: 'finish',
      rawFirmware: 'permit',
      address: { bacnet: { network: 'plant', instance: 7 } },
    });
    expect(inventory.device(handle('plain'))).toEqual({
      handle: handle('plain'),
      id: 'plain',
      name: 'Anläge 中',
      onRevoke: 'stop',
      rawFirmware: 'refuse',
    });
    expect([...inventory.points()]).toEqual([
      {
        handle: handle('ahu1/sp'),
        id: 'ahu1/sp',
        name: 'Sollwert °',
        device: handle('ahu1'),
        class: 'set-point',
        unit: '°C',
        limits: { min: 14, max: 24, step: 0.5 },
        address: { object: 'analog-value,1' },
        readBeforeWrite: true,
        undo: true,
      },
      {
        handle: handle('ahu1/fan'),
        id: 'ahu1/fan',
        name: 'Fan',
        device: handle('ahu1'),
        class: 'command',
        readBeforeWrite: false,
        undo: false,
      },
      {
        handle: handle('ahu1/siren'),
        id: 'ahu1/siren',
        name: 'Siren',
        device: handle('ahu1'),
        class: 'command',
        readBeforeWrite: true,
        undo: true,
      },
    ]);
    expect([...inventory.devices()].map(({ id }) => id)).toEqual(['ahu1', 'plain']);
  });

  it('knows paths, and nothing of what is not there', () => {
    expect(['root', 'annex', 'plain', 'ahu1/fan'].map((id) => inventory.pathOf(handle(id)))).toEqual([
      'organizations.0.locations.0',
      'organizations.0.locations.2',
      'organizations.0.devices.1',
      'organizations.0.points.1',
    ]);
    expect(inventory.find('gone')).toBeUndefined();
    expect(inventory.device(handle('ahu1/sp'))).toBeUndefined();
    expect(inventory.point(handle('ahu1'))).toBeUndefined();
    expect(inventory.point(targetHandle(99))).toBeUndefined();
    expect(inventory.idOf(targetHandle(99))).toBe('');
  });

  it('is found in, though empty', () => {
    expect(compileInventory([]).find('x')).toBeUndefined();
  });
});

describe('a change of rights', () => {
  it('keeps the inventory and the masks that did not change', () => {
    const { document } = parsed(rich);
    const inventory = compileInventory(document.organizations);
    const first = compileRights(inventory, document);
    const second = compileRights(inventory, document, first);
    expect([...second.masks.values()].every((mask, index) => mask === [...first.masks.values()][index])).toBe(true);
    const other = compileRights(compileInventory(document.organizations), document, first);
    expect([...other.masks.values()].some((mask, index) => mask === [...first.masks.values()][index])).toBe(false);
    expect(second.inventory).toBe(inventory);
  });
});

describe('between threads', () => {
  const { document } = parsed(rich);
  const inventory = compileInventory(document.organizations);
  const here = snapshotOf(inventory, compileRights(inventory, document), headerOf(document));
  const before = verdicts(here);
  let pauses = 0;
  const yieldNow = async (): Promise<void> => {
    pauses += 1;
  };

  it('a whole policy arrives as it left, its arrays moved, with pauses', async () => {
    const { data, transfer } = dehydrate(here, document);
    const there = await hydrate(structuredClone(data, { transfer: [...transfer] }), yieldNow);
    expect(verdicts(there)).toEqual(before);
    expect(there.header).toEqual(here.header);
    expect(inventory.data.kinds.length).toBe(0);
    expect(pauses).toBeGreaterThan(3);
    const changed = parsed({
      ...rich,
      revision: 8,
      users: rich.users.slice(0, 1),
      organizations: rich.organizations.map((of) => ({ ...of, grants: [] })),
    }).document;
    const next = await hydrate(structuredClone(dehydrateRights(changed, headerOf(changed))), yieldNow, there);
    expect(next.inventory).toBe(there.inventory);
    expect(next.header.revision).toBe(8);
    expect(decide(next, { principal: 'ben', action: 'point.read', targets: ['ahu1/sp'], at: 0 })).toMatchObject({
      reason: 'no-role',
    });
    expect(
      [...next.rights.masks.values()].every((mask, index) => mask === [...there.rights.masks.values()][index]),
    ).toBe(true);
  });

  it('rights alone need a policy to stand on', async () => {
    await expect(hydrate(dehydrateRights(document, headerOf(document)), yieldNow)).rejects.toThrow('an inventory');
  });
});

describe('locks of the fast channel', () => {
  const fm = {
    id: 'fm',
    name: 'FM',
    model: { siteAccess: 'all', roleHierarchy: 'flat', rolesPerUser: 'many' },
    locations: [{ id: 'fm', name: 'FM', kind: 'organization' }],
    roles: [{ id: 'tech', name: 'T', permissions: ['point.read'] }],
    grants: [{ to: 'user:ben', role: 'tech', at: 'fm' }],
  };
  const base = siteBundle({ groups: [{ id: 'g', members: ['ben'] }], grants });
  const snapshot = snapshotFrom({
    ...base,
    organizations: [
      ...siteBundle({
        groups: [{ id: 'g', members: ['ben'] }],
        roles: [
          ...(rich.organizations[0]?.roles ?? []).slice(0, 1),
          { id: 'r', name: 'R', permissions: ['point.read'] },
        ],
        grants,
      }).organizations,
      fm,
    ],
  });
  const read = (
    lock: Omit<FastLock, 'id' | 'why' | 'until'> & { until?: number },
    target: string,
    at = 0,
    principal = 'ben',
  ): string => {
    const locked = withLocks(snapshot, [{ id: 'fast', why: 'stop', until: 1000, ...lock }]);
    const decision = decide(locked, { principal, action: 'point.read', targets: [target], at });
    return decision.decision === 'permit' ? `permit until ${decision.validUntil}` : decision.reason;
  };

  it('on a principal bind in every organization, whatever organization they name', () => {
    expect(read({ principal: 'ben' }, 'ahu1/sp')).toBe('locked');
    expect(read({ principal: 'ben', organization: 'acme' }, 'fm')).toBe('locked');
    expect(read({ principal: 'eve' }, 'ahu1/sp')).toBe('permit until undefined');
  });

  it('on a group, a role or an action bind where they are meant', () => {
    expect(read({ group: 'g' }, 'ahu1/sp')).toBe('locked');
    expect(read({ group: 'g' }, 'fm')).toBe('permit until undefined');
    expect(read({ group: 'gone' }, 'ahu1/sp')).toBe('permit until undefined');
    expect(read({ role: 'tech', organization: 'fm' }, 'fm')).toBe('locked');
    expect(read({ role: 'tech', organization: 'acme' }, 'fm')).toBe('permit until undefined');
    expect(read({ role: 'r' }, 'ahu1/sp')).toBe('permit until undefined');
    expect(read({ action: 'point.read' }, 'ahu1/sp')).toBe('locked');
    expect(read({ action: 'point.write' }, 'ahu1/sp')).toBe('permit until 1000');
  });

  it('begin and end', () => {
    expect(read({ principal: 'ben', from: 500 }, 'ahu1/sp', 499)).toBe('permit until 500');
    expect(read({ principal: 'ben', from: 500 }, 'ahu1/sp', 500)).toBe('locked');
    expect(read({ principal: 'ben' }, 'ahu1/sp', 1000)).toBe('permit until undefined');
  });

  it('take the place of those before', () => {
    const twice = withLocks(withLocks(snapshot, [{ id: 'a', why: 'w', principal: 'ben', until: 9 }]), []);
    expect(decide(twice, { principal: 'ben', action: 'point.read', targets: ['ahu1/sp'], at: 0 }).decision).toBe(
      'permit',
    );
  });
});

describe('parts', () => {
  const { users, applications, organizations, ...header } = siteBundle({ grants: grants.slice(0, 1) });
  const [{ id, locations, devices, points, ...rights }] = organizations as [(typeof organizations)[0]];
  const parts: BundlePart[] = [
    { kind: 'inventory', organization: id, content: { locations, devices, points } },
    { kind: 'rights', organization: id, content: rights },
    { kind: 'people', content: { users, applications } },
    {
      kind: 'credentials',
      content: { users: [{ id: 'ben', password: '$scrypt$x' }], applications: [{ id: 'optimizer', tokens: ['t'] }] },
    },
  ];

  it('make the bundle they were cut from, secrets in their places', () => {
    const merged = mergeParts(header, parts);
    expect(merged.ok).toBe(true);
    const { document } = parsed(merged.ok ? merged.value : undefined);
    expect(document.users[0]).toMatchObject({ id: 'ben', password: '$scrypt$x' });
    expect(document.applications[0]).toMatchObject({ tokens: ['t'] });
    expect(document.organizations).toEqual(parsed(siteBundle({ grants: grants.slice(0, 1) })).document.organizations);
  });

  const pathsOf = (...extra: BundlePart[]): string[] => {
    const merged = mergeParts(header, [...parts, ...extra]);
    return merged.ok ? [] : merged.fault.map(({ path }) => path);
  };

  const rows: readonly [string, BundlePart, string][] = [
    ['is no object', { kind: 'people', content: [] }, 'parts.4'],
    ['names no organization', { kind: 'rights', content: {} }, 'parts.4.organization'],
    ['brings rights as inventory', { kind: 'inventory', organization: 'fm', content: { roles: [] } }, 'parts.4.roles'],
    [
      'brings an inventory as rights',
      { kind: 'rights', organization: 'fm', content: { points: [] } },
      'parts.4.points',
    ],
    ['brings a key again', { kind: 'inventory', organization: id, content: { points: [] } }, 'parts.4.points'],
    ['brings people again', { kind: 'people', content: { users: [] } }, 'parts.4.users'],
    ['brings something else as people', { kind: 'people', content: { organizations: [] } }, 'parts.4.organizations'],
    ['brings secrets of nobody', { kind: 'credentials', content: { users: [{ id: 'gone' }] } }, 'parts.4.users.0'],
    ['brings no secrets', { kind: 'credentials', content: { users: [7] } }, 'parts.4.users.0'],
    ['brings no list of secrets', { kind: 'credentials', content: { users: 7 } }, 'parts.4.users'],
    ['brings secrets of another kind', { kind: 'credentials', content: { groups: [] } }, 'parts.4.groups'],
    [
      'brings a secret twice',
      { kind: 'credentials', content: { users: [{ id: 'ben', password: 'x' }] } },
      'parts.4.users.0.password',
    ],
    [
      'brings a name as a secret',
      { kind: 'credentials', content: { users: [{ id: 'eve', disabled: false }] } },
      'parts.4.users.0.disabled',
    ],
  ];
  for (const [says, part, path] of rows) {
    it(`a part that ${says} is refused`, () => {
      expect(pathsOf(part)).toEqual([path]);
    });
  }

  it('secrets among people are refused, and never repeated', () => {
    const merged = mergeParts(header, [
      { kind: 'people', content: { users: [{ id: 'ben', password: 'hush' }], applications: 'none' } },
      { kind: 'credentials', content: { applications: [{ id: 'x' }] } },
    ]);
    expect(merged.ok ? [] : merged.fault.map(({ path }) => path)).toEqual([
      'parts.0.users.0.password',
      'parts.0.applications',
      'parts.1.applications.0',
    ]);
    expect(JSON.stringify(merged)).not.toContain('hush');
  });
});
