// The gateway's own keys, and secrets that only it can read.

import { createPublicKey, verify } from 'node:crypto';
import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { GeneralEncrypt, importJWK } from 'jose';
import { describe, expect, it } from 'vitest';
import { partOfBytes } from '../../simulators/cloud/bundle-parts.ts';
import { compileAndTest } from '../../src/cloud/compile-step.ts';
import { credentialsOpener } from '../../src/cloud/credentials.ts';
import { type GatewayKey, gatewayKeySchema } from '../../src/cloud/gateway-key-form.ts';
import { openGatewayKeys, replaceGatewayKeys } from '../../src/cloud/gateway-keys.ts';
import { openManifest } from '../../src/cloud/manifest.ts';
import { partsOf } from '../../src/cloud/policy-parts.ts';
import { temporaryFolder } from '../store/store-rig.ts';
import { compileInProcess } from './compile-in-process.ts';
import { manifestOf, trustedRoot } from './road.ts';
import { START } from './virtual-time.ts';

const FILE = 'gateway-keys.json';
const SECRET = '$scrypt$known-to-nobody-else';

async function publicKeyOf(folder: string): Promise<GatewayKey> {
  const [, payload = ''] = openGatewayKeys(folder, START)
    .publicText('site-12', await trustedRoot())
    .split('.');
  return gatewayKeySchema.parse(JSON.parse(Buffer.from(payload, 'base64url').toString()));
}

interface Sealing {
  readonly alg?: string;
  readonly enc?: string;
  readonly typ?: string;
}

/** As a cloud does it: one recipient for each gateway. */
async function seal(content: unknown, recipients: readonly GatewayKey[], change: Sealing = {}): Promise<Buffer> {
  const { alg = 'ECDH-ES+A256KW', enc = 'A256GCM', typ = 'gatehouse.credentials+jwe' } = change;
  const jwe = new GeneralEncrypt(Buffer.from(JSON.stringify(content))).setProtectedHeader({ enc, typ });
  for (const { encryption } of recipients) {
    const { kty, crv, x, kid } = encryption;
    jwe.addRecipient(await importJWK({ kty, crv, x }, alg)).setUnprotectedHeader({ kid, alg });
  }
  return Buffer.from(JSON.stringify(await jwe.encrypt()));
}

describe('the keys', () => {
  it('are made once, for the owner’s eyes only, and stay', async () => {
    const folder = temporaryFolder();
    const keys = openGatewayKeys(folder, START);
    expect(readdirSync(folder)).toEqual([FILE]);
    expect(statSync(join(folder, FILE)).mode & 0o777).toBe(0o600);
    expect(openGatewayKeys(folder, START + 1).fingerprint).toBe(keys.fingerprint);
    expect(replaceGatewayKeys(folder, START).fingerprint).not.toBe(keys.fingerprint);
  });

  it('are published without their private halves, signed by themselves', async () => {
    const folder = temporaryFolder();
    const keys = openGatewayKeys(folder, START);
    const text = keys.publicText('site-12', await trustedRoot());
    const [header = '', payload = '', signature = ''] = text.split('.');
    const { signing, encryption, root } = gatewayKeySchema.parse(
      JSON.parse(Buffer.from(payload, 'base64url').toString()),
    );
    const { kid, use, ...jwk } = signing;
    const key = createPublicKey({ key: jwk, format: 'jwk' });
    expect(verify(null, Buffer.from(`${header}.${payload}`), key, Buffer.from(signature, 'base64url'))).toBe(true);
    expect([kid, use, encryption.kid]).toEqual([keys.signingKid, 'sig', keys.encryptionKid]);
    expect(root).toMatchObject({ version: 1 });
    const { signing: own, encryption: ownToo } = JSON.parse(readFileSync(join(folder, FILE), 'utf8'));
    for (const { d } of [own, ownToo]) expect(Buffer.from(payload, 'base64url').toString()).not.toContain(d);
  });

  it.each<[string, (file: string) => void]>([
    ['others may read them', (file) => chmodSync(file, 0o640)],
    ['they are no keys', (file) => writeFileSync(file, '{"signing":{"d":"secret"}}')],
    ['they are no JSON', (file) => writeFileSync(file, 'secret')],
  ])('are not used, and not shown, where %s', (_what, spoil) => {
    const folder = temporaryFolder();
    openGatewayKeys(folder, START);
    spoil(join(folder, FILE));
    expect(() => openGatewayKeys(folder, START)).toThrow(expect.objectContaining({ code: 'gateway-keys' }));
    expect(() => openGatewayKeys(folder, START)).not.toThrow(/secret/);
  });

  it('that cannot be written stop the start', () => {
    expect(() => openGatewayKeys('/proc', START)).toThrow(expect.objectContaining({ code: 'gateway-keys' }));
  });
});

describe('credentials', () => {
  it('are read by each gateway they are for', async () => {
    const [mine, other] = [temporaryFolder(), temporaryFolder()];
    const bytes = await seal({ users: [{ id: 'ben', password: SECRET }] }, [
      await publicKeyOf(other),
      await publicKeyOf(mine),
    ]);
    for (const folder of [mine, other]) {
      const opened = await credentialsOpener(openGatewayKeys(folder, START))(bytes);
      expect(opened.ok && JSON.parse(Buffer.from(opened.value).toString())).toEqual({
        users: [{ id: 'ben', password: SECRET }],
      });
    }
    expect(bytes.toString()).not.toContain(SECRET);
  });

  it.each<[string, (mine: GatewayKey, other: GatewayKey) => Promise<Buffer>]>([
    ['to another key', (_mine, other) => seal({}, [other])],
    ['to other keys', (_mine, other) => seal({}, [other, other])],
    ['of another type', (mine) => seal({}, [mine, mine], { typ: 'JWT' })],
    ['by another cipher', (mine) => seal({}, [mine, mine], { enc: 'A128GCM' })],
    ['by another key agreement', (mine) => seal({}, [mine, mine], { alg: 'ECDH-ES+A128KW' })],
    ['readable', async () => Buffer.from(JSON.stringify({ users: [{ id: 'ben', password: SECRET }] }))],
    [
      'changed on the way',
      async (mine) => {
        const jwe = JSON.parse((await seal({ users: [] }, [mine, mine])).toString());
        return Buffer.from(JSON.stringify({ ...jwe, ciphertext: `${jwe.ciphertext.slice(0, -2)}AA` }));
      },
    ],
    ['no JSON', async () => Buffer.from(SECRET)],
  ])('are refused, and nothing of them is said: %s', async (_what, make) => {
    const [mine, other] = [temporaryFolder(), temporaryFolder()];
    const bytes = await make(await publicKeyOf(mine), await publicKeyOf(other));
    const opened = await credentialsOpener(openGatewayKeys(mine, START))(bytes);
    expect(opened).toMatchObject({ ok: false, fault: { code: 'credentials-unreadable' } });
    expect(JSON.stringify(opened)).not.toContain('scrypt');
  });

  const people = { users: [{ id: 'ben', name: 'Ben', home: 'acme' }], applications: [] };
  const rights = { name: 'Acme', model: { siteAccess: 'all', roleHierarchy: 'flat', rolesPerUser: 'many' } };
  const inventory = { locations: [{ id: 'root', name: 'Acme', kind: 'organization' }] };

  async function compile(credentials: Buffer, folder: string | undefined) {
    const parts = [
      partOfBytes('inventory', 'acme', Buffer.from(JSON.stringify(inventory))),
      partOfBytes('rights', 'acme', Buffer.from(JSON.stringify(rights))),
      partOfBytes('people', undefined, Buffer.from(JSON.stringify(people))),
      { ...partOfBytes('people', undefined, credentials), kind: 'credentials' as 'people' },
    ];
    const manifest = await openManifest(manifestOf(3, parts).toString(), await trustedRoot());
    if (!manifest.ok) throw new Error(JSON.stringify(manifest.fault));
    const bytes = new Map(parts.map((part) => [part.sha256, part.bytes]));
    const open = folder === undefined ? {} : { openCredentials: credentialsOpener(openGatewayKeys(folder, START)) };
    const steps = { compile: compileInProcess, selfTest: () => [], ...open };
    return compileAndTest(
      steps,
      manifest.value,
      partsOf(manifest.value, (hash) => bytes.get(hash)),
      undefined,
    );
  }

  it('reach the compiled policy, from parts whose hash is over what is encrypted', async () => {
    const folder = temporaryFolder();
    const compiled = await compile(
      await seal({ users: [{ id: 'ben', password: SECRET }] }, [await publicKeyOf(folder)]),
      folder,
    );
    expect(compiled.ok && compiled.value.snapshot.rights.people.get('ben')).toMatchObject({ password: SECRET });
  });

  it.each<[string, unknown, string]>([
    ['of nobody', { users: [{ id: 'gone', password: SECRET }] }, 'malformed'],
    ['under another name', { users: [{ id: 'ben', pasword: SECRET }] }, 'malformed'],
    ['no list', { users: SECRET }, 'malformed'],
    ['no hash', { users: [{ id: 'ben', password: SECRET.slice(1) }] }, 'refused-bundle'],
    ['no text', { users: [{ id: 'ben', password: [SECRET] }] }, 'refused-bundle'],
  ])('that do not fit are refused without a word of them: %s', async (_what, content, code) => {
    const folder = temporaryFolder();
    const refused = await compile(await seal(content, [await publicKeyOf(folder)]), folder);
    expect(refused).toMatchObject({ ok: false, fault: { code } });
    expect(JSON.stringify(refused)).not.toContain('known-to-nobody-else');
  });

  it('for another gateway, or where there is no key, refuse the policy at their place', async () => {
    const [mine, other] = [temporaryFolder(), temporaryFolder()];
    const bytes = await seal({ users: [] }, [await publicKeyOf(other)]);
    const fault = { code: 'credentials-unreadable', faults: [{ path: 'parts.3' }] };
    expect(await compile(bytes, mine)).toMatchObject({ ok: false, fault });
    expect(await compile(bytes, undefined)).toMatchObject({ ok: false, fault });
  });
});
