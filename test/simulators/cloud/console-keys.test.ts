// Keys and the root file: signatures are collected one by one, and what a gateway would refuse never comes into force.

import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openRoot } from '../../../src/cloud/root.ts';
import { type ConsoleWords, consoleIn } from './console-words.ts';

let folder: string;
let home: string;
let cloud: ConsoleWords;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-keys-'));
  home = join(folder, 'console');
  cloud = consoleIn(home);
  expect((await cloud('init', '--broker', 'mqtt://127.0.0.1:1', '--expires', '365d')).exit).toBe(0);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const text = (name: string): Promise<string> => readFile(join(home, name), 'utf8');

async function trusted() {
  const root = await openRoot(await text('root.json'));
  if (!root.ok) throw new Error(JSON.stringify(root.fault));
  return root.value;
}

describe('a new console', () => {
  it('keeps its keys to itself, and is not made twice', async () => {
    for (const name of ['root-1', 'root-2', 'root-3', 'policy-1', 'locks-1', 'commands-1', 'audit-1']) {
      expect((await stat(join(home, 'keys', `${name}.pem`))).mode & 0o777).toBe(0o600);
    }
    expect((await stat(join(home, 'keys'))).mode & 0o777).toBe(0o700);
    const again = await cloud('init', '--broker', 'mqtt://127.0.0.1:1');
    expect([again.exit, again.err]).toEqual([2, `\`${home}\` holds a console already\n`]);
    expect((await consoleIn(join(folder, 'nowhere'))('root', 'show')).exit).toBe(2);
    expect((await consoleIn(join(folder, 'other'))('init', '--broker', 'http://x')).exit).toBe(2);
  });

  it('needs two of three root keys, and is then what a gateway trusts', async () => {
    expect((await cloud('root', 'show')).out).toContain('no root is signed yet');
    const first = await cloud('root', 'sign', '--key', 'root-3');
    expect(first.out).toContain('root version 1 lacks 1 of 2 signatures of version 1 (can sign: root-1, root-2)');
    expect((await cloud('root', 'sign', '--key', 'root-3')).out).toContain('lacks 1 of 2');
    expect((await cloud('root', 'push', 'site-1')).exit).toBe(2);
    const second = await cloud.json<{ complete: boolean; fingerprint: string }>(0, 'root', 'sign', '--key', 'root-1');
    const root = await trusted();
    expect(second).toMatchObject({ complete: true, fingerprint: root.fingerprint });
    expect(root.document.roles.root).toEqual({ keys: ['root-1', 'root-2', 'root-3'], threshold: 2 });
    expect(root.expiresAt).toBeGreaterThan(Date.now() + 364 * 86_400_000);
    expect((await cloud('root', 'sign', '--key', 'root-2')).err).toContain('nothing waits for a signature');
  });

  it('takes no signature of a key that is no root key', async () => {
    expect((await cloud('root', 'sign', '--key', 'policy-1')).err).toContain(
      'a root key of neither this root nor the one',
    );
    const shown = await cloud.json<{ inForce: unknown }>(0, 'root', 'show');
    expect(shown.inForce).toBeNull();
    expect((await cloud('root', 'sign', '--key', join(folder, 'none.pem'))).exit).toBe(2);
  });
});

describe('a root that changes', () => {
  beforeEach(async () => {
    await cloud('root', 'sign', '--key', 'root-1');
    await cloud('root', 'sign', '--key', 'root-2');
  });

  it('is signed by the threshold of the one before, which then vouches for it', async () => {
    const before = await trusted();
    expect((await cloud('key', 'rotate', 'policy')).out).toContain('`policy-2` takes the place of `policy-1`');
    expect((await trusted()).document.version).toBe(1);
    await cloud('root', 'sign', '--key', 'root-2');
    await cloud('root', 'sign', '--key', 'root-3');
    const after = await trusted();
    expect(after.document).toMatchObject({ version: 2, roles: { policy: { keys: ['policy-2'], threshold: 1 } } });
    expect(Object.keys(after.document.keys)).not.toContain('policy-1');
    expect(await before.vouchesFor(after.text)).toBe(true);
    expect(JSON.parse(await text('roots/1.json'))).toEqual(JSON.parse(before.text));
  });

  it('with other root keys needs both thresholds', async () => {
    await cloud('key', 'rotate', 'root', '--replace', 'root-1');
    await cloud('key', 'rotate', 'root', '--replace', 'root-2');
    await cloud('root', 'sign', '--key', 'root-4');
    const signed = await cloud('root', 'sign', '--key', 'root-5');
    expect(signed.out).toContain(
      'lacks 0 of 2 signatures of version 1, which it replaces (can sign: root-1, root-2, root-3)',
    );
    await cloud('root', 'sign', '--key', 'root-1');
    expect((await trusted()).document.version).toBe(1);
    await cloud('root', 'sign', '--key', 'root-2');
    expect((await trusted()).document).toMatchObject({
      version: 2,
      roles: { root: { keys: ['root-4', 'root-5', 'root-3'] } },
    });
  });

  it('forgets signatures that were given to another content', async () => {
    await cloud('key', 'new', 'commands', '--name', 'night-desk');
    await cloud('root', 'sign', '--key', 'root-1');
    await cloud('key', 'new', 'audit');
    expect((await cloud('root', 'sign', '--key', 'root-2')).out).toContain('lacks 1 of 2');
    await cloud('root', 'sign', '--key', 'root-3');
    expect((await trusted()).document.roles).toMatchObject({
      commands: { keys: ['commands-1', 'night-desk'] },
      audit: { keys: ['audit-1', 'audit-2'] },
    });
  });

  it('is signed on another machine, by somebody who has no console', async () => {
    const pem = join(folder, 'carol.pem');
    const made = await cloud('key', 'make', pem, '--name', 'carol');
    expect((await stat(pem)).mode & 0o777).toBe(0o600);
    const jwk = join(folder, 'carol.json');
    await writeFile(jwk, made.out);
    await cloud('key', 'rotate', 'root', '--name', 'carol', '--public', jwk);
    const copy = join(folder, 'draft.json');
    await cloud('root', 'export', '--out', copy);
    expect((await cloud('root', 'sign', '--key', pem, '--kid', 'carol', '--file', copy)).exit).toBe(0);
    await cloud('root', 'sign', '--key', 'root-1');
    expect((await cloud('root', 'merge', copy)).out).toContain('of version 1, which it replaces');
    expect((await cloud('root', 'sign', '--key', 'root-2')).out).toContain('root version 2 is in force');
    expect((await trusted()).document.roles.root.keys).toEqual(['root-1', 'root-2', 'carol']);
  });

  it('takes no private key for a public one, no copy of another draft, no key twice', async () => {
    const file = join(folder, 'secret.json');
    await writeFile(file, JSON.stringify({ kty: 'OKP', crv: 'Ed25519', x: 'A'.repeat(43), d: 'A' }));
    expect((await cloud('key', 'new', 'policy', '--public', file)).err).toContain('holds a private key');
    expect((await cloud('key', 'new', 'policy', '--name', 'locks-1')).err).toContain('names a key `locks-1` already');
    expect((await cloud('key', 'new', 'janitor')).err).toContain('expected one of root, policy');
    expect((await cloud('key', 'rotate', 'policy', '--replace', 'audit-1')).err).toContain('expected one of policy-1');
    await cloud('key', 'new', 'policy');
    const copy = join(folder, 'draft.json');
    await cloud('root', 'export', '--out', copy);
    await cloud('key', 'new', 'policy');
    expect((await cloud('root', 'merge', copy)).err).toMatch(/got signatures under `[0-9a-f]{64}`, expected/);
  });
});
