// The cloud's pen: keys, the root file and signed messages, written from SYNC.md with node:crypto alone, so that the
// gateway's own reading of the formats is held to a second one.

import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

export interface SigningKey {
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly publicJwk: { readonly kty: 'OKP'; readonly crv: 'Ed25519'; readonly x: string };
}

function signingKey(kid: string, privateKey: KeyObject): SigningKey {
  const { x = '' } = createPublicKey(privateKey).export({ format: 'jwk' });
  return { kid, privateKey, publicJwk: { kty: 'OKP', crv: 'Ed25519', x } };
}

export function newSigningKey(kid: string): SigningKey {
  return signingKey(kid, generateKeyPairSync('ed25519').privateKey);
}

/** PKCS #8 PEM, to keep a key in a file. */
export function signingKeyPem(key: SigningKey): string {
  return key.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
}

export function signingKeyFromPem(kid: string, pem: string): SigningKey {
  return signingKey(kid, createPrivateKey(pem));
}

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

function signed(header: string, payload: string, key: SigningKey): string {
  return sign(null, Buffer.from(`${header}.${payload}`), key.privateKey).toString('base64url');
}

/** A compact JWS, EdDSA. `header` may override what a gateway expects, to see it refused. */
export function signCompact(payload: unknown, typ: string, key: SigningKey, header: object = {}): string {
  const head = encode({ alg: 'EdDSA', kid: key.kid, typ, ...header });
  const body = encode(payload);
  return `${head}.${body}.${signed(head, body, key)}`;
}

export const signManifest = (payload: unknown, key: SigningKey) => signCompact(payload, 'gatehouse.policy+jws', key);

export const signLocks = (payload: unknown, key: SigningKey) => signCompact(payload, 'gatehouse.locks+jws', key);

/** Who may sign what. Each list of keys is put into `keys` once. */
export interface RootPlan {
  readonly version?: number;
  readonly issuedAt: string;
  readonly expiresAt?: string;
  readonly root: readonly SigningKey[];
  /** How many of `root` must sign; default: 2, or all if there are fewer. */
  readonly threshold?: number;
  readonly policy: readonly SigningKey[];
  readonly locks?: readonly SigningKey[];
  readonly commands?: readonly SigningKey[];
  readonly audit?: readonly SigningKey[];
}

export function rootPayload(plan: RootPlan): object {
  const { root, policy, locks = [], commands = [], audit = [] } = plan;
  const role = (keys: readonly SigningKey[], threshold = 1) => ({ keys: keys.map(({ kid }) => kid), threshold });
  const all = [...root, ...policy, ...locks, ...commands, ...audit];
  return {
    format: 'gatehouse.root/1',
    version: plan.version ?? 1,
    issuedAt: plan.issuedAt,
    ...(plan.expiresAt === undefined ? {} : { expiresAt: plan.expiresAt }),
    keys: Object.fromEntries(all.map(({ kid, publicJwk }) => [kid, publicJwk])),
    roles: {
      root: role(root, plan.threshold ?? Math.min(2, root.length)),
      policy: role(policy),
      locks: role(locks),
      commands: role(commands),
      audit: role(audit),
    },
  };
}

/** The root file: a JWS in General JSON serialization. A later root is signed by the keys of the one before as well. */
export function signRoot(payload: object, signers: readonly SigningKey[]): string {
  const body = encode(payload);
  const signatures = signers.map((key) => {
    const head = encode({ alg: 'EdDSA', kid: key.kid, typ: 'gatehouse.root+jws' });
    return { protected: head, signature: signed(head, body, key) };
  });
  return JSON.stringify({ payload: body, signatures });
}
