import { describe, expect, it } from 'vitest';
import { newSigningKey, rootPayload, signRoot } from '../../simulators/cloud/signing.ts';
import { installRoot, openRoot } from '../../src/cloud/root.ts';
import { MemoryDisk, openMemoryStore } from './memory-policy-store.ts';
import { KEYS, rootTextOf } from './road.ts';

const plan = { issuedAt: '2026-11-01T00:00:00Z', root: KEYS.root, policy: [KEYS.policy] };
const [one, two, three] = KEYS.root;

interface Payload {
  keys: Record<string, Record<string, unknown>>;
  roles: Record<string, { keys: string[]; threshold: number }>;
}

function changed(change: (payload: Payload) => void): string {
  const payload = structuredClone(rootPayload(plan)) as Payload;
  change(payload);
  return signRoot(payload, KEYS.root);
}

async function pathsOf(text: string): Promise<string[]> {
  const root = await openRoot(text);
  return root.ok ? [] : root.fault.map(({ path }) => path);
}

describe('the trusted root', () => {
  it('is opened with its threshold of keys and says who may sign what', async () => {
    const root = await openRoot(rootTextOf());
    if (!root.ok) throw new Error('expected a root');
    expect(root.value.document.version).toBe(1);
    expect(root.value.fingerprint).toMatch(/^[0-9a-f]{64}$/);
    expect(root.value.issuedAt).toBe(Date.parse('2026-11-01T00:00:00Z'));
    expect(root.value.keyFor('policy', 'policy-1')).toBeDefined();
    expect(root.value.keyFor('policy', 'commands-1')).toBeUndefined();
    expect(root.value.keyFor('audit', 'policy-1')).toBeUndefined();
  });

  it.each([
    ['one key of two', [one]],
    ['one key twice', [one, one]],
    ['a stranger beside one', [one, newSigningKey('root-2')]],
    ['a key of another role beside one', [one, KEYS.policy]],
  ])('refuses %s', async (_what, signers) => {
    expect(await pathsOf(signRoot(rootPayload(plan), signers))).toEqual(['signatures']);
  });

  it('does not count what is no signature', async () => {
    const text = JSON.parse(rootTextOf()) as {
      payload: string;
      signatures: { protected: string; signature: string }[];
    };
    const [first, second] = text.signatures;
    if (!first || !second) throw new Error('expected two signatures');
    const junk = [
      { ...first, signature: 'AA==' },
      { ...second, protected: 'e30' },
      { ...second, signature: first.signature },
    ];
    expect(await pathsOf(JSON.stringify({ ...text, signatures: [first, ...junk] }))).toEqual(['signatures']);
    expect(await pathsOf(JSON.stringify({ ...text, signatures: [...junk, first, second] }))).toEqual([]);
  });

  it.each<[string, (payload: Payload) => void, string]>([
    ['a private key', (root) => Object.assign(root.keys['policy-1'] ?? {}, { d: 'x' }), 'keys.policy-1.d'],
    ['another curve', (root) => Object.assign(root.keys['policy-1'] ?? {}, { crv: 'X25519' }), 'keys.policy-1.crv'],
    ['a short key', (root) => Object.assign(root.keys['policy-1'] ?? {}, { x: 'AAAA' }), 'keys.policy-1.x'],
    ['another name inside', (root) => Object.assign(root.keys['policy-1'] ?? {}, { kid: 'z' }), 'keys.policy-1.kid'],
    ['one key by two names', (root) => Object.assign(root.keys, { twin: root.keys['root-1'] }), 'keys.twin.x'],
    ['a key nobody has', (root) => root.roles.policy?.keys.push('ghost'), 'roles.policy.keys.1'],
    ['a key twice in a role', (root) => root.roles.root?.keys.push('root-1'), 'roles.root.keys.3'],
    [
      'a threshold out of reach',
      (root) => Object.assign(root.roles.root ?? {}, { threshold: 4 }),
      'roles.root.threshold',
    ],
    ['no key for policy', (root) => Object.assign(root.roles.policy ?? {}, { keys: [] }), 'roles.policy.threshold'],
    [
      'two keys for policy',
      (root) => Object.assign(root.roles.policy ?? {}, { threshold: 2 }),
      'roles.policy.threshold',
    ],
    ['a role less', (root) => Reflect.deleteProperty(root.roles, 'audit'), 'roles.audit'],
    ['an unknown key', (root) => Object.assign(root, { extra: 1 }), 'extra'],
    ['another format', (root) => Object.assign(root, { format: 'gatehouse.root/2' }), 'format'],
    ['no date', (root) => Object.assign(root, { issuedAt: 'yesterday' }), 'issuedAt'],
  ])('refuses %s', async (_what, change, path) => {
    expect(await pathsOf(changed(change))).toEqual([path]);
  });

  it.each([
    ['no JSON', 'root', ''],
    ['a compact JWS', '"a.b.c"', ''],
    ['no signatures', '{"payload":"e30","signatures":[]}', 'signatures'],
    [
      'a payload that is no JSON',
      JSON.stringify({ payload: 'AAAA', signatures: [{ protected: 'e30', signature: 'AA' }] }),
      'payload',
    ],
    ['too large a text', 'x'.repeat(98_305), ''],
  ])('refuses %s', async (_what, text, path) => {
    expect(await pathsOf(text)).toEqual([path]);
  });
});

describe('installing a root', () => {
  const next = [newSigningKey('next-1'), newSigningKey('next-2')] as const;
  const later = rootPayload({ ...plan, version: 2, root: next });

  it('stores the first one, and takes the same again', async () => {
    const disk = new MemoryDisk();
    expect(await installRoot(openMemoryStore(disk), rootTextOf())).toMatchObject({ ok: true });
    expect(disk.root).toBe(rootTextOf());
    expect(await installRoot(openMemoryStore(disk), rootTextOf())).toMatchObject({ ok: true });
  });

  it('takes a later one only with the threshold of the stored one and its own', async () => {
    const disk = new MemoryDisk();
    await installRoot(openMemoryStore(disk), rootTextOf());
    const refusals = [
      [later, [...next], 'signatures'],
      [later, [...next, one], 'signatures'],
      [later, [one, two, next[0]], 'signatures'],
      [rootPayload({ ...plan, version: 1, root: next }), [...next, one, two], 'version'],
    ] as const;
    for (const [payload, signers, path] of refusals) {
      expect(await installRoot(openMemoryStore(disk), signRoot(payload, signers))).toMatchObject({
        ok: false,
        fault: [{ path }],
      });
      expect(disk.root).toBe(rootTextOf());
    }
    const text = signRoot(later, [...next, two, three]);
    expect(await installRoot(openMemoryStore(disk), text)).toMatchObject({
      ok: true,
      value: { document: { version: 2 } },
    });
    expect(disk.root).toBe(text);
    // The file of the first installation still lies there: what replaced it stays.
    expect(await installRoot(openMemoryStore(disk), rootTextOf())).toMatchObject({
      ok: true,
      value: { document: { version: 2 } },
    });
    expect(disk.root).toBe(text);
  });

  it('refuses to go on from a stored root that does not hold', async () => {
    const disk = new MemoryDisk();
    disk.root = '{}';
    expect(await installRoot(openMemoryStore(disk), rootTextOf())).toMatchObject({ ok: false });
    expect(await installRoot(openMemoryStore(disk), 'x')).toMatchObject({ ok: false });
  });
});
