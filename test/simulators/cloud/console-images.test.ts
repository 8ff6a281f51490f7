// `gatehouse-console image`: what it signs, the gateway's own reading takes; what it names in a policy, the kernel accepts.

import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { openImageManifest } from '../../../src/cloud/image-signature.ts';
import { parseImageManifest } from '../../../src/store/image-manifest.ts';
import { type ConsoleWords, consoleIn } from './console-words.ts';

let folder: string;
let cloud: ConsoleWords;
const octets = Buffer.from('an image of some octets');

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-images-'));
  cloud = consoleIn(join(folder, 'console'));
  expect((await cloud('init', '--broker', 'mqtt://127.0.0.1:1')).exit).toBe(0);
  await writeFile(join(folder, 'ahu.bin'), octets);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const sign = (...more: string[]) =>
  cloud('image', 'sign', join(folder, 'ahu.bin'), '--vendor', 'Acme', '--model', 'X1', '--version', '2.0', ...more);

describe('a signed image', () => {
  it('is what a gateway takes whose policy names the key', async () => {
    const jwk = await cloud.json<{ kid: string; x: string }>(0, 'image', 'key', 'vendor-1');
    expect(jwk).toMatchObject({ kty: 'OKP', crv: 'Ed25519', kid: 'vendor-1' });
    expect((await cloud('image', 'key', 'vendor-1')).out).toContain(jwk.x);
    const { exit, out } = await sign(
      '--key',
      'vendor-1',
      '--minimum-version',
      '1.4',
      '--permit-downgrade',
      '--notes',
      'q',
    );
    expect([exit, out]).toEqual([0, expect.stringContaining('signed by `vendor-1`: Acme X1 2.0, 23 octets, ')]);
    const manifest = (await readFile(join(folder, 'ahu.bin.manifest'), 'utf8')).trim();
    const opened = await openImageManifest(manifest, [{ ...jwk }]);
    expect(opened.ok && parseImageManifest(opened.value.payload)).toEqual({
      ok: true,
      value: {
        format: 'gatehouse.image/1',
        vendor: 'Acme',
        model: 'X1',
        version: '2.0',
        minimumVersion: '1.4',
        permitsDowngrade: true,
        notes: 'q',
        size: 23,
        sha256: createHash('sha256').update(octets).digest('hex'),
      },
    });
  });

  it('needs a key of this console, and octets', async () => {
    expect(await sign('--key', 'nobody')).toMatchObject({ exit: 2, err: expect.stringContaining('does not hold') });
    await cloud('image', 'key', 'vendor-1');
    await writeFile(join(folder, 'ahu.bin'), '');
    expect(await sign('--key', 'vendor-1')).toMatchObject({ exit: 2, err: expect.stringContaining('empty file') });
    await rm(join(folder, 'ahu.bin'));
    expect((await sign('--key', 'vendor-1')).exit).toBe(2);
  });
});

describe('a policy', () => {
  it('gets the public part, once, and keeps its comments and its other keys', async () => {
    const file = join(folder, 'site.yaml');
    await writeFile(file, '# of the north wing\nformat: gatehouse.policy/1\nkeys:\n  commands: [] # none\n');
    for (const name of ['vendor-1', 'vendor-2', 'vendor-1']) {
      expect((await cloud('image', 'key', name, '--policy', file)).exit).toBe(0);
    }
    const text = await readFile(file, 'utf8');
    expect(text).toContain('# of the north wing');
    expect(text).not.toContain('"d"');
    const { keys } = parse(text) as { keys: { commands: unknown[]; images: { kid: string }[] } };
    expect(keys.commands).toEqual([]);
    expect(keys.images.map(({ kid }) => kid)).toEqual(['vendor-2', 'vendor-1']);
  });

  it('may be JSON, and must be there', async () => {
    const file = join(folder, 'site.json');
    await writeFile(file, '{"format": "gatehouse.policy/1"}');
    await cloud('image', 'key', 'vendor-1', '--policy', file);
    expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ keys: { images: [{ kid: 'vendor-1' }] } });
    expect((await cloud('image', 'key', 'v', '--policy', join(folder, 'none.yaml'))).exit).toBe(2);
  });
});
