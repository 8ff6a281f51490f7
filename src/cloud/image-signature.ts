// The manifest of a firmware image: a compact JWS by a key that the policy in force names in `keys.images`.
// Invariant: the keys are those given at this moment; a key that was withdrawn opens nothing any more.

import { type CryptoKey, calculateJwkThumbprint, importJWK } from 'jose';
import type { ImageFault } from '../contract/images.ts';
import { fail, ok, type Result } from '../model/result.ts';
import { openCompact, parseJsonBytes } from './signed-text.ts';

export const IMAGE_TYP = 'gatehouse.image+jws';

/** `keys` are JWKs. Its payload, whatever that is, and the id of the key that signed: the key's `kid`, else its thumbprint (RFC 7638). */
export async function openImageManifest(
  jws: string,
  keys: readonly { readonly [name: string]: unknown }[],
): Promise<Result<{ readonly payload: unknown; readonly key: string }, ImageFault>> {
  const known = new Map<string, CryptoKey>();
  for (const { kty, crv, x, kid } of keys) {
    if (kty !== 'OKP' || crv !== 'Ed25519' || typeof x !== 'string') continue;
    try {
      const key = await importJWK({ kty, crv, x }, 'EdDSA');
      if (!(key instanceof Uint8Array))
        known.set(typeof kid === 'string' ? kid : await calculateJwkThumbprint({ kty, crv, x }), key);
    } catch {
      // No key of this curve: it opens nothing.
    }
  }
  let asked: string | undefined;
  const opened = await openCompact(jws, IMAGE_TYP, (kid) => {
    asked = kid;
    return known.get(kid);
  });
  if (!opened.ok) {
    if (asked === undefined || known.has(asked)) return fail({ code: 'image-unsigned', text: `got ${opened.fault}` });
    const text = `signed by key \`${asked}\`, expected one that the policy in force names in \`keys.images\``;
    return fail({ code: 'image-key-unknown', text });
  }
  const json = parseJsonBytes(opened.value.payload);
  if (!json.ok) return fail({ code: 'image-malformed', text: 'got a manifest that is not UTF-8 JSON' });
  return ok({ payload: json.value, key: opened.value.kid });
}
