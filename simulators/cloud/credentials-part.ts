// Secrets on their way to one gateway: password hashes and tokens as a JWE to its own key, so that they never lie readable
// on a broker. Invariant: the same secrets to the same key are the same part again, so that a push stays a delta.

import { createHash } from 'node:crypto';
import { GeneralEncrypt, importJWK } from 'jose';
import { type BundleJson, type BundlePart, partOfBytes } from './bundle-parts.ts';
import type { GatewayKeys } from './reading.ts';

interface Secrets {
  readonly users: readonly { readonly id: string; readonly password: string }[];
  readonly applications: readonly { readonly id: string; readonly tokens: readonly string[] }[];
}

const listOf = (value: unknown): BundleJson[] => (Array.isArray(value) ? (value as BundleJson[]) : []);

/** What a bundle holds that must not travel readable. `passwords`: hashes by user that stand above the bundle's own. */
export function secretsOf(bundle: BundleJson, passwords: ReadonlyMap<string, string> = new Map()): Secrets {
  const users = listOf(bundle.users).flatMap(({ id, password }) => {
    const hash = passwords.get(String(id)) ?? password;
    return typeof hash === 'string' ? [{ id: String(id), password: hash }] : [];
  });
  const applications = listOf(bundle.applications).flatMap(({ id, tokens }) =>
    Array.isArray(tokens) && tokens.length > 0 ? [{ id: String(id), tokens: tokens.map(String) }] : [],
  );
  return { users, applications };
}

export const hasSecrets = ({ users, applications }: Secrets): boolean => users.length + applications.length > 0;

/** Tells one content to one key from another, without saying what it is. */
export function credentialsId(secrets: Secrets, { encryption }: Pick<GatewayKeys, 'encryption'>): string {
  return createHash('sha256')
    .update(`${encryption.kid}\n${JSON.stringify(secrets)}`)
    .digest('hex');
}

/** JWE in General JSON serialization: ECDH-ES+A256KW, A256GCM, one recipient. */
export async function encryptSecrets(
  secrets: Secrets,
  { encryption }: Pick<GatewayKeys, 'encryption'>,
): Promise<string> {
  const { kty, crv, x, kid } = encryption;
  const key = await importJWK({ kty, crv, x }, 'ECDH-ES+A256KW');
  const jwe = await new GeneralEncrypt(Buffer.from(JSON.stringify(secrets)))
    .setProtectedHeader({ alg: 'ECDH-ES+A256KW', enc: 'A256GCM', typ: 'gatehouse.credentials+jwe' })
    .addRecipient(key)
    .setUnprotectedHeader({ kid })
    .encrypt();
  return JSON.stringify(jwe);
}

export function credentialsPart(jwe: string): BundlePart {
  return partOfBytes('credentials', undefined, Buffer.from(jwe));
}
