// The form of `key`: a gateway's own public keys, a compact JWS (typ `gatehouse.key+jws`) signed by the very signing key
// it holds. Whoever enrols a gateway compares `fingerprint` with what `gatehouse enrol` showed.

import { z } from 'zod';

export const KEY_TYP = 'gatehouse.key+jws';
/** `protected` of the JWE that a credentials part is: General JSON serialization, one recipient a gateway, `header.kid` its encryption key. */
export const CREDENTIALS_TYP = 'gatehouse.credentials+jwe';
export const CREDENTIALS_ALG = 'ECDH-ES+A256KW';
export const CREDENTIALS_ENC = 'A256GCM';

/** `kid`: the key's RFC 7638 thumbprint (SHA-256, base64url). */
const publicKey = <Curve extends string, Use extends string>(crv: Curve, use: Use) =>
  z.strictObject({
    kty: z.literal('OKP'),
    crv: z.literal(crv),
    x: z.string().length(43),
    kid: z.string().length(43),
    use: z.literal(use),
  });

export const gatewayKeySchema = z.strictObject({
  format: z.literal('gatehouse.key/1'),
  gateway: z.string().min(1),
  /** Signs heads of journal batches. */
  signing: publicKey('Ed25519', 'sig'),
  /** Credentials are encrypted to it. */
  encryption: publicKey('X25519', 'enc'),
  /** The root this gateway trusts: SHA-256 (hex) of its payload, and its version. */
  root: z.strictObject({ fingerprint: z.string(), version: z.int() }),
  /** When the keys were made. */
  madeAt: z.iso.datetime(),
});

export type GatewayKey = z.output<typeof gatewayKeySchema>;
