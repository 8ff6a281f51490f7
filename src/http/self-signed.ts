// A certificate for the page where the site has given none: made at the first start, kept, and made anew a month before it ends.

import 'reflect-metadata';
import { randomBytes, webcrypto } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';

const KEY = { name: 'ECDSA', namedCurve: 'P-256' } as const;
const SIGNATURE = { name: 'ECDSA', hash: 'SHA-256' } as const;
const DAY_MS = 86_400_000;
/** Browsers take no longer ones (CA/Browser Forum, 398 days). */
const VALID_DAYS = 397;
const RENEW_DAYS = 30;

export interface CertificatePair {
  readonly certificate: string;
  readonly key: string;
}

/** The pair in `folder`, for every address of this machine and the names given. */
export async function selfSigned(folder: string, names: readonly string[], now: number): Promise<CertificatePair> {
  const files = { certificate: join(folder, 'http.pem'), key: join(folder, 'http.key') };
  if (existsSync(files.certificate) && existsSync(files.key)) {
    const certificate = readFileSync(files.certificate, 'utf8');
    const { notAfter } = new x509.X509Certificate(certificate);
    if (notAfter.getTime() - now > RENEW_DAYS * DAY_MS) return { certificate, key: readFileSync(files.key, 'utf8') };
  }
  const made = await make(names, now);
  mkdirSync(folder, { recursive: true, mode: 0o750 });
  for (const part of ['key', 'certificate'] as const) {
    writeFileSync(`${files[part]}.new`, made[part], { mode: part === 'key' ? 0o600 : 0o644 });
    renameSync(`${files[part]}.new`, files[part]);
  }
  return made;
}

async function make(names: readonly string[], now: number): Promise<CertificatePair> {
  const keys = (await webcrypto.subtle.generateKey(KEY, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair;
  const addresses = Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address));
  const hosts = new Set(['localhost', ...names, ...addresses.map((address) => address.split('%')[0] ?? address)]);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: `4${randomBytes(15).toString('hex')}0`,
    name: [{ CN: [names[0] ?? 'gatehouse'] }],
    notBefore: new Date(now - DAY_MS),
    notAfter: new Date(now + VALID_DAYS * DAY_MS),
    signingAlgorithm: SIGNATURE,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension(['1.3.6.1.5.5.7.3.1'], false),
      new x509.SubjectAlternativeNameExtension(
        [...hosts].map((value): x509.JsonGeneralName => ({ type: isIP(value) === 0 ? 'dns' : 'ip', value })),
        false,
      ),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  const key = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  return {
    certificate: `${certificate.toString('pem')}\n`,
    key: `${x509.PemConverter.encode(key, 'PRIVATE KEY')}\n`,
  };
}
