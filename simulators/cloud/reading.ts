// The cloud's eye: signed messages of gateways, read with node:crypto alone. Nothing of an unverified payload is given out.

import { createHash, createPublicKey, verify } from 'node:crypto';

/** Public part of an Ed25519 key. */
export interface PublicKey {
  readonly kty: 'OKP';
  readonly crv: 'Ed25519';
  readonly x: string;
}

function decode(segment: string): unknown {
  return JSON.parse(Buffer.from(segment, 'base64url').toString('utf8'));
}

/** Whether this key made this signature over `header.payload`. */
export function isSignedBy(header: string, payload: string, signature: string, { kty, crv, x }: PublicKey): boolean {
  const key = createPublicKey({ key: { kty, crv, x }, format: 'jwk' });
  return verify(null, Buffer.from(`${header}.${payload}`), key, Buffer.from(signature, 'base64url'));
}

/** The header of a compact JWS, unverified: whose key to look for. Throws where the text is none. */
function headerOf(text: string): { readonly alg?: unknown; readonly kid?: unknown; readonly typ?: unknown } {
  const segments = text.split('.');
  if (segments.length !== 3) throw new Error('got text that is not a compact JWS');
  return decode(segments[0] ?? '') as { alg?: unknown; kid?: unknown; typ?: unknown };
}

/** A compact JWS → its payload. Throws where it is not of this type, or not signed by this key. */
export function openSigned(text: string, typ: string, key: PublicKey): unknown {
  const header = headerOf(text);
  if (header.alg !== 'EdDSA' || header.typ !== typ) {
    throw new Error(`got a JWS of type \`${String(header.typ)}\`, expected \`${typ}\``);
  }
  const [head = '', payload = '', signature = ''] = text.split('.');
  if (!isSignedBy(head, payload, signature, key)) throw new Error(`got a \`${typ}\` that its key did not sign`);
  return decode(payload);
}

/** RFC 7638, SHA-256, base64url. */
export function thumbprint({
  crv,
  kty,
  x,
}: {
  readonly crv: string;
  readonly kty: string;
  readonly x: string;
}): string {
  return createHash('sha256').update(JSON.stringify({ crv, kty, x })).digest('base64url');
}

/** Message `key`: what a gateway says of its own keys. */
export interface GatewayKeys {
  readonly gateway: string;
  readonly signing: PublicKey & { readonly kid: string };
  readonly encryption: { readonly kty: 'OKP'; readonly crv: 'X25519'; readonly x: string; readonly kid: string };
  /** The root it trusts. */
  readonly root: { readonly fingerprint: string; readonly version: number };
  readonly madeAt: string;
}

/** Reads message `key`: signed by the very key in it. Whose key that is, only a person who was at the box can say. */
export function readGatewayKeys(text: string, gateway: string): GatewayKeys {
  const claimed = decode(text.split('.')[1] ?? '') as Partial<GatewayKeys> | null;
  if (!claimed?.signing || !claimed.encryption) throw new Error('got a `key` without keys');
  const keys = openSigned(text, 'gatehouse.key+jws', claimed.signing) as GatewayKeys;
  if (keys.gateway !== gateway) throw new Error(`got the keys of \`${keys.gateway}\`, expected \`${gateway}\``);
  for (const key of [keys.signing, keys.encryption]) {
    if (key.kid !== thumbprint(key)) throw new Error(`got a key named \`${key.kid}\`, which is not its thumbprint`);
  }
  return keys;
}
