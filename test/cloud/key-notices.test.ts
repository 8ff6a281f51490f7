// Keys of a policy that the root does not bear out: accepted, but said.

import { expect, it } from 'vitest';
import { keyNotices, policyKeyNames } from '../../src/cloud/key-notices.ts';
import { openManifest } from '../../src/cloud/manifest.ts';
import { KEYS, manifestOf, trustedRoot } from './road.ts';

const named = (...keys: readonly { x: string }[]) => ({
  keys: { commands: keys.map(({ x }) => ({ kty: 'OKP', crv: 'Ed25519', x })) },
});

it('a key for commands counts where root and policy both name it', async () => {
  const root = await trustedRoot();
  const text = manifestOf(1, [], named(KEYS.commands.publicJwk, KEYS.locks.publicJwk));
  const manifest = await openManifest(text.toString(), root);
  if (!manifest.ok) throw new Error(manifest.fault.code);
  expect(keyNotices(manifest.value, root)).toEqual([
    { path: 'keys.commands.1', text: 'without effect: the trusted root does not name it for commands' },
  ]);
  expect(policyKeyNames(manifest.value.payload, root)).toEqual(new Set(['commands-1']));
  expect(policyKeyNames({ keys: { images: [] } }, root)).toBeUndefined();
  expect(policyKeyNames({ keys: { commands: [] } }, root)).toEqual(new Set());
  expect(policyKeyNames(undefined, root)).toBeUndefined();
});
