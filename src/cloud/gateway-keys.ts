// The gateway's own keys: one signs heads of the journal, credentials are encrypted to the other.
// Invariants: 1. private keys stand in one file that only its owner may read, and nowhere else; 2. the file is whole or
// not there; 3. keys are made once: only an explicit replacement makes others.

import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, statSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { StartFault } from '../contract/driver.ts';
import { type GatewayKey, KEY_TYP } from './gateway-key-form.ts';
import type { TrustedRoot } from './root.ts';

const FILE = 'gateway-keys.json';

const privateKey = <Curve extends string>(crv: Curve) =>
  z.strictObject({ kty: z.literal('OKP'), crv: z.literal(crv), x: z.string(), d: z.string() });
const fileSchema = z.strictObject({
  format: z.literal('gatehouse.keys/1'),
  madeAt: z.iso.datetime(),
  signing: privateKey('Ed25519'),
  encryption: privateKey('X25519'),
});
type KeyFile = z.output<typeof fileSchema>;

export interface GatewayKeys {
  /** SHA-256 (hex) of both public keys: what people compare. */
  readonly fingerprint: string;
  readonly signingKid: string;
  readonly encryptionKid: string;
  /** Private: for the JWE of a credentials part only. */
  readonly encryption: KeyObject;
  /** A compact JWS by the signing key. */
  sign(payload: object, typ: string): string;
  /** The message `key`. */
  publicText(gateway: string, root: TrustedRoot): string;
}

/** RFC 7638: SHA-256 over the required members in order, base64url. */
function thumbprint(crv: string, x: string): string {
  return createHash('sha256')
    .update(JSON.stringify({ crv, kty: 'OKP', x }))
    .digest('base64url');
}

/** The keys of this data folder, made if there are none. @throws StartFault `gateway-keys` */
export function openGatewayKeys(folder: string, now: number): GatewayKeys {
  const file = join(folder, FILE);
  if (statSync(file, { throwIfNoEntry: false }) === undefined) writeKeyFile(file, newKeys(now));
  return keysOf(readKeyFile(file));
}

/** Other keys from now on; what was encrypted to those before cannot be read any more. @throws StartFault `gateway-keys` */
export function replaceGatewayKeys(folder: string, now: number): GatewayKeys {
  writeKeyFile(join(folder, FILE), newKeys(now));
  return openGatewayKeys(folder, now);
}

function newKeys(now: number): KeyFile {
  const jwk = (key: KeyObject): unknown => key.export({ format: 'jwk' });
  return fileSchema.parse({
    format: 'gatehouse.keys/1',
    madeAt: new Date(now).toISOString(),
    signing: jwk(generateKeyPairSync('ed25519').privateKey),
    encryption: jwk(generateKeyPairSync('x25519').privateKey),
  });
}

function writeKeyFile(file: string, keys: KeyFile): void {
  const beside = `${file}.new`;
  try {
    const handle = openSync(beside, 'w', 0o600);
    try {
      writeSync(handle, JSON.stringify(keys));
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    renameSync(beside, file);
    const folder = openSync(dirname(file), 'r');
    try {
      fsyncSync(folder);
    } finally {
      closeSync(folder);
    }
  } catch (error) {
    throw new StartFault('gateway-keys', `cannot write the gateway’s keys to \`${file}\`: ${(error as Error).message}`);
  }
}

function readKeyFile(file: string): KeyFile {
  const wrong = (why: string) =>
    new StartFault('gateway-keys', `the gateway’s keys in \`${file}\` cannot be used: ${why}`);
  let text: string;
  try {
    const mode = statSync(file).mode & 0o777;
    if ((mode & 0o077) !== 0) throw wrong(`got mode \`${mode.toString(8)}\`, expected \`600\``);
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw error instanceof StartFault ? error : wrong((error as Error).message);
  }
  try {
    return fileSchema.parse(JSON.parse(text));
  } catch {
    // What was found is not said: it holds secrets.
    throw wrong('got something else, expected `gatehouse.keys/1`');
  }
}

function keysOf({ signing, encryption, madeAt }: KeyFile): GatewayKeys {
  const signingKey = createPrivateKey({ key: { ...signing }, format: 'jwk' });
  const encryptionKey = createPrivateKey({ key: { ...encryption }, format: 'jwk' });
  // From the private half, so that a public half that does not belong to it is never shown.
  const publicHalf = (key: KeyObject): string => String(createPublicKey(key).export({ format: 'jwk' }).x);
  const [signingX, encryptionX] = [publicHalf(signingKey), publicHalf(encryptionKey)];
  const signingKid = thumbprint('Ed25519', signingX);
  const encryptionKid = thumbprint('X25519', encryptionX);
  const signText = (payload: object, typ: string): string => {
    const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const text = `${encode({ alg: 'EdDSA', kid: signingKid, typ })}.${encode(payload)}`;
    return `${text}.${sign(null, Buffer.from(text), signingKey).toString('base64url')}`;
  };
  return {
    fingerprint: createHash('sha256').update(`${signingX}.${encryptionX}`).digest('hex'),
    signingKid,
    encryptionKid,
    encryption: encryptionKey,
    sign: signText,
    publicText(gateway, { fingerprint, document }) {
      const payload: GatewayKey = {
        format: 'gatehouse.key/1',
        gateway,
        signing: { kty: 'OKP', crv: 'Ed25519', x: signingX, kid: signingKid, use: 'sig' },
        encryption: { kty: 'OKP', crv: 'X25519', x: encryptionX, kid: encryptionKid, use: 'enc' },
        root: { fingerprint, version: document.version },
        madeAt,
      };
      return signText(payload, KEY_TYP);
    },
  };
}
