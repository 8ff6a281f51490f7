// Who may sign what: the console's own private keys, and the draft of the root file that names them. Invariant: a key
// signs for the gateways only once a root that names it was signed by enough root keys.

import { readFileSync } from 'node:fs';
import { badInput } from './console-exit.ts';
import type { ConsoleFolder } from './console-folder.ts';
import type { PublicKey } from './reading.ts';
import { ROLES, type Role, type RootDocument } from './root-file.ts';
import { newSigningKey, type SigningKey, signingKeyFromPem, signingKeyPem } from './signing.ts';

const KID = /^[A-Za-z0-9_.~-]{1,128}$/;
const pemOf = (kid: string): string => `keys/${kid}.pem`;

export function checkRole(text: string): Role {
  const role = ROLES.find((known) => known === text);
  if (!role) throw badInput(`got role \`${text}\`, expected one of ${ROLES.join(', ')}`);
  return role;
}

export function checkKid(text: string): string {
  if (!KID.test(text)) throw badInput(`got key name \`${text}\`, expected letters, digits and _ . ~ -`);
  return text;
}

/** Makes a private key in the folder. */
export function makeKey(folder: ConsoleFolder, kid: string): SigningKey {
  if (folder.has(pemOf(checkKid(kid)))) throw badInput(`there is a key \`${kid}\` already`);
  const key = newSigningKey(kid);
  folder.writeText(pemOf(kid), signingKeyPem(key));
  return key;
}

/** A private key of the folder; `undefined` where somebody else holds it. */
export function ownKey(folder: ConsoleFolder, kid: string): SigningKey | undefined {
  const pem = folder.readText(pemOf(kid));
  return pem === undefined ? undefined : signingKeyFromPem(kid, pem);
}

/** A public key from a file: a JWK, or PEM. */
export function publicKeyFrom(file: string): PublicKey {
  let found: unknown;
  try {
    found = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw badInput(`could not read \`${file}\`: ${error instanceof Error ? error.message : String(error)}`);
  }
  const { kty, crv, x, d } = (found ?? {}) as Record<string, unknown>;
  if (d !== undefined) throw badInput(`\`${file}\` holds a private key: only its public part belongs here`);
  if (kty !== 'OKP' || crv !== 'Ed25519' || typeof x !== 'string' || Buffer.from(x, 'base64url').length !== 32) {
    throw badInput(`got \`${file}\`, expected a public Ed25519 JWK \`{kty: OKP, crv: Ed25519, x}\``);
  }
  return { kty, crv, x };
}

/** A name that no key of the document has: `policy-2`. */
export function nextKid(role: Role, { keys }: RootDocument, folder: ConsoleFolder): string {
  let number = 1;
  while (Object.hasOwn(keys, `${role}-${number}`) || folder.has(pemOf(`${role}-${number}`))) number += 1;
  return `${role}-${number}`;
}

/** The key the root in force names for this role and the folder holds: the newest of them. */
export function keyFor(folder: ConsoleFolder, role: Role, root: RootDocument | undefined): SigningKey {
  if (!root) throw badInput('no root is signed yet: sign it with `gatehouse-console root sign`');
  for (const kid of [...root.roles[role].keys].reverse()) {
    const key = ownKey(folder, kid);
    if (key) return key;
  }
  throw badInput(`this console holds no key that root version ${root.version} names for ${role}`);
}
